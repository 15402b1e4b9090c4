-- Rule `format`: texts are complete, end properly and hold no trace of a template or of another layout.
with texts as (
    select
        row,
        id,
        question,
        answer,
        choice_question,
        concat_ws(chr(31), question, answer, choice_question, array_to_string(options, chr(31))) as text
    from stg_raw_qa
),

repeated as (
    select id
    from stg_raw_qa
    group by id
    having count(*) > 1
),

later_copies as (
    select stg_raw_qa.row
    from stg_raw_qa
    semi join repeated on stg_raw_qa.id = repeated.id
    qualify row_number() over (partition by stg_raw_qa.id order by stg_raw_qa.row) > 1
),

-- one look at each text: whatever is wrong with any shows here, and few rows are left for the checks below
suspects as (
    select *
    from texts
    where
        not coalesce(suffix(question, '?') or suffix(question, '.'), false)
        or not coalesce(suffix(choice_question, '?') or suffix(choice_question, '.'), true)
        or coalesce(ltrim(id), '') = ''
        or coalesce(ltrim(answer), '') = ''
        or prefix(text, ' ')
        or suffix(text, ' ')
        or regexp_matches(text, '[{\t\n\r\x{0B}\f\x{85}\x{2028}\x{2029}]|  |\x{1F} | \x{1F}')
        or row in (select later_copies.row from later_copies)
),

checked as (
    select
        row,
        case
            when coalesce(trim(id), '') = '' then 'the id is empty'
            when row in (select later_copies.row from later_copies) then 'the id is that of an earlier pair'
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
    from suspects
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
