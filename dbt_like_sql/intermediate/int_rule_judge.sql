-- Rule `judge`: a model says Yes with a probability of at least `min_judge_p_yes` when asked whether the answer is true.
-- A question without a score has no verdict. From `hard_judge_p_yes` on it is hard rather than false: the detail says so.
select
    stg_raw_qa.row,
    'judge' as rule,
    stg_judge.p_yes as score,
    config.min_judge_p_yes as threshold,
    stg_judge.model,
    case when stg_judge.p_yes >= config.hard_judge_p_yes then 'hard' else 'false' end
    || ': the judge says Yes to the ' || coalesce(stg_judge.form, 'open') || ' form with a probability of '
    || printf('%.3f', stg_judge.p_yes) as detail
from stg_raw_qa
inner join stg_judge on stg_raw_qa.id = stg_judge.id
cross join config
where stg_judge.p_yes < config.min_judge_p_yes
