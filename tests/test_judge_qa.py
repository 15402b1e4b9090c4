"""A judge over shards: a row per form, kept from run to run, and only what is new is asked."""

import math
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from provision_dagster.filters.judge_config import EndpointJudgeConfig, JudgeConfig
from provision_dagster.filters.judge_plot import plot_p_yes, share_between
from provision_dagster.judge_qa import LoadedJudge, judge_questions, judge_shard, load_judge, unjudged
from provision_dagster.storage.contract import contract_problems
from provision_dagster.storage.store import Store
from tests.filters.judging import IDS, SHARD, images, some_qa
from tests.filters.rows import qa, raw_qa
from tests.scene_graphs.annotators import tiny_vlms
from tests.scene_graphs.annotators.chat_server import MODEL, Reply, Served, chat_server

PROMPT = "{question} {answer}"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = Store(tmp_path / "tables")
    opened.create_all()
    return opened


def answer(prompt: str, _: int) -> Reply:
    share = 1 / (1 + len(prompt))
    return Reply("Yes", listed={"Yes": math.log(share), "No": math.log(1 - share)})


def loaded(served: Served, **fields: Any) -> LoadedJudge:
    named = {"kind": "endpoint", "model": MODEL, "base_url": served.url, "retries": 0, "prompt": PROMPT}
    found = load_judge(EndpointJudgeConfig.model_validate({**named, **fields}))
    assert found is not None
    return found


def rows(store: Store) -> pl.DataFrame:
    return store.scan("judge_scores", partitions=SHARD).sort("id", "form").collect()


def test_every_form_has_a_row(tmp_path: Path, store: Store) -> None:
    raw, known = some_qa(), images(tmp_path / "p")
    with chat_server(answer) as served:
        judge = loaded(served)
        work, scored = judge_shard(judge, raw, images=known, shard=SHARD, store=store)
        found = rows(store)
        assert judge_questions(judge, raw, images=known).equals(found)
    assert scored == found.height == 9 + 6
    assert work.failed == 0
    assert contract_problems(found, spec=store.spec("judge_scores")).is_empty()
    assert {name: bad.height for name, bad in unjudged(found, raw, prompt=PROMPT).items() if bad.height} == {}
    by_form = {(row["id"], row["form"]): row for row in found.iter_rows(named=True)}
    for one in raw.iter_rows(named=True):
        texts = {"open": one["answer"]}
        if one["options"]:
            texts["choice"] = one["options"][one["answer_index"]]
        for form, text in texts.items():
            assert by_form[one["id"], form]["p_yes"] == pytest.approx(1 / (2 + len(one["question"]) + len(text)))
    assert found["model"].unique().to_list() == [f"{MODEL}@endpoint"]
    assert found["config"].unique().to_list() == [judge.config]


def test_what_is_scored_is_not_scored_again(tmp_path: Path, store: Store) -> None:
    raw, known = some_qa(), images(tmp_path / "p")
    with chat_server(answer) as served:
        judge = loaded(served)
        judge_shard(judge, raw, images=known, shard=SHARD, store=store)
        first, version, asked = rows(store), store.version("judge_scores"), len(served.requests)

        assert judge_shard(judge, raw, images=known, shard=SHARD, store=store)[1] == 0
        assert (len(served.requests), store.version("judge_scores")) == (asked, version)

        # a new question, one that is gone, and one in other words: of the others nothing is asked
        more = pl.concat([raw.filter(pl.col("id") != raw["id"][0]), raw_qa(qa(50, image_ids=[IDS[3]], options=[]))])
        changed = pl.when(pl.col("id") == raw["id"][5]).then(pl.lit("other")).otherwise("answer")
        _, scored = judge_shard(judge, more.with_columns(answer=changed), images=known, shard=SHARD, store=store)
        assert scored == 2
        assert len(served.requests) == asked + 2
        same = first.filter(~pl.col("id").is_in([raw["id"][0], raw["id"][5]]))
        assert rows(store).join(same, on=first.columns, how="semi", nulls_equal=True).height == same.height
        assert rows(store).height == first.height - 2 + 1

        other = loaded(served, prompt="{question} - {answer}")
        assert judge_shard(other, raw, images=known, shard=SHARD, store=store)[1] == first.height
        assert rows(store)["config"].unique().to_list() == [other.config]
        assert judge_shard(None, raw, images=known, shard=SHARD, store=store)[1] == 0
    assert rows(store).is_empty()


