-- In filtered_qa the same question about the same images occurs no more often than the rules allow.
select
    filtered_qa.image_ids,
    lower(trim(filtered_qa.question)) as question_key,
    count(*) as rows
from filtered_qa
cross join config
group by filtered_qa.image_ids, question_key, config.max_answers_per_question, config.max_copies
having count(*) > config.max_answers_per_question * config.max_copies
