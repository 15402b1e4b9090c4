"""Pictures of a mix as files: the bytes as they are stored, and the suffix of their format."""

from collections import OrderedDict

from provision_dagster.errors import InputError
from provision_dagster.image_sets.decode import explain, open_stream
from provision_dagster.image_sets.formats import sniff

KEPT_BYTES = 1 << 26
"""Pictures that are read last are kept in memory, up to this many bytes: most stand in several examples."""

_TAR = "tar://"


def place_of(uri: str) -> tuple[str, str | None]:
    """Take one of a mix's `image_uris` apart: file or URL, and its member if it is a tar (tar://member::tar)."""
    if not uri.startswith(_TAR) or "::" not in uri:
        return uri, None
    member, _, file = uri.removeprefix(_TAR).rpartition("::")
    return file, member


class PictureFiles:
    """Reads pictures by their `image_uris`; those read last are kept."""

    def __init__(self, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept: OrderedDict[str, tuple[bytes, str]] = OrderedDict()
        self._room = kept_bytes

    def read(self, uri: str) -> tuple[bytes, str]:
        """Return a picture's bytes, undecoded, and its suffix: jpg, png, webp, ...

        Raises
        ------
        InputError
            If the file cannot be read or is no picture; where an image set has no pixels, there is no file.
        """
        found = self._kept.get(uri)
        if found is not None:
            self._kept.move_to_end(uri)
            return found
        found = _read(uri)
        self._kept[uri] = found
        self._room -= len(found[0])
        while self._room < 0:
            _, (data, _) = self._kept.popitem(last=False)
            self._room += len(data)
        return found


def _read(uri: str) -> tuple[bytes, str]:
    path, member = place_of(uri)
    try:
        with open_stream(path, member=member) as (stream, _):
            data = stream.read()
    except Exception as error:
        raise InputError(f"picture `{uri}` {explain(error)}; formats that hold pictures need their files") from error
    name = sniff(data[:16])
    if name is None:
        raise InputError(f"picture `{uri}` is not a picture of a format that is known")
    return data, {"JPEG": "jpg", "TIFF": "tif"}.get(name, name.lower())
