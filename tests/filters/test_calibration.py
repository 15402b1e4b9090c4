"""Thresholds from labelled pairs: what is proposed, what files may hold, and pairs that a model scores first."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision_dagster.errors import InputError
from provision_dagster.filters.calibration import calibrate, plot_calibration, told_thresholds, write_calibration
from provision_dagster.filters.labelled_pairs import read_pairs, score_labelled
from provision_dagster.filters.region_text_config import RegionTextConfig
from tests.defs.project import Project
from tests.filters.pictured import SIDE, box_of, colors_of, draw
from tests.scene_graphs.annotators import tiny_clip


def scores(*pairs: tuple[float, bool]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema={"score": pl.Float64, "label": pl.Boolean}, orient="row")


PAIRS = scores((0.9, True), (0.8, True), (0.7, False), (0.6, True), (0.6, False), (0.1, False))


def test_each_threshold_keeps_what_scores_it_or_more() -> None:
    found = calibrate(PAIRS)
    assert found.thresholds.rows() == [
        (0.9, 1, 1, 1.0, 1 / 3, 0.5),
        (0.8, 2, 2, 1.0, 2 / 3, 0.8),
        (0.7, 3, 2, 2 / 3, 2 / 3, pytest.approx(2 / 3)),
        (0.6, 5, 3, 0.6, 1.0, 0.75),
        (0.1, 6, 3, 0.5, 1.0, pytest.approx(2 / 3)),
    ]
    assert (found.pairs, found.true, found.by) == (6, 3, "f1")
    assert found.chosen["threshold"] == 0.8
    # of nine pairs of a true and a false one, seven are in order and one is a tie
    assert found.auc == pytest.approx(7.5 / 9)


@pytest.mark.parametrize(("precision", "threshold"), [(1.0, 0.8), (0.66, 0.7), (0.6, 0.6), (0.1, 0.1), (0.0, 0.1)])
def test_the_lowest_threshold_of_a_precision(precision: float, threshold: float) -> None:
    found = calibrate(PAIRS, precision=precision)
    assert (found.chosen["threshold"], found.by) == (threshold, "precision")


@pytest.mark.parametrize(("recall", "threshold"), [(1.0, 0.6), (0.7, 0.6), (0.66, 0.8), (0.3, 0.9), (0.0, 0.9)])
def test_the_highest_threshold_of_a_recall(recall: float, threshold: float) -> None:
    found = calibrate(PAIRS, recall=recall)
    assert (found.chosen["threshold"], found.by) == (threshold, "recall")
    with pytest.raises(InputError, match="cannot both be asked for"):
        calibrate(PAIRS, recall=recall, precision=0.5)
    with pytest.raises(InputError, match=r"`recall` must be 0 .. 1, got 2"):
        calibrate(PAIRS, recall=2)


def test_a_precision_that_cannot_be_had_and_other_mistakes() -> None:
    upside_down = scores((0.9, False), (0.5, True), (0.4, True))
    message = r"no threshold reaches a precision of 0.9: the best is 0.667, at 0.4000, which keeps 3 of 3"
    with pytest.raises(InputError, match=message):
        calibrate(upside_down, precision=0.9)
    with pytest.raises(InputError, match=r"`precision` must be 0 .. 1, got 95"):
        calibrate(PAIRS, precision=95)
    for label, got in ((True, "3 true and 0 false"), (False, "0 true and 3 false")):
        with pytest.raises(InputError, match=got):
            calibrate(PAIRS.filter(label=label))


@given(
    st.lists(st.tuples(st.integers(-5, 5).map(lambda n: n / 5), st.booleans()), min_size=2, max_size=40).filter(
        lambda rows: 0 < sum(label for _, label in rows) < len(rows)
    )
)
def test_counts_by_hand(rows: list[tuple[float, bool]]) -> None:
    found = calibrate(scores(*rows))
    true = [score for score, label in rows if label]
    false = [score for score, label in rows if not label]
    for row in found.thresholds.iter_rows(named=True):
        kept = [label for score, label in rows if score >= row["threshold"]]
        assert (row["kept"], row["true_kept"]) == (len(kept), sum(kept))
        assert row["precision"] == pytest.approx(sum(kept) / len(kept))
        assert row["recall"] == pytest.approx(sum(kept) / len(true))
    f1 = found.thresholds["f1"]
    assert found.chosen["f1"] == f1.max()
    won = sum((t > f) + 0.5 * (t == f) for t in true for f in false)
    assert found.auc == pytest.approx(won / (len(true) * len(false)))


def test_what_is_told_and_written(tmp_path: Path) -> None:
    found = calibrate(PAIRS, precision=0.66)
    told = told_thresholds(found)
    assert told.select("wanted", "threshold").rows()[:3] == [(0.5, 0.1), (0.8, 0.8), (0.9, 0.8)]
    files = write_calibration(found, tmp_path / "out")
    summary = json.loads(files[0].read_text())
    assert summary["threshold"] == 0.7
    assert summary["chosen_by"] == "precision"
    assert pl.read_csv(files[1]).height == 5
    assert files[2].read_bytes().startswith(b"\x89PNG")
    assert plot_calibration(found) == files[2].read_bytes()
    never = told_thresholds(calibrate(scores((0.9, False), (0.5, True))))
    assert never["threshold"].to_list() == [0.5, None, None, None, None, None]


# --- files ---


def file(folder: Path, kind: str, rows: list[dict[str, Any]]) -> Path:
    path = folder / f"pairs.{kind}"
    if kind == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows))
    elif kind == "parquet":
        pl.DataFrame(rows).write_parquet(path)
    else:
        texts = [{k: json.dumps(v) if isinstance(v, list) else v for k, v in row.items()} for row in rows]
        pl.DataFrame(texts).write_csv(path)
    return path


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("labels", [(True, False), (1, 0), ("yes", "No"), (1.0, 0.0), (" TRUE", "false")])
def test_scores_of_all_kinds_of_files(tmp_path: Path, kind: str, labels: tuple[Any, Any]) -> None:
    rows = [{"score": n, "label": label, "note": "x"} for n, label in enumerate(labels)]
    assert read_pairs(file(tmp_path, kind, rows)).rows() == [(0.0, True), (1.0, False)]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_regions_of_all_kinds_of_files(tmp_path: Path, kind: str) -> None:
    picture = draw(tmp_path / "pictures", 0)
    rows = [
        {"image": "pictures/0.png", "box": [0.0, 0.5, 10.0, 20.0], "expression": "red", "label": True},
        {"image": str(picture), "box": [1, 2, 3, 4], "expression": "a, b", "label": False},
    ]
    found = read_pairs(file(tmp_path, kind, rows))
    assert found.select("x1", "y1", "x2", "y2", "expression", "label").rows() == [
        (0.0, 0.5, 10.0, 20.0, "red", True),
        (1.0, 2.0, 3.0, 4.0, "a, b", False),
    ]
    assert [Path(one) for one in found["image"]] == [picture, picture]


def test_boxes_with_names(tmp_path: Path) -> None:
    draw(tmp_path, 0)
    rows = [{"image": "0.png", "box": box_of(0), "expression": "red", "label": True}]
    assert read_pairs(file(tmp_path, "parquet", rows)).select("x1", "x2").rows() == [(0.0, float(SIDE))]


REGION = {"image": "0.png", "box": [0, 0, 9, 9], "expression": "red", "label": True}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"scores": 1, "label": 1}],
            "columns must be `score`, `label`, or `image`, `box`, `expression`, `label`; got",
        ),
        ([{"score": 1}], "columns must be"),
        ([{"score": 1, "label": 1}, {"score": 2, "label": 7}], r"`label` must be one of true, .*rows \[2\], got 7"),
        ([{"score": 1, "label": None}], r"`label` must be one of .*got None"),
        ([{"score": "high", "label": 1}], r"`score` must be a number; 1 rows are not: rows \[1\], got 'high'"),
        ([{"score": None, "label": 1}, {"score": 2, "label": 1}], "`score` must be a number"),
        ([{"score": [1], "label": 1}], "`score` must be a number, got List"),
        ([{"score": 1, "label": [1]}], "`label` must be true or false, got List"),
        ([REGION | {"image": "gone.png"}], "1 pictures of `image` do not exist: `gone.png`"),
        ([REGION | {"image": None}, REGION], "`image` must be text"),
        ([REGION | {"expression": " "}], "`expression` must be text"),
        ([REGION | {"box": [0, 0, 9]}], "`box` must be x1, y1, x2, y2 with x1 < x2 and y1 < y2"),
        ([REGION, REGION | {"box": [9, 0, 0, 9]}], r"rows \[2\]"),
        ([REGION | {"box": "somewhere"}], "`box` must be x1, y1, x2, y2"),
        ([REGION | {"box": 3}], "`box` must be four numbers, x1, y1, x2, y2, got Int64"),
    ],
)
def test_what_is_wrong_with_a_file(tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
    draw(tmp_path, 0)
    with pytest.raises(InputError, match=message):
        read_pairs(file(tmp_path, "jsonl", rows))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must end in one of `\.csv`, `\.parquet`, `\.jsonl`, got `\.txt`"):
        read_pairs(tmp_path / "pairs.txt")
    with pytest.raises(InputError, match="is not a file"):
        read_pairs(tmp_path / "gone.csv")
    (tmp_path / "bad.parquet").write_text("no")
    (tmp_path / "bad.jsonl").write_text("{")
    for name in ("bad.parquet", "bad.jsonl"):
        with pytest.raises(InputError, match="cannot be read"):
            read_pairs(tmp_path / name)
    (tmp_path / "empty.csv").write_text("score,label\n")
    with pytest.raises(InputError, match="has no rows"):
        read_pairs(tmp_path / "empty.csv")


# --- scored on the spot ---


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_clip.clip(tmp_path_factory.mktemp("clip") / "clip")


def regions(folder: Path) -> Path:
    """Each quarter of three pictures with its color, and with one that the picture does not have."""
    rows = [
        {"image": draw(folder, n).name, "box": list(box_of(place).values()), "expression": said, "label": true}
        for n in range(3)
        for place, color in enumerate(colors_of(n))
        for said, true in ((color, True), (colors_of(n + 4)[0], False))
    ]
    return file(folder, "csv", rows)


def test_true_and_false_colors_are_told_apart(tmp_path: Path, weights: Path) -> None:
    pairs = read_pairs(regions(tmp_path))
    config = RegionTextConfig.model_validate({"model": str(weights), "device": "cpu"})
    scored = score_labelled(pairs, config=config)
    assert scored.drop("score", "logit").equals(pairs)
    assert np.argsort(scored["score"]).tolist() == np.argsort(scored["logit"]).tolist()
    found = calibrate(scored)
    assert (found.auc, found.chosen["precision"], found.chosen["recall"]) == (1.0, 1.0, 1.0)
    (tmp_path / "0.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"1 pictures cannot be scored; `.*0.png`: not_an_image"):
        score_labelled(pairs, config=config)


def test_the_command(tmp_path: Path, weights: Path) -> None:
    project = Project(tmp_path)
    pairs = regions(tmp_path)
    filters = tmp_path / "clip.yaml"  # not where the project's own settings are
    filters.write_text(f"region_text: {{model: {weights}, device: cpu}}\n")
    said = " ".join(project.run("calibrate", pairs, "--out", "out", "--filters", filters).split())
    assert "precision 1.000, recall 1.000; ROC AUC 1.000 of 24 pairs, 12 true" in said
    threshold = float(said.split("min_region_text_cosine: ")[1].split()[0])
    scored = pl.read_parquet(tmp_path / "out" / "scored.parquet")
    assert scored.filter(pl.col("score") >= threshold)["label"].to_list() == [True] * 12
    assert (tmp_path / "out" / "precision_recall.png").stat().st_size > 5000

    (tmp_path / "scores.csv").write_text("score,label\n0.5,1\n0.4,0\n")
    said = project.run("calibrate", "scores.csv", "--out", "two", "--precision", "1")
    assert "precision 1: threshold 0.5000" in said
    assert "min_region_text_cosine" not in said
    for arguments, message in (
        ((pairs, "--out", "out"), "has no `region_text`: name a model that scores"),
        ((pairs, "--out", "out", "--filters", "gone.yaml"), "`--filters` must be a file, got `gone.yaml`"),
        (("scores.csv", "--out", "two", "--precision", "2"), "`precision` must be 0 .. 1, got 2"),
    ):
        assert message in " ".join(project.run("calibrate", *arguments, code=2).split())
