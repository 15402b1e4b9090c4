"""All recipes: those that ship with the package and those of the user's folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.errors import ProvisionError
from provision_dagster.mixes.base_set import missing_base
from provision_dagster.mixes.recipe import Recipe, load_recipe
from provision_dagster.mixes.schema import RECIPES


def register_recipes(files: Sequence[Path]) -> pl.DataFrame:
    """Read recipe files.

    Returns
    -------
    pl.DataFrame
        Schema RECIPES, one row per file, in the order given; a file that cannot be used, whose name is
        taken, or whose base set is not there, has an `error`.
    """
    rows: list[dict[str, Any]] = []
    for file in files:
        row: dict[str, Any] = {"recipe": file.stem, "file": str(file), "description": None, "error": None}
        try:
            recipe = load_recipe(file)
            row |= {"recipe": recipe.name, "description": recipe.description}
            if recipe.base is not None:
                row["error"] = missing_base(recipe.base)
        except ProvisionError as error:
            row["error"] = str(error)
        taken = next((r["file"] for r in rows if r["recipe"] == row["recipe"]), None)
        if taken and row["error"] is None:
            row["error"] = f"`{file}`: recipe `{row['recipe']}` is in `{taken}` already"
        rows.append(row)
    return pl.DataFrame(rows, schema=RECIPES)


def find_recipe(name: str, *, files: Sequence[Path]) -> Recipe:
    """Return the recipe of a name; `ProvisionError` says why it cannot be used, or lists the names there are."""
    every = register_recipes(files)
    known = every.filter(pl.col("error").is_null())
    found = known.filter(recipe=name)
    if found.is_empty():
        raise ProvisionError(why_not(name, every=every))
    return load_recipe(Path(found["file"][0]))


def why_not(name: str, *, every: pl.DataFrame) -> str:
    """Say why there is no usable recipe of a name, by a table as from `register_recipes`."""
    errors = every.filter(pl.col("recipe") == name, pl.col("error").is_not_null())["error"].to_list()
    if errors:
        return f"recipe `{name}` cannot be used: {errors[0]}"
    usable = every.filter(pl.col("error").is_null())["recipe"]
    return f"no recipe `{name}`; there are: {', '.join(usable)}"


def check_usable(names: Sequence[str], *, known: Sequence[str], files: Sequence[Path]) -> None:
    """Raise `ProvisionError` if a recipe cannot be used, or is not among the known ones."""
    every = register_recipes(files)
    usable, broken = (
        set(every.filter(error)["recipe"]) for error in (pl.col("error").is_null(), pl.col("error").is_not_null())
    )
    for name in sorted((broken - usable) & set(names)):
        raise ProvisionError(why_not(name, every=every))
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ProvisionError(f"unknown recipe {', '.join(unknown)}; there are: {', '.join(known)}")


def by_default(files: Sequence[Path]) -> list[str]:
    """Return the names of usable recipes that are built when everything is: all but those on request."""
    usable = register_recipes(files).filter(pl.col("error").is_null())
    loaded = [load_recipe(Path(file)) for file in usable["file"]]
    return [recipe.name for recipe in loaded if not recipe.on_request]
