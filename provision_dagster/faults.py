"""Faults are put into questions about rendered scenes; the real path must find them, and lose nothing good."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import polars as pl
import yaml

from provision_dagster import runs
from provision_dagster.defs.partitions import image_set_of
from provision_dagster.defs.stages import ACROSS_SHARDS, GENERATE, PICTURES, QUALITY, REGISTER
from provision_dagster.errors import InputError, ProvisionError
from provision_dagster.fault_counts import ORDER, count_audit, count_checks, count_rules
from provision_dagster.fault_project import project_in
from provision_dagster.fault_report import FaultReport, Order
from provision_dagster.fault_thresholds import Threshold, judge_threshold, questions_of, region_threshold, scenes_spec
from provision_dagster.filters.config import FilterConfig
from provision_dagster.filters.faults import inject as kinds
from provision_dagster.filters.faults.answers import ATTRIBUTES
from provision_dagster.filters.faults.inject import Faulty, Plan, inject
from provision_dagster.filters.faults.ledger import entries, without
from provision_dagster.filters.faults.pictures import benchmark_pictures, copy_pictures
from provision_dagster.filters.judge_config import EndpointJudgeConfig, JudgeConfig
from provision_dagster.filters.region_text_config import RegionTextConfig
from provision_dagster.filters.schema import FAMILIES
from provision_dagster.generators.generate import Settings, generate
from provision_dagster.generators.registry import all_generators
from provision_dagster.ingest_command import save_spec
from provision_dagster.lexicon import Lexicon
from provision_dagster.samples import TINY_CLIP
from provision_dagster.samples.rendering import render_scenes
from provision_dagster.storage.store import Store

SCENES, COPIES = "scenes", "scenes-again"
"""Image sets. Of pictures that are alike the first by image set stays."""

OTHER_SCENES = 1_000_003
"""Added to the seed: scenes that thresholds are chosen on."""

MIN_SIDE_PX = 20
"""Of boxes: what the tiny CLIP was measured on. Genixer's 50 are for a CLIP that looks at 224 pixels."""

PROLIFIC = "SceneGraphObjectQA"
"""The generator that makes too much: it has thousands of candidates in every picture."""

HEADROOM = 1.25
"""No generator may have a share greater than the largest one of the clean data times this."""


Judge = JudgeConfig | EndpointJudgeConfig


