"""All recipes: those that ship with the package and those of the user's folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.errors import ProvisionError
from provision_dagster.mixes.recipe import Recipe, load_recipe
from provision_dagster.mixes.schema import RECIPES


def register_recipes(files: Sequence[Path]) -> pl.DataFrame:
    """Read recipe files.

    Returns
    -------
    pl.DataFrame
        Schema RECIPES, one row per file, in the order given; a file that cannot be used, or whose name is taken, has
        an `error`.
    """
    rows: list[dict[str, Any]] = []
    for file in files:
        row: dict[str, Any] = {"recipe": file.stem, "file": str(file), "description": None, "error": None}
        try:
            recipe = load_recipe(file)
            row |= {"recipe": recipe.name, "description": recipe.description}
        except ProvisionError as error:
            row["error"] = str(error)
        taken = next((r["file"] for r in rows if r["recipe"] == row["recipe"]), None)
        if taken and row["error"] is None:
            row["error"] = f"`{file}`: recipe `{row['recipe']}` is in `{taken}` already"
        rows.append(row)
    return pl.DataFrame(rows, schema=RECIPES)


def find_recipe(name: str, *, files: Sequence[Path]) -> Recipe:
    """Return the recipe of a name; `ProvisionError` lists the names there are."""
    known = register_recipes(files).filter(pl.col("error").is_null())
    found = known.filter(recipe=name)
    if found.is_empty():
        raise ProvisionError(f"no recipe `{name}`; there are: {', '.join(known['recipe'])}")
    return load_recipe(Path(found["file"][0]))
