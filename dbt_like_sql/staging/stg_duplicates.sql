-- Pictures and questions that are nearly another one: all that were found, or fewer where a threshold narrows it.
with limits as (
    select 'phash' as method, near_duplicate_phash_bits::double as threshold from config
    union all
    select 'embedding' as method, near_duplicate_embedding::double as threshold from config
    union all
    select 'minhash' as method, near_duplicate_minhash::double as threshold from config
)

select
    duplicates.kind,
    duplicates.id,
    duplicates.of as other_id,
    duplicates.method,
    duplicates.distance,
    limits.threshold
from duplicates
left join limits on duplicates.method = limits.method
where coalesce(duplicates.distance <= limits.threshold, true)
