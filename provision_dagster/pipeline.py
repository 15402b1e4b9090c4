"""From an annotation file to questions without Dagster: the functions behind `provision generate`."""

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from provision_dagster.ahead import ahead
from provision_dagster.errors import InputError
from provision_dagster.generators.generate import Settings, generate_blocks
from provision_dagster.generators.hashing import column_hash
from provision_dagster.generators.registry import Generator, MultiGenerator, select_generators
from provision_dagster.generators.schema import FUNNEL, RAW_QA
from provision_dagster.generators.strengths import image_set_strengths, without_pixels
from provision_dagster.generators.templates import Templates, load_templates, shipped_templates
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
    generators: tuple[str, ...]


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
    chosen = select_generators(request.generators)
    single = tuple(g.name for g in chosen if isinstance(g, Generator))
    shards = [_Shard(request, ingested.shard(key), words, strengths, single) for key in ingested.shards]
    parts = []
    for part in _outcomes(_make_shard, shards, workers=workers):
        parts.append(part)
        if progress is not None:
            progress(len(parts), len(shards))
    several = tuple(g.name for g in chosen if isinstance(g, MultiGenerator))
    groups = _groups(request, ingested, parts, words, strengths, several) if several else []
    for part in _outcomes(_make_group, groups, workers=workers):
        parts.append(part)
        if progress is not None:
            progress(len(parts), len(shards) + len(groups))
    for stale in sorted(set(store.partitions("qa")) - {*ingested.shards, *(g.key for g in groups)}):
        store.write_partition("qa", pl.DataFrame(schema=RAW_QA), key=stale)
    seconds = time.perf_counter() - begin
    return _write_summary(request, ingested, parts, seconds=seconds)


T = TypeVar("T")


def _outcomes(make: Callable[[T], "_Part"], tasks: Sequence[T], *, workers: int) -> Iterator["_Part"]:
    if workers == 1 or len(tasks) <= 1:
        yield from map(make, tasks)
        return
    # polars is not safe to fork
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context) as pool:
        for future in as_completed([pool.submit(make, task) for task in tasks]):
            yield future.result()


@dataclass(frozen=True)
class _Part:
    """What became of a shard or group: its funnel, what was rejected, and the ids of its pictures."""

    funnel: pl.DataFrame
    rejected: pl.DataFrame
    ids: pl.DataFrame


def _make_shard(shard: _Shard) -> _Part:
    """Make the single-image questions of one shard and write them."""
    part = shard.part
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
    funnel = _write_questions(shard, graphs, key=part.sources["shard"][0])
    reasons = pl.concat([part.rejected, rejected, unusable.select(list(REJECTED_ANNOTATIONS))])
    return _Part(funnel, reasons, graphs.select("image_key", "image_id"))


GROUP = 5_000
"""Pictures from among which questions about several are drawn, at most."""


@dataclass(frozen=True)
class _Group:
    """Annotations of the pictures that multi-image questions are drawn from, with their `image_id`."""

    request: Request
    key: str
    annotations: pl.DataFrame
    words: pl.DataFrame
    strengths: pl.DataFrame
    generators: tuple[str, ...]


def _groups(
    request: Request,
    ingested: IngestedSet,
    parts: Sequence[_Part],
    words: pl.DataFrame,
    strengths: pl.DataFrame,
    generators: tuple[str, ...],
) -> list[_Group]:
    """Group pictures by their ids: unlike shards, the groups depend neither on the order nor on the size of shards."""
    ids = pl.concat([part.ids for part in parts])
    number = -(-ids.height // GROUP)
    hashes = pl.Series(column_hash(ids["image_id"]) % max(number, 1), dtype=pl.Int64)
    placed = ingested.annotations.join(ids.with_columns(group=hashes), on="image_key", maintain_order="left")
    return [
        _Group(request, f"{request.spec.name}-multi-{place:05d}", part.drop("group"), words, strengths, generators)
        for (place,), part in sorted(placed.partition_by("group", as_dict=True).items())
    ]


def _make_group(group: _Group) -> _Part:
    """Make the multi-image questions of one group and write them; they need no pixels."""
    graphs = without_pixels(group.annotations)
    funnel = _write_questions(group, graphs, key=group.key)
    nothing = pl.DataFrame(schema=REJECTED_ANNOTATIONS), graphs.select("image_key", "image_id").clear()
    return _Part(funnel, *nothing)


def _write_questions(task: "_Shard | _Group", graphs: pl.DataFrame, *, key: str) -> pl.DataFrame:
    """Generate and write the questions of one shard or group; return the funnel."""
    request = task.request
    return write_questions(
        graphs,
        store=_store(request.out),
        key=key,
        vocabulary=task.words,
        strengths=task.strengths,
        lexicon=_lexicon(request.lexicon, request.vocabulary),
        settings=request.settings,
        generators=task.generators,
        templates=load_templates([*_shipped(), *request.templates]) if request.templates else shipped_templates(),
    )


def write_questions(
    scene_graphs: pl.DataFrame,
    *,
    store: Store,
    key: str,
    vocabulary: pl.DataFrame,
    lexicon: Lexicon,
    settings: Settings,
    generators: Sequence[str],
    strengths: pl.DataFrame | None = None,
    templates: Templates | None = None,
) -> pl.DataFrame:
    """Generate the questions of one shard and write them block by block, each while the next is made.

    Parameters
    ----------
    scene_graphs
        Rows of the scene-graph table.
    store
        Holds the table `qa`, declared as QA_TABLE.
    key
        Partition of `qa` that is replaced; becomes the `shard` of the rows.
    vocabulary, lexicon, settings, strengths, templates
        As for `generators.generate.generate`.
    generators
        Names or families; none: nothing is asked, and the partition is emptied.

    Returns
    -------
    polars.DataFrame
        The funnel, schema FUNNEL.

    Raises
    ------
    InputError
        If a generator or a template slot is unknown.
    """
    made = generate_blocks(
        scene_graphs.with_columns(shard=pl.lit(key)),
        vocabulary=vocabulary,
        strengths=strengths,
        lexicon=lexicon,
        settings=settings,
        generators=generators,
        templates=templates,
    )
    funnel = pl.DataFrame(schema=FUNNEL)
    with store.partition_writer("qa", key=key) as writer:
        for block in ahead(made) if generators else ():
            writer.write(block.qa)
            funnel = funnel.vstack(block.funnel)
    return funnel


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
    parts: Sequence[_Part],
    *,
    seconds: float,
) -> dict[str, Any]:
    funnel = pl.concat([p.funnel for p in parts]).sort("shard", "family", "generator", "reason")
    rejected = pl.concat([p.rejected for p in parts]).sort(pl.all())
    kept = funnel.filter(reason="kept").group_by("generator").agg(pl.col("count").sum()).sort("generator")
    rows = int(kept["count"].sum())
    reasons = rejected.group_by("part", "reason").len("rows").sort("part", "reason")
    summary = {
        "images": ingested.sources.height,
        "scene_graphs": sum(p.ids.height for p in parts),
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
