-- Raw QA as the rules read it: narrow, and with keys under which equal images, questions and answers meet.
-- A text that ends with a mark ends with no space: trimming such a one is left out, as it reads letter by letter.
-- `row` is the place of the pair in the order of ids, so that "the first" is the same whatever the order of the input.
select
    row,
    id,
    generator,
    image_ids,
    question,
    answer,
    choice_question,
    coalesce(options, []) as options,
    answer_index,
    evidence.object_ids as object_ids,
    evidence.boxes as boxes,
    array_to_string(image_ids, chr(31)) as images_key,
    lower(ltrim(if(suffix(question, '?') or suffix(question, '.'), question, rtrim(question)))) as question_key,
    lower(trim(answer)) as answer_key
from raw_qa
