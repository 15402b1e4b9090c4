-- In filtered_qa the same question about the same images occurs no more often than the rules allow.
with asked as (
    select
        image_ids,
        lower(ltrim(if(suffix(question, '?') or suffix(question, '.'), question, rtrim(question)))) as question_key
    from filtered_qa
),

allowed as (
    select max_answers_per_question * max_copies as rows from config
),

-- comparing numbers first is several times faster, and leaves few texts to compare
suspects as (
    select hash(image_ids, question_key) as code
    from asked
    group by code
    having count(*) > (select allowed.rows from allowed)
)

select
    asked.image_ids,
    asked.question_key,
    count(*) as rows
from asked
semi join suspects on hash(asked.image_ids, asked.question_key) = suspects.code
group by asked.image_ids, asked.question_key
having count(*) > (select allowed.rows from allowed)
