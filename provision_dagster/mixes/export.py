"""Everything that is written of a mix: training files, and a manifest with their checksums."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster import __version__
from provision_dagster.mixes.atomic import atomic_file, sha256
from provision_dagster.mixes.batches import Frame
from provision_dagster.mixes.llava import export_llava
from provision_dagster.mixes.provision_10m import export_provision_parquet
from provision_dagster.mixes.recipe import Recipe

__all__ = ["export_llava", "export_manifest", "export_mix", "export_provision_parquet"]


def export_manifest(
    path: str | Path,
    *,
    recipe: Recipe,
    mix: Frame,
    files: Iterable[Path],
    table_versions: Mapping[str, int] | None = None,
) -> Path:
    """Write what an export consists of: recipe, counts, licences, versions of the tables read, checksums.

    Parameters
    ----------
    path
        JSON file; replaced whole.
    recipe
        The mix's recipe.
    mix
        Schema MIX.
    files
        The exported files.
    table_versions
        Versions of the Delta tables that the mix was built from.

    Returns
    -------
    Path
        The file. It holds no time and no absolute path: the same mix gives the same bytes.
    """
    manifest = {
        "recipe": recipe.model_dump(mode="json"),
        "package_version": __version__,
        "table_versions": dict(table_versions or {}),
        "counts": _counts(mix.lazy()),
        "files": {f.name: {"bytes": f.stat().st_size, "sha256": sha256(f)} for f in files},
    }
    with atomic_file(Path(path)) as part:
        part.write_text(json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return Path(path)


def export_mix(
    mix: Frame,
    folder: str | Path,
    *,
    recipe: Recipe,
    table_versions: Mapping[str, int] | None = None,
    image_root: str | Path | None = None,
) -> dict[str, Path]:
    """Write every export of a mix into one folder, the manifest last: where it is, the other files are whole.

    Returns
    -------
    dict of str to Path
        Files by name: `llava`, `provision_sa`, `provision_mc`, `manifest`.
    """
    target = Path(folder)
    (target / "manifest.json").unlink(missing_ok=True)
    llava = export_llava(mix, target / "llava.json", image_root=image_root)
    parquet = export_provision_parquet(mix, target)
    files = {"llava": llava, "provision_sa": parquet["open"], "provision_mc": parquet["choice"]}
    manifest = export_manifest(
        target / "manifest.json", recipe=recipe, mix=mix, files=files.values(), table_versions=table_versions
    )
    return {**files, "manifest": manifest}


def _counts(mix: pl.LazyFrame) -> dict[str, Any]:
    groups = ("form", "family", "generator", "license", "source")
    found = mix.select("image_ids", *groups).collect()
    counts: dict[str, Any] = {f"by_{name}": _count(found, name) for name in groups}
    return counts | {
        "rows": len(found),
        "images": found["image_ids"].explode().n_unique() if len(found) else 0,
    }


def _count(rows: pl.DataFrame, column: str) -> dict[str, int]:
    return {str(value): number for value, number in rows.group_by(column).len().sort(column).rows()}
