"""Concepts of benchmarks: which rows touch them, which come first, and the share of yes."""

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from provision_dagster.errors import InputError
from provision_dagster.mixes.build import mix_blocks
from provision_dagster.mixes.concepts import COVERAGE, load_concepts, resampled
from provision_dagster.mixes.pool import Tables
from provision_dagster.mixes.recipe import Recipe
from provision_dagster.mixes.recipe_parts import Concepts
from provision_dagster.mixes.targets import Figures
from tests.mixes.rows import filtered, images_of, qa, recipe

WORDS = """
# color
red
Brown

# count
how many
dog
# rare
zebra
"""


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_text(WORDS)
    return path


def found(words: Path, *texts: str) -> list[list[str]]:
    concepts = load_concepts(Concepts(file=str(words)))
    rows = pl.DataFrame({"question": texts}).select(concepts.found_in("question")).to_series()
    return [[concepts.names[place] for place in row] for row in rows]


def test_a_list_has_abilities_and_concepts(words: Path) -> None:
    concepts = load_concepts(Concepts(file=str(words)))
    assert concepts.names == ("red", "brown", "how many", "dog", "zebra")
    assert concepts.abilities == ("color", "color", "count", "count", "rare")


def test_concepts_are_whole_words_in_any_case_and_number(words: Path) -> None:
    texts = ("How many DOGS are red?", "A redder hotdog.", "red red, brown-red", "how, many", "", "Zebras")
    assert found(words, *texts) == [["red", "how many", "dog"], [], ["red", "brown"], ["how many"], [], ["zebra"]]


def test_the_shipped_list() -> None:
    concepts = load_concepts(Concepts())
    assert len(concepts.names) > 150
    assert {"existence", "count", "position", "color", "scene", "depth"} <= set(concepts.abilities)
    assert "" not in concepts.abilities


@pytest.mark.parametrize(("text", "message"), [("# only\n", "must have one concept a line"), (None, "cannot be read")])
def test_what_is_no_list(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "none.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_concepts(Concepts(file=str(path)))


def asked() -> pl.DataFrame:
    """Of one generator 8 questions touch 3, 2, 1 or 0 concepts, two each; of another 4 touch one."""
    texts = ["red dog how many", "red dog", "red", "thing"]
    rows = [qa(i, question=f"{texts[i // 2]} {i}?", answer="x", image_ids=["vg0"]) for i in range(8)]
    rows += [qa(20 + i, generator="MostObject", question=f"red {i}?", answer="x", image_ids=["vg0"]) for i in range(4)]
    return filtered(*rows)


def made(wanted: Recipe, rows: pl.DataFrame) -> tuple[pl.DataFrame, Figures]:
    figures = Figures(wanted)
    blocks = list(mix_blocks(wanted, tables=Tables(rows, images_of()), figures=figures))
    return pl.concat(blocks), figures


def test_of_each_generator_the_most_informative_come_first(words: Path) -> None:
    wanted = recipe(form="open", sources=[{"ratio": 0.5}], concepts={"file": str(words)})
    mix, _ = made(wanted, asked())
    assert Counter(mix["generator"]) == {"AttributeBBox": 4, "MostObject": 2}
    assert sorted(int(i, 16) for i in mix.filter(generator="AttributeBBox")["id"]) == [0, 1, 2, 3]


def test_rare_concepts_do_not_count(words: Path) -> None:
    rare = qa(50, question="zebra brown how many?", answer="x", image_ids=["vg0"])
    rows = pl.concat([asked(), filtered(rare)])
    wanted = recipe(form="open", sources=[{"generators": ["AttributeBBox"], "count": 4}], concepts={"file": str(words)})
    mix, figures = made(wanted, rows)
    # three concepts, but two of them occur once: one counts
    assert rare["id"] not in mix["id"].to_list()
    coverage = figures.coverage
    assert coverage is not None
    assert dict(coverage.schema) == COVERAGE
    told = {row["concept"]: (row["available"], row["dropped"], row["rows"]) for row in coverage.to_dicts()}
    assert told == {
        "red": (10, False, 4),
        "brown": (1, True, 0),
        "how many": (3, False, 2),
        "dog": (4, False, 4),
        "zebra": (1, True, 0),
    }


def said(yes: int, no: int, other: int = 0) -> pl.DataFrame:
    return pl.DataFrame({"answer": ["Yes"] * yes + ["no."] * no + ["two"] * other}).with_row_index("place")


@pytest.mark.parametrize(
    ("yes", "no", "share", "kept"),
    [
        (90, 30, 0.5, (30, 30)),
        (30, 90, 0.5, (30, 30)),
        (80, 20, 0.6, (30, 20)),
        (5, 5, 0.5, (5, 5)),
        (10, 90, 0.25, (10, 30)),
    ],
)
def test_yes_has_its_share(yes: int, no: int, share: float, kept: tuple[int, int]) -> None:
    rows = resampled(said(yes, no, other=7), yes_share=share, where="here")
    answers = Counter(rows["answer"])
    assert (answers["Yes"], answers["no."], answers["two"]) == (*kept, 7)
    assert rows["place"].is_sorted()


def test_nothing_said_of_yes_is_left_alone() -> None:
    assert resampled(said(0, 0, 5), yes_share=0.5, where="here").height == 5


def test_a_share_of_one_answer_alone_is_impossible() -> None:
    with pytest.raises(InputError, match=r"here, `concepts.yes_share`: 0.5 wanted, but 5 rows answer yes and 0 no"):
        resampled(said(5, 0), yes_share=0.5, where="here")


def test_a_part_keeps_the_share_of_yes(words: Path) -> None:
    rows = [qa(i, answer="yes" if i % 4 else "no", options=[], answer_index=None, image_ids=["vg0"]) for i in range(80)]
    wanted = recipe(form="open", sources=[{"count": 20}], concepts={"file": str(words), "yes_share": 0.5})
    mix, _ = made(wanted, filtered(*rows))
    assert Counter(mix["answer"]) == {"yes": 10, "no": 10}
