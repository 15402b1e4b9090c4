"""Audit what `provision generate` wrote: the functions behind `provision audit`."""

import json
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.generators.audit.frame import SHIPPED, Pictures, audit_rows, fitted, option_words
from provision_dagster.generators.audit.pixels import DepthFiles
from provision_dagster.generators.audit.reading import Reader
from provision_dagster.generators.audit.report import AuditReport
from provision_dagster.generators.audit.words import Vocabulary, Words, vocabulary_of
from provision_dagster.generators.templates import load_templates
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import ImageSetSpec
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.assemble import assemble
from provision_dagster.scene_graphs.ingest import IngestedSet, ingest_image_set

Progress = Callable[[str, int, int], None]
"""(stage, steps done, steps in all)"""

ROWS_AT_ONCE = 50_000


@dataclass(frozen=True)
class AuditRequest:
    """One `provision audit`.

    Parameters
    ----------
    qa
        Folder that `provision generate` wrote, or a Delta table or Parquet file of QAs.
    spec
        Where the annotations, pictures, depth maps and masks are that the QAs were made from. Its name is taken from
        the QAs' shards, since image ids depend on it where there are no pictures.
    out
        Folder that gets `audit.json` and `audit_findings.parquet`.
    vocabulary, lexicon, templates
        As they were given to `provision generate`.
    """

    qa: Path
    spec: ImageSetSpec
    out: Path
    vocabulary: Path | None = None
    lexicon: Path | None = None
    templates: tuple[Path, ...] = ()


@dataclass(frozen=True)
class _Graphs:
    """Scene graphs of one shard, in a file, with what the parent must know of them."""

    path: Path
    image_ids: frozenset[str]
    vocabulary: Vocabulary
    depth_uris: dict[str, str]


@dataclass(frozen=True)
class _Task:
    request: AuditRequest
    source: "_Source"
    graphs: tuple[Path, ...]
    depth_uris: dict[str, str]
    words: Path


@dataclass(frozen=True)
class _Source:
    """A slice of the QAs, in a file, and the images that they ask about."""

    path: Path
    image_ids: frozenset[str] = field(default_factory=frozenset)


def audit_files(request: AuditRequest, *, workers: int = 1, progress: Progress | None = None) -> AuditReport:
    """Judge every QA of a table, and write `audit.json` and `audit_findings.parquet`.

    Parameters
    ----------
    workers
        Processes; the report does not depend on it.

    Raises
    ------
    InputError
        If the QAs, the annotations, a template or the lexicon is unusable.
    """
    if workers < 1:
        raise InputError(f"`workers` must be at least 1, got {workers}")
    _lexicon(request.lexicon, request.vocabulary)
    _reader(request.templates)
    show = progress or (lambda stage, done, total: None)
    table = scan_qa(request.qa)
    with tempfile.TemporaryDirectory(prefix="provision_audit_") as folder:
        shards = _shards(_named(request.spec, table))
        graphs = _run(
            _assembled, [(s, Path(folder) / f"graphs{n}.parquet") for n, s in enumerate(shards)],
            workers=workers, show=lambda done, total: show("scene graphs", done, total),
        )  # fmt: skip
        tasks = list(_tasks(request, table, graphs, folder=Path(folder)))
        report = AuditReport()
        for part in _run(_audited, tasks, workers=workers, show=lambda done, total: show("slices", done, total)):
            report.merge(part)
    _write(report, request.out)
    return report


def scan_qa(path: Path) -> pl.LazyFrame:
    """Open the QAs of a folder of `provision generate`, a Delta table or a Parquet file."""
    candidates = [path / "qa", path] if path.is_dir() else [path]
    for candidate in candidates:
        if (candidate / "_delta_log").is_dir():
            return pl.scan_delta(str(candidate))
    files = sorted(path.glob("**/*.parquet")) if path.is_dir() else [path]
    if path.suffix == ".parquet" or any("qa" in f.name for f in files):
        return pl.scan_parquet(path if path.is_file() else files)
    raise InputError(f"`{path}` must be a folder written by `provision generate`, a Delta table or a Parquet file")


def _named(spec: ImageSetSpec, table: pl.LazyFrame) -> ImageSetSpec:
    try:
        shards = table.select(pl.col("shard").unique()).collect()["shard"].drop_nulls()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"the QAs cannot be read: {error}") from error
    # groups of pictures that are asked about together are numbered apart
    names = sorted({s.rsplit("-", 1)[0].removesuffix("-multi") for s in shards})
    if len(names) > 1:
        raise InputError(f"the QAs must be of one image set, got {', '.join(names)}")
    return spec.model_copy(update={"name": names[0]}) if names else spec


def _shards(spec: ImageSetSpec) -> list[IngestedSet]:
    ingested = ingest_image_set(spec)
    return [ingested.shard(key) for key in ingested.shards]


