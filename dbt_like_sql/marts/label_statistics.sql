-- How many filtered QA of a shard and family mention each object label, attribute and predicate.
with totals as (
    select
        shard,
        family,
        count(*) as rows
    from filtered_qa
    group by all
),

mentions as (
    select id, shard, family, 'object' as kind, unnest(metadata.objects) as value from filtered_qa
    union
    select id, shard, family, 'attribute' as kind, unnest(metadata.attributes) as value from filtered_qa
    union
    select id, shard, family, 'relation' as kind, unnest(metadata.relations) as value from filtered_qa
)

select
    mentions.shard,
    mentions.family,
    mentions.kind,
    mentions.value,
    count(*) as rows,
    count(*) / any_value(totals.rows) as share
from mentions
inner join totals using (shard, family)
where mentions.value is not null
group by mentions.shard, mentions.family, mentions.kind, mentions.value
order by mentions.shard, mentions.family, mentions.kind, mentions.value