def test_a_run_that_was_cut_off_goes_on_where_it_stopped(tmp_path: Path, store: Store) -> None:
    raw, known = some_qa(), images(tmp_path / "p")
    state = {"broken": True}

    def failing(prompt: str, before: int) -> Reply:
        # questions 2 and 6 are about the third picture, whose part is the second of four
        if state["broken"] and ("dog 2" in prompt or "dog 6" in prompt):
            return Reply("gone", status=404)
        return answer(prompt, before)

    with chat_server(failing) as served:
        judge = loaded(served)
        with pytest.raises(Exception, match="does not know the address or model"):
            judge_shard(judge, raw, images=known, shard=SHARD, store=store)
        kept = rows(store)
        assert kept["part"].unique().to_list() == ["0"]
        state["broken"] = False
        _, scored = judge_shard(judge, raw, images=known, shard=SHARD, store=store)
    assert scored == 15 - kept.height
    assert rows(store).height == 15
    assert rows(store).join(kept, on=kept.columns, how="semi", nulls_equal=True).height == kept.height


def test_rows_with_an_error_are_asked_again(tmp_path: Path, store: Store) -> None:
    raw, known = some_qa(), images(tmp_path / "p")
    state = {"broken": True}

    def failing(prompt: str, before: int) -> Reply:
        return Reply("no") if state["broken"] and "dog 5" in prompt else answer(prompt, before)

    with chat_server(failing) as served:
        judge = loaded(served)
        judge_shard(judge, raw, images=known, shard=SHARD, store=store)
        assert rows(store)["error"].null_count() == 14
        assert rows(store)["p_yes"].null_count() == 1
        state["broken"] = False
        assert judge_shard(judge, raw, images=known, shard=SHARD, store=store)[1] == 1
    assert rows(store)["error"].null_count() == 15


def test_no_judge_is_no_work(tmp_path: Path, store: Store) -> None:
    assert load_judge(None) is None
    version = store.version("judge_scores")
    work, scored = judge_shard(None, some_qa(), images=images(tmp_path / "p"), shard=SHARD, store=store)
    assert (work.pictures, scored) == (0, 0)
    assert store.version("judge_scores") == version
    assert unjudged(rows(store), some_qa(), prompt=None)["form_not_judged"].is_empty()


def test_a_model_of_transformers_fills_a_shard(tmp_path: Path, store: Store) -> None:
    tiny_vlms.llava(tmp_path / "llava")
    named = {"kind": "image-text-to-text", "model": str(tmp_path / "llava"), "device": "cpu", "prompt": PROMPT}
    judge = load_judge(JudgeConfig.model_validate(named))
    work, scored = judge_shard(judge, some_qa(), images=images(tmp_path / "p"), shard=SHARD, store=store)
    found = rows(store)
    assert judge is not None
    assert (scored, found["error"].null_count(), work.pictures) == (15, 15, 5)
    assert found["model"].unique().to_list() == [judge.model]
    assert judge.model.startswith("llava@sha256:")
    # equal texts about equal pictures have equal scores, others have not
    texts = found.group_by("asked").agg(pl.col("p_yes").n_unique())
    assert texts["p_yes"].unique().to_list() == [1]
    assert found["p_yes"].n_unique() == texts.height


def test_what_is_wrong_with_scores_is_named(tmp_path: Path) -> None:
    raw, known = some_qa(), images(tmp_path / "p")
    with chat_server(answer) as served:
        found = judge_questions(loaded(served), raw, images=known)
    bad = {
        "form_not_judged": found[1:],
        "form_from_nowhere": found.with_columns(id=pl.lit("x") + pl.col("id")).head(1),
        "question_changed_since": found.with_columns(asked=pl.lit("0")).head(1),
        "score_without_reason": found.with_columns(p_yes=pl.lit(None, dtype=pl.Float64)).head(1),
        "no_probability": found.with_columns(p_yes=pl.lit(float("nan"))).head(1),
    }
    for rule, some in bad.items():
        assert unjudged(some, raw, prompt=PROMPT)[rule].height == 1
    assert unjudged(found, raw, prompt=None)["form_from_nowhere"].height == found.height


def test_the_share_of_hard_questions_and_their_histogram() -> None:
    frame = pl.DataFrame({"p_yes": [0.1, 0.5, 0.69, 0.7, 0.9, None], "form": ["open", "choice"] * 3})
    assert share_between(frame, low=0.5, high=0.7) == pytest.approx(2 / 5)
    assert share_between(frame.clear(), low=0.5, high=0.7) is None
    drawn = plot_p_yes(frame, threshold=0.7, hard=0.5)
    assert drawn is not None
    assert drawn.startswith(b"\x89PNG")
    assert plot_p_yes(frame, threshold=0.7, hard=0.5) == drawn
    assert plot_p_yes(frame.with_columns(p_yes=0.2), threshold=0.7, hard=0.5) != drawn
    assert plot_p_yes(frame.clear(), threshold=0.7, hard=0.5) is None
