"""Resources: the store of Delta tables, the folders of specs, recipes and exports, and how to generate."""

import os
from functools import cache
from pathlib import Path

import dagster as dg
from pydantic import Field

from provision_dagster.filters.config import FilterConfig, load_filters
from provision_dagster.generators.generate import Settings
from provision_dagster.mixes.held_out.config import HeldOutConfig, load_held_out
from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig
from provision_dagster.scene_graphs.registry import annotators_of
from provision_dagster.storage.settings import DATA_SETTING, OPTIONS_SETTING, options_from_env, url_from_env
from provision_dagster.storage.store import Store


class StoreResource(dg.ConfigurableResource[Store]):
    """All Delta tables under one folder or URL."""

    url: str = Field(default_factory=url_from_env, description=f"Folder or URL; default: {DATA_SETTING}, else `data`.")
    storage_options: dict[str, str] = Field(
        default_factory=options_from_env, description=f"Credentials and endpoint; default: {OPTIONS_SETTING} as JSON."
    )

    def store(self) -> Store:
        """Open the store; tables that do not exist yet are created with their full schema."""
        return _opened(self.url, tuple(sorted(self.storage_options.items())))


@cache
def _opened(url: str, options: tuple[tuple[str, str], ...]) -> Store:
    """Open a store and create its tables, once per process: looking at all of them takes a tenth of a second."""
    store = Store(url, storage_options=dict(options))
    store.create_all()
    return store


def _folder(setting: str, default: str) -> str:
    return os.environ.get(setting) or default


class FoldersResource(dg.ConfigurableResource[None]):
    """Local folders beside the tables."""

    image_sets: str = Field(
        default_factory=lambda: _folder("PROVISION_IMAGE_SETS", "data/image_sets"),
        description="YAML files, one per image set (PROVISION_IMAGE_SETS).",
    )
    recipes: str = Field(
        default_factory=lambda: _folder("PROVISION_RECIPES", "recipes"),
        description="YAML files, one per mix, beside those that ship with the package (PROVISION_RECIPES).",
    )
    exports: str = Field(
        default_factory=lambda: _folder("PROVISION_EXPORTS", "data/exports"),
        description="Exported mixes (PROVISION_EXPORTS).",
    )
    filter_settings: str = Field(
        default_factory=lambda: _folder("PROVISION_FILTERS", "data/filters.yaml"),
        description="YAML file of the filters; absent: default thresholds, no model (PROVISION_FILTERS).",
    )

    held_out: str = Field(
        default_factory=lambda: _folder("PROVISION_HELD_OUT", "data/held_out.yaml"),
        description="YAML file of the held-out evaluation set; absent: nothing is held out (PROVISION_HELD_OUT).",
    )

    def held_out_settings(self) -> HeldOutConfig | None:
        """What is held out; None: nothing."""
        return load_held_out(Path(self.held_out))

    def filters(self) -> FilterConfig:
        """Thresholds, models and benchmarks of the filters."""
        return load_filters(Path(self.filter_settings))

    def image_set_files(self) -> list[Path]:
        """Spec files of image sets, sorted; none when the folder does not exist."""
        return sorted(Path(self.image_sets).glob("*.yaml"))

    def annotators(self) -> dict[str, AnnotatorsConfig]:
        """Models by image set; sets without any are left out."""
        return annotators_of(self.image_set_files())

    def recipe_files(self) -> list[Path]:
        """Recipe files, sorted; those of the package first."""
        shipped = Path(__file__).parents[1] / "mixes" / "recipes"
        return [*sorted(shipped.glob("*.yaml")), *sorted(Path(self.recipes).glob("*.yaml"))]


class GenerationResource(dg.ConfigurableResource[None]):
    """How raw QA are generated, the same for all families."""

    rules: str = Field("strict", description="strict (truth rules) or paper (the reference's candidate sets)")
    mode: str = Field("sampled", description="sampled or full")
    per_generator: int = Field(2, description="QA per generator and image in sampled mode")
    images_per_question: list[int] = Field([2, 3, 4], description="numbers of images of multi-image QA, each 2 .. 4")
    seed: int = Field(0, description="0 .. 2**63 - 1; the same seed gives the same bytes")

    def settings(self) -> Settings:
        """Return checked settings."""
        return Settings(
            rules=self.rules,  # type: ignore[arg-type]
            mode=self.mode,  # type: ignore[arg-type]
            per_generator=self.per_generator,
            images_per_question=tuple(self.images_per_question),
            seed=self.seed,
        )
