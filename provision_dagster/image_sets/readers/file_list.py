"""Reader of a file list: a table of the pictures' paths, keys, licences and attributions."""

from collections.abc import Iterator

from provision_dagster.errors import InputError
from provision_dagster.image_sets.paths import Root, from_uri
from provision_dagster.image_sets.readers.tables import Row, read_rows, text_of
from provision_dagster.image_sets.sources import Found, found_at
from provision_dagster.image_sets.spec import ImageSetSpec


def list_files(spec: ImageSetSpec) -> Iterator[Found]:
    """
    List the pictures that a table names, in its order.

    Paths are relative to `spec.images`, or to the folder of the list, and may not leave it. `image_key` is
    the column of that name, or the path. A row without picture gets a status, and an error with file and row.

    Raises
    ------
    InputError
        When the list cannot be read or has no column with paths.
    """
    assert spec.path is not None
    columns = spec.columns
    root = Root(spec.images or spec.path.absolute().parent, field="images" if spec.images else "path")
    wanted = frozenset(columns.model_dump().values())
    for row in read_rows(spec.path, wanted=wanted, one_of=(columns.path, columns.uri)):
        where = f"`{spec.path.name}` row {row.number}"
        try:
            yield _found(row, spec=spec, root=root, where=where)
        except InputError as error:
            yield Found(f"row-{row.number}", status="unreadable", error=f"{where}: {error}")


def _found(row: Row, *, spec: ImageSetSpec, root: Root, where: str) -> Found:
    columns = spec.columns
    if row.error is not None:
        raise InputError(row.error)
    path = text_of(row, columns.path) or text_of(row, columns.uri)
    key = text_of(row, columns.image_key)
    if path is None:
        fields = f"fields `{columns.path}` and `{columns.uri}`"
        reason = f"{where}: {fields} are empty; expected a path below `{root.folder}`"
        return Found(key or f"row-{row.number}", status="missing", error=reason)
    place = root.locate(from_uri(path))
    if place.error is not None:
        place = place._replace(error=f"{where}: {place.error}")
    return found_at(
        place,
        image_key=key or root.relative(place.path),
        license=text_of(row, columns.license),
        attribution=text_of(row, columns.attribution),
    )
