-- The rows of qa_statistics add up to those of filtered_qa, per shard.
with counted as (
    select shard, sum(rows) as rows from qa_statistics group by shard
),

kept as (
    select shard, count(*) as rows from filtered_qa group by shard
)

select
    coalesce(counted.shard, kept.shard) as shard,
    coalesce(counted.rows, 0) as counted_rows,
    coalesce(kept.rows, 0) as kept_rows
from counted
full join kept on counted.shard = kept.shard
where coalesce(counted.rows, 0) <> coalesce(kept.rows, 0)
