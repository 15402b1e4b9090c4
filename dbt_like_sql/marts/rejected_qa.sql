-- Question-answer pairs that broke a rule, with the rule, what was measured, the threshold and whose score it is.
select
    raw_qa.* exclude (row),
    int_verdicts.rule,
    int_verdicts.score,
    int_verdicts.threshold,
    int_verdicts.model,
    int_verdicts.detail
from raw_qa
inner join int_verdicts on raw_qa.row = int_verdicts.row
