"""What `provision ingest` does before Dagster: a spec file is made of the command line, checked and saved."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from provision_dagster.errors import InputError
from provision_dagster.image_sets.paths import shown
from provision_dagster.image_sets.safety import read_safety
from provision_dagster.image_sets.spec import PATH_FIELDS, ImageSetSpec, load_spec, parse_spec
from provision_dagster.storage.store import Store

LISTS = (".csv", ".tsv", ".jsonl", ".parquet")


def read_set(
    path: Path, *, name: str | None, reader: str | None, format: str | None, fields: dict[str, Any]
) -> ImageSetSpec:
    """Make the spec of an image set from what the command line says.

    Parameters
    ----------
    path
        Folder, file list, tar(s), annotations, or a YAML spec (then only `name` may be given beside it).
    fields
        Further fields of `ImageSetSpec`; nulls are left out.

    Raises
    ------
    InputError
        If the path does not exist, or the fields do not fit together.
    """
    if path.suffix in (".yaml", ".yml"):
        spec = load_spec(path)
        return spec.model_copy(update={"name": name}) if name else spec
    if not path.exists() and not any(c in str(path) for c in "*?["):
        raise InputError(f"`{path}` does not exist; give a folder, a file list, a tar or annotations")
    chosen = reader or _reader_of(path, format=format)
    given = {k: v for k, v in fields.items() if v is not None}
    given |= {"name": name or _name_of(path), "reader": chosen, "path": path}
    if format is not None:
        given["annotations_format"] = format
    return parse_spec(given, source="command line")


def _reader_of(path: Path, *, format: str | None) -> str:
    if format is not None:
        return "annotations"
    if path.suffix in LISTS:
        return "file_list"
    tars = path.suffix == ".tar" or (path.is_dir() and any(path.glob("*.tar")))
    return "webdataset" if tars else "folder"


def _name_of(path: Path) -> str:
    name = re.sub(r"[^a-z0-9_-]+", "-", path.name.split(".")[0].lower()).strip("-")
    if not name:
        raise InputError(f"no name for the image set follows from `{path}`; give one with --name")
    return name


def save_spec(spec: ImageSetSpec) -> Path:
    """Write a spec, with absolute paths, into the folder that Dagster watches (PROVISION_IMAGE_SETS)."""
    folder = Path(os.environ.get("PROVISION_IMAGE_SETS") or "data/image_sets")
    folder.mkdir(parents=True, exist_ok=True)
    data = {k: v for k, v in spec.model_dump(mode="json").items() if v is not None}
    for key in PATH_FIELDS:
        if key in data:
            data[key] = str(Path(data[key]).absolute())
    if data.get("path") == data.get("annotations"):
        data.pop("path", None)
    file = folder / f"{spec.name}.yaml"
    draft = file.with_name(f".{file.name}.part")
    draft.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    draft.replace(file)
    return file


@contextmanager
def saved_spec(spec: ImageSetSpec) -> Iterator[Path]:
    """Save a spec while it is tried; when it turns out unusable, what was there before comes back."""
    folder = Path(os.environ.get("PROVISION_IMAGE_SETS") or "data/image_sets")
    target = folder / f"{spec.name}.yaml"
    before = target.read_bytes() if target.exists() else None
    try:
        yield save_spec(spec)
    except InputError:
        if before is None:
            target.unlink(missing_ok=True)
        else:
            target.write_bytes(before)
        raise


def check_readable(name: str) -> None:
    """Raise `InputError` with the reason if the image set, as registered, could not be read."""
    table = Store.from_env().scan("image_sets").filter(pl.col("image_set") == name).collect()
    for reason in table["error"].drop_nulls():
        raise InputError(reason)


def counts_of(name: str, shards: list[str]) -> tuple[int, int, int, int, int, int]:
    """Count what was read of an image set: pictures, objects, attributes, relations, captions, rejected parts."""
    store = Store.from_env()
    pictures = store.scan("image_sources", partitions=shards).select(pl.len()).collect().item()
    annotations = store.scan("annotations", partitions=shards)
    rejected = store.scan("rejected_annotations", partitions=shards).select(pl.len()).collect().item()
    attributes = pl.col("objects").list.eval(pl.element().struct.field("attributes").list.len()).list.sum()
    counted = annotations.select(
        pl.col("objects").list.len().sum(),
        attributes.sum().alias("attributes"),
        pl.col("relations").list.len().sum(),
        pl.col("captions").list.len().sum(),
    ).collect()
    return (pictures, *(int(v or 0) for v in counted.row(0)), rejected)


def safety_of(spec: ImageSetSpec, shards: list[str]) -> str:
    """Say of how many pictures safety is told, and which keys of the file no picture has."""
    pictures = Store.from_env().scan("image_sources", partitions=shards).collect()
    found = read_safety(spec, sources=pictures)
    text = f"safety is told of {found.table.height} of {pictures.height} pictures"
    if found.unknown_keys.is_empty():
        return text
    some = ", ".join(f"`{shown(key)}`" for key in found.unknown_keys.head(3))
    return f"{text}; `{spec.safety}` has {len(found.unknown_keys)} keys that no picture has: {some}"
