"""What the filters are told: thresholds, and what makes scores; two assets, so that the one leaves the other alone."""

import dagster as dg
import polars as pl

from provision_dagster.defs.describe import Metadata, markdown_table
from provision_dagster.defs.io_manager import data_version
from provision_dagster.defs.policies import policy
from provision_dagster.defs.resources import FoldersResource
from provision_dagster.filters.settings import filter_settings as thresholds_of
from provision_dagster.filters.settings import score_settings as scorers_of


@dg.asset(**policy("filtered_qa", kinds={"yaml"}, automatic=False))
def filter_settings(folders: FoldersResource) -> dg.Output[pl.DataFrame]:
    """Thresholds of the rules: another one filters anew and scores nothing; made when sets are registered."""
    table = thresholds_of(folders.filters())
    changed = table.filter(pl.col("value") != pl.col("default")).select("setting", "value", "default")
    metadata: Metadata = {"file": folders.filter_settings, "changed": dg.MetadataValue.md(markdown_table(changed))}
    return dg.Output(table, metadata=metadata, data_version=data_version(table))


@dg.asset(**policy("filtered_qa", kinds={"yaml"}, automatic=False))
def score_settings(folders: FoldersResource) -> dg.Output[pl.DataFrame]:
    """What gives scores to questions, and what they are compared with; made when sets are registered."""
    table = scorers_of(folders.filters())
    metadata: Metadata = {"file": folders.filter_settings}
    return dg.Output(table, metadata=metadata, data_version=data_version(table))
