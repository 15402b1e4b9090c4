"""Messages of chat interfaces and chat templates: one JSON object per example, with parts of text and image."""

import polars as pl

from provision_dagster.mixes.turns import parts_of


def message_lines(batch: pl.DataFrame) -> pl.Series:
    """Return one JSON text per row of `with_turns`: `{id, messages}`, each message `{role, content}`.

    Contents are lists of parts, `{"type": "image", "image": PATH}` and `{"type": "text", "text": TEXT}`, as OpenAI's
    interface, chat templates of transformers and Qwen-VL's own training take them.
    """
    image = pl.struct("type", pl.col("path").alias("image")).struct.json_encode()
    text = pl.struct("type", "text").struct.json_encode()
    part = pl.when(pl.col("type") == "image").then(image).otherwise(text)
    start, end = pl.lit('{"role":"'), pl.lit("]}")
    by_row = (
        parts_of(batch)
        .lazy()
        .group_by("row", "turn", "role", maintain_order=True)
        .agg(part.alias("parts").str.join(","))
        .select("row", said=pl.concat_str(start, "role", pl.lit('","content":['), "parts", end))
        .group_by("row", maintain_order=True)
        .agg(pl.col("said").str.join(","))
    )
    # the object without its closing brace, so that the messages can follow
    head = pl.struct("id").struct.json_encode().str.strip_suffix("}")
    every = batch.lazy().select(head=head, row=pl.int_range(pl.len()))
    joined = every.join(by_row, on="row", how="left", maintain_order="left")
    line = pl.concat_str("head", pl.lit(',"messages":['), pl.col("said").fill_null(""), end)
    return joined.select(line).collect().to_series()
