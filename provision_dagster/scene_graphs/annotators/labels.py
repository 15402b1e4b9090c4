"""Label files: one label a line."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from provision_dagster.errors import InputError

NOT_A_CLASS = "n/a"
"""Line of a label file whose number is not a class (COCO's 91 numbers have 80 classes)."""


def read_labels(path: Path) -> list[str]:
    """Read labels in order; blank lines and "n/a" are left out.

    Raises
    ------
    InputError
        When the file cannot be read, names nothing, or names a label twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"labels `{path}` cannot be read: {error}") from error
    labels = [name for line in lines if (name := line.strip()) and name != NOT_A_CLASS]
    if not labels:
        raise InputError(f"labels `{path}` names no label; write one a line")
    twice = sorted({name for name in labels if labels.count(name) > 1})
    if twice:
        raise InputError(f"labels `{path}` names `{twice[0]}` twice")
    return labels


def digest_of(labels: Sequence[str]) -> str:
    """Name a list of labels by its content, for provenance."""
    return f"labels@sha256:{hashlib.sha256(chr(10).join(labels).encode()).hexdigest()[:12]}"
