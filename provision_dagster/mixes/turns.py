"""What is said in each example, turn by turn, with a token in the place of each picture."""

from pathlib import Path

import polars as pl

from provision_dagster.errors import InputError

IMAGE_TOKEN = "<image>"
"""LLaVA's placeholder for a picture in a conversation."""

ROLES = {"human": "user", "gpt": "assistant", "system": "system"}
"""Roles of chat templates by LLaVA's names of who speaks."""


def with_turns(batch: pl.DataFrame, *, image_root: str | Path | None = None) -> pl.DataFrame:
    """Add what all formats of conversations are written from.

    Parameters
    ----------
    batch
        Schema MIX.
    image_root
        Paths below this folder become relative to it. None: paths as they are.

    Returns
    -------
    pl.DataFrame
        The batch with `paths` (list of str, one per picture) and `turns` (list of {from, value}). The first turn of
        a generated row begins with one `<image>` line per picture; rows of a base set have their own turns.

    Raises
    ------
    InputError
        If a prompt or response holds `<image>` itself, or a row of a base set has another number of tokens than of
        pictures or an unknown speaker.
    """
    paths = pl.col("image_uris")
    if image_root is not None:
        prefix = str(Path(image_root).expanduser().absolute()).rstrip("/") + "/"
        paths = paths.list.eval(pl.element().str.strip_prefix(prefix))
    tokens = paths.list.eval(pl.lit(f"{IMAGE_TOKEN}\n")).list.join("")
    said = pl.concat_list(
        pl.struct(pl.lit("human").alias("from"), pl.concat_str(tokens, "prompt").alias("value")),
        pl.struct(pl.lit("gpt").alias("from"), pl.col("response").alias("value")),
    )
    _refuse_tokens(batch.filter(pl.col("conversation").is_null()))
    _check_base(batch.filter(pl.col("conversation").is_not_null()))
    return batch.with_columns(paths=paths, turns=pl.coalesce("conversation", said))


def parts_of(batch: pl.DataFrame) -> pl.DataFrame:
    """Take turns apart at their picture tokens.

    Parameters
    ----------
    batch
        As from `with_turns`.

    Returns
    -------
    pl.DataFrame
        `row` (place in the batch), `turn`, `role`, `type` (image or text), `text` (null of an image) and `path` (null
        of a text), in order. A newline beside a token belongs to the token; a turn in which nothing is said is an empty
        text.
    """
    turns = (
        batch.lazy()
        .select("turns", "paths", row=pl.int_range(pl.len()), turn=pl.int_ranges(pl.col("turns").list.len()))
        .explode("turns", "turn")
        .unnest("turns")
        .with_columns(piece=pl.col("value").str.split(IMAGE_TOKEN))
        .with_columns(place=pl.int_ranges(pl.col("piece").list.len()), last=pl.col("piece").list.len() - 1)
        .explode("piece", "place")
        .with_columns(behind=pl.col("place") > 0)
        .with_columns(image=pl.col("behind").cum_sum().over("row").cast(pl.Int64) - 1)
    )
    start = pl.when("behind").then(pl.col("piece").str.strip_prefix("\n")).otherwise("piece")
    whole = pl.when(pl.col("place") < pl.col("last")).then(start.str.strip_suffix("\n")).otherwise(start)
    role = pl.col("from").replace_strict(ROLES, return_dtype=pl.String)
    path = pl.col("paths").list.get(pl.col("image"), null_on_oob=True)
    images = turns.filter("behind").select(
        "row", "turn", role.alias("role"), type=pl.lit("image"), text=pl.lit(None, pl.String), path=path,
        order=2 * pl.col("place"),
    )  # fmt: skip
    said = (pl.col("text") != "") | (pl.col("last") == 0)
    texts = turns.with_columns(text=whole).filter(said).select(
        "row", "turn", role.alias("role"), type=pl.lit("text"), text="text", path=pl.lit(None, pl.String),
        order=2 * pl.col("place") + 1,
    )  # fmt: skip
    return pl.concat([images, texts]).sort("row", "turn", "order").drop("order").collect()


def _refuse_tokens(generated: pl.DataFrame) -> None:
    held = pl.col("prompt", "response").str.contains(IMAGE_TOKEN, literal=True)
    broken = generated.filter(pl.any_horizontal(held))
    if len(broken):
        raise InputError(f"QA `{broken['id'][0]}`: `{IMAGE_TOKEN}` must not be in a prompt or response")


def _check_base(rows: pl.DataFrame) -> None:
    if rows.is_empty():
        return
    said = rows.select("id", "conversation", pictures=pl.col("image_uris").list.len()).explode("conversation")
    turns = said.unnest("conversation")
    strangers = turns.filter(~pl.col("from").is_in(list(ROLES)))
    if len(strangers):
        raise InputError(
            f"row `{strangers['id'][0]}` of the base set: `from` must be one of {', '.join(ROLES)}, "
            f"got {strangers['from'][0]!r}"
        )
    found = turns.with_columns(tokens=pl.col("value").str.count_matches(IMAGE_TOKEN, literal=True))
    counted = found.group_by("id", maintain_order=True).agg(pl.col("tokens").sum(), pl.col("pictures").first())
    wrong = counted.filter(pl.col("tokens") != pl.col("pictures"))
    if len(wrong):
        name, tokens, pictures = wrong.row(0)
        raise InputError(f"row `{name}` of the base set: {pictures} pictures, but {tokens} times `{IMAGE_TOKEN}`")
