"""Models over the pictures of a shard, part by part: what is committed is not made again."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import polars as pl

from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig, HubConfig
from provision_dagster.scene_graphs.annotators.feeding import Work
from provision_dagster.scene_graphs.annotators.make import make_depth_estimator, make_detector, make_mask_maker
from provision_dagster.scene_graphs.annotators.parts import PART, Part, cut_out, detect, estimate_depth, parts_of
from provision_dagster.storage.store import Store

Progress = Callable[[int, int], None]
"""(pictures done, pictures in all)"""


COMPARED = ("part", "image_key", "image_id", "asked", "model", "config", "error")
"""What tells whether a part is done."""


@dataclass(frozen=True)
class Model:
    """A loaded model that fills one table.

    Attributes
    ----------
    table
        `detections`, `masks` or `depth_maps`.
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
        `detections`, `masks` or `depth_maps`.
    device
        For models whose device is "auto"; None leaves the choice to them.

    Raises
    ------
    InputError
        When its weights are missing or are not of such a model.
    """
    batch, annotators = annotators.batch, _on(annotators, device)
    if table == "detections" and annotators.detections is not None:
        detector = make_detector(annotators.detections)
        detector.load()
        told = annotators.detections.told()
        return Model(table, detector.model, told, partial(detect, annotator=detector, config=told, batch=batch))
    if table == "masks" and annotators.masks is not None:
        maker = make_mask_maker(annotators.masks)
        maker.load()
        told = annotators.masks.told()
        return Model(table, maker.model, told, partial(cut_out, annotator=maker, config=told, batch=batch))
    if table == "depth_maps" and annotators.depth_maps is not None:
        estimator = make_depth_estimator(annotators.depth_maps)
        estimator.load()
        told = annotators.depth_maps.model_dump_json()
        return Model(
            table, estimator.model, told, partial(estimate_depth, annotator=estimator, config=told, batch=batch)
        )
    return None


def _on(annotators: AnnotatorsConfig, device: str | None) -> AnnotatorsConfig:
    parts = {"detections": annotators.detections, "masks": annotators.masks, "depth_maps": annotators.depth_maps}
    free = {name: part for name, part in parts.items() if isinstance(part, HubConfig) and part.device == "auto"}
    placed = {name: part.model_copy(update={"device": device}) for name, part in free.items()} if device else {}
    return annotators.model_copy(update=placed)


def annotate_shard(
    model: Model | None,
    images: pl.DataFrame,
    *,
    table: str,
    shard: str,
    store: Store,
    part_size: int = PART,
    progress: Progress | None = None,
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
        Rows of IMAGES of the shard; for `masks` with what `prompts_of` adds.
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
    work, done, total = Work(), 0, sum(part.images.height for part in parts)
    for part in parts:
        if model is not None and not _is_done(old.get(part.number), part, model):
            rows = model.run(part, work=work)
            store.write_partition(table, rows, key={"shard": shard, "part": part.number}, ordered=True)
        done += part.images.height
        if progress is not None:
            progress(done, total)
    for number in sorted(set(old) - {part.number for part in parts}):
        empty = pl.DataFrame(schema=store.spec(table).schema)
        store.write_partition(table, empty, key={"shard": shard, "part": number})
    return work


def _is_done(rows: pl.DataFrame | None, part: Part, model: Model) -> bool:
    if rows is None or rows["error"].null_count() < rows.height:
        return False
    made_by = set(rows.select("model", "config").unique().iter_rows())
    what = [name for name in ("image_key", "image_id", "asked") if name in rows.columns]
    pictures = set(part.images.select(what).iter_rows())
    return made_by == {(model.name, model.config)} and set(rows.select(what).iter_rows()) == pictures


__all__ = ["Model", "annotate_shard", "load_model"]
