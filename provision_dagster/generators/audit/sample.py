"""Audit a few rows of a table: cheap enough to do for every shard."""

import polars as pl

from provision_dagster.generators.audit.frame import audit_frame
from provision_dagster.generators.audit.report import AuditReport
from provision_dagster.lexicon import Lexicon

SAMPLE_ROWS = 500


def audit_sample(qa: pl.DataFrame, scene_graphs: pl.LazyFrame, *, lexicon: Lexicon) -> AuditReport:
    """Audit the first rows by id, which is a hash: the same sample of the same table, of all its generators.

    Parameters
    ----------
    qa
        Schema `RAW_QA`.
    scene_graphs
        Schema `SCENE_GRAPHS`; only the images that the sample asks about are read.
    """
    sample = qa.sort("id").head(SAMPLE_ROWS)
    shown = sample["image_ids"].explode().drop_nulls().unique().implode()
    return audit_frame(sample, scene_graphs.filter(pl.col("image_id").is_in(shown)).collect(), lexicon=lexicon)


def faults_table(report: AuditReport) -> pl.DataFrame:
    """List what makes answers wrong or ambiguous: columns `rule`, `rows` and `example` (an id)."""
    rows = [
        (f"{generator}: {verdict}: {reason}", count, str(report.examples[generator, verdict, reason][0]["id"]))
        for (generator, verdict, reason), count in sorted(report.reasons.items())
        if verdict in ("wrong", "ambiguous")
    ]
    return pl.DataFrame(rows, schema={"rule": pl.String, "rows": pl.Int64, "example": pl.String}, orient="row")
