"""Reader of WebDataset shards: tars whose members with one base name form a sample."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from provision_dagster.errors import InputError
from provision_dagster.image_sets.paths import Place, Root, natural_key, shown, to_uri, utf8
from provision_dagster.image_sets.readers.folder import is_picture_name, walk
from provision_dagster.image_sets.sources import Found, found_at
from provision_dagster.image_sets.spec import ImageSetSpec, ListColumns
from provision_dagster.image_sets.tars import open_member, scan_tar

MAX_JSON_BYTES = 4 * 2**20
_TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")


class Shard(NamedTuple):
    """One tar: its path below the common folder and where it lies."""

    key: str
    place: Place


def list_webdataset(spec: ImageSetSpec) -> Iterator[Found]:
    """
    List the pictures of one tar, of all tars in a folder, or of those that a glob names, in natural order.

    `image_key` is `<tar without suffix>/<member>`. Licence and attribution come from the sample's `.json`.
    A damaged tar gives what lies before the damage and a row with the reason; a sample without picture a row.

    Raises
    ------
    InputError
        When there is no tar.
    """
    for shard in _shards(spec):
        if shard.place.status is not None:
            yield found_at(shard.place, image_key=shard.key)
        else:
            yield from _list_shard(shard, columns=spec.columns)


def _shards(spec: ImageSetSpec) -> list[Shard]:
    assert spec.path is not None
    path = spec.path.absolute()
    if path.is_dir():
        found = [Shard(*item) for item in walk(Root(path, field="path")) if _may_be_tar(*item)]
    else:
        found = _matching(path)
    if not found:
        raise InputError(f"field `path`: expected .tar files at `{spec.path}`, got none")
    return sorted(found, key=lambda shard: natural_key(shard.key))


def _matching(path: Path) -> list[Shard]:
    """Tars that a path or, when nothing lies there, a glob names."""
    folder = next(parent for parent in path.parents if parent.is_dir())
    root, pattern = Root(folder, field="path"), str(path.relative_to(folder))
    if path.exists():
        return [Shard(pattern, root.locate(pattern))]
    try:
        names = [str(match.relative_to(folder)) for match in folder.glob(pattern)]
    except ValueError as error:
        raise InputError(f"field `path`: `{pattern}` is not a glob: {error}") from error
    return [Shard(name, root.locate(name)) for name in names]


def _may_be_tar(key: str, place: Place) -> bool:
    return key.endswith(_TAR_SUFFIXES) or place.status == "unreadable"


def _list_shard(shard: Shard, *, columns: ListColumns) -> Iterator[Found]:
    uri, name = to_uri(shard.place.path), shard.key.removesuffix(".tar")
    scan = scan_tar(shard.place.path)
    samples = _samples(scan.members)
    for base, members in samples.items():
        yield from _list_sample(base, members, shard=shard, columns=columns)
    if scan.status is not None:
        reason = f"`{shown(shard.place.path)}` {scan.reason}; pictures behind it are lost"
        yield Found(f"{name}/#rest", uri=uri, status=scan.status, error=reason)


def _samples(members: list[tarfile.TarInfo]) -> dict[str, list[tarfile.TarInfo]]:
    """Members by base name, in the order of the first of each; a member without suffix stands for itself."""
    # The library takes half a second to import: only those who read its shards wait for it.
    from webdataset.tariterators import base_plus_ext

    samples: dict[str, list[tarfile.TarInfo]] = {}
    for member in members:
        if not member.isdir():
            samples.setdefault(base_plus_ext(member.name)[0] or member.name, []).append(member)
    return samples


def _list_sample(base: str, members: list[tarfile.TarInfo], *, shard: Shard, columns: ListColumns) -> Iterator[Found]:
    uri, name = to_uri(shard.place.path), shard.key.removesuffix(".tar")
    where = f"`{shown(shard.place.path)}` sample `{shown(base)}`"
    pictures = _pictures(base, members)
    license = attribution = status = error = None
    if not pictures:
        got = ", ".join(f"`{shown(member.name)}`" for member in members[:5])
        yield Found(f"{name}/{base}", uri=uri, status="missing", error=f"{where} has no picture; got {got}")
        return
    try:
        license, attribution = _rights(base, members, path=shard.place.path, columns=columns)
    except InputError as problem:
        status, error = "unreadable", f"{where}: {problem}"
    for member in pictures:
        found = Found(f"{name}/{member.name}", uri, utf8(member.name), license=license, attribution=attribution)
        refused = _refuse(member)
        if refused is not None:
            status, error = (
                refused[0],
                f"`{shown(shard.place.path)}` member `{shown(member.name)}` {refused[1]}",
            )
        yield found._replace(status=status, error=error)


def _pictures(base: str, members: list[tarfile.TarInfo]) -> list[tarfile.TarInfo]:
    """Pictures of a sample: `key.jpg`; `key.mask.png` only when there is none with a simple suffix."""
    if [member.name for member in members] == [base]:
        return members
    named = [member for member in members if is_picture_name(member.name)]
    simple = [member for member in named if "." not in member.name[len(base) + 1 :]]
    return simple or named


def _refuse(member: tarfile.TarInfo) -> tuple[str, str] | None:
    """Status and reason when a member may not be read."""
    if member.issym() or member.islnk():
        return "unsafe_path", f"is a link to `{shown(member.linkname)}`; allowed: regular files"
    if not member.isreg():
        return "not_an_image", "is a device or FIFO, not a regular file"
    if member.name.startswith("/") or ".." in member.name.split("/"):
        return "unsafe_path", "has a name that leaves the archive"
    return None


def _rights(
    base: str, members: list[tarfile.TarInfo], *, path: str, columns: ListColumns
) -> tuple[str | None, str | None]:
    """Licence and attribution from the sample's `.json`, if it has one."""
    sidecar = next((member for member in members if member.name == f"{base}.json"), None)
    if sidecar is None:
        return None, None
    if sidecar.size > MAX_JSON_BYTES:
        raise InputError(f"`{shown(sidecar.name)}` has {sidecar.size} bytes; allowed: {MAX_JSON_BYTES}")
    try:
        with open_member(path, member=utf8(sidecar.name)) as (stream, _):
            values = json.loads(stream.read())
    except (ValueError, RecursionError, OSError, tarfile.TarError) as error:
        raise InputError(f"`{shown(sidecar.name)}` is not valid JSON, so the licence is unknown: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"`{shown(sidecar.name)}` must be a JSON object, got {type(values).__name__}")
    rights = [values.get(columns.license), values.get(columns.attribution)]
    for field, value in zip((columns.license, columns.attribution), rights, strict=True):
        if value is not None and not isinstance(value, str):
            raise InputError(f"`{shown(sidecar.name)}` field `{field}` must be text, got {str(value)[:100]!r}")
    return rights[0] or None, rights[1] or None
