"""What all assets share: owners, groups, retries, code versions."""

from typing import Any

import dagster as dg

from provision_dagster import __version__

OWNERS = ["team:data-factory"]

RETRY = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL)
"""For steps that only fail for reasons outside the data: a busy disk, a lost commit race."""


KEEP_CURRENT = (dg.AutomationCondition.eager() & dg.AutomationCondition.all_deps_blocking_checks_passed()).with_label(
    "keep_current"
)
"""Make what is newly missing or whose inputs changed, once all upstream is there and passes its blocking checks."""


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
