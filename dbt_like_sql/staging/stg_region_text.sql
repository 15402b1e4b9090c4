-- The region of each question that fits its expression worst; regions without a score are left out.
select
    id,
    cosine,
    expression,
    model
from region_text_scores
where isfinite(cosine)
qualify row_number() over (partition by id order by cosine, expression, model) = 1
