-- Rule `near_duplicate`: neither the question nor a picture that it is about is nearly another one, which is kept.
-- Where the question to be kept breaks an earlier rule, or is gone, the first of its copies that breaks none stays.
with pictures as (
    select
        row,
        unnest(image_ids) as image_id
    from stg_raw_qa
),

of_pictures as (
    select
        pictures.row,
        stg_duplicates.*
    from pictures
    inner join stg_duplicates on pictures.image_id = stg_duplicates.id and stg_duplicates.kind = 'picture'
),

of_questions as (
    select
        stg_raw_qa.row,
        stg_duplicates.*
    from stg_raw_qa
    inner join stg_duplicates on stg_raw_qa.id = stg_duplicates.id and stg_duplicates.kind = 'question'
),

kept as (
    select distinct of_questions.other_id
    from of_questions
    inner join stg_raw_qa on of_questions.other_id = stg_raw_qa.id
    anti join int_earlier_verdicts on stg_raw_qa.row = int_earlier_verdicts.row
),

instead as (
    select
        of_questions.other_id,
        min(of_questions.row) as row,
        arg_min(of_questions.id, of_questions.row) as id
    from of_questions
    anti join kept on of_questions.other_id = kept.other_id
    anti join int_earlier_verdicts on of_questions.row = int_earlier_verdicts.row
    anti join of_pictures on of_questions.row = of_pictures.row
    group by of_questions.other_id
),

found as (
    select
        of_questions.row,
        of_questions.kind,
        coalesce(instead.id, of_questions.other_id) as other_id,
        of_questions.method,
        of_questions.distance,
        of_questions.threshold
    from of_questions
    left join instead on of_questions.other_id = instead.other_id
    where of_questions.row is distinct from instead.row
    union all
    select
        row,
        kind,
        other_id,
        method,
        distance,
        threshold
    from of_pictures
)

select
    row,
    'near_duplicate' as rule,
    distance as score,
    threshold,
    null::varchar as model,
    'the ' || kind || ' is nearly ' || other_id || ' (' || method || ')' as detail
from found
qualify row_number() over (partition by row order by kind, distance, method, other_id) = 1
