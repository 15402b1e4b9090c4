-- Rule `evidence`: every object that is named as evidence is in the scene graph of one of the images.
with named as (
    select
        row,
        image_ids,
        unnest(object_ids) as object_id
    from stg_raw_qa
),

places as (
    select
        row,
        object_id,
        unnest(image_ids) as image_id
    from named
),

found as (
    select
        places.row,
        places.object_id
    from places
    semi join stg_objects on places.image_id = stg_objects.image_id and places.object_id = stg_objects.object_id
),

missing as (
    select
        named.row,
        min(coalesce(named.object_id, 'null')) as object_id
    from named
    anti join found on named.row = found.row and named.object_id = found.object_id
    group by named.row
)

select
    row,
    'evidence' as rule,
    null::double as score,
    null::double as threshold,
    null::varchar as model,
    'object ' || object_id || ' is in no scene graph of its images' as detail
from missing
