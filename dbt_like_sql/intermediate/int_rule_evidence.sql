-- Rule `evidence`: every object that is named as evidence is in the scene graph of one of the images.
with named as (
    select
        row,
        case when coalesce(len(image_ids), 0) = 0 then [null] else image_ids end as image_ids,
        unnest(object_ids) as object_id
    from stg_raw_qa
),

places as (
    select
        row,
        object_id,
        len(list_distinct(image_ids)) as images,
        unnest(image_ids) as image_id
    from named
),

absent as (
    select places.*
    from places
    anti join stg_objects on places.image_id = stg_objects.image_id and places.object_id = stg_objects.object_id
),

-- an object must be absent from all of the images
nowhere as (
    select
        row,
        object_id
    from absent
    group by row, object_id, images
    having count(distinct image_id) = images
),

missing as (
    select
        row,
        min(coalesce(object_id, 'null')) as object_id
    from nowhere
    group by row
)

select
    row,
    'evidence' as rule,
    null::double as score,
    null::double as threshold,
    null::varchar as model,
    'object ' || object_id || ' is in no scene graph of its images' as detail
from missing
