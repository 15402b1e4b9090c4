"""Tags by a CLIP of open_clip that has learned colors, saved and loaded as real ones are, and what they make found."""

import json
import shutil
import socket
import sys
from pathlib import Path

import numpy as np
import open_clip
import polars as pl
import pytest
from PIL import Image

from provision_dagster.annotate import annotate_images, load_model
from provision_dagster.errors import InputError, MissingExtraError
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.scene_graphs.annotators.base_config import HubConfig
from provision_dagster.scene_graphs.annotators.clip_weights import find_clip
from provision_dagster.scene_graphs.annotators.configs import ZeroShotConfig, load_annotators
from provision_dagster.scene_graphs.annotators.detector_configs import TagsConfig
from provision_dagster.scene_graphs.annotators.found import Tag
from provision_dagster.scene_graphs.annotators.tagging import ClipTagger
from provision_dagster.scene_graphs.annotators.zero_shot import ZeroShotDetector
from provision_dagster.scene_graphs.ingest import ingest_image_set
from tests.scene_graphs.annotators import tiny_clip, tiny_detectors, tiny_models
from tests.scene_graphs.annotators.test_hub import assert_alike
from tests.scene_graphs.annotators.tiny_clip import COLORS, plain

ZERO_SHOT = {
    "grounding_dino": tiny_models.grounding_dino,
    "owlv2": tiny_models.owlv2,
    "omdet_turbo": tiny_detectors.omdet_turbo,
}
MORE = ["cat", "red car", "traffic light"]
"""Labels that the tagger knows nothing of."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    tiny_clip.clip(folder / "clip")
    for name, make in ZERO_SHOT.items():
        make(folder / name)
    (folder / "labels.txt").write_text("\n".join([*MORE, *COLORS]))
    (folder / "colors.txt").write_text("\n".join(COLORS))
    return folder


def tagger(
    models: Path, *, labels: list[str] | None = None, hub: dict[str, object] | None = None, **fields: object
) -> ClipTagger:
    config = TagsConfig.model_validate({"model": str(models / "clip"), **fields})
    machine = HubConfig.model_validate({"model": "of-the-detector", "device": "cpu", **(hub or {})})
    return ClipTagger(config, hub=machine, labels=labels or list(COLORS))


def names(tags: list[Tag]) -> list[str]:
    return [tag.label for tag in tags]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_color_of_a_picture_comes_first(models: Path, dtype: str) -> None:
    model = tagger(models, hub={"dtype": dtype})
    for name, tags in zip(COLORS, model.annotate([plain(name, seed=999) for name in COLORS]), strict=True):
        assert names(tags)[0] == name
        assert set(names(tags)) == set(COLORS)
        scores = [tag.score for tag in tags]
        assert scores == sorted(scores, reverse=True)
        assert all(-1.01 <= score <= 1.01 for score in scores)
        assert scores[0] > scores[1] + 0.1


def test_the_order_of_the_labels_does_not_matter(models: Path) -> None:
    (one,) = tagger(models).annotate([plain("green")])
    (other,) = tagger(models, labels=list(COLORS)[::-1]).annotate([plain("green")])
    assert names(one) == names(other)
    assert [tag.score for tag in one] == pytest.approx([tag.score for tag in other], abs=1e-6)


def test_how_many_and_how_alike(models: Path) -> None:
    (every,) = tagger(models).annotate([plain("blue")])
    assert tagger(models, most=2).annotate([plain("blue")])[0] == every[:2]
    assert tagger(models, floor=every[2].score).annotate([plain("blue")])[0] == every[:3]
    assert tagger(models, floor=1.0).annotate([plain("blue")]) == [[]]


def test_a_batch_changes_nothing(models: Path) -> None:
    given = [plain(name, seed=seed) for seed, name in enumerate([*COLORS, "red", "blue"])]
    model = tagger(models)
    for together, picture in zip(model.annotate(given), given, strict=True):
        (alone,) = model.annotate([picture])
        assert names(alone) == names(together)
        assert [tag.score for tag in alone] == pytest.approx([tag.score for tag in together], abs=1e-5)


def test_the_prompt_is_what_is_compared(models: Path) -> None:
    """The text is the label in its sentence: the whole sentence as a label says the same."""
    (one,) = tagger(models).annotate([plain("red")])
    (other,) = tagger(models, labels=[f"a photo of a {name}" for name in COLORS], prompt="{}").annotate([plain("red")])
    assert [f"a photo of a {name}" for name in names(one)] == names(other)
    assert [tag.score for tag in one] == pytest.approx([tag.score for tag in other], abs=1e-6)


def detector(models: Path, name: str, *, tags: dict[str, object] | None, **fields: object) -> ZeroShotDetector:
    """All boxes with all scores, unless told otherwise."""
    every = {"kind": "zero-shot", "score_threshold": 0.0, "iou_threshold": 1.0, "most": 10_000}
    own = {"model": str(models / name), "labels": models / "labels.txt"}
    chosen = None if tags is None else {"model": str(models / "clip"), **tags}
    return ZeroShotDetector(ZeroShotConfig.model_validate({**every, **own, "tags": chosen, **fields}))


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_a_detector_searches_for_the_tags_of_each_picture(models: Path, name: str) -> None:
    model = detector(models, name, tags={"most": 1}, labels=models / "colors.txt")
    every = model.annotate([plain(color) for color in COLORS])
    for color, found in zip(COLORS, every, strict=True):
        assert found.tags is not None
        assert names(found.tags) == [color]
        assert set(found.labels) <= {color}
    assert sum(len(found.labels) > 0 for found in every) > 3
    (without,) = detector(models, name, tags=None).annotate([plain("red")])
    assert without.tags is None
    assert set(without.labels) == {*MORE, *COLORS}


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_lists_of_several_lengths_do_not_disturb_each_other(models: Path, name: str) -> None:
    """The floor leaves more labels to some pictures; two labels at a time make some wait for a second turn."""
    given = [plain(color, seed=seed) for seed, color in enumerate([*COLORS, "red", "blue"])]
    every = [tag.score for tags in tagger(models, labels=[*MORE, *COLORS]).annotate(given) for tag in tags]
    floor = float(np.quantile(every, 0.7))
    model = detector(models, name, tags={"floor": floor}, labels_per_prompt=2)
    together = model.annotate(given)
    assert len({len(found.tags or []) for found in together}) > 1
    for found, picture in zip(together, given, strict=True):
        (alone,) = model.annotate([picture])
        assert names(alone.tags or []) == names(found.tags or [])
        assert_alike(found, alone)


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_a_list_in_a_batch_gives_what_it_gives_as_a_file(models: Path, tmp_path: Path, name: str) -> None:
    model = detector(models, name, tags={"most": 3})
    found = model.annotate([plain(color) for color in ("red", "white")])
    for color, one in zip(("red", "white"), found, strict=True):
        file = tmp_path / f"{color}.txt"
        chosen = set(names(one.tags or []))
        file.write_text("\n".join(label for label in [*MORE, *COLORS] if label in chosen))
        assert_alike(one, detector(models, name, tags=None, labels=file).annotate([plain(color)])[0])


def test_a_picture_without_tags_has_no_objects(models: Path) -> None:
    (found,) = detector(models, "owlv2", tags={"floor": 1.0}).annotate([plain("red")])
    assert (found.labels, found.tags, found.boxes.shape) == ([], [], (0, 4))


def test_tags_are_kept_in_the_table(models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("red", "blue"):
        Image.fromarray(plain(name)).save(folder / f"{name}.png")
    file = models / "annotators.yaml"
    file.write_text(
        "detections:\n  kind: zero-shot\n  model: owlv2\n  labels: colors.txt\n  score_threshold: 0\n  most: 5\n"
        "  tags: {model: clip, most: 2}\n"
    )
    config = load_annotators(file)
    spec = parse_spec({"name": "s", "reader": "folder", "path": folder}, source="test")
    images = inspect_images(ingest_image_set(spec).sources)
    model = load_model("detections", config)
    assert model is not None
    rows, _ = annotate_images(model, images)
    rows = rows.sort("image_key")
    assert rows["error"].null_count() == 2
    assert [tags[0]["label"] for tags in rows["tags"]] == ["blue", "red"]
    assert rows["tags"].list.len().to_list() == [2, 2]
    assert rows["tags"].dtype == pl.List(pl.Struct({"label": pl.String, "score": pl.Float64}))
    detecting, labels, tagging = rows["model"][0].split(" ")
    assert detecting.startswith("owlv2@sha256:")
    assert labels.startswith("labels@sha256:")
    assert tagging.startswith("tags:clip@sha256:")
    told = json.loads(rows["config"][0])
    assert told["tags"] == {"revision": None, "prompt": "a photo of a {}", "most": 2, "floor": None}
    assert str(tmp_path) not in rows["config"][0]
    file.write_text(file.read_text().replace("  tags: {model: clip, most: 2}\n", ""))
    model = load_model("detections", load_annotators(file))
    assert model is not None
    assert annotate_images(model, images)[0]["tags"].null_count() == 2


def test_other_weights_are_another_model(models: Path, tmp_path: Path) -> None:
    tiny_clip.clip(tmp_path / "clip", trained=False)
    assert tagger(models).model.startswith("clip@sha256:")
    assert tagger(tmp_path).model != tagger(models).model


@pytest.fixture
def named(models: Path, tmp_path: Path) -> Path:
    """A model that open_clip knows by name, and a file with its weights."""
    (tmp_path / "tiny-colors.json").write_text(json.dumps(tiny_clip.ARCHITECTURE))
    open_clip.add_model_config(tmp_path / "tiny-colors.json")
    return Path(shutil.copy(models / "clip" / tiny_clip.WEIGHTS, tmp_path / "colors.safetensors"))


def test_a_named_model_with_weights_from_a_file(models: Path, named: Path) -> None:
    model = tagger(models, model="tiny-colors", pretrained=str(named))
    assert model.model.startswith("tiny-colors/colors.safetensors@sha256:")
    assert [names(tags)[0] for tags in model.annotate([plain("red"), plain("blue")])] == ["red", "blue"]


def test_pictures_are_prepared_as_the_weights_that_open_clip_knows_want_it(named: Path) -> None:
    """SigLIP squeezes pictures, and centers their values at a half: of weights from a file, too."""
    config = TagsConfig(model="ViT-B-16-SigLIP", pretrained=str(named))
    source = find_clip(config)
    assert source.options["image_mean"] == (0.5, 0.5, 0.5)
    assert source.options["image_resize_mode"] == "squash"
    assert find_clip(TagsConfig(model="tiny-colors", pretrained=str(named))).options == {}


def test_weights_beside_the_file_of_annotators(models: Path, named: Path) -> None:
    file = named.parent / "annotators.yaml"
    file.write_text(
        "detections:\n  kind: zero-shot\n  model: m\n  labels: l.txt\n"
        "  tags: {model: ViT-B-32, pretrained: colors.safetensors}\n"
    )
    config = load_annotators(file).detections
    assert isinstance(config, ZeroShotConfig)
    assert config.tags is not None
    assert config.tags.model == "ViT-B-32"
    assert config.tags.pretrained == str(named)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": "ViT-B-23"}, "open_clip has no model `ViT-B-23`; near: .*`ViT-B-32`.*; else give a folder"),
        ({"model": "ViT-B-32"}, "`pretrained` is required: a file, or one of .*`laion2b_s34b_b79k`"),
        ({"model": "ViT-B-32", "pretrained": "laion"}, "must be a file, or one of .*`laion2b_s34b_b79k`.*got `laion`"),
        ({"model": "ViT-B-32", "revision": "v1"}, "`revision` does not go with model `ViT-B-32`"),
        ({"pretrained": "openai"}, "`pretrained` does not go with model `.*clip`: a folder has weights of its own"),
        ({"model": "hf-hub:a/b", "pretrained": "openai"}, "`pretrained` does not go with model `hf-hub:a/b`"),
    ],
)  # fmt: skip
def test_what_is_no_model(models: Path, fields: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        tagger(models, **fields).load()


def test_folders_that_lack_something(models: Path, tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    with pytest.raises(InputError, match=r"clip` has no open_clip_config\.json"):
        tagger(tmp_path).load()
    shutil.copy(models / "clip" / "open_clip_config.json", tmp_path / "clip")
    with pytest.raises(InputError, match=r"clip` has no weights \(\*\.safetensors, \*\.bin, \*\.pth\)"):
        tagger(tmp_path).load()
    weights = (models / "clip" / tiny_clip.WEIGHTS).read_bytes()
    (tmp_path / "clip" / tiny_clip.WEIGHTS).write_bytes(weights[:1000])
    with pytest.raises(InputError, match=r"clip` cannot be loaded: .*check name, weights and network"):
        tagger(tmp_path).load()
    shutil.copy(models / "clip" / tiny_clip.WEIGHTS, tmp_path / "clip")
    (tmp_path / "clip" / "open_clip_config.json").write_text("{")
    with pytest.raises(InputError, match="clip` cannot be loaded: ValueError"):
        tagger(tmp_path).load()


def test_weights_of_another_architecture(models: Path, tmp_path: Path) -> None:
    other = {**tiny_clip.ARCHITECTURE, "embed_dim": 8}
    (tmp_path / "tiny-other.json").write_text(json.dumps(other))
    open_clip.add_model_config(tmp_path / "tiny-other.json")
    with pytest.raises(InputError, match=r"model `tiny-other` with `.*` cannot be loaded: .*size mismatch"):
        tagger(models, model="tiny-other", pretrained=str(models / "clip" / tiny_clip.WEIGHTS)).load()


def test_without_open_clip(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(MissingExtraError, match=r"`open_clip` is not installed: pip install '.*\[models\]'"):
        tagger(models).load()


def hub_at(address: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another hub, an empty cache, and no waiting before it is asked again."""
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)


