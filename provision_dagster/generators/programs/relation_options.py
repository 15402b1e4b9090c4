"""Related pairs, and true and false options for questions about their relation."""

import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import column_hash, draw, mix
from provision_dagster.generators.language import join_list
from provision_dagster.generators.programs.common import word_counts
from provision_dagster.generators.registry import Draft, Rules

PAIR = ["img", "subject", "object"]


def related_pairs(graphs: Graphs) -> pl.DataFrame:
    """Each ordered pair of objects that is related, with its predicates.

    Returns
    -------
    pl.DataFrame
        `img`, `subject`, `object`, `subject_label`, `object_label`, `predicates` (as shown in an answer, sorted;
        "on" is left out
        beside "sitting on"), `every` (as annotated), `usable` (all can stand in a sentence), `contradicting`.
    """
    words = graphs.lexicon.predicates(graphs.relations["predicate"].unique().sort())
    said = graphs.relations.join(words.select("predicate", "usable", "option"), on="predicate")
    values = said["predicate"].unique().sort()
    here = said.select(*PAIR, "predicate")
    clashing = (
        here.join(graphs.lexicon.exclusive_predicates(values), on="predicate")
        .join(here.rename({"predicate": "other"}), on=[*PAIR, "other"])
        .select(PAIR)
        .unique()
        .with_columns(contradicting=True)
    )
    shown = said.select(*PAIR, "option").unique()
    longer = shown.join(shown, on=PAIR, suffix="_longer").filter(
        pl.col("option_longer").str.ends_with(pl.concat_str(pl.lit(" "), "option"))
    )
    spoken = shown.join(longer.select(*PAIR, "option").unique(), on=[*PAIR, "option"], how="anti")
    return (
        said.group_by(PAIR)
        .agg(
            pl.col("subject_label", "object_label").first(),
            every=pl.col("predicate").unique().sort(),
            usable=pl.col("usable").all(),
        )
        .join(spoken.group_by(PAIR).agg(predicates=pl.col("option").sort()), on=PAIR)
        .join(clashing, on=PAIR, how="left")
        .with_columns(pl.col("contradicting").fill_null(False))
    )


def finish_relation(graphs: Graphs, kept: pl.DataFrame, rules: Rules) -> Draft:
    """Answer with all predicates of a pair; offer one beside predicates that exclude it."""
    truth, pool = relation_options(graphs, kept)
    rows = kept.join(truth, on="row", how="left")
    return Draft(rows.with_columns(answer=join_list("predicates"), objs=pl.concat_list("subject", "object")), pool)


def relation_options(graphs: Graphs, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Choose a true predicate per row that others exclude, and list those as false options with their frequency.

    Parameters
    ----------
    rows
        Columns `row`, `h`, `predicates`, `every`, `subject_label`, `object_label`.

    Returns
    -------
    tuple of pl.DataFrame
        (`row`, `truth`) and the pool (`row`, `option`, `weight`).
    """
    values = pl.concat([graphs.vocabulary.filter(kind="predicate")["value"], graphs.relations["predicate"]])
    values = values.unique().sort()
    words = graphs.lexicon.predicates(values)
    said = (
        rows.select("row", "h", "subject_label", "object_label", "predicates", predicate="every")
        .explode("predicate")
        .join(words.select("predicate", "inverse", truth="option"), on="predicate")
        .filter(pl.col("predicates").list.contains(pl.col("truth")))
    )
    false = _excluded(graphs, said, values=values, words=words)
    fit = said.join(false.select("row", "predicate").unique(), on=["row", "predicate"])
    luck = mix(draw(fit["h"].to_numpy(), "truth"), column_hash(fit["predicate"]))
    truth = fit.with_columns(luck=pl.Series(luck)).sort("row", "luck").unique("row", keep="first", maintain_order=True)
    pool = (
        false.join(truth.select("row", "predicate"), on=["row", "predicate"])
        .join(word_counts(graphs, kind="predicate").rename({"option": "other"}), on="other")
        .group_by("row", "option")
        .agg(pl.col("weight").sum())
    )
    return truth.select("row", "truth"), pool


def _excluded(graphs: Graphs, said: pl.DataFrame, *, values: pl.Series, words: pl.DataFrame) -> pl.DataFrame:
    """List predicates that certainly do not hold, by row and annotated predicate.

    They are excluded by it, not its inverse, and neither said of the pair nor compatible with anything that is.
    """
    lexicon = graphs.lexicon
    labels = pl.concat([said["subject_label"], said["object_label"]]).unique().sort()
    lemmas = lexicon.labels(labels).select("label", "lemma")
    pairs = lexicon.exclusive_predicates(values, conditional=True)
    shown = words.filter("usable").select(other="predicate", other_canonical="canonical", option="option")
    near = lexicon.compatible_predicates(values)
    blocked = pl.concat(
        [
            said.select("row", other="predicate"),
            said.select("row", "predicate").join(near, on="predicate").select("row", "other"),
        ]
    ).unique()
    unless = pl.col("unless")
    return (
        said.join(pairs, on="predicate")
        .join(shown, on="other")
        .join(lemmas.rename({"label": "subject_label", "lemma": "subject_lemma"}), on="subject_label")
        .join(lemmas.rename({"label": "object_label", "lemma": "object_lemma"}), on="object_label")
        .filter(
            ~unless.list.contains(pl.col("subject_lemma")),
            ~unless.list.contains(pl.col("object_lemma")),
            pl.col("inverse").is_null() | (pl.col("inverse") != pl.col("other_canonical")),
        )
        .join(blocked, on=["row", "other"], how="anti")
        .select("row", "predicate", "other", "option")
    )
