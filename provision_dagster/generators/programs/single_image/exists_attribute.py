"""ExistsAttribute: how many objects of a label have the given attributes."""

import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.options import count_options
from provision_dagster.generators.phrases import attributed_plural
from provision_dagster.generators.programs.common import UNCLEAR_LABEL, first_reason
from provision_dagster.generators.registry import Draft, Generator, Mentions, Rules, register

MOST = 3
"""Attributes that a question may put before one noun and still be read."""


def _asked(graphs: Graphs) -> pl.DataFrame:
    """Distinct (attribute set, countable label) of each image, with the objects that have exactly that set."""
    sets = graphs.typed_attributes.group_by("img", "obj", "label").agg(
        attributes=pl.col("attribute").unique().sort(), known=(pl.col("known") & (pl.col("category") != "noun")).all()
    )
    flags = ["img", "label", "plural_form", "group_present", "ambiguous", "whole_present", "doubled"]
    labels = graphs.labels.filter("countable").select(flags)
    return (
        sets.join(labels, on=["img", "label"])
        .group_by("img", "label", "attributes")
        .agg(pl.col("known").first(), *(pl.col(c).first() for c in flags[2:]), exact=pl.col("obj").sort())
        .with_columns(asked=pl.col("attributes").list.join("\t"))
    )


def _matches(graphs: Graphs, asked: pl.DataFrame) -> pl.DataFrame:
    """For each question and object of its label: does the object have all attributes, and if not, is that certain?"""
    keys = ["img", "label", "asked"]
    wanted = asked.select(*keys, "attributes").explode("attributes").rename({"attributes": "attribute"})
    against = wanted.join(graphs.objects.select("img", "label", "obj"), on=["img", "label"])
    held = graphs.typed_attributes.select("img", "obj", "attribute").unique().with_columns(has=pl.lit(True))
    met = against.join(held, on=["img", "obj", "attribute"], how="left")
    has = met.group_by(*keys, "obj").agg(has=pl.col("has").fill_null(False).all())
    denied = (
        against.join(graphs.lexicon.contradictions(wanted["attribute"].unique().sort()), on="attribute")
        .join(held.rename({"attribute": "other"}), on=["img", "obj", "other"])
        .select(*keys, "obj")
        .unique()
        .with_columns(denied=pl.lit(True))
    )
    complete = graphs.images.select("img", complete=pl.col("exhaustive_attributes").fill_null(False))
    return (
        has.join(denied, on=[*keys, "obj"], how="left")
        .join(complete, on="img")
        .with_columns(unsure=~pl.col("has") & ~pl.col("denied").fill_null(False) & ~pl.col("complete"))
    )


def candidates(graphs: Graphs) -> pl.DataFrame:
    """One per distinct non-empty attribute set and countable label of an image."""
    asked = _asked(graphs)
    counted = (
        _matches(graphs, asked)
        .group_by("img", "label", "asked")
        .agg(objs=pl.col("obj").filter("has").sort(), unsure=pl.col("unsure").any())
    )
    reason = first_reason(
        **UNCLEAR_LABEL,
        unknown_attribute=~pl.col("known"),
        too_many_attributes=pl.col("attributes").list.len() > MOST,
        attribute_of_other_objects_unknown=pl.col("unsure"),
    )
    return asked.join(counted, on=["img", "label", "asked"]).select(
        "img", "label", "asked", "attributes", "plural_form", "exact", "objs", reason
    )


def finish(graphs: Graphs, kept: pl.DataFrame, rules: Rules) -> Draft:
    """Count the objects whose attributes include the set (strict) or equal it (paper)."""
    chosen = kept if rules == "strict" else kept.with_columns(objs="exact")
    counted = chosen.with_columns(n=pl.col("objs").list.len().cast(pl.Int32))
    return Draft(attributed_plural(count_options(counted, count="n"), lexicon=graphs.lexicon))


register(
    Generator(
        name="ExistsAttribute",
        family="qa_attribute",
        version="1",
        key=("label", "asked"),
        slots=("attributed_plural",),
        mentions=Mentions(objects=("label",), attributes=("attributes",), counts=("n",)),
        candidates=candidates,
        finish=finish,
    )
)
