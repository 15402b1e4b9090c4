"""The folder reader: every file, natural order, and nothing that leads out of the folder."""

import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision_dagster.errors import InputError
from provision_dagster.image_sets.decode import open_image
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.paths import from_uri, natural_key, shown, to_uri
from provision_dagster.image_sets.readers import list_images
from provision_dagster.image_sets.schema import IMAGE_SOURCES, IMAGE_STATUSES, IMAGES
from tests.image_sets.making import by_key, encoded, folder_spec, inspect_folder, only_row

JPEG = encoded()
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..") and len(name.encode()) < 60
)


def test_rows_shards_and_defaults(tmp_path: Path) -> None:
    for number in range(201):
        (tmp_path / f"img{number}.jpg").touch()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / ".hidden").touch()
    sources = list_images(folder_spec(tmp_path, shard_size=200, license="CC0", attribution="us"))
    assert dict(sources.schema) == IMAGE_SOURCES
    keys = ["deep/er/.hidden", *(f"img{number}.jpg" for number in range(201))]
    assert sources["image_key"].to_list() == keys
    assert sources["position"].to_list() == list(range(202))
    assert sources["shard"].to_list() == ["set-00000"] * 200 + ["set-00001"] * 2
    assert sources["uri"].to_list() == [str(tmp_path / key) for key in keys]
    assert sources.select("license", "attribution", "status", "image_set").unique().row(0) == (
        "CC0",
        "us",
        None,
        "set",
    )


@given(names=st.lists(NAMES, min_size=1, max_size=8, unique=True), random=st.randoms())
@settings(max_examples=40, deadline=None)
def test_order_does_not_depend_on_the_file_system(names: list[str], random) -> None:  # type: ignore[no-untyped-def]
    listed = []
    for _ in range(2):
        random.shuffle(names)
        with tempfile.TemporaryDirectory() as folder:
            for name in names:
                (Path(folder) / name).write_bytes(b"")
            listed.append(list_images(folder_spec(Path(folder)))["image_key"].to_list())
    assert listed[0] == listed[1] == sorted(names, key=natural_key)


@given(st.lists(st.text(st.sampled_from("ab019/._"), max_size=8)))
def test_natural_order_is_total(names: list[str]) -> None:
    backwards = names[::-1]
    assert sorted(names, key=natural_key) == sorted(backwards, key=natural_key)


def test_natural_order() -> None:
    names = ["img10.jpg", "img2.jpg", "img02.jpg", "a/1.jpg", "Img1.jpg", "img2.jpg.bak"]
    assert sorted(names, key=natural_key) == [
        "Img1.jpg",
        "a/1.jpg",
        "img02.jpg",
        "img2.jpg",
        "img2.jpg.bak",
        "img10.jpg",
    ]


@given(st.binary(min_size=1).filter(lambda raw: b"\0" not in raw))
def test_any_file_name_survives_its_uri(raw: bytes) -> None:
    path = os.fsdecode(b"/data/" + raw)
    uri = to_uri(path)
    uri.encode("utf-8")
    assert from_uri(uri) == path
    assert "\n" not in shown(path)


@pytest.mark.parametrize("name", [b"a\nb.jpg", b"caf\xe9.jpg", "日本.jpg".encode(), b"100%25.jpg", b"a b#c?.jpg"])
def test_strange_names_are_usable(tmp_path: Path, name: bytes) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(JPEG)
    row = only_row(inspect_folder(tmp_path))
    assert row["image_key"] == name.decode("utf-8", "backslashreplace")
    assert row["status"] == "ok"
    assert open_image(row["uri"]).size == (40, 30)


