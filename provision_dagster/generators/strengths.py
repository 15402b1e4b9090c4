"""Strengths of options (T4), measured on a sample of an image set before its questions are made."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from provision_dagster.generators.balance import STRENGTHS, fit_choices, strength_name
from provision_dagster.generators.generate import Counts, Run, Settings
from provision_dagster.generators.graphs import flatten
from provision_dagster.generators.hashing import column_hash
from provision_dagster.generators.registry import Choice, select_generators
from provision_dagster.image_sets.schema import IMAGES
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.schema import DEPTH_MAPS
from provision_dagster.scene_graphs.assemble import assemble
from provision_dagster.scene_graphs.schema import SCENE_GRAPHS

SAMPLE = {"full": 2_000, "sampled": 10_000}
"""Images that are looked at, by mode: a sampled image gives few questions."""

DEPTH_SAMPLE = 400
"""Images whose masks and depth maps are opened (some ms each), where an image set has both."""

DEPTH_FAMILIES = ("qa_object_depth",)
"""Families whose options are labels and whose answers come from pixels: the sky is mostly far away."""


def image_set_strengths(
    annotations: pl.DataFrame,
    *,
    vocabulary: pl.DataFrame,
    lexicon: Lexicon,
    settings: Settings,
    depth_maps: pl.LazyFrame | None = None,
) -> pl.DataFrame:
    """Measure the strengths of the options of one image set.

    Annotations are enough, so this need not wait for other stages; of a sample of the images that have masks and depth
    maps these are opened.

    Parameters
    ----------
    annotations
        Rows of ANNOTATIONS of one image set, in any order.
    vocabulary
        Its words (schema VOCABULARY).
    depth_maps
        What a model made (schema DEPTH_MAPS), for images without a depth file; read for a sample of the images.

    Returns
    -------
    polars.DataFrame
        Schema STRENGTHS, sorted; empty under "paper" rules, which balance nothing.
    """
    if settings.rules == "paper" or annotations.is_empty():
        return pl.DataFrame(schema=STRENGTHS)
    order = pl.Series("order", column_hash(annotations["image_key"]), dtype=pl.UInt64)
    chosen = annotations.with_columns(order).sort("order", "image_key").head(SAMPLE[settings.mode])
    graphs = without_pixels(chosen.with_columns(image_id="image_key"))
    fitted = pl.concat(
        [
            measure_strengths(graphs, vocabulary=vocabulary, lexicon=lexicon, settings=settings),
            measure_strengths(
                with_pixels(annotations, depth_maps=depth_maps),
                vocabulary=vocabulary,
                lexicon=lexicon,
                # how the answers of one image hang together does not matter here, and a sample gives few
                settings=replace(settings, mode="full"),
                generators=DEPTH_FAMILIES,
            ),
        ]
    )
    named = fitted.select(pl.lit(annotations["image_set"][0]).alias("image_set"), pl.all())
    return named.select(list(STRENGTHS)).sort("generator", "option")


ENOUGH = 200_000
"""Questions of a generator that strengths are fitted to; 40 rendered scenes alone have 35 million about relations."""


def without_pixels(annotations: pl.DataFrame) -> pl.DataFrame:
    """Make scene graphs of annotations with `image_id`; what only the pixels tell is null."""
    unknown = {name: pl.lit(None, dtype=kind) for name, kind in SCENE_GRAPHS.items() if name not in annotations.columns}
    return annotations.with_columns(**unknown).select(list(SCENE_GRAPHS))


def with_pixels(annotations: pl.DataFrame, *, depth_maps: pl.LazyFrame | None = None) -> pl.DataFrame:
    """Make scene graphs of a sample of the annotations that have masks and a depth map, with what their pixels tell.

    The sample depends on the image keys alone; annotations without a size are left out.
    """
    masked = pl.col("objects").list.eval(pl.element().struct.field("mask_rle").is_not_null()).list.any()
    key = ["image_set", "image_key"]
    maps = pl.LazyFrame(schema=DEPTH_MAPS) if depth_maps is None else depth_maps.filter(pl.col("error").is_null())
    mapped = maps.select(*key, mapped=pl.lit(value=True)).unique().collect()
    rows = annotations.join(mapped, on=key, how="left", maintain_order="left")
    deep = pl.col("depth_uri").is_not_null() | pl.col("mapped")
    seen = deep & (pl.col("mask_uri").is_not_null() | masked)
    there = rows.filter(seen & pl.col("width").is_not_null() & pl.col("height").is_not_null())
    order = pl.Series("order", column_hash(there["image_key"]), dtype=pl.UInt64)
    chosen = there.with_columns(order).sort("order", "image_key").unique("image_key", keep="first", maintain_order=True)
    sample = chosen.head(DEPTH_SAMPLE).drop("order", "mapped")
    known = {"status": pl.lit("annotations_only"), "image_id": pl.col("image_key")}
    missing = {name: pl.lit(None, dtype=kind) for name, kind in IMAGES.items() if name not in sample.columns}
    images = sample.with_columns(**(missing | known)).select(pl.col(name).cast(kind) for name, kind in IMAGES.items())
    wanted = maps.join(sample.lazy().select(key), on=key, how="semi").collect()
    return assemble(images, sample, depth_maps=wanted)[0]


def measure_strengths(
    scene_graphs: pl.DataFrame,
    *,
    vocabulary: pl.DataFrame,
    lexicon: Lexicon,
    settings: Settings,
    generators: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Measure how likely each option text is the answer where it is offered (T4; see `balance`).

    Parameters
    ----------
    scene_graphs
        Rows of the scene-graph table of one image set: all, or a sample of its images.
    settings
        Those of the questions that are to be balanced: the mode decides which candidates are asked.

    Returns
    -------
    pl.DataFrame
        Columns `generator`, `option`, `strength`; no rows for generators without options to balance.
    """
    graphs = flatten(scene_graphs, lexicon=lexicon, vocabulary=vocabulary)
    fitted = [pl.DataFrame(schema={"generator": pl.String, "option": pl.String, "strength": pl.Float64})]
    for generator in select_generators(generators):
        run = Run(generator, graphs, settings=settings, templates=())
        groups: dict[str, list[Choice]] = {generator.name: []}
        seen: Counter[str] = Counter()
        for kept in run.kept(Counts()):
            if kept.draft.choice is not None and kept.draft.choice.balanced:
                name = strength_name(generator.name, images=kept.images.shape[1])
                groups.setdefault(name, []).append(kept.draft.choice)
                seen[name] += len(kept.h)
                if seen[name] >= ENOUGH:
                    break
        for name, choices in groups.items():
            table = fit_choices(choices)
            fitted.append(table.select(generator=pl.lit(name), option="option", strength="strength"))
    return pl.concat(fitted)
