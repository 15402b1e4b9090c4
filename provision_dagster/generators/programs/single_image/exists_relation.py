"""ExistsRelation: how two things that can be named are related."""

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import ints
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.common import name_rules, table, verbs
from provision_dagster.generators.programs.relation_options import finish_relation, related_pairs, relation_mentions
from provision_dagster.generators.registry import Candidates, Draft, Generator, Rules, register


def candidates(graphs: Graphs, rules: Rules) -> Candidates:
    """One per ordered pair of unique labels that are related; `pair` is its place in `related_pairs`."""
    related = related_pairs(graphs)
    once = np.zeros(graphs.objects.height, dtype=bool)
    once[graphs.uniques] = True
    pair = np.flatnonzero(once[related.subject] & once[related.object])
    subject, object_ = related.subject[pair], related.object[pair]
    rows = table(img=graphs.img[subject], subject=subject, object=object_, pair=pair)
    if rules == "paper":
        return Candidates(rows)
    return Candidates(
        rows,
        {
            **name_rules(graphs, subject, object_),
            "unusable_predicate": ~related.usable[pair],
            "contradicting_predicates": related.contradicting[pair],
        },
    )


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules) -> Draft:
    """Name both by their labels."""
    subject, object_ = ints(rows["subject"]), ints(rows["object"])
    slots = {
        "subject_label": graphs.label_text(subject),
        "object_label": graphs.label_text(object_),
        "be": verbs(graphs.is_plural(subject), singular="is", plural_form="are"),
    }
    return finish_relation(graphs, rows, slots)


register(
    Generator(
        name="ExistsRelation",
        family="qa_relation",
        version="2",
        key={"subject": "object", "object": "object"},
        slots=("subject_label", "object_label", "be"),
        candidates=candidates,
        mentions=relation_mentions,
        finish=finish,
    )
)
