"""How many multiple-choice questions of a sample can be solved without the picture."""

import polars as pl

from provision_dagster.filters.quality_config import QualityConfig
from provision_dagster.filters.schema import QA_QUALITY
from provision_dagster.generators.audit.blind import Blind, blind_accuracy, choices_of
from provision_dagster.generators.audit.frame import option_words
from provision_dagster.generators.audit.words import Words
from provision_dagster.lexicon import Lexicon

READ = ("generator", "id", "image_ids", "question", "choice_question", "options", "answer_index")
SPACE = 16**8
"""Values of the first eight hex digits of an id, which is a hash."""


def blind_figures(
    filtered_qa: pl.LazyFrame, *, rows: dict[str, int], config: QualityConfig, lexicon: Lexicon
) -> pl.DataFrame:
    """Measure the best blind solver of each generator: accuracy, chance, and how far the first is surely above.

    Parameters
    ----------
    filtered_qa
        Schema FILTERED_QA.
    rows
        By generator: with them the sample is taken in one pass.

    Returns
    -------
    pl.DataFrame
        Schema QA_QUALITY.
    """
    sample = sample_by_id(filtered_qa.select(READ), rows=rows, size=config.sample_rows)
    choices = choices_of(sample, words=Words(lexicon, option_words(sample)))
    found = blind_accuracy(choices) if choices.height else {}
    told = [
        ("filtered_qa", measure, name, part, value, blind.rows)
        for name, blind in found.items()
        for measure, part, value in _measures(blind)
    ]
    return pl.DataFrame(told, schema=QA_QUALITY, orient="row")


def _measures(blind: Blind) -> list[tuple[str, str, float]]:
    return [
        ("blind_accuracy", blind.solver, blind.accuracy),
        ("blind_chance", "", blind.chance),
        ("blind_excess", blind.solver, blind.accuracy - blind.margin - blind.chance),
    ]


def sample_by_id(qa: pl.LazyFrame, *, rows: dict[str, int], size: int) -> pl.DataFrame:
    """Take about `size` rows of each generator, those with the smallest ids: the same of the same table."""
    limits = {name: f"{min(SPACE - 1, SPACE * size // max(1, count)):08x}" for name, count in rows.items()}
    if not limits:
        return qa.head(0).collect()
    # an id that is no hash does not fall out of every sample
    all_of = pl.col("generator").is_in([name for name, count in rows.items() if count <= size])
    limit = pl.col("generator").replace_strict(limits, default="", return_dtype=pl.String)
    chosen = qa.filter(all_of | (pl.col("id").str.head(8) < limit))
    return chosen.collect(engine="streaming").sort("id")
