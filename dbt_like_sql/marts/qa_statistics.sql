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
        count(distinct answer) as answers,
        count_if(lower(trim(answer)) in ('yes', 'no')) as yes_no,
        sum(length(question)) as question_chars,
        sum(length(answer)) as answer_chars,
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

place_counts as (
    select
        places.shard,
        places.family,
        places.generator,
        places.place,
        count(filtered_qa.id) as rows
    from places
    left join filtered_qa
        on
            places.shard = filtered_qa.shard
            and places.family = filtered_qa.family
            and places.generator = filtered_qa.generator
            and places.place = filtered_qa.answer_index
    group by all
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
    coalesce(kept.answers, 0) as answers,
    top_answers.answer as top_answer,
    top_answers.rows / kept.rows as top_answer_share,
    kept.yes_no / kept.rows as yes_no_share,
    kept.question_chars / kept.rows as mean_question_chars,
    kept.answer_chars / kept.rows as mean_answer_chars,
    kept.choice_rows / kept.rows as choice_share,
    kept.options / nullif(kept.choice_rows, 0) as mean_options,
    coalesce(place_shares.answer_position_shares, []) as answer_position_shares
from raw
left join kept using (shard, family, generator)
left join top_answers using (shard, family, generator)
left join place_shares using (shard, family, generator)
order by raw.shard, raw.family, raw.generator
