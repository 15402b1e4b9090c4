"""Files of a held-out set, read back as lmms-eval and VLMEvalKit read them."""

import ast
import base64
import hashlib
import importlib.util
import io
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import polars as pl
import pytest
import yaml
from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.image_sets.decode import open_image
from provision_dagster.mixes.held_out.config import HeldOutConfig
from provision_dagster.mixes.held_out.examples import examples
from provision_dagster.mixes.held_out.export import MANIFEST, export_held_out, remove_held_out
from provision_dagster.mixes.held_out.lmms_eval_utils import letter, process_results
from provision_dagster.mixes.held_out.questions import held_out_questions
from provision_dagster.mixes.held_out.schema import HELD_OUT_PICTURES
from tests.mixes.held_out.rows import drawn_pictures
from tests.mixes.rows import filtered, qa

CONFIG = HeldOutConfig(name="test_set")


def _questions(*rows: dict[str, Any], images: pl.DataFrame) -> pl.DataFrame:
    out = pl.concat([pl.DataFrame(schema=HELD_OUT_PICTURES), images.select("shard", "image_id")], how="diagonal")
    return held_out_questions(filtered(*rows).lazy(), pictures=out, config=CONFIG).questions


def sample_of(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Six pictures, questions of every type, and some that cannot be exported."""
    images = drawn_pictures(folder, 6)
    ids = images["image_id"].to_list()
    bare: dict[str, Any] = {"options": [], "answer_index": None}
    number = {"options": ["3", "2", "4"], "answer_index": 1, "answer": "2", "generator": "MostObject"}
    rows = [
        *(qa(_id(i), image_ids=[ids[i % 6]]) for i in range(8)),
        qa(_id(8), image_ids=[ids[0]], question='Is "it"\there?', options=["a, b", "Größe", "no", "x", "y"]),
        qa(_id(9), image_ids=[ids[1]], **number),
        *(qa(_id(i), image_ids=[ids[i - 8]], generator="CloserPoint") for i in range(10, 13)),
        *(qa(_id(i), image_ids=ids[i - 13 : i - 10], generator="HasObject") for i in range(13, 16)),
        qa(_id(16), image_ids=[ids[2]], generator="SceneGraphCaption", **bare),
    ]
    return _questions(*rows, images=images), images


def _id(number: int) -> int:
    """Ids that differ in their first digits, as hashes do."""
    return (number + 1) << 100


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, pl.DataFrame]:
    return sample_of(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def exported(sample: tuple[pl.DataFrame, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("held_out")
    export_held_out(sample[0], folder, images=sample[1].lazy(), config=CONFIG, table_versions={"held_out": 3})
    return folder


def _digests(folder: Path) -> dict[str, str]:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_manifest_names_every_file(exported: Path) -> None:
    manifest = json.loads((exported / MANIFEST).read_text())
    found = _digests(exported)
    found.pop(MANIFEST)
    assert {name: file["sha256"] for name, file in manifest["files"].items()} == found
    counts = manifest["counts"]
    assert counts["by_type"] == {"2D": 10, "3D": 3, "multi": 3}
    assert counts["by_task"] == {"attribute": 9, "count": 1, "depth_order": 3, "object": 3}
    assert counts["left_out"] == {
        "open_form_only": 1,
        "without_pixels": 0,
        "over_per_generator": 0,
        "unreadable_for_pandas": 0,
    }
    assert counts["pictures_by_license"] == {"CC BY 4.0": 3, "CC0 1.0": 3}
    assert counts["chance"]["3D"] == 0.5
    assert str(exported) not in (exported / MANIFEST).read_text()


def test_the_same_questions_give_the_same_bytes(
    sample: tuple[pl.DataFrame, pl.DataFrame], exported: Path, tmp_path: Path
) -> None:
    shuffled = sample[0].sample(fraction=1, shuffle=True, seed=1)
    export_held_out(
        shuffled, tmp_path, images=sample[1].reverse().lazy(), config=CONFIG, table_versions={"held_out": 3}
    )
    assert _digests(tmp_path) == _digests(exported)


def _read(file: Path) -> pd.DataFrame:
    """As VLMEvalKit does."""
    return pd.read_csv(file, sep="\t")


def test_tables_for_vlmevalkit(sample: tuple[pl.DataFrame, pl.DataFrame], exported: Path) -> None:
    table = _read(exported / "vlmevalkit" / "test_set_2d.tsv")
    columns = ["index", "image", "question", "A", "B", "C", "D", "E", "answer", "category", "l2-category", "split"]
    assert list(table.columns) == [*columns, "generator", "id", "license"]
    assert table["index"].is_unique
    assert set(table["l2-category"]) == {"2D"}
    by_id = {row["id"]: row for row in table.to_dict("records")}
    for row in sample[0].filter((pl.col("type") == "2D") & (pl.col("options").list.len() > 0)).iter_rows(named=True):
        read = by_id[row["id"]]
        options = [read[name] for name in "ABCDE" if not pd.isna(read[name])]
        assert (read["question"], options) == (row["question"], row["options"])
        assert options["ABCDE".index(read["answer"])] == row["options"][row["answer_index"]]


def test_each_picture_of_a_table_stands_there_once(sample: tuple[pl.DataFrame, pl.DataFrame], exported: Path) -> None:
    table = _read(exported / "vlmevalkit" / "test_set_2d.tsv")
    whole = {str(row["index"]): row["image"] for row in table.to_dict("records") if len(str(row["image"])) > 64}
    assert len(whole) == 6
    shown = dict(sample[0].select("id", "image_ids").rows())
    for row in table.to_dict("records"):
        text = row["image"] if len(str(row["image"])) > 64 else whole[str(row["image"])]
        _is_picture(base64.b64decode(text), shown[row["id"]][0], sample[1])


def test_tables_of_several_pictures(sample: tuple[pl.DataFrame, pl.DataFrame], exported: Path) -> None:
    table = _read(exported / "vlmevalkit" / "test_set_multi.tsv")
    shown = dict(sample[0].select("id", "image_ids").rows())
    for row in table.to_dict("records"):
        coded, names = ast.literal_eval(row["image"]), ast.literal_eval(row["image_path"])
        assert names == [f"{one}.png" for one in shown[row["id"]]]
        for text, image_id in zip(coded, shown[row["id"]], strict=True):
            _is_picture(base64.b64decode(text), image_id, sample[1])


def _is_picture(data: bytes, image_id: str, images: pl.DataFrame) -> None:
    """Whether a file shows the picture, pixel by pixel; JPEG and PNG are as stored."""
    (row,) = images.filter(image_id=image_id).iter_rows(named=True)
    if row["format"] in ("JPEG", "PNG"):
        assert data == Path(row["uri"]).read_bytes()
    with Image.open(io.BytesIO(data)) as read:
        assert read.convert("RGB").tobytes() == open_image(row["uri"]).tobytes()


def test_tasks_for_lmms_eval(exported: Path) -> None:
    folder = exported / "lmms_eval" / "test_set"
    group = yaml.safe_load((folder / "test_set.yaml").read_text())
    assert group == {"group": "test_set", "task": ["test_set_2d", "test_set_3d", "test_set_multi"]}
    functions = _functions(folder)
    for name in group["task"]:
        task = yaml.safe_load((folder / f"{name}.yaml").read_text())
        assert task["task"] == name
        template = (folder / task["include"]).read_text()
        named = [line.rpartition("utils.")[2] for line in template.splitlines() if "!function" in line]
        assert all(callable(getattr(functions, one)) for one in named)
        data = pl.read_parquet(exported / task["dataset_kwargs"]["data_files"]["test"])
        metrics = {one["metric"] for one in task["metric_list"]}
        assert metrics == {"accuracy", *(f"accuracy_{one}" for one in data["task"].unique())}


def _functions(folder: Path) -> ModuleType:
    """Import utils.py from beside the tasks, as lmms-eval does."""
    spec = importlib.util.spec_from_file_location("utils", folder / "utils.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_questions_for_lmms_eval(sample: tuple[pl.DataFrame, pl.DataFrame], exported: Path) -> None:
    rows = pl.concat(pl.read_parquet(file) for file in (exported / "lmms_eval" / "test_set").glob("*.parquet"))
    shown = dict(sample[0].select("id", "image_ids").rows())
    for row in rows.iter_rows(named=True):
        files = [row[f"image_{i}"]["bytes"] for i in range(1, 5) if row[f"image_{i}"] is not None]
        for data, image_id in zip(files, shown[row["id"]], strict=True):
            _is_picture(data, image_id, sample[1])
        (line,) = [text for text in row["prompt"].split("\n") if text.startswith(f"{row['answer']}. ")]
        (told,) = sample[0].filter(id=row["id"]).iter_rows(named=True)
        assert line == f"{row['answer']}. {told['options'][told['answer_index']]}"


CHOICES = ["a dog", "a cat", "no"]


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("B", "B"),
        (" b ", "B"),
        ("(B)", "B"),
        ("B. a cat", "B"),
        ("b) a cat", "B"),
        ("A cat.", "B"),
        ("no", "C"),
        ("The answer is B.", "B"),
        ("I would choose (C), for it is so.", "C"),
        ("A dog is to the left, so the answer is C", "C"),
        ("A dog and a cat", None),
        ("(A) or (B)", None),
        ("D", None),
        ("", None),
    ],
)
def test_letters_are_read_from_responses(response: str, expected: str | None) -> None:
    assert letter(response, CHOICES) == expected


def test_results_are_counted_for_all_and_for_the_task() -> None:
    doc = {"choices": CHOICES, "answer": "B", "task": "count"}
    assert process_results(doc, ["(B)"]) == {"accuracy": 1.0, "accuracy_count": 1.0}
    assert process_results(doc, ["C"]) == {"accuracy": 0.0, "accuracy_count": 0.0}


def test_the_first_of_each_generator_are_written(sample: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    found = examples(sample[0], images=sample[1].lazy(), per_generator=2)
    assert dict(found.rows.group_by("generator").len().rows()) == {
        "AttributeBBox": 2,
        "MostObject": 1,
        "CloserPoint": 2,
        "HasObject": 2,
    }
    assert found.left_out["over_per_generator"] == 9
    assert found.rows.filter(generator="AttributeBBox")["rank"].to_list() == [0, 1]


def test_pictures_without_pixels_are_left_out(sample: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    bare = sample[1].with_columns(uri=pl.when(pl.col("position") != 0).then("uri"))
    found = examples(sample[0], images=bare.lazy(), per_generator=None)
    first = sample[1]["image_id"][0]
    shows_it = sample[0].filter(pl.col("image_ids").list.contains(first) & (pl.col("options").list.len() > 0))
    assert found.left_out["without_pixels"] == shows_it.height
    assert not set(found.rows["id"]) & set(shows_it["id"])


def test_options_that_pandas_would_lose_are_left_out(tmp_path: Path) -> None:
    images = drawn_pictures(tmp_path / "pictures", 1)
    ids = images["image_id"].to_list()
    lost = qa(_id(1), image_ids=ids, options=["None", "brown"])
    numbers = [
        qa(_id(i), image_ids=ids, options=options, answer_index=0, generator="CloserPoint")
        for i, options in enumerate((["1", "2"], ["3", "2", "4"], ["5", "6", "7"]), start=2)
    ]
    questions = _questions(qa(_id(0), image_ids=ids), lost, *numbers, images=images)
    manifest = export_held_out(questions, tmp_path, images=images.lazy(), config=CONFIG)
    assert manifest["counts"]["left_out"]["unreadable_for_pandas"] == 2
    table = _read(tmp_path / "vlmevalkit" / "test_set_3d.tsv")
    assert [str(value) for value in table["A"]] == ["3", "5"] or [str(value) for value in table["A"]] == ["5", "3"]
    # lmms-eval reads Parquet, where nothing is lost
    assert pl.read_parquet(tmp_path / "lmms_eval" / "test_set" / "3d.parquet").height == 3


def test_an_earlier_set_is_removed_and_nothing_else(sample: tuple[pl.DataFrame, pl.DataFrame], tmp_path: Path) -> None:
    export_held_out(sample[0], tmp_path, images=sample[1].lazy(), config=CONFIG)
    others = tmp_path / "vlmevalkit" / "MMStar.tsv"
    others.write_text("of the user")
    flat = sample[0].filter(pl.col("type") == "2D")
    export_held_out(flat, tmp_path, images=sample[1].lazy(), config=CONFIG.model_copy(update={"name": "other"}))
    tables = {file.name for file in (tmp_path / "vlmevalkit").iterdir()}
    assert tables == {"MMStar.tsv", "other_2d.tsv"}
    assert not list((tmp_path / "lmms_eval" / "test_set").iterdir())
    remove_held_out(tmp_path)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [others]


def test_nothing_to_write_is_an_error(sample: tuple[pl.DataFrame, pl.DataFrame], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no held-out question can be exported: 0 are held out"):
        export_held_out(sample[0].clear(), tmp_path, images=sample[1].lazy(), config=CONFIG)


def test_a_picture_that_is_gone_is_an_error_and_leaves_no_manifest(
    sample: tuple[pl.DataFrame, pl.DataFrame], tmp_path: Path
) -> None:
    gone = sample[1].with_columns(uri=pl.format("{}.gone", "uri"))
    with pytest.raises(InputError, match="gone` does not exist"):
        export_held_out(sample[0], tmp_path, images=gone.lazy(), config=CONFIG)
    assert not (tmp_path / MANIFEST).exists()
    assert not list(tmp_path.rglob("*.part"))
