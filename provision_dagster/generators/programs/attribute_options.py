"""True and false options for questions about an object's attributes."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Ragged, distinct, ints, member, offsets_of, packed, runs
from provision_dagster.generators.graphs import Graphs, pairs_within
from provision_dagster.generators.hashing import U64, draw, mix
from provision_dagster.generators.language import join_lists
from provision_dagster.generators.options import Source, Weighted, draw_false
from provision_dagster.generators.programs.common import box_rules, table, verbs
from provision_dagster.generators.programs.sizes import size_alone
from provision_dagster.generators.registry import Candidates, Choice, Draft, Mentions, Rules
from provision_dagster.generators.words import Words


@dataclass(frozen=True)
class Held:
    """The attributes of each object (or of each object and category), as groups sorted by object and category.

    `spoken` holds the attributes of all groups end to end (of "metal" and "metallic" one); `first` and `size` cut it.
    `contradicting`: two of a group cannot hold together ("open" and "closed"; two colours can). `known`: the lexicon
    knows all, and none is a noun such as a brand.
    """

    obj: Ints
    category: Ints
    first: Ints
    size: Ints
    spoken: Ints
    known: Bools
    contradicting: Bools


def held_attributes(graphs: Graphs, *, by_category: bool) -> Held:
    """Group the attributes that have a category, once per shard."""
    return graphs.once(("held_attributes", by_category), lambda: _held(graphs, by_category=by_category))


def _held(graphs: Graphs, *, by_category: bool) -> Held:
    words = graphs.words
    obj, attribute = ints(graphs.attributes["obj"]), ints(graphs.attributes["attribute"])
    category = words.category[attribute]
    typed = category >= 0
    obj, attribute, category = obj[typed], attribute[typed], category[typed]
    group = category if by_category else np.zeros_like(category)
    order = np.lexsort((attribute, group, obj))
    obj, attribute, category, group = obj[order], attribute[order], category[order], group[order]
    first, size = runs(obj, group)
    spoken = _plainest(words, obj, group, attribute)
    kept = np.add.reduceat(spoken, first) if len(first) else first
    noun = words.category_code("noun")
    sound = words.attributes.flag("known")[attribute] & (category != noun)
    return Held(
        obj=obj[first],
        category=category[first],
        first=offsets_of(kept)[:-1],
        size=kept,
        spoken=attribute[spoken.astype(bool)],
        known=np.logical_and.reduceat(sound, first) if len(first) else sound,
        contradicting=_contradicting(words, attribute, category, first, size),
    )


def _plainest(words: Words, obj: Ints, group: Ints, attribute: Ints) -> Ints:
    """1 for attributes that are said, 0 for those that repeat another of the group ("metallic" beside "metal")."""
    canonical = ints(words.attributes.words["canonical"].rank("dense").cast(pl.Int64))[attribute]
    plain = (words.attributes.words["canonical"] == words.attributes.text).to_numpy()[attribute]
    order = np.lexsort((attribute, ~plain, canonical, group, obj))
    best, _ = runs(obj[order], group[order], canonical[order])
    said = np.zeros(len(obj), dtype=np.int64)
    said[order[best]] = 1
    return said


def _contradicting(words: Words, attribute: Ints, category: Ints, first: Ints, size: Ints) -> Bools:
    one, two, row = pairs_within(first, size)
    color = words.category_code("color")
    plain = (category[one] != color) & (category[two] != color)
    found = np.zeros(len(first), dtype=bool)
    found[row[plain & words.contradictions.has(attribute[one], attribute[two])]] = True
    return found


def sizes_alone(graphs: Graphs, held: Held) -> Bools:
    """Whether a group holds a size that no other thing of the label contradicts (see `size_alone`)."""
    return size_alone(graphs, graphs.label_row[held.obj], Ragged.slices(held.spoken, first=held.first, size=held.size))


def attribute_candidates(graphs: Graphs, rules: Rules, held: Held, *, keep: Bools) -> Candidates:
    """Candidates of groups of attributes, with the rules that all questions about a boxed object share."""
    rows = np.flatnonzero(keep)
    obj = held.obj[rows]
    found = table(
        img=graphs.img[obj], obj=obj, category=held.category[rows], first=held.first[rows], size=held.size[rows]
    )
    if rules == "paper":
        return Candidates(found)
    askable = graphs.words.categories["askable"].to_numpy()
    return Candidates(
        found,
        {
            "unknown_attribute": ~held.known[rows],
            "unusable_label": ~graphs.words.labels.flag("usable")[graphs.label[obj]],
            "category_not_askable": ~askable[held.category[rows]],
            "contradicting_attributes": held.contradicting[rows],
            "size_without_comparison": sizes_alone(graphs, held)[rows],
            **box_rules(graphs, obj),
            "answer_in_label": _said_in_label(graphs, obj, held, rows),
        },
    )


def _said_in_label(graphs: Graphs, obj: Ints, held: Held, rows: Ints) -> Bools:
    """Whether an attribute is a word of the label ("wooden" of "wooden table"), so that the question tells it (T3)."""
    lists = Ragged.slices(held.spoken, first=held.first[rows], size=held.size[rows])
    label, attribute = graphs.label[obj][lists.rows], lists.values
    pairs, place = np.unique(packed(label, attribute), return_inverse=True)
    words = graphs.words
    said = pl.DataFrame(
        {"l": words.labels.text.gather(pairs >> 32), "a": words.attributes.text.gather(pairs & 0xFFFFFFFF)}
    ).select((" " + pl.col("l") + " ").str.contains(" " + pl.col("a") + " ", literal=True))
    told = said.to_series().to_numpy()[place]
    found = np.zeros(len(rows), dtype=bool)
    found[lists.rows[told]] = True
    return found


def held_lists(held: Held, rows: pl.DataFrame) -> Ragged:
    """Attributes of candidates."""
    return Ragged.slices(held.spoken, first=ints(rows["first"]), size=ints(rows["size"]))


def attribute_mentions(graphs: Graphs, rows: pl.DataFrame, held: Held) -> Mentions:
    """The object's label and its attributes."""
    return Mentions(labels=Ragged.columns(graphs.label[ints(rows["obj"])]), attributes=held_lists(held, rows))


