"""The one door that Dagster opens."""

import dagster as dg

from provision_dagster import defs as folder
from provision_dagster.defs.automation import JOBS, SENSORS
from provision_dagster.defs.wiring import resources
from provision_dagster.local.sqlite import commit_without_waiting


@dg.definitions
def defs() -> dg.Definitions:
    """Collect every asset and check of the package `defs`, with jobs, sensors and resources."""
    commit_without_waiting()
    return dg.Definitions(
        # not `load_from_defs_folder`: it looks for pyproject.toml, which an installed package does not have
        assets=dg.load_assets_from_package_module(folder, include_specs=True),
        asset_checks=dg.load_asset_checks_from_package_module(folder),
        jobs=JOBS,
        sensors=SENSORS,
        resources=resources(),
        # a step takes less time than a new process for it; shards run side by side, each in a run of its own
        executor=dg.in_process_executor,
    )
