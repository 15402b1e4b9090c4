"""Where the tables are: one folder or URL, from the environment or as told."""

import json
import os
from pathlib import Path

from provision_dagster.errors import InputError

DATA_SETTING = "PROVISION_DATA"
"""Environment variable: folder or URL (`s3://bucket/prefix`) of all tables.

Without it, `data/tables` in the working directory.
"""

OPTIONS_SETTING = "PROVISION_STORAGE_OPTIONS"
"""Environment variable: JSON object of texts, e.g. `{"AWS_ENDPOINT_URL": "...", "AWS_REGION": "..."}`."""


def url_from_env() -> str:
    """Return the folder or URL of all tables as the environment says."""
    return os.environ.get(DATA_SETTING) or "data/tables"


def root_url(url: str | Path) -> str:
    """Return a URL without its last slash, or a folder as an absolute path.

    Raises
    ------
    InputError
        If it is empty or names an existing file.
    """
    if not str(url):
        raise InputError("`url` must be a folder or a URL, got an empty text")
    if isinstance(url, str) and "://" in url:
        return url.rstrip("/")
    path = Path(url).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise InputError(f"`url` must be a folder or a URL, got the file `{path}`")
    return str(path)


def options_from_env() -> dict[str, str]:
    """Return the storage options of the environment.

    Raises
    ------
    InputError
        If they are not a JSON object of texts. Values may be secrets, so the message names only their types.
    """
    text = os.environ.get(OPTIONS_SETTING) or "{}"
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"`{OPTIONS_SETTING}` must be a JSON object, got text that is not: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"`{OPTIONS_SETTING}` must be a JSON object of texts, got {type(found).__name__}")
    wrong = {name: type(value).__name__ for name, value in found.items() if not isinstance(value, str)}
    if wrong:
        raise InputError(f"`{OPTIONS_SETTING}` must be a JSON object of texts, got {wrong}")
    return found
