"""Faults are what they claim to be: wrong by the independent checker, alike, out of balance; the ledger has each."""

import numpy as np
import polars as pl
import pytest

from provision_dagster.fault_thresholds import Questions, questions_of, scenes_spec
from provision_dagster.filters.duplicates.questions import duplicate_questions
from provision_dagster.filters.faults import inject as kinds
from provision_dagster.filters.faults.answers import ATTRIBUTES, wrong_answers, wrong_attributes, wrong_options
from provision_dagster.filters.faults.balance import PREVAILS
from provision_dagster.filters.faults.copies import copied, reworded
from provision_dagster.filters.faults.inject import Faulty, Plan, inject
from provision_dagster.filters.faults.labels import WORD, drifted_graphs, rarest_labels
from provision_dagster.filters.faults.regions import PRINTED, wrong_regions
from provision_dagster.filters.filter_qa import filter_qa
from provision_dagster.generators.audit.frame import audit_frame
from provision_dagster.lexicon import Lexicon
from provision_dagster.samples.rendering import render_scenes

MIN_SIDE = 20
SOUND = ("qa_attribute", "qa_object", "qa_multi_select")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Questions:
    """Questions about twelve scenes."""
    path = render_scenes(tmp_path_factory.mktemp("scenes"), n=12, seed=9)
    return questions_of(scenes_spec(path, name="scenes", shard_size=20), generators=SOUND)


