"""Held-out sets and mixes in a project's own tables: the split, the exports, and the check that blocks."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from provision_dagster import runs
from provision_dagster.defs.stages import HELD_OUT, MIXES, REGISTER_RECIPES
from provision_dagster.mixes import pool
from provision_dagster.storage.store import Store
from tests.mixes.held_out.rows import drawn_pictures
from tests.mixes.rows import filtered, qa

PICTURES, SHARD = 40, "vg-00000"
SETTINGS = "{share: 0.3, seed: 2, name: test_set}"
NAMES = ("AttributeBBox", "MostObject", "HeadRelation")


@dataclass
class Factory:
    """A project whose questions and pictures are written straight into its tables."""

    folder: Path
    instance: dg.DagsterInstance
    store: Store

    def run(self, *assets: str, key: str | None = None) -> dg.ExecuteInProcessResult:
        return (
            runs.definitions()
            .resolve_implicit_global_asset_job_def()
            .execute_in_process(
                asset_selection=[dg.AssetKey(name) for name in assets],
                partition_key=key,
                instance=self.instance,
                raise_on_error=False,
            )
        )

    def rows(self, name: str) -> pl.DataFrame:
        return self.store.scan(name).collect()


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    folder = tmp_path_factory.mktemp("project")
    settings = {"DATA": "tables", "EXPORTS": "exports", "RECIPES": "recipes", "HELD_OUT": "held_out.yaml"}
    (folder / "recipes").mkdir()
    (folder / "recipes" / "all.yaml").write_text("{name: all, sources: [{ratio: 1}], form: open}\n")
    (folder / "recipes" / "both.yaml").write_text(
        "{name: both, sources: [{ratio: 1}], form: open, held_out: {exclude: false}}\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(folder / "home"))
        for setting, part in settings.items():
            patch.setenv(f"PROVISION_{setting}", str(folder / part))
        with runs.instance() as opened:
            runs.definitions.cache_clear()  # with the folders that the environment names now
            opened.add_dynamic_partitions("shard", [SHARD])
            made = Factory(folder, opened, Store(folder / "tables"))
            made.store.create_all()
            _fill(made)
            yield made
        runs.definitions.cache_clear()


def _fill(factory: Factory) -> None:
    images = drawn_pictures(factory.folder / "pictures", PICTURES)
    ids = images["image_id"].to_list()
    rows = [qa(i << 90, generator=NAMES[i % 3], image_ids=_shown(i, ids)) for i in range(1, 181)]
    factory.store.write_partition("images", images, key=SHARD)
    factory.store.write_partition("filtered_qa", filtered(*rows).with_columns(shard=pl.lit(SHARD)), key=SHARD)


def _shown(number: int, ids: list[str]) -> list[str]:
    """Every third question is about two pictures."""
    first = ids[number * 7 % len(ids)]
    return [first] if number % 3 else [first, ids[(number * 7 + number % 11 + 1) % len(ids)]]


def said(result: dg.ExecuteInProcessResult, check: str) -> tuple[bool, dg.AssetCheckSeverity]:
    (found,) = [one for one in result.get_asset_check_evaluations() if one.check_name == check]
    return found.passed, found.severity


def told(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    (event,) = result.asset_materializations_for_node(asset) or [None]
    assert event is not None
    return {name: value.value for name, value in event.metadata.items()}


def test_without_settings_nothing_is_held_out(factory: Factory) -> None:
    assert factory.run(*HELD_OUT).success
    assert factory.run(*REGISTER_RECIPES).success
    assert factory.run("mixes", key="all").success
    assert factory.rows("held_out_pictures").is_empty()
    assert factory.rows("mixes").height == 180
    assert not (factory.folder / "exports" / "held_out").exists()


def test_pictures_are_split_and_questions_go_with_them(factory: Factory) -> None:
    (factory.folder / "held_out.yaml").write_text(SETTINGS)
    result = factory.run(*HELD_OUT)
    assert result.success
    assert said(result, "held_out_is_sound") == (True, dg.AssetCheckSeverity.ERROR)
    assert said(result, "held_out_covers")[0]
    pictures, questions = set(factory.rows("held_out_pictures")["image_id"]), factory.rows("held_out")
    assert 4 <= len(pictures) <= 20
    assert set(questions["image_ids"].explode()) <= pictures
    manifest = json.loads((factory.folder / "exports" / "held_out" / "manifest.json").read_text())
    assert manifest["counts"]["questions"] == questions.height
    assert manifest["table_versions"]["held_out"] == factory.store.version("held_out")


def test_mixes_keep_to_the_split(factory: Factory) -> None:
    result = factory.run(*MIXES, key="all")
    assert result.success
    assert said(result, "mixes_are_disjoint") == (True, dg.AssetCheckSeverity.ERROR)
    pictures = set(factory.rows("held_out_pictures")["image_id"])
    mix = factory.rows("mixes").filter(recipe="all")
    assert not set(mix["image_ids"].explode()) & pictures
    questions = factory.rows("filtered_qa")
    sides = [len(set(shown) & pictures) for shown in questions["image_ids"]]
    apart = [0 < side < len(shown) for side, shown in zip(sides, questions["image_ids"], strict=True)]
    assert sum(apart) > 0
    assert mix.height + factory.rows("held_out").height + sum(apart) == 180


def test_a_recipe_may_train_with_them_and_is_warned(factory: Factory) -> None:
    result = factory.run("mixes", key="both")
    assert result.success
    assert said(result, "mixes_are_disjoint") == (False, dg.AssetCheckSeverity.WARN)
    assert factory.rows("mixes").filter(recipe="both").height == 180


def _base_set(factory: Factory) -> None:
    """A base set that shows every picture once, and one that is lost."""
    shown = [*sorted(path.name for path in (factory.folder / "pictures").iterdir()), "lost.png"]
    turns = [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "A drawing."}]
    records = [{"id": name, "image": name, "conversations": turns} for name in shown]
    (factory.folder / "base.json").write_text(json.dumps(records))
    root, file = factory.folder / "pictures", factory.folder / "base.json"
    base = f"{{file: {file}, image_root: {root}, ratio: 0.1}}"
    text = f"{{name: based, sources: [{{}}], form: open, base: {base}}}\n"
    (factory.folder / "recipes" / "based.yaml").write_text(text)


def test_rows_of_a_base_set_that_show_held_out_pictures_are_left_out(factory: Factory) -> None:
    _base_set(factory)
    assert factory.run(*REGISTER_RECIPES).success
    result = factory.run(*MIXES, key="based")
    assert result.success
    out = {Path(uri).name for uri in _held_out_files(factory)}
    every = {path.name for path in (factory.folder / "pictures").iterdir()} | {"lost.png"}
    mix = factory.rows("mixes").filter(recipe="based", origin="base")
    assert out
    assert {Path(uris[0]).name for uris in mix["image_uris"]} == every - out
    assert told(result, "mixes")["base_rows_held_out"] == len(out)
    assert factory.rows("base_pictures").height == len(every)
    # of a picture that cannot be opened nothing is proved
    assert said(result, "mixes_are_disjoint") == (False, dg.AssetCheckSeverity.WARN)


def test_what_is_not_known_of_a_base_set_is_opened(factory: Factory) -> None:
    """Rows that the table of its pictures does not tell of are found by the check."""
    empty = factory.rows("base_pictures").clear()
    factory.store.write_partition("base_pictures", empty, key="based")
    result = factory.run("mixes", key="based")
    assert not result.success
    assert said(result, "mixes_are_disjoint") == (False, dg.AssetCheckSeverity.ERROR)


def test_a_base_set_that_cannot_be_read_is_named(factory: Factory) -> None:
    broken = factory.folder / "broken.json"
    broken.write_text('[{"id": 1, "conversations": [{"from": "human", ')
    text = f"{{name: broken, sources: [{{}}], form: open, base: {{file: {broken}, ratio: 0.1}}}}\n"
    (factory.folder / "recipes" / "broken.yaml").write_text(text)
    assert factory.run(*REGISTER_RECIPES).success
    with pytest.raises(runs.RunFailedError, match=r"base set `.*broken.json` is neither a JSON array nor JSON lines"):
        runs.run(runs.Task(MIXES, "broken", "broken"), store=factory.instance)
    assert "broken" not in factory.store.partitions("mixes")
    assert not (factory.folder / "exports" / "broken").exists()


def _held_out_files(factory: Factory) -> list[str]:
    held = factory.rows("held_out_pictures")["image_id"]
    return factory.rows("images").filter(pl.col("image_id").is_in(held.implode()))["uri"].to_list()


def test_a_mix_that_shows_a_held_out_picture_is_not_exported(factory: Factory) -> None:
    """What is held out is looked up anew: a fault in building a mix is found."""
    (factory.folder / "held_out.yaml").write_text(SETTINGS.replace("seed: 2", "seed: 3"))
    assert factory.run(*HELD_OUT).success
    with pytest.MonkeyPatch.context() as patch:  # what builds the mix forgets to leave anything out
        patch.setattr(pool, "_without", lambda rows, *, held_out: rows)
        result = factory.run(*MIXES, key="all")
    assert not result.success
    assert said(result, "mixes_are_disjoint") == (False, dg.AssetCheckSeverity.ERROR)
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}
    assert made == {"base_pictures", "mixes"}
