-- Every image of filtered_qa is in images with a usable status.
with asked as (
    select
        id,
        unnest(image_ids) as image_id
    from filtered_qa
)

select
    asked.id,
    asked.image_id
from asked
left join stg_images on asked.image_id = stg_images.image_id
where stg_images.usable is distinct from true
