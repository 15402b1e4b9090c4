-- Rule `image`: every image that is asked about is known and usable.
with asked as (
    select
        row,
        unnest(case when coalesce(len(image_ids), 0) = 0 then [null] else image_ids end) as image_id
    from stg_raw_qa
),

faults as (
    select
        asked.row,
        min(
            case
                when asked.image_id is null then 'an image id is missing'
                when stg_images.image_id is null then 'image ' || asked.image_id || ' is unknown'
                else 'image ' || asked.image_id || ' has the status "' || coalesce(stg_images.status, 'none') || '"'
            end
        ) as detail
    from asked
    left join stg_images on asked.image_id = stg_images.image_id
    where stg_images.usable is distinct from true
    group by asked.row
)

select
    row,
    'image' as rule,
    null::double as score,
    null::double as threshold,
    null::varchar as model,
    detail
from faults
