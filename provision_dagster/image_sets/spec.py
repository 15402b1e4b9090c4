"""What an image set is: the reader, where its files lie and the defaults for licence and attribution."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from provision_dagster.errors import InputError

Reader = Literal["folder", "file_list", "webdataset", "annotations"]
AnnotationsFormat = Literal["visual-genome", "gqa", "coco", "provision"]

ANNOTATION_FIELDS = ("annotations", "annotations_format", "depth", "masks")
PATH_FIELDS = ("path", "annotations", "images", "depth", "masks", "annotators", "safety")


def _is_path(value: object) -> object:
    if not isinstance(value, str | Path) or not str(value).strip():
        raise ValueError("expected a path")
    return value


# A path arrives as text from YAML and the command line: the one conversion that strict mode allows here.
LocalPath = Annotated[Path, Field(strict=False), BeforeValidator(_is_path)]
Text = Annotated[str, Field(min_length=1)]


class ListColumns(BaseModel):
    """Names of the columns of a file list and of a table of safety, and of the fields of a WebDataset sample's JSON."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    path: Text = "path"
    uri: Text = "uri"
    image_key: Text = "image_key"
    license: Text = "license"
    attribution: Text = "attribution"
    safety: Text = "safety"
    unsafe_score: Text = "unsafe_score"


class ImageSetSpec(BaseModel):
    """One image set. Relative paths count from the working folder, or from the YAML file that holds them."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]
    reader: Reader
    path: LocalPath | None = None
    """Folder of pictures, file list, or one tar, a folder or a glob of tars; other name of `annotations`."""
    annotations: LocalPath | None = None
    annotations_format: AnnotationsFormat | None = None
    images: LocalPath | None = None
    """Folder of the pictures that annotations or a file list name; null: annotations without pictures."""
    depth: LocalPath | None = None
    masks: LocalPath | None = None
    annotators: LocalPath | None = None
    """YAML file of the models that look at the pictures (see `scene_graphs/annotators/configs.py`); null: none."""
    safety: LocalPath | None = None
    """Table of what is known of the pictures' safety, by `image_key`: labels, unsafe scores or both; null: nothing."""
    license: Text | None = None
    attribution: Text | None = None
    shard_size: Annotated[int, Field(ge=10, le=20_000)] = 500
    """Pictures per shard. A shard is a Dagster partition: choose it such that a set has at most about 2,000 of them."""
    columns: ListColumns = ListColumns()

    @model_validator(mode="before")
    @classmethod
    def _annotations_from_path(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("reader") != "annotations":
            return data
        if data.get("annotations") is None and data.get("path") is not None:
            return {**data, "annotations": data["path"]}
        return data

    @model_validator(mode="after")
    def _fields_fit_reader(self) -> Self:
        if self.reader == "annotations":
            return self._check_annotations()
        if self.path is None:
            raise ValueError(f"field `path` is required for reader `{self.reader}`")
        useless = [field for field in ANNOTATION_FIELDS if getattr(self, field) is not None]
        if self.images is not None and self.reader != "file_list":
            useless.append("images")
        if useless:
            names = ", ".join(f"`{field}`" for field in useless)
            raise ValueError(f"reader `{self.reader}` does not use {names}; remove it or use reader `annotations`")
        return self

    def _check_annotations(self) -> Self:
        for field in ("annotations", "annotations_format"):
            if getattr(self, field) is None:
                raise ValueError(f"field `{field}` is required for reader `annotations`")
        if self.path is not None and self.path != self.annotations:
            raise ValueError(
                "reader `annotations` reads `annotations`; leave out `path`, "
                f"got `{self.path}` and `{self.annotations}`"
            )
        return self


def _message(error: Mapping[str, Any]) -> str:
    """One line for one problem that pydantic found, with field, allowed values and what was got."""
    field = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        model = ListColumns if len(error["loc"]) > 1 else ImageSetSpec
        allowed = ", ".join(f"`{name}`" for name in model.model_fields)
        return f"unknown field `{field}`; allowed: {allowed}"
    if error["type"] == "missing":
        return f"field `{field}` is required"
    text = str(error["msg"]).removeprefix("Value error, ")
    text = text[:1].lower() + text[1:]
    return f"field `{field}`: {text}, got {error['input']!r}" if field else text


def parse_spec(data: Mapping[str, Any], *, source: str) -> ImageSetSpec:
    """
    Check the fields of an image set.

    Parameters
    ----------
    data
        Fields by name, see `ImageSetSpec`.
    source
        Where the fields come from; it begins the error message.

    Raises
    ------
    InputError
        When a field is unknown, missing, of the wrong type or unfit for the reader; all problems are named.
    """
    try:
        return ImageSetSpec.model_validate(dict(data))
    except ValidationError as error:
        problems = "; ".join(_message(problem) for problem in error.errors(include_url=False))
        raise InputError(f"{source}: {problems}") from error


def read_mapping(path: Path, *, holds: str) -> dict[str, Any]:
    """
    Read a YAML file that maps names to values.

    Parameters
    ----------
    holds
        What the file must hold, for the message.

    Raises
    ------
    InputError
        When the file cannot be read, is not YAML, or is no such mapping.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"`{path}` cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise InputError(f"`{path}` is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise InputError(f"`{path}` must hold {holds}, got {type(data).__name__}")
    return data


def load_spec(path: str | Path) -> ImageSetSpec:
    """
    Read an image set from a YAML file; relative paths in it count from the file's folder.

    Raises
    ------
    InputError
        When the file cannot be read, is not YAML, or a field is wrong.
    """
    path = Path(path)
    data = read_mapping(path, holds="the fields of one image set")
    spec = parse_spec(data, source=f"`{path}`")
    folder = path.absolute().parent
    return spec.model_copy(
        update={field: folder / value for field in PATH_FIELDS if (value := getattr(spec, field)) is not None}
    )
