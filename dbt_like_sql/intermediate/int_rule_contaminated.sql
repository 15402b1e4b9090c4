-- Rule `contaminated`: neither the question nor a picture that it is about stands in a benchmark.
with asked as (
    select
        row,
        unnest(image_ids) as image_id
    from stg_raw_qa
),

found as (
    select
        stg_raw_qa.row,
        stg_contamination.*
    from stg_raw_qa
    inner join stg_contamination on stg_raw_qa.id = stg_contamination.id and stg_contamination.kind = 'question'
    union all
    select
        asked.row,
        stg_contamination.*
    from asked
    inner join stg_contamination on asked.image_id = stg_contamination.id and stg_contamination.kind = 'picture'
)

select
    row,
    'contaminated' as rule,
    score,
    threshold,
    null::varchar as model,
    'the ' || kind || ' stands in the benchmark ' || benchmark || ' (' || method || ')' as detail
from found
qualify row_number() over (partition by row order by score desc, kind, benchmark, method) = 1
