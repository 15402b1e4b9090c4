"""What all multi-image questions share: the order of the images, their names, evidence."""

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Ragged, ints, offsets_of, spans
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64, draw, mix
from provision_dagster.generators.programs.multi_image.drawing import Drawing
from provision_dagster.generators.registry import Choice, Drawn


def arranged(
    graphs: Graphs,
    drawing: Drawing,
    images: Ints,
    *,
    single: dict[str, Ints],
    each: dict[str, Ints],
    reason: str = "not_provable",
) -> Drawn:
    """Put the images of each question in random order.

    Parameters
    ----------
    images
        Image of each member, shape (m, n).
    single
        Columns that hold one number per question.
    each
        Columns that hold one number per member, shape (m, n): they become columns "name 0" .. in the order of the
        images.
    reason
        Why combinations were found unsound.
    """
    image_hash = graphs.images["image_hash"].to_numpy()
    luck = mix(draw(drawing.identity, "images")[:, None], image_hash[images])
    order = np.argsort(luck, axis=1, kind="stable")
    columns = dict(single)
    for name, table in each.items():
        in_order = np.take_along_axis(table, order, axis=1)
        columns |= {f"{name} {i}": in_order[:, i] for i in range(images.shape[1])}
    return Drawn(
        images=np.take_along_axis(images, order, axis=1),
        rows=pl.DataFrame({name: pl.Series(values, dtype=pl.Int64) for name, values in columns.items()}),
        available=drawing.available,
        dropped={reason: drawing.unsound} if drawing.unsound else {},
    )


def member_columns(drawn: Drawn, name: str) -> Ints:
    """Read back a column of `each`, shape (m, n)."""
    columns = [ints(drawn.rows[f"{name} {i}"]) for i in range(drawn.images.shape[1])]
    return np.stack(columns, axis=1) if len(columns[0]) else np.zeros(drawn.images.shape, dtype=np.int64)


def right_column(images: Ints, place: int) -> Ints:
    """Mark one column of (m, n): 1 there, 0 elsewhere."""
    marked = np.zeros_like(images)
    marked[:, place] = 1
    return marked


def images_text(n: int, rows: int) -> pl.Series:
    """ "Image 1, Image 2 and Image 3", n of them, in so many rows."""
    names = [f"Image {i + 1}" for i in range(n)]
    return pl.Series([", ".join(names[:-1]) + " and " + names[-1]]).new_from_index(0, rows)


def image_choice(right: Ints, *, n: int) -> tuple[pl.Series, Choice]:
    """Answer with one of the images and offer them all: (answer, options).

    Parameters
    ----------
    right
        Place of the right image, shape (m,).
    """
    words = pl.Series([f"Image {i + 1}" for i in range(n)])
    others = np.arange(n - 1)[None, :] + (np.arange(n - 1)[None, :] >= right[:, None])
    codes = np.concatenate([right[:, None], others], axis=1)
    return words.gather(right), Choice(words, codes, balanced=False)


def label_evidence(graphs: Graphs, rows: Ints) -> Ragged:
    """Objects of rows of `Graphs.labels`, shape (m, n), image by image; -1 stands for none."""
    labels, flat = graphs.labels, rows.reshape(-1)
    size = np.where(flat >= 0, labels.n[flat], 0)
    objects = graphs.by_label[spans(np.where(flat >= 0, labels.first[flat], 0), size)]
    return Ragged(objects, offsets_of(size)[:: rows.shape[1]])


def object_evidence(objects: Ints) -> Ragged:
    """Objects of each question, shape (m, k); -1 stands for none."""
    return Ragged.masked(objects, objects >= 0)


def unlike(words: tuple[pl.Series, pl.Series], first: Ints, second: Ints) -> Bools:
    """Whether neither of two phrases holds the other as whole words ("wooden" and "wooden table" do)."""
    a, b = (
        " " + series.gather(codes).alias(n) + " " for n, series, codes in zip("ab", words, (first, second), strict=True)
    )
    told = pl.DataFrame({"a": a, "b": b}).select(
        pl.col("a").str.contains(pl.col("b"), literal=True) | pl.col("b").str.contains(pl.col("a"), literal=True)
    )
    return ~told.to_series().to_numpy()


def concept_hash(*hashes: U64) -> U64:
    """Hash of a concept from those of its words."""
    state = np.zeros(len(hashes[0]), dtype=np.uint64)
    for each in hashes:
        state = mix(state, each)
    return state
