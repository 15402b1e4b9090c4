"""Captions in English: who is related to whom, component by component, then what else there is."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Ragged, bools, list_series, offsets_of, packed, runs
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.language import join_lists, number_word
from provision_dagster.generators.phrases import Adjectives, adjectives, set_hashes
from provision_dagster.generators.programs.caption_facts import Facts
from provision_dagster.generators.programs.caption_names import article_text, names_of, several, told_apart
from provision_dagster.generators.programs.description_text import verb_forms
from provision_dagster.generators.programs.descriptions import descriptions
from provision_dagster.generators.sampling import places

VERBS_PER_SENTENCE = 3
THINGS_PER_SENTENCE = 6


@dataclass(frozen=True)
class Clauses:
    """Verb phrases in the order of the text: subject, place among those of the subject, objects, and their beginning.

    `verb`: a verb phrase, or "is tall and young" in `text` where there are no objects.
    """

    subject: Ints
    place: Ints
    objects: Ragged
    verb: pl.Series


def captions(graphs: Graphs, facts: Facts) -> pl.Series:
    """Write the caption of each image; "" where nothing is shown."""
    described = adjectives(facts.held, graphs.words)
    apart = told_apart(graphs, facts)
    clauses = _clauses(graphs, facts, apart)
    starts = (clauses.place % VERBS_PER_SENTENCE) == 0
    mention, offsets = _mentions(clauses, starts)
    names = names_of(graphs, facts, described, apart, mention)
    first = bools(pl.Series(mention).is_first_distinct())
    said = pl.DataFrame({"f": first, "a": names.first.gather(mention), "b": names.again.gather(mention)}).select(
        pl.when("f").then("a").otherwise("b")
    )
    sentences = _sentences(clauses, starts, said.to_series(), offsets)
    img = [graphs.img[clauses.subject[starts]]]
    bound = np.zeros(graphs.images.height, dtype=bool)
    bound[img[0]] = True
    rest, of_rest = _rest(graphs, facts, described, bound)
    texts = pl.concat([sentences.alias("t"), rest.alias("t")])
    img.append(of_rest)
    order = np.argsort(np.concatenate(img), kind="stable")
    size = np.bincount(np.concatenate(img), minlength=graphs.images.height)
    return list_series(texts.gather(order), offsets_of(size)).list.join(" ")


def joined(texts: pl.Series, offsets: Ints, *, two: str = " and ", last: str = " and ") -> pl.Series:
    """Join runs of texts as English does: "a", "a and b", "a, b and c"."""
    size = np.diff(offsets)
    row = np.repeat(np.arange(len(size)), size)
    place = np.arange(len(row)) - offsets[:-1][row]
    ends = place == size[row] - 1
    between = np.where(place == 0, 0, np.where(~ends, 1, np.where(size[row] == 2, 2, 3)))
    parts = pl.DataFrame({"j": pl.Series(["", ", ", two, last]).gather(between), "t": texts})
    return list_series(parts.select(pl.concat_str("j", "t")).to_series(), offsets).list.join("")


def _clauses(graphs: Graphs, facts: Facts, apart: Bools) -> Clauses:
    words, root = graphs.words, descriptions(graphs).root
    start, size = runs(facts.subject, facts.verb)
    subject = facts.subject[start]
    plural = words.labels.flag("is_plural")[graphs.label]
    verb = verb_forms(words).gather(facts.predicate[start] + plural[subject] * words.predicates.words.height)
    bearer, said = _predicative(graphs, facts, apart, plural)
    everyone = np.concatenate([bearer, subject])
    # what a thing is like comes before what it does
    kind = np.repeat(np.arange(2), [len(bearer), len(subject)])
    order = np.lexsort((np.concatenate([bearer * 0, facts.verb[start]]), packed(everyone, kind), root[everyone]))
    sizes = np.concatenate([np.zeros(len(bearer), dtype=np.int64), size])[order]
    begin = np.concatenate([np.zeros(len(bearer), dtype=np.int64), start])[order]
    return Clauses(
        everyone[order],
        places(everyone[order]) if len(order) else order,
        Ragged.slices(facts.object, first=begin, size=sizes),
        pl.concat([said.alias("v"), verb.alias("v")]).gather(order),
    )


def _predicative(graphs: Graphs, facts: Facts, apart: Bools, plural: Bools) -> tuple[Ints, pl.Series]:
    """(object, "is tall and young") for objects that are told apart by name."""
    after = bools(graphs.words.attributes.words["position"] != "attributive")
    keep = apart[facts.held.rows] & after[facts.held.values]
    size = np.bincount(facts.held.rows[keep], minlength=len(apart))
    bearer = np.flatnonzero(size)
    if not len(bearer):
        return bearer, pl.Series([], dtype=pl.String)
    lists = Ragged(facts.held.values[keep], offsets_of(size[bearer]))
    be = pl.Series(["is ", "are "]).gather(plural[bearer].astype(np.int64))
    return bearer, be + join_lists(lists, graphs.words.attributes.text)


def _mentions(clauses: Clauses, starts: Bools) -> tuple[Ints, Ints]:
    """Objects in the order in which the text names them, and where the mentions of each clause begin."""
    size = clauses.objects.sizes + starts
    offsets = offsets_of(size)
    found = np.empty(offsets[-1], dtype=np.int64)
    subject = offsets[:-1][starts]
    rest = np.ones(len(found), dtype=bool)
    rest[subject] = False
    found[subject], found[rest] = clauses.subject[starts], clauses.objects.values
    return found, offsets


def _sentences(clauses: Clauses, starts: Bools, said: pl.Series, offsets: Ints) -> pl.Series:
    """Write "A tall man is wearing a red shirt and is holding a cup."."""
    begin = offsets[:-1] + starts
    rest = np.ones(len(said), dtype=bool)
    rest[offsets[:-1][starts]] = False
    things = joined(said.filter(pl.Series(rest)), clauses.objects.offsets)
    assert int((offsets[1:] - begin).sum()) == int(rest.sum())
    verbs = pl.DataFrame({"v": clauses.verb, "t": things, "n": clauses.objects.sizes}).select(
        pl.when(pl.col("n") > 0).then(pl.concat_str("v", pl.lit(" "), "t")).otherwise("v")
    )
    ends = np.append(np.flatnonzero(starts), len(starts))
    told = joined(verbs.to_series(), ends, last=", and ")
    subject = said.gather(offsets[:-1][starts])
    return _capital(pl.DataFrame({"s": subject, "t": told}).select(pl.concat_str("s", pl.lit(" "), "t", pl.lit("."))))


def _capital(texts: pl.DataFrame) -> pl.Series:
    """Begin with a capital: the first word is an article, so no name is changed."""
    text = pl.col(texts.columns[0])
    return texts.select(text.str.head(1).str.to_uppercase() + text.str.slice(1)).to_series()


def _rest(graphs: Graphs, facts: Facts, described: Adjectives, bound: Bools) -> tuple[pl.Series, Ints]:
    """Sentences on objects without relations, alike ones together, and the image of each."""
    obj = np.flatnonzero(facts.shown & ~facts.bound)
    sets = set_hashes(facts.held, graphs.words).view(np.int64)
    order = np.lexsort((obj, sets[obj], graphs.label_row[obj]))
    # in the order of their first object
    start, size = runs(graphs.label_row[obj][order], sets[obj][order])
    example = obj[order][start]
    back = np.argsort(example)
    example, size = example[back], size[back]
    texts = _things(graphs, facts, described, example, size)
    img = graphs.img[example]
    first, count = runs(img)
    place = np.arange(len(img)) - np.repeat(first, count)
    cut = np.flatnonzero(place % THINGS_PER_SENTENCE == 0)
    listed = joined(texts, np.append(cut, len(img)))
    of = img[cut]
    opening = pl.Series(["The image shows ", "The image also shows "]).gather(
        (bound[of] | (place[cut] > 0)).astype(np.int64)
    )
    return opening + listed + ".", of


def _things(graphs: Graphs, facts: Facts, described: Adjectives, example: Ints, size: Ints) -> pl.Series:
    """Write "a red car", "two red cars", "another car", "two more cars", "at least two cars", "some trees"."""
    table = graphs.words.labels
    row = graphs.label_row[example]
    related = np.bincount(graphs.label_row[facts.bound], minlength=len(graphs.labels.n))[row] > 0
    earlier = ~bools(pl.Series(row).is_first_distinct())
    label = graphs.label[example]
    largest = int(size.max(initial=1))
    parts = pl.DataFrame(
        {
            "label": table.text.gather(label),
            "many": table.words["plural"].gather(label),
            "article": table.words["singular_article"].gather(label).fill_null("a"),
            "plural": table.flag("is_plural")[label],
            "several": several(graphs)[example],
            "before": described.before.gather(example),
            "is": described.behind_is.gather(example),
            "are": described.behind.gather(example),
            "number": pl.Series([number_word(n) if n > 1 else "" for n in range(largest + 1)]).gather(size),
            "n": size,
            "more": related | earlier,
            "bare": (facts.held.sizes == 0)[example],
            "doubtful": facts.doubtful[example],
        }
    )
    again = pl.col("more") & pl.col("bare")
    least = pl.when("doubtful").then(pl.lit("at least ")).otherwise(pl.lit(""))
    alone = pl.when(again).then(pl.lit("another ")).when("doubtful").then(least + "one ").otherwise(article_text())
    one = pl.concat_str(
        pl.when("several").then(article_text()).otherwise(alone),
        "before",
        "label",
        pl.when("plural").then("are").otherwise("is"),
    )
    more = pl.when(again).then(pl.lit(" more ")).otherwise(pl.lit(" "))
    many = pl.concat_str(least, "number", more, "before", "many", "are")
    counted = (pl.col("n") > 1) & ~pl.col("several") & pl.col("many").is_not_null()
    return parts.select(pl.when(counted).then(many).otherwise(one)).to_series()
