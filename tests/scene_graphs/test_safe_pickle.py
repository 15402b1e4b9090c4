"""Pickled masks: real ones are read, everything else is refused without being run."""

import io
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from provision_dagster.errors import InputError, UnsafeFileError
from provision_dagster.scene_graphs.pixels import read_masks
from provision_dagster.scene_graphs.safe_pickle import ALLOWED, load_pickle


class Call:
    """Pickles as a call of any function, which runs when a pickle is loaded without care."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.function, self.arguments


class Setting:
    """Pickles as an object whose state is set by a function."""

    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (), None, None, iter([(1, Call(os.system, f"touch {self.marker}"))])


def object_array(payload: Any) -> np.ndarray[Any, Any]:
    array = np.empty(1, dtype=object)
    array[0] = payload
    return array


def sparse_with(payload: Any) -> Any:
    matrix = scipy.sparse.csr_matrix(np.eye(3, dtype=bool))
    matrix.payload = payload
    return matrix


ATTACKS: dict[str, Callable[[str], Any]] = {
    "os.system": lambda marker: Call(os.system, f"touch {marker}"),
    "builtins.eval": lambda marker: Call(eval, f"open({marker!r}, 'w')"),
    "builtins.exec": lambda marker: Call(exec, f"open({marker!r}, 'w')"),
    "builtins.open": lambda marker: Call(open, marker, "w"),
    "getattr chain": lambda marker: Call(getattr, Call(__import__, "os"), "system"),
    "inside a list": lambda marker: [np.eye(2), Call(os.system, f"touch {marker}")],
    "object array": lambda marker: object_array(Call(os.system, f"touch {marker}")),
    "object array in a list": lambda marker: [object_array(Call(os.mkdir, marker))],
    "attribute of a matrix": lambda marker: [sparse_with(Call(os.system, f"touch {marker}"))],
    "dict items": Setting,
    "numpy.load": lambda marker: Call(np.load, marker),
    "nested pickle": lambda marker: Call(pickle.loads, pickle.dumps(Call(os.mkdir, marker))),
}


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("attack", ATTACKS)
def test_attack_does_not_run(tmp_path: Path, attack: str, protocol: int) -> None:
    marker = tmp_path / "ran"
    file = tmp_path / "masks.pkl"
    file.write_bytes(pickle.dumps(ATTACKS[attack](str(marker)), protocol=protocol))
    with pytest.raises(UnsafeFileError) as error:
        read_masks(str(file), width=2, height=2, count=1)
    assert not marker.exists()
    assert str(file) in str(error.value)
    assert "asks for `" in str(error.value)


def test_attacks_would_run_without_care(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    pickle.loads(pickle.dumps(ATTACKS["os.system"](str(marker))))
    assert marker.exists()


HAND_MADE: dict[str, bytes] = {
    "old class opcode": b"(S'touch x'\nios\nsystem\n.",
    "object opcode": b"(cos\nsystem\nS'touch x'\no.",
    "global in text": b"cos\nsystem\n(S'touch x'\ntR.",
    "dotted name": b"\x80\x04\x8c\x05numpy\x8c\x0bdtype.mroxx\x93.",
    "extension code": b"\x80\x02\x82\x01.",
    "persistent id": b"\x80\x02S'x'\nQ.",
    "huge memo": b"\x80\x02Nr\xff\xff\xff\x7f.",
}


@pytest.mark.parametrize("name", HAND_MADE)
def test_hand_made_pickle_is_unsafe(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafeFileError, match=r"the pickle (asks for|uses|stores)"):
        load_pickle(HAND_MADE[name], path=tmp_path / "masks.pkl")


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "no pickle": b"hello",
    "cut off": pickle.dumps([np.eye(3)])[:-30],
    "a dict": pickle.dumps({"a": 1}),
    "a number": pickle.dumps(3),
    "texts": pickle.dumps(["mask"]),
    "claims 8 EiB": b"\x80\x05\x96" + struct.pack("<Q", 2**62) + b"x.",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_pickle(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"masks\.pkl"):
        load_pickle(BROKEN[name], path=tmp_path / "masks.pkl")


def masks() -> np.ndarray[Any, Any]:
    return np.random.default_rng(3).random((3, 7, 9)) > 0.6


FORMS: dict[str, Callable[[Any], Any]] = {
    "csr_matrix": lambda found: [scipy.sparse.csr_matrix(mask) for mask in found],
    "csr_array": lambda found: [scipy.sparse.csr_array(mask) for mask in found],
    "csc_matrix": lambda found: [scipy.sparse.csc_matrix(mask) for mask in found],
    "coo_matrix": lambda found: [scipy.sparse.coo_matrix(mask) for mask in found],
    "coo_array": lambda found: [scipy.sparse.coo_array(mask) for mask in found],
    "tuple": lambda found: tuple(scipy.sparse.csr_matrix(mask.astype(np.uint8)) for mask in found),
    "arrays": lambda found: list(found),
    "one array": lambda found: found,
    "fortran": lambda found: np.asfortranarray(found),
    "big endian": lambda found: found.astype(">i4"),
}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("form", FORMS)
def test_honest_pickle(tmp_path: Path, form: str, protocol: int) -> None:
    file = tmp_path / "masks.pkl"
    file.write_bytes(pickle.dumps(FORMS[form](masks()), protocol=protocol))
    found = read_masks(str(file), width=9, height=7, count=3)
    assert found.dtype == bool
    assert np.array_equal(found, masks())


def tampered(**state: Any) -> bytes:
    matrix = scipy.sparse.csr_matrix(np.eye(3, dtype=bool))
    for name, value in state.items():
        setattr(matrix, name, value)
    return pickle.dumps([matrix])


@pytest.mark.parametrize(
    "state",
    [
        {"indices": np.array([0, 1, 900_000], dtype=np.int32)},
        {"indices": np.array([0, -1, 2], dtype=np.int32)},
        {"indptr": np.array([0, 1, 2, 9_999], dtype=np.int32)},
        {"indptr": np.array([0, 2, 1, 3], dtype=np.int32)},
        {"indptr": np.array([0, 3], dtype=np.int32)},
        {"data": np.ones(1, dtype=bool)},
        {"data": None},
        {"indices": np.array(["a", "b", "c"])},
        {"_shape": (2**40, 2**40)},
    ],
    ids=str,
)
def test_indices_of_a_matrix_are_checked(tmp_path: Path, state: dict[str, Any]) -> None:
    file = tmp_path / "masks.pkl"
    file.write_bytes(tampered(**state))
    with pytest.raises(InputError):
        read_masks(str(file), width=3, height=3, count=1)


def test_nothing_allowed_is_the_real_thing() -> None:
    for (module, name), stand_in in ALLOWED.items():
        assert stand_in.__module__ == "provision_dagster.scene_graphs.safe_pickle", (module, name)


@pytest.mark.shared
@pytest.mark.parametrize(("name", "count", "shape"), [("1", 4, (400, 401)), ("2", 8, (506, 770))])
def test_real_masks(shared: Path, name: str, count: int, shape: tuple[int, int]) -> None:
    file = shared / f"data/provision_baseball/seg_masks/baseball_{name}_mask.pkl"
    found = read_masks(str(file), width=shape[1], height=shape[0], count=count)
    # The files are known, and so may be opened by scipy for comparison.
    expected = pickle.load(io.BytesIO(file.read_bytes()))
    assert np.array_equal(found, np.stack([mask.toarray() for mask in expected]).astype(bool))
