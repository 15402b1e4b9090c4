-- Rule `conflicting_answers`: a question about the same images has one answer; if not, no pair of them is believed.
select
    int_repeated_questions.row,
    'conflicting_answers' as rule,
    int_repeated_questions.answers::double as score,
    config.max_answers_per_question::double as threshold,
    null::varchar as model,
    'the same question about the same images has ' || int_repeated_questions.answers || ' answers' as detail
from int_repeated_questions
cross join config
where int_repeated_questions.answers > config.max_answers_per_question
