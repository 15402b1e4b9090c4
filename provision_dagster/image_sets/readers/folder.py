"""Reader of a folder of pictures: every regular file below it, in natural order."""

import os
from collections.abc import Iterator

from provision_dagster.image_sets.formats import PICTURE_SUFFIXES
from provision_dagster.image_sets.paths import Place, Root, natural_key, shown
from provision_dagster.image_sets.sources import Found, found_at
from provision_dagster.image_sets.spec import ImageSetSpec


def list_folder(spec: ImageSetSpec) -> Iterator[Found]:
    """
    List all files of a folder and its subfolders; `image_key` is the path relative to it.

    What is not a picture is listed too and found out when it is opened. Links that leave the folder, FIFOs,
    folders with a picture's name and folders that cannot be entered are rows with a status.
    """
    assert spec.path is not None
    for key, place in sorted(walk(Root(spec.path, field="path")), key=lambda item: natural_key(item[0])):
        yield found_at(place, image_key=key)


def walk(root: Root) -> Iterator[tuple[str, Place]]:
    """Yield the path relative to the root and the place of every file, in no particular order."""
    stack = [""]
    while stack:
        below = stack.pop()
        try:
            with os.scandir(f"{root.folder}/{below}") as entries:
                listed = list(entries)
        except OSError as error:
            where = f"{root.folder}/{below}".rstrip("/")
            reason = f"`{shown(where)}` is a folder that cannot be read: {error.strerror}"
            yield below.rstrip("/") or ".", Place(where, "unreadable", reason)
            continue
        for entry in listed:
            key = below + entry.name
            if entry.is_dir(follow_symlinks=False):
                stack.append(key + "/")
                if is_picture_name(key):
                    yield key, root.locate(key)
            elif entry.is_file(follow_symlinks=False):
                yield key, Place(f"{root.folder}/{key}")
            else:
                yield key, root.locate(key)


def is_picture_name(path: str) -> bool:
    """Whether a name ends like a picture of an allowed format."""
    name = path.rpartition("/")[2]
    return "." in name and "." + name.rpartition(".")[2].lower() in PICTURE_SUFFIXES
