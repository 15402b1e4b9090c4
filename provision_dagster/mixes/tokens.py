"""A budget of tokens, counted by the tokenizer of the model that is to be trained."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.errors import InputError, MissingExtraError
from provision_dagster.mixes.recipe_parts import Tokens

KNOWN = 200_000
"""Texts whose number of tokens is remembered: answers and short questions come again and again."""

Count = Callable[[Sequence[str]], list[int]]


class Budget:
    """Counts the tokens of examples in the order of a mix, and ends it where the next would be too many.

    Attributes
    ----------
    total
        Tokens of the examples taken.
    full
        Whether an example was left out.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.total = 0
        self.full = False
        self._count = load_counter(tokens.tokenizer)
        self._known: dict[str, int] = {}

    def take(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the first rows (schema MIX, in order) that the budget still has room for."""
        sums = self.count(rows).cum_sum() + self.total
        fitting = int((sums <= self.tokens.max_total).sum())
        self.full = self.full or fitting < rows.height
        if fitting:
            self.total = int(sums[fitting - 1])
        return rows.head(fitting)

    def count(self, rows: pl.DataFrame) -> pl.Series:
        """Count the tokens of each row: of all turns, without `<image>`, and `per_image` for each picture."""
        turns = (
            pl.when(pl.col("conversation").is_null())
            .then(pl.concat_list("prompt", "response"))
            .otherwise(pl.col("conversation").list.eval(pl.element().struct.field("value")))
        )
        texts = rows.select(turns.list.eval(pl.element().str.replace_all("<image>", "", literal=True)).alias("text"))
        each = texts.with_row_index("row").explode("text")
        counts = self._counts(each["text"].unique())
        told = each.join(counts, on="text", how="left", maintain_order="left")
        said = told.group_by("row", maintain_order=True).agg(pl.col("tokens").sum())["tokens"]
        return said + rows["image_uris"].list.len().cast(pl.Int64) * self.tokens.per_image

    def _counts(self, texts: pl.Series) -> pl.DataFrame:
        new = [text for text in texts if text not in self._known]
        fresh = dict(zip(new, self._count(new), strict=True)) if new else {}
        known = {text: self._known[text] for text in texts if text not in fresh}
        self._known |= dict(list(fresh.items())[: max(0, KNOWN - len(self._known))])
        found = fresh | known
        columns = {"text": list(found), "tokens": list(found.values())}
        return pl.DataFrame(columns, schema={"text": pl.String, "tokens": pl.Int64})


def load_counter(tokenizer: str) -> Count:
    """Load what counts the tokens of texts, without special tokens.

    Parameters
    ----------
    tokenizer
        Folder of a transformers tokenizer, or a file of the library tokenizers.

    Raises
    ------
    InputError
        If there is no such folder or file, or it holds no tokenizer.
    MissingExtraError
        If a library is missing; names the command that installs it.
    """
    path = Path(tokenizer)
    if not path.exists():
        raise InputError(f"`tokens.tokenizer`: `{path}` is not there; it must be a folder or a `tokenizer.json`")
    try:
        found = _from_folder(path) if path.is_dir() else _from_file(path)
    except ImportError as error:
        raise MissingExtraError("models", needs="transformers") from error
    return _counter(found)


def _from_file(path: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(path))
    # the library raises no other class for a file that it cannot read
    except Exception as error:
        raise InputError(f"`tokens.tokenizer`: `{path}` holds no tokenizer: {error}") from error


def _from_folder(path: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        found = AutoTokenizer.from_pretrained(str(path), local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"`tokens.tokenizer`: `{path}` holds no tokenizer: {error}") from error
    return getattr(found, "backend_tokenizer", None) or found


def _counter(found: Any) -> Count:
    if not hasattr(found, "encode_batch_fast"):
        return lambda texts: [len(ids) for ids in found(list(texts), add_special_tokens=False)["input_ids"]]
    found.no_truncation()
    found.no_padding()
    return lambda texts: [len(one) for one in found.encode_batch_fast(list(texts), add_special_tokens=False)]
