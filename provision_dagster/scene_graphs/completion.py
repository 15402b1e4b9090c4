"""What models say of objects goes to what humans said of them: attributes, and relations."""

import polars as pl

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.normalize import normalized
from provision_dagster.scene_graphs.provenance import credited
from provision_dagster.scene_graphs.schema import ANNOTATIONS, RELATION

KEY = ["image_set", "image_key"]


def add_attributes(annotations: pl.DataFrame, attributes: pl.DataFrame, *, lexicon: Lexicon) -> pl.DataFrame:
    """
    Give objects the attributes that a model says they have.

    A human's word stands: an attribute is left out where a human named one of its category for the object, or one
    that contradicts it or says the same; and in pictures of which humans listed all attributes. An attribute that
    only repeats the object's name says nothing.

    Parameters
    ----------
    annotations
        Schema ANNOTATIONS.
    attributes
        Schema ATTRIBUTES; rows with an error add nothing, nor does what is said of objects that are not there.
    lexicon
        Tells categories, contradictions and synonyms.

    Returns
    -------
    polars.DataFrame
        Schema ANNOTATIONS, the same rows.
    """
    rows = annotations.select(list(ANNOTATIONS)).with_row_index("row")
    made = _made(rows, attributes, "objects", unless="exhaustive_attributes")
    things = objects_of(rows.join(made, on="row", how="semi"))
    said = made.unnest("objects").explode("attributes").select("row", "id", value=normalized(pl.col("attributes")))
    said = said.filter(pl.col("value").fill_null("") != "").unique(maintain_order=True)
    own = things.select("row", "place", "id", "label", "attributes")
    heard = said.join(own, on=["row", "id"], maintain_order="left")
    new = _unsaid(heard.filter(~_names(heard, lexicon=lexicon)), lexicon=lexicon)
    lists = new.group_by("row", "place", maintain_order=True).agg(more="value")
    whole = things.join(lists, on=["row", "place"], how="left", maintain_order="left")
    every = pl.concat_list("attributes", pl.col("more").fill_null([])).list.unique().list.sort()
    fields = [field.name for field in ANNOTATIONS["objects"].inner.fields]  # type: ignore[attr-defined]
    nested = whole.with_columns(attributes=pl.when(pl.col("more").is_not_null()).then(every).otherwise("attributes"))
    filled = nested.group_by("row", maintain_order=True).agg(described=pl.struct(fields))
    return _credited(
        rows.join(filled, on="row", how="left", maintain_order="left").with_columns(
            objects=pl.coalesce("described", "objects")
        ),
        "attributes",
        by=made.select("row", "model").unique("row").join(new, on="row", how="semi"),
    )


def add_relations(annotations: pl.DataFrame, relations: pl.DataFrame) -> pl.DataFrame:
    """
    Add the relations that a model sees between objects which no human related.

    Nothing is added in pictures of which humans listed all relations.

    Parameters
    ----------
    annotations
        Schema ANNOTATIONS.
    relations
        Schema RELATIONS; rows with an error add nothing, nor do pairs without a predicate, of an object with itself,
        or of objects that are not there.

    Returns
    -------
    polars.DataFrame
        Schema ANNOTATIONS, the same rows; each image's new relations stand behind the others.
    """
    rows = annotations.select(list(ANNOTATIONS)).with_row_index("row")
    made = _made(rows, relations, "relations", unless="exhaustive_relations")
    said = made.unnest("relations").with_columns(normalized(pl.col("predicate")))
    places = objects_of(rows.join(made, on="row", how="semi")).select("row", "id", "place")
    for end in ("subject", "object"):
        found = places.select("row", pl.col("id").alias(end), pl.col("place").alias(f"{end}_place"))
        said = said.join(found, on=["row", end], maintain_order="left")
    ends = [pl.col(f"{end}_place").alias(end) for end in ("subject", "object")]
    said = said.select("row", *ends, "predicate", "score").filter(
        (pl.col("subject") != pl.col("object")) & (pl.col("predicate").fill_null("") != "")
    )
    known = related_places(rows.select("row", "relations"))
    free = said.join(
        known,
        left_on=["row", "subject", "object"],
        right_on=["row", "place", "other"],
        how="anti",
        maintain_order="left",
    )
    new = free.unique(["row", "subject", "predicate", "object"], keep="first", maintain_order=True)
    names = [field.name for field in RELATION.fields]
    lists = new.group_by("row", maintain_order=True).agg(more=pl.struct(names).cast(RELATION))
    joined = rows.join(lists, on="row", how="left", maintain_order="left")
    every = pl.concat_list(pl.col("relations").fill_null([]), pl.col("more").fill_null([]))
    return _credited(
        joined.with_columns(relations=pl.when(pl.col("more").is_not_null()).then(every).otherwise("relations")),
        "relations",
        by=made.select("row", "model").unique("row").join(new, on="row", how="semi"),
    )


