"""Dagster only: assets, checks, sensors, resources. The work is done by the rooms beside this package."""

import warnings

# The preview and beta features in use, by name. Checks that know which shard they look at.
warnings.filterwarnings("ignore", message=r"Specifying a partitions_def on an AssetCheckSpec is currently in preview")
# Data versions by content: equal data does not turn what reads it stale.
warnings.filterwarnings(
    "ignore", message=r"Parameter `data_version` of initializer `Output.__init__` is currently in beta"
)
# One model load serves many shards.
warnings.filterwarnings(
    "ignore", message=r"Parameter `backfill_policy` of function `(multi_)?asset` is currently in beta"
)
# The sensor of the automation conditions runs in this code location, where our own condition is known.
warnings.filterwarnings(
    "ignore", message=r"Parameter `use_user_code_server` of initializer `AutomationConditionSensorDefinition"
)
# Of the condition that looks at views: they are external assets.
warnings.filterwarnings("ignore", message=r"Parameter `include_sources` of function `AssetSelection.groups`")
