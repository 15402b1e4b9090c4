"""ExistsObject: how many objects of a label there are."""

import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.options import count_options
from provision_dagster.generators.programs.common import UNCLEAR_LABEL, first_reason
from provision_dagster.generators.registry import Draft, Generator, Mentions, Rules, register


def candidates(graphs: Graphs) -> pl.DataFrame:
    """One per countable label of an image."""
    countable = graphs.labels.filter("countable")
    return countable.select("img", "label", "plural_form", "n", "objs", first_reason(**UNCLEAR_LABEL))


def finish(graphs: Graphs, kept: pl.DataFrame, rules: Rules) -> Draft:
    """Ask in the plural always, so that the wording does not give the count away (T3)."""
    return Draft(count_options(kept, count="n").rename({"plural_form": "plural"}))


register(
    Generator(
        name="ExistsObject",
        family="qa_object",
        version="1",
        key=("label",),
        slots=("plural",),
        mentions=Mentions(objects=("label",), counts=("n",)),
        candidates=candidates,
        finish=finish,
    )
)
