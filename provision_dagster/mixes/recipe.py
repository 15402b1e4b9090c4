"""Recipes: what goes into a mix, as a YAML file that is checked strictly."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from provision_dagster.errors import InputError
from provision_dagster.mixes.formats import DEFAULT_FORMATS, Format, Notation
from provision_dagster.mixes.recipe_parts import Balance, Base, Concepts, HeldOut, Source, Strict, Target, Tokens

Form = Literal["open", "choice", "half"]
"""open: question and answer; choice: options and a letter; half: every other pair with options as choice."""

RECIPES = Path(__file__).parent / "recipes"

TAKEN = ("data_docs", "held_out")
"""Folders beside those of the mixes' exports."""


class Recipe(Strict):
    """A mix: sources in order of precedence, the form of the examples, a seed that decides every choice."""

    name: str = Field(
        pattern=r"^[a-z0-9_-]+$",
        description="Name of the mix: the partition of `mixes`, the folder of its exports.",
    )
    description: str = Field(default="", description="What the mix is for.")
    on_request: bool = Field(
        default=False, description="Built only when it is asked for by name, not when everything is made."
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="Another seed takes other rows in another order.")
    sources: tuple[Source, ...] = Field(
        min_length=1, description="Taken in this order; a row goes to the first source that takes it."
    )
    form: Form = Field(
        default="half",
        description="open: question and answer. choice: lettered options and a letter; pairs without options "
        "are left out. half: every other pair with options as choice, all others open.",
    )
    cap_per_image: int | None = Field(
        default=None,
        ge=1,
        description="Most examples that may show one image; null: no cap. Examples that show several images "
        "need room under the cap of each. Rows of the base set do not count.",
    )
    box_format: Notation = Field(
        default="ratio",
        description="How boxes are written: ratio = shares of width and height, 2 decimals; thousand = 0 .. 999; "
        "pixels of the upright picture.",
    )
    base: Base | None = Field(default=None, description="A training set of others to augment or to replace a part of.")
    balance: Balance | None = Field(default=None, description="What must not prevail; null: rows as they come.")
    concepts: Concepts | None = Field(
        default=None, description="Choice of the rows that touch most of what benchmarks ask; null: by hash alone."
    )
    tokens: Tokens | None = Field(default=None, description="Budget of tokens; null: none.")
    held_out: HeldOut = Field(default=HeldOut(), description="Pictures that are left to evaluation.")
    formats: tuple[Format, ...] = Field(
        default=DEFAULT_FORMATS, min_length=1, description="Files to export; the manifest is always written."
    )
    target: Target | None = Field(default=None, description="The published size, to compare with; null: none.")

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        if self.name in TAKEN:
            raise ValueError(f"`name` must not be {' or '.join(TAKEN)}: exports of others lie there")
        if len(set(self.formats)) < len(self.formats):
            raise ValueError(f"`formats` must not repeat, got {', '.join(self.formats)}")
        return self


def bundled_recipes() -> dict[str, Path]:
    """Return the recipe files that ship with the package, by name."""
    return {path.stem: path for path in sorted(RECIPES.glob("*.yaml"))}


def load_recipe(path: str | Path) -> Recipe:
    """Read and check a recipe.

    Parameters
    ----------
    path
        YAML file, or the name of a recipe that ships with the package.

    Returns
    -------
    Recipe
        The checked recipe.

    Raises
    ------
    InputError
        If the file cannot be read or a field is unknown, missing or wrong; the message names file, field,
        what is allowed and what was got.
    """
    return parse_recipe(read_fields(path), file=str(path))


def read_fields(path: str | Path) -> dict[str, Any]:
    """Read the fields of a recipe file, unchecked; raises `InputError` if it is no mapping in YAML."""
    file = bundled_recipes().get(str(path), Path(path))
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        shipped = ", ".join(bundled_recipes())
        raise InputError(f"recipe `{path}` cannot be read: {error}; recipes that ship: {shipped}") from error
    try:
        data = yaml.load(text, Loader=_UniqueKeys)
    except yaml.YAMLError as error:
        raise InputError(f"recipe `{path}` is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise InputError(f"recipe `{path}` must be a mapping of fields, got {type(data).__name__}")
    return data


def parse_recipe(data: Mapping[str, Any], *, file: str = "recipe") -> Recipe:
    """Check the fields of a recipe; errors name `file`. Raises `InputError`."""
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise InputError("\n".join(_explain(file, error.errors()))) from error


def recipe_schema() -> dict[str, Any]:
    """Return the JSON schema of recipe files, for editors."""
    return Recipe.model_json_schema()


def _explain(file: str, errors: Sequence[ErrorDetails]) -> Iterable[str]:
    for error in errors:
        inside = [other["loc"][: len(error["loc"])] for other in errors if len(other["loc"]) > len(error["loc"])]
        if error["type"] == "too_short" and error["loc"] in inside:
            continue  # the items that are wrong are told of: pydantic does not count these
        field = ".".join(str(part) for part in error["loc"])
        where = f"recipe `{file}`, field `{field}`" if field else f"recipe `{file}`"
        if error["type"] == "missing":
            yield f"{where}: must be given"
        elif error["type"] == "extra_forbidden":
            yield f"{where}: unknown, must be one of {', '.join(_fields_at(error['loc']))}"
        else:
            text = error["msg"].removeprefix("Value error, ")
            yield f"{where}: {text[0].lower()}{text[1:]}, got {error['input']!r:.200}"


_PARTS: dict[str, type[BaseModel]] = {
    "sources": Source,
    "base": Base,
    "balance": Balance,
    "concepts": Concepts,
    "tokens": Tokens,
    "held_out": HeldOut,
    "target": Target,
}


def _fields_at(place: tuple[int | str, ...]) -> list[str]:
    model = _PARTS[str(place[0])] if len(place) > 1 else Recipe
    return list(model.model_fields)


class _UniqueKeys(yaml.SafeLoader):
    """YAML keeps the last of two equal keys; here that is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"field given twice: {twice}", node.start_mark)
        return super().construct_mapping(node, deep)
