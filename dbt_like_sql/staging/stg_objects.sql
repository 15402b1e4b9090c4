-- Every object of every scene graph, by image.
select distinct
    image_id,
    unnest(list_transform(objects, lambda object: object.id)) as object_id
from scene_graphs
