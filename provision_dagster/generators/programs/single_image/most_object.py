"""MostObject and LeastObject: which of the options occurs most or least often."""

from functools import partial

import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import column_hash, mix
from provision_dagster.generators.programs.common import UNCLEAR_LABEL, word_counts
from provision_dagster.generators.registry import Draft, Generator, Mentions, Rules, register


def _uncontained(graphs: Graphs) -> pl.DataFrame:
    """Labels with their number of boxes, leaving out boxes that hold another box (paper rules)."""
    boxes = graphs.objects.select("img", "obj", "label", "x1", "y1", "x2", "y2")
    c = pl.col
    holds = (c("x1") <= c("x1_b")) & (c("y1") <= c("y1_b")) & (c("x2") >= c("x2_b")) & (c("y2") >= c("y2_b"))
    pairs = boxes.join(boxes.drop("label"), on="img", suffix="_b").filter((c("obj") != c("obj_b")) & holds)
    left = boxes.join(pairs.select("img", "obj").unique(), on=["img", "obj"], how="anti")
    counted = left.group_by("img", "label").agg(n=pl.len().cast(pl.Int32), objs=pl.col("obj").sort())
    return counted.join(graphs.labels.filter("countable").select("img", "label"), on=["img", "label"])


def _countable(graphs: Graphs) -> pl.DataFrame:
    """Labels whose count can be proven (strict rules)."""
    unclear = pl.any_horizontal(UNCLEAR_LABEL.values())
    return graphs.labels.filter(pl.col("countable") & ~unclear).select("img", "label", "n", "objs")


def _images(table: pl.DataFrame) -> pl.DataFrame:
    spread = pl.col("n").max() > pl.col("n").min()
    return table.group_by("img").agg(spread=spread).filter("spread").select("img")


def candidates(graphs: Graphs) -> pl.DataFrame:
    """One per image that has two countable labels with different counts."""
    provable = _images(_countable(graphs)).with_columns(provable=pl.lit(True))
    reason = pl.when(pl.col("provable").is_null()).then(pl.lit("no_provable_pair"))
    paper = _images(_uncontained(graphs)).join(provable, on="img", how="left")
    return paper.select("img", drop=reason)


def finish(graphs: Graphs, kept: pl.DataFrame, rules: Rules, *, most: bool) -> Draft:
    """Take one of the extreme labels as truth, and draw the others among those with strictly different counts."""
    table = _countable(graphs) if rules == "strict" else _uncontained(graphs)
    table = table.join(kept.select("row", "img", "h"), on="img")
    peak = (pl.col("n").max() if most else pl.col("n").min()).over("row")
    extremes = table.filter(pl.col("n") == peak)
    luck = pl.Series("luck", mix(extremes["h"].to_numpy(), column_hash(extremes["label"])))
    truth = extremes.with_columns(luck).sort("row", "luck").group_by("row", maintain_order=True).first()
    others = table.filter(pl.col("n") != peak)
    pool = others.join(word_counts(graphs, kind="label").rename({"option": "label"}), on="label", how="left")
    evidence = table.group_by("row").agg(objs=pl.col("objs").explode().sort())
    rows = kept.join(truth.select("row", truth="label", answer="label", n="n"), on="row").join(evidence, on="row")
    return Draft(rows, pool.select("row", option="label", weight=pl.col("weight").fill_null(1)))


for _name, _most in (("MostObject", True), ("LeastObject", False)):
    register(
        Generator(
            name=_name,
            family="qa_object",
            version="1",
            key=(),
            slots=("candidates",),
            mentions=Mentions(objects=("options",), counts=("n",)),
            candidates=candidates,
            finish=partial(finish, most=_most),
        )
    )
