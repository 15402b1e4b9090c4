"""Judges on this machine: tiny models of real architectures, saved, and loaded as real ones are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from provision_dagster.errors import InputError
from provision_dagster.filters.judge_config import JudgeConfig
from provision_dagster.filters.judge_inputs import common
from provision_dagster.filters.judge_model import HubJudge
from provision_dagster.filters.judge_prefix import Prefix
from provision_dagster.filters.judge_questions import Case
from provision_dagster.scene_graphs.annotators.opening import Place
from provision_dagster.scene_graphs.annotators.working import IN_A_ROW, AnnotatorError, Work
from tests.filters.judging import cases, pictures, sure
from tests.scene_graphs.annotators import tiny_vlms

FAMILIES = ["llava", "qwen2_vl", "fuyu"]
CHATS = FAMILIES[:2]
CLOSE = 1e-5
"""Between two ways to add up the same numbers in float32."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judges")
    for name in FAMILIES:
        getattr(tiny_vlms, name)(folder / name)
    return folder


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[Place]:
    return pictures(tmp_path_factory.mktemp("pictures"))


def judge(models: Path, name: str, **fields: Any) -> HubJudge:
    named = {"kind": "image-text-to-text", "model": str(models / name), "device": "cpu"}
    return HubJudge(JudgeConfig.model_validate({**named, **fields}))


def about(places: list[Place], name: str) -> list[Case]:
    """Cases that a model takes: Fuyu takes one picture."""
    return [case for case in cases(places) if name != "fuyu" or len(case.places) == 1]


@pytest.mark.parametrize("name", FAMILIES)
def test_batches_and_shared_prefixes_change_nothing(models: Path, places: list[Place], name: str) -> None:
    asked = about(places, name)
    alone = sure(judge(models, name, batch=1, reuse_prefix=False).judge(asked, work=Work()))
    assert len(set(alone)) == len(alone)  # what is asked, and of which picture, counts
    for batch in (1, 2, 16):
        together = judge(models, name, batch=batch, reuse_prefix=False)
        assert sure(together.judge(asked, work=Work())) == pytest.approx(alone, abs=CLOSE)
        assert together.prefix.startswith("not reused: `reuse_prefix`")
        shared = judge(models, name, batch=batch)
        assert sure(shared.judge(asked, work=Work())) == pytest.approx(alone, abs=CLOSE)
        assert shared.prefix.startswith("reused (log odds")


@pytest.mark.parametrize("name", FAMILIES)
def test_the_order_changes_nothing(models: Path, places: list[Place], name: str) -> None:
    asked = about(places, name)
    found = judge(models, name, batch=3).judge(asked, work=Work())
    turned = [Case(case.places, case.prompts[::-1]) for case in reversed(asked)]
    again = judge(models, name, batch=3).judge(turned, work=Work())
    assert sure([case[::-1] for case in reversed(again)]) == pytest.approx(sure(found), abs=CLOSE)


@pytest.mark.parametrize("name", CHATS)
def test_several_pictures_count_in_their_order(models: Path, places: list[Place], name: str) -> None:
    shown = [Case(tuple(places[n] for n in one), ("x?",)) for one in ([0, 1], [1, 0], [0], [0, 1, 2])]
    assert len(set(np.round(sure(judge(models, name).judge(shown, work=Work())), 4))) == 4


def test_yes_and_no_are_the_models_own_logits(models: Path, places: list[Place]) -> None:
    """LLaVA, one question, without any of the judge's own code: softmax over the letters that begin Yes and No."""
    folder, (place, *_) = models / "llava", places
    processor, network = AutoProcessor.from_pretrained(folder), AutoModelForImageTextToText.from_pretrained(folder)
    content = [{"type": "image", "image": Image.open(place.uri)}, {"type": "text", "text": "Is it so?"}]
    inputs = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
    )  # fmt: skip
    with torch.inference_mode():
        logits = network(**inputs).logits[0, -1].double()
    pair = logits[processor.tokenizer.convert_tokens_to_ids(["Y", "N"])]
    ((found, other),) = judge(models, "llava").judge([Case((place,), ("Is it so?", "Is it?"))], work=Work())
    assert found.p_yes == pytest.approx(float(pair.softmax(0)[0]), abs=CLOSE)
    assert found.mass == pytest.approx(float(pair.exp().sum() / logits.exp().sum()), abs=CLOSE)
    assert other.p_yes != found.p_yes


def test_prompts_behind_a_picture_are_tokenized_alone_where_that_is_right(models: Path, places: list[Place]) -> None:
    """The pictures of a case are brought into the model's form once, not once per prompt."""
    one = judge(models, "qwen2_vl")
    one.load()
    calls: list[int] = []
    processor = one._writer._processor.image_processor
    counted = type(processor).__call__

    class Counted(type(processor)):  # type: ignore[misc]
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            calls.append(1)
            return counted(self, *args, **kwargs)

    processor.__class__ = Counted
    shown = tuple(Image.open(place.uri).convert("RGB") for place in places[:1])
    one._writer.shared(shown, ["a", "b"])
    first = len(calls)
    written = one._writer.shared(shown, [f"prompt {n}" for n in range(20)])
    assert len(calls) - first == first - 1  # the first time one more, to see whether it is right
    whole = [one._writer.batch([(shown, f"prompt {n}")])["input_ids"][0].tolist() for n in range(20)]
    assert written.rows == whole
    assert [row[: written.length] for row in whole] == [whole[0][: written.length]] * 20


