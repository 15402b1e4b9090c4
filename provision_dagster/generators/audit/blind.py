"""How many multiple-choice questions can be solved without the picture? (T4)

Each solver gives every option a score and takes the highest; what it must learn, it learns on the questions about the
other half of the pictures. Options of equal score share the credit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import polars as pl

from provision_dagster.generators.audit.english import number
from provision_dagster.generators.audit.registry import all_checkers
from provision_dagster.generators.audit.words import Words

CHOICES: dict[str, pl.DataType] = {
    "generator": pl.String(),
    "half": pl.Boolean(),  # by a hash of the image ids
    "options": pl.List(pl.String()),
    "kinds": pl.List(pl.String()),  # what the lexicon calls each option: its category, class or kind
    "answer_index": pl.Int8(),
}

_ROW = ["generator", "row"]


@dataclass(frozen=True)
class Blind:
    """Accuracy of the best solver that sees question and options only.

    Parameters
    ----------
    margin
        Half the width of the 95 % confidence interval of the accuracy.
    """

    accuracy: float
    solver: str
    chance: float
    rows: int
    margin: float
    by_solver: Mapping[str, float]


def choices_of(qa: pl.DataFrame, *, words: Words) -> pl.DataFrame:
    """List the multiple-choice questions of a QA table, schema `CHOICES`."""
    rows = qa.filter(pl.col("options").list.len() > 1, pl.col("answer_index").is_not_null())
    parts = [_with_kinds(part, str(name), words) for (name,), part in rows.group_by("generator")]
    half = pl.col("image_ids").list.join(" ").hash(seed=0) % 2 == 0
    empty = pl.DataFrame(schema=CHOICES)
    return pl.concat([empty, *(p.with_columns(half=half).select(list(CHOICES)) for p in parts)])


def _with_kinds(rows: pl.DataFrame, generator: str, words: Words) -> pl.DataFrame:
    checker = all_checkers().get(generator)
    options = rows["options"].explode().unique().drop_nulls().to_list()
    kinds = [_kind(o, checker.options if checker else "unknown", words) for o in options]
    mapped = pl.element().replace_strict(options, kinds, default="", return_dtype=pl.String)
    return rows.with_columns(kinds=pl.col("options").list.eval(mapped))


def _kind(option: str, kind: str, words: Words) -> str:
    match kind:
        case "label":
            return words.label[option].kind if option in words.label else "unknown"
        case "attribute":
            return words.attribute[option].category if option in words.attribute else "unknown"
        case "predicate":
            return words.predicate[option].kind if option in words.predicate else "unknown"
        case _:
            return kind


Score = Callable[[pl.DataFrame], pl.DataFrame]
"""Adds `score` to the rows of options."""


def blind_accuracy(choices: pl.DataFrame) -> dict[str, Blind]:
    """Let all solvers answer, per generator.

    Parameters
    ----------
    choices
        Schema `CHOICES`.
    """
    long = _options(choices)
    solved = {name: _solve(solver(long)) for name, solver in _SOLVERS.items()}
    chance = choices.group_by("generator").agg(rows=pl.len(), chance=(1 / pl.col("options").list.len()).mean())
    return {
        name: _best({s: found[name] for s, found in solved.items() if name in found}, rows=rows, chance=expected)
        for name, rows, expected in chance.sort("generator").iter_rows()
    }


def _best(by_solver: dict[str, float], *, rows: int, chance: float) -> Blind:
    solver = max(by_solver, key=by_solver.__getitem__)
    accuracy = by_solver[solver]
    margin = 1.96 * sqrt(max(accuracy * (1 - accuracy), 0) / rows)
    return Blind(accuracy, solver, chance, rows, margin, by_solver)


def _options(choices: pl.DataFrame) -> pl.DataFrame:
    """One row per option, with what can be told of it from the other options of its question."""
    size = pl.col("options").list.len()
    listed = choices.with_row_index("row").with_columns(place=pl.int_ranges(0, size), size=size)
    long = listed.explode("options", "kinds", "place").rename({"options": "option", "kinds": "kind"})
    texts = long["option"].unique().to_list()
    values = pl.col("option").replace_strict(texts, [number(t) for t in texts], default=None, return_dtype=pl.Int64)
    rank = {"method": "min", "descending": False}
    length = pl.col("option").str.len_chars()
    return long.with_columns(true=pl.col("place") == pl.col("answer_index"), value=values).with_columns(
        length_rank=length.rank(**rank).over(_ROW),  # type: ignore[arg-type]
        number_rank=pl.col("value").rank(**rank).over(_ROW),  # type: ignore[arg-type]
        of_kind=pl.len().over([*_ROW, "kind"]),
    )


def _solve(scored: pl.DataFrame) -> dict[str, float]:
    best = pl.col("score") == pl.col("score").max().over(_ROW)
    per_row = scored.filter(best).group_by(_ROW).agg(credit=pl.col("true").mean())
    # rounded: the order of a sum differs from run to run
    return dict(per_row.group_by("generator").agg(pl.col("credit").mean().round(9)).iter_rows())


def _learned(*keys: str) -> Score:
    """Score = how often an option with these features was the answer, on the other half."""

    def score(long: pl.DataFrame) -> pl.DataFrame:
        prior = (pl.col("true").sum() + 0.5) / (pl.len() + 2)
        return _from_other_half(long, keys, prior, unseen=0.25)

    return score


def _frequency(*, of_answers: bool, sign: int = 1) -> Score:
    """Score = how often the option was seen (as an answer) on the other half."""

    def score(long: pl.DataFrame) -> pl.DataFrame:
        seen = pl.col("true").sum() if of_answers else pl.len()
        return _from_other_half(long, ("option",), sign * seen.cast(pl.Float64), unseen=0)

    return score


def _from_other_half(long: pl.DataFrame, keys: Sequence[str], value: pl.Expr, *, unseen: float) -> pl.DataFrame:
    learned = long.group_by("generator", "half", *keys).agg(score=value).with_columns(half=~pl.col("half"))
    on = ["generator", "half", *keys]
    return long.join(learned, on=on, how="left", nulls_equal=True).with_columns(pl.col("score").fill_null(unseen))


_SOLVERS: dict[str, Score] = {
    "most frequent answer": _frequency(of_answers=True),
    "highest answer/option ratio": _learned("option"),
    "most frequent option": _frequency(of_answers=False),
    "rarest option": _frequency(of_answers=False, sign=-1),
    "category": _learned("kind"),
    "odd category out": _learned("size", "of_kind"),
    "numeric rank": _learned("size", "number_rank"),
    "position": _learned("size", "place"),
    "length": _learned("size", "length_rank"),
}
