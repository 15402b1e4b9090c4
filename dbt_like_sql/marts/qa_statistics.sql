-- Distribution of questions, answers and options per shard, family and generator, and how many pairs were kept.
with raw as (
    select
        shard,
        family,
        generator,
        count(*) as raw_rows
    from raw_qa
    group by all
),

kept as (
    select
        shard,
        family,
        generator,
        count(*) as rows,
        count(distinct image_ids) as images,
        count(distinct template) as templates,
        count(distinct question) as questions,
        sum(length(question)) as question_chars,
        count_if(len(options) > 0) as choice_rows,
        sum(len(options)) as options
    from filtered_qa
    group by all
),

answer_counts as (
    select
        shard,
        family,
        generator,
        answer,
        count(*) as rows
    from filtered_qa
    group by all
),

answered as (
    select
        shard,
        family,
        generator,
        count(answer) as answers,
        sum(rows) filter (where lower(trim(answer)) in ('yes', 'no')) as yes_no,
        sum(rows * length(answer)) as answer_chars
    from answer_counts
    group by all
),

top_answers as (
    select *
    from answer_counts
    qualify row_number() over (partition by shard, family, generator order by rows desc, answer) = 1
),

widest as (
    select
        shard,
        family,
        generator,
        max(len(options)) as options
    from filtered_qa
    where len(options) > 0
    group by all
),

places as (
    select
        shard,
        family,
        generator,
        unnest(range(options)) as place
    from widest
),

answers_at as (
    select
        shard,
        family,
        generator,
        answer_index as place,
        count(id) as rows
    from filtered_qa
    group by all
),

place_counts as (
    select
        places.shard,
        places.family,
        places.generator,
        places.place,
        coalesce(answers_at.rows, 0) as rows
    from places
    left join answers_at using (shard, family, generator, place)
),

place_shares as (
    select
        shard,
        family,
        generator,
        list(rows / total order by place) as answer_position_shares
    from (select *, sum(rows) over (partition by shard, family, generator) as total from place_counts)
    group by all
)

select
    raw.shard,
    raw.family,
    raw.generator,
    raw.raw_rows,
    coalesce(kept.rows, 0) as rows,
    coalesce(kept.rows, 0) / raw.raw_rows as keep_rate,
    coalesce(kept.images, 0) as images,
    coalesce(kept.templates, 0) as templates,
    coalesce(kept.questions, 0) as questions,
    coalesce(answered.answers, 0) as answers,
    top_answers.answer as top_answer,
    top_answers.rows / kept.rows as top_answer_share,
    coalesce(answered.yes_no, 0) / kept.rows as yes_no_share,
    kept.question_chars / kept.rows as mean_question_chars,
    answered.answer_chars / kept.rows as mean_answer_chars,
    kept.choice_rows / kept.rows as choice_share,
    kept.options / nullif(kept.choice_rows, 0) as mean_options,
    coalesce(place_shares.answer_position_shares, []) as answer_position_shares
from raw
left join kept using (shard, family, generator)
left join answered using (shard, family, generator)
left join top_answers using (shard, family, generator)
left join place_shares using (shard, family, generator)
order by raw.shard, raw.family, raw.generator
