-- Rule `safety`: no picture has an unsafe score above `max_unsafe_score` or a denied label, and with `require_safety`
-- what these look at is told of each: a score, a label, or either where neither of them is set.
with folded as (
    select
        max_unsafe_score::double as threshold,
        list_transform(denied_safety_labels, lambda label: lower(trim(label))) as denied,
        require_safety as required
    from config
),

told as (
    select
        stg_images.image_id,
        coalesce(stg_safety.labels, []) as labels,
        stg_safety.unsafe_score,
        coalesce(stg_safety.unsafe_score > folded.threshold, false) as above,
        list_sort(list_intersect(coalesce(stg_safety.labels, []), folded.denied)) as denied_labels,
        folded.threshold,
        folded.required and folded.threshold is not null and stg_safety.unsafe_score is null as no_score,
        folded.required and len(folded.denied) > 0 and len(coalesce(stg_safety.labels, [])) = 0 as no_label,
        folded.required and stg_safety.image_id is null as nothing
    from stg_images
    left join stg_safety on stg_images.image_id = stg_safety.image_id
    cross join folded
),

refused as (
    select
        image_id,
        case when above then unsafe_score end as score,
        case when above then threshold end as threshold,
        case
            when above then printf('an unsafe score of %.3f', unsafe_score)
            when len(denied_labels) > 0 then 'the denied safety label "' || denied_labels[1] || '"'
            when nothing then 'neither a safety label nor an unsafe score'
            when no_score then 'no unsafe score'
            else 'no safety label'
        end as what
    from told
    where above or len(denied_labels) > 0 or no_score or no_label or nothing
),

asked as (
    select
        row,
        unnest(image_ids) as image_id
    from stg_raw_qa
)

select
    asked.row,
    'safety' as rule,
    refused.score,
    refused.threshold,
    null::varchar as model,
    'image ' || refused.image_id || ' has ' || refused.what as detail
from asked
inner join refused on asked.image_id = refused.image_id
qualify row_number() over (partition by asked.row order by refused.score desc nulls last, refused.image_id) = 1
