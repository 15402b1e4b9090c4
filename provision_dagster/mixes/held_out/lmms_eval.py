"""Task folder for lmms-eval: a group of tasks in YAML, their functions, and a Parquet file of questions per task."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from provision_dagster.mixes.atomic import atomic_file
from provision_dagster.mixes.held_out.examples import with_bytes
from provision_dagster.mixes.held_out.lmms_eval_utils import PICTURES
from provision_dagster.mixes.held_out.tasks import TYPES

UTILS = Path(__file__).with_name("lmms_eval_utils.py")

TEMPLATE = "_default_template_yaml"
"""What the tasks include; the name does not end in .yaml, so that it is taken for no task."""

ROWS = 64
"""Questions, with their pictures, that are held in memory at a time."""

_TEXTS = ("id", "type", "task", "generator", "question", "prompt", "answer", "license")
_PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_FEATURES: dict[str, Any] = {
    "idx": {"dtype": "int64", "_type": "Value"},
    **{name: {"dtype": "string", "_type": "Value"} for name in _TEXTS},
    "choices": [{"dtype": "string", "_type": "Value"}],
    **{name: {"_type": "Image"} for name in PICTURES},
}
SCHEMA = pa.schema(
    [
        ("idx", pa.int64()),
        *((name, pa.string()) for name in _TEXTS),
        ("choices", pa.list_(pa.string())),
        *((name, _PICTURE) for name in PICTURES),
    ],
    # `datasets` takes the types of columns from here: without it pictures would be bytes
    metadata={"huggingface": json.dumps({"info": {"features": _FEATURES}}, sort_keys=True)},
)
"""Names as in CV-Bench where it has the like: idx, type, task, question, prompt, choices, answer."""


def export_lmms_eval(rows: pl.DataFrame, folder: Path, *, name: str) -> list[Path]:
    """Write the task folder.

    Parameters
    ----------
    rows
        As from `examples`.
    folder
        Gets `lmms_eval/NAME/`. Paths inside count from `folder`: lmms-eval is to be started there.
    name
        Name of the group; its tasks are NAME_2d, NAME_3d and NAME_multi, as far as there are questions.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    PictureError
        If a picture cannot be opened any more.
    """
    place = Path("lmms_eval") / name
    kinds = [kind for kind in TYPES if kind in set(rows["type"])]
    files = [_text(folder / place / "utils.py", UTILS.read_text(encoding="utf-8"))]
    files.append(_text(folder / place / TEMPLATE, _template()))
    for kind in kinds:
        part = rows.filter(type=kind)
        data = place / f"{kind.lower()}.parquet"
        files.append(_write(part, folder / data))
        task = _task(f"{name}_{kind.lower()}", data=data, tasks=part["task"].unique().sort().to_list())
        files.append(_text(folder / place / f"{name}_{kind.lower()}.yaml", task))
    group = {"group": name, "task": [f"{name}_{kind.lower()}" for kind in kinds]}
    return [*files, _text(folder / place / f"{name}.yaml", yaml.safe_dump(group, sort_keys=False))]


def _template() -> str:
    """What all tasks share. `!function` names a function of utils.py; YAML's own writer knows no such tag."""
    functions = ("doc_to_visual", "doc_to_text", "doc_to_target", "process_results")
    plain = {
        "test_split": "test",
        "output_type": "generate_until",
        "generation_kwargs": {"max_new_tokens": 16, "temperature": 0, "do_sample": False},
        "lmms_eval_specific_kwargs": {
            # the words that LLaVA-1.5 is trained to answer by letter with
            "default": {
                "pre_prompt": "",
                "post_prompt": "\nAnswer with the option's letter from the given choices directly.",
            }
        },
        "metadata": [{"version": 1.0}],
    }
    named = "".join(f"{function}: !function utils.{function}\n" for function in functions)
    return yaml.safe_dump(plain, sort_keys=False) + named


def _task(name: str, *, data: Path, tasks: Sequence[str]) -> str:
    metrics = ["accuracy", *(f"accuracy_{task}" for task in tasks)]
    fields = {
        "task": name,
        "dataset_path": "parquet",
        "dataset_kwargs": {"data_files": {"test": data.as_posix()}},
        "include": TEMPLATE,
        "metric_list": [{"metric": one, "aggregation": "mean", "higher_is_better": True} for one in metrics],
    }
    return yaml.safe_dump(fields, sort_keys=False)


def _text(file: Path, text: str) -> Path:
    with atomic_file(file) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return file


def _write(rows: pl.DataFrame, file: Path) -> Path:
    with atomic_file(file) as part, pq.ParquetWriter(part, SCHEMA, compression="zstd") as out:
        for batch in _batches(rows):
            out.write_table(pa.Table.from_pylist(batch, schema=SCHEMA))
    return file


def _batches(rows: pl.DataFrame) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, rows.height, ROWS):
        yield [_record(row, files) for row, files in with_bytes(rows.slice(start, ROWS))]


def _record(row: dict[str, Any], files: list[bytes]) -> dict[str, Any]:
    shown = dict(zip(PICTURES, files, strict=False))
    fields = {name: row[name] for name in _TEXTS} | {"question": row["stem"], "answer": row["letter"]}
    pictures = {name: {"bytes": data, "path": None} for name, data in shown.items()}
    return {"idx": row["index"], "choices": row["options"], **fields, **pictures}
