-- Rule `format`: texts are complete, end properly and hold no trace of a template or of another layout.
with texts as (
    select
        stg_raw_qa.*,
        concat_ws(chr(31), question, answer, choice_question, array_to_string(options, chr(31))) as text
    from stg_raw_qa
),

repeated as (
    select id
    from stg_raw_qa
    group by id
    having count(*) > 1
),

first_of_repeated as (
    select min(stg_raw_qa.row) as row
    from stg_raw_qa
    semi join repeated on stg_raw_qa.id = repeated.id
    group by stg_raw_qa.id
),

checked as (
    select
        row,
        case
            when coalesce(trim(id), '') = '' then 'the id is empty'
            when
                texts.id in (select repeated.id from repeated)
                and texts.row not in (select first_of_repeated.row from first_of_repeated)
                then 'the id is that of an earlier pair'
            when coalesce(trim(question), '') = '' then 'the question is empty'
            when coalesce(trim(answer), '') = '' then 'the answer is empty'
            when trim(choice_question) = '' then 'the choice question is empty'
            when not regexp_matches(question, '[?.]$')
                then 'the question ends neither in "?" nor in ".": "' || right(question, 20) || '"'
            when not regexp_matches(choice_question, '[?.]$')
                then 'the choice question ends neither in "?" nor in ".": "' || right(choice_question, 20) || '"'
            when regexp_matches(text, '\{[^{}]*\}')
                then 'unfilled slot: "' || regexp_extract(text, '\{[^{}]*\}') || '"'
            when regexp_matches(text, '[\n\r\x{0B}\f\x{85}\x{2028}\x{2029}]') then 'a text has a line break'
            when regexp_matches(text, '[ \t]{2}|\t')
                then 'doubled space: "' || trim(regexp_extract(text, '[^ \t\x{1F}]*(?:[ \t]{2,}|\t)[^ \t\x{1F}]*')) || '"'
            when regexp_matches(text, '(^|\x{1F}) | (\x{1F}|$)') then 'a text begins or ends with a space'
        end as detail
    from texts
)

select
    row,
    'format' as rule,
    null::double as score,
    null::double as threshold,
    null::varchar as model,
    detail
from checked
where detail is not null