def finish_attributes(graphs: Graphs, rows: pl.DataFrame, held: Held, *, noun: bool) -> Draft:
    """Answer with all attributes; offer one of them beside values that contradict it. `noun`: name the category."""
    h, obj, lists = rows["h"].to_numpy(), ints(rows["obj"]), held_lists(held, rows)
    words = graphs.words.attributes.text
    plural = graphs.is_plural(obj)
    nouns = category_nouns(graphs, graphs.label[obj], ints(rows["category"]), lists)
    slots = {
        "label": graphs.label_text(obj),
        "box": graphs.box_text.gather(obj),
        "be": verbs(plural, singular="is", plural_form="are"),
        "do": verbs(plural, singular="does", plural_form="do"),
    }
    return Draft(
        slots=slots | ({"noun": nouns} if noun else {}),
        answer=join_lists(lists, words),
        objects=Ragged.columns(obj),
        choice=attribute_choice(graphs, h, obj, lists),
    )


def category_nouns(graphs: Graphs, label: Ints, category: Ints, values: Ragged) -> pl.Series:
    """What a category is called where these values are asked for of a label."""
    return graphs.words.nouns.gather(graphs.words.noun_codes(label, category, values))


def attribute_choice(graphs: Graphs, h: U64, obj: Ints, lists: Ragged) -> Choice:
    """Offer one attribute per row beside false ones (T2, T4).

    The true one is chosen by hash among those that some other value of the category contradicts; false ones contradict
    all that is said of the object, and are drawn by their frequency in the image set.
    """
    table = graphs.words.once("false_values", lambda: false_values(graphs.words))
    truth = pick(h, lists, hashes=graphs.words.attributes.hashes, fit=table.options.sizes > 0)
    said = graphs.once("said_attributes", lambda: _said_keys(graphs))

    def blocked(row: Ints, at: Ints) -> Bools:
        option = table.options.values[at]
        return member(packed(obj[row], option), said) | allowed_by_others(graphs, obj[row], option)

    values = graphs.words.attributes
    source = Source(table, np.arange(values.words.height), values.hashes, graphs.words.contradictions)
    false = draw_false(h, truth, source=source, blocked=blocked)
    return Choice(graphs.words.attributes.text, np.concatenate([truth[:, None], false], axis=1))


def allowed_by_others(graphs: Graphs, obj: Ints, option: Ints) -> Bools:
    """Whether some attribute of the object, of the kind that excludes others, does not exclude the option."""
    words, held = graphs.words, ints(graphs.attributes["attribute"])
    first = graphs.attribute_offsets[obj]
    size = graphs.attribute_offsets[obj + 1] - first
    allowed = np.zeros(len(obj), dtype=bool)
    for place in range(int(size.max(initial=0))):
        rows = np.flatnonzero((place < size) & ~allowed)
        value = held[first[rows] + place]
        alike = words.exclusive_group[value] == words.exclusive_group[option[rows]]
        allowed[rows] = alike & ~words.contradictions.has(value, option[rows])
    return allowed


def _said_keys(graphs: Graphs) -> Ints:
    """(object, attribute) for all that objects have, and all that says the same; sorted."""
    obj, attribute = ints(graphs.attributes["obj"]), ints(graphs.attributes["attribute"])
    row, other = graphs.words.same_attribute.expand(attribute)
    return distinct(np.concatenate([packed(obj, attribute), packed(obj[row], other)]))


def pick(h: U64, lists: Ragged, *, hashes: U64, fit: Bools) -> Ints:
    """Choose one fit value of each list by hash; -1 where there is none."""
    good = fit[lists.values]
    row, value = lists.rows[good], lists.values[good]
    chosen = np.full(len(h), -1, dtype=np.int64)
    chosen[row] = value
    # most lists hold one value: only the others need luck
    several = np.flatnonzero(np.bincount(row, minlength=len(h))[row] > 1)
    row, value = row[several], value[several]
    luck = mix(draw(h[row], "truth"), hashes[value])
    order = np.lexsort((luck, row))
    first, _ = runs(row[order])
    chosen[row[order[first]]] = value[order[first]]
    return chosen


def false_values(words: Words) -> Weighted:
    """For each attribute, those of its category that contradict it, with their frequency."""
    truth, option = words.contradictions.expand(np.arange(words.attributes.words.height))
    same = words.category[truth] == words.category[option]
    truth, option = truth[same], option[same]
    return Weighted.of(truth, option, words.attributes.counts[option], truths=words.attributes.words.height)
