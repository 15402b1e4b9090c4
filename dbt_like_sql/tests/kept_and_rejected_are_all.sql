-- Per shard, family and generator, filtered_qa and rejected_qa together have as many rows as raw_qa.
with parts as (
    select shard, family, generator, 1 as raw, 0 as sorted from raw_qa
    union all
    select shard, family, generator, 0 as raw, 1 as sorted from filtered_qa
    union all
    select shard, family, generator, 0 as raw, 1 as sorted from rejected_qa
)

select
    shard,
    family,
    generator,
    sum(raw) as raw_rows,
    sum(sorted) as sorted_rows
from parts
group by all
having sum(raw) <> sum(sorted)
