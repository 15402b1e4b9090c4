"""Audit a few rows of a table: cheap enough to do for every shard."""

from collections.abc import Mapping

import polars as pl

from provision_dagster.generators.audit.frame import Pictures, audit_rows, fitted, option_words, shipped
from provision_dagster.generators.audit.reading import Reader
from provision_dagster.generators.audit.report import AuditReport
from provision_dagster.generators.audit.words import Words, vocabulary_of
from provision_dagster.lexicon import Lexicon

SAMPLE_ROWS = 500


def audit_samples(
    qa: Mapping[str, pl.DataFrame], scene_graphs: pl.LazyFrame, *, lexicon: Lexicon
) -> dict[str, AuditReport]:
    """Audit the first rows of tables by id, which is a hash: the same sample of the same table, of all its generators.

    Parameters
    ----------
    qa
        Tables by name, schema `RAW_QA`.
    scene_graphs
        Schema `SCENE_GRAPHS`; only the images that the samples ask about are read.
    """
    samples = {name: fitted(rows.bottom_k(SAMPLE_ROWS, by="id").sort("id"), source=name) for name, rows in qa.items()}
    shown = pl.concat([rows["image_ids"] for rows in samples.values()]).explode().drop_nulls().unique().implode()
    graphs = scene_graphs.filter(pl.col("image_id").is_in(shown)).collect()
    options = option_words(pl.concat(samples.values()))
    words = Words(lexicon, vocabulary_of(graphs).joined(options))
    pictures, reader = Pictures(graphs, words), Reader(shipped())
    return {name: audit_rows(rows, pictures, words=words, reader=reader) for name, rows in samples.items()}


def faults_table(report: AuditReport) -> pl.DataFrame:
    """List what makes answers wrong or ambiguous: columns `rule`, `rows` and `example` (an id)."""
    rows = [
        (f"{generator}: {verdict}: {reason}", count, str(report.examples[generator, verdict, reason][0]["id"]))
        for (generator, verdict, reason), count in sorted(report.reasons.items())
        if verdict in ("wrong", "ambiguous")
    ]
    return pl.DataFrame(rows, schema={"rule": pl.String, "rows": pl.Int64, "example": pl.String}, orient="row")
