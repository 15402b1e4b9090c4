"""All recipes: those that ship with the package and those of the user's folder."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.errors import ProvisionError
from provision_dagster.generators.registry import all_generators
from provision_dagster.mixes.base_set import missing_base
from provision_dagster.mixes.recipe import Recipe, load_recipe
from provision_dagster.mixes.schema import RECIPES


def register_recipes(files: Sequence[Path]) -> pl.DataFrame:
    """Read recipe files.

    Returns
    -------
    pl.DataFrame
        Schema RECIPES, one row per file, in the order given; a file that cannot be used, whose name is
        taken, whose base set is not there, or that names an unknown generator, has an `error`.
    """
    rows: list[dict[str, Any]] = []
    for file in files:
        row: dict[str, Any] = {"recipe": file.stem, "file": str(file), "description": None, "error": None}
        try:
            recipe = load_recipe(file)
            row |= {"recipe": recipe.name, "description": recipe.description}
            row["error"] = unusable(recipe)
        except ProvisionError as error:
            row["error"] = str(error)
        taken = next((r["file"] for r in rows if r["recipe"] == row["recipe"]), None)
        if taken and row["error"] is None:
            row["error"] = f"`{file}`: recipe `{row['recipe']}` is in `{taken}` already"
        rows.append(row)
    return pl.DataFrame(rows, schema=RECIPES)


def unusable(recipe: Recipe) -> str | None:
    """Say why no mix can be built of a recipe, whatever the data; None where one may be."""
    named = {name: place for place, source in enumerate(recipe.sources) for name in source.generators}
    known = list(all_generators()) if named else []
    for name in sorted(set(named) - set(known)):
        near = ", ".join(get_close_matches(name, known, n=3) or known)
        field = f"sources.{named[name]}.generators"
        return f"recipe `{recipe.name}`, field `{field}`: unknown generator `{name}`, near: {near}"
    return None if recipe.base is None else missing_base(recipe.base)


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


def check_usable(names: Sequence[str], *, files: Sequence[Path]) -> None:
    """Raise `ProvisionError` if there is no usable recipe of a name."""
    every = register_recipes(files)
    usable = every.filter(pl.col("error").is_null())["recipe"].to_list()
    for name in sorted(set(names) - set(usable)):
        raise ProvisionError(why_not(name, every=every))


def by_default(files: Sequence[Path]) -> list[str]:
    """Return the names of usable recipes that are built when everything is: all but those on request."""
    usable = register_recipes(files).filter(pl.col("error").is_null())
    loaded = [load_recipe(Path(file)) for file in usable["file"]]
    return [recipe.name for recipe in loaded if not recipe.on_request]
