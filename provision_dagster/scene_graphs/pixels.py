"""Mask and depth files: .npy, .npz, .png, .tif and, for masks, pickled sparse matrices."""

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.image_sets.paths import from_uri
from provision_dagster.scene_graphs.safe_pickle import Sparse, dense_of, load_pickle

MASK_SUFFIXES = (".npy", ".npz", ".pkl", ".png")
DEPTH_SUFFIXES = (".npy", ".npz", ".png", ".tif", ".tiff")

_LARGEST_PICKLE = 1 << 30
_ONE_CHANNEL = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L", "F")

Checker = Callable[[tuple[int, ...], np.dtype[Any]], None]


def read_masks(uri: str, *, width: int, height: int, count: int) -> NDArray[np.bool_]:
    """
    Read the masks of all objects of an image.

    Parameters
    ----------
    uri
        `.npy` or `.npz` (first array; bool or integer, not 0 = in the mask, shape (count, height, width)),
        `.pkl` (list of scipy sparse matrices or arrays) or `.png` (0 = background, k = object k - 1).
    width, height
        Size of the picture in pixels.
    count
        Number of objects.

    Returns
    -------
    numpy.ndarray
        bool, shape (count, height, width).

    Raises
    ------
    UnsafeFileError
        When a pickle asks for anything but arrays.
    InputError
        When the file is missing or broken, or its masks do not fit the picture or the objects.
    """
    path = Path(from_uri(uri))
    wanted = (count, height, width)

    def check(shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        fits = shape in (wanted, (count, 1, height, width)) or (count == 1 and shape == (height, width))
        if not fits or dtype.kind not in "biu":
            raise InputError(f"`{path}`: expected bool masks of shape {wanted}, got {dtype} of shape {shape}")

    if _suffix(path, allowed=MASK_SUFFIXES) == ".pkl":
        return _pickled(path, width=width, height=height, count=count)
    if path.suffix.lower() == ".png":
        return _indexed(path, width=width, height=height, count=count)
    array = _numpy_array(path, check=check).reshape(wanted)
    return array if array.dtype == bool else array != 0


def read_depth(uri: str, *, width: int, height: int) -> NDArray[Any]:
    """
    Read a depth map; larger = closer.

    Parameters
    ----------
    uri
        `.npy` or `.npz` (first array; integer or float), `.png` (8 or 16 bit) or `.tif` with one channel.
    width, height
        Size of the picture in pixels.

    Returns
    -------
    numpy.ndarray
        Integer or float as stored, shape (height, width); NaN where the depth is unknown.

    Raises
    ------
    InputError
        When the file is missing or broken, has another size, or no known depth at all.
    """
    path = Path(from_uri(uri))

    def check(shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        if shape not in ((height, width), (height, width, 1), (1, height, width)) or dtype.kind not in "iuf":
            raise InputError(f"`{path}`: expected depth of shape ({height}, {width}), got {dtype} of shape {shape}")

    if _suffix(path, allowed=DEPTH_SUFFIXES) in (".npy", ".npz"):
        depth = _numpy_array(path, check=check).reshape(height, width)
    else:
        depth = _picture(path, width=width, height=height)
    if depth.dtype.kind != "f":
        return depth
    if not np.isfinite(depth).any():
        raise InputError(f"`{path}`: no pixel has a finite depth")
    return np.where(np.isfinite(depth), depth, np.nan)


def _suffix(path: Path, *, allowed: tuple[str, ...]) -> str:
    suffix = path.suffix.lower()
    if suffix not in allowed:
        raise InputError(f"`{path}`: expected one of {', '.join(allowed)}, got `{suffix}`")
    return suffix


def _numpy_array(path: Path, *, check: Checker) -> NDArray[Any]:
    """Read an array once its header is known to be right, so that a lying header allocates nothing."""
    try:
        if path.suffix.lower() == ".npy":
            with path.open("rb") as file:
                return _checked_array(file, path=path, check=check, again=lambda: file.seek(0))
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            if not names:
                raise InputError(f"`{path}`: expected an .npz with an array, got none")
            with archive.open(names[0]) as member:
                return _checked_array(member, path=path, check=check, again=lambda: member.seek(0))
    except InputError:
        raise
    except (
        OSError,
        ValueError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise InputError(f"`{path}` cannot be read: {error}") from error


def _checked_array(file: IO[bytes], *, path: Path, check: Checker, again: Callable[[], int]) -> NDArray[Any]:
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise InputError(f"`{path}`: expected .npy format 1.0 or 2.0, got {version}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise InputError(f"`{path}`: expected numbers, got an array of objects, which would have to be unpickled")
    check(shape, dtype)
    again()
    array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _picture(path: Path, *, width: int, height: int) -> NDArray[Any]:
    try:
        with Image.open(path, formats=("PNG", "TIFF")) as image:
            if image.size != (width, height) or image.mode not in _ONE_CHANNEL:
                size = f"{width} x {height} pixels in one channel"
                raise InputError(f"`{path}`: expected {size}, got {image.size[0]} x {image.size[1]}, {image.mode}")
            return np.asarray(image)
    except InputError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise InputError(f"`{path}` cannot be read: {error}") from error


def _indexed(path: Path, *, width: int, height: int, count: int) -> NDArray[np.bool_]:
    index = _picture(path, width=width, height=height)
    highest = int(index.max())
    if highest > count:
        raise InputError(f"`{path}`: expected values from 0 (background) to {count} (objects), got {highest}")
    masks: NDArray[np.bool_] = index[None] == np.arange(1, count + 1, dtype=np.int64)[:, None, None]
    return masks


def _pickled(path: Path, *, width: int, height: int, count: int) -> NDArray[np.bool_]:
    try:
        size = path.stat().st_size
        if size > _LARGEST_PICKLE:
            raise InputError(f"`{path}`: expected at most {_LARGEST_PICKLE} bytes, got {size}")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"`{path}` cannot be read: {error}") from error
    items = load_pickle(data, path=path)
    if len(items) == 1 and count != 1 and isinstance(items[0], np.ndarray) and items[0].ndim == 3:
        items = list(items[0])
    if len(items) != count:
        raise InputError(f"`{path}`: expected {count} masks, got {len(items)}")
    try:
        masks = [_mask(item, width=width, height=height) for item in items]
    except InputError as error:
        raise InputError(f"`{path}`: {error}") from error
    return np.stack(masks) if masks else np.zeros((0, height, width), dtype=bool)


def _mask(item: NDArray[Any] | Sparse, *, width: int, height: int) -> NDArray[np.bool_]:
    if isinstance(item, Sparse):
        return dense_of(item, width=width, height=height)
    if item.shape not in ((height, width), (1, height, width)) or item.dtype.kind not in "biu":
        raise InputError(f"a mask is {item.dtype} of shape {item.shape}, expected bool ({height}, {width})")
    mask: NDArray[np.bool_] = item.reshape(height, width) != 0
    return mask
