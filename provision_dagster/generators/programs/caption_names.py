"""How captions call objects: "a tall man", then "the man"; "the second man", "the man on the left"."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from provision_dagster.english import inflect_engine
from provision_dagster.generators.arrays import Bools, Ints, bools
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.phrases import Adjectives
from provision_dagster.generators.programs.caption_facts import Facts, left_and_right
from provision_dagster.generators.sampling import places
from provision_dagster.lexicon.grammar import indefinite_article


@dataclass(frozen=True)
class Names:
    """How objects are called: at first, and when they come again.

    `told_apart`: by an ordinal or a place, so that attributes must be said in a clause of their own.
    """

    first: pl.Series
    again: pl.Series
    told_apart: Bools


def several(graphs: Graphs) -> Bools:
    """Objects named by a plural or a mass noun, which takes "some"."""
    table = graphs.words.labels
    return np.asarray((table.flag("is_plural") | bools(table.words["number"] == "mass"))[graphs.label])


def told_apart(graphs: Graphs, facts: Facts) -> Bools:
    """Related objects of one label, of which each needs a name of its own; plurals and masses stay "some trees"."""
    bound = np.bincount(graphs.label_row[facts.bound], minlength=len(graphs.labels.n))
    return np.asarray(facts.bound & (bound[graphs.label_row] > 1) & ~several(graphs))


def names_of(graphs: Graphs, facts: Facts, described: Adjectives, apart: Bools, mention: Ints) -> Names:
    """Name every object; those told apart by ordinals are numbered in the order in which the text names them."""
    table = graphs.words.labels
    side = left_and_right(graphs, facts)
    number = _ordinals(graphs, apart, mention)
    parts = pl.DataFrame(
        {
            "label": table.text.gather(graphs.label),
            "article": table.words["singular_article"].gather(graphs.label).fill_null("a"),
            "plural": table.flag("is_plural")[graphs.label],
            "several": several(graphs),
            "before": described.before,
            "is": described.behind_is,
            "are": described.behind,
            "ordinal": pl.Series([ordinal(n) for n in range(int(number.max(initial=0)) + 1)]).gather(number),
            "side": pl.Series(["", " on the left", " on the right"]).gather(side),
            "apart": apart,
            "once": facts.bound & ~apart & _single(graphs, facts),
        }
    )
    label, the = pl.col("label"), pl.lit("the ")
    named = (
        pl.when(pl.col("side") != "")
        .then(pl.concat_str(the, label, "side"))
        .otherwise(pl.concat_str(the, "ordinal", pl.lit(" "), label))
    )
    first = pl.concat_str(article_text(), "before", label, pl.when("plural").then("are").otherwise("is"))
    texts = parts.select(
        first=pl.when("apart").then(named).otherwise(first),
        again=pl.when("apart").then(named).when("once").then(pl.concat_str(the, label)).otherwise(first),
    )
    return Names(texts["first"], texts["again"], apart)


def article_text() -> pl.Expr:
    """Article before `before` and `label`, with a space."""
    article = pl.when(pl.col("before") == "").then("article").otherwise(indefinite_article(pl.col("before")))
    return pl.when("several").then(pl.lit("some ")).otherwise(article + " ")


def _single(graphs: Graphs, facts: Facts) -> Bools:
    """Objects that are the only related one of their label."""
    bound = np.bincount(graphs.label_row[facts.bound], minlength=len(graphs.labels.n))
    return np.asarray(bound[graphs.label_row] == 1)


def _ordinals(graphs: Graphs, apart: Bools, mention: Ints) -> Ints:
    """Number objects that are told apart by the order in which the text names them, from 1."""
    first = mention[bools(pl.Series(mention).is_first_distinct())]
    first = first[apart[first]]
    row = graphs.label_row[first]
    order = np.argsort(row, kind="stable")
    found = np.zeros(len(apart), dtype=np.int64)
    if len(order):
        found[first[order]] = places(row[order]) + 1
    return found


_ORDINALS = (
    "", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth",
)  # fmt: skip


@cache
def ordinal(number: int) -> str:
    """Spell an ordinal: 1 -> "first"; "" for 0."""
    if number < len(_ORDINALS):
        return _ORDINALS[number]
    engine = inflect_engine()
    return str(engine.number_to_words(engine.ordinal(number)))  # type: ignore[arg-type]
