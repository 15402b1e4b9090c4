-- The first rule that each pair breaks, of the rules that look at one pair at a time.
with verdicts as (
    select 1 as place, * from int_rule_format
    union all
    select 2 as place, * from int_rule_length
    union all
    select 3 as place, * from int_rule_image
    union all
    select 4 as place, * from int_rule_licence
    union all
    select 5 as place, * from int_rule_region_size
    union all
    select 6 as place, * from int_rule_options
    union all
    select 7 as place, * from int_rule_evidence
    union all
    select 8 as place, * from int_rule_contaminated
    union all
    select 9 as place, * from int_rule_region_text
    union all
    select 10 as place, * from int_rule_judge
    union all
    select 11 as place, * from int_rule_near_duplicate
)

select
    row,
    rule,
    score,
    threshold,
    model,
    detail
from verdicts
qualify row_number() over (partition by row order by place) = 1
