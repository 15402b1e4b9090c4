"""Pictures that are unusual but usable: converted to upright 8-bit RGB."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from provision_dagster.errors import ProvisionError
from provision_dagster.image_sets.decode import open_image
from tests.image_sets.making import blank_png, encoded, icon, inspect_folder, noise, only_row, png_chunk

RED = Image.new("RGB", (6, 4), (255, 0, 0))
GREY16 = Image.fromarray(np.full((4, 6), 0x80FF, dtype=np.uint16))
CLEAR = Image.new("RGBA", (6, 4), (255, 0, 0, 0))
PALETTE = RED.quantize(4)
PALETTE_CLEAR = Image.new("P", (6, 4), 0)
PALETTE_CLEAR.putpalette([255, 0, 0, 0, 255, 0])
EXIF_60K = Image.Exif()
EXIF_60K[0x010E] = "x" * 60_000
RED_JPEG = encoded(RED, "JPEG", quality=100, subsampling=0)

# name, bytes, mode as stored, RGB of the first pixel, largest difference that a lossy format may make
CASES = [
    ("rgb.png", encoded(RED, "PNG"), "RGB", (255, 0, 0), 0),
    ("cmyk.jpg", encoded(RED.convert("CMYK"), "JPEG", quality=100), "CMYK", (255, 0, 0), 2),
    ("cmyk.tif", encoded(RED.convert("CMYK"), "TIFF"), "CMYK", (255, 0, 0), 0),
    ("16bit.png", encoded(GREY16, "PNG"), "I;16", (128, 128, 128), 0),
    ("16bit.tif", encoded(GREY16, "TIFF"), "I;16", (128, 128, 128), 0),
    ("16bit.pgm", encoded(GREY16, "PPM"), "I", (128, 128, 128), 0),
    ("palette.png", encoded(PALETTE, "PNG"), "P", (255, 0, 0), 0),
    ("palette-clear.png", encoded(PALETTE_CLEAR, "PNG", transparency=0), "P", (255, 255, 255), 0),
    ("alpha-clear.png", encoded(CLEAR, "PNG"), "RGBA", (255, 255, 255), 0),
    ("alpha-opaque.png", encoded(RED.convert("RGBA"), "PNG"), "RGBA", (255, 0, 0), 0),
    ("rgb-clear.png", encoded(RED, "PNG", transparency=(255, 0, 0)), "RGB", (255, 255, 255), 0),
    ("grey-clear.png", encoded(Image.new("L", (6, 4), 7), "PNG", transparency=7), "L", (255, 255, 255), 0),
    ("grey-alpha.png", encoded(Image.new("LA", (6, 4), (9, 255)), "PNG"), "LA", (9, 9, 9), 0),
    ("bilevel.png", blank_png(6, 4), "1", (0, 0, 0), 0),
    ("grey.jpg", encoded(Image.new("L", (6, 4), 200), "JPEG"), "L", (200, 200, 200), 1),
    ("lab.tif", encoded(Image.new("LAB", (6, 4), (255, 128, 128)), "TIFF"), "LAB", (255, 255, 255), 3),
    ("still.gif", encoded(RED, "GIF"), "P", (255, 0, 0), 0),
    ("still.webp", encoded(RED, "WEBP", lossless=True), "RGB", (255, 0, 0), 0),
    ("still.avif", encoded(RED, "AVIF", quality=100), "RGB", (255, 0, 0), 6),
    ("many-sizes.ico", encoded(noise(64, 64), "ICO", sizes=[(16, 16), (64, 64)]), "RGB", None, 0),
    ("png-in-icon.ico", icon(encoded(RED.resize((32, 32)), "PNG")), "RGB", (255, 0, 0), 0),
    ("two-views.mpo", encoded(RED, "MPO", save_all=True, append_images=[noise(6, 4)]), "RGB", (254, 0, 0), 2),
    ("wrong-suffix.jpg", encoded(RED, "PNG"), "RGB", (255, 0, 0), 0),
    ("no-suffix", encoded(RED, "PNG"), "RGB", (255, 0, 0), 0),
    ("big-exif.jpg", encoded(RED, "JPEG", exif=EXIF_60K, quality=100), "RGB", (254, 0, 0), 2),
    ("damaged-exif.jpg", encoded(RED, "JPEG", exif=b"Exif\0\0MM\0*\xff", quality=100), "RGB", (254, 0, 0), 2),
    ("damaged-exif.png", blank_png(6, 4, extra=png_chunk(b"eXIf", b"II*\0\xff\xff")), "1", (0, 0, 0), 0),
    ("no-iend.png", encoded(RED, "PNG")[:-12], "RGB", (255, 0, 0), 0),
    ("padded.jpg", RED_JPEG + bytes(3000), "RGB", (254, 0, 0), 2),
    ("trailer.jpg", RED_JPEG + b"maker's notes", "RGB", (254, 0, 0), 2),
    (".hidden.png", encoded(RED, "PNG"), "RGB", (255, 0, 0), 0),
]


@pytest.mark.parametrize(("name", "data", "mode", "colour", "slack"), CASES, ids=[case[0] for case in CASES])
def test_usable(
    tmp_path: Path, name: str, data: bytes, mode: str, colour: tuple[int, int, int] | None, slack: int
) -> None:
    (tmp_path / name).write_bytes(data)
    row = only_row(inspect_folder(tmp_path))
    assert (row["status"], row["error"], row["mode"]) == ("ok", None, mode)
    picture = open_image(row["uri"])
    assert (picture.mode, picture.size) == ("RGB", (row["width"], row["height"]))
    if colour is not None:
        assert np.abs(np.asarray(picture)[0, 0].astype(int) - colour).max() <= slack


def test_icon_gives_its_largest_picture(tmp_path: Path) -> None:
    (tmp_path / "a.ico").write_bytes(encoded(noise(64, 64), "ICO", sizes=[(16, 16), (64, 64)]))
    row = only_row(inspect_folder(tmp_path))
    assert (row["width"], row["height"]) == (64, 64)


def test_lenient_pillow_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded())
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True)
    for call in (lambda: inspect_folder(tmp_path), lambda: open_image(str(tmp_path / "a.jpg"))):
        with pytest.raises(ProvisionError, match="truncated pictures would pass as whole"):
            call()


def test_pillow_settings_stay(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(blank_png(9500, 9500))
    limit = Image.MAX_IMAGE_PIXELS
    assert only_row(inspect_folder(tmp_path, max_pixels=100_000_000))["status"] == "ok"
    assert limit == Image.MAX_IMAGE_PIXELS
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(io.BytesIO(blank_png(9500, 9500)))
