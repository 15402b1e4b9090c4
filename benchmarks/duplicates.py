"""Times the search for duplicates and for what benchmarks hold: python benchmarks/duplicates.py [--questions 1000000]

Questions are written from templates about random things, 40 about each picture; a twentieth is reworded, and as many
have captions of 150 words of which one is changed. Every one of these must be found. Each part runs in a process of
its own, so that its memory is its own.
"""

import argparse
import importlib.util
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterable

import numpy as np
import polars as pl

from provision_dagster.filters.contamination.questions import contaminated_questions
from provision_dagster.filters.duplicate_config import BenchmarkConfig, DuplicatesConfig
from provision_dagster.filters.duplicates.hamming import near_hashes
from provision_dagster.filters.duplicates.minhash import near_sets, signatures
from provision_dagster.filters.duplicates.questions import duplicate_questions
from provision_dagster.filters.duplicates.words import normalized, word_hashes, word_ngrams
from provision_dagster.filters.schema import BENCHMARK_ITEMS

TEMPLATES = (
    "How many {a} {b} are there next to the {c} {d}?",
    "Is there a {a} {b} to the left of the {c} {d} or of anything else that is as large?",
    "Among the {b}, the {d} and everything else that can be told apart, which one is {a} and closest to the camera?",
    "What is the relation between the {a} {b} on one side and the {c} {d} on the other side of it?",
    "Which object in front of the {a} {b} has the same color as the {c} {d} that stands behind it?",
)
PER_PICTURE = 40


def questions(rows: int, *, seed: int = 0) -> tuple[pl.DataFrame, int]:
    """Write questions; returns them and how many of them are to be found."""
    random = np.random.default_rng(seed)
    words = {slot: pl.Series(random.integers(0, 800, rows)) for slot in "abcd"}
    frame = pl.DataFrame(words).with_columns(
        template=pl.Series(random.integers(0, len(TEMPLATES), rows)),
        image_ids=pl.Series(np.arange(rows) // PER_PICTURE),
        answer=pl.format("answer {}", pl.Series(random.integers(0, 40, rows))),
    )
    slots = {
        slot: pl.format("{}{}", pl.lit(kind), slot)
        for slot, kind in zip("abcd", ("red", "dog", "big", "cat"), strict=True)
    }
    text = pl.lit("")
    for number, template in enumerate(TEMPLATES):
        parts = [part for piece in template.split("{") for part in piece.split("}", 1)]
        pieces = [pl.lit(part) if place % 2 == 0 else slots[part] for place, part in enumerate(parts)]
        text = pl.when(pl.col("template") == number).then(pl.concat_str(pieces)).otherwise(text)
    frame = frame.select(question=text, answer="answer", image_ids=pl.concat_list(pl.format("image{}", "image_ids")))
    few = rows // 20
    reworded = frame.head(few).with_columns(
        question=pl.format("In the picture, {} Please?", pl.col("question").str.to_lowercase())
    )
    captions = pl.Series([" ".join(f"w{n}" for n in row) for row in random.integers(0, 5000, (few, 150))])
    caption = frame.slice(few, few).with_columns(answer=captions, question=pl.lit("Describe."))
    changed = caption.with_columns(answer=pl.col("answer").str.replace(r"w\d+$", "other"))
    every = pl.concat([frame.head(rows - 3 * few), reworded, caption, changed])
    every = every.with_columns(shard=pl.lit("s-00000"), id=pl.format("{}", pl.int_range(pl.len())).str.zfill(9))
    return every.sample(fraction=1, shuffle=True, seed=seed), 2 * few


def find_questions(rows: int) -> str:
    """Near-duplicate questions, by the default configuration."""
    frame, planted = questions(rows)
    start = time.perf_counter()
    found = duplicate_questions(frame)
    seconds = time.perf_counter() - start
    counts = dict(found.group_by("method").len().sort("method").iter_rows())
    return f"{rows:,} questions: {seconds:.1f} s; found {counts} of {planted:,} planted"


def find_anywhere(rows: int) -> str:
    """The same wherever they stand, at a Jaccard similarity of 0.8: every text is compared with all."""
    frame, _ = questions(rows)
    start = time.perf_counter()
    config = DuplicatesConfig(min_jaccard=0.8, same_words=False, permutations=128)
    found = duplicate_questions(frame, config=config, scope="anywhere")
    return f"{rows:,} questions anywhere, Jaccard 0.8: {time.perf_counter() - start:.1f} s; found {found.height:,}"


def find_pictures(rows: int) -> str:
    """Near-duplicate pictures by perceptual hash, at most 4 of 64 bits apart."""
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**64, rows, dtype=np.uint64)
    few = rows // 20
    bits = random.integers(0, 64, (few, 4)).astype(np.uint64)
    hashes[-few:] = hashes[:few] ^ np.bitwise_or.reduce(np.uint64(1) << bits, axis=1)
    start = time.perf_counter()
    found = near_hashes(hashes, max_distance=4)
    seconds = time.perf_counter() - start
    planted = ((found.first < few) & (found.second == found.first + rows - few)).sum()
    return f"{rows:,} perceptual hashes, 4 bits: {seconds:.1f} s; found {planted:,} of {few:,} planted"


