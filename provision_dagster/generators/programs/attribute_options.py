"""True and false options for questions about an object's attributes."""

from collections.abc import Sequence

import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import column_hash, draw, mix
from provision_dagster.generators.language import contains_word, join_list
from provision_dagster.generators.programs.common import word_counts
from provision_dagster.generators.registry import Draft, Rules


def answer_attributes(graphs: Graphs, *, by: Sequence[str]) -> pl.DataFrame:
    """List the attributes of each object (and category), with what makes the list unfit to be an answer.

    Returns
    -------
    pl.DataFrame
        Columns of `by`, `attributes` (list, sorted; of "metal" and "metallic" one), `known_words` (the lexicon knows
        all, and none is a noun such as a brand), `contradicting` (two of them cannot hold together: "open" and
        "closed"; two colours can).
    """
    held = graphs.typed_attributes
    plain = pl.col("attribute") == pl.col("canonical")
    spoken = held.sort(~plain, "attribute").unique([*by, "canonical"], keep="first", maintain_order=True)
    names = spoken.group_by(by).agg(attributes=pl.col("attribute").unique().sort())
    pairs = graphs.lexicon.contradictions(held["attribute"].unique().sort())
    both = (
        held.filter(pl.col("category") != "color")
        .join(pairs, on="attribute")
        .join(held.select("img", "obj", other="attribute"), on=["img", "obj", "other"])
        .select(*by)
        .unique()
        .with_columns(contradicting=pl.lit(True))
    )
    return (
        held.group_by(by)
        .agg(known_words=(pl.col("known") & (pl.col("category") != "noun")).all())
        .join(names, on=by)
        .join(both, on=by, how="left")
        .with_columns(pl.col("contradicting").fill_null(False))
    )


def leaks(*, label: str, attributes: str, most: int = 4) -> pl.Expr:
    """Whether one of the first attributes of a list is a word of the label, so that the question tells it (T3)."""
    values = pl.col(attributes)
    found = [contains_word(pl.col(label), values.list.get(i, null_on_oob=True)).fill_null(False) for i in range(most)]
    return pl.any_horizontal(found)


def finish_attributes(graphs: Graphs, kept: pl.DataFrame, rules: Rules, *, same_category: bool) -> Draft:
    """Answer with all listed attributes; offer one of them beside values that contradict it."""
    rows = kept.with_columns(answer=join_list("attributes"), objs=pl.concat_list("obj"))
    rows = rows.join(true_attribute(graphs, rows), on="row", how="left")
    return Draft(rows, false_attributes(graphs, rows, same_category=same_category))


def true_attribute(graphs: Graphs, rows: pl.DataFrame) -> pl.DataFrame:
    """Choose one attribute per row as the true option, by hash, among those that some other value contradicts."""
    listed = rows.select("row", "h", truth="attributes").explode("truth")
    pairs = graphs.lexicon.contradictions(_values(graphs))
    fit = listed.join(pairs.select(truth="attribute").unique(), on="truth")
    luck = mix(draw(fit["h"].to_numpy(), "truth"), column_hash(fit["truth"]))
    return fit.with_columns(luck=pl.Series(luck)).sort("row", "luck").unique("row", keep="first").select("row", "truth")


def false_attributes(graphs: Graphs, rows: pl.DataFrame, *, same_category: bool = False) -> pl.DataFrame:
    """List values that contradict the true one and are not said of the object, weighted by frequency (T2, T4)."""
    values = _values(graphs)
    lexicon = graphs.lexicon
    pairs = lexicon.contradictions(values).rename({"attribute": "truth", "other": "option"})
    if same_category:
        kinds = lexicon.attributes(values).select("attribute", "category")
        pairs = pairs.join(kinds.rename({"attribute": "truth"}), on="truth").join(
            kinds.rename({"attribute": "option"}), on=["option", "category"]
        )
    said = graphs.attributes.select("img", "obj", "attribute").unique()
    near = said.join(lexicon.same_attribute(values), on="attribute").select("img", "obj", option="other")
    blocked = pl.concat([said.rename({"attribute": "option"}), near]).unique()
    return (
        rows.select("row", "img", "obj", "truth")
        .drop_nulls("truth")
        .join(pairs.select("truth", "option").unique(), on="truth")
        .join(word_counts(graphs, kind="attribute"), on="option")
        .join(blocked, on=["img", "obj", "option"], how="anti")
        .select("row", "option", "weight")
    )


def _values(graphs: Graphs) -> pl.Series:
    """Attributes of the image set and of the shard."""
    everywhere = graphs.vocabulary.filter(kind="attribute")["value"]
    return pl.concat([everywhere, graphs.attributes["attribute"]]).unique().sort()
