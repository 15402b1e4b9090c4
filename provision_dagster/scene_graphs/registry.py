"""All image sets of a spec folder: how many pictures each has, and the shards that follow."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.errors import InputError, ProvisionError
from provision_dagster.image_sets.safety import read_safety
from provision_dagster.image_sets.schema import IMAGE_SETS
from provision_dagster.image_sets.spec import load_spec
from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig, load_annotators
from provision_dagster.scene_graphs.ingest import ingest_image_set


def register_image_sets(files: Sequence[Path]) -> pl.DataFrame:
    """Read every image set of a list of spec files and say which shards it has.

    Parameters
    ----------
    files
        YAML files, one image set each.

    Returns
    -------
    pl.DataFrame
        Schema IMAGE_SETS, one row per file; a set that cannot be read, or has the name of an earlier one, has an
        `error` and no
        shards.
    """
    rows: list[dict[str, Any]] = []
    for file in files:
        row = _row(file)
        names = [r["image_set"] for r in rows]
        if row["image_set"] in names and row["error"] is None:
            other = rows[names.index(row["image_set"])]["spec_file"]
            row |= {
                "images": None,
                "shards": [],
                "error": f"`{file}`: name `{row['image_set']}` is taken by {other}",
            }
        rows.append(row)
    return pl.DataFrame(rows, schema=IMAGE_SETS)


def _row(file: Path) -> dict[str, Any]:
    row: dict[str, Any] = {
        "image_set": file.stem,
        "spec_file": file.name,
        "spec_sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "images": None,
        "shards": [],
        "error": None,
    }
    try:
        spec = load_spec(file)
        if spec.annotators is not None:
            load_annotators(spec.annotators)
        found = ingest_image_set(spec)
        read_safety(spec, sources=found.sources)
    except ProvisionError as error:
        return row | {"error": str(error)}
    return row | {"image_set": spec.name, "images": found.sources.height, "shards": found.shards}


def annotator_files(files: Sequence[Path]) -> dict[str, Path]:
    """Read which file of annotators each image set names; sets that cannot be read are left out."""
    found: dict[str, Path] = {}
    for file in files:
        try:
            spec = load_spec(file)
        except InputError:
            continue  # `register_image_sets` tells why
        if spec.annotators is not None:
            found.setdefault(spec.name, spec.annotators)
    return found


def annotators_of(files: Sequence[Path]) -> dict[str, AnnotatorsConfig]:
    """Read which models look at which image set; sets without any, and those that cannot be read, are left out.

    Raises
    ------
    InputError
        When a file of annotators is unusable.
    """
    return {name: load_annotators(file) for name, file in annotator_files(files).items()}


def usable_annotators_of(files: Sequence[Path]) -> dict[str, AnnotatorsConfig]:
    """As `annotators_of`, without image sets whose file of annotators is unusable."""
    found: dict[str, AnnotatorsConfig] = {}
    for name, file in annotator_files(files).items():
        try:
            found[name] = load_annotators(file)
        except InputError:
            continue  # `register_image_sets` tells why
    return found
