"""A judge over the questions of a shard, part by part: what was scored is not scored again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from provision_dagster.filters.judge_config import EndpointJudgeConfig, JudgeConfig
from provision_dagster.filters.judge_endpoint import EndpointJudge
from provision_dagster.filters.judge_model import HubJudge
from provision_dagster.filters.judge_questions import Judge, cases_of, claims_of
from provision_dagster.filters.schema import JUDGE_SCORES
from provision_dagster.scene_graphs.annotators.working import Work
from provision_dagster.storage.store import Store

TABLE = "judge_scores"
SAME = ["id", "form", "asked"]
"""What tells whether a row was scored: with these, of the same model and configuration, and without an error."""


@dataclass(frozen=True)
class LoadedJudge:
    """A judge with its weights read, its prompt, its configuration as JSON, and whose questions it is asked."""

    judge: Judge
    prompt: str
    config: str
    generators: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """Model and revision."""
        return self.judge.model


def make_judge(config: JudgeConfig | EndpointJudgeConfig) -> Judge:
    """Make a judge; its weights are read, or its server is asked, by `load`."""
    return EndpointJudge(config) if isinstance(config, EndpointJudgeConfig) else HubJudge(config)


def load_judge(config: JudgeConfig | EndpointJudgeConfig | None, *, device: str | None = None) -> LoadedJudge | None:
    """Load the judge that is configured, None when there is none.

    Parameters
    ----------
    device
        For a model whose device is "auto"; None leaves the choice to it.

    Raises
    ------
    InputError
        When its weights are missing, or its server is not there.
    """
    if config is None:
        return None
    if isinstance(config, JudgeConfig) and config.device == "auto" and device is not None:
        config = config.model_copy(update={"device": device})
    judge = make_judge(config)
    judge.load()
    return LoadedJudge(judge, config.prompt, config.told(), config.generators)


def judge_questions(
    judge: LoadedJudge, raw_qa: pl.DataFrame, *, images: pl.DataFrame, work: Work | None = None
) -> pl.DataFrame:
    """Judge questions, without a store.

    Parameters
    ----------
    raw_qa
        Schema RAW_QA, of one shard.
    images
        Schema IMAGES: where the pictures are.

    Returns
    -------
    polars.DataFrame
        Schema JUDGE_SCORES, sorted by id and form; a row per question, and a second one where it has options.
    """
    claims = claims_of(raw_qa, prompt=judge.prompt, generators=judge.generators)
    claims = claims.join(raw_qa.select("id", "shard"), on="id", how="left")
    return _scored(judge, claims, images=images, work=work or Work())


def judge_shard(
    judge: LoadedJudge | None, raw_qa: pl.DataFrame, *, images: pl.DataFrame, shard: str, store: Store
) -> tuple[Work, int]:
    """Fill a shard of `judge_scores`.

    Each part, the questions about a sixteenth of the pictures, is committed when it is done. Rows that are there, of
    the same question, model and configuration and without an error, are kept: a run that was killed goes on where it
    stopped, a second run does nothing, and new questions are all that is asked.

    Parameters
    ----------
    judge
        None empties the shard.
    raw_qa
        Schema RAW_QA, of all families.
    images
        Schema IMAGES.

    Returns
    -------
    tuple
        Work of this run, and how many rows it scored.
    """
    old = store.scan(TABLE, partitions=shard).collect()
    parts: Mapping[str, pl.DataFrame] = {}
    work, scored = Work(), 0
    if judge is not None:
        claims = claims_of(raw_qa, prompt=judge.prompt, generators=judge.generators).with_columns(shard=pl.lit(shard))
        parts = {str(part): rows for (part,), rows in claims.partition_by("part", as_dict=True).items()}
        known = old.filter(pl.col("error").is_null(), model=judge.model, config=judge.config)
        for part, asked in sorted(parts.items()):
            kept = known.join(asked, on=SAME, how="semi")
            new = asked.join(kept, on=SAME, how="anti", maintain_order="left")
            if new.is_empty() and kept.height == old.filter(part=part).height:
                continue
            rows = pl.concat([kept, _scored(judge, new, images=images, work=work)]).sort("id", "form")
            store.write_partition(TABLE, rows, key={"shard": shard, "part": part})
            scored += new.height
    for part in sorted(set(old["part"]) - set(parts)):
        store.write_partition(TABLE, old.clear(), key={"shard": shard, "part": part})
    return work, scored


def unjudged(
    rows: pl.DataFrame, raw_qa: pl.DataFrame, *, prompt: str | None, generators: Sequence[str] = ()
) -> dict[str, pl.DataFrame]:
    """Find what is wrong with the scores of a shard.

    Parameters
    ----------
    rows
        Schema JUDGE_SCORES.
    raw_qa
        Schema RAW_QA, of all families.
    prompt
        Of the judge; None where there is none, and so no row may be.
    generators
        Whose questions it is asked; empty: all.

    Returns
    -------
    dict of str to polars.DataFrame
        Offending rows by rule.
    """
    claims = claims_of(raw_qa if prompt else raw_qa.clear(), prompt=prompt or "", generators=generators)
    score, error = pl.col("p_yes"), pl.col("error")
    return {
        "form_not_judged": claims.join(rows, on=["id", "form"], how="anti"),
        "form_from_nowhere": rows.join(claims, on=["id", "form"], how="anti"),
        "question_changed_since": rows.join(claims, on=["id", "form"]).filter(pl.col("asked") != pl.col("asked_right")),
        "score_without_reason": rows.filter(score.is_null() == error.is_null()),
        "no_probability": rows.filter(score.is_not_null() & ~score.is_between(0, 1)),
    }


def _scored(judge: LoadedJudge, claims: pl.DataFrame, *, images: pl.DataFrame, work: Work) -> pl.DataFrame:
    """Ask, and put the answers beside the claims; schema JUDGE_SCORES."""
    cases, placed = cases_of(claims, images)
    answers = judge.judge.judge(cases, work=work)
    flat = [
        (n, place, one.p_yes, one.mass, one.error) for n, case in enumerate(answers) for place, one in enumerate(case)
    ]
    keys = {"case": placed.schema["case"], "place": placed.schema["place"]}
    told = {name: JUDGE_SCORES[name] for name in ("p_yes", "mass", "error")}
    found = pl.DataFrame(flat, schema={**keys, **told}, orient="row")
    rows = placed.join(found, on=["case", "place"], how="left", maintain_order="left")
    return rows.with_columns(model=pl.lit(judge.model), config=pl.lit(judge.config)).select(
        pl.col(name).cast(dtype) for name, dtype in JUDGE_SCORES.items()
    )
