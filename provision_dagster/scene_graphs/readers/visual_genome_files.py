"""Which of Visual Genome's files are read.

Where a folder holds both scene_graphs and objects v1.4, the objects with attributes and relationships are
read: their boxes are the corrected ones, and ids that were merged into one object are known.
"""

from pathlib import Path
from typing import Any, Literal, NamedTuple

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.readers.json_stream import entries

Main = Literal["objects", "scene_graphs"]

NAMES: dict[str, tuple[str, ...]] = {
    "objects": ("objects_v1_4", "objects_v1_2", "objects"),
    "scene_graphs": ("scene_graphs",),
    "attributes": ("attributes",),
    "relationships": ("relationships_v1_4", "relationships_v1_2", "relationships"),
    "regions": ("region_descriptions",),
    "sizes": ("image_data",),
}
"""Official file names by kind, the preferred first."""


class Files(NamedTuple):
    """The files that are read together; `main` lists the images."""

    main: Path
    kind: Main
    attributes: Path | None
    relationships: Path | None
    regions: Path | None
    sizes: Path | None
    ignored: list[Path]


def looks_like(value: Any) -> bool:
    """Whether an element of a top-level array has this layout."""
    lists = ("objects", "attributes", "relationships", "regions", "qas")
    if not isinstance(value, dict) or ("image_id" not in value and "id" not in value):
        return False
    return any(isinstance(value.get(name), list) for name in lists) or {"width", "url"} <= set(value)


def _pick(folder: Path) -> dict[str, Path]:
    by_stem = {}
    for path in sorted(folder.iterdir(), reverse=True):
        if path.name.endswith((".json", ".json.gz")):
            by_stem[path.name.partition(".json")[0]] = path
    return {kind: by_stem[found[0]] for kind, names in NAMES.items() if (found := [n for n in names if n in by_stem])}


def find_files(path: Path, *, parts: Main | None) -> Files:
    """
    Decide which files are read.

    Parameters
    ----------
    path
        A folder, or one scene_graphs or objects file; image_data beside it gives the sizes.
    parts
        The main file; None: objects (v1.4 first) where there is one.

    Raises
    ------
    InputError
        When a folder has no main file, or the file is another one of the set.
    """
    if not path.is_dir():
        return Files(path, _kind_of(path, parts=parts), None, None, None, _pick(path.parent).get("sizes"), [])
    found = _pick(path)
    kinds: tuple[Main, ...] = (parts,) if parts else ("objects", "scene_graphs")
    kind = next((kind for kind in kinds if kind in found), None)
    if kind is None:
        names = " or ".join(f"`{NAMES[kind][0]}.json`" for kind in kinds)
        raise InputError(f"`{path}`: expected {names} (or .gz), found {sorted(p.name for p in found.values())}")
    sides = [found.get(name) for name in ("attributes", "relationships", "regions", "sizes")]
    attributes, relationships, regions, sizes = sides if kind == "objects" else (None, None, *sides[2:])
    used = {found[kind], attributes, relationships, regions, sizes}
    every = sorted(p for p in path.iterdir() if p.name.endswith((".json", ".json.gz")))
    ignored = [p for p in every if p not in used]
    return Files(found[kind], kind, attributes, relationships, regions, sizes, ignored)


def _kind_of(path: Path, *, parts: Main | None) -> Main:
    for _, element in entries(path):
        if not isinstance(element, dict):
            continue
        if not isinstance(element.get("objects"), list):
            keys = ", ".join(f"`{key}`" for key in element)
            raise InputError(f"`{path}`: expected scene_graphs or objects (a list `objects` an image), got {keys}")
        return parts or ("scene_graphs" if "relationships" in element else "objects")
    return parts or "objects"
