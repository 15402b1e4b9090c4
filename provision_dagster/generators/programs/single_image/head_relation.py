"""HeadRelation: which of the options stands in a relation to a thing ("Which of these is on the table?")."""

import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.language import contains_word
from provision_dagster.generators.programs.common import first_reason, word_counts
from provision_dagster.generators.registry import Draft, Generator, Mentions, Rules, register

TOUCH = 0.02
"""Boxes closer than this share of the picture's longer side may still touch (annotators draw boxes by hand)."""


def candidates(graphs: Graphs) -> pl.DataFrame:
    """One per target label, predicate and head label, where some label of the image is neither."""
    key = ["img", "object_label", "predicate"]
    heads = graphs.relations.select(*key, head="subject_label").unique()
    sizes = graphs.labels.group_by("img").agg(labels=pl.len())
    taken = heads.group_by(key).agg(used=pl.col("head").append(pl.col("object_label").first()).n_unique())
    asked = heads.join(taken, on=key).join(sizes, on="img").filter(pl.col("used") < pl.col("labels"))
    words = graphs.lexicon.predicates(asked["predicate"].unique().sort()).select(
        "predicate",
        "usable",
        verb=pl.when(pl.col("is_form") == "").then("is " + pl.col("predicate")).otherwise("is_form"),
    )
    targets = graphs.uniques.select("img", "ambiguous", object_label="label", target="obj")
    provable = _false_labels(graphs, asked).select(*key, "head").unique().with_columns(provable=True)
    return (
        asked.join(words, on="predicate")
        .join(targets, on=["img", "object_label"], how="left")
        .join(provable, on=[*key, "head"], how="left")
        .select(
            *key,
            "head",
            "verb",
            "target",
            first_reason(
                target_not_unique=pl.col("target").is_null(),
                ambiguous_label=pl.col("ambiguous"),
                head_is_target=pl.col("head") == pl.col("object_label"),
                unusable_predicate=~pl.col("usable"),
                answer_in_question=contains_word(pl.col("object_label"), pl.col("head"))
                | contains_word(pl.col("head"), pl.col("object_label")),
                no_provable_distractor=pl.col("provable").is_null(),
            ),
        )
    )


def _false_labels(graphs: Graphs, asked: pl.DataFrame) -> pl.DataFrame:
    """Labels none of whose objects can stand in the relation to the (unique) target.

    An object is ruled out when the relation needs contact and the boxes lie apart, when an annotated relation of the
    object to
    the target excludes the asked one, or when the picture lists every relation.
    """
    key = ["img", "object_label", "predicate"]
    words = graphs.lexicon.predicates(asked["predicate"].unique().sort()).select("predicate", "requires_contact")
    targets = graphs.uniques.select("img", "x1", "y1", "x2", "y2", object_label="label", target="obj")
    labels = graphs.images.select("img", "width", "height", "exhaustive_relations")
    asks = asked.select(key).unique().join(targets, on=["img", "object_label"]).join(words, on="predicate")
    others = graphs.objects.select("img", "obj", "label", "x1", "y1", "x2", "y2")
    facing = asks.join(others, on="img", suffix="_b").join(labels, on="img")
    facing = facing.filter(pl.col("label") != pl.col("object_label"))
    near = TOUCH * pl.max_horizontal("width", "height")
    c = pl.col
    gap_x = pl.max_horizontal(c("x1") - c("x2_b"), c("x1_b") - c("x2"))
    gap_y = pl.max_horizontal(c("y1") - c("y2_b"), c("y1_b") - c("y2"))
    apart = c("requires_contact") & (pl.max_horizontal(gap_x, gap_y) > near)
    values = graphs.relations["predicate"].unique().sort()
    excluded = (
        graphs.relations.select("img", "object_label", obj="subject", other="predicate")
        .join(
            graphs.lexicon.exclusive_predicates(values).rename({"predicate": "other", "other": "predicate"}), on="other"
        )
        .select("img", "object_label", "obj", "predicate")
        .unique()
        .with_columns(excluded=True)
    )
    ruled = facing.join(excluded, on=["img", "object_label", "obj", "predicate"], how="left").with_columns(
        out=apart | c("excluded").fill_null(False) | c("exhaustive_relations").fill_null(False)
    )
    clear = ruled.group_by(*key, "label").agg(out=pl.col("out").all()).filter("out").drop("out")
    return _unlike_heads(graphs, asked, clear)


def _unlike_heads(graphs: Graphs, asked: pl.DataFrame, clear: pl.DataFrame) -> pl.DataFrame:
    """Leave out labels that are, or may name, a head of the same question or of one that it implies."""
    key = ["img", "object_label", "predicate"]
    values = graphs.relations["predicate"].unique().sort()
    near = graphs.lexicon.compatible_predicates(values)
    said = graphs.relations.select("img", "object_label", "subject_label", "predicate")
    implied = said.join(near, on="predicate").select("img", "object_label", "subject_label", predicate="other")
    heads = pl.concat([said, implied]).unique().rename({"subject_label": "label"})
    related = graphs.lexicon.related_labels(graphs.labels["label"].unique().sort())
    names = asked.select(*key, "head").join(clear, on=key)
    alike = related.select(head="label", label="other")
    return names.join(heads, on=[*key, "label"], how="anti").join(alike, on=["head", "label"], how="anti")


def finish(graphs: Graphs, kept: pl.DataFrame, rules: Rules) -> Draft:
    """Offer the head beside labels of the image that are ruled out (paper rules: that merely lack the relation)."""
    key = ["img", "object_label", "predicate"]
    if rules == "strict":
        false = _false_labels(graphs, kept)
    else:
        said = graphs.relations.select(*key, label="subject_label").unique()
        here = kept.select(*key, "head").join(graphs.labels.select("img", "label"), on="img")
        false = here.filter(pl.col("label") != pl.col("object_label")).join(said, on=[*key, "label"], how="anti")
    pool = (
        kept.select("row", *key, "head")
        .join(false.unique(), on=[*key, "head"])
        .select("row", option="label")
        .join(word_counts(graphs, kind="label"), on="option", how="left")
        .with_columns(pl.col("weight").fill_null(1))
    )
    heads = (
        kept.select("row", *key, subject_label="head")
        .join(graphs.relations, on=[*key, "subject_label"])
        .group_by("row")
        .agg(objs=pl.concat([pl.col("subject"), pl.col("object")]).unique().sort())
    )
    rows = kept.join(heads, on="row").with_columns(truth="head", answer="head")
    return Draft(rows, pool)


register(
    Generator(
        name="HeadRelation",
        family="qa_relation",
        version="1",
        key=("object_label", "predicate", "head"),
        slots=("verb", "object_label", "candidates"),
        mentions=Mentions(objects=("head", "object_label"), relations=("predicate",)),
        candidates=candidates,
        finish=finish,
    )
)
