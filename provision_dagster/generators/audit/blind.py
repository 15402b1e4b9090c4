"""How many multiple-choice questions can be solved without the picture? (T4)

Each solver gives every option a score and takes the highest; what it must learn, it learns on the questions about the
other half of the pictures. Options of equal score share the credit.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import dist, sqrt
from zlib import crc32

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
    # of options that are points, as printed; else empty
    "height": pl.List(pl.Float64()),  # from the top
    "offset": pl.List(pl.Float64()),  # distance to the middle of the picture
    "distance": pl.List(pl.Float64()),  # to the other point that the question names, if there is one
}

_POINT = re.compile(r"\((\d\.\d\d), (\d\.\d\d)\)")
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
    empty = pl.DataFrame(schema=CHOICES)
    return pl.concat([empty, *(p.with_columns(half=_half(p)).select(list(CHOICES)) for p in parts)])


def _half(rows: pl.DataFrame) -> pl.Series:
    """Tell questions about the same pictures the same half."""
    names = rows["image_ids"].list.join(" ")
    return pl.Series([crc32(name.encode()) % 2 == 0 for name in names], dtype=pl.Boolean)


def _with_kinds(rows: pl.DataFrame, generator: str, words: Words) -> pl.DataFrame:
    checker = all_checkers().get(generator)
    options = rows["options"].explode().unique().drop_nulls().to_list()
    kinds = [_kind(o, checker.options if checker else "unknown", words) for o in options]
    mapped = pl.element().replace_strict(options, kinds, default="", return_dtype=pl.String)
    seen = _places(rows) if checker and checker.options == "point" else [([], [], [])] * rows.height
    places = pl.DataFrame(seen, schema={c: CHOICES[c] for c in ("height", "offset", "distance")}, orient="row")
    return rows.with_columns(kinds=pl.col("options").list.eval(mapped)).hstack(places)


def _places(rows: pl.DataFrame) -> list[tuple[list[float], list[float], list[float]]]:
    """Where the points among the options are, and how far from the point that the question is about."""
    found = []
    asked = rows.select(text=pl.coalesce("choice_question", "question"), options="options")
    for text, options in asked.iter_rows():
        points = _points(" ".join(options))
        named = [p for p in _points(text) if p not in points]
        distances = [dist(p, named[0]) if named else 0.0 for p in points]
        found.append(([p[1] for p in points], [dist(p, (0.5, 0.5)) for p in points], distances))
    return found


def _points(text: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in _POINT.findall(text)]


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
    nothing = pl.lit(0.0).repeat_by(size)
    points = {c: pl.when(pl.col(c).list.len() > 0).then(c).otherwise(nothing) for c in ("height", "offset", "distance")}
    long = listed.with_columns(**points).explode("options", "kinds", "place", *points)
    long = long.rename({"options": "option", "kinds": "kind"})
    texts = long["option"].unique().to_list()
    values = pl.col("option").replace_strict(texts, [number(t) for t in texts], default=None, return_dtype=pl.Int64)
    rank = {"method": "min", "descending": False}
    length = pl.col("option").str.len_chars()
    return long.with_columns(true=pl.col("place") == pl.col("answer_index"), value=values).with_columns(
        length_rank=length.rank(**rank).over(_ROW),  # type: ignore[arg-type]
        number_rank=pl.col("value").rank(**rank).over(_ROW),  # type: ignore[arg-type]
        of_kind=pl.len().over([*_ROW, "kind"]),
        **{f"{c}_rank": pl.col(c).rank(**rank).over(_ROW) for c in points},  # type: ignore[arg-type]
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
    "height in the picture": _learned("size", "height_rank"),
    "distance to the middle": _learned("size", "offset_rank"),
    "distance to the point asked about": _learned("size", "distance_rank"),
}
