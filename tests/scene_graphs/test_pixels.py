"""Mask and depth files other than pickles."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.pixels import read_depth, read_masks

MASKS = np.random.default_rng(5).random((2, 4, 6)) > 0.5
DEPTH = np.arange(24, dtype=np.uint8).reshape(4, 6)


def save(path: Path, array: Any) -> str:
    if path.suffix == ".npy":
        np.save(path, array, allow_pickle=True)
    elif path.suffix == ".npz":
        np.savez_compressed(path, array)
    else:
        Image.fromarray(array).save(path)
    return str(path)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize("change", [lambda m: m, lambda m: m.astype(np.uint8) * 255, lambda m: m[:, None]])
def test_masks(tmp_path: Path, suffix: str, change: Callable[[Any], Any]) -> None:
    uri = save(tmp_path / f"m{suffix}", change(MASKS))
    assert np.array_equal(read_masks(uri, width=6, height=4, count=2), MASKS)


def test_single_mask_without_its_own_axis(tmp_path: Path) -> None:
    assert read_masks(save(tmp_path / "m.npy", MASKS[0]), width=6, height=4, count=1).shape == (1, 4, 6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_index_masks(tmp_path: Path, dtype: Any) -> None:
    index = np.where(MASKS[0], 2, np.where(MASKS[1], 1, 0)).astype(dtype)
    found = read_masks(save(tmp_path / "m.png", index), width=6, height=4, count=2)
    assert np.array_equal(found, np.stack([index == 1, index == 2]))


@pytest.mark.parametrize(
    ("name", "array", "expected"),
    [
        ("m.npy", MASKS[:1], r"expected bool masks of shape \(2, 4, 6\), got bool of shape \(1, 4, 6\)"),
        ("m.npy", MASKS.transpose(0, 2, 1), "expected bool masks"),
        ("m.npy", MASKS.astype(float), "got float64"),
        ("m.npy", np.array([None, {}]), "an array of objects, which would have to be unpickled"),
        ("m.npz", np.array([None, {}]), "an array of objects"),
        (
            "m.png",
            np.full((4, 6), 3, np.uint8),
            r"expected values from 0 \(background\) to 2 \(objects\), got 3",
        ),
        ("m.png", np.zeros((4, 7), np.uint8), "expected 6 x 4 pixels in one channel, got 7 x 4, L"),
        ("m.png", np.zeros((4, 6, 3), np.uint8), "got 6 x 4, RGB"),
        ("m.tif", DEPTH, "expected one of .npy, .npz, .pkl, .png, got `.tif`"),
    ],
)
def test_masks_that_do_not_fit(tmp_path: Path, name: str, array: Any, expected: str) -> None:
    uri = save(tmp_path / name, array)
    with pytest.raises(InputError, match=expected):
        read_masks(uri, width=6, height=4, count=2)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.png", "a.pkl"])
@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_broken_mask_file(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        read_masks(str(tmp_path / name), width=6, height=4, count=2)


def test_cut_off_file(tmp_path: Path) -> None:
    path = Path(save(tmp_path / "m.npy", MASKS))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="cannot be read"):
        read_masks(str(path), width=6, height=4, count=2)


def test_header_that_lies_about_its_size_allocates_nothing(tmp_path: Path) -> None:
    path = Path(save(tmp_path / "m.npy", np.zeros((1, 4, 6), bool)))
    path.write_bytes(path.read_bytes().replace(b"(1, 4, 6)", b"(9**99, )"))
    with pytest.raises(InputError):
        read_masks(str(path), width=6, height=4, count=1)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("d.npy", DEPTH),
        ("d.npz", DEPTH.astype(np.float32)),
        ("d.npy", DEPTH[..., None]),
        ("d.png", DEPTH),
        ("d.png", DEPTH.astype(np.uint16) * 1000),
        ("d.tif", DEPTH.astype(np.float32) / 7),
    ],
)
def test_depth(tmp_path: Path, name: str, array: Any) -> None:
    found = read_depth(save(tmp_path / name, array), width=6, height=4)
    assert np.array_equal(found, array.reshape(4, 6))


def test_unknown_depth_is_nan(tmp_path: Path) -> None:
    depth = DEPTH.astype(np.float32)
    depth[0, 0], depth[0, 1], depth[0, 2] = np.nan, np.inf, -np.inf
    found = read_depth(save(tmp_path / "d.npy", depth), width=6, height=4)
    assert np.isnan(found[0, :3]).all()
    assert found[0, 3] == 3


@pytest.mark.parametrize(
    ("name", "array", "expected"),
    [
        ("d.npy", DEPTH[:3], r"expected depth of shape \(4, 6\), got uint8 of shape \(3, 6\)"),
        ("d.npy", DEPTH > 3, "got bool"),
        ("d.npy", DEPTH.astype(complex), "got complex128"),
        ("d.npy", np.full((4, 6), np.nan), "no pixel has a finite depth"),
        ("d.png", np.zeros((4, 6, 3), np.uint8), "in one channel"),
        ("d.npy", np.array([None]), "an array of objects"),
        ("d.jpg", DEPTH, "expected one of .npy, .npz, .png, .tif, .tiff, got `.jpg`"),
    ],
)
def test_depth_that_does_not_fit(tmp_path: Path, name: str, array: Any, expected: str) -> None:
    uri = save(tmp_path / name, array)
    with pytest.raises(InputError, match=expected):
        read_depth(uri, width=6, height=4)


def test_remote_files_are_refused() -> None:
    with pytest.raises(InputError, match="not a local file"):
        read_depth("s3://bucket/d.npy", width=6, height=4)
