"""Strengths of labels that are mostly near or far are measured where masks and depth maps are there."""

import json
from pathlib import Path

import numpy as np
import polars as pl

from provision_dagster.generators.generate import Settings
from provision_dagster.generators.strengths import image_set_strengths, with_pixels
from provision_dagster.scene_graphs.annotators.found import sixteen_bits, to_png
from provision_dagster.scene_graphs.annotators.schema import DEPTH_MAPS
from provision_dagster.scene_graphs.readers import read_annotations
from tests.generators.scenes import lexicon, vocabulary

DEPTH = np.kron(np.array([[200, 20]], dtype=np.uint8), np.ones((80, 50), dtype=np.uint8))
MASKS = np.stack([np.arange(100) < 50, np.arange(100) >= 50])[:, None].repeat(80, axis=1)


def annotations(folder: Path, *, depth: bool = True, masks: bool = True) -> pl.DataFrame:
    """Ten pictures in which the cup is near and the kite far away."""
    np.save(folder / "depth.npy", DEPTH)
    np.save(folder / "masks.npy", MASKS)
    scenes = {
        str(n): {
            "data_path": f"{n}.png",
            "annotation": {
                "width": 100,
                "height": 80,
                "labels": ["cup", "kite"],
                "bboxes": [[0, 0, 50, 80], [50, 0, 100, 80]],
                "attributes": [[], []],
                "relations": [],
                **({"depth_mask_id": "depth.npy"} if depth else {}),
                **({"seg_mask_id": "masks.npy"} if masks else {}),
            },
        }
        for n in range(10)
    }
    (folder / "scenes.json").write_text(json.dumps(scenes), encoding="utf-8")
    read = read_annotations(folder / "scenes.json", format="provision", depth=folder, masks=folder)
    return pl.concat([table for table, _ in read]).with_columns(image_set=pl.lit("set"))


def strengths(
    table: pl.DataFrame, depth_maps: pl.LazyFrame | None = None, **settings: str
) -> dict[str, dict[str, float]]:
    found = image_set_strengths(
        table,
        vocabulary=vocabulary(table),
        lexicon=lexicon(),
        settings=Settings(**settings),  # type: ignore[arg-type]
        depth_maps=depth_maps,
    )
    assert found.select("generator", "option").is_unique().all()
    return {
        str(name): dict(part.select("option", "strength").iter_rows())
        for (name,), part in found.filter(pl.col("generator").str.ends_with("rObject")).group_by("generator")
    }


def test_near_and_far_labels_are_told_apart(tmp_path: Path) -> None:
    table = annotations(tmp_path)
    for mode in ("full", "sampled"):
        found = strengths(table, mode=mode)
        assert set(found) == {"CloserObject", "FartherObject"}
        assert found["CloserObject"]["cup"] > 3 * found["CloserObject"]["kite"]
        assert found["FartherObject"]["kite"] > 3 * found["FartherObject"]["cup"]
    assert strengths(table, rules="paper") == {}


def test_maps_of_a_model_are_as_good_as_files(tmp_path: Path) -> None:
    table = annotations(tmp_path, depth=False)
    made = table.select(
        "image_set", "image_key", closeness=pl.lit(to_png(sixteen_bits(DEPTH))), error=pl.lit(None, pl.String)
    )
    maps = pl.concat([pl.DataFrame(schema=DEPTH_MAPS), made], how="diagonal").with_columns(model=pl.lit("m"))
    found = strengths(table, maps.lazy())
    assert found["CloserObject"]["cup"] > 3 * found["CloserObject"]["kite"]
    failed = maps.with_columns(closeness=pl.lit(None, pl.Binary), error=pl.lit("broken"))
    assert strengths(table, failed.lazy()) == {}


def test_the_order_of_annotations_changes_nothing(tmp_path: Path) -> None:
    table = annotations(tmp_path)
    assert with_pixels(table.reverse()).equals(with_pixels(table))
    assert with_pixels(table)["depth_span"].to_list() == [255.0] * 10


def test_without_masks_or_depth_there_is_nothing_to_measure(tmp_path: Path) -> None:
    for parts in ({"depth": False}, {"masks": False}):
        table = annotations(tmp_path, **parts)
        assert with_pixels(table).is_empty()
        assert strengths(table) == {}
    assert with_pixels(annotations(tmp_path)[:0]).is_empty()
