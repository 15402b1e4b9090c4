"""`provision demo`: the embedded sample reaches a mix, also the pictures that only tiny models have looked at."""

from pathlib import Path

import polars as pl
import pytest

from tests.defs.project import Project

pytestmark = pytest.mark.slow


def test_pictures_without_annotations_reach_the_mix(tmp_path: Path) -> None:
    project = Project(tmp_path)
    told = project.run("demo", "--scenes", "20", "--workers", "1")
    assert "detections" in told
    unannotated = pl.col("image_set") == "unannotated"
    images = project.rows("images").filter(unannotated)
    assert images.height == 40
    assert project.rows("annotations").filter(unannotated)["objects"].list.len().sum() == 0
    for table in ("detections", "masks", "depth_maps"):
        rows = project.rows(table).filter(unannotated)
        assert rows.height == 40
        assert rows["error"].null_count() == 40
        assert rows["model"].str.starts_with(f"tiny_{table}.onnx@sha256:").all()
    graphs = project.rows("scene_graphs").filter(unannotated)
    assert graphs["objects"].list.len().min() > 0  # type: ignore[operator]
    things = graphs.explode("objects")["objects"].struct.unnest()
    assert things["mask_rle"].null_count() < 0.2 * things.height
    kept = project.rows("filtered_qa").filter(pl.col("shard").str.starts_with("unannotated"))
    assert {"qa_object", "qa_segmentation", "qa_depth", "qa_object_depth"} <= set(kept["family"])
