"""Checks an export against its manifest, and against the tables that it was made from."""

import multiprocessing
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provision_dagster import __version__
from provision_dagster.mixes.atomic import sha256
from provision_dagster.mixes.export import PLACES, export_mix
from provision_dagster.mixes.manifest import MANIFEST, read_manifest
from provision_dagster.mixes.reading_back import RowError, count_rows
from provision_dagster.mixes.rebuild import rebuilt_blocks, table_at
from provision_dagster.mixes.recipe import parse_recipe
from provision_dagster.storage.store import Store


@dataclass(frozen=True)
class CheckedFile:
    """A file of an export: what it holds, and what is wrong with it (empty: nothing)."""

    name: str
    bytes: int
    rows: int | None
    problem: str = ""


@dataclass(frozen=True)
class Verified:
    """What was found: every file of the manifest, and what is wrong with the whole."""

    files: list[CheckedFile]
    problems: list[str]

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems and not any(file.problem for file in self.files)


def verify_export(folder: str | Path, *, workers: int = 1) -> Verified:
    """Check every file of an export: size, checksum, that each row parses, and numbers of rows.

    Parameters
    ----------
    folder
        Folder with a manifest.
    workers
        Processes that read files.

    Returns
    -------
    Verified
        What was found.

    Raises
    ------
    InputError
        If there is no manifest.
    """
    root = Path(folder)
    manifest = read_manifest(root)
    entries = manifest["files"]
    # large ones first, so that no process is left with one at the end
    order = sorted(entries, key=lambda name: -int(entries[name]["bytes"]))
    files = [root] * len(order), order, [entries[name] for name in order]
    if workers > 1 and len(order) > 1:
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            found = list(pool.map(check_file, *files))
    else:
        found = list(map(check_file, *files))
    return Verified(sorted(found, key=lambda file: file.name), [*_strangers(root, entries), *_miscounted(manifest)])


def check_file(root: Path, name: str, entry: Mapping[str, Any]) -> CheckedFile:
    """Check one file against its entry in the manifest."""
    path = root / name
    if not path.is_file():
        return CheckedFile(name, 0, None, "is missing")
    size = path.stat().st_size
    if size != entry["bytes"]:
        return CheckedFile(name, size, None, f"has {size:,} bytes, the manifest says {entry['bytes']:,}")
    checksum = sha256(path)
    if checksum != entry["sha256"]:
        return CheckedFile(name, size, None, f"has another checksum than the manifest: {checksum}")
    try:
        rows = count_rows(path)
    except RowError as error:
        return CheckedFile(name, size, None, str(error))
    if rows != entry.get("rows"):
        return CheckedFile(name, size, rows, f"has {rows} rows, the manifest says {entry.get('rows')}")
    return CheckedFile(name, size, rows)


def _strangers(root: Path, entries: Mapping[str, Any]) -> Iterator[str]:
    """Files where trainers would take them for a part of the mix."""
    for places in PLACES.values():
        for place in places:
            path = root / place
            there = path.rglob("*") if path.is_dir() else [path]
            names = {p.relative_to(root).as_posix() for p in there if p.is_file()}
            yield from (f"`{name}` is not in the manifest" for name in sorted(names - set(entries)))


def _miscounted(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Formats that do not hold every row once; those of boxes hold what mentions boxes."""
    counts = manifest["counts"]
    generated = counts["by_origin"].get("generated", 0)
    for name, places in PLACES.items():
        if name not in manifest["recipe"]["formats"] or name in ("refcoco", "shikra"):
            continue
        held = [entry.get("rows", 0) for file, entry in manifest["files"].items() if file.split("/")[0] in places]
        wanted = generated if name == "provision" else counts["rows"]
        if sum(held) != wanted:
            yield f"format {name} holds {sum(held):,} rows, the mix has {wanted:,}"


def verify_rebuild(folder: str | Path, *, store: Store, image_root: str | Path | None = None) -> list[str]:
    """Build the mix again from the versions of tables that its manifest names, and compare every byte.

    Parameters
    ----------
    folder
        Folder with a manifest; needs room beside it for a second export.
    store
        The tables.
    image_root
        As when it was exported.

    Returns
    -------
    list of str
        What differs.

    Raises
    ------
    InputError
        If there is no manifest, it names no versions, or these cannot be read any more.
    """
    root = Path(folder)
    manifest = read_manifest(root)
    recipe = parse_recipe(manifest["recipe"], file=str(root / MANIFEST))
    versions: dict[str, int] = manifest["table_versions"]
    blocks = rebuilt_blocks(recipe, store=store, versions=versions)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=".rebuild-") as again:
        export_mix(
            blocks,
            again,
            recipe=recipe,
            table_versions=versions,
            image_root=image_root,
            images=table_at(store, "images", versions=versions),
        )
        found = read_manifest(again)
    return list(_differences(manifest, found))


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    files = {**before["files"], **after["files"]}
    differing = [name for name in sorted(files) if before["files"].get(name) != after["files"].get(name)]
    if differing and before["package_version"] != __version__:
        yield f"made by version {before['package_version']} of the package, this is {__version__}"
    inputs = {**before.get("inputs", {}), **after.get("inputs", {})}
    for field in sorted(inputs):
        if before.get("inputs", {}).get(field) != after.get("inputs", {}).get(field):
            yield f"`{field}` of the recipe is another file than it was"
    for name in differing:
        old, new = (one["files"].get(name, {}) for one in (before, after))
        yield f"`{name}` is not the same when built again: {_told(old)}, now {_told(new)}"
    for part in ("counts", "licenses"):
        if before[part] != after[part]:
            yield f"`{part}` of the manifest is not the same when built again"


def _told(entry: Mapping[str, Any]) -> str:
    return f"{entry['bytes']:,} bytes, SHA-256 {entry['sha256'][:12]}" if entry else "no such file"
