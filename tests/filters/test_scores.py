"""Rules that read scores and licences: what is below a threshold goes, and what was not scored stays."""

from typing import Any

import polars as pl
import pytest

from provision_dagster.errors import InputError, SchemaError
from provision_dagster.filters.config import FilterConfig
from provision_dagster.filters.filter_qa import filter_qa
from provision_dagster.filters.schema import SCORES
from tests.filters.rows import images, qa, raw_qa, scene_graphs

NAN = float("nan")


def identity(number: int) -> str:
    return f"{number:032x}"


def table(name: str, *rows: dict[str, Any]) -> dict[str, pl.DataFrame]:
    return {name: pl.DataFrame([{"shard": "s-00000"} | row for row in rows], schema=SCORES[name])}


def rejected(scores: dict[str, pl.DataFrame], *rows: dict[str, Any], **settings: Any) -> list[tuple[Any, ...]]:
    """What goes, as (number, rule, score, threshold, model, detail); what stays is checked to be the rest."""
    raw = raw_qa(*(rows or (qa(1), qa(2), qa(3))))
    kept, gone = filter_qa(
        raw, images=images(), scene_graphs=scene_graphs(), scores=scores, config=FilterConfig(**settings)
    )
    assert sorted([*kept["id"], *gone["id"]]) == sorted(raw["id"])
    told = gone.select("id", "rule", "score", "threshold", "model", "detail").rows()
    return [(int(row[0], 16), *row[1:]) for row in told]


def region(number: int, cosine: float | None, expression: str = "brown dog") -> dict[str, Any]:
    return {"id": identity(number), "expression": expression, "cosine": cosine, "model": "clip@1"}


def judged(number: int, p_yes: float | None, form: str = "open") -> dict[str, Any]:
    return {"id": identity(number), "form": form, "p_yes": p_yes, "model": "fuyu@1"}


def test_regions_that_fit_badly_go() -> None:
    found = rejected(
        table("region_text_scores", region(1, 0.25), region(2, 0.2499), region(3, None)), min_region_text_cosine=0.25
    )
    assert found == [(2, "region_text", 0.2499, 0.25, "clip@1", '"brown dog" fits its region with a cosine of 0.250')]


def test_of_several_regions_the_worst_counts() -> None:
    found = rejected(table("region_text_scores", region(1, 0.9), region(1, 0.1, "cat")), min_region_text_cosine=0.25)
    assert [(row[0], row[2], row[5]) for row in found] == [(1, 0.1, '"cat" fits its region with a cosine of 0.100')]


def test_what_the_judge_does_not_believe_goes() -> None:
    found = rejected(table("judge_scores", judged(1, 0.7), judged(2, 0.5), judged(3, 0.49, "choice")))
    assert found == [
        (2, "judge", 0.5, 0.7, "fuyu@1", "hard: the judge says Yes to the open form with a probability of 0.500"),
        (3, "judge", 0.49, 0.7, "fuyu@1", "false: the judge says Yes to the choice form with a probability of 0.490"),
    ]


def test_of_two_forms_the_worse_counts() -> None:
    found = rejected(table("judge_scores", judged(1, 0.9), judged(1, 0.2, "choice"), judged(2, 0.9)))
    assert [row[:3] for row in found] == [(1, "judge", 0.2)]


@pytest.mark.parametrize("score", [None, NAN])
def test_without_a_score_there_is_no_verdict(score: float | None) -> None:
    scores = table("judge_scores", judged(1, score)) | table("region_text_scores", region(2, score))
    assert rejected(scores) == []
    assert rejected({}) == []


def duplicate(method: str, distance: float, number: int = 2, of: int = 1) -> dict[str, Any]:
    return {"kind": "question", "id": identity(number), "of": identity(of), "method": method, "distance": distance}


