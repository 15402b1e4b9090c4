"""What a caption leaves out since something else that it says tells it too, or since it is no English."""

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Pairs, bools, distinct, ints, packed, runs
from provision_dagster.generators.graphs import Graphs, pairs_within
from provision_dagster.generators.programs.description_text import verb_forms
from provision_dagster.generators.words import Words

VAGUE = (("accompany", "has"), ("proximity", "proximity_pose"))
"""Classes of predicates that say little, the vaguest first; all others say more."""

DIRECTIONS = ("left", "right", "front", "behind", "above", "below")
"""Classes of predicates that say where a thing is, but not that it is near."""


def sayable_relations(graphs: Graphs, subject: Ints, predicate: Ints, object_: Ints) -> Bools:
    """Which relations are said: of one pair none that another implies, and "is with" of people and animals alone."""
    kept = ~_lifeless_company(graphs, subject, predicate, object_)
    rows = np.flatnonzero(kept)
    kept[rows[_implied(graphs.words, subject[rows], predicate[rows], object_[rows])]] = False
    return kept


def _lifeless_company(graphs: Graphs, subject: Ints, predicate: Ints, object_: Ints) -> Bools:
    """Whether a thing would be "with" another ("a woman is with some hair"): people and animals are with each other."""
    words = graphs.words
    alive = words.animate[graphs.label]
    company = bools(words.predicates.words["canonical"] == "with")
    return np.asarray(company[predicate] & ~(alive[subject] & alive[object_]))


def _implied(words: Words, subject: Ints, predicate: Ints, object_: Ints) -> Bools:
    """Relations that a more telling one of the same pair implies: "under" beside "running under"."""
    telling = words.once("telling_predicates", lambda: _telling(words))
    order = np.lexsort((-telling[predicate], object_, subject))
    first, size = runs(subject[order], object_[order])
    one, two, _ = pairs_within(first, size)
    a, b = predicate[order[one]], predicate[order[two]]
    forth, back = _tells(words, a, b), _tells(words, b, a)
    found = np.zeros(len(subject), dtype=bool)
    found[order[two[forth]]] = True
    found[order[one[back & ~forth]]] = True
    # should three imply each other in a circle, the most telling one stays
    lost = np.flatnonzero(np.logical_and.reduceat(found[order], first)) if len(first) else first
    found[order[first[lost]]] = False
    return found


def _tells(words: Words, predicate: Ints, other: Ints) -> Bools:
    """Whether who says one predicate need not say the other, which is not more telling."""
    kind = words.predicates.words["class"]
    vague = sum((bools(kind.is_in(classes)) * (2 - n) for n, classes in enumerate(VAGUE)), np.zeros(len(kind)))
    far = bools(kind.is_in(DIRECTIONS))[predicate] & (vague[other] == 1)
    return np.asarray(words.implied_predicates.has(predicate, other) & (vague[predicate] <= vague[other]) & ~far)


def _telling(words: Words) -> Ints:
    """Rank of each predicate by how much it says: by class, then by length."""
    table = words.predicates.words
    vague = pl.coalesce(
        *(pl.when(pl.col("class").is_in(classes)).then(pl.lit(n)) for n, classes in enumerate(VAGUE)),
        pl.lit(len(VAGUE)),
    )
    by = table.select(vague.alias("vague"), pl.col("predicate").str.len_chars().alias("length"), "predicate")
    return ints(by.select(pl.struct(pl.all()).rank("ordinal").cast(pl.Int64)).to_series())


def said_by_relations(graphs: Graphs, subject: Ints, predicate: Ints) -> Ints:
    """(object, attribute) that a verb phrase begins with: "swinging" where the batter "is swinging" a bat; sorted."""
    pairs = graphs.words.once("attributes_in_verbs", lambda: _in_verbs(graphs.words))
    row, attribute = pairs.expand(predicate)
    return distinct(packed(subject[row], attribute))


def _in_verbs(words: Words) -> Pairs:
    """(predicate, attribute that its verb phrase begins with)."""
    forms = verb_forms(words).head(words.predicates.words.height).str.strip_prefix("is ").alias("w")
    parts = forms.to_frame().with_row_index("p").with_columns(pl.col("w").str.split(" "))
    sizes = parts.with_columns(n=pl.int_ranges(1, pl.col("w").list.len() + 1)).explode("n")
    heads = sizes.select("p", attribute=pl.col("w").list.head("n").list.join(" "))
    attributes = words.attributes.words.select("attribute").with_row_index("a")
    found = heads.join(attributes, on="attribute")
    codes = max(words.predicates.words.height, words.attributes.words.height)
    return Pairs.of(ints(found["p"]), ints(found["a"]), codes=codes)
