"""The card of an export tells of the tables as they were when it was made."""

import json
from pathlib import Path

import polars as pl
import pytest

from provision_dagster.errors import InputError
from provision_dagster.mixes.card.exported import write_exported_card
from provision_dagster.mixes.card.write import READ, write_card
from provision_dagster.mixes.export import export_mix
from provision_dagster.mixes.rebuild import rebuilt_blocks, source_versions
from provision_dagster.storage.maintenance import maintain
from provision_dagster.storage.store import Store
from tests.mixes import cards

SHARD = "vg-00000"
TABLES = (*READ, "mixes")


def _fill(store: Store, name: str, rows: pl.DataFrame) -> None:
    """Write a table whose rows are of one shard."""
    if name != "funnel":
        store.write_partition(name, rows, key=SHARD)
        return
    for (family,), some in rows.partition_by("family", as_dict=True).items():
        store.write_partition(name, some, key={"shard": SHARD, "family": str(family)})


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Store, Path]:
    """Tables, and a mix that was exported from them."""
    store, folder = Store(tmp_path / "tables"), tmp_path / "mix"
    store.create_all()
    for name, rows in cards.tables(tmp_path).items():
        _fill(store, name, rows.collect())
    versions = source_versions(store)
    mix = pl.concat(rebuilt_blocks(cards.MADE, store=store, versions=versions))
    store.write_partition("mixes", mix, key=cards.MADE.name)
    told = versions | {"mixes": store.version("mixes")}
    export_mix(mix, folder, recipe=cards.MADE, table_versions=told, images=store.scan("images"))
    return store, folder


def _change(store: Store) -> None:
    """Replace what every table says."""
    for name in READ:
        rows = store.scan(name).collect()
        counts = [pl.col(c) + 7 for c in ("count", "rows", "raw_rows") if c in rows.columns]
        named = [pl.lit("somebody else").alias(c) for c in ("attribution",) if c in rows.columns]
        _fill(store, name, rows.with_columns(counts + named).head(-1))
    mix = store.scan("mixes").collect()
    store.write_partition("mixes", mix.head(5), key=cards.MADE.name)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_tables_that_changed_since_do_not_matter(stored: tuple[Store, Path]) -> None:
    store, folder = stored
    files = write_exported_card(folder, store=store)
    before = _files(folder / "card")
    assert "| AttributeBBox | qa\\_attribute | 50 | 30 | 21 | 20 | 20 |" in files["card"].read_text(encoding="utf-8")
    versions = json.loads((folder / "manifest.json").read_text())["table_versions"]
    assert set(TABLES) <= set(versions)
    _change(store)
    assert all(store.version(name) > versions[name] for name in TABLES)
    write_exported_card(folder, store=store)
    assert _files(folder / "card") == before
    # of the tables as they are now it would be another one
    now = {name: store.scan(name) for name in READ}
    write_card(store.scan("mixes"), folder / "now", recipe=cards.MADE, tables=now)
    after = _files(folder / "now")
    assert {"card.md", "card.html", "gallery.html", "pictures.jsonl"} <= {n for n in after if after[n] != before[n]}


@pytest.mark.parametrize("name", TABLES)
def test_a_version_that_maintenance_removed_is_named(stored: tuple[Store, Path], name: str) -> None:
    store, folder = stored
    version = json.loads((folder / "manifest.json").read_text())["table_versions"][name]
    _change(store)
    maintain(store, tables=[name], retention_hours=0)
    told = f"table `{name}` cannot be read at version {version} any more: .* are not there, .*; maintenance removes"
    with pytest.raises(InputError, match=told):
        write_exported_card(folder, store=store)
    assert not (folder / "card").exists()


def test_an_export_that_names_no_versions(stored: tuple[Store, Path]) -> None:
    store, folder = stored
    export_mix(store.scan("mixes"), folder, recipe=cards.MADE)
    with pytest.raises(InputError, match="the manifest names no version of table `mixes`"):
        write_exported_card(folder, store=store)
    with pytest.raises(InputError, match=r"manifest.json` cannot be read: .*; an export without a manifest"):
        write_exported_card(folder / "nowhere", store=store)


def test_of_a_table_that_lost_some_files_none_is_read(stored: tuple[Store, Path]) -> None:
    """Most of the version is still there, and its first rows can be read."""
    store, folder = stored
    rows = store.scan("images").collect()
    store.write_partition("images", rows.with_columns(shard=pl.lit("vg-00001")), key="vg-00001")
    mix = store.scan("mixes").collect()
    told = source_versions(store) | {"mixes": store.version("mixes")}
    export_mix(mix, folder, recipe=cards.MADE, table_versions=told)
    store.write_partition("images", rows.with_columns(shard=pl.lit("vg-00001")).head(1), key="vg-00001")
    maintain(store, tables=["images"], retention_hours=0)
    with pytest.raises(InputError, match="table `images` cannot be read at version 2 any more: 1 of its files"):
        write_exported_card(folder, store=store)
