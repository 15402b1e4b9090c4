from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision_dagster.filters.contamination.pictures import contaminated_pictures
from provision_dagster.filters.contamination.questions import contaminated_questions
from provision_dagster.filters.duplicate_config import BenchmarkConfig
from provision_dagster.filters.schema import BENCHMARK_ITEMS, CONTAMINATION

HASH = 0x0F0F0F0F0F0F0F0F
LONG = "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15"


def bench(**fields: Any) -> BenchmarkConfig:
    return BenchmarkConfig(name="b", questions="q.json", **fields)


def items(*rows: dict[str, Any], benchmark: str = "b") -> pl.DataFrame:
    full = [{"benchmark": benchmark, "item": str(n), **row} for n, row in enumerate(rows, start=1)]
    return pl.DataFrame(full, schema=BENCHMARK_ITEMS)


def texts(*questions: str) -> pl.DataFrame:
    return items(*({"kind": "question", "text": text} for text in questions))


def qa(*pairs: tuple[str | None, str | None]) -> pl.DataFrame:
    rows = [{"shard": "s-0", "id": str(n), "question": q, "answer": a} for n, (q, a) in enumerate(pairs)]
    return pl.DataFrame(rows, schema={"shard": pl.String, "id": pl.String, "question": pl.String, "answer": pl.String})


def hits(pairs: list[tuple[str | None, str | None]], known: pl.DataFrame, **fields: Any) -> list[tuple[Any, ...]]:
    found = contaminated_questions(qa(*pairs), items=known, benchmarks=[bench(**fields)])
    assert found.schema == pl.Schema(CONTAMINATION)
    return [(int(row["id"]), row["item"], row["score"]) for row in found.iter_rows(named=True)]


def test_one_ngram_of_a_long_question_is_enough_unless_more_is_asked_for() -> None:
    pairs = [
        (f"So: {LONG.upper()}?", "yes"),
        ("x w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 w13 x", "yes"),
        ("w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12", "yes"),
        ("Describe.", LONG),
    ]
    assert hits(pairs, texts(LONG)) == [(0, "1", 1.0), (1, "1", pytest.approx(1 / 3)), (3, "1", 1.0)]
    assert hits(pairs, texts(LONG), min_share=0.5) == [(0, "1", 1.0), (3, "1", 1.0)]
    assert len(hits(pairs, texts(LONG), ngram_words=12, min_words=12)) == 4


def test_a_short_question_counts_as_a_whole_and_a_very_short_one_not_at_all() -> None:
    known = texts("What is the man on the left holding?", "How many dogs are there?")
    pairs = [
        ("what is the man, on the left, holding", "a bat"),
        ("What is the man on the left holding now?", "a bat"),
        ("How many dogs are there?", "2"),
        (None, None),
    ]
    assert hits(pairs, known) == [(0, "1", 1.0)]
    assert hits(pairs, known, min_words=5) == [(0, "1", 1.0), (2, "2", 1.0)]


def test_the_way_a_benchmark_asks_is_not_its_content() -> None:
    asking = "answer the question using a single word or phrase from the list below please"
    known = texts(*(f"{asking} thing{n} other{n} third{n}" for n in range(12)))
    pairs = [(f"{asking} something else", "x"), (f"{asking} thing3 other3 third3", "x")]
    assert hits(pairs, known) == [(1, "4", 1.0)]
    assert [row[0] for row in hits(pairs, known, max_ngram_questions=12)] == [0, 1]


def test_the_best_match_is_told_and_the_first_of_several() -> None:
    known = texts(f"{LONG} and some more words", LONG, LONG)
    assert hits([(LONG, "yes")], known) == [(0, "2", 1.0)]


WORDS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=8).map(" ".join)


@given(st.lists(WORDS, max_size=6), st.lists(WORDS, min_size=1, max_size=5), st.integers(2, 4), st.integers(1, 3))
def test_as_comparing_all(asked: list[str], benchmark: list[str], n: int, many: int) -> None:
    def grams(text: str) -> set[tuple[str, ...]]:
        words = text.split()
        return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}

    own = [grams(text) for text in benchmark]
    own = [{gram for gram in grams_ if sum(gram in other for other in own) <= many} for grams_ in own]
    expected = []
    for row, text in enumerate(asked):
        shares = []
        for place, known in enumerate(benchmark):
            if 2 <= len(known.split()) < n and text == known:
                shares.append((-1.0, place))
            elif own[place] & grams(f"{text} yes"):
                shares.append((-len(own[place] & grams(f"{text} yes")) / len(own[place]), place))
        if shares:
            expected.append((row, str(min(shares)[1] + 1), -min(shares)[0]))
    pairs = [(text, "yes") for text in asked]
    assert hits(pairs, texts(*benchmark), ngram_words=n, min_words=2, max_ngram_questions=many) == expected


def pictures(*rows: tuple[str | None, str | None, int | None]) -> pl.DataFrame:
    data = [
        {"shard": "s-0", "image_id": i, "sha256": sha, "phash": phash if phash is None else f"{phash:016x}"}
        for i, sha, phash in rows
    ]
    return pl.DataFrame(data, schema=dict.fromkeys(("shard", "image_id", "sha256", "phash"), pl.String))


def test_pictures_by_file_and_by_hash() -> None:
    known = items(
        {"kind": "picture", "phash": f"{HASH ^ 0b1111:016x}"},
        {"kind": "picture", "sha256": "f1", "phash": f"{HASH ^ 0b11:016x}"},
        {"kind": "picture", "sha256": "f1"},
        {"kind": "picture", "phash": f"{1 << 63:016x}"},
        {"kind": "picture", "error": "broken"},
    )
    rows = pictures(
        ("p", "f1", HASH),
        ("q", "f2", HASH ^ 0b11 << 8),
        ("r", "f3", ~HASH % 2**64),
        ("sky", "f4", 1 << 63),
        (None, "f1", None),
    )
    found = contaminated_pictures(rows, items=known, benchmarks=[bench(), BenchmarkConfig(name="c", images="x")])
    assert found.select("kind", "shard", "id", "benchmark", "method", "score", "item").rows() == [
        ("picture", "s-0", "p", "b", "sha256", 1.0, "2"),
        ("picture", "s-0", "p", "b", "phash", 1 - 2 / 64, "2"),
        ("picture", "s-0", "q", "b", "phash", 1 - 4 / 64, "2"),
    ]
    narrow = contaminated_pictures(rows, items=known, benchmarks=[bench(max_phash_distance=2)])
    assert narrow["id"].to_list() == ["p", "p"]


def test_nothing_to_look_for_or_in() -> None:
    known = items({"kind": "picture", "sha256": "f1"}, {"kind": "question", "text": LONG}, benchmark="other")
    assert contaminated_pictures(pictures(("p", "f1", HASH)), items=known, benchmarks=[bench()]).is_empty()
    assert contaminated_questions(qa((LONG, "x")), items=known, benchmarks=[bench()]).is_empty()
    assert contaminated_pictures(pictures(), items=known, benchmarks=[]).is_empty()
    assert hits([], texts(LONG)) == []
