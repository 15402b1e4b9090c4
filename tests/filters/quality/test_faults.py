"""Injected faults are caught by the check that is named for them, with the right figure; a clean table passes."""

import math
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from provision_dagster.filters.quality.offending import first_rows, offending_sql
from provision_dagster.filters.quality.results import results_table
from provision_dagster.filters.quality.suites import BLOCKING, suites
from provision_dagster.filters.quality.validate import Outcome, validate
from provision_dagster.filters.quality_config import QualityConfig
from provision_dagster.filters.schema import QA_QUALITY, QUALITY_RESULTS
from tests.filters.quality.tables import LABELS, ROWS, Tables, graphs, sound


@pytest.fixture(scope="module")
def clean() -> Tables:
    return sound()


def of(generator: str) -> pl.Expr:
    return pl.col("generator") == generator


def failed(outcomes: list[Outcome]) -> dict[tuple[str, str], Outcome]:
    return {(o.suite.name, o.expectation.column): o for o in outcomes if not o.passed}


def value(outcome: Outcome) -> float:
    return float(outcome.observed.split()[0])


def test_a_clean_table_passes(clean: Tables) -> None:
    outcomes = clean.judge(before=sound(seed=1))
    assert failed(outcomes) == {}
    table = results_table(outcomes)
    assert dict(table.schema) == QUALITY_RESULTS
    # every suite had something to look at, and said what
    assert set(BLOCKING) < set(table["suite"])
    judged = table.filter(pl.col("observed") != "nothing to judge")
    assert table["suite"].n_unique() == 10
    assert set(table["suite"]) - set(judged["suite"]) == {"option_positions"}  # no excess is sure


def test_figures_of_a_clean_table(clean: Tables) -> None:
    found = clean.figures(QualityConfig())
    assert dict(found.schema) == QA_QUALITY
    assert found.select("stage", "measure", "of", "part").is_duplicated().any() is False
    figure = {(m, of): v for _, m, of, _, v, _ in found.iter_rows()}
    assert figure["yes_share", "IsThere"] == 0.5
    assert figure["keep_rate", "WhatIs"] == figure["total_keep_rate", ""] == 1
    assert figure["generator_share", "WhichOne"] == pytest.approx(1 / 3)
    assert figure["blind_chance", "WhichOne"] == 0.25
    places = found.filter(measure="place_share", of="WhichOne")
    counts = clean.kept.filter(of("WhichOne"))["answer_index"].value_counts().sort("answer_index")["count"]
    assert places["part"].to_list() == ["4:0", "4:1", "4:2", "4:3"]
    assert places["value"].to_list() == (counts / ROWS).to_list()
    excess = max(abs(n / ROWS - 0.25) for n in counts)
    assert figure["place_excess", "WhichOne"] == pytest.approx(excess)
    # scipy's own test of the same counts
    from scipy.stats import chisquare

    assert figure["place_p", "WhichOne"] == pytest.approx(float(chisquare(counts.to_numpy()).pvalue))


def test_a_yes_share_of_95_percent(clean: Tables) -> None:
    numbers = pl.int_range(pl.len()).over("generator")
    yes = pl.when(numbers < 0.95 * ROWS).then(pl.lit("yes")).otherwise(pl.lit("no"))
    spoilt = clean.spoilt(answer=pl.when(of("IsThere")).then(yes).otherwise("answer"))
    found = failed(spoilt.judge())
    assert list(found) == [("answer_balance", "yes_share")]
    outcome = found["answer_balance", "yes_share"]
    assert (value(outcome), outcome.offending, outcome.suite.severity) == (0.95, ("IsThere",), "ERROR")
    assert outcome.allowed == "0.3 .. 0.7"
    # the SQL lists every row behind the figure
    sql = offending_sql(outcome)
    assert sql is not None
    rows = pl.SQLContext(filtered_qa=spoilt.kept.lazy()).execute(sql, eager=True)
    assert set(rows["id"]) == set(spoilt.kept.filter(of("IsThere"))["id"])
    assert first_rows(outcome, tables=spoilt.lazy()).height == 5


def test_an_answer_that_is_always_right(clean: Tables) -> None:
    spoilt = clean.spoilt(answer=pl.when(of("WhatIs")).then(pl.lit("Dog's")).otherwise("answer"))
    outcome = failed(spoilt.judge())["answer_balance", "top_answer_share"]
    assert (value(outcome), outcome.offending) == (1.0, ("WhatIs",))
    sql = offending_sql(outcome)
    assert sql is not None
    assert pl.SQLContext(filtered_qa=spoilt.kept.lazy()).execute(sql, eager=True).height == ROWS


def test_one_place_used_always(clean: Tables) -> None:
    own = of("WhichOne")
    first = pl.concat_list("answer", pl.col("options").list.set_difference(pl.concat_list("answer")))
    spoilt = clean.spoilt(
        options=pl.when(own).then(first).otherwise("options"),
        answer_index=pl.when(own).then(0).otherwise("answer_index"),
    )
    found = failed(spoilt.judge())
    outcome = found["option_positions", "sure_place_excess"]
    assert (value(outcome), outcome.offending, outcome.suite.severity) == (0.75, ("WhichOne",), "ERROR")
    # who cannot see the picture takes the first option
    blind = found["blind_accuracy", "blind_excess"]
    assert (value(blind), blind.suite.severity) == (0.75, "WARN")
    assert set(found) == {("option_positions", "sure_place_excess"), ("blind_accuracy", "blind_excess")}