def test_an_architecture_that_does_not_allow_it_is_found_out(
    models: Path, places: list[Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where what comes later changes what was read before: the answers are those of whole questions."""
    alone = sure(judge(models, "llava", reuse_prefix=False).judge(cases(places), work=Work()))
    right = Prefix.logits
    slope = torch.linspace(0, 40, 1000)
    monkeypatch.setattr(Prefix, "logits", lambda self, rows: (found := right(self, rows)) + slope[: found.shape[1]])
    one = judge(models, "llava")
    assert sure(one.judge(cases(places), work=Work())) == pytest.approx(alone, abs=CLOSE)
    assert "not reused, the architecture does not allow it: log odds were" in one.prefix

    def broken(self: Prefix, rows: Any) -> Any:
        raise NotImplementedError("this cache cannot be repeated")

    monkeypatch.setattr(Prefix, "logits", broken)
    other = judge(models, "llava")
    assert sure(other.judge(cases(places), work=Work())) == pytest.approx(alone, abs=CLOSE)
    assert other.prefix.endswith("NotImplementedError: this cache cannot be repeated")


@pytest.mark.parametrize("share", [True, False])
def test_where_memory_runs_out_fewer_are_asked_at_a_time(
    models: Path, places: list[Place], monkeypatch: pytest.MonkeyPatch, share: bool
) -> None:
    asked = cases(places)
    alone = sure(judge(models, "llava", batch=1, reuse_prefix=False).judge(asked, work=Work()))
    one = judge(models, "llava", batch=16, reuse_prefix=share)
    one.load()
    generate = one._network.generate

    def small(**inputs: Any) -> Any:
        if len(inputs["input_ids"]) > 2:
            raise RuntimeError("CUDA out of memory")
        return generate(**inputs)

    monkeypatch.setattr(one._network, "generate", small)
    assert sure(one.judge(asked, work=Work())) == pytest.approx(alone, abs=CLOSE)
    assert one._batch <= 2


def test_what_fails_has_its_reason_and_the_others_go_on(
    models: Path, places: list[Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(Path(places[0].uri).read_bytes()[:200])
    missing = Case((), ("gone?", "gone too?"), "picture `p` is not there or cannot be used")
    broken = [Case((Place(0, str(bad)),), (f"{n}?",) * n) for n in (1, 2)]
    one, work = judge(models, "llava", batch=4), Work()
    found = one.judge([*broken, *cases(places), missing], work=work)
    assert sure(found[2:-1]) == pytest.approx(sure(judge(models, "llava").judge(cases(places), work=Work())), abs=CLOSE)
    assert {answer.error for case in found[:2] for answer in case} == {found[0][0].error}
    assert str(found[0][0].error).startswith(("corrupt: ", "truncated: "))
    assert [answer.error for answer in found[-1]] == [missing.problem] * 2
    assert work.failed == 3

    first = one._network.generate
    odd = one._writer.tokenizer("one?", add_special_tokens=False)["input_ids"]

    def picky(**inputs: Any) -> Any:
        if any(" ".join(map(str, odd)) in " ".join(map(str, row)) for row in inputs["input_ids"].tolist()):
            raise ValueError("not this one")
        return first(**inputs)

    monkeypatch.setattr(one._network, "generate", picky)
    again = one.judge(cases(places), work=Work())
    reasons = [answer.error for case in again for answer in case]
    assert [reason for reason in reasons if reason] == ["ValueError: not this one"] * 2
    monkeypatch.setattr(one._network, "generate", lambda **_: 1 / 0)
    with pytest.raises(AnnotatorError, match=f"failed on {IN_A_ROW} pictures one after the other"):
        one.judge([Case(tuple(places[:1]), tuple(map(str, range(40))))], work=Work())


def test_fuyu_takes_one_picture(models: Path, places: list[Place]) -> None:
    (one,), (two,) = judge(models, "fuyu").judge(
        [Case(tuple(places[:1]), ("a?",)), Case(tuple(places[:2]), ("a?",))], work=Work()
    )
    assert one.error is None
    assert two.error == "the model takes 1 picture per question, the question is about 2"


def test_large_pictures_are_scaled_down(models: Path, tmp_path: Path) -> None:
    file, small = tmp_path / "large.png", tmp_path / "small.png"
    large = Image.effect_noise((300, 200), 90).convert("RGB")
    large.save(file)
    large.resize((60, 40), Image.Resampling.BICUBIC).save(small)
    one = judge(models, "qwen2_vl", longest_side=60)
    found = sure(one.judge([Case((Place(0, str(path)),), ("a?",)) for path in (file, small)], work=Work()))
    assert found[0] == pytest.approx(found[1], abs=CLOSE)


def test_a_model_without_a_chat_template_is_refused(models: Path, tmp_path: Path) -> None:
    tiny_vlms.llava(tmp_path / "plain")
    for file in tmp_path.glob("plain/chat_template*"):
        file.unlink()
    with pytest.raises(InputError, match=r"no chat template.*or one of type `fuyu`"):
        judge(tmp_path, "plain").load()


@pytest.mark.parametrize(
    ("rows", "length"),
    [
        ([[1, 2, 3], [1, 2, 4]], 2),
        ([[1, 2], [1, 2]], 1),
        ([[1, 2, 3], [1, 2]], 1),
        ([[5], [1]], 0),
        ([[1, 9, 1], [1, 3, 1], [1, 9, 2]], 1),
    ],
)
def test_what_all_rows_begin_with_leaves_each_a_token(rows: list[list[int]], length: int) -> None:
    assert common(rows) == length
