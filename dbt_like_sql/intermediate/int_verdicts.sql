-- At most one verdict per pair: the first rule it breaks.
select * from int_row_verdicts
union all
select * from int_rule_conflicting_answers
union all
select * from int_rule_duplicate
