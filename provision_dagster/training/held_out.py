"""What tiny models for filters are worth: the filters' own code scores true and corrupted claims on unseen scenes."""

import random
import tempfile
from pathlib import Path

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.samples.rendering import render_scene
from provision_dagster.samples.rendering.raster import Raster
from provision_dagster.samples.rendering.truth import annotate, visible_boxes
from provision_dagster.training.expressions import corrupted, some_of, terms_of, text_of
from provision_dagster.training.scenes import TRAINING_SEEDS
from provision_dagster.training.separation import roc_auc, roc_chart

ALL = "all"
MIN_SIDE = 20
"""Pixels of the shorter side of a box: of what is smaller little is seen."""


def clip_scores(model: Path, *, scenes: int, seed: int) -> pl.DataFrame:
    """Score a true and a corrupted expression of each object of some scenes.

    Parameters
    ----------
    model
        Folder of a CLIP.
    scenes, seed
        Which scenes: `seed` is none that models are trained with.

    Returns
    -------
    polars.DataFrame
        `kind` (of the word that was changed), `label` (true or false) and `score` (cosine), two rows per object.
    """
    from provision_dagster.filters.labelled_pairs import score_labelled
    from provision_dagster.filters.region_text_config import RegionTextConfig

    with tempfile.TemporaryDirectory() as folder:
        pairs = pl.concat([_pairs(index, _held_out(index, seed), Path(folder)) for index in range(scenes)])
        config = RegionTextConfig(model=str(model), device="cpu")
        return score_labelled(pairs, config=config).select("kind", "label", "score")


def judge_scores(model: Path, *, scenes: int, seed: int) -> pl.DataFrame:
    """Judge a true and a false answer to each of some questions about some scenes.

    Parameters
    ----------
    model
        Folder of a judge.
    scenes, seed
        Which scenes: `seed` is none that models are trained with.

    Returns
    -------
    polars.DataFrame
        `kind` (generator), `label` (true or false) and `score` (P(Yes)), two rows per question.
    """
    from provision_dagster.filters.judge_config import PROMPT, JudgeConfig
    from provision_dagster.filters.judge_model import HubJudge
    from provision_dagster.filters.judge_questions import Case
    from provision_dagster.scene_graphs.annotators.opening import Place
    from provision_dagster.scene_graphs.annotators.working import Work
    from provision_dagster.training.judged_questions import judged_questions

    rasters = [_held_out(index, seed) for index in range(scenes)]
    asked = judged_questions([annotate(one) for one in rasters], seed=seed)
    claims = pl.concat(
        [
            asked.select("scene", "question", kind="generator", answer=answer, label=pl.lit(label))
            for answer, label in (("answer", True), ("wrong", False))
        ]
    ).sort("scene", maintain_order=True)
    with tempfile.TemporaryDirectory() as folder:
        files = [_saved(raster, Path(folder) / f"{index}.png") for index, raster in enumerate(rasters)]
        cases = []
        for (scene,), rows in claims.group_by("scene", maintain_order=True):
            prompts = [PROMPT.format(**row) for row in rows.select("question", "answer").iter_rows(named=True)]
            cases.append(Case((Place(scene, str(files[scene]), None),), tuple(prompts)))
        config = JudgeConfig(kind="image-text-to-text", model=str(model), device="cpu")
        judged = [one for found in HubJudge(config).judge(cases, work=Work()) for one in found]
    errors = sorted({one.error for one in judged if one.error is not None})
    if errors:
        raise InputError(f"judge `{model}`: {errors[0]}")
    return claims.select("kind", "label").with_columns(pl.Series("score", [one.p_yes for one in judged]))


def by_kind(scores: pl.DataFrame) -> dict[str, float]:
    """Area under the ROC curve of all scores (`all`), and of each kind by itself."""
    return {name: roc_auc(true, false) for name, (true, false) in _curves(scores).items()}


def chart_of(scores: pl.DataFrame, *, title: str) -> bytes:
    """Draw the ROC curves of all scores and of each kind, PNG."""
    return roc_chart(_curves(scores), title=title)


def _curves(scores: pl.DataFrame) -> dict[str, tuple[list[float], list[float]]]:
    kinds = scores["kind"].unique().sort()
    parts = {ALL: scores} | {kind: scores.filter(kind=kind) for kind in kinds}
    return {name: (_of(rows, label=True), _of(rows, label=False)) for name, rows in parts.items()}


def _of(rows: pl.DataFrame, *, label: bool) -> list[float]:
    return rows.filter(pl.col("label") == label)["score"].to_list()


def _held_out(index: int, seed: int) -> Raster:
    if not 0 <= seed < TRAINING_SEEDS:
        raise InputError(f"`seed` must be 0 .. 2**40 - 1, got {seed}")
    return render_scene(index, seed=seed)


def _saved(raster: Raster, file: Path) -> Path:
    raster.image.save(file, compress_level=1)
    return file


def _pairs(index: int, raster: Raster, folder: Path) -> pl.DataFrame:
    """Both expressions of each object of a scene, as labelled pairs."""
    file, rng = _saved(raster, folder / f"{index}.png"), random.Random(f"held out:{index}")
    rows = []
    for item, box in zip(raster.items, visible_boxes(raster).tolist(), strict=True):
        if min(box[2] - box[0], box[3] - box[1]) < MIN_SIDE:
            continue
        said = some_of(terms_of(item), rng)
        other = corrupted(said, rng)
        for terms, label in ((said, True), (other.terms, False)):
            rows.append((str(file), *box, text_of(terms), label, other.kind))
    sides = dict.fromkeys(("x1", "y1", "x2", "y2"), pl.Float64)
    schema = {"image": pl.String, **sides, "expression": pl.String, "label": pl.Boolean, "kind": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")