def test_near_duplicate_questions_go() -> None:
    found = rejected(table("duplicates", duplicate("minhash", 0.05), duplicate("exact", 0.0, number=3)))
    assert found == [
        (2, "near_duplicate", 0.05, None, None, f"the question is nearly {identity(1)} (minhash)"),
        (3, "near_duplicate", 0.0, None, None, f"the question is nearly {identity(1)} (exact)"),
    ]


@pytest.mark.parametrize(
    ("method", "field"),
    [
        ("phash", "near_duplicate_phash_bits"),
        ("embedding", "near_duplicate_embedding"),
        ("minhash", "near_duplicate_minhash"),
    ],
)
def test_a_threshold_narrows_what_counts_as_near(method: str, field: str) -> None:
    scores = table("duplicates", duplicate(method, 0.5, 2), duplicate(method, 0.25, 3))
    assert [row[0] for row in rejected(scores)] == [2, 3]
    assert [row[:4] for row in rejected(scores, **{field: 0.25})] == [(3, "near_duplicate", 0.25, 0.25)]


@pytest.mark.parametrize(
    ("broken", "kept"), [((), 1), ((1,), 2), ((1, 2), 3), ((2,), 1), ((1, 2, 3), None)], ids=lambda value: str(value)
)
def test_of_near_duplicates_one_stays_whatever_else_is_rejected(broken: tuple[int, ...], kept: int | None) -> None:
    """Were the question that is kept rejected by an earlier rule, and its copies for its sake, none would be left."""
    copies = [duplicate("minhash", 0.04, number) for number in (2, 3)]
    scores = table("duplicates", *copies) | table("judge_scores", *(judged(number, 0.1) for number in broken))
    found = rejected(scores, qa(3), qa(1), qa(2))
    sound = {1, 2, 3} - set(broken)
    assert [row[:2] for row in found if row[1] == "judge"] == [(number, "judge") for number in broken]
    near = [row for row in found if row[1] == "near_duplicate"]
    assert {row[0] for row in near} == sound - {kept}
    assert all(row[5] == f"the question is nearly {identity(kept or 0)} (minhash)" for row in near)


def test_a_question_whose_copy_is_gone_stays() -> None:
    assert rejected(table("duplicates", duplicate("exact", 0.0, of=9)), qa(2)) == []


def test_copies_about_a_copied_picture_all_go() -> None:
    """The picture's own questions are elsewhere: none stands in for another here."""
    picture = {"kind": "picture", "id": "i1", "of": "i2", "method": "phash", "distance": 2.0}
    scores = table("duplicates", duplicate("exact", 0.0), picture) | table("judge_scores", judged(1, 0.1))
    assert [row[:2] for row in rejected(scores, qa(1), qa(2))] == [(1, "judge"), (2, "near_duplicate")]


def test_questions_about_a_near_duplicate_picture_go() -> None:
    scores = table("duplicates", {"kind": "picture", "id": "i2", "of": "i1", "method": "phash", "distance": 2.0})
    several = qa(2, image_ids=["i1", "i2"])
    found = rejected(scores, qa(1), several)
    assert found == [(2, "near_duplicate", 2.0, None, None, "the picture is nearly i1 (phash)")]


def contaminated(kind: str, name: str, method: str, score: float) -> dict[str, Any]:
    return {"kind": kind, "id": name, "benchmark": "MMBench", "method": method, "score": score}


def test_what_stands_in_a_benchmark_goes() -> None:
    picture = contaminated("picture", "i2", "sha256", 1.0)
    text = contaminated("question", identity(1), "ngram", 0.4)
    found = rejected(table("contamination", picture, text), qa(1), qa(2, image_ids=["i1", "i2"]), qa(3))
    assert found == [
        (1, "contaminated", 0.4, None, None, "the question stands in the benchmark MMBench (ngram)"),
        (2, "contaminated", 1.0, None, None, "the picture stands in the benchmark MMBench (sha256)"),
    ]