@pytest.mark.parametrize(
    "fields", [{"model": "hf-hub:nobody/nothing"}, {"model": "ViT-B-32", "pretrained": "laion2b_s34b_b79k"}]
)
def test_no_network(models: Path, tmp_path: Path, fields: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    hub_at("http://127.0.0.1:9", tmp_path, monkeypatch)
    with pytest.raises(InputError, match=r"cannot be loaded: .*check name, weights and network, or give a folder"):
        tagger(models, **fields).load()


@pytest.mark.parametrize(
    "fields", [{"model": "hf-hub:nobody/nothing"}, {"model": "ViT-B-32", "pretrained": "laion2b_s34b_b79k"}]
)
def test_offline_asks_nobody(
    models: Path, tmp_path: Path, fields: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        hub_at(f"http://127.0.0.1:{server.getsockname()[1]}", tmp_path, monkeypatch)
        with pytest.raises(InputError, match="cannot be loaded"):
            tagger(models, hub={"offline": True}, **fields).load()
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_model_of_the_cache(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was fetched from a hub once is found without it; another revision is not there."""
    hub_at("http://127.0.0.1:9", tmp_path, monkeypatch)
    kept = tmp_path / "models--colors--tiny"
    shutil.copytree(models / "clip", kept / "snapshots" / COMMIT)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(COMMIT)
    model = tagger(models, model="hf-hub:colors/tiny", hub={"offline": True})
    assert model.model == f"colors/tiny@{COMMIT}"
    assert names(model.annotate([plain("yellow")])[0])[0] == "yellow"
    with pytest.raises(InputError, match="model `hf-hub:colors/tiny` revision `v9` cannot be loaded"):
        tagger(models, model="hf-hub:colors/tiny", revision="v9", hub={"offline": True}).load()
