"""Clauses about two things: "the man is riding the horse", "the man does not wear the hat"."""

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.words import Words
from provision_dagster.lexicon.grammar import indefinite_article


def verb_forms(words: Words) -> pl.DataFrame:
    """Verb phrases by predicate: `is_form`, `are_form` ("is on", "has"; "are on", "have"), `is_not`, `are_not`."""
    return words.once("verb_forms_denied", lambda: negated(words.predicates.words))


def negated(predicates: pl.DataFrame) -> pl.DataFrame:
    """Deny verb phrases: "is on" -> "is not on", "wears" -> "does not wear" (the plural form is the base form)."""
    filled = predicates.select(
        pl.when(pl.col("is_form") == "").then("is " + pl.col("predicate")).otherwise("is_form").alias("is_form"),
        pl.when(pl.col("are_form") == "").then("are " + pl.col("predicate")).otherwise("are_form").alias("are_form"),
    )
    be = pl.col("is_form").str.starts_with("is ")
    base = pl.col("are_form")
    return filled.with_columns(
        is_not=pl.when(be).then("is not " + pl.col("is_form").str.slice(3)).otherwise("does not " + base),
        are_not=pl.when(be)
        .then("are not " + pl.col("are_form").str.slice(4))
        .otherwise("do not " + pl.col("are_form")),
    )


def verb(words: Words, predicate: Ints, plural: Bools, *, denied: bool = False) -> pl.Series:
    """Verb phrase of each predicate, for a subject of that number."""
    forms, end = verb_forms(words), "_not" if denied else "_form"
    both = pl.concat([forms[f"is{end}"].alias("v"), forms[f"are{end}"].alias("v")])
    return both.gather(predicate + plural.astype(np.int64) * forms.height)


def clause(
    graphs: Graphs, subject: Ints, predicate: Ints, object_: Ints, *, definite: bool, denied: bool = False
) -> pl.Series:
    """Make clauses of labels and predicates; `definite`: "the", else "a"."""
    labels = graphs.words.labels
    frame = pl.DataFrame(
        {
            "s": _named(graphs, subject, definite=definite),
            "v": verb(graphs.words, predicate, labels.flag("is_plural")[subject], denied=denied),
            "o": _named(graphs, object_, definite=definite),
        }
    )
    return frame.select(pl.concat_str("s", "v", "o", separator=" ")).to_series()


def _named(graphs: Graphs, label: Ints, *, definite: bool) -> pl.Series:
    words = graphs.words.labels.words
    plain = pl.when(pl.col("singular_article") == "").then("label")
    some = plain.otherwise(indefinite_article(pl.col("label")) + " " + pl.col("label"))
    return words.select("the " + pl.col("label") if definite else some).to_series().gather(label)
