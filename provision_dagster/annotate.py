"""Models over the pictures of a shard, part by part: what is committed is not made again."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import polars as pl

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.asking import objects_to_describe, pairs_to_relate
from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig, HubConfig
from provision_dagster.scene_graphs.annotators.describing import describe, relate
from provision_dagster.scene_graphs.annotators.feeding import Work
from provision_dagster.scene_graphs.annotators.make import (
    make_attribute_model,
    make_depth_estimator,
    make_detector,
    make_mask_maker,
    make_relation_model,
)
from provision_dagster.scene_graphs.annotators.parts import (
    PART,
    Part,
    cut_out,
    detect,
    estimate_depth,
    openable,
    parts_of,
    prompts_of,
)
from provision_dagster.scene_graphs.annotators.schema import SCHEMAS
from provision_dagster.storage.store import Store

Progress = Callable[[str, int, int], None]
"""(table, pictures done, pictures in all)"""

TABLES: dict[str, tuple[Callable[..., Any], Callable[..., pl.DataFrame]]] = {
    "detections": (make_detector, detect),
    "masks": (make_mask_maker, cut_out),
    "depth_maps": (make_depth_estimator, estimate_depth),
    "attributes": (make_attribute_model, describe),
    "relations": (make_relation_model, relate),
}
"""What makes the annotator of a table, and what makes the rows of a part with it."""

ASKING = ("masks", "attributes", "relations")
"""Tables of models that are asked about objects which humans marked or a model found."""

AT_ONCE = 2
"""Parts under way: one at the model, and one whose last results are read out and committed."""

COMPARED = ("part", "image_key", "image_id", "asked", "model", "config", "error")
"""What tells whether a part is done."""


@dataclass(frozen=True)
class Model:
    """A loaded model that fills one table.

    Attributes
    ----------
    table
        One of `TABLES`.
    name
        Model and revision.
    config
        Its configuration as JSON.
    run
        Makes the rows of a part; takes the part and `work`.
    """

    table: str
    name: str
    config: str
    run: Callable[..., pl.DataFrame]


def load_model(table: str, annotators: AnnotatorsConfig, *, device: str | None = None) -> Model | None:
    """Load what fills a table, None when the configuration has nothing for it.

    Parameters
    ----------
    table
        One of `TABLES`.
    device
        For models whose device is "auto"; None leaves the choice to them.

    Raises
    ------
    InputError
        When its weights are missing or are not of such a model.
    """
    config = getattr(annotators, table)
    if config is None:
        return None
    if isinstance(config, HubConfig) and config.device == "auto" and device is not None:
        config = config.model_copy(update={"device": device})
    make, run = TABLES[table]
    annotator = make(config)
    annotator.load()
    told = config.told()
    bound = partial(run, annotator=annotator, config=told, batch=annotators.batch)
    return Model(table, annotator.model, told, bound)


def with_questions(
    table: str, images: pl.DataFrame, *, marked: pl.DataFrame, annotators: AnnotatorsConfig
) -> pl.DataFrame:
    """Add to pictures what the model of a table is asked about them.

    Parameters
    ----------
    table
        One of `ASKING`; pictures for other tables are returned as they are.
    images
        Rows of IMAGES.
    marked
        Schema ANNOTATIONS: objects of humans and models, without what the model of the table says.
    annotators
        Their limits say how much is asked.
    """
    if table == "masks":
        return prompts_of(images, marked)
    if table == "attributes" and annotators.attributes is not None:
        return objects_to_describe(images, marked, limits=annotators.attributes)
    if table == "relations" and annotators.relations is not None:
        return pairs_to_relate(images, marked, lexicon=Lexicon.load(), limits=annotators.relations)
    return images


def still_asked(
    table: str,
    rows: pl.DataFrame,
    images: pl.DataFrame,
    *,
    marked: pl.DataFrame,
    annotators: Mapping[str, AnnotatorsConfig],
) -> pl.DataFrame:
    """Leave out what a model said about other objects than those that are there now.

    Parameters
    ----------
    table
        One of `ASKING`.
    rows
        Of that table.
    images, marked
        As for `with_questions`.
    annotators
        By image set; of sets without a model for the table nothing stays.

    Returns
    -------
    polars.DataFrame
        The rows whose digest `asked` is that of today's questions.
    """
    today = [
        with_questions(table, images.filter(image_set=name), marked=marked.filter(image_set=name), annotators=config)
        for name, config in annotators.items()
        if getattr(config, table) is not None
    ]
    key = ["image_set", "image_key", "asked"]
    known = pl.concat([pl.DataFrame(schema=dict.fromkeys(key, pl.String)), *(one.select(key) for one in today)])
    return rows.join(known, on=key, how="semi", maintain_order="left")


def annotate_images(
    model: Model, images: pl.DataFrame, *, progress: Progress | None = None
) -> tuple[pl.DataFrame, Work]:
    """Make the rows of all pictures at once, without a store.

    Parameters
    ----------
    images
        Rows of IMAGES; for tables in `ASKING` with what `with_questions` adds.
    """
    rows, work, done, total = [], Work(), 0, openable(images).height
    for part, made in _made(model, parts_of(images), work):
        rows.append(made)
        done += part.images.height
        if progress is not None:
            progress(model.table, done, total)
    return pl.concat([pl.DataFrame(schema=SCHEMAS[model.table]), *rows]), work


def annotate_shard(
    model: Model | None,
    images: pl.DataFrame,
    *,
    table: str,
    shard: str,
    store: Store,
    part_size: int = PART,
) -> Work:
    """Fill a shard of a table with what a model finds in its pictures.

    Each part is committed when it is done. A part that is there already, of the same pictures, model and
    configuration and without a failed picture, is left alone: a run that was killed goes on where it stopped, and a
    second run does nothing.

    Parameters
    ----------
    model
        None empties the shard.
    images
        Rows of IMAGES of the shard; for tables in `ASKING` with what `with_questions` adds.
    part_size
        Pictures per part.

    Returns
    -------
    Work
        Of this run: pictures that were left alone do not count.
    """
    there = store.scan(table, partitions=shard, columns=[c for c in COMPARED if c in store.spec(table).schema])
    old = {str(part): rows for (part,), rows in there.collect().partition_by("part", as_dict=True).items()}
    parts = parts_of(images, size=part_size) if model is not None else []
    work = Work()
    if model is not None:
        missing = [part for part in parts if not _is_done(old.get(part.number), part, model)]
        for part, rows in _made(model, missing, work):
            store.write_partition(table, rows, key={"shard": shard, "part": part.number}, ordered=True)
    for number in sorted(set(old) - {part.number for part in parts}):
        empty = pl.DataFrame(schema=store.spec(table).schema)
        store.write_partition(table, empty, key={"shard": shard, "part": number})
    return work


def _made(model: Model, parts: Iterable[Part], work: Work) -> Iterator[tuple[Part, pl.DataFrame]]:
    """Make the rows of parts, in order; while those of one are used, the next part has the model."""
    rest = iter(parts)
    waiting: deque[tuple[Part, Future[pl.DataFrame]]] = deque()
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="part")
    try:
        waiting.extend((part, pool.submit(model.run, part, work=work)) for part in islice(rest, AT_ONCE))
        while waiting:
            part, rows = waiting.popleft()
            yield part, rows.result()
            waiting.extend((part, pool.submit(model.run, part, work=work)) for part in islice(rest, 1))
    finally:
        work.stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _is_done(rows: pl.DataFrame | None, part: Part, model: Model) -> bool:
    if rows is None or rows["error"].null_count() < rows.height:
        return False
    made_by = set(rows.select("model", "config").unique().iter_rows())
    what = [name for name in ("image_key", "image_id", "asked") if name in rows.columns]
    pictures = set(part.images.select(what).iter_rows())
    return made_by == {(model.name, model.config)} and set(rows.select(what).iter_rows()) == pictures
