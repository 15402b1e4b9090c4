"""Not blind-solvable (T4): how likely an option is the answer where it is offered, measured once per image set.

Whoever knows only the texts of the options does best to name the one that is most often right where it is offered.
Each option x gets a strength s(x), and a question with options S and answer a keeps its multiple-choice form with
probability min(s(S)) / s(a). The strengths are such that among those that keep it every option is right as often as
chance has it: the texts tell nothing. The open form stays.

If the answers follow Luce's choice axiom (x is the answer among S with probability proportional to s(x)), these are
Luce's strengths. Where they do not (false options depend on the true one, and one picture may ask thousands of times
about one pair), Luce's would balance all questions, but not those that are kept.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from provision_dagster.generators.arrays import Ints, any_of, runs
from provision_dagster.generators.registry import Choice

STRENGTHS: dict[str, pl.DataType] = {
    "image_set": pl.String(),
    "generator": pl.String(),
    "option": pl.String(),
    "strength": pl.Float64(),
}

COLUMNS: dict[str, str] = {
    "answer_strengths.generator": "Generator, with the number of images of its questions where they have several",
    "option": "Text of the option",
    "strength": "How likely the option is the answer where it is offered: the form is kept with min s / s(answer)",
}
"""What the columns of the table hold."""

ROUNDS = 60
STEP = 4.0
"""A strength changes by this factor at most in one round."""
KNOWN = 30
"""An option that is offered n times is taken to have won and lost KNOWN / (KNOWN + n) times more beside an average one:
what is offered once and is right tells little."""


LEAST_KEPT = 0.01
"""Where balance would leave fewer of a generator's questions their options, none keeps them: nearly all answers are one
(counts in real pictures are mostly 1), and the few that would be left are too few to be balanced."""


def fit_strengths(codes: Ints, *, options: int) -> npt.NDArray[np.float64]:
    """Find strengths with which every option is right as often as chance has it, among the questions that are kept.

    The wins of an option x and those that chance gives it are counted among the kept questions; s(x) is multiplied by
    their ratio, until they agree (for rare options: up to one question).

    Parameters
    ----------
    codes
        Shape (n, k): the answer first, then the false options; -1 = none.
    options
        Codes are below this.

    Returns
    -------
    numpy.ndarray
        Strength of each option, geometric mean 1 over those that occur, shape (options,).
    """
    codes, times = _counted(codes)
    there = codes >= 0
    row, offered = np.nonzero(there)[0], codes[there]
    size, often = there.sum(axis=1), np.bincount(offered, weights=times[row], minlength=options)
    seen, prior = often > 0, KNOWN / (KNOWN + often)
    strength = np.ones(options)
    for _ in range(ROUNDS):
        kept = times * kept_share(codes, strength)
        wins = np.bincount(codes[:, 0], weights=kept, minlength=options) + prior
        chance = np.bincount(offered, weights=(kept / size)[row], minlength=options)
        lost = 2 * prior * strength / (strength + 1)
        strength = strength * np.clip(wins / (chance + lost), 1 / STEP, STEP)
        strength /= np.exp(np.mean(np.log(strength[seen]))) if seen.any() else 1
    return np.where(seen, strength, 1.0)


def kept_share(codes: Ints, strength: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Share of each question that keeps its multiple-choice form; codes as in `fit_strengths`, shape (n,)."""
    each = np.where(codes >= 0, strength[np.maximum(codes, 0)], np.inf)
    return np.asarray(np.minimum.reduce(list(each.T)) / each[:, 0])


def _counted(codes: Ints) -> tuple[Ints, Ints]:
    """List each answer with its false options once, and how often it is there: one pair is asked about many times."""
    codes = np.concatenate([codes[:, :1], np.sort(codes[:, 1:], axis=1)], axis=1)
    order = np.lexsort(codes.T)
    first, times = runs(*codes[order].T)
    return codes[order[first]], times


def fit_choices(choices: Sequence[Choice]) -> pl.DataFrame:
    """Fit the strengths of all options of one generator.

    Returns
    -------
    pl.DataFrame
        Columns `option`, `strength`, sorted by option; all strengths are 0 where balance is out of reach
        (`LEAST_KEPT`).
    """
    tables = [choice.words.gather(np.maximum(choice.codes, 0).reshape(-1)) for choice in choices]
    texts = pl.concat([t.alias("option") for t in tables] or [pl.Series("option", [], dtype=pl.String)])
    options = texts.unique().sort()
    wide = max((choice.codes.shape[1] for choice in choices), default=2)
    rows, ends = [np.zeros((0, wide), dtype=np.int64)], texts.cast(pl.Enum(options)).to_physical().to_numpy()
    for choice in choices:
        codes, ends = np.split(ends.astype(np.int64), [choice.codes.size])
        whole = (choice.codes[:, 0] >= 0) & any_of(column >= 0 for column in choice.codes.T[1:])
        table = np.where(choice.codes >= 0, codes.reshape(choice.codes.shape), -1)[whole]
        rows.append(np.pad(table, ((0, 0), (0, wide - table.shape[1])), constant_values=-1))
    codes = np.concatenate(rows)
    strength = fit_strengths(codes, options=len(options))
    if len(codes) and kept_share(codes, strength).mean() < LEAST_KEPT:
        strength[:] = 0  # then none is offered
    return pl.DataFrame({"option": options, "strength": strength})


def strength_name(generator: str, *, images: int) -> str:
    """Name under which strengths are kept: totals over four images are not those over two."""
    return generator if images == 1 else f"{generator}/{images}"


def strengths_of(table: pl.DataFrame | None, generator: str, words: pl.Series) -> npt.NDArray[np.float64] | None:
    """Return the strength of each word, 1 for those that are not in the table; None without a table."""
    if table is None:
        return None
    known = table.filter(generator=generator).select("option", "strength")
    joined = words.alias("option").to_frame().join(known, on="option", how="left", maintain_order="left")
    return joined["strength"].fill_null(1.0).to_numpy()
