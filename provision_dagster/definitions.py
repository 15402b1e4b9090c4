"""The one door that Dagster opens."""

import dagster as dg

from provision_dagster import defs as folder


@dg.definitions
def defs() -> dg.Definitions:
    """Collect every asset, check, job, sensor and resource of the package `defs`."""
    return dg.load_definitions_from_package_module(folder)
