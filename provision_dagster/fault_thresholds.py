"""Thresholds for `provision faults`: from questions about other scenes, true ones and such with the same faults."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from provision_dagster.filters.calibration import Calibration, calibrate
from provision_dagster.filters.faults.answers import ATTRIBUTES, wrong_answers, wrong_attributes
from provision_dagster.filters.faults.inject import WRONG_ATTRIBUTE, WRONG_JUDGED, WRONG_REGION
from provision_dagster.filters.faults.regions import wrong_regions
from provision_dagster.filters.faults.tally import Rate
from provision_dagster.filters.judge_config import EndpointJudgeConfig, JudgeConfig
from provision_dagster.filters.region_text_config import RegionTextConfig
from provision_dagster.filters.regions import regions_of
from provision_dagster.generators.generate import Settings, generate
from provision_dagster.generators.strengths import image_set_strengths
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import ImageSetSpec
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.feeding import Work
from provision_dagster.scene_graphs.assemble import assemble
from provision_dagster.scene_graphs.ingest import ingest_image_set
from provision_dagster.scene_graphs.vocabulary import count_vocabulary

if TYPE_CHECKING:
    from provision_dagster.filters.region_text_model import RegionTextModel


@dataclass(frozen=True)
class Questions:
    """Questions of other scenes, with the pictures and scene graphs that they are about."""

    qa: pl.DataFrame
    images: pl.DataFrame
    scene_graphs: pl.DataFrame


@dataclass(frozen=True)
class Threshold:
    """A threshold and what it does on the scenes that it was chosen on.

    Attributes
    ----------
    value
        Scores from here on are kept.
    true
        Share of true questions that it rejects.
    false
        Share of the questions with a fault that it rejects, by fault.
    """

    value: float
    auc: float
    true: Rate
    false: dict[str, Rate]


def questions_of(spec: ImageSetSpec, *, generators: tuple[str, ...]) -> Questions:
    """Ask generators about an annotated image set, without Dagster."""
    lexicon, settings, ingested = Lexicon.load(), Settings(per_generator=2), ingest_image_set(spec)
    words = count_vocabulary(ingested.annotations)
    strengths = image_set_strengths(ingested.annotations, vocabulary=words, lexicon=lexicon, settings=settings)
    made, images, graphs = [], [], []
    for key in ingested.shards:
        part = ingested.shard(key)
        images.append(inspect_images(part.sources))
        graphs.append(assemble(images[-1], part.annotations)[0])
        known = {"vocabulary": words, "strengths": strengths, "lexicon": lexicon, "settings": settings}
        made.append(generate(graphs[-1], generators=generators, **known).qa)  # type: ignore[arg-type]
    return Questions(pl.concat(made), pl.concat(images), pl.concat(graphs))


def region_threshold(asked: Questions, *, config: RegionTextConfig, recall: float, seed: int) -> Threshold:
    """Choose the threshold of `region_text` that keeps a share of true questions."""
    from provision_dagster.filters.region_text_model import RegionTextModel

    rng, model = np.random.default_rng(seed), RegionTextModel(config)
    regions = wrong_regions(asked.qa, scene_graphs=asked.scene_graphs, min_side_px=config.min_side_px, rng=rng)
    faulty = {
        WRONG_REGION: regions,
        WRONG_ATTRIBUTE: wrong_attributes(asked.qa, lexicon=Lexicon.load(), rng=rng),
    }
    about = asked.qa.filter(pl.col("generator").is_in(ATTRIBUTES))
    return chosen(
        _cosines(about, asked.images, model),
        {fault: _cosines(rows, asked.images, model) for fault, rows in faulty.items()},
        recall=recall,
    )


def _cosines(qa: pl.DataFrame, images: pl.DataFrame, model: "RegionTextModel") -> pl.Series:
    """Score questions as the asset `region_text_scores` does."""
    from provision_dagster.filters.region_text_pairs import PAIR, score_pairs

    regions = regions_of(qa, config=model.config)
    flat = regions.select("image_id", pl.col("box").struct.unnest(), "expression").select(PAIR)
    found = pl.concat(score_pairs(flat.unique(maintain_order=True), images, model=model, work=Work()))
    return flat.join(found, on=PAIR, how="left")["cosine"].drop_nulls()


def judge_threshold(
    asked: Questions, *, config: JudgeConfig | EndpointJudgeConfig, recall: float, seed: int
) -> Threshold:
    """Choose the threshold of `judge` that keeps a share of true questions."""
    from provision_dagster.judge_qa import judge_questions, load_judge

    judge, rng = load_judge(config), np.random.default_rng(seed)
    assert judge is not None
    false = wrong_answers(asked.qa, lexicon=Lexicon.load(), rng=rng)
    # of two forms the worse counts, as for the rule
    true, wrong = (
        judge_questions(judge, rows, images=asked.images)
        .group_by("id")
        .agg(pl.col("p_yes").min())["p_yes"]
        .drop_nulls()
        for rows in (asked.qa, false)
    )
    return chosen(true, {WRONG_JUDGED: wrong}, recall=recall)


def chosen(true: pl.Series, false: dict[str, pl.Series], *, recall: float) -> Threshold:
    """Choose the highest threshold that keeps a share of true scores, and tell what it rejects."""
    labelled = [pl.DataFrame({"score": true, "label": [True] * len(true)})]
    labelled += [pl.DataFrame({"score": scores, "label": [False] * len(scores)}) for scores in false.values()]
    found: Calibration = calibrate(pl.concat(labelled), recall=recall)
    value = found.chosen["threshold"]
    return Threshold(
        value,
        found.auc,
        Rate(1 - recall, len(true)),
        {
            fault: Rate(int((scores < value).sum()) / max(len(scores), 1), len(scores))
            for fault, scores in false.items()
        },
    )


def scenes_spec(annotations: Path, *, name: str, shard_size: int) -> ImageSetSpec:
    """Name an annotated image set; depth maps are used where there are any."""
    from provision_dagster.image_sets.spec import parse_spec

    folder = annotations.parent
    depth = {"depth": folder / "depth_masks"} if (folder / "depth_masks").is_dir() else {}
    fields = {"name": name, "reader": "annotations", "annotations_format": "provision", "shard_size": shard_size}
    return parse_spec(
        {**fields, "annotations": annotations, "images": folder / "images", **depth}, source="provision faults"
    )
