-- The first rule that each pair breaks, of those that look at the pair alone. What breaks none may stand for its copies.
with verdicts as (
    select 1 as place, * from int_rule_format
    union all
    select 2 as place, * from int_rule_length
    union all
    select 3 as place, * from int_rule_image
    union all
    select 4 as place, * from int_rule_licence
    union all
    select 5 as place, * from int_rule_safety
    union all
    select 6 as place, * from int_rule_region_size
    union all
    select 7 as place, * from int_rule_options
    union all
    select 8 as place, * from int_rule_evidence
    union all
    select 9 as place, * from int_rule_contaminated
    union all
    select 10 as place, * from int_rule_region_text
    union all
    select 11 as place, * from int_rule_judge
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
