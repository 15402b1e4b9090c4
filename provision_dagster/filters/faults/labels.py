"""Drifted labels: a model that finds objects has lost the words for some, and calls them all the same."""

import polars as pl

from provision_dagster.lexicon import Lexicon

WORD, WORDS = "thing", "things"
"""What these objects are called: one, and several."""


def rarest_labels(scene_graphs: pl.DataFrame, *, share: float) -> list[str]:
    """The rarest labels that together name a share of all objects."""
    labels = scene_graphs.select(label=pl.col("objects").list.eval(pl.element().struct.field("label"))).explode("label")
    counts = labels.drop_nulls().group_by("label").len().sort("len", "label")
    before = counts["len"].cum_sum() - counts["len"]
    return counts.filter(before < share * int(counts["len"].sum()))["label"].to_list()


def drifted_graphs(scene_graphs: pl.DataFrame, labels: list[str]) -> pl.DataFrame:
    """Rename objects in scene graphs."""
    names = dict.fromkeys(labels, WORD)
    renamed = pl.element().struct.with_fields(pl.field("label").replace(names))
    return scene_graphs.with_columns(pl.col("objects").list.eval(renamed))


def mention(labels: list[str]) -> pl.Expr:
    """Whether a question is about an object of these labels."""
    return pl.col("metadata").struct.field("objects").list.eval(pl.element().is_in(labels)).list.any()


def drifted_questions(qa: pl.DataFrame, labels: list[str], *, lexicon: Lexicon) -> pl.DataFrame:
    """Rename what questions are about, in texts and metadata; of rows that mention the labels."""
    known = lexicon.labels(pl.Series(labels))
    singular, plural = _any_of(known["label"]), _any_of(known["plural"].drop_nulls())

    def said(text: pl.Expr) -> pl.Expr:
        return text.str.replace_all(rf"\b(?:{plural})\b", WORDS).str.replace_all(rf"\b(?:{singular})\b", WORD)

    objects = pl.col("metadata").struct.field("objects").list.eval(pl.element().replace(dict.fromkeys(labels, WORD)))
    texts = [said(pl.col(name)) for name in ("question", "answer", "choice_question")]
    options = pl.col("options").list.eval(said(pl.element()))
    metadata = pl.col("metadata").struct.with_fields(objects=objects)
    return qa.filter(mention(labels)).with_columns(*texts, options, metadata)


def _any_of(words: pl.Series) -> str:
    # longer ones first: "street light" before "light"
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))
