"""Regions compared with expressions by a CLIP that has learned colors: what is scored, and that it is scored once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from provision_dagster.errors import InputError
from provision_dagster.filters.region_text import check_scores, score_shards
from provision_dagster.filters.region_text_config import RegionTextConfig
from provision_dagster.filters.region_text_model import Regions, RegionTextModel, crop
from provision_dagster.filters.regions import GENERATORS, READ, REGION_FAMILIES, REGIONS, regions_of
from provision_dagster.generators.registry import select_generators
from provision_dagster.scene_graphs.annotators.feeding import AnnotatorError
from provision_dagster.storage.store import Store
from tests.filters.pictured import SHARD, SIDE, ask, asks, colors_of, images, questions, stored
from tests.filters.rows import box, qa, raw_qa
from tests.scene_graphs.annotators import tiny_clip

TABLE = "region_text_scores"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_clip.clip(tmp_path_factory.mktemp("clip") / "clip")


def config(weights: Path, **changes: Any) -> RegionTextConfig:
    given = {"model": str(weights), "device": "cpu", "generators": list(GENERATORS), "batch": 5, **changes}
    return RegionTextConfig.model_validate(given)


@dataclass
class Counted:
    """What a model's network was really given."""

    regions: list[bytes] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)


def counted(model: RegionTextModel) -> Counted:
    """Note every picture and text that the network encodes."""
    model.load()
    seen = Counted()
    network, image, text = model._network, model._network.encode_image, model._network.encode_text

    def encode_image(batch: Any) -> Any:
        seen.regions += [one.numpy().tobytes() for one in batch]
        return image(batch)

    def encode_text(batch: Any) -> Any:
        seen.texts += [one.numpy().tobytes() for one in batch]
        return text(batch)

    network.encode_image, network.encode_text = encode_image, encode_text
    return seen


def rows(store: Store, shard: str = SHARD) -> pl.DataFrame:
    return store.scan(TABLE, partitions=shard).collect().sort("id")


def problems(store: Store, given: RegionTextConfig | None, shard: str = SHARD) -> dict[str, int]:
    found = check_scores(shard, rows(store, shard), config=given, store=store)
    return {rule: bad.height for rule, bad in found.items() if bad.height}


# --- what is scored ---


