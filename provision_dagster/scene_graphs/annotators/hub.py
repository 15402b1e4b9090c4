"""Weights in the format of transformers: from a folder or a hub, on a device, with errors that say what to do."""

import hashlib
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from provision_dagster.errors import InputError, MissingExtraError
from provision_dagster.scene_graphs.annotators.configs import HubConfig

if TYPE_CHECKING:
    import torch

WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


def torch_module() -> ModuleType:
    """Import torch; `MissingExtraError` says how to install it."""
    return _module("torch")


def transformers_module() -> ModuleType:
    """Import transformers; `MissingExtraError` says how to install it."""
    return _module("transformers")


def _module(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError("models", needs=name) from error


def device_of(config: HubConfig) -> "torch.device":
    """Choose where a model runs: as configured, else the first GPU, else the processor.

    Raises
    ------
    InputError
        When the configured device is not there.
    """
    torch = torch_module()
    name = config.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"`device` is `{name}`, but no NVIDIA GPU can be used here; use `auto` or `cpu`")
    return torch.device(name)  # type: ignore[no-any-return]


def load_pretrained(auto_class: Any, config: HubConfig, *, device: "torch.device") -> Any:
    """Load a model for inference: weights of `config.revision`, in `config.dtype`, on a device.

    Parameters
    ----------
    auto_class
        Class of transformers with `from_pretrained`.

    Raises
    ------
    InputError
        When the folder, the hub or the revision has no such weights, or they are of another architecture.
    """
    torch = torch_module()
    wanted = config.dtype
    if wanted == "auto":
        wanted = "bfloat16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"
    model = from_pretrained(auto_class, config, dtype=getattr(torch, wanted))
    return model.to(device).eval()


def from_pretrained(auto_class: Any, config: HubConfig, **options: Any) -> Any:
    """Load a part (model, processor) of what `config` names.

    Raises
    ------
    InputError
        See `load_pretrained`.
    """
    where = f"model `{config.model}`" + (f" revision `{config.revision}`" if config.revision else "")
    try:
        return auto_class.from_pretrained(
            config.model, revision=config.revision, local_files_only=config.offline, **options
        )
    except OSError as error:  # transformers: not found, no network, no such revision, file damaged
        hint = (
            "give a folder with the weights" if config.offline else "check name, revision and network, or give a folder"
        )
        raise InputError(f"{where} cannot be loaded: {_one_line(error)}; {hint}") from error
    except (ValueError, KeyError, RuntimeError) as error:
        raise InputError(f"{where} is no {auto_class.__name__}: {_one_line(error)}") from error
    except Exception as error:  # safetensors has an error of its own for damaged files
        raise InputError(f"{where} cannot be read: {type(error).__name__}: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def told(config: HubConfig, model: Any) -> str:
    """Model and revision for provenance: the commit of a hub, or the digest of a folder's weights."""
    folder = Path(config.model)
    if folder.is_dir():
        return f"{folder.name}@sha256:{_digest(folder)}"
    commit = getattr(model.config, "_commit_hash", None)
    return f"{config.model}@{commit or config.revision or 'unknown'}"


@cache
def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for pattern in WEIGHTS:
        for file in sorted(folder.glob(pattern)):
            with file.open("rb") as stream:
                while block := stream.read(1 << 22):
                    digest.update(block)
    return digest.hexdigest()[:12]
