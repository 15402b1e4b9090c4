"""A process that is killed while a shard is annotated: what it committed is whole, and little is done again."""

import subprocess
import sys
from pathlib import Path

import pytest

from provision_dagster.annotate import annotate_shard, load_model
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.scene_graphs.annotators.configs import load_annotators
from provision_dagster.scene_graphs.ingest import ingest_image_set
from provision_dagster.storage.store import Store
from tests.scene_graphs.annotators.tiny_onnx import tiny_annotators
from tests.test_annotate import SHARD, pictures

KILLED = """
import os, sys
from dataclasses import replace
from pathlib import Path
from tests.test_annotate_killed import annotated, model_of
folder, number = Path(sys.argv[1]), int(sys.argv[2])
model, seen = model_of(folder), []
def run(part, *, work):
    seen.append(part.number)
    if len(seen) == number:
        os._exit(9)
    return model.run(part, work=work)
annotated(folder, replace(model, run=run))
"""
PART = 3


def model_of(folder: Path):  # type: ignore[no-untyped-def]
    model = load_model("detections", load_annotators(folder / "annotators.yaml"))
    assert model is not None
    return model


def annotated(folder: Path, model):  # type: ignore[no-untyped-def]
    store = Store(folder / "tables")
    spec = parse_spec({"name": "s", "reader": "folder", "path": folder / "pictures"}, source="test")
    images = inspect_images(ingest_image_set(spec).sources)
    return annotate_shard(model, images, table="detections", shard=SHARD, store=store, part_size=PART)


@pytest.mark.parametrize("number", [3, 6])
def test_a_killed_process_repeats_two_parts_at_most(tmp_path: Path, number: int) -> None:
    pictures(tmp_path / "pictures", number=21)
    tiny_annotators(tmp_path)
    store = Store(tmp_path / "tables")
    store.create_all()
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(number)], check=False)
    assert done.returncode == 9
    there = store.scan("detections").collect()
    parts = sorted(there["part"].unique())
    # parts come in order, whole; those that were begun are at most two more
    assert parts == [f"{n:05d}" for n in range(len(parts))]
    assert there.height == PART * len(parts)
    assert number - 2 <= len(parts) < number
    assert annotated(tmp_path, model_of(tmp_path)).pictures == 21 - there.height
    whole = store.scan("detections").collect()
    assert whole["image_key"].n_unique() == whole.height == 21
