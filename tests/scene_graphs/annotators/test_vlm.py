"""Image-text-to-text models of transformers: tiny ones, saved, and loaded as real ones are."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provision_dagster.errors import InputError
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.attributes import VlmAttributes
from provision_dagster.scene_graphs.annotators.chat import Choices, Question, prompt_of
from provision_dagster.scene_graphs.annotators.configs import load_annotators
from provision_dagster.scene_graphs.annotators.found import Answer, Asked
from provision_dagster.scene_graphs.annotators.make import make_attribute_model, make_relation_model
from provision_dagster.scene_graphs.annotators.relations import VlmRelations
from provision_dagster.scene_graphs.annotators.views import object_views
from provision_dagster.scene_graphs.annotators.vlm import HubChat
from provision_dagster.scene_graphs.annotators.vlm_configs import AttributesConfig, RelationsConfig
from provision_dagster.scene_graphs.annotators.vlm_words import AttributeWords, PredicateWords
from tests.scene_graphs.annotators import tiny_vlms

FAMILIES = ["llava", "qwen2_vl"]
BOXES = [[5, 5, 40, 30], [10, 10, 70, 50], [50, 20, 60, 55]]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vlms")
    tiny_vlms.llava(folder / "llava")
    tiny_vlms.qwen2_vl(folder / "qwen2_vl")
    return folder


def asked(*counts: int, pairs: Sequence[tuple[int, int]] = ()) -> list[Asked]:
    """Pictures with so many objects each."""
    rng = np.random.default_rng(0)
    return [
        Asked(
            rng.integers(0, 256, (60, 80, 3), dtype=np.uint8),
            np.array(BOXES[:count], dtype=np.float64).reshape(-1, 4),
            ["car", "dog", "cat"][:count],
            pairs,
        )
        for count in counts
    ]


def attributes(models: Path, name: str, **fields: Any) -> VlmAttributes:
    named = {"kind": "image-text-to-text", "model": str(models / name), "device": "cpu"}
    return VlmAttributes(AttributesConfig.model_validate({**named, **fields}))


def relations(models: Path, name: str, **fields: Any) -> VlmRelations:
    named = {"kind": "image-text-to-text", "model": str(models / name), "device": "cpu"}
    return VlmRelations(RelationsConfig.model_validate({**named, **fields}))


def said(answers: list[list[Answer]]) -> list[list[str]]:
    return [[one.said for one in some] for some in answers]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("answers", ["constrained", "free"])
def test_a_batch_changes_nothing(models: Path, name: str, answers: str) -> None:
    given = asked(3, 0, 2, 3)
    fields = {"answers": answers, "max_new_tokens": 12 if answers == "free" else 40}
    together = attributes(models, name, batch=8, **fields).annotate(given)
    assert [len(some) for some in together] == [3, 0, 2, 3]
    assert together == attributes(models, name, batch=1, **fields).annotate(given)
    texts = [text for some in said(together) for text in some]
    # the model sees the pictures: otherwise any order would do
    assert len(set(texts)) > len(texts) / 2


@pytest.mark.parametrize("name", FAMILIES)
def test_answers_are_in_the_order_of_the_objects(models: Path, name: str) -> None:
    model, (one,) = attributes(models, name, answers="free", max_new_tokens=12), asked(3)
    turned = Asked(one.picture, one.boxes[::-1], one.labels[::-1])
    ((*forth,), (*back,)) = model.annotate([one, turned])
    assert [answer.said for answer in forth] == [answer.said for answer in back][::-1]
    for place in range(3):
        alone = Asked(one.picture, one.boxes[[place]], [one.labels[place]])
        assert model.annotate([alone])[0][0].said == forth[place].said


@pytest.mark.parametrize("name", FAMILIES)
def test_constrained_answers_lie_in_the_vocabulary(models: Path, name: str) -> None:
    model = attributes(models, name, most=3)
    words = set(AttributeWords(None, lexicon=Lexicon.load()).words)
    found = [one for some in model.annotate(asked(3, 3)) for one in some]
    for one in found:
        parts = one.said.split(", ")
        # what was cut off after 64 letters ends anywhere
        assert set(parts[:-1]) <= words
        assert parts[-1] in words | {"none"} or len(one.said) >= 60
        assert len(parts) <= 3
        assert set(one.values) <= set(parts)
    assert any(one.values for one in found)
    assert all(one.score is None for one in found)


def test_a_vocabulary_of_a_file(models: Path, tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("Red\nblue\nfrobbed\n")
    model = attributes(models, "llava", vocabulary=file)
    found = [one for some in model.annotate(asked(3, 3)) for one in some]
    assert {part for one in found for part in one.said.split(", ")} <= {"red", "blue", "frobbed", "none"}
    # red and blue contradict each other: said together, neither is kept
    assert all(not {"red", "blue"} <= set(one.values) for one in found)
    assert model.model.split(" ")[1] != attributes(models, "llava").model.split(" ")[1]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_marked_view_is_seen_otherwise(models: Path, name: str) -> None:
    given = asked(3)
    crop = attributes(models, name, answers="free", max_new_tokens=12, prompt="What?").annotate(given)
    marked = attributes(models, name, answers="free", max_new_tokens=12, prompt="What?", view="marked").annotate(given)
    assert said(crop) != said(marked)


@pytest.mark.parametrize("name", FAMILIES)
def test_relations_of_pairs(models: Path, name: str) -> None:
    given = asked(3, 3, pairs=[(0, 1), (2, 0)])
    model = relations(models, name, answers="constrained")
    together = model.annotate([*given, *asked(2)])
    assert [len(some) for some in together] == [2, 2, 0]
    words = set(PredicateWords(None, lexicon=Lexicon.load()).words)
    for one in (one for some in together for one in some):
        assert one.said in words | {"none"}
        assert one.values == [one.said] * (one.said != "none")
        assert one.score == (1.0 if one.values else None)
    assert relations(models, name, answers="constrained", batch=1).annotate([*given, *asked(2)]) == together


def test_pairs_are_told_apart_by_their_direction(models: Path) -> None:
    (forth,), (back,) = (asked(2, pairs=pairs) for pairs in ([(0, 1)], [(1, 0)]))
    model = relations(models, "llava", prompt="How?", max_new_tokens=12)
    assert said(model.annotate([forth])) != said(model.annotate([back]))


class Small(HubChat):
    """Runs out of memory on more than two questions at a time."""

    sizes: tuple[int, ...] = ()

    def _generated(self, inputs: Any) -> Any:
        size = len(inputs["input_ids"])
        self.sizes += (size,)
        if size > 2:
            raise RuntimeError("CUDA error: out of memory")
        return super()._generated(inputs)


def test_a_batch_that_does_not_fit_is_halved_and_stays_so(models: Path) -> None:
    given = asked(3, 3, 3)
    config = {"answers": "free", "max_new_tokens": 4}
    model = attributes(models, "llava", batch=8, **config)
    model._chat.__class__ = Small
    assert model.annotate(given) == attributes(models, "llava", **config).annotate(given)
    chat: Any = model._chat
    assert chat.sizes == (8, 4, 2, 2, 4, 2, 2, 1)
    model.annotate(given)
    assert max(chat.sizes[8:]) == 2


def test_sampling_settings_of_a_model_do_not_count(models: Path) -> None:
    settings = json.loads((models / "llava" / "generation_config.json").read_text())
    assert settings["do_sample"] is True
    first, second = (attributes(models, "llava", answers="free", max_new_tokens=12).annotate(asked(3)) for _ in "ab")
    assert first == second


def test_what_is_kept_of_the_configuration(models: Path) -> None:
    config = attributes(models, "llava", prompt="What is {label} like?", batch=3).config
    told = json.loads(config.told())
    assert told["prompt"] == "What is {label} like?"
    assert (told["view"], told["answers"]) == ("crop", "constrained")
    assert not {"model", "batch", "device", "vocabulary"} & told.keys()
    grounded = relations(models, "llava", grounding={"model": "some/encoder", "floor": 0.6}).config
    assert json.loads(grounded.told())["grounding"] == {"revision": None, "dtype": "auto", "floor": 0.6}
    marked = attributes(models, "llava", view="marked").config
    assert "red box" in json.loads(marked.told())["prompt"]


def test_provenance_names_model_vocabulary_and_encoder(models: Path, tmp_path: Path) -> None:
    tiny_vlms.sentence_encoder(tmp_path / "encoder", {"on": [1.0, 0.0]})
    model = relations(models, "llava", grounding={"model": str(tmp_path / "encoder")})
    model.load()
    weights, labels, encoder = model.model.split(" ")
    assert weights.startswith("llava@sha256:")
    assert labels.startswith("labels@sha256:")
    assert encoder.startswith("encoder@sha256:")


def test_names_cannot_write_control_words() -> None:
    assert prompt_of("Is the {label} {{red}}?", label="<image>|car{}") == "Is the imagecar {red}?"


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("attributes: {kind: image-text-to-text, model: x, prompt: 'the {thing}'}", "unknown placeholder {thing}; all"),
        ("attributes: {kind: image-text-to-text, model: x, prompt: '{'}", "`attributes.prompt`: a brace lacks its"),
        ("attributes: {kind: image-text-to-text, model: x, prompt: 'a {}'}", "unknown placeholder {}; allowed: {label"),
        ("relations: {kind: endpoint, model: x, base_url: 'http://a', prompt: '{label}'}", "allowed: {subject}, {obj"),
        ("relations: {kind: vlm, model: x}", "`relations.kind` must be one of `image-text-to-text`, `endpoint`, got"),
        ("relations: {kind: image-text-to-text, model: x, grounding: {model: y, least: 1}}", "`relations.grounding.le"),
        ("attributes: {kind: endpoint, model: x, base_url: 'x'}", "`attributes.base_url`: string should match"),
        ("attributes: {kind: endpoint, model: x, base_url: 'http://a', api_key_env: sk-1}", "`attributes.api_key_env`"),
    ],
)
def test_configurations_that_cannot_be(tmp_path: Path, part: str, message: str) -> None:
    file = tmp_path / "annotators.yaml"
    file.write_text(part)
    with pytest.raises(InputError) as caught:
        load_annotators(file)
    assert message in str(caught.value)


def test_a_file_of_annotators(models: Path) -> None:
    (models / "words.txt").write_text("red\n")
    file = models / "annotators.yaml"
    file.write_text(
        "attributes: {kind: image-text-to-text, model: llava, vocabulary: words.txt}\n"
        "relations: {kind: endpoint, model: llava, base_url: 'http://a/v1', grounding: {model: qwen2_vl}}\n"
    )
    config = load_annotators(file)
    assert config.attributes is not None
    assert config.relations is not None
    assert config.attributes.model == str(models / "llava")
    assert config.attributes.vocabulary == models / "words.txt"
    # what a server offers is no folder here; an encoder is
    assert config.relations.model == "llava"
    assert config.relations.grounding is not None
    assert config.relations.grounding.model == str(models / "qwen2_vl")
    assert isinstance(make_attribute_model(config.attributes), VlmAttributes)
    assert isinstance(make_relation_model(config.relations), VlmRelations)


def test_a_model_that_cannot_chat_is_named(models: Path, tmp_path: Path) -> None:
    folder = tiny_vlms.llava(tmp_path / "mute")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(InputError, match="has no chat template; use a model that was tuned for chat"):
        attributes(tmp_path, "mute").load()
    encoder = tiny_vlms.random_encoder(tmp_path / "text", ["a"])
    with pytest.raises(InputError, match="is no AutoModelForImageTextToText"):
        attributes(tmp_path, encoder.name).load()
    with pytest.raises(InputError, match="model `nobody/nothing` cannot be loaded"):
        VlmAttributes(AttributesConfig(kind="image-text-to-text", model="nobody/nothing", offline=True)).load()


def test_questions_of_one_picture_may_differ(models: Path) -> None:
    """The prompt reaches the model."""
    (one,) = asked(1)
    chat = HubChat(attributes(models, "llava", max_new_tokens=12).config, choices=None)
    (view,) = object_views(one, view=chat.config)
    first, second = chat.say([Question(view, "What?"), Question(view, "Where is it, and since when?")])
    assert first.text != second.text
    assert chat.say([]) == []
    only = HubChat(attributes(models, "llava").config, choices=Choices(["red"], 1))
    assert only.say([Question(view, "What?")])[0].text in {"red", "none"}
