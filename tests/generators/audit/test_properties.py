"""Whatever the scene graphs, the checker finds the questions that are made of them right."""

from typing import Any

import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from provision_dagster.generators.audit import audit_frame
from provision_dagster.generators.generate import Settings, generate
from tests.generators.scenes import lexicon, random_graphs, vocabulary

SLOW = settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


def made(table: pl.DataFrame, **options: Any) -> pl.DataFrame:
    chosen = Settings(**options)
    return generate(table, vocabulary=vocabulary(table), lexicon=lexicon(), settings=chosen).qa


@SLOW
@given(random_graphs(), st.sampled_from(["full", "sampled"]), st.integers(0, 2**63 - 1))
def test_strict_questions_are_right(table: pl.DataFrame, mode: Any, seed: int) -> None:
    qa = made(table, mode=mode, seed=seed)
    report = audit_frame(qa, table, lexicon=lexicon())
    assert report.checked.total() == qa.height
    assert report.reasons == {}, [(key, rows[0]) for key, rows in report.examples.items()]


@SLOW
@given(random_graphs(), st.integers(0, 2**63 - 1))
def test_any_table_can_be_audited(table: pl.DataFrame, seed: int) -> None:
    """Paper rules make questions that are not provable, and none that cannot be read."""
    report = audit_frame(made(table, rules="paper", mode="full", seed=seed), table, lexicon=lexicon())
    assert "unreadable" not in {reason for _, _, reason in report.reasons}
    report.to_dict()
    assert set(report.findings()["verdict"]) <= {"wrong", "ambiguous", "leaking", "ungrammatical"}
