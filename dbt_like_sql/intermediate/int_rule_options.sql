-- Rule `options`: options are enough, not empty, all different whatever their case, and the answer is one of them.
with folded as (
    select
        row,
        answer_index,
        list_transform(options, lambda option: lower(trim(option))) as options
    from stg_raw_qa
    where len(options) > 0 or answer_index is not null
),

counted as (
    select
        row,
        answer_index,
        len(options) as options,
        len(list_filter(options, lambda option: option <> '')) as filled,
        len(list_distinct(options)) as different
    from folded
),

checked as (
    select
        row,
        options,
        min_options,
        max_options,
        case
            when options = 0 then 'there is an answer index but no option'
            when options < min_options then 'there are fewer options than needed'
            when options > max_options then 'there are more options than letters for them'
            when filled < options then 'an option is empty'
            when different < options then 'two options are equal'
            when answer_index is null then 'the answer index is missing'
            when answer_index < 0 or answer_index >= options
                then 'the answer index is ' || answer_index || ' of ' || options || ' options'
        end as detail
    from counted
    cross join config
)

select
    row,
    'options' as rule,
    case when options > 0 and (options < min_options or options > max_options) then options::double end as score,
    case
        when options > 0 and options < min_options then min_options::double
        when options > max_options then max_options::double
    end as threshold,
    null::varchar as model,
    detail
from checked
where detail is not null
