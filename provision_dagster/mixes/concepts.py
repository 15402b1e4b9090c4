"""Diversity as in SVIT (arXiv 2307.04087): which concepts of benchmarks a question touches, and the share of yes."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from pathlib import Path

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.mixes.recipe_parts import Concepts

SHIPPED = Path(__file__).parent / "data" / "concepts.txt"

COVERAGE: dict[str, pl.DataType] = {
    "ability": pl.String(),
    "concept": pl.String(),
    "available": pl.Int64(),
    "dropped": pl.Boolean(),
    "rows": pl.Int64(),
}
"""One row per concept: rows of the pool that mention it, whether these are too few to count, rows of the mix."""


@dataclass(frozen=True)
class ConceptSet:
    """Concepts by ability, in the order of their file; a concept is a word or several.

    Attributes
    ----------
    abilities
        One per concept.
    names
        The concepts, lower case, no two alike.
    """

    abilities: tuple[str, ...]
    names: tuple[str, ...]

    @cached_property
    def _spellings(self) -> dict[str, int]:
        """Place of the concept by spelling: as it is, and in the plural; with a space at both ends."""
        plural = _plurals(self.names)
        spelled = {f" {name} ": place for place, name in enumerate(self.names)}
        return {f" {word} ": place for place, word in enumerate(plural)} | spelled

    def found_in(self, *columns: str) -> pl.Expr:
        """Say which concepts stand in texts, as whole words: sorted places among `names`, no repeats."""
        said = pl.concat_str([pl.col(name).fill_null("") for name in columns], separator=" ")
        words = pl.concat_str(pl.lit(" "), said.str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " "), pl.lit(" "))
        found = words.str.extract_many(list(self._spellings), overlapping=True)
        place = pl.element().replace_strict(self._spellings, return_dtype=pl.UInt16)
        return found.list.eval(place.unique().sort())

    def counts(self, found: pl.Series) -> pl.DataFrame:
        """Count the rows per concept of a column as `found_in` gives it: `place`, `rows`."""
        each = pl.DataFrame({"place": found.explode().drop_nulls()})
        return each.group_by("place").agg(rows=pl.len().cast(pl.Int64))

    def coverage(self, *, available: pl.DataFrame, used: pl.DataFrame, min_count: int) -> pl.DataFrame:
        """Report per concept how many rows there were and are (schema COVERAGE); arguments as from `counts`."""
        every = pl.DataFrame(
            {"ability": self.abilities, "concept": self.names, "place": range(len(self.names))},
            schema_overrides={"place": pl.UInt16},
        )
        told = every.join(available.rename({"rows": "available"}), on="place", how="left", maintain_order="left").join(
            used, on="place", how="left", maintain_order="left"
        )
        filled = told.with_columns(pl.col("available", "rows").fill_null(0))
        marked = filled.with_columns(dropped=pl.col("available") < min_count)
        return marked.select(pl.col(name).cast(dtype) for name, dtype in COVERAGE.items())


def load_concepts(settings: Concepts) -> ConceptSet:
    """Read a list of concepts.

    Parameters
    ----------
    settings
        `file`: one concept a line, `# name` above those of one ability; None: the list that ships.

    Raises
    ------
    InputError
        If the file cannot be read or has no concept.
    """
    return _load(settings.file)


@cache
def _load(file: str | None) -> ConceptSet:
    path = SHIPPED if file is None else Path(file)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"`concepts.file`: `{path}` cannot be read: {error}") from error
    ability = ""
    found: dict[str, str] = {}
    for line in lines:
        text = line.strip()
        if text.startswith("#"):
            ability = text.lstrip("# ")
        elif text:
            found.setdefault(" ".join(text.lower().split()), ability)
    if not found:
        raise InputError(f"`concepts.file`: `{path}` must have one concept a line, got none")
    return ConceptSet(abilities=tuple(found.values()), names=tuple(found))


@cache
def _plurals(names: tuple[str, ...]) -> tuple[str, ...]:
    # inflect takes a second to import
    import inflect

    engine = inflect.engine()
    return tuple(str(engine.plural(name)) for name in names)


def informative(pool: pl.DataFrame, *, concepts: ConceptSet, min_count: int) -> pl.DataFrame:
    """Add `informativeness`: how many concepts a row touches that at least `min_count` rows touch (`concepts`)."""
    counts = concepts.counts(pool["concepts"])
    frequent = counts.filter(pl.col("rows") >= min_count)["place"].to_list()
    touched = pl.col("concepts").list.eval(pl.element().is_in(frequent)).list.sum()
    return pool.with_columns(informativeness=touched.cast(pl.Int32))


def answers_yes_or_no() -> pl.Expr:
    """Say yes, no or "" of each row by its `answer`."""
    said = pl.col("answer").str.to_lowercase().str.strip_chars(" .")
    return pl.when(said.is_in(["yes", "no"])).then(said).otherwise(pl.lit(""))


def resampled(rows: pl.DataFrame, *, yes_share: float, where: str) -> pl.DataFrame:
    """Leave out the last rows of the more frequent of yes and no, until yes has its share of them.

    Parameters
    ----------
    rows
        `answer`, best first.
    yes_share
        Share of yes among the answers yes and no.
    where
        What the error names.

    Raises
    ------
    InputError
        If only one of both is answered.
    """
    marked = rows.with_columns(_said=answers_yes_or_no())
    counts = dict(marked.group_by("_said").len().iter_rows())
    yes, no = counts.get("yes", 0), counts.get("no", 0)
    if not yes and not no:
        return rows
    share = Fraction(str(yes_share))  # as written: 0.29 is no binary number
    most = {"yes": int(no * share / (1 - share)), "no": int(yes * (1 - share) / share)}
    if not most["yes"] or not most["no"]:
        raise InputError(f"{where}, `concepts.yes_share`: {yes_share} wanted, but {yes} rows answer yes and {no} no")
    place = pl.int_range(pl.len()).over("_said")
    limit = pl.col("_said").replace_strict(most, default=rows.height, return_dtype=pl.Int64)
    return marked.filter(place < limit).drop("_said")
