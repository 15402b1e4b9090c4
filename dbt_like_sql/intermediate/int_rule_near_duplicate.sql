-- Rule `near_duplicate`: neither the question nor a picture that it is about is nearly another one, which is kept.
with asked as (
    select
        row,
        unnest(image_ids) as image_id
    from stg_raw_qa
),

found as (
    select
        stg_raw_qa.row,
        stg_duplicates.*
    from stg_raw_qa
    inner join stg_duplicates on stg_raw_qa.id = stg_duplicates.id and stg_duplicates.kind = 'question'
    union all
    select
        asked.row,
        stg_duplicates.*
    from asked
    inner join stg_duplicates on asked.image_id = stg_duplicates.id and stg_duplicates.kind = 'picture'
)

select
    row,
    'near_duplicate' as rule,
    distance as score,
    threshold,
    null::varchar as model,
    'the ' || kind || ' is nearly ' || other_id || ' (' || method || ')' as detail
from found
qualify row_number() over (partition by row order by kind, distance, method, other_id) = 1
