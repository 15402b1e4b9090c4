"""Descriptions in English: "wooden object that is on the white table", "object that the tall man is wearing"."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Ragged
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.phrases import adjectives
from provision_dagster.generators.programs.descriptions import SMALL, Described, Descriptions
from provision_dagster.generators.words import Words
from provision_dagster.lexicon.grammar import indefinite_article


@dataclass(frozen=True)
class _Sets:
    """Texts round a noun, for each distinct set of attributes, and the set of each row.

    `article`: "a" or "an" by the first adjective, "" where the noun decides.
    """

    before: pl.Series
    behind: pl.Series
    behind_is: pl.Series
    article: pl.Series
    of_row: Ints


def description_texts(space: Descriptions, numbers: Ints) -> pl.Series:
    """Write descriptions; each is written once, however many questions use it."""
    if space.total <= SMALL and 2 * len(numbers) > space.total:
        # most of an ordinary shard is asked for, and will be by the next generator
        return space.graphs.once("description_texts", lambda: _texts(space, space.every)).gather(numbers)
    distinct, place = np.unique(numbers, return_inverse=True)
    return _texts(space, space.described(distinct)).gather(place)


def _texts(space: Descriptions, said: Described) -> pl.Series:
    """Write descriptions as singular noun phrases without an article, with the head noun "object".

    A neighbor gets "the" where no other object of the picture bears its label, else "a" or "some": then the description
    means whichever of them it is.
    """
    words = space.graphs.words
    none = np.full(len(said.cell), -1)
    own, near = _sets(
        words,
        (np.where(said.a_near, -1, said.a), np.where(said.b_near, -1, said.b), said.c),
        (np.where(said.a_near, said.a, none), np.where(said.b_near, said.b, none), none),
    )
    behind = own.behind_is.gather(own.of_row)
    parts = pl.DataFrame(
        {
            "before": own.before.gather(own.of_row),
            "behind": behind,
            "clause": _clauses(space, said, near, follows=(own.behind_is != "").to_numpy()[own.of_row]),
        }
    )
    return parts.select(text=pl.concat_str("before", pl.lit("object"), "behind", "clause")).to_series()


def _sets(words: Words, *columns: tuple[Ints, Ints, Ints]) -> list[_Sets]:
    """Find the distinct sets of attributes (-1 = none) of several lists of rows, and write each once."""
    size = words.attributes.words.height + 1
    keys = [((c + 1) * size + b + 1) * size + a + 1 for a, b, c in columns]
    distinct, of_row = np.unique(np.concatenate(keys), return_inverse=True)
    table = np.stack([distinct % size, distinct // size % size, distinct // size // size], axis=1) - 1
    said = adjectives(Ragged.masked(table, table >= 0), words)
    article = pl.DataFrame({"b": said.before}).select(
        pl.when(pl.col("b") == "").then(pl.lit("")).otherwise(indefinite_article(pl.col("b")))
    )
    texts = (said.before, said.behind, said.behind_is, article.to_series())
    return [_Sets(*texts, rows) for rows in np.split(of_row, np.cumsum([len(k) for k in keys])[:-1])]


def _clauses(space: Descriptions, said: Described, near: _Sets, *, follows: Bools) -> pl.Series:
    """Write " that is on the white table" or " that the tall man is wearing"; "" without a relation.

    `follows`: a clause stands before it, so that "and" must.
    """
    text = pl.Series([""]).new_from_index(0, len(said.cell))
    rows = np.flatnonzero(said.edge >= 0)
    if not len(rows):
        return text
    graphs, edges = space.graphs, space.edges
    words, edge, sets = graphs.words, said.edge[rows], near.of_row[rows]
    label, inward = graphs.label[edges.near[edge]], edges.inward[edge]
    plural = words.labels.flag("is_plural")[label].astype(np.int64)
    noun = _nouns(graphs, edges.near[edge], near, sets)
    forms = verb_forms(words)
    verb = forms.gather(edges.predicate[edge] + (inward * plural) * (len(forms) // 2))
    parts = pl.DataFrame(
        {"link": pl.Series([" that ", " and that "]).gather(follows[rows].astype(np.int64)), "n": noun, "v": verb}
    ).with_columns(i=pl.Series(inward == 1))
    written = parts.select(
        pl.when("i")
        .then(pl.concat_str("link", "n", pl.lit(" "), "v"))
        .otherwise(pl.concat_str("link", "v", pl.lit(" "), "n"))
    ).to_series()
    return text.scatter(rows, written) if len(rows) < len(text) else written


def _nouns(graphs: Graphs, near: Ints, around: _Sets, sets: Ints) -> pl.Series:
    """Write neighbors: "the white table", "a man that is sitting", "some trees"."""
    words, labels = graphs.words.labels, graphs.label[near]
    plural = words.flag("is_plural")[labels]
    once = graphs.labels.n[graphs.label_row[near]] == 1
    parts = pl.DataFrame(
        {
            "once": once,
            "plural": plural,
            "mass": (words.words["number"] == "mass").to_numpy()[labels],
            "by_word": around.article.gather(sets),
            "by_label": words.words["singular_article"].gather(labels),
            "before": around.before.gather(sets),
            "label": words.text.gather(labels),
            "is": around.behind_is.gather(sets),
            "are": around.behind.gather(sets),
        }
    )
    article = (
        pl.when("once")
        .then(pl.lit("the"))
        .when(pl.col("plural") | pl.col("mass"))
        .then(pl.lit("some"))
        .when(pl.col("by_word") != "")
        .then("by_word")
        .otherwise("by_label")
    )
    behind = pl.when("plural").then("are").otherwise("is")
    return parts.select(pl.concat_str(article, pl.lit(" "), "before", "label", behind)).to_series()


def verb_forms(words: Words) -> pl.Series:
    """Verb phrase of each predicate after a singular subject ("is on"), then each after a plural one ("are on")."""
    return words.once("verb_forms", lambda: _verb_forms(words))


def _verb_forms(words: Words) -> pl.Series:
    table, name = words.predicates.words, pl.col("predicate")
    forms = [
        table.select(pl.when(pl.col(column) == "").then(pl.lit(be) + name).otherwise(column)).to_series()
        for column, be in (("is_form", "is "), ("are_form", "are "))
    ]
    return pl.concat([forms[0].alias("v"), forms[1].alias("v")])
