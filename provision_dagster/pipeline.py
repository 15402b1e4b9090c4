"""From an annotation file to questions without Dagster: the functions behind `provision generate`."""

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.generators.generate import Settings, generate
from provision_dagster.generators.registry import select_generators
from provision_dagster.generators.schema import FUNNEL, RAW_QA
from provision_dagster.generators.strengths import image_set_strengths
from provision_dagster.generators.templates import load_templates, shipped_templates
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import ImageSetSpec
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.assemble import assemble
from provision_dagster.scene_graphs.ingest import IngestedSet, ingest_image_set
from provision_dagster.scene_graphs.schema import REJECTED_ANNOTATIONS
from provision_dagster.scene_graphs.vocabulary import count_vocabulary
from provision_dagster.storage.store import Store
from provision_dagster.storage.tables import TableSpec

QA_TABLE = TableSpec(
    name="qa",
    schema=RAW_QA,
    description="Question-answer pairs of all generators.",
    partition_by="shard",
    sort_by=("family", "generator", "id"),
    key=("id",),
    replace_by=("shard",),
)

Progress = Callable[[int, int], None]
"""(shards done, shards in all)"""


@dataclass(frozen=True)
class Request:
    """One `provision generate`.

    Parameters
    ----------
    spec
        Where annotations, pictures, depth maps and masks are.
    out
        Folder that gets `qa/`, `rejected.parquet`, `funnel.parquet` and `summary.json`.
    generators
        Names or families; empty = all.
    vocabulary
        JSON with countable labels and attribute categories that override the lexicon.
    lexicon, templates
        Folder and files of the user that extend what ships with the package.
    """

    spec: ImageSetSpec
    out: Path
    settings: Settings = field(default_factory=Settings)
    generators: tuple[str, ...] = ()
    vocabulary: Path | None = None
    lexicon: Path | None = None
    templates: tuple[Path, ...] = ()


@dataclass(frozen=True)
class _Shard:
    request: Request
    part: IngestedSet
    words: pl.DataFrame
    strengths: pl.DataFrame


def generate_files(request: Request, *, workers: int = 1, progress: Progress | None = None) -> dict[str, Any]:
    """Read annotations, generate questions shard by shard and write them.

    The rows do not depend on `workers`; a run into a folder that holds an earlier run replaces it.

    Returns
    -------
    dict
        What `summary.json` holds: images, rows, seconds, qa_per_second, by_generator, rejected.

    Raises
    ------
    InputError
        If the annotations, a generator name, a template or the vocabulary is unusable.
    """
    if workers < 1:
        raise InputError(f"`workers` must be at least 1, got {workers}")
    select_generators(request.generators)
    begin = time.perf_counter()
    lexicon = _lexicon(request.lexicon, request.vocabulary)
    ingested = ingest_image_set(request.spec)
    words = count_vocabulary(ingested.annotations)
    strengths = image_set_strengths(ingested.annotations, vocabulary=words, lexicon=lexicon, settings=request.settings)
    store = _store(request.out)
    store.create_all()
    shards = [_Shard(request, ingested.shard(key), words, strengths) for key in ingested.shards]
    parts = []
    for done, part in enumerate(_outcomes(shards, workers=workers), start=1):
        parts.append(part)
        if progress is not None:
            progress(done, len(shards))
    for stale in sorted(set(store.partitions("qa")) - set(ingested.shards)):
        store.write_partition("qa", pl.DataFrame(schema=RAW_QA), key=stale)
    seconds = time.perf_counter() - begin
    return _write_summary(request, ingested, parts, seconds=seconds)


def _outcomes(shards: Sequence[_Shard], *, workers: int) -> Iterator[tuple[pl.DataFrame, pl.DataFrame, int]]:
    if workers == 1 or len(shards) == 1:
        yield from map(_make_shard, shards)
        return
    # polars is not safe to fork
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(shards)), mp_context=context) as pool:
        for future in as_completed([pool.submit(_make_shard, shard) for shard in shards]):
            yield future.result()


def _make_shard(shard: _Shard) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Make one shard's questions and write them; return its funnel, what was rejected and the number of pictures."""
    request, part = shard.request, shard.part
    images = inspect_images(part.sources)
    graphs, rejected = assemble(images, part.annotations)
    unusable = images.filter(pl.col("error").is_not_null()).select(
        "shard",
        "image_set",
        "image_key",
        file="uri",
        part=pl.lit("image"),
        item="image_key",
        field=pl.lit("status"),
        reason="status",
        detail="error",
    )
    made = generate(
        graphs,
        vocabulary=shard.words,
        strengths=shard.strengths,
        lexicon=_lexicon(request.lexicon, request.vocabulary),
        settings=request.settings,
        generators=request.generators,
        templates=load_templates([*_shipped(), *request.templates]) if request.templates else shipped_templates(),
    )
    key = part.sources["shard"][0]
    # `generate` has an order of its own, which depends on the rows alone
    _store(request.out).write_partition("qa", made.qa.with_columns(shard=pl.lit(key)), key=key, ordered=True)
    reasons = pl.concat([part.rejected, rejected, unusable.select(list(REJECTED_ANNOTATIONS))])
    return made.funnel.with_columns(shard=pl.lit(key)), reasons, graphs.height


def _shipped() -> list[Path]:
    from provision_dagster.generators.templates import SHIPPED

    return sorted(SHIPPED.glob("*.yaml"))


@cache
def _lexicon(extra: Path | None, vocabulary: Path | None) -> Lexicon:
    return Lexicon.load(extra, vocabulary=vocabulary)


def _store(out: Path) -> Store:
    return Store(out, tables={"qa": QA_TABLE})


def _write_summary(
    request: Request,
    ingested: IngestedSet,
    parts: Sequence[tuple[pl.DataFrame, pl.DataFrame, int]],
    *,
    seconds: float,
) -> dict[str, Any]:
    funnel = pl.concat([p for p, _, _ in parts]).sort("shard", "family", "generator", "reason")
    rejected = pl.concat([r for _, r, _ in parts]).sort(pl.all())
    kept = funnel.filter(reason="kept").group_by("generator").agg(pl.col("count").sum()).sort("generator")
    rows = int(kept["count"].sum())
    reasons = rejected.group_by("part", "reason").len("rows").sort("part", "reason")
    summary = {
        "images": ingested.sources.height,
        "scene_graphs": sum(n for _, _, n in parts),
        "rows": rows,
        "seconds": round(seconds, 3),
        "qa_per_second": round(rows / seconds, 1),
        "by_generator": dict(kept.iter_rows()),
        "rejected": {f"{part}: {reason}": n for part, reason, n in reasons.iter_rows()},
        "settings": request.settings.__dict__,
    }
    _replace(request.out / "funnel.parquet", lambda path: funnel.select(list(FUNNEL)).write_parquet(path))
    _replace(request.out / "rejected.parquet", lambda path: rejected.write_parquet(path))
    _replace(request.out / "summary.json", lambda path: path.write_text(json.dumps(summary, indent=1) + "\n"))
    return summary


def _replace(path: Path, write: Callable[[Path], Any]) -> None:
    """Write beside the target and rename, so that no half-written file stays."""
    draft = path.with_name(f".{path.name}.part")
    write(draft)
    draft.replace(path)
