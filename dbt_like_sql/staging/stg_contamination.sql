-- Pictures and questions that stand in a benchmark: all that were found, or fewer where a threshold narrows it.
with limits as (
    select 'phash' as method, contaminated_phash::double as threshold from config
    union all
    select 'ngram' as method, contaminated_ngram::double as threshold from config
)

select
    contamination.kind,
    contamination.id,
    contamination.benchmark,
    contamination.method,
    contamination.score,
    limits.threshold
from contamination
left join limits on contamination.method = limits.method
where coalesce(contamination.score >= limits.threshold, true)
