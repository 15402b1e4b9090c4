-- Rule `region_text`: what a question says of a region fits it with a cosine of at least `min_region_text_cosine`.
-- A question without a score has no verdict.
select
    stg_raw_qa.row,
    'region_text' as rule,
    stg_region_text.cosine as score,
    config.min_region_text_cosine as threshold,
    stg_region_text.model,
    '"' || coalesce(stg_region_text.expression, '') || '" fits its region with a cosine of '
    || printf('%.3f', stg_region_text.cosine) as detail
from stg_raw_qa
inner join stg_region_text on stg_raw_qa.id = stg_region_text.id
cross join config
where stg_region_text.cosine < config.min_region_text_cosine
