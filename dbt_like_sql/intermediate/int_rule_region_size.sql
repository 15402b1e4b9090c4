-- Rule `region_size`: a question that points by a box points at one whose sides are at least `min_region_side_px`.
with regions as (
    select
        stg_raw_qa.row,
        config.min_region_side_px as threshold,
        list_min(
            list_transform(
                stg_raw_qa.boxes,
                lambda box: if(
                    isfinite(box.x1 + box.y1 + box.x2 + box.y2),
                    least(box.x2 - box.x1, box.y2 - box.y1),
                    0.0
                )
            )
        ) as side
    from stg_raw_qa
    cross join config
    where list_contains(config.region_generators, stg_raw_qa.generator)
)

select
    row,
    'region_size' as rule,
    coalesce(side, 0.0) as score,
    threshold,
    null::varchar as model,
    case
        when side is null then 'the evidence has no box'
        else 'the shortest side of a box is ' || printf('%.1f', side) || ' px'
    end as detail
from regions
where side is null or side < threshold
