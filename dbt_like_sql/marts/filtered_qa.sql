-- Question-answer pairs that broke no rule.
select raw_qa.* exclude (row)
from raw_qa
anti join int_verdicts on raw_qa.row = int_verdicts.row
