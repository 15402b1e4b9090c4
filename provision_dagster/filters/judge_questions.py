"""What a judge is asked about the questions of a shard: one claim per form, the claims about one picture together."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Protocol

import polars as pl

from provision_dagster.filters.judge_words import Judged
from provision_dagster.scene_graphs.annotators.opening import Place
from provision_dagster.scene_graphs.annotators.parts import openable
from provision_dagster.scene_graphs.annotators.working import Work

CONTROL = r"<[^<>]*>|\[/?[A-Z_]{2,}\]"
"""What could be taken for a control word of a model's template ("<image>", "[INST]"); boxes stay."""


@dataclass(frozen=True)
class Case:
    """Pictures, in order, and what is asked about them; `problem` says why they cannot be shown."""

    places: tuple[Place, ...]
    prompts: tuple[str, ...]
    problem: str | None = None


class Judge(Protocol):
    """Says how sure it is that what it is asked is true."""

    @property
    def model(self) -> str:
        """Model and revision."""
        ...

    @property
    def prefix(self) -> str:
        """Whether what questions about the same pictures have in common is read once, and if not, why."""
        ...

    def load(self) -> None:
        """Read the weights, or see whether the server is there.

        Raises
        ------
        InputError
            When the model cannot be had.
        """
        ...

    def judge(self, cases: Sequence[Case], *, work: Work) -> list[list[Judged]]:
        """Judge every prompt of every case, in their order; none depends on the others."""
        ...


def claims_of(raw_qa: pl.DataFrame, *, prompt: str, generators: Sequence[str] = ()) -> pl.DataFrame:
    """List what is asked: the open form of every question, and the multiple-choice form by the text of its answer.

    Parameters
    ----------
    raw_qa
        Schema RAW_QA.
    prompt
        With {question} and {answer}.
    generators
        Whose questions are asked; empty: all.

    Returns
    -------
    polars.DataFrame
        id, form, image_ids, prompt, `asked` (digest of prompt and pictures) and `part` (a hexadecimal digit: of the
        first picture's id, so that questions about one picture come together and no question ever changes its part).
    """
    asked = forms_of(raw_qa.filter(pl.col("generator").is_in(generators)) if generators else raw_qa)
    rows = asked.select("id", "form", "image_ids", prompt=_filled(prompt), part=_part()).sort("id", "form")
    texts = rows.select(pl.concat_str(pl.col("image_ids").list.join(" "), "prompt", separator="\n")).to_series()
    digests = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]
    return rows.with_columns(pl.Series("asked", digests, dtype=pl.String))


def forms_of(raw_qa: pl.DataFrame) -> pl.DataFrame:
    """List both forms of every question, `open` and `choice`, with the answer as a text.

    Where multiple choice has words of its own ("which of these"), its options are named behind them.

    Parameters
    ----------
    raw_qa
        Schema RAW_QA.

    Returns
    -------
    polars.DataFrame
        id, image_ids, question, answer, form; multiple choice only where there are options.
    """
    given = raw_qa.select("id", "image_ids", "question", "answer", "choice_question", "options", "answer_index")
    named = pl.concat_str("choice_question", pl.lit(" Options: "), pl.col("options").list.join(", "), pl.lit("."))
    forms = {
        "open": given,
        "choice": given.filter(pl.col("options").list.len() > 0).with_columns(
            question=pl.coalesce(named, "question"), answer=pl.col("options").list.get(pl.col("answer_index"))
        ),
    }
    rows = [frame.with_columns(form=pl.lit(form)) for form, frame in forms.items()]
    return pl.concat(rows).select("id", "image_ids", "question", "answer", "form")


def _filled(prompt: str) -> pl.Expr:
    """Fill a prompt in, a column at a time."""
    pieces: list[pl.Expr] = [pl.lit("")]  # an empty prompt too is a text
    for text, name, _, _ in Formatter().parse(prompt):
        pieces.append(pl.lit(text))
        if name is not None:
            pieces.append(pl.col(name).fill_null("").str.replace_all(CONTROL, ""))
    return pl.concat_str(pieces)


def _part() -> pl.Expr:
    digest = pl.col("image_ids").list.first().fill_null("").str.slice(0, 1).str.to_lowercase()
    return pl.when(digest.str.contains(r"^[0-9a-f]$")).then(digest).otherwise(pl.lit("0"))


def cases_of(claims: pl.DataFrame, images: pl.DataFrame) -> tuple[list[Case], pl.DataFrame]:
    """Put claims about the same pictures together; each prompt is asked once.

    Parameters
    ----------
    claims
        See `claims_of`.
    images
        Schema IMAGES.

    Returns
    -------
    tuple
        The cases, and the claims with `case` and `place`: where the answer to each is.
    """
    there = openable(images).unique("image_id", keep="first", maintain_order=True)
    where = {row[0]: row[1:] for row in there.select("image_id", "uri", "member").iter_rows()}
    key = pl.col("image_ids").list.join(" ").alias("key")
    asked = claims.select(key, "image_ids", "prompt").unique(["key", "prompt"], maintain_order=True).sort("key")
    grouped = asked.group_by("key", maintain_order=True).agg(pl.col("image_ids").first(), "prompt")
    cases = [_case(ids, prompts, where) for _, ids, prompts in grouped.iter_rows()]
    flat = grouped.with_row_index("case").with_columns(place=pl.int_ranges(pl.col("prompt").list.len()))
    flat = flat.select("case", "key", "prompt", "place").explode("prompt", "place")
    return cases, claims.with_columns(key).join(flat, on=["key", "prompt"], how="left", maintain_order="left")


def _case(ids: list[str], prompts: list[str], where: dict[str, tuple[str, str | None]]) -> Case:
    lost = [one for one in ids if one not in where]
    problem = f"picture `{lost[0]}` is not there or cannot be used" if lost else None if ids else "no picture is named"
    places = tuple(Place(row, *where[one]) for row, one in enumerate(ids)) if problem is None else ()
    return Case(places, tuple(prompts), problem)