def _run(
    work: Callable[[Any], Any], tasks: Sequence[Any], *, workers: int, show: Callable[[int, int], None]
) -> Iterator[Any]:
    """Do tasks in one or more processes and yield what they give, in the order of the tasks."""
    if workers == 1 or len(tasks) < 2:
        for done, task in enumerate(tasks, start=1):
            yield work(task)
            show(done, len(tasks))
        return
    context = multiprocessing.get_context("spawn")  # polars is not safe to fork
    with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context) as pool:
        futures = [pool.submit(work, task) for task in tasks]
        for done, _ in enumerate(as_completed(futures), start=1):
            show(done, len(tasks))
        yield from (future.result() for future in futures)


def _assembled(task: tuple[IngestedSet, Path]) -> _Graphs:
    """Make the scene graphs of one shard of annotations, as the generators were given them."""
    part, path = task
    images = inspect_images(part.sources)
    graphs, _ = assemble(images, part.annotations)
    graphs.write_parquet(path)
    places = part.annotations.select("image_set", "image_key", "depth_uri").drop_nulls("depth_uri")
    uris = graphs.select("image_set", "image_key", "image_id").join(places, on=["image_set", "image_key"])
    return _Graphs(
        path,
        frozenset(graphs["image_id"]),
        vocabulary_of(graphs),
        dict(uris.select("image_id", "depth_uri").iter_rows()),
    )


def _tasks(request: AuditRequest, table: pl.LazyFrame, graphs: Iterator[_Graphs], *, folder: Path) -> Iterator[_Task]:
    """Cut the QAs into slices, each with the scene graphs that it asks about."""
    made = list(graphs)
    file_of = {image_id: g.path for g in made for image_id in g.image_ids}
    uris = {image_id: uri for g in made for image_id, uri in g.depth_uris.items()}
    vocabulary = Vocabulary(frozenset(), frozenset(), frozenset())
    for one in made:
        vocabulary = vocabulary.joined(one.vocabulary)
    words = folder / "words.json"
    sources = []
    for source, said in _slices(table, folder=folder):
        sources.append(source)
        vocabulary = vocabulary.joined(said)
    words.write_text(json.dumps([sorted(w) for w in (vocabulary.labels, vocabulary.attributes, vocabulary.predicates)]))
    for source in sources:
        paths = sorted({file_of[i] for i in source.image_ids if i in file_of})
        mine = {i: uris[i] for i in source.image_ids if i in uris}
        yield _Task(request, source, tuple(paths), mine, words)


def _slices(table: pl.LazyFrame, *, folder: Path) -> Iterator[tuple[_Source, Vocabulary]]:
    shards = table.select(pl.col("shard").unique().sort()).collect()["shard"]
    for shard in shards:
        rows = fitted(table.filter(pl.col("shard").eq_missing(shard)).collect(), source="the QAs")
        for start in range(0, rows.height, ROWS_AT_ONCE):
            part = rows.slice(start, ROWS_AT_ONCE)
            path = folder / f"qa_{shard}_{start}.parquet"
            part.write_parquet(path)
            yield _Source(path, frozenset(part["image_ids"].explode().drop_nulls().unique())), option_words(part)


def _audited(task: _Task) -> AuditReport:
    qa = pl.read_parquet(task.source.path)
    graphs = pl.concat([_empty_graphs(), *(pl.read_parquet(p) for p in task.graphs)])
    graphs = graphs.filter(pl.col("image_id").is_in(list(task.source.image_ids)))
    words = _words(task.words, task.request.lexicon, task.request.vocabulary)
    reader = _reader(task.request.templates)
    return audit_rows(qa, Pictures(graphs, words), words=words, reader=reader, depth_files=DepthFiles(task.depth_uris))


def _empty_graphs() -> pl.DataFrame:
    from provision_dagster.scene_graphs.schema import SCENE_GRAPHS

    return pl.DataFrame(schema=SCENE_GRAPHS)


@cache
def _words(path: Path, lexicon: Path | None, vocabulary: Path | None) -> Words:
    labels, attributes, predicates = json.loads(path.read_text())
    words = Vocabulary(frozenset(labels), frozenset(attributes), frozenset(predicates))
    return Words(_lexicon(lexicon, vocabulary), words)


@cache
def _lexicon(extra: Path | None, vocabulary: Path | None) -> Lexicon:
    return Lexicon.load(extra, vocabulary=vocabulary)


@cache
def _reader(templates: tuple[Path, ...]) -> Reader:
    return Reader(load_templates([*sorted(SHIPPED.glob("*.yaml")), *templates]))


def _write(report: AuditReport, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, write in (
        ("audit.json", lambda path: path.write_text(json.dumps(report.to_dict(), indent=1) + "\n")),
        ("audit_findings.parquet", lambda path: report.findings().write_parquet(path)),
    ):
        draft = out / f".{name}.part"
        write(draft)
        draft.replace(out / name)
