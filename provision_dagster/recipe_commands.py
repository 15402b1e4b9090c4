"""`provision recipe`: lists recipes, checks them, and makes one of another."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console

from provision_dagster.errors import InputError

app = typer.Typer(name="recipe", help="List, check and write recipes of mixes.", no_args_is_help=True)

console = Console()

Recipe = Annotated[str, typer.Argument(help="YAML file, or the name of a recipe that ships with the package.")]


@app.command("list")
def list_recipes() -> None:
    """List the recipes of the package and of the recipe folder, and say which cannot be used."""
    from provision_dagster.defs.resources import FoldersResource
    from provision_dagster.mixes.registry import register_recipes

    for row in register_recipes(FoldersResource().recipe_files()).iter_rows(named=True):
        told = row["description"] if row["error"] is None else f"cannot be used: {row['error']}"
        console.print(f"{row['recipe']} ({row['file']}): {told}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def check(recipe: Recipe) -> None:
    """Check a recipe and the files that it names; exit code 2 says what is wrong."""
    from provision_dagster.mixes.base_set import read_base
    from provision_dagster.mixes.concepts import load_concepts
    from provision_dagster.mixes.recipe import load_recipe
    from provision_dagster.mixes.registry import unusable
    from provision_dagster.mixes.tokens import load_counter

    found = load_recipe(recipe)
    if problem := unusable(found):
        raise InputError(problem)
    if found.base is not None:
        rows = sum(part.height for part in read_base(found.base))
        console.print(f"base set: {rows} records in {found.base.file}", markup=False, soft_wrap=True)
    if found.concepts is not None:
        words = load_concepts(found.concepts)
        console.print(f"concepts: {len(words.names)} of {len(set(words.abilities))} abilities", markup=False)
    if found.tokens is not None:
        load_counter(found.tokens.tokenizer)
        console.print(f"tokenizer: {found.tokens.tokenizer}", markup=False, soft_wrap=True)
    console.print(f"recipe {found.name}: right", markup=False)


@app.command()
def schema() -> None:
    """Print the JSON schema of recipe files, for editors."""
    from provision_dagster.mixes.recipe import recipe_schema

    typer.echo(json.dumps(recipe_schema(), indent=2))


@app.command()
def show(
    recipe: Recipe,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="FIELD=VALUE, such as base.ratio=0.5 or sources.0.count=1000; may be repeated."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default: print.")] = None,
) -> None:
    """Print a recipe with every field, changed as asked; a changed recipe has no published size any more."""
    from provision_dagster.mixes.atomic import atomic_file
    from provision_dagster.mixes.recipe import load_recipe, parse_recipe

    fields = load_recipe(recipe).model_dump(mode="json")
    if name is not None:
        fields["name"] = name
    if set_:
        fields["target"] = None
    for change in set_ or ():
        _change(fields, change)
    checked = parse_recipe(fields, file=recipe).model_dump(mode="json")
    text = yaml.safe_dump(checked, sort_keys=False, allow_unicode=True, width=120)
    if out is None:
        typer.echo(text, nl=False)
        return
    with atomic_file(out) as part:
        part.write_text(text, encoding="utf-8")
    console.print(f"written: {out}", markup=False, soft_wrap=True)


def _change(fields: Any, change: str) -> None:
    """Set one field, named by its path."""
    path, equals, text = change.partition("=")
    *outer, last = path.split(".")
    if not equals or not path:
        raise InputError(f"`--set` must be FIELD=VALUE, got {change!r}")
    try:
        place = fields
        for step in outer:
            place = place[_step(place, step)]
        place[_step(place, last)] = yaml.safe_load(text)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(f"`--set`: the recipe has no field `{path}`; set a part that is null as a whole") from error
    except yaml.YAMLError as error:
        raise InputError(f"`--set {path}`: the value must be YAML, got {text!r}") from error


def _step(place: Any, step: str) -> str | int:
    if isinstance(place, list):
        return int(step)
    if place is None:
        raise KeyError(step)
    return step
