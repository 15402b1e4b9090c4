-- The first rule that each pair breaks, of the rules that look at one pair at a time.
with verdicts as (
    select 1 as place, * from int_rule_format
    union all
    select 2 as place, * from int_rule_length
    union all
    select 3 as place, * from int_rule_image
    union all
    select 4 as place, * from int_rule_region_size
    union all
    select 5 as place, * from int_rule_options
    union all
    select 6 as place, * from int_rule_evidence
)

select
    row,
    rule,
    score,
    threshold,
    detail
from verdicts
qualify row_number() over (partition by row order by place) = 1
