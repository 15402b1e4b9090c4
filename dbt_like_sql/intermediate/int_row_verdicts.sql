-- The first rule that each pair breaks, of all but the two that compare pairs letter for letter.
select * from int_earlier_verdicts
union all
select int_rule_near_duplicate.*
from int_rule_near_duplicate
anti join int_earlier_verdicts on int_rule_near_duplicate.row = int_earlier_verdicts.row
