"""Resources under the names that assets ask for."""

import dagster as dg

from provision_dagster.defs.io_manager import DeltaIOManager
from provision_dagster.defs.resources import FoldersResource, GenerationResource, StoreResource

_STORE = StoreResource()

resources = dg.Definitions(
    resources={
        "store": _STORE,
        "folders": FoldersResource(),
        "generation": GenerationResource(),
        "io_manager": DeltaIOManager(store=_STORE),
    }
)
