-- One row per image id: whether any picture with it can be used, if not, why, and the licences of those that can.
-- Licences are folded to lower case; an empty one stands for pictures of which none is known.
select
    images.image_id,
    bool_or(list_contains(config.usable_statuses, images.status)) as usable,
    min(images.status) as status,
    list(distinct coalesce(lower(trim(images.license)), ''))
        filter (where list_contains(config.usable_statuses, images.status)) as licences
from images
cross join config
where images.image_id is not null
group by images.image_id
