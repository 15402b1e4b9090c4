"""Where the weights of a CLIP of open_clip lie: a folder, a hub, a tag of open_clip, a file."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from provision_dagster.errors import InputError, ProvisionError
from provision_dagster.scene_graphs.annotators.detector_configs import ClipConfig
from provision_dagster.scene_graphs.annotators.hub import digest_of_files, one_line, open_clip_module

ON_A_HUB = "hf-hub:"
IN_A_FOLDER = "local-dir:"
CONFIG = "open_clip_config.json"
WEIGHTS = ("*.safetensors", "*.bin", "*.pth")
"""Files that open_clip takes for weights, what it prefers first."""
BESIDE = ("*.json", "*.txt", "*.model")
"""Configuration and tokenizer."""
PREPARED_AS = {"image_mean": "mean", "image_std": "std", "image_interpolation": "interpolation"} | {
    "image_resize_mode": "resize_mode"
}
"""By argument of open_clip: field of a tag that says how its pictures were prepared."""


@dataclass(frozen=True)
class Source:
    """What open_clip loads.

    Attributes
    ----------
    name
        Of the architecture; with a prefix for folders.
    weights
        File; None where the folder has them.
    options
        How pictures are prepared, and what else the weights want.
    told
        Name and digest or commit, for provenance.
    """

    name: str
    weights: Path | None
    told: str
    options: dict[str, Any] = field(default_factory=dict)


def find_clip(config: ClipConfig) -> Source:
    """Find the weights, and fetch them where they are on a hub.

    Raises
    ------
    InputError
        When model or weights are unknown, or cannot be had.
    """
    folder = Path(config.model)
    if folder.is_dir():
        _only(config, "pretrained", "revision", where="a folder has weights of its own")
        digest = digest_of_files(_weights_in(folder, config))
        return Source(f"{IN_A_FOLDER}{folder}", None, f"{folder.name}@sha256:{digest}")
    if config.model.startswith(ON_A_HUB):
        _only(config, "pretrained", where="a model on a hub has weights of its own")
        return _on_hub(config)
    _only(config, "revision", where=f"it is for models on a hub, as `{ON_A_HUB}organization/name`")
    return _named(config)


def _only(config: ClipConfig, *fields: str, where: str) -> None:
    for name in fields:
        if getattr(config, name) is not None:
            raise InputError(f"{config.section}: `{name}` does not go with model `{config.model}`: {where}")


def _weights_in(folder: Path, config: ClipConfig) -> tuple[Path, ...]:
    if not (folder / CONFIG).is_file():
        raise InputError(f"{config.section}: model `{folder}` has no {CONFIG}")
    files = tuple(file for pattern in WEIGHTS for file in sorted(folder.glob(pattern)))
    if not files:
        raise InputError(f"{config.section}: model `{folder}` has no weights ({', '.join(WEIGHTS)})")
    return files


def _on_hub(config: ClipConfig) -> Source:
    repository = config.model.removeprefix(ON_A_HUB)
    hub = import_module("huggingface_hub")
    folder = Path()
    with named_errors(config):
        # one format is enough
        for pattern in WEIGHTS:
            wanted = [f"open_clip_{pattern}", *BESIDE]
            folder = Path(hub.snapshot_download(repository, revision=config.revision, allow_patterns=wanted))
            if any(folder.glob(pattern)):
                break
    _weights_in(folder, config)
    return Source(f"{IN_A_FOLDER}{folder}", None, f"{repository}@{folder.name}")


def _named(config: ClipConfig) -> Source:
    library = open_clip_module()
    if config.model not in library.list_models():
        near = _near(config.model, library.list_models())
        raise InputError(
            f"{config.section}: open_clip has no model `{config.model}`; near: {near}; "
            f"else give a folder, or `{ON_A_HUB}...`"
        )
    tags = library.list_pretrained_tags_by_model(config.model)
    choice = f"a file, or one of open_clip's for `{config.model}`: {', '.join(f'`{tag}`' for tag in tags) or 'none'}"
    if config.pretrained is None:
        raise InputError(f"{config.section}: `pretrained` is required: {choice}")
    file = Path(config.pretrained)
    if library.is_pretrained_cfg(config.model, config.pretrained):
        return _of_tag(config, library)
    if not file.is_file():
        raise InputError(f"{config.section}: `pretrained` must be {choice}; got `{config.pretrained}`")
    told = f"{config.model}/{file.name}@sha256:{digest_of_files((file,))}"
    return Source(config.model, file, told, _usual_preparation(config.model, library))


def _usual_preparation(model: str, library: Any) -> dict[str, Any]:
    """How open_clip prepares pictures for all weights of a model that it knows; nothing where they differ."""
    known = [library.get_pretrained_cfg(model, tag) for tag in library.list_pretrained_tags_by_model(model)]
    ways = [_preparation(one) for one in known]
    return ways[0] if ways and all(way == ways[0] for way in ways) else {}


def _preparation(known: Mapping[str, Any]) -> dict[str, Any]:
    return {argument: known.get(name) for argument, name in PREPARED_AS.items()}


def _of_tag(config: ClipConfig, library: Any) -> Source:
    known = library.get_pretrained_cfg(config.model, config.pretrained)
    with named_errors(config):
        file = Path(library.download_pretrained(known))
    told = f"{config.model}/{config.pretrained}@sha256:{digest_of_files((file,))}"
    quick = {"force_quick_gelu": bool(known.get("quick_gelu"))}
    return Source(config.model, file, told, _preparation(known) | quick)


def _near(name: str, names: Iterable[str]) -> str:
    known = list(names)
    return ", ".join(f"`{one}`" for one in get_close_matches(name, known, n=5, cutoff=0.4) or known[:5])


@contextmanager
def named_errors(config: ClipConfig) -> Iterator[None]:
    """Name the model in the errors of open_clip, of the hub and of the network, which are of many classes."""
    try:
        yield
    except ProvisionError:
        raise
    except Exception as error:
        given = {" with": config.pretrained, " revision": config.revision}
        weights = "".join(f"{word} `{value}`" for word, value in given.items() if value is not None)
        raise InputError(
            f"{config.section}: model `{config.model}`{weights} cannot be loaded: "
            f"{type(error).__name__}: {one_line(error)}; check name, weights and network, or give a folder"
        ) from error


@contextmanager
def network(*, offline: bool) -> Iterator[None]:
    """Keep the libraries of the hub to folders and their cache; open_clip has no option for it."""
    constants: Any = import_module("huggingface_hub.constants")
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or offline
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
