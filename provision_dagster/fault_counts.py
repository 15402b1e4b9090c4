"""Counts what became of faults: by rules, question by question, and by checks."""

from collections.abc import Sequence

import dagster as dg
import polars as pl

from provision_dagster import runs
from provision_dagster.fault_report import FaultReport
from provision_dagster.filters.faults import inject as kinds
from provision_dagster.filters.faults.inject import Faulty
from provision_dagster.filters.faults.tally import Caught, Rate, caught, fates, lost
from provision_dagster.filters.schema import FAMILIES
from provision_dagster.generators.audit.sample import SAMPLE_ROWS, audit_samples
from provision_dagster.lexicon import Lexicon
from provision_dagster.storage.store import Store

EXACT = Rate(1.0, 1)
"""What is found by comparison is found always."""

COMPARED = {
    kinds.COPY: "duplicate",
    kinds.REWORDED: "near_duplicate",
    kinds.PICTURE_COPY: "near_duplicate",
    kinds.BENCHMARK_QUESTION: "contaminated",
    kinds.BENCHMARK_PICTURE: "contaminated",
}
"""Faults that no model is needed for, and the rules that find them."""

SCORED = {
    kinds.WRONG_ATTRIBUTE: "region_text",
    kinds.WRONG_REGION: "region_text",
    kinds.WRONG_JUDGED: "judge",
}
"""Faults that a threshold finds."""

SCORES = {"region_text": ("region_text_scores", "cosine"), "judge": ("judge_scores", "p_yes")}
"""Where the scores of these rules are."""

FAULTY = ("wrong", "ambiguous")
"""Verdicts of the audit for which its check fails."""

ORDER = (
    kinds.WRONG_ATTRIBUTE, kinds.WRONG_JUDGED, kinds.WRONG_OTHER, kinds.WRONG_REGION, kinds.COPY, kinds.REWORDED,
    kinds.PICTURE_COPY, kinds.BENCHMARK_QUESTION, kinds.BENCHMARK_PICTURE, kinds.ONE_ANSWER, kinds.TOO_MANY,
    kinds.DRIFT,
)  # fmt: skip
"""In which the report tells of them."""


def count_rules(found: FaultReport, good: pl.DataFrame, ledger: pl.DataFrame, *, store: Store) -> None:
    """Add to a report what rules did with faulty questions, and with good ones.

    Parameters
    ----------
    good
        Questions without a fault, which the filters kept before there were any.
    ledger
        Schema LEDGER.
    """
    kept, gone = (store.scan(name).collect() for name in ("filtered_qa", "rejected_qa"))
    fate = fates(kept, gone)
    rates = dict.fromkeys(COMPARED, EXACT)
    rates |= {fault: found.thresholds[rule].false[fault] for fault, rule in SCORED.items() if rule in found.thresholds}
    broken = {rule: _scored(rule, store, below=threshold.value) for rule, threshold in found.thresholds.items()}
    for fault, rate in rates.items():
        rule = (COMPARED | SCORED)[fault]
        found.caught.append(caught(fate, ledger, fault=fault, rule=rule, least=rate, broken=broken.get(rule)))
    sound = good.join(fate, on="id", how="semi").select("id")
    found.questions, found.good = fate.height, sound.height
    seen = {rule: sound.join(_scored(rule, store), on="id", how="semi").height for rule in found.thresholds}
    costs = {rule: (threshold.true, seen[rule]) for rule, threshold in found.thresholds.items()}
    found.lost = lost(fate, sound, ledger, rates=costs)


def _scored(rule: str, store: Store, *, below: float = float("inf")) -> pl.DataFrame:
    """Ids of questions with a score, of several the lowest, below a bound."""
    table, score = SCORES[rule]
    lowest = store.scan(table).group_by("id").agg(pl.col(score).min())
    return lowest.filter(pl.col(score) < below).select("id").collect()


def count_audit(
    ledger: pl.DataFrame, shards: Sequence[str], *, store: Store, opened: dg.DagsterInstance, report: runs.Report
) -> list[Caught]:
    """Ask the checks `audit` of raw questions again, as they are asked when these are made: they look at samples."""
    wrong = ledger.filter(fault=kinds.WRONG_OTHER)
    if wrong.is_empty():  # the judge is asked about all
        return []
    bad = seen = failed = asked = 0
    for n, shard in enumerate(shards):
        report("audit", n, len(shards))
        checks = runs.check([(family, "audit") for family in FAMILIES], shard, store=opened)
        failing = {one.asset_key.to_user_string() for one in checks if not one.passed}
        graphs = store.scan("scene_graphs", partitions=shard)
        for family in FAMILIES:
            sample = store.scan(family, partitions=shard).collect().sort("id").head(SAMPLE_ROWS)
            own = sample.join(wrong, on="id", how="semi")
            if own.is_empty():
                continue
            seen, asked, failed = seen + own.height, asked + 1, failed + (family in failing)
            bad += _audited(own, graphs) if family in failing else 0
    report("audit", len(shards), len(shards))
    told = f"{failed} of {asked} failed; a check looks at {SAMPLE_ROWS:,} questions, together at {seen:,} of these"
    return [Caught(kinds.WRONG_OTHER, wrong.height, "check audit", bad, 0, wrong.height - bad, seen, told)]


def _audited(qa: pl.DataFrame, scene_graphs: pl.LazyFrame) -> int:
    """How many questions the checker finds wrong or ambiguous."""
    told = audit_samples({"qa": qa}, scene_graphs, lexicon=Lexicon.load())["qa"]
    found = (row["id"] for (_, kind, _), rows in told.examples.items() if kind in FAULTY for row in rows)
    return len(set(found))


def count_checks(faulty: Faulty, extra: pl.DataFrame, *, generator: str, store: Store) -> list[Caught]:
    """Tell what the checks on the whole data set say of faults that no single question has.

    Parameters
    ----------
    extra
        Further questions of `generator`.
    """
    drift = faulty.ledger.filter(fault=kinds.DRIFT).height
    results = store.scan("quality_results").filter(~pl.col("passed")).collect()
    return [
        _check(results, kinds.ONE_ANSWER, faulty.removed, "answer_balance", faulty.prevails[0]),
        _check(results, kinds.TOO_MANY, extra.height, "generators_present", generator),
        _check(results, kinds.DRIFT, drift, "like_previous", "label_share", "object_mention_share"),
    ]


def _check(results: pl.DataFrame, fault: str, injected: int, suite: str, *names: str) -> Caught:
    """Whether a check failed, and named what is at fault."""
    failed = results.filter(suite=suite).explode("offending")
    named = failed.filter(pl.any_horizontal(pl.col("offending").str.contains(name, literal=True) for name in names))
    hits = injected if named.height else 0
    told = named.select(pl.format("{}, must be {}", "observed", "threshold")).to_series().unique(maintain_order=True)
    return Caught(fault, injected, f"check {suite}", hits, 0, injected - hits, injected, "; ".join(told))
