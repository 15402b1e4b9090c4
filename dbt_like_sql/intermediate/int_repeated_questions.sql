-- Pairs that ask the same of the same images as another pair, among those that are right in themselves.
with sound as (
    select
        stg_raw_qa.row,
        stg_raw_qa.id,
        stg_raw_qa.images_key,
        stg_raw_qa.question_key,
        stg_raw_qa.answer_key
    from stg_raw_qa
    anti join int_row_verdicts on stg_raw_qa.row = int_row_verdicts.row
),

-- grouping by a number first is several times faster; what meets by accident is told apart below
suspects as (
    select hash(images_key, question_key) as code
    from sound
    group by code
    having count(*) > 1
),

repeated as (
    select
        sound.images_key,
        sound.question_key,
        count(distinct sound.answer_key) as answers
    from sound
    semi join suspects on hash(sound.images_key, sound.question_key) = suspects.code
    group by sound.images_key, sound.question_key
    having count(*) > 1
)

select
    sound.row,
    sound.id,
    repeated.answers,
    row_number() over same_answer as copy,
    first_value(sound.id) over same_answer as first_id
from sound
inner join repeated
    on sound.images_key = repeated.images_key and sound.question_key = repeated.question_key
window same_answer as (
    partition by sound.images_key, sound.question_key, sound.answer_key
    order by sound.row
)
