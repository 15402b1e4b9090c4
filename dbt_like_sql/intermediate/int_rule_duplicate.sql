-- Rule `duplicate`: of pairs with the same images, question and answer, the first by id stays.
select
    int_repeated_questions.row,
    'duplicate' as rule,
    int_repeated_questions.copy::double as score,
    config.max_copies::double as threshold,
    null::varchar as model,
    'repeats ' || int_repeated_questions.first_id as detail
from int_repeated_questions
cross join config
where
    int_repeated_questions.answers <= config.max_answers_per_question
    and int_repeated_questions.copy > config.max_copies
