"""What a label names: its lemma, number and countability, found by the label itself or by its head noun."""

from functools import cached_property

import polars as pl

from provision_dagster.lexicon.grammar import indefinite_article, plural_of, singular_of

LABEL_COLUMNS: dict[str, pl.DataType] = {
    "label": pl.String(),
    "lemma": pl.String(),  # singular noun phrase; labels of equal lemma name the same kind of thing
    "number": pl.String(),  # singular | plural | mass | pair
    "countable": pl.Boolean(),  # one box is one instance, so the boxes of an image can be counted
    "plural": pl.String(),
    "singular_article": pl.String(),  # "a" | "an" | "" (plural, mass)
    "is_plural": pl.Boolean(),  # takes "are"
    "is_group": pl.Boolean(),  # one box round several instances ("crowd"): forbids counting their kind
    "kind": pl.String(),  # thing | stuff | part | clothing | place | text | abstract
    "usable": pl.Boolean(),  # false: cannot stand as a noun in a sentence ("see gray desk.", "outside")
    "known": pl.Boolean(),
    "match": pl.String(),  # exact | head ("wooden table" by "table") | none
    "concept": pl.String(),  # lemma of the known label that it was found by; null when match is none
}

_PREPOSITION = r" (?:of|on|in|with|at|for|by|to|from|near|under|above|over|behind|next|against|inside|without) .*$"
# a label with one of these words is a sentence or a list, not a noun phrase
_NOT_A_NOUN = (
    r"\b(?:is|are|was|were|has|have|see|seen|shows?|shown|there|and|or|not|no|riding|holding|wearing)\b"
    r"|[?!\"]"
)
_DETERMINER = (
    r"^(?:the|a|an|some|one|two|three|four|five|six|many|several|few|all"
    r"|this|that|these|those|his|her|its|their) "
)
_HEAD_WORDS = 3  # longest known label that is tried as the head of an unknown one


def normalized(labels: pl.Expr) -> pl.Expr:
    """Lower case, single spaces, "gray", no punctuation at either end."""
    text = labels.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars(" .,;:`'\\")
    return text.str.replace_all(r"\bgrey\b", "gray")


class LabelIndex:
    """Lookup of labels in the merged tables."""

    def __init__(self, labels: pl.DataFrame) -> None:
        self._labels = labels

    @cached_property
    def entries(self) -> pl.DataFrame:
        """Every label that is known as it stands: the rows of `labels.csv` and the plurals they derive."""
        rows = self._labels.select(
            "label", "lemma", "number", "countable", "plural", "is_group", "kind", "usable"
        ).with_columns(_filled_plural())
        derived = (
            rows.filter((pl.col("number") == "singular") & (pl.col("plural") != pl.col("label")))
            .with_columns(label=pl.col("plural"), number=pl.lit("plural"), countable=pl.lit(False))
            .join(rows, on="label", how="anti")
            .unique("label", keep="first", maintain_order=True)
        )
        return pl.concat([rows, derived]).rename({"lemma": "concept"})

    @cached_property
    def concepts(self) -> pl.DataFrame:
        """Pairs [label, concept]: the lemma that stands for each known label."""
        return self.entries.select("label", "concept")

    def resolve(self, values: pl.Series) -> pl.DataFrame:
        """One row per distinct value, in order of first occurrence, columns `LABEL_COLUMNS`."""
        asked = values.cast(pl.String).drop_nulls().unique(maintain_order=True).alias("label").to_frame()
        asked = asked.with_columns(key=normalized(pl.col("label")))
        exact = asked.join(self.entries, left_on="key", right_on="label", how="inner", maintain_order="left")
        exact = exact.with_columns(lemma="concept", match=pl.lit("exact"), known=pl.lit(True))
        rest = self._with_head(asked.join(exact, on="label", how="anti", maintain_order="left"))
        order = asked.select("label")
        found = pl.concat([_finished(exact), _finished(rest)])
        return order.join(found, on="label", how="left", maintain_order="left").select(*LABEL_COLUMNS)

    def _with_head(self, asked: pl.DataFrame) -> pl.DataFrame:
        noun = pl.col("key").str.replace(_PREPOSITION, "")
        rows = asked.with_columns(
            noun=noun,
            tail=pl.col("key").str.slice(noun.str.len_chars()),
            clause=pl.col("key").str.contains(_NOT_A_NOUN),
        )
        heads = self.entries.filter(pl.col("usable") & (pl.col("kind") != "abstract")).rename({"label": "head"})
        words = pl.col("noun").str.split(" ")
        candidates = [
            rows.filter(~pl.col("clause"))
            .with_columns(head=words.list.tail(n).list.join(" "))
            .join(heads, on="head", how="inner")
            for n in range(_HEAD_WORDS, 0, -1)
        ]
        found = pl.concat(candidates).unique("label", keep="first", maintain_order=True)
        return pl.concat([_by_head(found), _unknown(rows.join(found, on="label", how="anti"))])


def _filled_plural() -> pl.Expr:
    same = pl.col("number") != "singular"
    derived = pl.when(same).then("label").otherwise(pl.col("label").map_elements(plural_of, return_dtype=pl.String))
    return pl.when(pl.col("plural") == "").then(derived).otherwise("plural").alias("plural")


def _by_head(rows: pl.DataFrame) -> pl.DataFrame:
    prefix = pl.col("noun").str.strip_suffix(pl.col("head"))
    single = ~pl.col("key").str.contains(_DETERMINER)
    return rows.with_columns(
        lemma=prefix + pl.col("concept") + pl.col("tail"),
        plural=prefix + pl.col("plural") + pl.col("tail"),
        countable=pl.col("countable") & single,
        usable=pl.col("usable") & single,
        match=pl.lit("head"),
        known=pl.lit(True),
    ).select(_RESOLVED)


def _unknown(rows: pl.DataFrame) -> pl.DataFrame:
    last = pl.col("noun").str.split(" ").list.last()
    singular = last.map_elements(singular_of, return_dtype=pl.String)
    prefix = pl.col("noun").str.strip_suffix(last)
    return (
        rows.with_columns(one=pl.when("clause").then(None).otherwise(singular))
        .with_columns(
            lemma=pl.when(pl.col("one").is_null()).then("key").otherwise(prefix + pl.col("one") + pl.col("tail"))
        )
        .with_columns(
            number=pl.when(pl.col("one").is_null()).then(pl.lit("singular")).otherwise(pl.lit("plural")),
            plural=pl.when("clause")
            .then("key")
            .otherwise(pl.col("lemma").map_elements(plural_of, return_dtype=pl.String)),
            countable=pl.lit(False),
            is_group=pl.lit(False),
            kind=pl.when("clause").then(pl.lit("abstract")).otherwise(pl.lit("thing")),
            usable=~pl.col("clause"),
            match=pl.lit("none"),
            known=pl.lit(False),
            concept=pl.lit(None, pl.String),
        )
        .select(_RESOLVED)
    )


_RESOLVED = (
    "label",
    "lemma",
    "number",
    "countable",
    "plural",
    "is_group",
    "kind",
    "usable",
    "match",
    "known",
    "concept",
)


def _finished(rows: pl.DataFrame) -> pl.DataFrame:
    is_plural = pl.col("number").is_in(["plural", "pair"])
    bare = is_plural | (pl.col("number") == "mass")
    return (
        rows.select(_RESOLVED)
        .with_columns(
            is_plural=is_plural,
            singular_article=pl.when(bare).then(pl.lit("")).otherwise(indefinite_article(normalized(pl.col("label")))),
        )
        .select(pl.col(c).cast(t) for c, t in LABEL_COLUMNS.items())
    )