def run_faults(out: Path, *, order: Order, report: runs.Report, judge: Judge | None = None) -> FaultReport:
    """Make a data set, put faults into it, filter it as runs of a Dagster instance, and count.

    Parameters
    ----------
    out
        Empty folder: gets a project of its own (tables, Dagster instance, pictures), `faults.json` and `faults.md`.
    judge
        Is asked whether answers are true; None: wrong answers of generators that point at nothing are found by the
        audit alone.

    Raises
    ------
    InputError
        If `out` is not empty.
    ProvisionError
        If the data fail a check before there is a fault in them.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"`OUT` must be an empty folder, got `{out}`")
    out.mkdir(parents=True, exist_ok=True)
    with project_in(out.absolute()) as folder, runs.instance() as opened:
        return _Run(folder, order, report, opened, judge).run()


class _Run:
    """The steps, in order."""

    def __init__(
        self, folder: Path, order: Order, report: runs.Report, opened: dg.DagsterInstance, judge: Judge | None
    ) -> None:
        self.folder, self.order, self.tell, self.opened = folder, order, report, opened
        self.rng = np.random.default_rng(order.seed)
        self.region = RegionTextConfig(
            model=str(TINY_CLIP), device="cpu", generators=ATTRIBUTES, min_side_px=MIN_SIDE_PX
        )
        self.judge = judge

    @property
    def store(self) -> Store:
        return Store(self.folder / "tables")

    def rows(self, name: str, shards: Sequence[str] | None = None) -> pl.DataFrame:
        """A table, or some shards of it."""
        return self.store.scan(name, partitions=shards).collect()

    def raw(self, shards: Sequence[str]) -> pl.DataFrame:
        """All families."""
        return pl.concat([self.rows(name, shards) for name in FAMILIES])

    def run(self) -> FaultReport:
        """Clean data first, then the same with faults."""
        shards = self._clean()
        own = [shard for shard in shards if image_set_of(shard) == SCENES]
        thresholds = self._thresholds()
        good = self.rows("filtered_qa", own)
        benchmark, copies = self._benchmark(), self.raw([shard for shard in shards if shard not in own])
        graphs = self.rows("scene_graphs", own)
        plan = Plan(self.order.share, MIN_SIDE_PX, self._judged(), benchmark)
        faulty = inject(self.raw(own), good=good, scene_graphs=graphs, plan=plan, rng=self.rng)
        extra = self._too_many(own, faulty)
        ledger = pl.concat([faulty.ledger, entries(copies, kinds.PICTURE_COPY), entries(extra, kinds.TOO_MANY)])
        ledger.write_parquet(self.folder / "ledger.parquet")
        self._write(faulty, extra, own)
        self._configure(thresholds, faulty)
        audited = count_audit(faulty.ledger, own, store=self.store, opened=self.opened, report=self.tell)
        self._filter(shards)
        left = without(good, ledger.with_columns(of=pl.lit(None, dtype=pl.String)))
        found = FaultReport(self.order, thresholds=thresholds)
        count_rules(found, left, ledger, store=self.store)
        found.caught += [*audited, *count_checks(faulty, extra, generator=PROLIFIC, store=self.store)]
        found.caught.sort(key=lambda one: ORDER.index(one.fault))
        return found

    def _clean(self) -> list[str]:
        """Make the data set without faults, and let the checks see it."""
        order = self.order
        scenes = render_scenes(
            self.folder / "scenes", n=order.scenes, seed=order.seed, progress=lambda n, of: self.tell("render", n, of)
        )
        every = sorted(json.loads(scenes.read_text(encoding="utf-8")))
        chosen = self.rng.permutation(every).tolist()
        again, held = (max(1, round(order.scenes * part)) for part in (order.share, order.share / 4))
        self.held = chosen[again : again + held]
        copies = copy_pictures(scenes, self.folder / "copies", keys=sorted(chosen[:again]))
        benchmark_pictures(scenes, self.folder / "benchmark", keys=sorted(self.held))
        for name, path in ((SCENES, scenes), (COPIES, copies)):
            save_spec(scenes_spec(path, name=name, shard_size=order.shard_size))
        self._save({"min_region_side_px": MIN_SIDE_PX})
        shards = runs.register(store=self.opened, report=self.tell)
        runs.ingest(shards, store=self.opened, report=self.tell)
        self._all("images", PICTURES, shards)
        self._all("across shards", ACROSS_SHARDS)
        self._all("questions", GENERATE, shards)
        own = [shard for shard in shards if image_set_of(shard) == SCENES]
        runs.filter_shards(own, store=self.opened, report=self.tell, stage="filters, clean")
        self._clean_quality()
        return shards

    def _clean_quality(self) -> None:
        try:
            self._all("quality, clean", QUALITY)
        except runs.RunFailedError as error:
            failed = self.rows("quality_results").filter(~pl.col("passed"), severity="ERROR")
            told = ", ".join(failed.select(pl.format("{} ({})", "suite", "observed")).to_series())
            raise ProvisionError(
                f"the data fail before there is a fault in them, with {told}: ask for more scenes"
            ) from error
        self.clean = self.rows("qa_quality")

    def _all(self, stage: str, assets: tuple[str, ...], shards: Sequence[str] = ()) -> None:
        tasks = [runs.Task(assets, shard, shard) for shard in shards] or [runs.Task(assets)]
        runs.run_all(stage, tasks, report=self.tell, store=self.opened)

    def _save(self, settings: dict[str, Any]) -> None:
        FilterConfig(**{k: v for k, v in settings.items() if k not in ("benchmarks", "region_text", "judge")})
        (self.folder / "filters.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")

    def _judged(self) -> tuple[str, ...]:
        """Generators whose answers the judge is asked about."""
        return () if self.judge is None else self.judge.generators or tuple(all_generators())

    def _thresholds(self) -> dict[str, Threshold]:
        """Choose thresholds on other scenes."""
        order = self.order
        path = render_scenes(
            self.folder / "calibration",
            n=order.calibration,
            seed=order.seed + OTHER_SCENES,
            progress=lambda n, of: self.tell("render others", n, of),
        )
        spec = scenes_spec(path, name="calibration", shard_size=order.calibration + 10)
        self.tell("thresholds", 0, 1)
        asked = questions_of(spec, generators=tuple({*ATTRIBUTES, *self._judged()}))
        found = {"region_text": region_threshold(asked, config=self.region, recall=order.recall, seed=order.seed)}
        if self.judge is not None:
            found["judge"] = judge_threshold(asked, config=self.judge, recall=order.recall, seed=order.seed)
        self.tell("thresholds", 1, 1)
        return found

    def _benchmark(self) -> list[str]:
        """Ids of the pictures that the benchmark shows."""
        images = self.rows("images").filter(pl.col("image_key").is_in(self.held), image_set=SCENES)
        return images["image_id"].to_list()

    def _too_many(self, shards: Sequence[str], faulty: Faulty) -> pl.DataFrame:
        """Further questions of one generator: right ones, but too many."""
        vocabulary, strengths = (
            self.rows(name).filter(image_set=SCENES) for name in ("vocabulary", "answer_strengths")
        )
        made = []
        for shard in shards:
            wanted = round(self.order.share * faulty.qa.filter(shard=shard).height)
            graphs = faulty.scene_graphs.filter(shard=shard)
            settings = Settings(per_generator=4 + 2 * wanted // max(graphs.height, 1))
            more = generate(
                graphs, vocabulary=vocabulary, strengths=strengths, lexicon=Lexicon.load(), settings=settings,
                generators=[PROLIFIC],
            ).qa  # fmt: skip
            made.append(more.join(faulty.qa, on="id", how="anti").sort("id").head(wanted))
        return pl.concat(made)

    def _write(self, faulty: Faulty, extra: pl.DataFrame, shards: Sequence[str]) -> None:
        """Put what has faults in the place of what has none."""
        rows = pl.concat([faulty.qa, extra])
        for shard in shards:
            for family in FAMILIES:
                self.store.write_partition(family, rows.filter(shard=shard, family=family), key=shard)
            self.store.write_partition("scene_graphs", faulty.scene_graphs.filter(shard=shard), key=shard)

    def _configure(self, thresholds: dict[str, Threshold], faulty: Faulty) -> None:
        """Name models, thresholds and benchmark."""
        shares = self.clean.filter(stage="filtered_qa", measure="generator_share")["value"]
        generator, _ = faulty.prevails
        left = faulty.qa.filter(generator=generator).height
        pl.DataFrame({"question": faulty.asked}).write_ndjson(self.folder / "benchmark.jsonl")
        settings: dict[str, Any] = {
            "min_region_side_px": MIN_SIDE_PX,
            "min_region_text_cosine": thresholds["region_text"].value,
            "region_text": self.region.model_dump(mode="json", exclude_defaults=True),
            "quality": {
                "min_rows": min(300, left // 3),
                "max_generator_share": round(HEADROOM * float(shares.max()), 4),  # type: ignore[arg-type]
            },
            "benchmarks": [
                {"name": "held-out", "questions": "benchmark.jsonl", "images": "benchmark", "min_share": 1.0}
            ],
        }
        if self.judge is not None:
            judge = self.judge.model_dump(mode="json", exclude_defaults=True)
            settings |= {"judge": judge, "min_judge_p_yes": thresholds["judge"].value, "hard_judge_p_yes": 0.0}
        self._save(settings)

    def _filter(self, shards: Sequence[str]) -> None:
        """Score and filter what has faults; checks on the whole data set may fail."""
        self._all("settings", REGISTER)
        self._all("benchmark", ACROSS_SHARDS)
        runs.score(shards, store=self.opened, report=self.tell)
        runs.filter_shards(shards, store=self.opened, report=self.tell)
        before = self.store.version("qa_quality")
        # checks that fail are what is asked for: they are in `quality_results`
        with suppress(runs.RunFailedError):
            self._all("quality", QUALITY)
        if self.store.version("qa_quality") == before:
            raise ProvisionError("the asset `qa_quality` was not made: look at its run in Dagster")
