-- Rule `length`: no question and no answer is longer than `max_question_chars` and `max_answer_chars`.
with measured as (
    select
        row,
        greatest(coalesce(length(question), 0), coalesce(length(choice_question), 0)) as question_chars,
        greatest(
            coalesce(length(answer), 0),
            coalesce(list_max(list_transform(options, lambda option: length(option))), 0)
        ) as answer_chars
    from stg_raw_qa
)

select
    measured.row,
    'length' as rule,
    (case when question_chars > max_question_chars then question_chars else answer_chars end)::double as score,
    (case when question_chars > max_question_chars then max_question_chars else max_answer_chars end)::double
        as threshold,
    null::varchar as model,
    case
        when question_chars > max_question_chars then 'the question has ' || question_chars || ' characters'
        else 'the answer or an option has ' || answer_chars || ' characters'
    end as detail
from measured
cross join config
where question_chars > max_question_chars or answer_chars > max_answer_chars
