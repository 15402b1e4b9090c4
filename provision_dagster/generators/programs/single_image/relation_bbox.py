"""RelationBBox: how the things in two boxes are related."""

import numpy as np
import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.common import box_rules, table
from provision_dagster.generators.programs.relation_options import finish_relation, related_pairs, relation_mentions
from provision_dagster.generators.registry import Candidates, Draft, Generator, Rules, register


def candidates(graphs: Graphs, rules: Rules) -> Candidates:
    """One per ordered pair of objects that are related; `pair` is its place in `related_pairs`."""
    related = related_pairs(graphs)
    subject, object_ = related.subject, related.object
    rows = table(img=graphs.img[subject], subject=subject, object=object_, pair=np.arange(len(subject)))
    if rules == "paper":
        return Candidates(rows)
    boxes = box_rules(graphs, subject, object_)
    return Candidates(
        rows,
        {
            "same_printed_box": boxes["same_printed_box"],
            "box_prints_flat": boxes["box_prints_flat"],
            "unusable_predicate": ~related.usable,
            "contradicting_predicates": related.contradicting,
        },
    )


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules) -> Draft:
    """Name both by their boxes."""
    slots = {
        "subject_box": graphs.box_text.gather(rows["subject"]),
        "object_box": graphs.box_text.gather(rows["object"]),
    }
    return finish_relation(graphs, rows, slots)


register(
    Generator(
        name="RelationBBox",
        family="qa_relation",
        version="2",
        key={"subject": "object", "object": "object"},
        slots=("subject_box", "object_box"),
        candidates=candidates,
        mentions=relation_mentions,
        finish=finish,
    )
)
