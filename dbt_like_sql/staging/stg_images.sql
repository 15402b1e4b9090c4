-- One row per image id: whether any picture with it can be used, and if not, why.
select
    images.image_id,
    bool_or(list_contains(config.usable_statuses, images.status)) as usable,
    min(images.status) as status
from images
cross join config
where images.image_id is not null
group by images.image_id
