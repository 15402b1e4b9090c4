"""An ONNX model on this machine: no GPU, no hub."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from provision_dagster.errors import InputError, MissingExtraError
from provision_dagster.scene_graphs.annotators.side_by_side import on_cores

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Frame = NDArray[np.float32]
"""A picture in a model's form, or what the model gives for it."""


class OnnxModel:
    """One `.onnx` file with one picture in (1, 3, height, width) and one tensor out.

    Parameters
    ----------
    weights
        The file.
    threads
        Threads of one inference; 0: one, and as many inferences at a time as there are cores.
    """

    def __init__(self, weights: Path, *, threads: int = 0) -> None:
        self.weights = weights
        self._threads = threads
        self._session: InferenceSession | None = None

    @cached_property
    def name(self) -> str:
        """File name and the first 12 hex digits of its SHA-256: the revision of a file is its content."""
        try:
            digest = hashlib.sha256(self.weights.read_bytes()).hexdigest()
        except OSError as error:
            raise InputError(f"weights `{self.weights}` cannot be read: {error}") from error
        return f"{self.weights.name}@sha256:{digest[:12]}"

    def load(self) -> None:
        """Read the weights.

        Raises
        ------
        MissingExtraError
            When ONNX Runtime is not installed.
        InputError
            When the file is missing, is no ONNX model, or takes something else than one picture.
        """
        if self._session is not None:
            return
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtraError("onnx", needs="onnxruntime") from error
        if not self.weights.is_file():
            raise InputError(f"weights `{self.weights}` are missing: give the path of an ONNX file")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads or 1
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(
                str(self.weights), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's own errors have no common type
            raise InputError(f"weights `{self.weights}` are no ONNX model: {error}") from error
        shapes = [entry.shape for entry in session.get_inputs()]
        if len(shapes) != 1 or len(shapes[0]) != 4 or not all(isinstance(n, int) for n in shapes[0][1:]):
            raise InputError(f"weights `{self.weights}`: expected one input (n, 3, height, width), got {shapes}")
        self._session = session

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture it takes."""
        _, _, height, width = self._loaded().get_inputs()[0].shape
        return int(height), int(width)

    def run(self, pictures: Sequence[Frame]) -> Frame:
        """Run it on pictures (3, height, width), side by side; returns its first output for each."""
        return np.stack(on_cores(self._run, pictures))

    def _run(self, pictures: Sequence[Frame]) -> list[Frame]:
        """Run it on as many pictures at a time as the file allows."""
        session = self._loaded()
        entry = session.get_inputs()[0]
        step = entry.shape[0] if isinstance(entry.shape[0], int) else len(pictures)
        parts = [pictures[at : at + step] for at in range(0, len(pictures), step)]
        return [one for part in parts for one in self._called(session, entry.name, part, step)]

    def _called(self, session: "InferenceSession", name: str, pictures: Sequence[Frame], step: int) -> list[Frame]:
        """Run it once; a file that takes no fewer pictures than `step` is given the last one several times."""
        found = session.run(None, {name: np.stack([*pictures, *[pictures[-1]] * (step - len(pictures))])})[0]
        if found.ndim == 0 or len(found) != step:
            raise InputError(f"weights `{self.weights}`: expected an output for each of {step}, got {found.shape}")
        return list(found[: len(pictures)])

    def _loaded(self) -> "InferenceSession":
        self.load()
        assert self._session is not None
        return self._session
