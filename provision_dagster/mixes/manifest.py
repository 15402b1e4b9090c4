"""The manifest of an export: recipe, versions, counts, licences, and the checksum of every file."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster import __version__
from provision_dagster.errors import InputError
from provision_dagster.mixes.atomic import atomic_file, sha256
from provision_dagster.mixes.batches import Frame
from provision_dagster.mixes.inputs import input_checksums
from provision_dagster.mixes.recipe import Recipe
from provision_dagster.mixes.shown import licensed, shown_pictures
from provision_dagster.mixes.targets import compared

MANIFEST = "manifest.json"

_GROUPS = ("form", "family", "generator", "license", "source", "origin")
_SHOWN = ("shard", "image_id", "license")
_READERS = 2
"""Files that are read at once for their checksums."""


class Ledger:
    """Counts the rows of a mix as they go by: by group, and which pictures they show under which licence."""

    def __init__(self) -> None:
        self.rows = 0
        self._groups: dict[str, Counter[str]] = {name: Counter() for name in _GROUPS}
        self._shown: list[pl.DataFrame] = []

    def add(self, batch: pl.DataFrame) -> None:
        """Count rows."""
        self.rows += len(batch)
        for name, counter in self._groups.items():
            counter.update({str(value): number for value, number in batch[name].value_counts().rows()})
        self._shown.append(shown_pictures(batch).select(_SHOWN).collect())
        if len(self._shown) > 50:
            self._shown = [self._pictures()]

    def counts(self) -> dict[str, Any]:
        """Rows, pictures, and rows by form, family, generator, licence, source and origin."""
        by = {f"by_{name}": dict(sorted(counter.items())) for name, counter in self._groups.items()}
        return {"rows": self.rows, "images": self._pictures()["image_id"].n_unique(), **by}

    def licenses(self, images: Frame | None = None) -> list[dict[str, Any]]:
        """Say for each licence how many pictures and rows it covers, and whom it wants to be named.

        Parameters
        ----------
        images
            Schema IMAGES. None: licences as the rows have them, without attribution.

        Returns
        -------
        list of dict
            `license`, `pictures`, `rows`, `attribution` (list of str), by licence. A row whose pictures have several
            licences counts under each; null licences are `unknown`.
        """
        shown = self._pictures()
        named = _named(shown, images)
        pictures = named.group_by("license").agg(
            pictures=pl.col("image_id").n_unique(), attribution=pl.col("attribution").drop_nulls().unique().sort()
        )
        rows: Counter[str] = Counter()
        for text, number in self._groups["license"].items():
            rows.update(dict.fromkeys(text.split(" AND "), number))
        known = {one["license"]: one for one in pictures.iter_rows(named=True)}
        nothing = {"pictures": 0, "attribution": []}
        return [{"license": name, "rows": rows[name], **_without(known.get(name, nothing))} for name in sorted(rows)]

    def _pictures(self) -> pl.DataFrame:
        """Pictures by shard and the licence of their rows."""
        return pl.concat([pl.DataFrame(schema=dict.fromkeys(_SHOWN, pl.String)), *self._shown]).unique()


def _without(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("pictures", "attribution")}


def _named(shown: pl.DataFrame, images: Frame | None) -> pl.DataFrame:
    """Pictures with their own licence and attribution, `image_id`, `license`, `attribution`."""
    if images is None:
        own = shown.with_columns(pl.col("license").str.split(" AND "), attribution=pl.lit(None, pl.String))
        return own.explode("license").select("image_id", "license", "attribution")
    return licensed(shown.lazy(), images=images).select("image_id", "license", "attribution").collect()


def write_manifest(
    path: str | Path,
    *,
    recipe: Recipe,
    counts: Mapping[str, Any],
    licenses: Sequence[Mapping[str, Any]],
    files: Mapping[Path, int | None],
    table_versions: Mapping[str, int] | None = None,
) -> Path:
    """Write what an export consists of.

    Parameters
    ----------
    path
        JSON file; replaced whole. Files are named relative to its folder.
    recipe
        The mix's recipe.
    counts, licenses
        As from `Ledger`.
    files
        The exported files and their rows; None where a file has none.
    table_versions
        Versions of the Delta tables that the mix was built from.

    Returns
    -------
    Path
        The file. It holds no time and no absolute path: the same mix gives the same bytes.
    """
    target = Path(path)
    with ThreadPoolExecutor(_READERS) as pool:
        sums = list(pool.map(sha256, files))
    entries = {
        file.relative_to(target.parent).as_posix(): {
            "bytes": file.stat().st_size,
            "sha256": checksum,
            **({} if rows is None else {"rows": rows}),
        }
        for (file, rows), checksum in zip(files.items(), sums, strict=True)
    }
    manifest = {
        "recipe": recipe.model_dump(mode="json"),
        "package_version": __version__,
        "table_versions": dict(table_versions or {}),
        "inputs": input_checksums(recipe),
        "counts": dict(counts),
        "reached": compared(recipe, counts=counts["by_origin"]),
        "licenses": list(licenses),
        "files": entries,
    }
    with atomic_file(target) as part:
        part.write_text(json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return target


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """Read the manifest of an export; `InputError` if there is none or it is no manifest."""
    path = Path(folder) / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"`{path}` cannot be read: {error}; an export without a manifest is not whole") from error
    except json.JSONDecodeError as error:
        raise InputError(f"`{path}` is not JSON: {error}") from error
    needed = ("recipe", "package_version", "table_versions", "counts", "licenses", "files")
    lacking = [name for name in needed if name not in found] if isinstance(found, dict) else list(needed)
    if lacking:
        raise InputError(f"`{path}` is not a manifest: it has no {', '.join(lacking)}")
    return dict(found)
