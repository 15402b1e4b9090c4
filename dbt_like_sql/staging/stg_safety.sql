-- One row per image id of which anything is told: its safety labels, in lower case, and its greatest unsafe score.
-- Pictures with the same pixels have one id: what is told of one of them counts for all.
select
    images.image_id,
    list(distinct lower(trim(picture_safety.safety))) filter (where picture_safety.safety is not null) as labels,
    max(picture_safety.unsafe_score) as unsafe_score
from picture_safety
inner join images
    on picture_safety.image_set = images.image_set and picture_safety.image_key = images.image_key
where images.image_id is not null
group by images.image_id
