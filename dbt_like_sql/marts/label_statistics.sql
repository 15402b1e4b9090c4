-- How many filtered QA of a shard and family mention each object label, attribute and predicate.
-- A pair that mentions a value twice counts once; the ids of pairs are unique (a test looks), so each row is one.
with totals as (
    select
        shard,
        family,
        count(*) as rows
    from filtered_qa
    group by all
),

named as (
    select shard, family, 'object' as kind, metadata.objects as names from filtered_qa
    union all
    select shard, family, 'attribute' as kind, metadata.attributes as names from filtered_qa
    union all
    select shard, family, 'relation' as kind, metadata.relations as names from filtered_qa
),

mentions as (
    select
        shard,
        family,
        kind,
        unnest(if(len(names) > 1, list_distinct(names), names)) as value
    from named
),

counted as (
    select
        shard,
        family,
        kind,
        value,
        count(*) as rows
    from mentions
    where value is not null
    group by all
)

select
    counted.shard,
    counted.family,
    counted.kind,
    counted.value,
    counted.rows,
    counted.rows / totals.rows as share
from counted
inner join totals using (shard, family)
order by counted.shard, counted.family, counted.kind, counted.value
