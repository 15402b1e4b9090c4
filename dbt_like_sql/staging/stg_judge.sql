-- The form of each question that the judge believes least; forms without a score are left out.
select
    id,
    p_yes,
    form,
    model
from judge_scores
where isfinite(p_yes)
qualify row_number() over (partition by id order by p_yes, form, model) = 1
