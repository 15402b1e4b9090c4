"""Configurations of models in YAML: paths count from the file's folder, and mistakes are told by field."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.base_config import PATHS

Config = TypeVar("Config", bound=BaseModel)


def checked(data: dict[str, Any], *, model: type[Config], path: Path, paths: Sequence[str] = PATHS) -> Config:
    """
    Check what a YAML file holds.

    Parameters
    ----------
    data
        Fields by name, as read.
    model
        What they must be.
    path
        The file: relative paths count from its folder, and messages name it.
    paths
        Fields that name files.

    Raises
    ------
    InputError
        When a field is unknown, missing or out of range; all such are named.
    """
    try:
        return model.model_validate(_from_folder(data, path.absolute().parent, paths))
    except ValidationError as error:
        problems = "; ".join(_message(problem, model) for problem in error.errors(include_url=False))
        raise InputError(f"`{path}`: {problems}") from error


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Configurations that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models_in(part)]


def _from_folder(data: dict[str, Any], folder: Path, paths: Sequence[str]) -> dict[str, Any]:
    """Make the files of configurations, and of their parts, absolute."""
    # a model that a server offers is no folder here
    served = data.get("kind") == "endpoint"
    return {
        field: value if served and field == "model" else _absolute(field, value, folder, paths)
        for field, value in data.items()
    }


def _absolute(field: str, value: Any, folder: Path, paths: Sequence[str]) -> Any:
    """Take the name of a model for a folder only where there is one: else it is a hub's."""
    if isinstance(value, dict):
        return _from_folder(value, folder, paths)
    if isinstance(value, list):
        return [_absolute(field, item, folder, paths) for item in value]
    if field not in paths or not isinstance(value, str):
        return value
    if (field == "model" and not (folder / value).is_dir()) or (
        field == "pretrained" and not (folder / value).exists()
    ):
        return value
    return str(folder / value)


def _message(error: Any, model: type[BaseModel]) -> str:
    """One line for one problem that pydantic found, with field, allowed values and what was got."""
    field, beside, kinds = _place(error["loc"], model)
    if error["type"].startswith("union_tag"):
        allowed = ", ".join(f"`{kind}`" for kind in kinds)
        got = error["ctx"].get("tag")
        return f"field `{field}.kind` must be one of {allowed}" + (f", got `{got}`" if got else "")
    if error["type"] == "extra_forbidden":
        return f"unknown field `{field}`; allowed: {', '.join(f'`{name}`' for name in beside)}"
    if error["type"] == "missing":
        return f"field `{field}` is required"
    text = str(error["msg"]).removeprefix("Value error, ")
    text = f"{text[:1].lower()}{text[1:]}"
    return f"field `{field}`: {text}, got {error['input']!r}" if field else text


def _place(loc: Sequence[Any], model: type[BaseModel]) -> tuple[str, list[str], list[str]]:
    """Name of a field, the fields beside it, and the kinds that it may be of."""
    owner = model
    names: list[str] = []
    beside: list[str] = []
    kinds: dict[str, type[BaseModel]] = {}
    for part in loc:
        if isinstance(part, int):  # the place in a list, whose items are what the list may hold
            names.append(str(part))
            continue
        if part in kinds:  # a kind stands in the place of a field of several kinds
            owner, kinds = kinds[part], {}
            continue
        names.append(part)
        beside = list(owner.model_fields)
        models = models_in(owner.model_fields[part].annotation) if part in owner.model_fields else []
        kinds = {get_args(one.model_fields["kind"].annotation)[0]: one for one in models} if len(models) > 1 else {}
        owner = models[0] if models else owner
    return ".".join(names), beside, list(kinds)
