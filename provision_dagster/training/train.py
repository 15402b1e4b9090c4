"""The one door: train tiny models and write them, with what an annotator or a filter needs beside them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args

from provision_dagster.errors import InputError, MissingExtraError
from provision_dagster.samples.rendering import LABELS
from provision_dagster.training.scenes import Progress

Part = Literal["detections", "masks", "depth_maps", "clip", "judge"]
PARTS: tuple[Part, ...] = get_args(Part)
FOLDERS: tuple[Part, ...] = ("clip", "judge")
"""Folders as open_clip and transformers read them, for filters; the others are ONNX files, for annotators."""

SCENES: dict[Part, int] = {"detections": 3000, "masks": 1000, "depth_maps": 3000, "clip": 2000, "judge": 3000}
"""Scenes to learn from; what the weights of the package were made with."""
PASSES: dict[Part, int] = {"detections": 10, "masks": 3, "depth_maps": 4, "clip": 5, "judge": 8}
"""How often each of them is seen; what the weights of the package were made with."""

LABELS_FILE = "labels.txt"
CONFIGS: dict[Part, str] = {
    "detections": f"detections: {{kind: yolox-onnx, weights: {{file}}, labels: {LABELS_FILE}, score_threshold: 0.5}}\n",
    "masks": "masks: {kind: masks-onnx, weights: {file}}\n",
    "depth_maps": "depth_maps: {kind: depth-onnx, weights: {file}, larger: closer}\n",
}
"""Part by part, what an annotators' file says of it."""


@dataclass(frozen=True)
class Trained:
    """A model that was trained and written.

    Attributes
    ----------
    weights
        Numbers that were learned.
    first, last
        Mean loss of the first and of the last tenth of the steps.
    """

    part: Part
    file: Path
    weights: int
    steps: int
    first: float
    last: float


def train_tiny(
    out: Path,
    *,
    parts: tuple[Part, ...] = PARTS,
    scenes: int | None = None,
    passes: int | None = None,
    seed: int = 0,
    threads: int = 1,
    progress: Progress | None = None,
) -> list[Trained]:
    """Train tiny models on rendered scenes and write them.

    Writes `tiny_<part>.onnx`, for detections `labels.txt`, and `annotators.yaml`, which names them; for filters the
    folders `tiny_clip` and `tiny_judge`.

    Parameters
    ----------
    out
        Folder, made if absent.
    scenes
        Scenes to learn from: those of seed 2**40 + `seed`, which nothing else renders; None: by part, see SCENES.
    passes
        How often each is seen; None: by part, see PASSES.
    seed
        The same seed gives the same files on one machine with one number of threads.
    threads
        Threads of torch.

    Raises
    ------
    InputError
        When a number is out of range.
    MissingExtraError
        When torch, or onnx, open_clip or transformers where they are needed, is not installed.
    """
    for name, value in (("scenes", scenes), ("passes", passes), ("threads", threads)):
        if value is not None and value < 1:
            raise InputError(f"`{name}` must be at least 1, got {value}")
    _look_for_libraries(parts)
    out.mkdir(parents=True, exist_ok=True)
    with _threads(threads):
        done = [
            _train(
                part, out, scenes=scenes or SCENES[part], passes=passes or PASSES[part], seed=seed, progress=progress
            )
            for part in parts
        ]
    if set(parts) <= set(FOLDERS):
        return done
    (out / LABELS_FILE).write_text("\n".join(LABELS) + "\n", encoding="utf-8")
    lines = [CONFIGS[part].replace("{file}", f"tiny_{part}.onnx") for part in CONFIGS if _file(out, part).is_file()]
    (out / "annotators.yaml").write_text("".join(lines), encoding="utf-8")
    return done


def _look_for_libraries(parts: tuple[Part, ...]) -> None:
    needed = {"clip": "open_clip", "judge": "transformers"}
    try:
        for name in ("torch", *dict.fromkeys(needed.get(part, "onnx") for part in parts)):
            import_module(name)
    except ImportError as error:
        raise MissingExtraError("models", needs=error.name or "torch") from error


def _file(out: Path, part: Part) -> Path:
    return out / (f"tiny_{part}" if part in FOLDERS else f"tiny_{part}.onnx")


def _train(part: Part, out: Path, *, scenes: int, passes: int, seed: int, progress: Progress | None) -> Trained:
    import torch

    def on_step(step: int, steps: int, loss: float) -> None:
        if progress is not None:
            progress(f"train {part}", step, steps)

    train: Callable[..., tuple[Any, Path, list[float]]]
    train = {"clip": _clip, "judge": _judge}.get(part) or partial(_onnx, part)
    with torch.random.fork_rng(devices=[]):
        net, file, losses = train(
            _file(out, part), scenes=scenes, passes=passes, seed=seed, progress=progress, on_step=on_step
        )
    weights = sum(values.numel() for values in net.parameters())
    tenth = max(1, len(losses) // 10)
    return Trained(part, file, weights, len(losses), first=_mean(losses[:tenth]), last=_mean(losses[-tenth:]))


def _onnx(part: Part, file: Path, **options: Any) -> tuple[Any, Path, list[float]]:
    from provision_dagster.training.depth_maps import SIZE as DEPTH_SIZE
    from provision_dagster.training.depth_maps import train_depth
    from provision_dagster.training.detections import SIZE, train_detector
    from provision_dagster.training.masks import SIZE as PART_SIZE
    from provision_dagster.training.masks import train_masks
    from provision_dagster.training.onnx_file import write_onnx

    trainers = {
        "detections": (train_detector, SIZE),
        "masks": (train_masks, PART_SIZE),
        "depth_maps": (train_depth, DEPTH_SIZE),
    }
    train, size = trainers[part]
    net, losses = train(**options)
    return net, write_onnx(net, file, size=size), losses


def _clip(folder: Path, **options: Any) -> tuple[Any, Path, list[float]]:
    from provision_dagster.training.clip import DEVIATION, MEAN, architecture, tokenizer, train_clip
    from provision_dagster.training.clip_folder import write_clip

    net, losses = train_clip(**options)
    words = {"architecture": architecture(), "tokenizer": tokenizer()}
    return net, write_clip(net, folder, mean=MEAN, std=DEVIATION, **words), losses


def _judge(folder: Path, **options: Any) -> tuple[Any, Path, list[float]]:
    from provision_dagster.training.judge import train_judge
    from provision_dagster.training.judge_folder import write_judge

    net, tokenizer, losses = train_judge(**options)
    return net, write_judge(net, folder, tokenizer=tokenizer), losses


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let torch use so many threads, and no more than before afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