def asked(*given: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    frame = raw_qa(*given).select(READ)
    found = regions_of(frame, config=RegionTextConfig.model_validate({"model": "m", **changes}))
    assert found.schema == pl.Schema(REGIONS)
    return found.to_dicts()


def words(label: str, attributes: list[str]) -> dict[str, Any]:
    return {"objects": [label], "attributes": attributes, "relations": [], "counts": []}


def test_the_answer_is_part_of_the_expression() -> None:
    (found,) = asked(qa(answer="red", metadata=words("car", ["red"])))
    assert found == {"id": f"{0:032x}", "image_id": "i1", "box": box(60, 70), "expression": "red car"}
    (wrong,) = asked(qa(answer="blue", metadata=words("car", ["red"])))
    assert wrong["expression"] == "blue car"


def test_an_attribute_that_cannot_stand_before_the_noun_follows_it() -> None:
    (found,) = asked(qa(answer="brown and sitting", metadata=words("dog", ["brown", "sitting"])))
    assert found["expression"] == "dog that is brown and sitting"


def test_a_relation_covers_both_boxes() -> None:
    boxes = [{"x1": 0.0, "y1": 40.0, "x2": 60.0, "y2": 100.0}, {"x1": 30.0, "y1": 10.0, "x2": 130.0, "y2": 90.0}]
    about = {"objects": ["man", "horse"], "attributes": [], "relations": ["riding"], "counts": []}
    given = qa(
        generator="RelationBBox", answer="riding", metadata=about, evidence={"object_ids": ["a", "b"], "boxes": boxes}
    )
    (found,) = asked(given)
    assert found["expression"] == "man riding horse"
    assert found["box"] == {"x1": 0.0, "y1": 10.0, "x2": 130.0, "y2": 100.0}
    # each box counts, not what covers both
    boxes[1]["y2"] = 59.9
    assert asked(given) == []
    assert asked(qa(generator="RelationBBox", answer="riding", metadata=about)) == []


@pytest.mark.parametrize(
    ("sides", "least", "kept"),
    [((50, 50), 50, True), ((49.9, 90), 50, False), ((90, 49.9), 50, False), ((3, 3), 0, True),
     ((float("nan"), 60), 0, False), ((float("inf"), 60), 0, False)],
)  # fmt: skip
def test_boxes_of_fifty_pixels_on_both_sides(sides: tuple[float, float], least: float, kept: bool) -> None:
    given = qa(evidence={"object_ids": ["a"], "boxes": [box(*sides)]})
    assert bool(asked(given, min_side_px=least)) is kept


def test_questions_without_a_region_are_not_asked_about() -> None:
    several = qa(1, image_ids=["i1", "i2"])
    bare = qa(2, evidence={"object_ids": [], "boxes": []})
    nameless = qa(3, metadata=words("car", []) | {"objects": []})
    other = qa(4, generator="ExistsObject")
    point = qa(5, generator="SameObjectSeg")
    assert asked(several, bare, nameless, other, point) == []
    assert [one["expression"] for one in asked(point, generators=["SameObjectSeg"])] == ["dog"]
    assert asked() == []


def test_the_generators_are_of_these_families() -> None:
    assert {one.family for one in select_generators(GENERATORS)} == set(REGION_FAMILIES)


# --- scores ---


def test_what_is_true_of_a_region_scores_higher(tmp_path: Path, weights: Path) -> None:
    store = stored(tmp_path)
    given = config(weights)
    (told,), work = score_shards([SHARD], config=given, store=store)
    found = rows(store)
    assert (told.questions, told.pairs, told.regions, told.failed) == (24, 24, 12, 0)
    assert (work.pictures, work.failed) == (3, 0)
    true, false = found["cosine"].gather_every(2), found["cosine"].gather_every(2, offset=1)
    # the other color of a quarter, and any false one of all pictures
    assert (true > false).all()
    assert true.min() > false.max()  # type: ignore[operator]
    assert found["expression"].gather_every(2).to_list() == [color for n in range(3) for color in colors_of(n)]
    assert found["error"].null_count() == found.height
    assert problems(store, given) == {}


def test_scores_are_those_of_open_clip(tmp_path: Path, weights: Path) -> None:
    """Cosine, logit and percentile of each row, computed anew crop by crop."""
    import open_clip
    import torch
    from PIL import Image

    store = stored(tmp_path, pictures=2)
    score_shards([SHARD], config=config(weights), store=store)
    network, _, prepare = open_clip.create_model_and_transforms(f"local-dir:{weights}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{weights}")
    network.eval()
    files = dict(store.scan("images").select("image_id", "uri").collect().iter_rows())
    found = rows(store)
    with torch.inference_mode():
        for row in found.iter_rows(named=True):
            sides = [row["box"][side] for side in ("x1", "y1", "x2", "y2")]
            region = prepare(Image.open(files[row["image_id"]]).crop(tuple(sides)))[None]
            seen = network.encode_image(region, normalize=True)
            read = network.encode_text(tokenizer([f"a photo of a {row['expression']}"]), normalize=True)
            cosine = float((seen @ read.T).item())
            assert row["cosine"] == pytest.approx(cosine, abs=2e-6)
            assert row["logit"] == pytest.approx(cosine * float(network.logit_scale.exp()), abs=1e-3)
    below = [float((found["cosine"] <= one).mean()) for one in found["cosine"]]  # type: ignore[arg-type]
    assert found["percentile"].to_list() == pytest.approx(below)


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_the_batch_does_not_matter(tmp_path: Path, weights: Path, batch: int) -> None:
    store = stored(tmp_path)
    score_shards([SHARD], config=config(weights, batch=5), store=store)
    first = rows(store)
    store.write_partition(TABLE, first.clear(), key=SHARD)
    score_shards([SHARD], config=config(weights, batch=batch), store=store)
    again = rows(store)
    assert again["cosine"].to_list() == pytest.approx(first["cosine"].to_list(), abs=2e-6)
    assert again.drop("cosine", "logit", "percentile").equals(first.drop("cosine", "logit", "percentile"))


def test_a_region_of_a_picture_does_not_depend_on_the_others(weights: Path) -> None:
    model = RegionTextModel(config(weights))
    picture = np.random.default_rng(3).integers(0, 255, (50, 70, 3), dtype=np.uint8)
    boxes = np.array([[0, 0, 70, 50], [5.5, 7.2, 30, 40], [60, 40, 70, 50]], dtype=np.float64)
    (together,) = model.annotate([Regions(picture, boxes)])
    alone = [model.annotate([Regions(picture, boxes[[n]])])[0][0] for n in range(3)]
    assert together.shape == (3, 16)
    assert np.abs(together - np.stack(alone)).max() < 1e-6
    assert np.linalg.norm(together, axis=1) == pytest.approx(1)


def test_a_batch_that_does_not_fit_is_halved(weights: Path) -> None:
    model = RegionTextModel(config(weights, batch=8))
    model.load()
    encode, sizes = model._network.encode_image, []

    def small(batch: Any) -> Any:
        sizes.append(len(batch))
        if len(batch) > 2:
            raise RuntimeError("CUDA out of memory")
        return encode(batch)

    model._network.encode_image = small
    picture = np.zeros((40, 40, 3), dtype=np.uint8)
    (found,) = model.annotate([Regions(picture, np.array([[0, 0, 40, 40]] * 8, dtype=np.float64))])
    assert found.shape == (8, 16)
    assert sum(size for size in sizes if size <= 2) == 8


@pytest.mark.parametrize(
    ("sides", "shape"),
    [((0, 0, 30, 20), (20, 30)), ((1.2, 3.7, 4.1, 5.0), (2, 4)), ((-5, -5, 3, 3), (3, 3)), ((28, 18, 99, 99), (2, 2)),
     ((40, 40, 50, 50), (1, 1)), ((5, 5, 5, 5), (1, 1))],
)  # fmt: skip
def test_crops_are_whole_pixels_of_the_picture(sides: tuple[float, ...], shape: tuple[int, int]) -> None:
    picture = np.zeros((20, 30, 3), dtype=np.uint8)
    assert crop(picture, np.array(sides, dtype=np.float64)).shape[:2] == shape


# --- nothing twice ---


def test_nothing_is_encoded_twice(tmp_path: Path, weights: Path) -> None:
    store = stored(tmp_path)
    # the same region and expression by other questions, and the same region with another expression
    more = [asks(900, picture=0, place=0, says=colors_of(0)[0]), asks(901, picture=0, place=0, says="white")]
    ask(store, [*questions(pictures=3), *more])
    given = config(weights)
    model = RegionTextModel(given)
    seen = counted(model)
    score_shards([SHARD], config=given, store=store, model=model)
    first = rows(store)
    assert first.height == 26
    assert len(seen.regions) == 12
    assert len(seen.texts) == len(set(seen.texts)) == first["expression"].n_unique()

    seen.regions.clear()
    seen.texts.clear()
    version = store.version(TABLE)
    for again in (model, fresh := RegionTextModel(given)):
        noted = seen if again is model else counted(fresh)
        (told,), _ = score_shards([SHARD], config=given, store=store, model=again)
        assert (told.questions, told.pairs, told.regions) == (26, 0, 0)
        assert noted == Counted()
    assert store.version(TABLE) == version
    assert rows(store).equals(first)


def test_only_what_changed_is_scored_again(tmp_path: Path, weights: Path) -> None:
    store = stored(tmp_path)
    given = config(weights)
    score_shards([SHARD], config=given, store=store)
    before = rows(store)
    # other ids, one question less, and one new expression for the region of another
    changed = [row | {"id": f"{1000 + n:032x}"} for n, row in enumerate(questions(pictures=3)[1:])]
    ask(store, [*changed, asks(2000, picture=1, place=2, says="some new thing")])
    model = RegionTextModel(given)
    seen = counted(model)
    (told,), _ = score_shards([SHARD], config=given, store=store, model=model)
    assert (told.questions, told.pairs, told.regions) == (24, 1, 1)
    assert (len(seen.regions), len(seen.texts)) == (1, 1)
    assert rows(store)["cosine"].to_list()[:-1] == before["cosine"].to_list()[1:]
    assert problems(store, given) == {}


@pytest.mark.parametrize("change", ["prompt", "weights"])
def test_another_model_or_prompt_scores_anew(tmp_path: Path, weights: Path, change: str) -> None:
    store = stored(tmp_path, pictures=1)
    score_shards([SHARD], config=config(weights), store=store)
    before = rows(store)
    other = (
        config(weights, prompt="{}") if change == "prompt" else config(tiny_clip.clip(tmp_path / "b", trained=False))
    )
    (told,), _ = score_shards([SHARD], config=other, store=store)
    assert told.pairs == 8
    after = rows(store)
    assert (after["config"] != before["config"]).all() == (change == "prompt")
    assert (after["model"] != before["model"]).all() == (change == "weights")
    assert (after["cosine"] != before["cosine"]).all()


def test_batch_and_least_side_score_nothing_anew(tmp_path: Path, weights: Path) -> None:
    store = stored(tmp_path, pictures=1)
    score_shards([SHARD], config=config(weights), store=store)
    (told,), _ = score_shards([SHARD], config=config(weights, batch=7, min_side_px=SIDE), store=store)
    assert (told.questions, told.pairs) == (8, 0)
    (told,), _ = score_shards([SHARD], config=config(weights, min_side_px=SIDE + 1), store=store)
    assert told.questions == 0
    assert rows(store).is_empty()


def test_without_configuration_the_table_is_empty_and_nothing_is_done(tmp_path: Path, weights: Path) -> None:
    store = stored(tmp_path, pictures=1)
    (told,), work = score_shards([SHARD], config=None, store=store)
    assert (told.questions, work.pictures, rows(store).height) == (0, 0, 0)
    score_shards([SHARD], config=config(weights), store=store)
    assert rows(store).height == 8
    assert problems(store, None) == {"score_of_no_question": 8}
    score_shards([SHARD], config=None, store=store)
    assert rows(store).is_empty()
    assert problems(store, None) == {}


# --- what goes wrong ---


def test_a_killed_run_goes_on(tmp_path: Path, weights: Path) -> None:
    store = stored(tmp_path, pictures=6)
    given = config(weights, batch=4)
    model = RegionTextModel(given)
    model.load()
    encode, calls = model._network.encode_image, []

    def dies(batch: Any) -> Any:
        calls.append(len(batch))
        if sum(calls) > 12:
            raise KeyboardInterrupt
        return encode(batch)

    model._network.encode_image = dies
    with pytest.raises(KeyboardInterrupt):
        score_shards([SHARD], config=given, store=store, model=model, commit_seconds=0)
    part = rows(store)
    assert 0 < part.height < 48
    assert set(problems(store, given)) == {"question_without_score"}

    second = RegionTextModel(given)
    seen = counted(second)
    score_shards([SHARD], config=given, store=store, model=second)
    assert len(seen.regions) == 24 - part.select("image_id", "box").n_unique()
    assert problems(store, given) == {}
    whole = rows(store)
    assert whole.height == 48
    assert whole.join(part, on=["id", "cosine"], how="semi").height == part.height


def test_a_picture_that_cannot_be_opened_says_why_and_is_tried_again(tmp_path: Path, weights: Path) -> None:
    store = stored(tmp_path)
    file = tmp_path / "pictures" / "1.png"
    whole = file.read_bytes()
    file.write_bytes(whole[:200])
    given = config(weights)
    (told,), work = score_shards([SHARD], config=given, store=store)
    assert (told.failed, work.failed) == (8, 1)
    bad = rows(store).filter(image_id="i1")
    assert bad["cosine"].null_count() == bad["percentile"].null_count() == bad["logit"].null_count() == 8
    assert bad["error"].str.starts_with("truncated").all()
    assert rows(store)["percentile"].max() == 1
    assert problems(store, given) == {}
    file.write_bytes(whole)
    (told,), _ = score_shards([SHARD], config=given, store=store)
    assert (told.pairs, told.failed) == (8, 0)
    assert rows(store)["cosine"].null_count() == 0


def test_pictures_without_pixels_are_not_asked_about(tmp_path: Path, weights: Path) -> None:
    store = stored(tmp_path)
    known = images(tmp_path / "pictures", pictures=3)
    bare = pl.col("image_id") == "i2"
    known = known.with_columns(
        uri=pl.when(~bare).then("uri"), status=pl.when(bare).then(pl.lit("annotations_only")).otherwise("status")
    )
    store.write_partition("images", known, key=SHARD)
    given = config(weights)
    score_shards([SHARD], config=given, store=store)
    assert set(rows(store)["image_id"]) == {"i0", "i1"}
    assert problems(store, given) == {}


def test_a_model_that_fails_on_everything_stops_the_run(tmp_path: Path, weights: Path) -> None:
    store = stored(tmp_path, pictures=20)
    given = config(weights)
    model = RegionTextModel(given)
    model.load()

    def broken(batch: Any) -> Any:
        raise ValueError("no such thing")

    model._network.encode_image = broken
    with pytest.raises(AnnotatorError, match="no such thing"):
        score_shards([SHARD], config=given, store=store, model=model)


def test_scores_that_are_no_numbers_are_errors(tmp_path: Path, weights: Path) -> None:
    store = stored(tmp_path, pictures=1)
    given = config(weights)
    model = RegionTextModel(given)
    model.load()
    encode = model._network.encode_image
    model._network.encode_image = lambda batch: encode(batch) * float("nan")
    score_shards([SHARD], config=given, store=store, model=model)
    found = rows(store)
    assert found["cosine"].null_count() == found["logit"].null_count() == 8
    assert set(found["error"]) == {"not finite: use another `dtype`"}
    assert problems(store, given) == {}


def test_several_shards_share_a_model_and_its_expressions(tmp_path: Path, weights: Path) -> None:
    shards = [f"s-0000{n}" for n in range(3)]
    for n, shard in enumerate(shards):
        store = stored(tmp_path, pictures=2, shard=shard, first=2 * n)
    given = config(weights)
    model = RegionTextModel(given)
    seen = counted(model)
    told, _ = score_shards(shards, config=given, store=store, model=model)
    assert [one.shard for one in told] == shards
    assert len(seen.regions) == 24
    assert len(seen.texts) == len(set(seen.texts)) == 6
    for shard in shards:
        assert rows(store, shard).height == 16
        assert rows(store, shard)["percentile"].max() == 1
        assert problems(store, given, shard) == {}


def test_problems_are_found(tmp_path: Path, weights: Path) -> None:
    store = stored(tmp_path, pictures=1)
    given = config(weights)
    score_shards([SHARD], config=given, store=store)
    good = rows(store)

    def with_(column: str, value: Any) -> dict[str, int]:
        bad = good.with_columns(
            pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(value)).otherwise(column).alias(column)
        )
        return {
            rule: one.height for rule, one in check_scores(SHARD, bad, config=given, store=store).items() if one.height
        }

    assert with_("cosine", 1.5) == {"score_out_of_range": 1}
    assert with_("percentile", -0.1) == {"score_out_of_range": 1}
    assert with_("error", "why") == with_("cosine", None) == {"score_and_reason_or_neither": 1}
    assert with_("id", "other") == {"question_without_score": 1, "score_of_no_question": 1}


def unusable() -> Iterator[tuple[dict[str, Any], str]]:
    yield {"model": "no-such-model"}, "region_text: open_clip has no model `no-such-model`"
    yield {"model": "ViT-B-32"}, "region_text: `pretrained` is required"
    yield {"pretrained": "laion2b_s34b_b79k"}, "region_text: `pretrained` does not go with model"


@pytest.mark.parametrize(("change", "message"), list(unusable()))
def test_models_that_cannot_be_had(weights: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        RegionTextModel(config(weights, **change)).load()
