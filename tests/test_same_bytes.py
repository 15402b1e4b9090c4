"""The same questions from every generator, whatever workers, size of shards, order of the input and hash seed."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from provision_dagster.generators.registry import all_generators
from provision_dagster.samples.rendering import render_scenes

SCENES = 24


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_scenes(tmp_path_factory.mktemp("scenes"), n=SCENES, seed=3)


def generated(
    graphs: Path, out: Path, *, hash_seed: str, workers: int, shard_size: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Run `provision generate` in a process of its own; return its questions without shard, by id, and its funnel."""
    folder = graphs.parent
    options = ["--format", "provision", "--images", folder / "images", "--depth", folder / "depth_masks"]
    sizes = ["--workers", workers, "--shard-size", shard_size, "--per-generator", 2, "--seed", 5]
    command = [sys.executable, "-m", "provision_dagster.cli", "generate", graphs, *options, *sizes, "--out", out]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    subprocess.run([str(part) for part in command], check=True, capture_output=True, env=environment)
    funnel = pl.read_parquet(out / "funnel.parquet").group_by("generator", "reason").agg(pl.col("count").sum())
    return pl.read_delta(str(out / "qa")).drop("shard").sort("id"), funnel.sort("generator", "reason")


def test_nothing_but_seed_and_pictures_matters(scenes: Path, tmp_path: Path) -> None:
    entries = list(json.loads(scenes.read_text()).items())
    random.Random(1).shuffle(entries)
    shuffled = scenes.with_name("shuffled.json")
    shuffled.write_text(json.dumps(dict(entries)))
    first, funnel = generated(scenes, tmp_path / "a", hash_seed="1", workers=1, shard_size=5000)
    assert set(first["generator"]) == set(all_generators())
    others = [
        generated(scenes, tmp_path / "b", hash_seed="2", workers=2, shard_size=10),
        generated(shuffled, tmp_path / "c", hash_seed="3", workers=1, shard_size=11),
    ]
    for questions, counts in others:
        assert questions.equals(first)
        assert counts.equals(funnel)
