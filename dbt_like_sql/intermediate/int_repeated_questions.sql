-- Pairs that ask the same of the same images as another pair, among those that are right in themselves.
with codes as (
    select
        stg_raw_qa.row,
        hash(stg_raw_qa.images_key, stg_raw_qa.question_key) as code
    from stg_raw_qa
    anti join int_row_verdicts on stg_raw_qa.row = int_row_verdicts.row
),

-- comparing numbers first is several times faster, and leaves few texts to compare
suspects as (
    select codes.row
    from codes
    semi join (select code from codes group by code having count(*) > 1) as common on codes.code = common.code
),

sound as (
    select
        stg_raw_qa.row,
        stg_raw_qa.id,
        stg_raw_qa.images_key,
        stg_raw_qa.question_key,
        stg_raw_qa.answer_key
    from stg_raw_qa
    semi join suspects on stg_raw_qa.row = suspects.row
),

repeated as (
    select
        images_key,
        question_key,
        count(distinct answer_key) as answers
    from sound
    group by images_key, question_key
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
