"""What all assets share: owners, groups, retries, code versions."""

from typing import Any

import dagster as dg

from provision_dagster import __version__

OWNERS = ["team:data-factory"]

RETRY = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL)
"""For steps that only fail for reasons outside the data: a busy disk, a lost commit race."""


def policy(group: str, *, kinds: set[str], code_version: str = __version__) -> dict[str, Any]:
    """Return the arguments of `@dg.asset` that every asset of a group has."""
    return {"group_name": group, "kinds": {"deltalake", *kinds}, "owners": OWNERS, "code_version": code_version}
