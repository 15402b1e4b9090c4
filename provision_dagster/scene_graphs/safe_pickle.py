"""Masks in pickles, read without running anything that the pickle names.

A pickle is a program. Here it may only build plain containers and the recorders below, which stand in for
numpy's and scipy's classes and keep what they are given; arrays are then made from checked bytes. Opcodes
are looked at first, because some (huge memo numbers, extension codes) act before any class is asked for.
"""

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provision_dagster.errors import InputError, UnsafeFileError

_DTYPES = frozenset({"b1", "?", "bool"} | {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)} | {"f4", "f8"})
_REFUSED_OPCODES = frozenset({"EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "INST", "OBJ", "NEXT_BUFFER"})
_MEMO_OPCODES = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})


class Recorder:
    """Stands in for a class: keeps the arguments of its making and its state."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Dtype(Recorder):
    """numpy.dtype"""


class _Array(Recorder):
    """numpy.ndarray, whether made by `_reconstruct` or by `_frombuffer`"""


class _Number(Recorder):
    """numpy scalar"""


class _ArrayClass:
    """The class numpy.ndarray itself, an argument of `_reconstruct`"""


class Sparse:
    """A scipy.sparse matrix in CSR, CSC or COO form; `state` holds its arrays."""

    layout = ""

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Csr(Sparse):
    layout = "csr"


class _Csc(Sparse):
    layout = "csc"


class _Coo(Sparse):
    layout = "coo"


def _encode(text: str, encoding: str) -> bytes:
    """_codecs.encode, by which protocol 2 writes bytes"""
    if not isinstance(text, str) or encoding != "latin1":
        raise InputError(f"expected text in latin1, got {encoding!r:.40}")
    return text.encode("latin1")


def _allowed() -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): _ArrayClass,
        ("numpy", "dtype"): _Dtype,
        ("_codecs", "encode"): _encode,
    }
    for core in ("numpy.core", "numpy._core"):
        found[core + ".multiarray", "_reconstruct"] = _Array
        found[core + ".multiarray", "scalar"] = _Number
        found[core + ".numeric", "_frombuffer"] = _Array
    for layout, stand_in in (("csr", _Csr), ("csc", _Csc), ("coo", _Coo)):
        for module in (f"scipy.sparse._{layout}", f"scipy.sparse.{layout}"):
            for kind in ("matrix", "array"):
                found[module, f"{layout}_{kind}"] = stand_in
    return found


ALLOWED = _allowed()
"""Every global that a pickle of masks may name, and what stands in for it; nothing else is looked up."""


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, *, path: Path) -> None:
        super().__init__(io.BytesIO(data))
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        try:
            return ALLOWED[module, name]
        except KeyError:
            names = ", ".join(sorted({name for _, name in ALLOWED}))
            raise UnsafeFileError(
                f"`{self._path}`: the pickle asks for `{module}.{name}`; allowed are only {names}"
            ) from None


def _check_opcodes(data: bytes, *, path: Path) -> None:
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data), start=1):
        if opcode.name in _REFUSED_OPCODES:
            raise UnsafeFileError(f"`{path}`: the pickle uses `{opcode.name}`, which masks do not need")
        if opcode.name in _MEMO_OPCODES and isinstance(argument, int) and argument > count:
            raise UnsafeFileError(f"`{path}`: the pickle stores memo {argument} after {count} steps")


def load_pickle(data: bytes, *, path: Path) -> list[NDArray[Any] | Sparse]:
    """
    Read pickled masks.

    Parameters
    ----------
    data
        Bytes of the file.
    path
        For messages.

    Returns
    -------
    list
        The items of the pickled list, or of the one array: numpy arrays and Sparse.

    Raises
    ------
    UnsafeFileError
        When the pickle names anything that is not allowed; nothing of it was run.
    InputError
        When it is broken or holds something else.
    """
    try:
        _check_opcodes(data, path=path)
        found = _Unpickler(data, path=path).load()
        items = found if isinstance(found, list | tuple) else [found]
        return [_item(item) for item in items]
    except UnsafeFileError:
        raise
    except InputError as error:
        raise InputError(f"`{path}`: {error}") from error
    except Exception as error:
        # A hostile pickle can make the unpickler raise anything; whatever it was, nothing of it was used.
        raise InputError(f"`{path}`: not a pickle of masks: {type(error).__name__}: {error}") from error


def _item(item: Any) -> NDArray[Any] | Sparse:
    if isinstance(item, Sparse):
        return item
    if isinstance(item, _Array):
        return array_of(item)
    raise InputError(f"expected sparse matrices or arrays, got {type(item).__name__.lstrip('_')}")


def _dtype_of(recorder: Any) -> np.dtype[Any]:
    name = recorder.arguments[0] if isinstance(recorder, _Dtype) and recorder.arguments else None
    if not isinstance(name, str) or name not in _DTYPES:
        raise InputError(f"expected arrays of booleans or numbers, got dtype {name!r:.40}")
    state = recorder.state
    order = state[1] if isinstance(state, tuple) and len(state) > 1 else "|"
    return np.dtype(name).newbyteorder("<" if order == "<" else ">" if order == ">" else "=")


def array_of(recorder: Any) -> NDArray[Any]:
    """
    Make the array that a recorder describes.

    Raises
    ------
    InputError
        When it is no array of numbers, or its bytes do not fit its shape.
    """
    if not isinstance(recorder, _Array):
        raise InputError(f"expected an array, got {type(recorder).__name__.lstrip('_')}")
    if recorder.state is not None:
        _, shape, dtype, fortran, data = recorder.state
    else:
        data, dtype, shape, order = recorder.arguments
        fortran = order == "F"
    if not isinstance(data, bytes | bytearray) or not isinstance(shape, tuple):
        raise InputError(f"expected the bytes of an array, got {type(data).__name__}")
    flat = np.frombuffer(bytes(data), dtype=_dtype_of(dtype))
    if not all(isinstance(side, int) and side >= 0 for side in shape) or int(np.prod(shape, dtype=object)) != flat.size:
        raise InputError(f"an array of shape {shape!r:.60} cannot have {flat.size} values")
    return flat.reshape(shape, order="F" if fortran else "C")


def dense_of(sparse: Sparse, *, width: int, height: int) -> NDArray[np.bool_]:
    """
    Make a mask from a sparse matrix, all indices checked.

    Returns
    -------
    numpy.ndarray
        bool, shape (height, width).

    Raises
    ------
    InputError
        When its shape is another or its arrays do not fit together.
    """
    state = sparse.state if isinstance(sparse.state, dict) else {}
    shape = state.get("_shape", state.get("shape"))
    if shape != (height, width):
        raise InputError(f"a mask has shape {shape!r:.60}, expected ({height}, {width})")
    rows, columns = _positions(sparse, state, height=height, width=width)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    values = array_of(state.get("data"))
    if not inside.all() or not rows.size == columns.size == values.size:
        raise InputError("a sparse mask has indices outside its shape, or lists of different lengths")
    mask = np.zeros((height, width), dtype=bool)
    on = values != 0
    mask[rows[on], columns[on]] = True
    return mask


def _positions(sparse: Sparse, state: dict[str, Any], *, height: int, width: int) -> tuple[NDArray[Any], NDArray[Any]]:
    if sparse.layout == "coo":
        # Newer scipy keeps both lists in `coords`.
        rows, columns = state["coords"] if "coords" in state else (state.get("row"), state.get("col"))
        return array_of(rows), array_of(columns)
    indices, ends = array_of(state.get("indices")), array_of(state.get("indptr")).astype(np.int64)
    lines = height if sparse.layout == "csr" else width
    steps = np.diff(ends)
    if ends.size != lines + 1 or ends[0] != 0 or (steps < 0).any() or ends[-1] != indices.size:
        raise InputError("a sparse mask has row pointers that do not fit its indices")
    line = np.repeat(np.arange(lines), steps)
    return (line, indices) if sparse.layout == "csr" else (indices, line)
