"""How good models are, from tables alone: rendered scenes in a store, in several shards."""

from pathlib import Path

import polars as pl
import pytest

from provision_dagster import stored_quality as module
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.schema import ANNOTATOR_QUALITY
from provision_dagster.storage.store import Store
from provision_dagster.stored_quality import stored_quality
from tests.scene_graphs.annotators import rendered_truth as made

SHARDS = ["scenes-00000", "scenes-00001"]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, pl.DataFrame]:
    return made.read(made.rendered_spec(tmp_path_factory.mktemp("scenes"), n=12, shard_size=10))


@pytest.fixture
def store(tmp_path: Path, scenes: tuple[pl.DataFrame, pl.DataFrame]) -> Store:
    opened = Store(tmp_path)
    opened.create_all()
    for name, rows in zip(("images", "annotations"), scenes, strict=True):
        fill(opened, name, rows)
    return opened


def fill(store: Store, name: str, rows: pl.DataFrame) -> None:
    for shard in SHARDS:
        key = {"shard": shard} | ({"part": "00000"} if "part" in rows.columns else {})
        store.write_partition(name, rows.filter(shard=shard), key=key)


def figures(store: Store) -> dict[str, float]:
    found = stored_quality(store, image_set="scenes", shards=SHARDS, lexicon=Lexicon.load())
    assert found is not None
    assert dict(found[1].schema) == ANNOTATOR_QUALITY
    assert found[1]["image_set"].unique().to_list() == ["scenes"]
    return dict(found[1].filter(of="").select("measure", "value").iter_rows())


def test_nothing_to_compare(store: Store) -> None:
    assert stored_quality(store, image_set="scenes", shards=SHARDS, lexicon=Lexicon.load()) is None


def test_detections_and_depth_of_all_shards(store: Store, scenes: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    annotations = scenes[1]
    fill(store, "detections", made.detections(annotations))
    fill(store, "depth_maps", made.depth_maps(annotations, lambda _, depth: depth.copy()))
    assert figures(store) == pytest.approx({"ap": 1, "ap50": 1, "ar": 1, "spearman": 1})
    found = stored_quality(store, image_set="scenes", shards=SHARDS, lexicon=Lexicon.load())
    assert found is not None
    assert found[1].select("pictures", "model", "config").unique().rows() == [(12, "test@1", "{}")]
    by_label = found[1].filter((pl.col("measure") == "ap50") & (pl.col("of") != ""))
    assert by_label["count"].sum() == annotations["objects"].list.len().sum()


def test_only_pictures_that_the_model_looked_at(
    store: Store, scenes: tuple[pl.DataFrame, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    annotations = scenes[1]
    half = made.detections(annotations).filter(shard=SHARDS[1])
    fill(store, "detections", half)
    assert figures(store)["ap"] == pytest.approx(1)
    monkeypatch.setattr(module, "SAMPLE", 5)
    fill(store, "detections", made.detections(annotations))
    found = stored_quality(store, image_set="scenes", shards=SHARDS, lexicon=Lexicon.load())
    assert found is not None
    assert found[0].pictures == 5
    again = stored_quality(store, image_set="scenes", shards=SHARDS[::-1], lexicon=Lexicon.load())
    assert again is not None
    assert again[1].equals(found[1])


def test_what_is_said_of_the_models_own_objects(store: Store, scenes: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    annotations = scenes[1]
    fill(store, "detections", made.detections(annotations))

    def own(table: pl.DataFrame) -> pl.DataFrame:
        """Ids as they are with `objects: model`; those of rendered scenes are places."""
        renamed = [
            row | {"objects": [one | {"id": f"model-{one['id']}"} for one in row["objects"]]}
            for row in table.iter_rows(named=True)
        ]
        return pl.DataFrame(renamed, schema=table.schema)

    fill(store, "attributes", own(made.attributes(annotations, lambda n, word: word if n % 2 else "false")))
    told = figures(store)
    words = [word for objects in annotations["objects"] for one in objects for word in one["attributes"]]
    assert told["attribute_recall"] == pytest.approx(len(range(1, len(words), 2)) / len(words))
    assert told["ap"] == pytest.approx(1)
