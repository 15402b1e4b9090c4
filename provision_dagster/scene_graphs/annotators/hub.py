"""Weights in the format of transformers: from a folder or a hub, on a device, with errors that say what to do."""

import hashlib
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from provision_dagster.errors import InputError, MissingExtraError
from provision_dagster.scene_graphs.annotators.configs import HubConfig
from provision_dagster.scene_graphs.annotators.found import Floats

if TYPE_CHECKING:
    import torch

WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


def torch_module() -> ModuleType:
    """Import torch; `MissingExtraError` says how to install it."""
    return _module("torch")


def open_clip_module() -> ModuleType:
    """Import open_clip; `MissingExtraError` says how to install it."""
    return _module("open_clip")


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
    numbers = getattr(torch_module(), dtype_of(config, device=device))
    return from_pretrained(auto_class, config, dtype=numbers).to(device).eval()


def dtype_of(config: HubConfig, *, device: "torch.device") -> str:
    """Choose the numbers of the weights: as configured, else bfloat16 on a GPU that has it, else float32."""
    if config.dtype != "auto":
        return config.dtype
    return "bfloat16" if device.type == "cuda" and torch_module().cuda.is_bf16_supported() else "float32"


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
        raise InputError(f"{where} cannot be loaded: {one_line(error)}; {hint}") from error
    except (ValueError, KeyError, RuntimeError) as error:
        raise InputError(f"{where} is no {auto_class.__name__}: {one_line(error)}") from error
    except Exception as error:  # safetensors has an error of its own for damaged files
        raise InputError(f"{where} cannot be read: {type(error).__name__}: {one_line(error)}") from error


def one_line(error: Exception) -> str:
    """Shorten the message of an error to a line."""
    return " ".join(str(error).split())[:300]


def as_floats(tensor: Any) -> Floats:
    """Bring numbers of any device and type to numpy."""
    return tensor.float().cpu().numpy().astype(np.float64)  # type: ignore[no-any-return]


def told(config: HubConfig, model: Any) -> str:
    """Model and revision for provenance: the commit of a hub, or the digest of a folder's weights."""
    folder = Path(config.model)
    if folder.is_dir():
        files = [file for pattern in WEIGHTS for file in sorted(folder.glob(pattern))]
        return f"{folder.name}@sha256:{digest_of_files(tuple(files))}"
    commit = getattr(model.config, "_commit_hash", None)
    return f"{config.model}@{commit or config.revision or 'unknown'}"


@cache
def digest_of_files(files: tuple[Path, ...]) -> str:
    """Name files by their content, in the order given."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()[:12]
