"""Everything that is written of a held-out set: for lmms-eval, for VLMEvalKit, and a manifest with checksums."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster import __version__
from provision_dagster.errors import InputError
from provision_dagster.mixes.atomic import atomic_file, sha256
from provision_dagster.mixes.held_out.config import HeldOutConfig
from provision_dagster.mixes.held_out.examples import Examples, examples
from provision_dagster.mixes.held_out.lmms_eval import export_lmms_eval
from provision_dagster.mixes.held_out.vlmevalkit import export_vlmevalkit

MANIFEST = "manifest.json"


def export_held_out(
    questions: pl.DataFrame,
    folder: str | Path,
    *,
    images: pl.LazyFrame,
    config: HeldOutConfig,
    table_versions: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Write the evaluation set, the manifest last: where it is, the other files are whole.

    Parameters
    ----------
    questions
        Schema HELD_OUT.
    folder
        Gets `lmms_eval/`, `vlmevalkit/` and `manifest.json`; files of an earlier set are removed.
    images
        Schema IMAGES.
    config
        Name of the set and how much of it is written.
    table_versions
        Versions of the Delta tables that were read.

    Returns
    -------
    dict
        The manifest: settings, counts, what chance would get right, licences of the pictures, checksums. It holds no
        time and no absolute path: the same questions give the same bytes.

    Raises
    ------
    InputError
        If there is no question to write.
    PictureError
        If a picture cannot be opened any more.
    """
    target = Path(folder)
    chosen = examples(questions, images=images, per_generator=config.per_generator)
    if chosen.rows.is_empty():
        raise InputError(f"no held-out question can be exported: {questions.height} are held out, {chosen.left_out}")
    remove_held_out(target)
    files = export_lmms_eval(chosen.rows, target, name=config.name)
    tables, unreadable = export_vlmevalkit(chosen.rows, target, name=config.name)
    files += tables
    manifest = {
        "settings": config.model_dump(mode="json"),
        "package_version": __version__,
        "table_versions": dict(table_versions or {}),
        "counts": _counts(chosen, unreadable=unreadable),
        "files": {f.relative_to(target).as_posix(): {"bytes": f.stat().st_size, "sha256": sha256(f)} for f in files},
    }
    with atomic_file(target / MANIFEST) as part:
        part.write_text(json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return manifest


def _counts(chosen: Examples, *, unreadable: int) -> dict[str, Any]:
    rows = chosen.rows
    by = {f"by_{name}": dict(rows.group_by(name).len().sort(name).rows()) for name in ("type", "task", "generator")}
    chance = rows.select("type", part=1 / pl.col("options").list.len()).group_by("type").agg(pl.col("part").mean())
    shown = rows.select(pl.col("pictures").explode()).unnest("pictures").unique("image_id")
    return by | {
        "questions": rows.height,
        "pictures": shown.height,
        "pictures_by_license": dict(shown.group_by("license").len().sort("license").rows()),
        "chance": {kind: round(value, 4) for kind, value in chance.sort("type").rows()},
        "left_out": chosen.left_out | {"unreadable_for_pandas": unreadable},
    }


def remove_held_out(folder: str | Path) -> None:
    """Remove the files of an earlier set, and nothing else: VLMEvalKit keeps what it downloads in the same folder."""
    target = Path(folder)
    manifest = target / MANIFEST
    if not manifest.is_file():
        return
    for name in json.loads(manifest.read_text(encoding="utf-8"))["files"]:
        (target / name).unlink(missing_ok=True)
    manifest.unlink()
