"""RelationBBox: how the things in two boxes are related."""

import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.common import boxed_objects, first_reason
from provision_dagster.generators.programs.relation_options import finish_relation, related_pairs
from provision_dagster.generators.registry import Generator, Mentions, register


def candidates(graphs: Graphs) -> pl.DataFrame:
    """One per ordered pair of objects that are related."""
    boxes = boxed_objects(graphs).select("img", "obj", "box", "twin", "flat")
    return (
        related_pairs(graphs)
        .join(boxes.rename({"obj": "subject"}), on=["img", "subject"])
        .join(boxes.rename({"obj": "object"}), on=["img", "object"], suffix="_object")
        .rename({"box": "subject_box", "box_object": "object_box"})
        .select(
            "img",
            "subject",
            "object",
            "subject_label",
            "object_label",
            "subject_box",
            "object_box",
            "predicates",
            "every",
            first_reason(
                same_printed_box=pl.any_horizontal("twin", "twin_object"),
                box_prints_flat=pl.any_horizontal("flat", "flat_object"),
                unusable_predicate=~pl.col("usable"),
                contradicting_predicates=pl.col("contradicting"),
            ),
        )
    )


register(
    Generator(
        name="RelationBBox",
        family="qa_relation",
        version="1",
        key=("subject", "object"),
        slots=("subject_box", "object_box"),
        mentions=Mentions(objects=("subject_label", "object_label"), relations=("every",)),
        candidates=candidates,
        finish=finish_relation,
    )
)
