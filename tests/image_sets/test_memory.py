"""A decompression bomb is refused without ever being unpacked: measured on a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.image_sets.making import blank_png, encoded, icon

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to measure memory")

SIDE = 6000  # pixels; 144 MB as 32-bit pixels
PROGRAM = """
import sys
from pathlib import Path
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.readers import list_images
from provision_dagster.image_sets.spec import ImageSetSpec

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

def run(folder, limit):
    spec = ImageSetSpec(name="set", reader="folder", path=Path(folder))
    return inspect_images(list_images(spec), max_pixels=limit, workers=1)["status"].to_list()

run(sys.argv[2], 1_000_000)
before = peak()
statuses = run(sys.argv[1], int(sys.argv[3]))
print(peak() - before, *statuses)
"""


def growth(folder: Path, warm: Path, limit: int) -> tuple[int, list[str]]:
    """Peak memory in KiB that inspecting `folder` adds, and the statuses."""
    command = [sys.executable, "-c", PROGRAM, str(folder), str(warm), str(limit)]
    kib, *statuses = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(kib), statuses


def test_bombs_are_not_unpacked(tmp_path: Path) -> None:
    (bombs := tmp_path / "bombs").mkdir()
    (warm := tmp_path / "warm").mkdir()
    blank = Image.new("L", (SIDE, SIDE))
    for form in ("PNG", "GIF", "TIFF", "JPEG"):
        options = {"compression": "tiff_adobe_deflate"} if form == "TIFF" else {}
        (bombs / form).write_bytes(encoded(blank, form, **options))
        (warm / form).write_bytes(encoded(blank.resize((50, 50)), form, **options))
    (bombs / "WEBP").write_bytes(encoded(blank, "WEBP", lossless=True, method=0, quality=0))
    (warm / "WEBP").write_bytes(encoded(blank.resize((50, 50)), "WEBP"))
    (bombs / "ICO").write_bytes(icon(blank_png(SIDE, SIDE)))
    (warm / "ICO").write_bytes(icon(blank_png(32, 32)))
    kib, statuses = growth(bombs, warm, SIDE * SIDE - 1)
    assert statuses == ["too_large"] * 6
    assert kib < 20_000
    (control := tmp_path / "control").mkdir()
    (bombs / "PNG").rename(control / "PNG")
    kib, statuses = growth(control, warm, SIDE * SIDE)
    assert statuses == ["ok"]
    assert kib > 100_000
