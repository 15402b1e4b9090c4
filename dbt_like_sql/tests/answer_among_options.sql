-- In filtered_qa the answer index of every multiple-choice form names an option.
select
    id,
    answer_index,
    options
from filtered_qa
where len(options) > 0 and (answer_index is null or answer_index < 0 or answer_index >= len(options))
