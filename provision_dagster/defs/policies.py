"""What all assets share: owners, groups, retries, code versions, and when they are made by themselves."""

from typing import Any

import dagster as dg
from dagster._core.event_api import PartitionKeyFilter

from provision_dagster import __version__

OWNERS = ["team:data-factory"]

RETRY = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL)
"""For steps that only fail for reasons outside the data: a busy disk, a lost commit race."""


class OnlyWarned(dg.AutomationCondition[dg.AssetCheckKey]):
    """Of checks that failed: the last failure was a WARN. Dagster's own conditions know no severity."""

    @property
    def requires_cursor(self) -> bool:
        """Nothing is remembered between ticks."""
        return False

    def evaluate(self, context: dg.AutomationContext[dg.AssetCheckKey]) -> dg.AutomationResult[dg.AssetCheckKey]:
        """Keep the partitions whose last evaluation is a WARN."""
        failed = context.candidate_subset
        if failed.is_partitioned:
            keys = {key for key in failed.expensively_compute_partition_keys() if _warned(context, key)}
            true = failed.compute_intersection_with_partition_keys(keys)
        else:
            true = context.get_empty_subset() if failed.is_empty or not _warned(context, None) else failed
        return dg.AutomationResult(context, true_subset=true)


def _warned(context: dg.AutomationContext[dg.AssetCheckKey], partition: str | None) -> bool:
    log = context.asset_graph_view.instance.event_log_storage
    last = log.get_asset_check_execution_history(context.key, 1, partition_filter=PartitionKeyFilter(key=partition))
    told = last[0].evaluation if last else None
    return told is not None and told.severity == dg.AssetCheckSeverity.WARN


class EvaluatedHere(dg.AutomationCondition[dg.AssetKey]):
    """Always true, and unknown to other processes.

    Dagster asks a condition's operands whether they can be sent to other processes, but not those about checks, and so
    would try to send `OnlyWarned`. Beside this one it sends a description only.
    """

    @property
    def requires_cursor(self) -> bool:
        """Nothing is remembered between ticks."""
        return False

    def evaluate(self, context: dg.AutomationContext[dg.AssetKey]) -> dg.AutomationResult[dg.AssetKey]:
        """Keep everything."""
        return dg.AutomationResult(context, true_subset=context.candidate_subset)


NOTHING_BLOCKS = dg.AutomationCondition.all_deps_match(
    dg.AutomationCondition.all_checks_match(
        dg.AutomationCondition.check_passed()
        | (dg.AutomationCondition.check_failed() & OnlyWarned())
        | dg.AutomationCondition.will_be_requested(),
        blocking_only=True,
    )
).with_label("no_blocking_check_failed_as_error")
"""`all_deps_blocking_checks_passed` of Dagster stops at a WARN of a blocking check too, which a run does not."""

VIEWS = dg.AssetSelection.groups("sql_models", include_sources=True)
"""Steps of the SQL: no run makes them, so nothing waits for them. What reads them also names what they are made of."""

KEEP_CURRENT = ((dg.AutomationCondition.eager() & NOTHING_BLOCKS).ignore(VIEWS) & EvaluatedHere()).with_label(
    "keep_current"
)
"""Make what is newly missing or whose inputs changed, once all upstream is there and no check of it is an ERROR."""


def policy(group: str, *, kinds: set[str], code_version: str = __version__, automatic: bool = True) -> dict[str, Any]:
    """Return the arguments of `@dg.asset` that every asset of a group has.

    Parameters
    ----------
    automatic
        Whether the sensor `keep_current`, when it is switched on, makes the asset by itself.
    """
    return {
        "group_name": group,
        "kinds": {"deltalake", *kinds},
        "owners": OWNERS,
        "code_version": code_version,
        "automation_condition": KEEP_CURRENT if automatic else None,
    }
