"""What images may show beside what is marked: a model was not sure of it, so nothing is counted or missed by it."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Pairs, distinct, ints, member, packed
from provision_dagster.generators.words import Words


@dataclass(frozen=True)
class Doubts:
    """Labels of images of which there may be more than is marked, as packed and sorted (image, label).

    Parameters
    ----------
    labels
        What is doubtful, and what may name the same thing.
    hidden
        These and their parts: nothing of them is certainly absent.
    dressed
        Images that may show people, sorted.
    """

    labels: Ints
    hidden: Ints
    dressed: Ints

    @staticmethod
    def of(found: pl.DataFrame, *, words: Words, wide: Words) -> "Doubts":
        """Look up what doubtful labels may mean.

        Parameters
        ----------
        found
            As `doubtful_labels` returns it.
        words
            The words that are asked about.
        wide
            The same and the doubtful labels, which need not be marked anywhere.
        """
        if found.is_empty():
            none = np.zeros(0, dtype=np.int64)
            return Doubts(none, none, none)
        img, code = ints(found["img"]), wide.labels.codes(found["label"])
        line, other = wide.related_labels.expand(code)
        img, code = np.append(img, img[line]), np.append(code, other)
        line, part = _parts(wide).expand(code)
        asked = _asked(words, wide)
        return Doubts(
            labels=_keys(img, asked[code]),
            hidden=_keys(np.append(img, img[line]), asked[np.append(code, part)]),
            dressed=distinct(img[wide.wearers[code]]),
        )

    def doubtful(self, img: Ints, label: Ints) -> Bools:
        """Whether images may show more of labels than is marked."""
        return member(packed(img, label), self.labels)


def doubtful_labels(scene_graphs: pl.DataFrame) -> pl.DataFrame:
    """List the doubtful labels of images: `img`, `label`; graphs may lack the column."""
    if "doubtful_labels" not in scene_graphs.columns:
        return pl.DataFrame(schema={"img": pl.Int64, "label": pl.String})
    named = scene_graphs.filter(pl.col("doubtful_labels").list.len() > 0)
    return named.select(pl.col("img").cast(pl.Int64), label="doubtful_labels").explode("label").drop_nulls()


def _parts(words: Words) -> Pairs:
    """(label, part of it)."""
    keys = words.part_labels.keys
    return words.once(
        "parts_of_labels", lambda: Pairs.of(keys & 0xFFFFFFFF, keys >> 32, codes=words.labels.words.height)
    )


def _asked(words: Words, wide: Words) -> Ints:
    """Code among `words` of each label of `wide`, -1 for those that are not there."""
    if words is wide:
        return np.arange(words.labels.words.height)
    codes = np.full(wide.labels.words.height, -1)
    codes[wide.labels.codes(words.labels.text)] = np.arange(words.labels.words.height)
    return codes


def _keys(img: Ints, label: Ints) -> Ints:
    return distinct(packed(img[label >= 0], label[label >= 0]))