def test_strange_name_in_a_message(tmp_path: Path) -> None:
    (tmp_path / "a\nb.jpg").write_bytes(b"")
    assert only_row(inspect_folder(tmp_path))["error"] == f"`{tmp_path}/a\\nb.jpg` has 0 bytes"


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    (inside / "real").mkdir(parents=True)
    (inside / "dir.jpg").mkdir()
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(JPEG)
    (inside / "real" / "a.jpg").write_bytes(JPEG)
    os.mkfifo(inside / "fifo.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(inside)  # the path of a socket may have 107 bytes only
        server.bind("socket.jpg")
        os.chdir(here)
    for name, target in {
        "leaving.jpg": outside / "secret.jpg",
        "leaving-relative.jpg": Path("../out/secret.jpg"),
        "leaving-folder": outside,
        "device.jpg": Path("/dev/zero"),
        "broken.jpg": inside / "nothing.jpg",
        "loop.jpg": Path("loop.jpg"),
        "again": inside / "real",
        "up": inside,
        "other.jpg": Path("real/a.jpg"),
    }.items():
        (inside / name).symlink_to(target)
    rows = by_key(inspect_folder(inside))
    expected = {
        "leaving.jpg": ("unsafe_path", "is a link that leaves the folder"),
        "leaving-relative.jpg": ("unsafe_path", "is a link that leaves the folder"),
        "leaving-folder": ("unsafe_path", "is a link that leaves the folder"),
        "device.jpg": ("unsafe_path", "is a link that leaves the folder"),
        "broken.jpg": ("missing", "which does not exist"),
        "loop.jpg": ("unreadable", "cannot be reached: Too many levels of symbolic links"),
        "again": ("duplicate", "is a link to the folder `real` of the same image set"),
        "up": ("duplicate", "is a link to the folder `.` of the same image set"),
        "dir.jpg": ("not_an_image", "is a folder, not a regular file"),
        "fifo.jpg": ("not_an_image", "is a FIFO, not a regular file"),
        "socket.jpg": ("not_an_image", "is a socket, not a regular file"),
        "real/a.jpg": ("duplicate", "has the same pixels as `other.jpg`"),
        "other.jpg": ("ok", None),
    }
    assert set(rows) == set(expected)
    for key, (status, message) in expected.items():
        assert rows[key]["status"] == status, rows[key]
        assert rows[key]["error"] is None if message is None else message in rows[key]["error"]


def test_file_replaced_between_listing_and_opening(tmp_path: Path) -> None:
    for name in ("gone.jpg", "pipe.jpg", "folder.jpg", "shrunk.jpg"):
        (tmp_path / name).write_bytes(JPEG)
    sources = list_images(folder_spec(tmp_path))
    for path in list(tmp_path.iterdir()):
        path.unlink()
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "shrunk.jpg").touch()
    rows = by_key(inspect_images(sources))
    assert {key: row["status"] for key, row in rows.items()} == {
        "gone.jpg": "missing",
        "pipe.jpg": "not_an_image",
        "folder.jpg": "not_an_image",
        "shrunk.jpg": "empty_file",
    }
    assert rows["pipe.jpg"]["error"] == f"`{tmp_path}/pipe.jpg` is a FIFO, not a regular file"


@contextmanager
def no_privileges() -> Iterator[None]:
    """Root may read everything: become nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_unreadable_permissions() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "a.jpg").write_bytes(JPEG)
        (folder / "a.jpg").chmod(0)
        (folder / "closed").mkdir()
        (folder / "closed").chmod(0)
        with no_privileges():
            rows = by_key(inspect_folder(folder))
        (folder / "closed").chmod(0o755)
    assert {key: row["status"] for key, row in rows.items()} == {
        "a.jpg": "unreadable",
        "closed": "unreadable",
    }
    assert rows["a.jpg"]["error"] == f"`{folder}/a.jpg` cannot be read: permission denied"
    assert "is a folder that cannot be read: Permission denied" in rows["closed"]["error"]


def test_bad_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"field `path`: expected a folder at `.*nowhere`, got nothing"):
        list_images(folder_spec(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"field `path`: expected a folder at `.*file`, got a file"):
        list_images(folder_spec(tmp_path / "file"))
    with pytest.raises(InputError, match="image set `set`: no files found at"):
        list_images(folder_spec(tmp_path / "empty"))


def test_folder_reached_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.jpg").write_bytes(JPEG)
    (tmp_path / "real" / "b.jpg").symlink_to("a.jpg")
    (tmp_path / "link").symlink_to("real")
    rows = by_key(inspect_folder(tmp_path / "link"))
    assert {key: row["status"] for key, row in rows.items()} == {"a.jpg": "ok", "b.jpg": "duplicate"}


def test_order_of_rows_and_progress(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number}.png").write_bytes(encoded(form="PNG") if number % 3 else b"")
    sources = list_images(folder_spec(tmp_path)).reverse()
    calls: list[tuple[int, int]] = []
    images = inspect_images(sources, workers=4, progress=lambda done, total: calls.append((done, total)))
    assert dict(images.schema) == IMAGES
    assert images["image_key"].to_list() == sources["image_key"].to_list()
    assert calls == [(done, 12) for done in range(1, 13)]
    assert set(images["status"]) <= set(IMAGE_STATUSES)
    assert images.equals(inspect_images(sources, workers=1))


def test_listing_many_files_is_quick(tmp_path: Path) -> None:
    for folder in range(20):
        (tmp_path / str(folder)).mkdir()
        for number in range(1000):
            (tmp_path / str(folder) / f"{number}.jpg").touch()
    start = time.process_time()
    assert list_images(folder_spec(tmp_path)).height == 20_000
    assert time.process_time() - start < 4
