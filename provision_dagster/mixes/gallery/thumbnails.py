"""Small copies of pictures, written into the page itself."""

import base64
import io
from dataclasses import dataclass

from PIL import Image

from provision_dagster.image_sets.decode import PictureError, open_image

SIDE = 360
"""Most pixels of the longer side."""

QUALITY = 70


@dataclass(frozen=True)
class Thumbnail:
    """A small picture as a data URI, with the size of the large one; or why there is none."""

    src: str | None
    width: int | None
    height: int | None
    problem: str | None


def thumbnail(uri: str | None, member: str | None) -> Thumbnail:
    """Open a picture and make it small.

    Parameters
    ----------
    uri
        Local path or `file://` URI; null where the image set has no pixels.
    member
        Member of the tar at `uri`; null for a plain file.

    Returns
    -------
    Thumbnail
        A picture that cannot be opened has a `problem`: one of IMAGE_STATUSES, and no path, for the page may be handed
        on.
    """
    if uri is None:
        return Thumbnail(None, None, None, "annotations_only")
    try:
        picture = open_image(uri, member)
    except PictureError as error:
        return Thumbnail(None, None, None, error.status)
    width, height = picture.size
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, format="WEBP", quality=QUALITY, method=4)
    coded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Thumbnail(f"data:image/webp;base64,{coded}", width, height, None)
