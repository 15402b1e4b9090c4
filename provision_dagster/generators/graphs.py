"""Scene graphs of one shard, laid out as flat tables of codes that generators filter and combine.

An image, an object and a word are row numbers here (`images`, `objects`, `words`). They are only names inside one
call: what leaves a generator (ids, choices) depends on image ids, object places and the words themselves alone.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from provision_dagster.generators.arrays import (
    Bools,
    Ints,
    Ragged,
    bools,
    ints,
    member,
    offsets_of,
    packed,
    runs,
    spans,
)
from provision_dagster.generators.doubts import Doubts, doubtful_labels
from provision_dagster.generators.hashing import column_hash
from provision_dagster.generators.once import Once
from provision_dagster.generators.words import Words, words_of
from provision_dagster.lexicon import Lexicon

T = TypeVar("T")

DUPLICATE_IOU = 0.6
"""Two boxes of one label that overlap this much are taken for one thing marked twice, so the label is not counted."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Graphs:
    """Flat tables of one shard, built by `flatten`.

    Parameters
    ----------
    images
        One row per image, sorted by image id: `image_id`, `image_hash` (64 bits), `width`, `height`, `first` (row of
        its first object), `objects` (how many), and the `exhaustive_...` flags.
    objects
        One row per object, sorted by image and place: `img`, `place`, `id`, `label` (code), `x1` .. `y2` in pixels,
        `is_group`, `masked`, depth statistics `p25`, `p50`, `p75`, `mode` (null without depth).
    attributes
        `obj` (row of `objects`), `attribute` (code), sorted, distinct.
    relations
        `img`, `subject`, `predicate` (code), `object` (rows of `objects`), sorted, distinct, without "of".
    doubts
        Labels of which there may be more than is marked.
    source
        The rows of the scene-graph table in the order of `images`: what few generators need (masks, points).
    """

    images: pl.DataFrame
    objects: pl.DataFrame
    attributes: pl.DataFrame
    relations: pl.DataFrame
    words: Words
    doubts: Doubts
    source: pl.DataFrame
    _made: Once = field(default_factory=Once, repr=False, compare=False)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` gives, made once per shard: generators share what is costly."""
        return self._made.get(key, make)

    def object_column(self, name: str) -> npt.NDArray[np.float64]:
        """Return a numeric column of `objects`, shape (objects,)."""
        return self.objects[name].to_numpy()

    @cached_property
    def img(self) -> Ints:
        """Image of each object."""
        return ints(self.objects["img"])

    @cached_property
    def label(self) -> Ints:
        """Label code of each object."""
        return ints(self.objects["label"])

    @cached_property
    def boxes(self) -> Floats:
        """Boxes in pixels, shape (objects, 4)."""
        return np.stack([self.object_column(c) for c in ("x1", "y1", "x2", "y2")], axis=1)

    @cached_property
    def sides(self) -> Floats:
        """Width and height in pixels of each image, shape (images, 2)."""
        return np.stack([self.images["width"].to_numpy(), self.images["height"].to_numpy()], axis=1).astype(float)

    @cached_property
    def by_label(self) -> Ints:
        """Objects sorted by image, label and place."""
        return np.lexsort((self.label, self.img))

    @cached_property
    def labels(self) -> "Labels":
        """One row per image and label."""
        return Labels.of(self)

    @cached_property
    def uniques(self) -> Ints:
        """Objects whose label occurs once in the image, in order."""
        once = self.labels.n == 1
        return np.sort(self.by_label[self.labels.first[once]])

    @cached_property
    def label_row(self) -> Ints:
        """Row of `labels` of each object."""
        rows = np.empty(self.objects.height, dtype=np.int64)
        rows[self.by_label] = np.repeat(np.arange(len(self.labels.n)), self.labels.n)
        return rows

    @cached_property
    def nameable(self) -> Bools:
        """Whether an object's label alone points at it (T1): nothing else that is or may be there can be meant."""
        return self.unambiguous & ~self.doubtful

    @cached_property
    def unambiguous(self) -> Bools:
        """Whether nothing else that is marked may be meant by an object's label: it is unique and usable."""
        sound = (self.labels.n == 1) & ~self.labels.ambiguous & ~self.labels.group & self.labels.usable
        return np.asarray(sound[self.label_row])

    @cached_property
    def doubtful(self) -> Bools:
        """Whether there may be more things of an object's label than are marked."""
        return np.asarray(self.labels.doubtful[self.label_row])

    @cached_property
    def printed(self) -> Ints:
        """Boxes as printed: hundredths of width and height, rounded half up, shape (objects, 4)."""
        side = np.tile(self.sides[self.img], 2)
        # one division, so that a half is a half: 0.695 is not what 100 times a rounded ratio gives
        return np.clip(np.floor((200 * self.boxes + side) / (2 * side)), 0, 100).astype(np.int64)

    @cached_property
    def box_text(self) -> pl.Series:
        """Each box as "[0.12, 0.34, 0.56, 0.78]"."""
        return ratios_text(self.printed, opening="[", closing="]")

    @cached_property
    def box_fault(self) -> tuple[Bools, Bools]:
        """(the box prints without width or height, another object of the image prints the same box)."""
        p = self.printed
        flat = (p[:, 0] == p[:, 2]) | (p[:, 1] == p[:, 3])
        one = (((self.img * 128 + p[:, 0]) * 128 + p[:, 1]) * 128 + p[:, 2]) * 128 + p[:, 3]
        return flat, bools(pl.Series(one).is_duplicated())

    @cached_property
    def attribute_keys(self) -> Ints:
        """(object, attribute) of every attribute, packed and sorted."""
        return packed(ints(self.attributes["obj"]), ints(self.attributes["attribute"]))

    @cached_property
    def attribute_offsets(self) -> Ints:
        """Attributes of object i: rows `attribute_offsets[i]` .. `attribute_offsets[i + 1] - 1` of `attributes`."""
        return offsets_of(np.bincount(ints(self.attributes["obj"]), minlength=self.objects.height))

    def label_text(self, objects: Ints) -> pl.Series:
        """Labels of objects."""
        return self.words.labels.text.gather(self.label[objects])

    def is_plural(self, objects: Ints) -> Bools:
        """Whether the labels of objects take a plural verb."""
        return self.words.labels.flag("is_plural")[self.label[objects]]


@dataclass(frozen=True)
class Labels:
    """One row per image and label, sorted; arrays of equal length.

    `first` and `n` cut `Graphs.by_label`: the objects that bear the label. What could make the label unclear (T1,
    T5): `group` (one box round several), `ambiguous` (a synonym, plural, hypernym or hyponym is in the image),
    `whole` (something that has such a part is), `doubled` (two boxes may mark one thing), `doubtful` (a model may have
    seen more, and nobody searched the image for the label).
    """

    img: Ints
    label: Ints
    first: Ints
    n: Ints
    exhaustive: Bools
    group: Bools
    ambiguous: Bools
    whole: Bools
    doubled: Bools
    doubtful: Bools
    countable: Bools
    usable: Bools
    of_image: Ints
    """Rows of image i: `of_image[i]` .. `of_image[i + 1] - 1`."""

    @staticmethod
    def of(graphs: Graphs) -> "Labels":
        """Count labels, and see what makes them unclear."""
        order = graphs.by_label
        img, label = graphs.img[order], graphs.label[order]
        first, n = runs(img, label)
        img, label = img[first], label[first]
        table = graphs.words.labels
        exhaustive = searched(graphs, img, label)
        grouped = bools(graphs.objects["is_group"].fill_null(False))[order]
        rows = offsets_of(np.bincount(img, minlength=graphs.images.height))
        return Labels(
            img=img,
            label=label,
            first=first,
            n=n,
            exhaustive=exhaustive,
            group=np.logical_or.reduceat(grouped, first) if len(first) else grouped,
            ambiguous=_rivals(graphs, img, label, exhaustive),
            whole=_wholes(graphs, img, label, exhaustive),
            doubled=_doubled(graphs, first, n, exhaustive),
            doubtful=graphs.doubts.doubtful(img, label) & ~exhaustive,
            countable=table.flag("countable")[label],
            usable=table.flag("usable")[label],
            of_image=rows,
        )

    @cached_property
    def unclear(self) -> dict[str, Bools]:
        """What makes a count of a label unprovable (T5), by reason."""
        return {
            "group_box": self.group,
            "related_label_present": self.ambiguous,
            "part_of_annotated_whole": self.whole,
            "box_marked_twice": self.doubled,
            "doubtful_label": self.doubtful,
        }


def flatten(scene_graphs: pl.DataFrame, *, lexicon: Lexicon, vocabulary: pl.DataFrame) -> Graphs:
    """Lay out scene graphs as flat tables.

    Parameters
    ----------
    scene_graphs
        Rows of the scene-graph table.
    lexicon
        What is known about words.
    vocabulary
        Frequencies of labels, attributes and predicates in the whole image set (schema `VOCABULARY`).
    """
    rows = scene_graphs.sort("image_id").with_row_index("img")
    images = _images(rows)
    objects = _objects(rows)
    attributes = objects.select(obj=pl.int_range(pl.len()), attribute="attributes").explode("attribute")
    attributes = attributes.drop_nulls("attribute")
    relations = _relations(rows, images)
    others = [attributes["attribute"], relations["predicate"]]
    words = words_of(vocabulary, lexicon=lexicon, used=[objects["label"], *others])
    # what is only doubtful is no word of the image set: it is never offered
    doubtful = doubtful_labels(rows)
    both = pl.concat([objects["label"], doubtful["label"]])
    wide = words_of(vocabulary, lexicon=lexicon, used=[both, *others]) if doubtful.height else words
    return Graphs(
        images=images,
        objects=objects.drop("attributes").with_columns(label=pl.Series(words.labels.codes(objects["label"]))),
        attributes=_coded(attributes, attribute=words.attributes.codes(attributes["attribute"])),
        relations=_coded(relations, predicate=words.predicates.codes(relations["predicate"])),
        words=words,
        doubts=Doubts.of(doubtful, words=words, wide=wide),
        source=rows,
    )


def _coded(frame: pl.DataFrame, **codes: Ints) -> pl.DataFrame:
    return frame.with_columns(**{name: pl.Series(values) for name, values in codes.items()}).unique().sort(pl.all())


def _images(rows: pl.DataFrame) -> pl.DataFrame:
    held = pl.col("objects").list.len().cast(pl.Int64).fill_null(0)
    table = rows.select(
        "image_id",
        "width",
        "height",
        "exhaustive_labels",
        pl.col("exhaustive_attributes", "exhaustive_relations").fill_null(False),
        objects=held,
        first=held.cum_sum() - held,
    )
    return table.with_columns(pl.Series("image_hash", column_hash(table["image_id"]), dtype=pl.UInt64))


def _objects(rows: pl.DataFrame) -> pl.DataFrame:
    nested = rows.select("img", "objects").filter(pl.col("objects").list.len() > 0)
    places = nested.with_columns(place=pl.int_ranges(0, pl.col("objects").list.len(), dtype=pl.Int64))
    flat = places.explode("objects", "place").unnest("objects").unnest("box")
    depth = pl.col("depth").struct
    return flat.select(
        pl.col("img").cast(pl.Int64),
        "place",
        "id",
        "label",
        "x1",
        "y1",
        "x2",
        "y2",
        "is_group",
        "attributes",
        masked=pl.col("mask_area").fill_null(0) > 0,
        **{name: depth.field(name) for name in ("p25", "p50", "p75", "mode")},
    )


def _relations(rows: pl.DataFrame, images: pl.DataFrame) -> pl.DataFrame:
    nested = rows.select(pl.col("img").cast(pl.Int64), "relations", first=images["first"])
    flat = nested.filter(pl.col("relations").list.len() > 0).explode("relations").unnest("relations")
    return flat.filter(pl.col("predicate") != "of").select(
        "img",
        subject=pl.col("first") + pl.col("subject"),
        predicate="predicate",
        object=pl.col("first") + pl.col("object"),
    )


def searched(graphs: Graphs, img: Ints, label: Ints) -> Bools:
    """Whether images were searched for labels exhaustively: then what is not marked is not there."""
    place, keys = graphs.once("searched", lambda: _searched(graphs))
    return member(packed(place[img], label), keys)


def _searched(graphs: Graphs) -> tuple[Ints, Ints]:
    """Number of each image's list of classes, and (number, label) sorted: image sets repeat few lists."""
    lists = graphs.images["exhaustive_labels"].fill_null([])
    _, example, place = np.unique(lists.hash().to_numpy(), return_index=True, return_inverse=True)
    names = graphs.words.labels.text.alias("label").to_frame().with_row_index("code")
    listed = lists.gather(example).alias("label").to_frame().with_row_index("list").explode("label")
    found = listed.join(names, on="label").select("list", "code")
    return place, np.sort(packed(ints(found["list"]), ints(found["code"])))


def _rivals(graphs: Graphs, img: Ints, label: Ints, exhaustive: Bools) -> Bools:
    """Labels beside which a synonym, plural, hypernym or hyponym stands (T1, T5).

    Two labels that were both searched for exhaustively are told apart by the annotation itself, so they are no rivals,
    but for a word and its own plural: a question in the plural names both.
    """
    row, other = _present(graphs.words.related_labels.expand(label), img, label)
    plural = graphs.words.plural[label]
    met = row[~(exhaustive[row] & exhaustive[other]) | (plural[row] == plural[other])]
    return _mark(met, size=len(img))


def _wholes(graphs: Graphs, img: Ints, label: Ints, exhaustive: Bools) -> Bools:
    """Labels beside something that has such a part (T5: no "arm" where there is a "person")."""
    row, _ = _present(graphs.words.part_labels.expand(label), img, label)
    return _mark(row[~exhaustive[row]], size=len(img))


def _present(pairs: tuple[Ints, Ints], img: Ints, label: Ints) -> tuple[Ints, Ints]:
    """Keep (row, other label) whose other label is in the row's image: (row, row of the other)."""
    row, other = pairs
    keys, wanted = packed(img, label), packed(img[row], other)
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    there = keys[at] == wanted
    return row[there], at[there]


def _mark(rows: Ints, *, size: int) -> Bools:
    marked = np.zeros(size, dtype=bool)
    marked[rows] = True
    return marked


def _doubled(graphs: Graphs, first: Ints, n: Ints, exhaustive: Bools) -> Bools:
    """Labels of which two boxes overlap so much that one thing may have been marked twice."""
    several = np.flatnonzero((n > 1) & ~exhaustive)
    one, two, row = pairs_within(first[several], n[several])
    order = graphs.by_label
    over = iou(graphs.boxes[order[one]], graphs.boxes[order[two]]) > DUPLICATE_IOU
    return _mark(several[row[over]], size=len(n))


def pairs_within(first: Ints, size: Ints) -> tuple[Ints, Ints, Ints]:
    """List unordered pairs i < j of each range first .. first + size - 1: (i, j, number of the range), in order."""
    one = spans(first, size)
    row = np.repeat(np.arange(len(first)), size)
    after = (first + size)[row] - one - 1
    return np.repeat(one, after), spans(one + 1, after), np.repeat(row, after)


def iou(a: Floats, b: Floats) -> Floats:
    """Intersection over union of boxes, shapes (n, 4)."""
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    inner = np.prod(np.clip(high - low, 0, None), axis=1)
    area = np.prod(a[:, 2:] - a[:, :2], axis=1) + np.prod(b[:, 2:] - b[:, :2], axis=1)
    return np.asarray(inner / (area - inner))


_HUNDREDTHS = pl.Series([f"{n // 100}.{n % 100:02d}" for n in range(101)])


def ratios_text(hundredths: Ints, *, opening: str, closing: str) -> pl.Series:
    """Write rows of hundredths (n, k) as "[0.12, 0.34]", with the given brackets."""
    pieces: list[pl.Expr] = [pl.lit(opening)]
    columns = {f"c{i}": _HUNDREDTHS.gather(hundredths[:, i]) for i in range(hundredths.shape[1])}
    for i, name in enumerate(columns):
        pieces += ([pl.lit(", ")] if i else []) + [pl.col(name)]
    return pl.DataFrame(columns).select(text=pl.concat_str([*pieces, pl.lit(closing)])).to_series()


def lists_of(values: Ints, rows: Ints, *, size: int) -> Ragged:
    """Lists of values by row, where `rows` is sorted."""
    return Ragged(values, offsets_of(np.bincount(rows, minlength=size)))


__all__: Sequence[str] = ["Graphs", "Labels", "flatten", "iou", "lists_of", "pairs_within", "ratios_text", "searched"]
