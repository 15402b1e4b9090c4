"""Vision-language models behind a server: a real one on this machine, well behaved and not."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.attributes import VlmAttributes
from provision_dagster.scene_graphs.annotators.feeding import annotate_all
from provision_dagster.scene_graphs.annotators.found import Asked
from provision_dagster.scene_graphs.annotators.opening import Place
from provision_dagster.scene_graphs.annotators.relations import VlmRelations
from provision_dagster.scene_graphs.annotators.views import object_views
from provision_dagster.scene_graphs.annotators.vlm_configs import AttributesEndpointConfig, RelationsEndpointConfig
from provision_dagster.scene_graphs.annotators.working import AnnotatorError
from tests.scene_graphs.annotators import tiny_vlms
from tests.scene_graphs.annotators.chat_server import KEY, MODEL, Reply, chat_server

BOXES = [[5, 5, 40, 30], [10, 10, 70, 50], [50, 20, 60, 55]]
LABELS = ["car", "dog", "cat"]


def asked(*counts: int, pairs: tuple[tuple[int, int], ...] = ()) -> list[Asked]:
    rng = np.random.default_rng(0)
    return [
        Asked(
            rng.integers(0, 256, (60, 80, 3), dtype=np.uint8),
            np.array(BOXES[:count], dtype=np.float64).reshape(-1, 4),
            LABELS[:count],
            pairs,
        )
        for count in counts
    ]


def attributes(url: str, **fields: Any) -> VlmAttributes:
    named = {"kind": "endpoint", "model": MODEL, "base_url": url, "retries": 1, "prompt": "{label}"}
    return VlmAttributes(AttributesEndpointConfig.model_validate({**named, **fields}))


def relations(url: str, **fields: Any) -> VlmRelations:
    named = {"kind": "endpoint", "model": MODEL, "base_url": url, "retries": 1, "prompt": "{subject} {object}"}
    return VlmRelations(RelationsEndpointConfig.model_validate({**named, **fields}))


def saying(texts: dict[str, str]) -> Callable[[str, int], Reply]:
    return lambda prompt, _: Reply(texts[prompt])


def test_objects_are_described_in_their_order() -> None:
    texts = {"car": '{"attributes": ["red", "shiny"]}', "dog": '{"attributes": []}', "cat": "Furry, grey."}
    with chat_server(saying(texts)) as served:
        found = attributes(served.url).annotate(asked(3, 0, 2))
    assert [[one.values for one in some] for some in found] == [
        [["red", "shiny"], [], ["furry", "gray"]],
        [],
        [["red", "shiny"], []],
    ]
    assert found[0][0].said == texts["car"]
    assert found[0][0].score is None
    assert sorted(served.prompts()) == ["car", "car", "cat", "dog", "dog"]


def test_what_is_sent() -> None:
    with chat_server(saying({"car": "red"})) as served:
        attributes(served.url, seed=7, max_new_tokens=9, encoding="png", most=3).annotate(asked(1))
    (request,) = served.requests
    assert (request["model"], request["temperature"], request["seed"], request["max_tokens"]) == (MODEL, 0, 7, 9)
    form = request["response_format"]
    assert form["type"] == "json_schema"
    array = form["json_schema"]["schema"]["properties"]["attributes"]
    assert array["maxItems"] == 3
    assert {"red", "wooden"} <= set(array["items"]["enum"])
    (view,) = object_views(asked(1)[0], view=attributes(served.url).config)
    assert np.array_equal(np.asarray(served.views()[0]), np.asarray(view))


def test_free_answers_are_not_constrained_and_jpeg_is_the_default() -> None:
    with chat_server(saying({"car": "red"})) as served:
        attributes(served.url, answers="free").annotate(asked(1))
    assert "response_format" not in served.requests[0]
    (sent,) = served.views()
    assert sent.format == "JPEG"
    (view,) = object_views(asked(1)[0], view=attributes(served.url).config)
    assert sent.size == view.size


MALFORMED = [
    "", "   ", "null", "[]", '{"attributes": "', '{"attributes": null}', '{"a": {"b": [1, 2.5, false]}}', "<html>",
    "I'm sorry, but I can't help with that.", "car", "\x00\ufffd", "{" * 3000,
]  # fmt: skip


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_answer_says_nothing(text: str) -> None:
    with chat_server(saying({"car": text, "dog": "red"})) as served:
        ((car, dog),) = attributes(served.url).annotate(asked(2))
    assert car.values == []
    assert len(car.said) <= 500
    assert dog.values == ["red"]


def test_an_answer_that_was_cut_off() -> None:
    with chat_server(lambda *_: Reply('{"attributes": ["red", "shiny", "wo', reason="length")) as served:
        assert attributes(served.url).annotate(asked(1))[0][0].values == ["red", "shiny"]
    with chat_server(lambda *_: Reply("red, shiny, light", reason="length")) as served:
        assert attributes(served.url, answers="free").annotate(asked(1))[0][0].values == ["red", "shiny"]


def test_free_predicates_are_parsed_and_grounded(tmp_path: Path) -> None:
    meanings = {"on": [1.0, 0.0], "upon": [0.9, 0.1], "resting": [0.8, 0.3], "holding": [0.0, 1.0]}
    tiny_vlms.sentence_encoder(tmp_path / "encoder", meanings)
    file = tmp_path / "predicates.txt"
    file.write_text("on\nholding\nunder\nover\n")
    texts = {
        "car dog": "The car is resting upon the dog.",
        "dog car": "none",
        "car cat": "On",
        "dog cat": "The cat is under the dog.",
        "cat dog": "frobbing",
    }
    pairs = ((0, 1), (1, 0), (0, 2), (1, 2), (2, 1))
    grounding = {"model": str(tmp_path / "encoder"), "floor": 0.5}
    with chat_server(saying(texts)) as served:
        model = relations(served.url, vocabulary=file, grounding=grounding)
        ((resting, none, on, turned, frobbing),) = model.annotate(asked(3, pairs=pairs))
        assert model.model.startswith(f"{MODEL}@endpoint labels@sha256:")
    assert (resting.values, resting.said) == (["on"], texts["car dog"])
    assert resting.score is not None
    assert 0.5 < resting.score < 1
    assert (none.values, none.score) == ([], None)
    assert (on.values, on.score) == (["on"], 1.0)
    # asked how the dog is related to the cat, the model says how the cat is related to the dog
    assert (turned.values, turned.score) == (["over"], 1.0)
    assert (frobbing.values, frobbing.said) == ([], "frobbing")


def test_constrained_predicates() -> None:
    texts = {"car dog": '{"predicate": "on"}', "dog car": '{"predicate": "none"}'}
    with chat_server(saying(texts)) as served:
        model = relations(served.url, answers="constrained")
        ((on, none),) = model.annotate(asked(2, pairs=((0, 1), (1, 0))))
    assert (on.values, on.score, none.values) == (["on"], 1.0, [])
    allowed = served.requests[0]["response_format"]["json_schema"]["schema"]["properties"]["predicate"]["enum"]
    assert {"on", "none"} <= set(allowed)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(status: int) -> None:
    with chat_server(lambda _, before: Reply("red") if before else Reply("later", status=status)) as served:
        assert attributes(served.url, retries=2).annotate(asked(1))[0][0].values == ["red"]
    assert len(served.requests) == 2


def test_a_server_that_fails_for_good_is_named() -> None:
    with (
        chat_server(lambda *_: Reply("the engine is dead", status=500)) as served,
        pytest.raises(AnnotatorError, match=r"server `http://127.*/v1` failed: .*the engine is dead"),
    ):
        attributes(served.url).annotate(asked(1))
    assert len(served.requests) == 2


def test_a_slow_server() -> None:
    with (
        chat_server(lambda *_: Reply("red", wait=1.0)) as served,
        pytest.raises(AnnotatorError, match=r"did not answer within 0.2 s; raise `timeout` or lower `max_concurrent`"),
    ):
        attributes(served.url, timeout=0.2, retries=0).annotate(asked(1))


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"choices": [{"message": {"content": None}}]}])
def test_an_answer_without_text_is_an_error(body: dict[str, Any]) -> None:
    with (
        chat_server(lambda *_: Reply(body=body)) as served,
        pytest.raises(AnnotatorError, match="the server's answer holds no text"),
    ):
        attributes(served.url).annotate(asked(1))


def test_an_answer_that_is_no_json_is_an_error() -> None:
    with (
        chat_server(lambda *_: Reply(body=b"<html>gateway</html>")) as served,
        pytest.raises(AnnotatorError, match="does not answer as OpenAI's interface does"),
    ):
        attributes(served.url).annotate(asked(1))


@pytest.mark.parametrize("models", [b"<html>hello</html>", [], "hello", {"data": None}, {"data": ["x"]}])
def test_another_kind_of_server_is_said(models: Any) -> None:
    with (
        chat_server(saying({}), models=models) as served,
        pytest.raises(InputError, match=r"does not answer as OpenAI's interface does|is not offered by"),
    ):
        attributes(served.url).load()


def test_a_picture_that_fails_has_a_reason_and_the_others_go_on(tmp_path: Path) -> None:
    """One question of three pictures fails always; no other question is sent twice."""
    places = []
    for number in range(3):
        Image.fromarray(asked(1, 1, 1)[number].picture).save(tmp_path / f"{number}.png")
        places.append(Place(number, str(tmp_path / f"{number}.png")))
    prompts = [["car", "dog"], ["bus", "cat"], ["cow", "pig"]]

    def given(row: int, picture: np.ndarray) -> Asked:
        return Asked(picture, np.array(BOXES[:2], dtype=np.float64), prompts[row])

    def answer(prompt: str, _: int) -> Reply:
        return Reply("prompt too long", status=400) if prompt == "bus" else Reply("red")

    with chat_server(answer) as served:
        model = attributes(served.url)
        outcomes = sorted(annotate_all(places, model.annotate, given=given), key=lambda one: one.row)
    assert [one.error is None for one in outcomes] == [True, False, True]
    assert "prompt too long" in str(outcomes[1].error)
    assert [[one.values for one in found.found or []] for found in outcomes] == [[["red"]] * 2, [], [["red"]] * 2]
    asked_for = served.prompts()
    assert {prompt: asked_for.count(prompt) for prompt in asked_for} == {
        "car": 1, "dog": 1, "bus": 2, "cat": 1, "cow": 1, "pig": 1,
    }  # fmt: skip


def test_questions_are_under_way_together_but_not_too_many() -> None:
    with chat_server(lambda *_: Reply("red", wait=0.2)) as served:
        attributes(served.url, max_concurrent=4).annotate(asked(3, 3, 3))
    assert served.at_once == 4
    assert len(served.requests) == 9


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with chat_server(saying({"car": "red"}), key=KEY) as served:
        monkeypatch.setenv("VLM_KEY", KEY)
        model = attributes(served.url, api_key_env="VLM_KEY")
        assert model.annotate(asked(1))[0][0].values == ["red"]
        assert set(served.keys) == {KEY}
        assert KEY not in model.config.told() + model.model + repr(model.config)
        monkeypatch.setenv("VLM_KEY", "another")
        with pytest.raises(InputError, match=r"refuses the key of `api_key_env` \(`VLM_KEY`\), status 401"):
            attributes(served.url, api_key_env="VLM_KEY").load()
        monkeypatch.delenv("VLM_KEY")
        with pytest.raises(InputError, match="`api_key_env` is `VLM_KEY`, but there is no such environment variable"):
            attributes(served.url, api_key_env="VLM_KEY").load()


def test_what_cannot_be_reached_is_said_before_the_first_picture() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(InputError, match=r"cannot be reached: .*; check `base_url` and that it runs"):
        attributes(url, retries=0).load()


def test_another_model_or_address_is_said() -> None:
    with chat_server(saying({})) as served:
        with pytest.raises(InputError, match=rf"model `other` is not offered by `.*`; offered: `{MODEL}`"):
            attributes(served.url, model="other").load()
        with pytest.raises(InputError, match=r"does not know the address or model .* mostly ends with /v1"):
            attributes(served.url.removesuffix("/v1")).load()
    assert served.requests == []


def test_a_model_that_is_gone_in_between_is_said_at_once() -> None:
    """What fails for all is not asked for every object."""
    gone = {"object": "error", "message": f"The model `{MODEL}` does not exist.", "code": 404}
    with chat_server(lambda *_: Reply(status=404, body=gone)) as served:
        model = attributes(served.url, max_concurrent=1)
        with pytest.raises(InputError, match="does not know the address or model"):
            model.annotate(asked(3, 3, 3, 3))
    assert len(served.requests) < 12


def test_where_a_server_is_does_not_change_the_result() -> None:
    one = attributes("http://one/v1", timeout=3, max_concurrent=2, retries=5, api_key_env="KEY").config
    assert one.told() == attributes("http://other/v1").config.told()
    assert one.told() != attributes("http://one/v1", seed=3).config.told()
    assert json.loads(one.told())["kind"] == "endpoint"
