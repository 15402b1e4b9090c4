"""Files beside the tables that a mix is made of: base set, concepts, tokenizer."""

import hashlib
from pathlib import Path

from provision_dagster.mixes.atomic import sha256
from provision_dagster.mixes.recipe import Recipe


def input_checksums(recipe: Recipe) -> dict[str, str | None]:
    """Return the SHA-256 of every file that a recipe names, by field; None where it is gone.

    Of a folder (a tokenizer) it is the SHA-256 of its files' names and checksums.
    """
    named = {
        "base.file": recipe.base.file if recipe.base else None,
        "concepts.file": recipe.concepts.file if recipe.concepts else None,
        "tokens.tokenizer": recipe.tokens.tokenizer if recipe.tokens else None,
    }
    return {field: _checksum(Path(path)) for field, path in named.items() if path is not None}


def _checksum(path: Path) -> str | None:
    if path.is_file():
        return sha256(path)
    if not path.is_dir():
        return None
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = [f"{sha256(file)}  {file.relative_to(path).as_posix()}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
