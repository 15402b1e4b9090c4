"""SceneGraphAttributeQA: what color (material, ...) the object has that a description fits."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Ragged, any_of, bools, ints
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64, mix
from provision_dagster.generators.language import join_lists
from provision_dagster.generators.programs.attribute_options import (
    Held,
    attribute_choice,
    category_nouns,
    held_attributes,
    sizes_alone,
)
from provision_dagster.generators.programs.common import table
from provision_dagster.generators.programs.description_book import BLOCK, book
from provision_dagster.generators.programs.description_groups import groups
from provision_dagster.generators.programs.description_qa import Said, Weights, evidence, mentioned, neighbor
from provision_dagster.generators.programs.description_rules import REASONS, Faults, all_faults, faults
from provision_dagster.generators.programs.description_sampling import Decoded, Proposals, draw_sound, totals_of
from provision_dagster.generators.programs.description_text import description_texts
from provision_dagster.generators.programs.descriptions import Described, Descriptions, descriptions
from provision_dagster.generators.registry import (
    Candidates,
    Choice,
    Draft,
    Generator,
    Mentions,
    Rules,
    Sampling,
    register,
)
from provision_dagster.generators.words import Words

OWN_REASONS = (
    *REASONS,
    "category_not_askable",
    "unknown_attribute_asked",
    "contradicting_attributes_asked",
    "size_without_comparison",
    "answer_in_question",
)


def candidates(graphs: Graphs, rules: Rules) -> Iterator[Candidates]:
    """One per component, category and distinct description without attributes of the category."""
    space, all_ = descriptions(graphs), book(graphs)
    pairs = list(groups(graphs).blocks())
    if not pairs:
        return
    group, number = (np.concatenate(column) for column in zip(*pairs, strict=True))
    first = bools(pl.Series(_identity(space, group, all_.digest[number])).is_first_distinct())
    group, number = group[first], number[first]
    for begin in range(0, len(group), BLOCK):
        some, which = number[begin : begin + BLOCK], group[begin : begin + BLOCK]
        rows = _rows(space, which, some, all_.digest[some])
        if rules == "paper":
            yield Candidates(rows)
            continue
        found = _judged(space, space.described(some), which, all_faults(graphs)[some])
        yield Candidates(rows, {reason: found == place for place, reason in enumerate(OWN_REASONS, start=1)})


def _identity(space: Descriptions, group: Ints, digest: U64) -> U64:
    """Hash component, category and what is said."""
    graphs, held = space.graphs, held_attributes(space.graphs, by_category=True)
    place = ints(graphs.objects["place"])[space.root[held.obj[group]]].astype(np.uint64)
    hashes = graphs.words.categories["hash"].to_numpy()[held.category[group]]
    image = graphs.images["image_hash"].to_numpy()[graphs.img[held.obj[group]]]
    return mix(mix(mix(digest, place), hashes), image)


def _rows(space: Descriptions, group: Ints, number: Ints, digest: U64) -> pl.DataFrame:
    graphs, held = space.graphs, held_attributes(space.graphs, by_category=True)
    obj = held.obj[group]
    return table(
        img=graphs.img[obj],
        root=space.root[obj],
        category=held.category[group],
        digest=digest.view(np.int64),
        number=number,
        group=group,
    )


def _values(held: Held, group: Ints) -> Ragged:
    """Attributes that the answer gives."""
    return Ragged.slices(held.spoken, first=held.first[group], size=held.size[group])


def _judged(space: Descriptions, said: Described, group: Ints, fault: Faults) -> Ints:
    """First reason against each question, as a place in `OWN_REASONS`."""
    graphs, held = space.graphs, held_attributes(space.graphs, by_category=True)
    askable = bools(graphs.words.categories["askable"])
    found = fault.astype(np.int64)
    alone = graphs.once("sizes_alone", lambda: sizes_alone(graphs, held))
    broken = (~askable[held.category[group]], ~held.known[group], held.contradicting[group], alone[group])
    for place, wrong in enumerate(broken, start=len(REASONS) + 1):
        found[(found == 0) & wrong] = place
    left = np.flatnonzero(found == 0)
    found[left[_told(space, said.some(left), _values(held, group[left]))]] = len(OWN_REASONS)
    return found


def _told(space: Descriptions, said: Described, values: Ragged) -> Bools:
    """Whether a description holds one of the values, or says it in another word."""
    words, row = space.graphs.words, values.rows
    some, same = said.some(row), words.same_attribute
    hit = told(words).within(space, some, values.values)
    hit |= same.has(values.values, some.a) | same.has(values.values, some.b)
    three = np.flatnonzero(some.c >= 0)
    hit[three] |= same.has(values.values[three], some.c[three])
    found = np.zeros(len(said.cell), dtype=bool)
    found[row[hit]] = True
    return found


def told(words: Words) -> Said:
    """Attributes that a description gives away."""
    return words.once("told_attributes", lambda: Said.of(words, [words.attributes.text]))


def sampled(graphs: Graphs, sampling: Sampling) -> Candidates:
    """Draw (category, description) by number."""
    space, all_, held = descriptions(graphs), groups(graphs), held_attributes(graphs, by_category=True)
    begin = all_.object_offsets
    first = begin[ints(graphs.images["first"])]

    def decode(drawn: Proposals) -> Decoded:
        group, number = all_.at(drawn.number + first[drawn.img])
        said = space.described(number)
        digest = space.digests(said)
        weights = Weights.of(space, [said])
        weights.add_lists(graphs.words.attributes, _values(held, np.arange(len(held.obj))), group)

        def judge(place: Ints) -> Ints:
            if sampling.rules == "paper":
                return np.zeros(len(place), dtype=np.int64)
            some = said.some(place)
            return _judged(space, some, group[place], faults(space, some))

        return Decoded(
            _identity(space, group, digest),
            weights.cubes,
            judge,
            lambda place: _rows(space, group[place], number[place], digest[place]),
        )

    return draw_sound(graphs, totals_of(begin, graphs), sampling, decode=decode, reasons=OWN_REASONS)


def mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """The values asked for, and what the description says."""
    space, held = descriptions(graphs), held_attributes(graphs, by_category=True)
    return mentioned(space, [space.described(ints(rows["number"]))], _values(held, ints(rows["group"])))


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules) -> Draft:
    """Answer with all attributes of the category; offer one of them beside values that contradict it."""
    space, held = descriptions(graphs), held_attributes(graphs, by_category=True)
    said, group = space.described(ints(rows["number"])), ints(rows["group"])
    values = _values(held, group)
    choice = attribute_choice(graphs, rows["h"].to_numpy(), said.obj, values)
    return Draft(
        slots={
            "noun": category_nouns(graphs, graphs.label[said.obj], ints(rows["category"]), values),
            "description": description_texts(space, ints(rows["number"])),
        },
        answer=join_lists(values, graphs.words.attributes.text),
        objects=evidence(said.obj, neighbor(space, said)),
        choice=_without_said(choice, said),
    )


def _without_said(choice: Choice, said: Described) -> Choice:
    """Leave out false options that the question says of something: the true one is never said either."""
    codes = choice.codes.copy()
    for option in codes.T[1:]:
        option[any_of([option == said.a, option == said.b, (option == said.c) & (said.c >= 0)])] = -1
    return Choice(choice.words, codes, choice.balanced, choice.prefix)


register(
    Generator(
        name="SceneGraphAttributeQA",
        family="qa_scene_graph",
        version="3",
        key={"root": "object", "category": "category", "digest": "number"},
        slots=("noun", "description"),
        candidates=candidates,
        mentions=mentions,
        finish=finish,
        sampled=sampled,
    )
)
