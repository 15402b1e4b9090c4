-- Every row of rejected_qa names its rule and what was wrong.
select
    id,
    rule,
    detail
from rejected_qa
where coalesce(rule, '') = '' or coalesce(detail, '') = ''
