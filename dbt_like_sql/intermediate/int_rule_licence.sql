-- Rule `licence`: no picture has a denied licence, and where licences are allowed by name, each has one of these.
with folded as (
    select
        list_transform(allowed_licences, lambda licence: lower(trim(licence))) as allowed,
        list_transform(denied_licences, lambda licence: lower(trim(licence))) as denied
    from config
),

found as (
    select
        image_id,
        unnest(licences) as licence
    from stg_images
),

refused as (
    select
        found.image_id,
        min(
            case
                when list_contains(folded.denied, found.licence) then 'the denied licence "' || found.licence || '"'
                when found.licence = '' then 'no known licence'
                else 'the licence "' || found.licence || '", which is not allowed'
            end
        ) as what
    from found
    cross join folded
    where
        list_contains(folded.denied, found.licence)
        or (len(folded.allowed) > 0 and not list_contains(folded.allowed, found.licence))
    group by found.image_id
),

asked as (
    select
        row,
        unnest(image_ids) as image_id
    from stg_raw_qa
)

select
    asked.row,
    'licence' as rule,
    null::double as score,
    null::double as threshold,
    null::varchar as model,
    min('image ' || asked.image_id || ' has ' || refused.what) as detail
from asked
inner join refused on asked.image_id = refused.image_id
group by asked.row
