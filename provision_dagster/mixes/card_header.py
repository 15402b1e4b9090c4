"""The card of a Hugging Face folder: README.md, whose YAML header `datasets` and the hub read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from provision_dagster.mixes.atomic import atomic_file
from provision_dagster.mixes.hugging_face import FEATURES
from provision_dagster.mixes.recipe import Recipe

HUB_LICENSES = {
    "CC BY 2.0": "cc-by-2.0",
    "CC BY 3.0": "cc-by-3.0",
    "CC BY 4.0": "cc-by-4.0",
    "CC BY-SA 3.0": "cc-by-sa-3.0",
    "CC BY-SA 4.0": "cc-by-sa-4.0",
    "CC BY-NC 4.0": "cc-by-nc-4.0",
    "CC0 1.0": "cc0-1.0",
    "Apache-2.0": "apache-2.0",
    "MIT": "mit",
}
"""Identifiers of the hub by the names that image sets use; hyphens and spaces are alike."""


def write_hub_card(
    folder: Path, *, recipe: Recipe, files: Mapping[Path, int], licenses: Sequence[Mapping[str, Any]]
) -> Path:
    """Write README.md beside `data/`.

    Parameters
    ----------
    folder
        Folder of the data set.
    recipe
        The mix's recipe.
    files
        Parquet files and their rows.
    licenses
        Ledger of the manifest.

    Returns
    -------
    Path
        The file.
    """
    rows = sum(files.values())
    size = sum(path.stat().st_size for path in files)
    header = {
        "pretty_name": recipe.name,
        **_license(licenses),
        "task_categories": ["visual-question-answering", "image-text-to-text"],
        "language": ["en"],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}],
        "dataset_info": {
            "features": [_yaml(name, feature) for name, feature in FEATURES.items()],
            "splits": [{"name": "train", "num_bytes": size, "num_examples": rows}],
            "download_size": size,
            "dataset_size": size,
        },
    }
    text = yaml.safe_dump(header, sort_keys=False, allow_unicode=True, width=120)
    with atomic_file(folder / "README.md") as part:
        part.write_text(f"---\n{text}---\n\n{_body(recipe, rows=rows, licenses=licenses)}", encoding="utf-8")
    return folder / "README.md"


def _license(licenses: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """One licence that the hub knows; else `other`, and a look at the table."""
    alike = {name.lower().replace(" ", "-"): key for name, key in HUB_LICENSES.items()}
    names = {alike.get(one["license"].lower().replace(" ", "-")) for one in licenses}
    if len(names) == 1 and None not in names:
        return {"license": str(names.pop())}
    return {"license": "other", "license_name": "of-each-picture", "license_link": "README.md"}


def _yaml(name: str, feature: Any) -> dict[str, Any]:
    """Write a feature as `datasets` does in YAML."""
    if "feature" not in feature:
        return {"name": name, "dtype": _dtype(feature)}
    inner = feature["feature"]
    return {"name": name, "list": _dtype(inner) if "_type" in inner else [_yaml(n, f) for n, f in inner.items()]}


def _dtype(feature: Mapping[str, str]) -> str:
    return feature["dtype"] if feature["_type"] == "Value" else feature["_type"].lower()


def _body(recipe: Recipe, *, rows: int, licenses: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        f"# {recipe.name}",
        "",
        *([recipe.description, ""] if recipe.description else []),
        f"{rows:,} examples. `messages` is what is said; each part of type `image` stands for the next of `images`.",
        "",
        "| licence | pictures | examples |",
        "|---|--:|--:|",
        *(f"| {_cell(one['license'])} | {one['pictures']:,} | {one['rows']:,} |" for one in licenses),
        "",
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
