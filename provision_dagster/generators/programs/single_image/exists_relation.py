"""ExistsRelation: how two things that can be named are related."""

import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.language import agree
from provision_dagster.generators.programs.common import first_reason
from provision_dagster.generators.programs.relation_options import finish_relation, related_pairs
from provision_dagster.generators.registry import Generator, Mentions, register


def candidates(graphs: Graphs) -> pl.DataFrame:
    """One per ordered pair of unique labels that are related."""
    names = graphs.uniques.select("img", "obj", "ambiguous", "plural_verb")
    heads = names.rename({"obj": "subject"})
    tails = names.select("img", "ambiguous", object="obj")
    return (
        related_pairs(graphs)
        .join(heads, on=["img", "subject"])
        .join(tails, on=["img", "object"], suffix="_object")
        .select(
            "img",
            "subject",
            "object",
            "subject_label",
            "object_label",
            "predicates",
            "every",
            agree("plural_verb", singular="is", plural_form="are").alias("be"),
            first_reason(
                ambiguous_label=pl.any_horizontal("ambiguous", "ambiguous_object"),
                unusable_predicate=~pl.col("usable"),
                contradicting_predicates=pl.col("contradicting"),
            ),
        )
    )


register(
    Generator(
        name="ExistsRelation",
        family="qa_relation",
        version="1",
        key=("subject", "object"),
        slots=("subject_label", "object_label", "be"),
        mentions=Mentions(objects=("subject_label", "object_label"), relations=("every",)),
        candidates=candidates,
        finish=finish_relation,
    )
)
