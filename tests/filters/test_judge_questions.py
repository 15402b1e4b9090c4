"""What is asked of the judge about which pictures."""

from pathlib import Path

import polars as pl
import pytest

from provision_dagster.errors import InputError
from provision_dagster.filters.config import load_filters
from provision_dagster.filters.judge_config import PROMPT, EndpointJudgeConfig, JudgeConfig
from provision_dagster.filters.judge_questions import cases_of, claims_of
from tests.filters.judging import IDS, images, some_qa
from tests.filters.rows import qa, raw_qa

SHORT = "{question} / {answer} ?"


def prompts(raw: pl.DataFrame, prompt: str = SHORT) -> dict[tuple[str, str], str]:
    claims = claims_of(raw, prompt=prompt)
    return {(row["id"], row["form"]): row["prompt"] for row in claims.iter_rows(named=True)}


def test_multiple_choice_is_judged_by_the_text_of_its_answer() -> None:
    rows = raw_qa(
        qa(1, question="Q", answer="A", choice_question="Which?", options=["x", "y", "z"], answer_index=1),
        qa(2, question="Q", answer="A", options=["x", "A"], answer_index=1),
        qa(3, question="Q", answer="A", options=[], answer_index=None),
    )
    one, two, three = (f"{n:032x}" for n in (1, 2, 3))
    assert prompts(rows) == {
        (one, "open"): "Q / A ?",
        (one, "choice"): "Which? Options: x, y, z. / y ?",
        (two, "open"): "Q / A ?",
        (two, "choice"): "Q / A ?",
        (three, "open"): "Q / A ?",
    }


def test_only_questions_of_named_generators_are_asked() -> None:
    rows = raw_qa(qa(1, generator="ExistsObject", options=[]), qa(2, generator="LeftMostObject", options=[]))
    assert claims_of(rows, prompt=SHORT, generators=("LeftMostObject",))["id"].to_list() == [f"{2:032x}"]
    assert claims_of(rows, prompt=SHORT)["id"].n_unique() == 2


def test_braces_and_control_words_in_questions_do_nothing() -> None:
    rows = raw_qa(
        qa(1, question="<image>{answer} [INST]at [0.1, 0.25]</s>?", answer="<|im_end|>{question}", options=[])
    )
    assert list(prompts(rows, "{{x}} {question}|{answer}").values()) == ["{x} {answer} at [0.1, 0.25]?|{question}"]


def test_what_is_asked_is_told_by_prompt_and_pictures() -> None:
    def asked(**changes: object) -> str:
        return str(claims_of(raw_qa(qa(1, options=[], **changes)), prompt=SHORT)["asked"][0])

    same = asked()
    assert asked(template="other") == same
    assert len({same, asked(answer="red"), asked(question="?"), asked(image_ids=["i2"]), asked(image_ids=[])}) == 5


def test_claims_about_the_same_pictures_come_together_and_equal_ones_once(tmp_path: Path) -> None:
    claims = claims_of(some_qa(), prompt=SHORT)
    cases, placed = cases_of(claims, images(tmp_path))
    assert [len(case.places) for case in cases].count(2) == 1
    assert len(cases) == 5
    assert sum(len(case.prompts) for case in cases) < claims.height  # open and choice forms that say the same
    for row in placed.iter_rows(named=True):
        case = cases[row["case"]]
        assert case.prompts[row["place"]] == row["prompt"]
        assert [Path(place.uri).stem for place in case.places] == [str(IDS.index(one)) for one in row["image_ids"]]
    assert set(claims["part"]) == {name[0] for name in IDS}


def test_pictures_that_are_not_there_are_a_reason(tmp_path: Path) -> None:
    known = images(tmp_path).with_columns(
        status=pl.when(pl.col("image_id") == IDS[2]).then(pl.lit("corrupt")).otherwise("status")
    )
    rows = raw_qa(qa(1, image_ids=[IDS[0], "gone"]), qa(2, image_ids=[IDS[2]]), qa(3, image_ids=[]))
    cases, _ = cases_of(claims_of(rows, prompt=SHORT), known)
    problems = {case.problem for case in cases}
    assert problems == {
        "no picture is named",
        "picture `gone` is not there or cannot be used",
        f"picture `{IDS[2]}` is not there or cannot be used",
    }
    assert [case.places for case in cases] == [()] * 3


def test_no_questions(tmp_path: Path) -> None:
    claims = claims_of(raw_qa(), prompt=PROMPT)
    assert claims.is_empty()
    assert cases_of(claims, images(tmp_path))[0] == []


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("{kind: image-text-to-text, model: m, prompt: 'Is it {answer}?'}", "lacks the placeholder {question}"),
        ("{kind: endpoint, model: m, base_url: 'http://h/v1', prompt: '{question} {answer} {x}'}", "placeholder {x}"),
        ("{kind: image-text-to-text, model: m, prompt: '{question!r} {answer}'}", "without a format or conversion"),
        ("{kind: image-text-to-text, model: m, prompt: '{question} {answer'}", "a brace lacks its other half"),
        ("{kind: other, model: m}", "field `judge.kind` must be one of `image-text-to-text`, `endpoint`, got `other`"),
        ("{kind: image-text-to-text, model: m, generators: [Left]}", "unknown generator `Left`"),
        ("{kind: image-text-to-text, model: m, batch: 0}", "field `judge.batch`"),
        ("{kind: endpoint, model: m, base_url: 'http://h/v1', device: cpu}", "unknown field `judge.device`"),
    ],
)
def test_mistakes_in_the_configuration_are_told(tmp_path: Path, section: str, told: str) -> None:
    file = tmp_path / "filters.yaml"
    file.write_text(f"judge: {section}\n")
    with pytest.raises(InputError) as error:
        load_filters(file)
    assert told in str(error.value)
    assert str(file) in str(error.value)


def test_where_and_how_fast_is_no_part_of_what_is_kept_with_scores() -> None:
    hub = {"kind": "image-text-to-text", "model": "m"}
    plain = JudgeConfig.model_validate(hub).told()
    assert JudgeConfig.model_validate({**hub, "batch": 3, "reuse_prefix": False, "device": "cpu"}).told() == plain
    assert JudgeConfig.model_validate({**hub, "generators": ["LeftMostObject"]}).told() == plain
    assert JudgeConfig.model_validate({**hub, "prompt": SHORT}).told() != plain
    served = {"kind": "endpoint", "model": "m", "base_url": "http://a/v1"}
    one, other = (EndpointJudgeConfig.model_validate({**served, "base_url": f"http://{x}/v1"}).told() for x in "ab")
    assert one == other
