"""Questions that are alike.

Questions that programs write differ by the one word that matters: 'How many cats are there?' and 'How many dogs are
there?' share most shingles and ask different things. So two questions are one only if

- they are about the same pictures, in the same order (or, where asked for, stand in one shard),
- and have the same answer, or both have a long one,
- and either have the same meaning-bearing words in the same order (`exact`): they differ in articles, forms of "be" and
  ways to say "in the picture",
- or share nearly all shingles of question and long answer (`minhash`): long texts with a word changed here or there.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from provision_dagster.filters.duplicate_config import DuplicatesConfig
from provision_dagster.filters.duplicates.keeping import keep_first
from provision_dagster.filters.duplicates.minhash import near_sets
from provision_dagster.filters.duplicates.pairs import F64, I64
from provision_dagster.filters.duplicates.words import (
    Grams,
    normalized,
    whole_hash,
    without,
    word_hashes,
    word_ngrams,
)
from provision_dagster.filters.schema import DUPLICATES
from provision_dagster.generators.hashing import U64, column_hash, mix

Scope = Literal["pictures", "shard", "anywhere"]


def duplicate_questions(
    qa: pl.DataFrame, *, config: DuplicatesConfig | None = None, scope: Scope | None = None
) -> pl.DataFrame:
    """Find questions that are like an earlier one.

    Parameters
    ----------
    qa
        At least shard, id, image_ids, question and answer, in any order; of one shard or several.
    config
        Bounds; the defaults when None.
    scope
        That of the configuration when None; `anywhere`: any two of `qa` with the same answer.

    Returns
    -------
    pl.DataFrame
        Schema DUPLICATES, a row per question that goes, sorted by shard and id. The first by shard and id stays.
        `exact`: distance 0; `minhash`: 1 - Jaccard similarity. Repeats letter for letter about the same pictures of
        a shard are not listed: the rule `duplicate` counts them.
    """
    config = config or DuplicatesConfig()
    if not config.questions or qa.is_empty():
        return pl.DataFrame(schema=DUPLICATES)
    qa = qa.select("shard", "id", "image_ids", "question", "answer").sort("shard", "id")
    of, distance, exact = _like_earlier(qa, config, scope or config.scope)
    gone = np.flatnonzero((of != np.arange(qa.height)) & ~_repeats(qa, of))
    return pl.DataFrame(
        {
            "kind": pl.repeat("question", len(gone), dtype=pl.String, eager=True),
            "shard": qa["shard"].gather(gone),
            "id": qa["id"].gather(gone),
            "of": qa["id"].gather(of[gone]),
            "of_shard": qa["shard"].gather(of[gone]),
            "method": pl.Series(np.where(exact[gone], "exact", "minhash").tolist(), dtype=pl.String),
            "distance": distance[gone],
        },
        schema=DUPLICATES,
    )


def _like_earlier(qa: pl.DataFrame, config: DuplicatesConfig, scope: Scope) -> tuple[I64, F64, npt.NDArray[np.bool_]]:
    """For each question the one kept in its place, their distance, and whether they are the same but for fillers."""
    texts, groups = _texts(qa, config, scope)
    words = word_hashes(texts)
    same = mix(groups, _meaning(texts, words, config))
    _, first, which = np.unique(same, return_index=True, return_inverse=True)
    leader = first[which]
    # questions of the same words stand together: the first of them is compared with others
    leaders = np.unique(leader)
    shingles = word_ngrams(words.take(leaders), n=config.shingle_words, whole=True)
    full = np.flatnonzero(shingles.counts)
    i, j, similarity = near_sets(
        shingles.take(full),
        groups=groups[leaders[full]],
        min_jaccard=config.min_jaccard,
        permutations=config.permutations,
        recall=config.recall,
    )
    instead, far = keep_first(len(full), first=i, second=j, distance=1.0 - similarity)
    of, distance = np.arange(qa.height), np.zeros(qa.height)
    of[leaders[full]], distance[leaders[full]] = leaders[full[instead]], far
    return of[leader], distance[leader], of[leader] == leader


def _repeats(qa: pl.DataFrame, of: I64) -> npt.NDArray[np.bool_]:
    """Whether each question is, letter for letter, the one that is kept in its place."""
    kept = qa.select(pl.all().gather(of).name.prefix("kept_"))
    same = [pl.col(name).eq_missing(pl.col(f"kept_{name}")) for name in ("shard", "image_ids", "question", "answer")]
    return qa.hstack(kept).select(pl.all_horizontal(same).alias("same"))["same"].to_numpy()


def _texts(qa: pl.DataFrame, config: DuplicatesConfig, scope: Scope) -> tuple[pl.Series, U64]:
    """Return what is compared, and which questions may be compared at all: pictures (or shard) and short answer."""
    parts = qa.select(
        question=normalized(pl.col("question").fill_null("")), answer=normalized(pl.col("answer").fill_null(""))
    ).with_columns(long=pl.col("answer").str.count_matches(" ", literal=True) + 1 >= config.short_answer_words)
    text = parts.select(
        pl.when("long").then(pl.format("{} {}", "question", "answer")).otherwise("question").alias("text")
    )
    short = parts.select(pl.when("long").then(None).otherwise(pl.format("short {}", "answer")).alias("answer"))
    return text["text"], mix(column_hash(short["answer"]), _scope(qa, scope))


def _scope(qa: pl.DataFrame, scope: Scope) -> U64:
    if scope == "anywhere":
        return np.zeros(qa.height, dtype=np.uint64)
    if scope == "shard":
        return column_hash(qa["shard"])
    return column_hash(qa.select(pl.col("image_ids").list.join("\x1f").alias("ids"))["ids"])


def _meaning(texts: pl.Series, words: Grams, config: DuplicatesConfig) -> U64:
    """Hash the meaning-bearing words of each text in order; all of them where there are no others."""
    everything = whole_hash(words)
    if not config.same_words:
        return everything
    phrases = _normal(config.filler_phrases)
    # each word between spaces of its own: of two phrases side by side both go
    spaced = pl.format(" {} ", pl.col("text").str.replace_all(" ", "  ", literal=True))
    patterns = {f" {phrase.replace(' ', '  ')} ": "" for phrase in phrases}
    padded = pl.DataFrame({"text": texts}).select(spaced.str.replace_many(patterns).alias("text"))
    left = word_hashes(padded["text"]) if phrases else words
    left = without(left, left_out=column_hash(pl.Series("word", _normal(config.filler_words), dtype=pl.String)))
    return np.where(left.counts > 0, whole_hash(left), everything)


def _normal(texts: tuple[str, ...]) -> list[str]:
    """Bring words of the configuration to the form of texts; what has no letter or digit is nothing."""
    found = pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)}).select(normalized(pl.col("text")))["text"]
    return [text for text in found.unique(maintain_order=True) if text]
