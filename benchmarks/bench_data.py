"""Scene graphs to measure with: made once, in pieces, kept as Parquet in a cache folder.

With `make_scene_graphs.py` at hand they are its synthetic graphs (image i is the same whatever their number), else
rendered scenes, repeated under other ids where more are asked for than are rendered.
"""

import hashlib
import importlib.util
import json
import multiprocessing
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.progress import track

from provision_dagster import scene_graphs
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.samples.rendering import render_scenes
from provision_dagster.scene_graphs.assemble import assemble
from provision_dagster.scene_graphs.ingest import ingest_image_set
from provision_dagster.scene_graphs.schema import SCENE_GRAPHS

SEED = 7
SHARD = 5_000
PLAIN_PIECE, MASKED_PIECE = 1_000, 50
"""Images per file: bounded memory while they are made (a masked image takes 6 MB on disk until it is assembled)."""

RENDERED = 200
"""Scenes that are rendered where there is no script; more are these again."""

RELATIONS, ATTRIBUTES = 15, 1
"""Kept per rendered image and per object, as many as Visual Genome has: with every true relation listed, the
scene-graph questions of one image are a million."""


@dataclass(frozen=True)
class Slice:
    """Rows `start` .. `start + rows - 1` of a file; `copy` > 0 gives the images other ids."""

    path: Path
    start: int
    rows: int
    copy: int = 0

    def read(self) -> pl.DataFrame:
        """Read the scene graphs."""
        frame = pl.read_parquet(self.path).slice(self.start, self.rows)
        if not self.copy:
            return frame
        other = pl.concat_str(pl.col("image_id").str.head(28), pl.lit(f"{self.copy:04x}"))
        return frame.with_columns(image_id=other, image_key=pl.format("{}-{}", "image_key", pl.lit(self.copy)))


@dataclass(frozen=True)
class Shard:
    """Scene graphs that are read and asked about together."""

    key: str
    slices: tuple[Slice, ...]

    @property
    def images(self) -> int:
        """Number of images."""
        return sum(s.rows for s in self.slices)

    def read(self) -> pl.DataFrame:
        """Read the scene graphs."""
        return pl.concat([s.read() for s in self.slices]).rechunk()


@dataclass(frozen=True)
class Job:
    """Images `start` .. `start + rows - 1` of the script, or the first `rows` rendered scenes (script = None)."""

    script: Path | None
    start: int
    rows: int
    masked: bool
    path: Path


@dataclass(frozen=True)
class Data:
    """Where the data come from and are kept.

    Parameters
    ----------
    bench
        Folder with `make_scene_graphs.py`, `vocabulary.json` and `expected_totals.json`; None: rendered scenes.
    cache
        Gets a folder per kind of file; another script, table schema or way to take evidence from pixels has another.
    """

    bench: Path | None
    cache: Path

    @property
    def script(self) -> Path | None:
        """The script that makes scene graphs."""
        return None if self.bench is None else self.bench / "make_scene_graphs.py"

    @property
    def words(self) -> Path | None:
        """Countable labels and attribute categories of the synthetic graphs."""
        return None if self.bench is None else self.bench / "vocabulary.json"

    @cached_property
    def totals(self) -> dict[str, dict[str, float]]:
        """What the reference needs and finds, by generator; empty without the folder."""
        if self.bench is None:
            return {}
        found: dict[str, dict[str, float]] = json.loads((self.bench / "expected_totals.json").read_text())["generators"]
        return found

    @property
    def source(self) -> str:
        """What the data are, in words."""
        if self.script is not None:
            return f"synthetic scene graphs of `{self.script.name}`, seed {SEED}"
        return (
            f"{RENDERED} rendered scenes, seed {SEED}, repeated under other ids; all have masks and depth, the first "
            f"{RELATIONS} relations of each image and {ATTRIBUTES} attribute of each object are kept"
        )

    @cached_property
    def folders(self) -> dict[str, Path]:
        """Folder of each kind of file: what is taken from pixels depends on more code than what is not."""
        graphs = repr(SCENE_GRAPHS).encode()
        taken = graphs + b"".join(f.read_bytes() for f in sorted(Path(scene_graphs.__path__[0]).rglob("*.py")))
        made_by = {"rendered": repr((RENDERED, RELATIONS, ATTRIBUTES)).encode() + taken}
        if self.script is not None:
            made_by = {
                "plain": self.script.read_bytes() + repr(PLAIN_PIECE).encode() + graphs,
                "masked": self.script.read_bytes() + repr(MASKED_PIECE).encode() + taken,
            }
        digests = {kind: hashlib.sha256(repr(SEED).encode() + code).hexdigest() for kind, code in made_by.items()}
        return {kind: self.cache / f"{kind}-{digest[:12]}" for kind, digest in digests.items()}

    def plain(self, n: int, *, size: int = SHARD) -> list[Shard]:
        """Return n images without masks in shards; `size` divides a file's images or is a multiple of them."""
        cuts = range(0, n, size)
        return [Shard(f"bench-{k:05d}", self._slices(at, min(size, n - at))) for k, at in enumerate(cuts)]

    def masked(self, n: int, *, copies: int = 1) -> Shard:
        """Return n images with masks and depth, several times if asked."""
        slices = [
            Slice(s.path, s.start, s.rows, copy=s.copy + 1_000 * copy)
            for copy in range(copies)
            for s in self._slices(0, n, masked=self.script is not None)
        ]
        return Shard("bench-masked", tuple(slices))

    def partly_masked(self, n: int, *, masked: int) -> Shard:
        """Return n images of which the first have masks and depth, as `--n-masks` of the script makes them."""
        if self.script is None:
            return Shard("bench-mixed", self._slices(0, n))
        return Shard("bench-mixed", (*self._slices(0, masked, masked=True), *self._slices(masked, n - masked)))

    def _slices(self, start: int, rows: int, *, masked: bool = False) -> tuple[Slice, ...]:
        kind, size = ("masked", MASKED_PIECE) if masked else ("plain", PLAIN_PIECE)
        if self.script is None:
            kind, size = "rendered", RENDERED
        found, at = [], start
        while at < start + rows:
            piece, first = divmod(at, size)
            took = min(size - first, start + rows - at)
            number, copy = (piece, 0) if self.script else (0, piece)
            found.append(Slice(self.folders[kind] / f"{kind}-{number:05d}.parquet", first, took, copy))
            at += took
        return tuple(found)

    def make(self, shards: Sequence[Shard], *, workers: int) -> None:
        """Make the files that are missing, in processes of their own."""
        wanted = sorted({s.path for shard in shards for s in shard.slices if not s.path.exists()})
        if not wanted:
            return
        for folder in {path.parent for path in wanted}:
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob("*.part"):
                old.unlink()
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(workers, len(wanted)), mp_context=context) as pool:
            jobs = [self._job(path) for path in wanted]
            for _ in track(pool.map(make_piece, jobs), description="making scene graphs", total=len(jobs)):
                pass

    def _job(self, path: Path) -> Job:
        kind, _, number = path.stem.partition("-")
        size = {"masked": MASKED_PIECE, "plain": PLAIN_PIECE, "rendered": RENDERED}[kind]
        return Job(self.script, int(number) * size, size, kind == "masked", path)