def objects_of(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per object of the column `objects`, with its `place`, its fields and the `row` that it is of."""
    some = rows.select("row", "objects").filter(pl.col("objects").list.len() > 0)
    place = pl.int_ranges(pl.col("objects").list.len(), dtype=pl.UInt32).alias("place")
    return some.with_columns(place).explode("objects", "place").unnest("objects")


def related_places(rows: pl.DataFrame) -> pl.DataFrame:
    """Pairs of objects that the column `relations` relates, in both orders: columns `row`, `place`, `other`."""
    said = rows.filter(pl.col("relations").list.len() > 0).explode("relations").unnest("relations")
    there = said.select("row", place="subject", other="object")
    return pl.concat([there, there.select("row", place="other", other="place")]).unique()


def _made(rows: pl.DataFrame, table: pl.DataFrame, column: str, *, unless: str) -> pl.DataFrame:
    """What a model said (`column`, one thing a row), for rows of which humans have not listed all (`unless`)."""
    wanted = rows.filter(~pl.col(unless).fill_null(value=False)).select("row", *KEY)
    said = table.filter(pl.col("error").is_null() & (pl.col(column).list.len() > 0)).select(*KEY, column, "model")
    return wanted.join(said, on=KEY, maintain_order="left").select("row", column, "model").explode(column)


def _names(heard: pl.DataFrame, *, lexicon: Lexicon) -> pl.Series:
    """Whether an attribute is the name of its object, or another name of it."""
    words = pl.concat([heard["label"], heard["value"]]).unique().sort()
    pairs = pl.concat([lexicon.synonym_labels(words), lexicon.implied_labels(words).rename({"implied": "other"})])
    known = pairs.select("label", value="other").unique().with_columns(names=pl.lit(value=True))
    joined = heard.join(known, on=["label", "value"], how="left", maintain_order="left")
    return joined.select(pl.col("names").fill_null(value=False) | (pl.col("value") == pl.col("label"))).to_series()


def _unsaid(heard: pl.DataFrame, *, lexicon: Lexicon) -> pl.DataFrame:
    """Rows of which the object's own attributes say nothing, neither yes nor no."""
    own = heard.select("row", "place", "value", other="attributes").explode("other").drop_nulls("other")
    words = pl.concat([own["value"], own["other"]]).unique().sort()
    kinds = lexicon.attributes(words).select("attribute", "category")
    sorted_by = own.join(kinds, left_on="value", right_on="attribute").join(
        kinds, left_on="other", right_on="attribute", suffix="_other"
    )
    one_kind = sorted_by.filter(pl.col("category") == pl.col("category_other"))
    pairs = pl.concat([lexicon.contradictions(words), lexicon.same_attribute(words)]).unique()
    linked = own.join(pairs, left_on=["value", "other"], right_on=["attribute", "other"], how="semi")
    key = ["row", "place", "value"]
    told = pl.concat([one_kind.select(key), linked.select(key)])
    return heard.join(told, on=key, how="anti", maintain_order="left")


def _credited(rows: pl.DataFrame, part: str, *, by: pl.DataFrame) -> pl.DataFrame:
    """Name the model (`by`: row, model) beside the humans who made a part; schema ANNOTATIONS."""
    joined = rows.join(by, on="row", how="left", maintain_order="left")
    human = pl.col("provenance").struct.field(part)
    both = pl.when(human.is_null()).then("model").otherwise(pl.format("{} + {}", human, "model"))
    named = pl.when(pl.col("model").is_not_null()).then(credited(**{part: both})).otherwise("provenance")
    return joined.with_columns(provenance=named).select(pl.col(name).cast(dtype) for name, dtype in ANNOTATIONS.items())
