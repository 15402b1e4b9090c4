"""What score_threshold and weak_threshold of a detector make of counts and names, against exhaustive annotations.

    python benchmarks/doubts.py annotators.yaml coco/ --format coco --images coco/val2017

For each pair of thresholds the detector looks at the pictures, and scene graphs are made of what it finds alone. A
count is right when as many objects of the label are marked, and no group. A named object is right when the same thing
is marked under its name (overlap of half, or within a group).
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
import polars as pl

from provision_dagster.annotate import annotate_images, load_model
from provision_dagster.generators.arrays import any_of
from provision_dagster.generators.graphs import Graphs, flatten
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig, load_annotators
from provision_dagster.scene_graphs.assemble import assemble
from provision_dagster.scene_graphs.ingest import ingest_image_set
from provision_dagster.scene_graphs.merging import merge_detections
from provision_dagster.scene_graphs.one_thing import known, laid_out
from provision_dagster.scene_graphs.schema import ANNOTATIONS
from provision_dagster.scene_graphs.vocabulary import count_vocabulary

STRONG = (0.3, 0.4, 0.5, 0.6)
WEAK = (None, 0.3, 0.2, 0.15, 0.1, 0.05)
COLUMNS = ("`score_threshold`", "`weak_threshold`", "counts", "right", "named objects", "right")

LEXICON = Lexicon.load()


def found(images: pl.DataFrame, annotators: AnnotatorsConfig, strong: float, weak: float | None) -> pl.DataFrame:
    """Scene graphs of what the detector finds."""
    thresholds = {"score_threshold": strong, "weak_threshold": weak}
    detector = annotators.detections.model_copy(update=thresholds)  # type: ignore[union-attr]
    model = load_model("detections", annotators.model_copy(update={"detections": detector}))
    assert model is not None
    rows, _ = annotate_images(model, images)
    merged = merge_detections(pl.DataFrame(schema=ANNOTATIONS), rows, lexicon=LEXICON)
    return assemble(images, merged)[0]


def counts(graphs: Graphs, truth: pl.DataFrame) -> tuple[int, int]:
    """How many (picture, label) are counted, and how many of these counts are right."""
    labels = graphs.labels
    counted = np.flatnonzero(labels.countable & ~any_of(labels.unclear.values()))
    asked = pl.DataFrame(
        {
            "image_key": graphs.source["image_key"].gather(labels.img[counted]),
            "label": graphs.words.labels.text.gather(labels.label[counted]),
            "n": labels.n[counted],
        }
    )
    things = truth.select("image_key", "objects").explode("objects").drop_nulls().unnest("objects")
    marked = things.group_by("image_key", "label").agg(m=pl.len(), groups=pl.col("is_group").sum())
    same = asked.join(marked, on=["image_key", "label"]).filter(pl.col("n") == pl.col("m"), pl.col("groups") == 0)
    return asked.height, same.height


def names(graphs: pl.DataFrame, truth: pl.DataFrame) -> tuple[int, int]:
    """How many objects are named, and how many of these are what they are called."""
    marked = graphs.select("image_key", "objects").join(
        truth.select("image_key", pl.col("objects").alias("truth")), on="image_key"
    )
    rows = marked.with_row_index("row")
    flat = laid_out(rows.select("row", "objects"), "objects")
    return flat.height, known(flat, rows.select("row", objects="truth"), lexicon=LEXICON).height


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("annotators", type=Path)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("--format", default="coco")
    parser.add_argument("--images", type=Path, required=True)
    args = parser.parse_args()
    spec = {"name": "measured", "reader": "annotations", "annotations": args.annotations, "images": args.images}
    read = ingest_image_set(parse_spec({**spec, "annotations_format": args.format}, source="benchmarks/doubts.py"))
    images, annotators = inspect_images(read.sources), load_annotators(args.annotators)
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for strong, weak in itertools.product(STRONG, WEAK):
        if weak is not None and weak >= strong:
            continue
        graphs = found(images, annotators, strong, weak)
        flat = flatten(graphs, lexicon=LEXICON, vocabulary=count_vocabulary(graphs))
        (counted, right), (named, true) = counts(flat, read.annotations), names(graphs, read.annotations)
        cells = (strong, "none" if weak is None else weak, counted, f"{right / counted:.2f}")
        print(f"| {' | '.join(map(str, (*cells, named, f'{true / named:.2f}')))} |", flush=True)


if __name__ == "__main__":
    main()
