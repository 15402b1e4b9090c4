-- Every id of filtered_qa occurs once.
select
    id,
    count(*) as copies
from filtered_qa
group by id
having count(*) > 1 or id is null
