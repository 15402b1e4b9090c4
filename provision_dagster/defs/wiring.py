"""Resources under the names that assets ask for."""

from provision_dagster.defs.io_manager import DeltaIOManager
from provision_dagster.defs.resources import FoldersResource, GenerationResource, StoreResource


def resources() -> dict[str, object]:
    """Make the resources, with the folders that the environment names now."""
    store = StoreResource()
    return {
        "store": store,
        "folders": FoldersResource(),
        "generation": GenerationResource(
            rules="strict", mode="sampled", per_generator=2, images_per_question=[2, 3, 4], seed=0
        ),
        "io_manager": DeltaIOManager(store=store),
    }
