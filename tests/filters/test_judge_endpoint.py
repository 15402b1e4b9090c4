"""Judges behind a server: a real one on this machine, well behaved and not."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.filters.judge_config import EndpointJudgeConfig
from provision_dagster.filters.judge_endpoint import EndpointJudge
from provision_dagster.filters.judge_questions import Case
from provision_dagster.scene_graphs.annotators.opening import Place
from provision_dagster.scene_graphs.annotators.working import IN_A_ROW, AnnotatorError, Work
from tests.filters.judging import cases, pictures, sure
from tests.scene_graphs.annotators.chat_server import MODEL, Reply, chat_server


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[Place]:
    return pictures(tmp_path_factory.mktemp("pictures"))


def judge(url: str, **fields: Any) -> EndpointJudge:
    named = {"kind": "endpoint", "model": MODEL, "base_url": url, "retries": 1, "encoding": "png"}
    return EndpointJudge(EndpointJudgeConfig.model_validate({**named, **fields}))


def saying(share: float, other: float | None = None) -> Reply:
    """Answer Yes with a probability."""
    return Reply("Yes", listed={"Yes": math.log(share), "No": math.log(1 - share if other is None else other)})


def by_length(prompt: str, _: int) -> Reply:
    return saying(1 / (1 + len(prompt)))


def test_every_question_has_its_own_answer(places: list[Place]) -> None:
    asked = cases(places)
    with chat_server(by_length) as served:
        found = judge(served.url, max_concurrent=3).judge(asked, work=Work())
    assert sure(found) == pytest.approx([1 / (1 + len(prompt)) for case in asked for prompt in case.prompts])
    assert served.at_once <= 3


def test_what_is_sent(places: list[Place]) -> None:
    with chat_server(by_length) as served:
        judge(served.url, seed=7, longest_side=45).judge([Case((places[1], places[0]), ("a?",))], work=Work())
    (request,) = served.requests
    sent = {name: request[name] for name in ("model", "temperature", "seed", "max_tokens", "logprobs", "top_logprobs")}
    assert sent == {
        "model": MODEL, "temperature": 0, "seed": 7, "max_tokens": 1, "logprobs": True, "top_logprobs": 20,
    }  # fmt: skip
    assert served.prompts() == ["a?"]
    (views,) = served.all_views()
    assert [view.size for view in views] == [(25, 45), (45, 34)]
    expected = Image.open(places[1].uri).resize((25, 45), Image.Resampling.BICUBIC)
    assert np.array_equal(np.asarray(views[0].convert("RGB")), np.asarray(expected))


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply("It is so", listed={"It": -0.1, "Yes": -3.0}), "no token of No among the 2 likeliest: 'It', 'Yes'"),
        (Reply("It is so", listed={"It": -0.1}), "no token of Yes or No among the 1 likeliest: 'It'"),
        (Reply("Yes"), "holds no probabilities of tokens"),
        (Reply("Yes", listed={}), "holds no probabilities of tokens"),
        (Reply("Yes", listed={"Yes": "high"}), "'high' as the logarithm of a probability of 'Yes'"),
        (Reply("Yes", listed={"Yes": 0.5, "No": -1.0}), "0.5 as the logarithm of a probability of 'Yes'"),
        (Reply("Yes", listed={"Yes": None, "No": -1.0}), "None as the logarithm of a probability"),
        (Reply(body={"choices": []}), "holds no probabilities of tokens"),
        (Reply(body={"object": "chat.completion"}), "holds no probabilities of tokens"),
        (Reply(body={"choices": [{"logprobs": {"content": [{"token": "Yes"}]}}]}), "holds no probabilities of tokens"),
        (Reply(body=[1, 2]), "holds no probabilities of tokens"),
        (Reply(body=b"<html>"), "server"),
        (Reply("cannot", status=400), "cannot"),
    ],
)
def test_malformed_answers_are_reasons_and_the_others_go_on(places: list[Place], reply: Reply, told: str) -> None:
    asked = [Case((place,), (f"good {n}?", f"bad {n}?")) for n, place in enumerate(places)]
    with chat_server(lambda prompt, _: reply if "bad" in prompt else saying(0.7)) as served:
        found = judge(served.url).judge(asked, work=Work())
    assert [good.p_yes for good, _ in found] == [pytest.approx(0.7)] * len(places)
    for _, bad in found:
        assert bad.p_yes is None
        assert told in str(bad.error)


def test_a_server_that_is_busy_is_asked_again(places: list[Place]) -> None:
    with chat_server(lambda _, before: saying(0.25, 0.25) if before else Reply("busy", status=429)) as served:
        found = judge(served.url).judge([Case((places[0],), ("a?", "b?"))], work=Work())
    assert sure(found) == [0.5, 0.5]
    assert len(served.requests) == 4


def test_what_fails_for_every_question_ends_the_work(places: list[Place]) -> None:
    many = [Case((places[0],), tuple(map(str, range(200))))]
    with (
        chat_server(lambda *_: Reply("Yes")) as served,
        pytest.raises(AnnotatorError, match=f"failed on {IN_A_ROW} pictures one after the other; .*no probabilities"),
    ):
        judge(served.url, max_concurrent=2).judge(many, work=Work())
    assert len(served.requests) < 100
    refusing: Callable[..., Reply] = lambda *_: Reply("no such model", status=404)  # noqa: E731
    with chat_server(refusing) as served, pytest.raises(InputError, match="does not know the address or model"):
        judge(served.url, max_concurrent=2).judge(many, work=Work())
    assert len(served.requests) < 100


def test_pictures_that_cannot_be_opened_are_not_sent(places: list[Place], tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    lost = Case((), ("a?",), "picture `p` is not there or cannot be used")
    work = Work()
    with chat_server(by_length) as served:
        found = judge(served.url).judge([Case((Place(0, str(bad)),), ("a?",)), lost, *cases(places)], work=work)
    assert found[0][0].error is not None
    assert found[1][0].error == lost.problem
    assert len(served.requests) == len(sure(found[2:]))