def luck(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def wrong(qa: pl.DataFrame, asked: Questions) -> int:
    """How many the checker finds wrong, from the meaning of their texts."""
    return audit_frame(qa, asked.scene_graphs, lexicon=Lexicon.load()).total("wrong")


def changed(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    return after.join(before, on="id", suffix="_before")


def test_what_is_right_before_is_wrong_after(asked: Questions) -> None:
    assert wrong(asked.qa, asked) == 0
    answers = wrong_options(asked.qa, rng=luck())
    assert answers.height > asked.qa.height / 2
    assert wrong(answers, asked) == answers.height
    more = wrong_answers(asked.qa, lexicon=Lexicon.load(), rng=luck())
    assert answers.height < more.height == more["id"].n_unique() == wrong(more, asked)
    attributes = wrong_attributes(asked.qa, lexicon=Lexicon.load(), rng=luck())
    assert wrong(attributes, asked) == attributes.height
    pairs = changed(asked.qa, attributes)
    assert set(pairs["generator"]) == set(ATTRIBUTES)
    # one word, of one category
    words = pairs.select(
        new=pl.col("answer")
        .str.extract_all(r"\w+")
        .list.set_difference(pl.col("answer_before").str.extract_all(r"\w+")),
        old=pl.col("answer_before")
        .str.extract_all(r"\w+")
        .list.set_difference(pl.col("answer").str.extract_all(r"\w+")),
    )
    assert set(words.select(pl.all().list.len()).unique().rows()) == {(1, 1)}
    flat = words.select(pl.all().list.first())
    categories = [Lexicon.load().attributes(flat[name])["attribute", "category"] for name in flat.columns]
    told = [flat[name].replace_strict(*known) for name, known in zip(flat.columns, categories, strict=True)]
    assert told[0].to_list() == told[1].to_list()
    assert "size" not in told[0]


def test_a_wrong_region_shows_something_else(asked: Questions) -> None:
    regions = wrong_regions(asked.qa, scene_graphs=asked.scene_graphs, min_side_px=MIN_SIDE, rng=luck())
    assert regions.height > 30
    assert wrong(regions, asked) == regions.height
    each = asked.scene_graphs.select("image_id", object="objects").explode("object").unnest("object")
    pointed = changed(asked.qa, regions).with_columns(
        image_id=pl.col("image_ids").list.first(), box=pl.col("evidence").struct.field("boxes").list.first()
    )
    seen = pointed.join(each.select("image_id", "box", "label"), on=["image_id", "box"])
    assert seen["id"].n_unique() == regions.height
    assert seen.filter(pl.col("label") == pl.col("metadata").struct.field("objects").list.first()).is_empty()
    outside = [pl.col(name).str.replace_all(PRINTED, "") for name in ("question", "question_before")]
    assert pointed.select((outside[0] == outside[1]).all()).item()
    shortest = pointed.select(
        pl.min_horizontal(pl.col("box").struct.field(f"{a}2") - pl.col("box").struct.field(f"{a}1") for a in "xy").min()
    )
    assert shortest.item() >= MIN_SIDE


def test_copies_are_found_as_such(asked: Questions) -> None:
    some = asked.qa.sort("id").head(90)
    others = reworded(some)
    assert others.join(some, on="question").is_empty()
    both = pl.concat([some, others.select(some.columns)])
    assert both["id"].n_unique() == 2 * some.height
    found = duplicate_questions(both)
    one_of = pl.concat([others.select("id", "of"), others.select(id="of", of="id")])
    assert found.join(one_of, on=["id", "of"]).height == found.height == some.height
    again = pl.concat([some, copied(some).select(some.columns)])
    kept, gone = filter_qa(again, images=asked.images, scene_graphs=asked.scene_graphs)
    assert gone.filter(rule="duplicate").height == kept.height


@pytest.fixture(scope="module")
def faulty(asked: Questions) -> Faulty:
    return made(asked, seed=1)


def made(asked: Questions, *, seed: int) -> Faulty:
    good, _ = filter_qa(asked.qa, images=asked.images, scene_graphs=asked.scene_graphs)
    picture = asked.images["image_id"].sort()[0]
    plan = Plan(0.1, MIN_SIDE, ("HasObject",), [picture])
    return inject(asked.qa, good=good, scene_graphs=asked.scene_graphs, plan=plan, rng=luck(seed))


def test_each_question_has_one_fault_and_it_is_in_the_ledger(asked: Questions, faulty: Faulty) -> None:
    ledger = faulty.ledger
    assert ledger["id"].is_unique().all()
    assert set(ledger["fault"]) == {
        kinds.WRONG_REGION, kinds.WRONG_ATTRIBUTE, kinds.WRONG_JUDGED, kinds.WRONG_OTHER, kinds.COPY, kinds.REWORDED,
        kinds.BENCHMARK_QUESTION, kinds.BENCHMARK_PICTURE, kinds.DRIFT,
    }  # fmt: skip
    assert ledger.join(faulty.qa, on="id").height == ledger.height
    texts = ["question", "answer", "options", "answer_index", "evidence", "metadata"]
    both = changed(asked.qa, faulty.qa)
    differ = both.filter(pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in texts))
    told = ledger.filter(pl.col("fault").str.contains("wrong|drift"))
    # a picture of the benchmark may show what has lost its label
    others = differ.join(told, on="id", how="anti").join(
        ledger.filter(fault=kinds.BENCHMARK_PICTURE), on="id", how="anti"
    )
    unfit = others.filter(~pl.col("question").str.contains(WORD) & ~pl.col("answer").str.contains(WORD))
    kept = filter_qa(asked.qa, images=asked.images, scene_graphs=asked.scene_graphs)[0]
    assert unfit.join(kept, on="id", how="semi").is_empty()
    new = faulty.qa.join(asked.qa, on="id", how="anti")
    assert set(new["id"]) == set(ledger.filter(pl.col("of").is_not_null())["id"])
    assert asked.qa.join(faulty.qa, on="id", how="anti").height == faulty.removed


def test_one_answer_prevails(faulty: Faulty) -> None:
    generator, answer = faulty.prevails
    own = faulty.qa.filter(pl.col("options").list.len() == 0, generator=generator)
    assert own.select((pl.col("answer").str.to_lowercase() == answer).mean()).item() >= PREVAILS - 0.1
    assert faulty.removed > 0


def test_labels_are_lost_in_graphs_and_questions(asked: Questions, faulty: Faulty) -> None:
    labels = asked.scene_graphs.select(label=pl.col("objects").list.eval(pl.element().struct.field("label"))).explode(
        "label"
    )
    lost = labels.filter(pl.col("label").is_in(faulty.labels)).height
    assert 0.1 * labels.height <= lost
    assert lost - labels.filter(label=faulty.labels[-1]).height < 0.1 * labels.height
    now = drifted_graphs(asked.scene_graphs, rarest_labels(asked.scene_graphs, share=0.1))
    assert now.schema == asked.scene_graphs.schema
    renamed = now.select(label=pl.col("objects").list.eval(pl.element().struct.field("label"))).explode("label")
    assert renamed.filter(label=WORD).height == lost
    mentioned = faulty.qa.select(pl.col("metadata").struct.field("objects")).explode("objects").to_series()
    assert not set(mentioned) & set(faulty.labels)


def test_the_same_seed_makes_the_same_faults(asked: Questions, faulty: Faulty) -> None:
    again, other = made(asked, seed=1), made(asked, seed=2)
    assert again.qa.sort("id").equals(faulty.qa.sort("id"))
    assert again.ledger.equals(faulty.ledger)
    assert not other.ledger.equals(faulty.ledger)