def test_a_missing_generator(clean: Tables) -> None:
    less = replace(clean, raw=clean.raw.filter(~of("WhatIs")), kept=clean.kept.filter(~of("WhatIs")))
    config = QualityConfig(expected_generators=("WhatIs", "WhichOne"))
    found = failed(less.judge(config, before=clean))
    assert found["generators_present", "questions"].offending == ("WhatIs",)
    assert value(found["generators_present", "questions"]) == 0
    assert found["generators_present", "questions"].suite.severity == "ERROR"
    assert found["like_previous", "generators_lost"].offending == ("lost: WhatIs",)
    # without being told what to expect, the version before tells
    warned = failed(less.judge(before=clean))
    assert {suite for suite, _ in warned} == {"like_previous"}


def test_drifted_labels(clean: Tables) -> None:
    metadata = pl.col("metadata").struct.with_fields(
        objects=pl.field("objects").list.eval(pl.element().replace({"dog": "zebra"}))
    )
    spoilt = clean.spoilt(metadata=metadata)
    found = failed(spoilt.judge(before=clean))
    assert set(found) == {("like_previous", "psi"), ("like_previous", "jensen_shannon")}
    outcome = found["like_previous", "psi"]
    assert (outcome.offending, outcome.suite.severity) == (("filtered_qa: object_mention_share",), "WARN")
    share = clean.kept["metadata"].struct.field("objects").explode().eq("dog").mean()
    assert isinstance(share, float)
    # one value lost and one won, each of that share: 2 (p - e) ln(p / e), and p
    assert value(outcome) == pytest.approx(2 * (share - 1e-4) * math.log(share / 1e-4), rel=1e-4)
    assert value(found["like_previous", "jensen_shannon"]) == pytest.approx(share, rel=1e-4)
    limits = QualityConfig(max_psi=2, max_jensen_shannon=0.2)
    assert failed(spoilt.judge(limits, before=clean)) == {}


def test_questions_that_are_too_long(clean: Tables) -> None:
    long = pl.when(of("WhatIs")).then(pl.lit("a" * 699 + "?")).otherwise("question")
    found = failed(clean.spoilt(question=long).judge())
    assert set(found) == {("question_lengths", "max_question_chars"), ("question_lengths", "mean_question_chars")}
    outcome = found["question_lengths", "max_question_chars"]
    assert (value(outcome), outcome.offending, outcome.suite.severity) == (700, ("WhatIs",), "WARN")


def test_filters_that_drop_nearly_everything(clean: Tables) -> None:
    numbers = pl.int_range(pl.len()).over("generator")
    kept = clean.kept.filter(~of("WhatIs") | (numbers < 40))
    outcome = failed(replace(clean, kept=kept).judge())["keep_rates", "keep_rate"]
    assert (value(outcome), outcome.offending) == (0.05, ("WhatIs",))


def test_rows_that_break_a_rule(clean: Tables) -> None:
    blank = pl.when(pl.int_range(pl.len()) == ROWS).then(pl.lit(" ")).otherwise("answer")
    spoilt = clean.spoilt(answer=blank)
    outcome = failed(spoilt.judge())["schema_and_ranges", "broken_rows"]
    assert (value(outcome), outcome.offending) == (1, ("answer_is_blank",))
    rows = first_rows(outcome, tables=spoilt.lazy())
    assert rows["id"].to_list() == spoilt.kept.filter(pl.col("answer") == " ")["id"].to_list()


def test_boxes_outside_of_pictures(clean: Tables) -> None:
    outcome = failed(replace(clean, graphs=graphs(outside=3)).judge())["scene_graphs_in_range", "broken_rows"]
    assert (value(outcome), outcome.offending) == (3, ("box_leaves_picture",))


def test_a_label_in_every_question(clean: Tables) -> None:
    metadata = pl.col("metadata").struct.with_fields(objects=pl.lit(["dog"]))
    found = failed(clean.spoilt(metadata=metadata).judge())
    assert set(found) == {("labels_spread", "label_share")}
    assert value(found["labels_spread", "label_share"]) == 1
    assert LABELS[0] == "dog"


def test_few_rows_are_not_judged_and_a_suite_may_only_warn(clean: Tables) -> None:
    spoilt = clean.spoilt(answer=pl.when(of("IsThere")).then(pl.lit("yes")).otherwise("answer"))
    assert failed(spoilt.judge(QualityConfig(min_rows=ROWS + 1))) == {}
    warned = failed(spoilt.judge(QualityConfig(warn_only=("answer_balance",))))
    assert warned["answer_balance", "yes_share"].suite.severity == "WARN"


def test_data_docs_show_every_suite(clean: Tables, tmp_path: Path) -> None:
    config = QualityConfig()
    declared = suites(clean.figures(config), sample=clean.kept.head(50), drift=None, config=config)
    validate(declared, docs=tmp_path / "docs")
    index = (tmp_path / "docs" / "index.html").read_text()
    for suite in declared:
        assert suite.name == "like_previous" or suite.name in index
    pages = list((tmp_path / "docs" / "validations").rglob("*.html"))
    assert len(pages) == 10  # nine suites with figures, and the sample of one


def test_nothing_is_no_fault(clean: Tables) -> None:
    nothing = Tables(clean.raw.clear(), clean.kept.clear(), clean.graphs.clear())
    assert failed(nothing.judge()) == {}