def make_piece(job: Job) -> None:
    """Make the scene graphs of one file, and name it when it is whole."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        graphs = rendered(folder, job.rows) if job.script is None else synthetic(folder, job)
    draft = job.path.with_suffix(f".{os.getpid()}.part")
    graphs.write_parquet(draft)
    draft.replace(job.path)


def synthetic(folder: Path, job: Job) -> pl.DataFrame:
    """Make images of the script and read them as any other annotations."""
    assert job.script is not None
    numbers = range(job.start, job.start + job.rows)
    fields = write_synthetic(folder, numbers, script=job.script, masked=job.masked)
    return assembled(fields)


def write_synthetic(folder: Path, numbers: Sequence[int], *, script: Path, masked: bool) -> dict[str, Any]:
    """Write images of the script as its own command does; returns the fields of an image set's spec."""
    make_image = _script(script).make_image
    for part in ("depth", "masks"):
        (folder / part).mkdir()
    entries = {}
    for number in numbers:
        annotation, pixels = make_image(number, SEED, masked)
        if pixels is not None:
            np.save(folder / "depth" / annotation["depth_mask_id"], pixels[0])
            annotation["seg_mask_id"] = f"{number:06d}_mask.npy"
            np.save(folder / "masks" / annotation["seg_mask_id"], pixels[1])
        entry = {"data_path": f"images/{number:06d}.jpg", "annotation": annotation, "source": "synth"}
        entries[f"img_{number:06d}"] = entry
    (folder / "scene_graphs.json").write_text(json.dumps(entries))
    pixels_at = {"depth": folder / "depth", "masks": folder / "masks"} if masked else {}
    return {"annotations": folder / "scene_graphs.json", **pixels_at}


def objects_per_image(numbers: Sequence[int], *, script: Path) -> list[int]:
    """Count the objects of images of the script."""
    make_image = _script(script).make_image
    return [len(make_image(number, SEED, False)[0]["labels"]) for number in numbers]


def _script(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rendered(folder: Path, n: int) -> pl.DataFrame:
    """Render scenes, take evidence from their pixels, and thin out what is listed of them."""
    graphs = assembled(write_rendered(folder / "scenes", n))
    fewer = pl.element().struct.with_fields(pl.field("attributes").list.head(ATTRIBUTES))
    return graphs.with_columns(
        pl.col("objects").list.eval(fewer),
        pl.col("relations").list.head(RELATIONS),
        exhaustive_attributes=pl.lit(False),
        exhaustive_relations=pl.lit(False),
    ).select(list(SCENE_GRAPHS))


def write_rendered(folder: Path, n: int) -> dict[str, Any]:
    """Render scenes into a folder; returns the fields of an image set's spec."""
    file = render_scenes(folder, n=n, seed=SEED)
    return {"annotations": file, "images": folder, "depth": folder / "depth_masks"}


def assembled(fields: dict[str, Any]) -> pl.DataFrame:
    """Make scene graphs of all images of an annotation file."""
    images, annotations = before_assembly(fields)
    graphs, _ = assemble(images, annotations)
    return graphs


def before_assembly(fields: dict[str, Any]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read an annotation file: images and annotations, of which `assemble` makes scene graphs."""
    spec = {"name": "bench", "reader": "annotations", "annotations_format": "provision", "shard_size": 20_000}
    part = ingest_image_set(parse_spec({**spec, **fields}, source="benchmark"))
    return inspect_images(part.sources), part.annotations