def find_benchmark(rows: int) -> str:
    """Questions of a benchmark of 100,000 questions."""
    frame, _ = questions(rows)
    known, few = questions(100_000, seed=1)[0], 1000
    text = pl.concat([known["question"], frame.filter(pl.col("question") != "Describe.")["question"].head(few)])
    items = (
        pl.DataFrame({"text": text}).with_row_index("item").with_columns(benchmark=pl.lit("b"), kind=pl.lit("question"))
    )
    items = pl.concat([pl.DataFrame(schema=BENCHMARK_ITEMS), items.cast({"item": pl.String})], how="diagonal")
    benchmark = BenchmarkConfig(name="b", questions="b.json")
    start = time.perf_counter()
    found = contaminated_questions(frame, items=items, benchmarks=[benchmark]).filter(pl.col("score") == 1)
    seconds = time.perf_counter() - start
    told = f"{found.height:,} found whole, {few:,} planted"
    return f"{rows:,} questions against {text.len():,} of a benchmark: {seconds:.1f} s; {told}"


def compare_libraries(rows: int) -> str:
    """Signatures and pairs of one text after the other with datasketch, where it is installed."""
    frame, _ = questions(rows)
    texts = frame.select(normalized(pl.col("question")).alias("text"))["text"]
    start = time.perf_counter()
    sets = word_ngrams(word_hashes(texts), n=3, whole=True)
    signatures(sets, permutations=64)
    ours = time.perf_counter() - start
    start = time.perf_counter()
    near_sets(sets, groups=np.zeros(rows, dtype=np.uint64), min_jaccard=0.9)
    pairs = time.perf_counter() - start
    told = f"{rows:,} questions, 64 minima: ours {ours:.2f} s, with pairs {ours + pairs:.2f} s"
    if importlib.util.find_spec("datasketch") is None:
        return f"{told}; datasketch is not installed"
    from datasketch import MinHash, MinHashLSH

    start = time.perf_counter()
    shingles = [[" ".join(text.split()[i : i + 3]).encode() for i in range(len(text.split()) - 2)] for text in texts]
    made = MinHash.bulk(shingles, num_perm=64)
    theirs = time.perf_counter() - start
    index = MinHashLSH(threshold=0.9, num_perm=64)
    for number, one in enumerate(made):
        index.query(one)
        index.insert(number, one)
    return f"{told}; datasketch {theirs:.2f} s, with pairs {time.perf_counter() - start:.2f} s"


PARTS: dict[str, Callable[[int], str]] = {
    part.__name__: part for part in (find_questions, find_anywhere, find_pictures, find_benchmark, compare_libraries)
}


def _run(name: str, rows: int) -> None:
    told = PARTS[name](rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name}: {told}; at most {peak:,.0f} MB with the input", flush=True)


def main(arguments: Iterable[str] | None = None) -> None:
    """Run the parts one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--questions", type=int, default=1_000_000, help="also the number of pictures")
    parser.add_argument("--compared", type=int, default=20_000, help="questions given to datasketch")
    parser.add_argument("--part", choices=sorted(PARTS), action="append", help="default: all")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    for name in chosen.part or PARTS:
        rows = chosen.compared if name == "compare_libraries" else chosen.questions
        process = multiprocessing.get_context("spawn").Process(target=_run, args=(name, rows))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"{name} failed")


if __name__ == "__main__":
    main()
