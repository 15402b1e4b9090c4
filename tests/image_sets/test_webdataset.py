"""The WebDataset reader: whole, cut and hostile tars."""

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import webdataset

from provision_dagster.errors import InputError
from provision_dagster.image_sets.decode import PictureError, open_image
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.readers import list_images
from provision_dagster.image_sets.spec import ImageSetSpec, ListColumns
from tests.image_sets.making import by_key, encoded, noise, only_row

PNGS = [encoded(noise(seed=seed), "PNG") for seed in range(8)]


def member(name: str, data: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return path


def listed(path: Path, **fields: Any) -> pl.DataFrame:
    return list_images(ImageSetSpec(name="wds", reader="webdataset", path=path, **fields))


def inspected(path: Path) -> dict[str, dict[str, Any]]:
    return by_key(inspect_images(listed(path)))


def test_shards_of_the_library(tmp_path: Path) -> None:
    for shard in (10, 2):
        with webdataset.TarWriter(str(tmp_path / f"part-{shard}.tar")) as writer:
            for number in range(2):
                rights = {"license": "CC BY 4.0", "attribution": f"by {number}", "caption": "a picture"}
                sample = {"png": PNGS[shard % 8 + number], "json": rights, "txt": "a picture"}
                writer.write({"__key__": f"a/{number:04}", **sample})
    (tmp_path / "index.json").write_text("{}")
    sources = listed(tmp_path)
    keys = [f"part-{shard}/a/{number:04}.png" for shard in (2, 10) for number in (0, 1)]
    assert sources["image_key"].to_list() == keys
    assert sources["member"].to_list() == ["a/0000.png", "a/0001.png"] * 2
    assert sources["license"].unique().to_list() == ["CC BY 4.0"]
    assert sources["attribution"].to_list() == ["by 0", "by 1"] * 2
    images = inspect_images(sources)
    assert images["status"].to_list() == ["ok", "ok", "duplicate", "duplicate"]
    row = images.row(1, named=True)
    assert row["bytes"] == len(PNGS[3])
    assert np.array_equal(np.asarray(open_image(row["uri"], row["member"])), np.asarray(noise(seed=3)))


def test_glob_and_single_tar(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("a1.tar", "a2.tar", "b.tar", "deep/a3.tar"):
        tar(tmp_path / name, member("x.png", PNGS[0]))
    assert listed(tmp_path / "a*.tar")["image_key"].to_list() == ["a1/x.png", "a2/x.png"]
    assert listed(tmp_path / "**" / "a?.tar")["image_key"].to_list() == [
        "a1/x.png",
        "a2/x.png",
        "deep/a3/x.png",
    ]
    assert listed(tmp_path / "b.tar")["image_key"].to_list() == ["b/x.png"]
    (tmp_path / "odd[1].tar").write_bytes((tmp_path / "b.tar").read_bytes())
    assert listed(tmp_path / "odd[1].tar")["image_key"].to_list() == ["odd[1]/x.png"]


@pytest.mark.parametrize("name", ["none.tar", "none-*.tar", "empty"])
def test_no_tar(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"field `path`: expected .tar files at `.*`, got none"):
        listed(tmp_path / name)


def test_bad_glob(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"field `path`: `\*\*a.tar` is not a glob"):
        listed(tmp_path / "**a.tar")


def test_cut_tar(tmp_path: Path) -> None:
    path = tar(tmp_path / "s.tar", *(member(f"{number}.png", PNGS[number]) for number in range(4)))
    with tarfile.open(path) as archive:
        third = archive.getmember("2.png")
    path.write_bytes(path.read_bytes()[: third.offset_data + third.size // 2])
    rows = inspected(path)
    assert {key: row["status"] for key, row in rows.items()} == {
        "s/0.png": "ok",
        "s/1.png": "ok",
        "s/2.png": "truncated",
        "s/#rest": "truncated",
    }
    assert rows["s/2.png"]["error"].startswith(f"`{path}` member `2.png` is truncated: ")
    assert rows["s/#rest"]["error"].startswith(f"`{path}` is damaged or cut behind member 3")


@pytest.mark.parametrize("damage", ["between members", "no end", "garbage"])
def test_rest_of_a_damaged_tar(tmp_path: Path, damage: str) -> None:
    path = tar(tmp_path / "s.tar", *(member(f"{number}.png", PNGS[number]) for number in range(3)))
    data = path.read_bytes()
    with tarfile.open(path) as archive:
        offsets = [info.offset for info in archive]
    start = offsets[2]
    end = start + 512 + -(-len(PNGS[2]) // 512) * 512
    path.write_bytes(
        {
            "between members": data[:start],
            "no end": data[:end],
            "garbage": data[:start] + b"\x55" * 512 + data[start + 512 :],
        }[damage]
    )
    rows = inspected(path)
    assert [rows[f"s/{number}.png"]["status"] for number in range(2)] == ["ok", "ok"]
    assert rows["s/#rest"]["status"] == "truncated"
    assert f"is damaged or cut behind member {2 + (damage == 'no end')}" in rows["s/#rest"]["error"]


@pytest.mark.parametrize(
    ("name", "data", "status", "message"),
    [
        ("a.tar", b"", "empty_file", "has 0 bytes"),
        ("a.tar", b"no tar at all" * 100, "unreadable", "is not a tar file"),
        ("a.tar", gzip.compress(b"x" * 999, mtime=0), "unreadable", "is compressed (gzip); allowed: plain .tar"),
        ("a.tar.gz", gzip.compress(b"x" * 999, mtime=0), "unreadable", "is compressed (gzip); allowed: plain .tar"),
    ],
)
def test_no_tar_inside(tmp_path: Path, name: str, data: bytes, status: str, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    tar(tmp_path / "good.tar", member("x.png", PNGS[0]))
    bad, good = inspect_images(listed(tmp_path)).iter_rows(named=True)
    assert (bad["status"], good["status"]) == (status, "ok")
    assert bad["error"].startswith(f"`{tmp_path / name}` ")
    assert message in bad["error"]


def test_members_that_are_refused(tmp_path: Path) -> None:
    path = tar(
        tmp_path / "s.tar",
        member("folder", type=tarfile.DIRTYPE),
        member("ok.png", PNGS[0]),
        member("link.png", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("hard.png", type=tarfile.LNKTYPE, linkname="ok.png"),
        member("pipe.png", type=tarfile.FIFOTYPE),
        member("device.png", type=tarfile.CHRTYPE),
        member("../up.png", PNGS[1]),
        member("/root.png", PNGS[2]),
        member("empty.png"),
        member("text.png", b"this is text"),
        member("README", b"read me"),
        member("only.txt", b"a caption"),
        member("only.json", b"{}"),
        member("ok.png", PNGS[3]),
    )
    rows = inspected(path)
    expected = {
        "s/ok.png": ("ok", None),
        "s/link.png": ("unsafe_path", "is a link to `/etc/passwd`; allowed: regular files"),
        "s/hard.png": ("unsafe_path", "is a link to `ok.png`"),
        "s/pipe.png": ("not_an_image", "is a device or FIFO"),
        "s/device.png": ("not_an_image", "is a device or FIFO"),
        "s/../up.png": ("unsafe_path", "has a name that leaves the archive"),
        "s//root.png": ("unsafe_path", "has a name that leaves the archive"),
        "s/empty.png": ("empty_file", "member `empty.png` has 0 bytes"),
        "s/text.png": ("not_an_image", "member `text.png` is not a picture"),
        "s/README": ("not_an_image", "member `README` is not a picture"),
        "s/only": ("missing", "sample `only` has no picture; got `only.txt`, `only.json`"),
        "s/ok.png#1": ("duplicate", "is already used by the picture at position 0"),
    }
    assert set(rows) == set(expected)
    for key, (status, message) in expected.items():
        assert rows[key]["status"] == status, rows[key]
        assert rows[key]["error"] is None if message is None else message in rows[key]["error"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "`a.json` is not valid JSON, so the licence is unknown"),
        (b"\xff\xfe", "`a.json` is not valid JSON"),
        (b"[1]", "`a.json` must be a JSON object, got list"),
        (b'{"license": 5}', "`a.json` field `license` must be text, got '5'"),
        (b'{"x": "' + b"y" * 2**22 + b'"}', f"bytes; allowed: {2**22}"),
    ],
)
def test_bad_sidecar(tmp_path: Path, data: bytes, message: str) -> None:
    path = tar(tmp_path / "s.tar", member("a.json", data), member("a.png", PNGS[0]), member("b.png", PNGS[1]))
    rows = inspected(path)
    assert rows["s/a.png"]["status"] == "unreadable"
    assert rows["s/a.png"]["error"].startswith(f"`{path}` sample `a`: ")
    assert message in rows["s/a.png"]["error"]
    assert rows["s/b.png"]["status"] == "ok"


def test_pictures_of_a_sample(tmp_path: Path) -> None:
    path = tar(
        tmp_path / "s.tar",
        member("a.jpg", encoded()),
        member("a.mask.png", PNGS[0]),
        member("b.left.png", PNGS[1]),
        member("b.right.png", PNGS[2]),
        member("b.json", json.dumps({"rights": "CC0", "by": ""}).encode()),
    )
    sources = listed(path, columns=ListColumns(license="rights", attribution="by"), attribution="all of us")
    assert sources["member"].to_list() == ["a.jpg", "b.left.png", "b.right.png"]
    assert sources["license"].to_list() == [None, "CC0", "CC0"]
    assert sources["attribution"].to_list() == ["all of us"] * 3


def test_open_a_member_that_is_not_there(tmp_path: Path) -> None:
    path = tar(tmp_path / "s.tar", member("a.png", PNGS[0]))
    with pytest.raises(PictureError, match=r"member `b.png` does not exist") as caught:
        open_image(str(path), "b.png")
    assert caught.value.status == "missing"
    tar(path, member("b.png", PNGS[1]), member("c.png", PNGS[1]))
    assert open_image(str(path), "b.png").size == (40, 30)


def test_links_to_tars(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    tar(tmp_path / "out.tar", member("a.png", PNGS[0]))
    (tmp_path / "in" / "link.tar").symlink_to("../out.tar")
    row = only_row(listed(tmp_path / "in"))
    assert (row["status"], row["image_key"]) == ("unsafe_path", "link.tar")