def test_a_threshold_narrows_what_counts_as_contaminated() -> None:
    scores = table(
        "contamination",
        contaminated("question", identity(1), "ngram", 0.4),
        contaminated("question", identity(2), "ngram", 0.8),
        contaminated("question", identity(3), "phash", 0.9),
    )
    found = rejected(scores, contaminated_ngram=0.5, contaminated_phash=0.95)
    assert [row[:4] for row in found] == [(2, "contaminated", 0.8, 0.5)]


def licensed(**licences: str | None) -> pl.DataFrame:
    known = pl.col("image_id").replace_strict(licences, default=None, return_dtype=pl.String)
    return images().with_columns(license=known)


@pytest.mark.parametrize(
    ("licences", "settings", "detail"),
    [
        ({"i1": None}, {}, None),
        ({"i1": "CC BY-NC 4.0"}, {}, None),
        ({"i1": "CC BY 4.0 "}, {"allowed_licences": ("cc by 4.0",)}, None),
        ({"i1": None}, {"denied_licences": ("cc by-nc 4.0",)}, None),
        ({"i1": None}, {"allowed_licences": ("cc by 4.0",)}, "image i1 has no known licence"),
        (
            {"i1": "GPL"},
            {"allowed_licences": ("CC BY 4.0",)},
            'image i1 has the licence "gpl", which is not allowed',
        ),
        (
            {"i1": "CC BY-NC 4.0"},
            {"denied_licences": ("cc by-nc 4.0",)},
            'image i1 has the denied licence "cc by-nc 4.0"',
        ),
        (
            {"i1": "GPL"},
            {"allowed_licences": ("gpl",), "denied_licences": ("gpl",)},
            'image i1 has the denied licence "gpl"',
        ),
    ],
)
def test_licences(licences: dict[str, str | None], settings: dict[str, Any], detail: str | None) -> None:
    _, gone = filter_qa(
        raw_qa(qa(1)), images=licensed(**licences), scene_graphs=scene_graphs(), config=FilterConfig(**settings)
    )
    assert gone.select("rule", "detail").rows() == ([("licence", detail)] if detail else [])


def test_of_several_pictures_each_needs_a_licence() -> None:
    made = licensed(i1="cc by", i2="gpl")
    asked = raw_qa(qa(1), qa(2, image_ids=["i1", "i2"]))
    config = FilterConfig(allowed_licences=("cc by",))
    kept, gone = filter_qa(asked, images=made, scene_graphs=scene_graphs(), config=config)
    assert (kept["id"].to_list(), gone["rule"].to_list()) == ([identity(1)], ["licence"])


def test_what_a_model_rejects_displaces_nothing() -> None:
    """A pair that the judge rejects is no longer compared: its copy stays, and its contradiction is believed."""
    same = {"question": "What is it?"}
    found = rejected(table("judge_scores", judged(1, 0.1)), qa(1, **same), qa(2, **same, answer="black"))
    assert [row[:2] for row in found] == [(1, "judge")]


def test_the_rules_that_read_scores_come_in_their_order() -> None:
    scores = (
        table("contamination", contaminated("question", identity(1), "ngram", 1.0))
        | table("region_text_scores", region(1, 0.0))
        | table("judge_scores", judged(1, 0.0))
        | table("duplicates", duplicate("minhash", 0.0, number=1))
    )
    order = []
    for name in ("contamination", "region_text_scores", "judge_scores", "duplicates"):
        order += [row[1] for row in rejected(scores, qa(1))]
        del scores[name]
    assert order == ["contaminated", "region_text", "judge", "near_duplicate"]


def test_tables_of_other_names_or_columns_are_refused() -> None:
    with pytest.raises(InputError, match=r"`scores` must be among .*'judge_scores'.*, got \['judge'\]"):
        rejected({"judge": pl.DataFrame()})
    with pytest.raises(SchemaError, match=r"table `judge_scores`: missing columns \['p_yes'\]"):
        rejected({"judge_scores": pl.DataFrame(schema=SCORES["judge_scores"]).drop("p_yes")})
