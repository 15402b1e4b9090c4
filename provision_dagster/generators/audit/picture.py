"""One scene graph, laid out for questions about single things."""

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property
from itertools import combinations, product
from math import floor
from typing import Any

from provision_dagster.generators.audit.words import NOTHING, Words

SAME_THING_IOU = 0.6
"""Two boxes of one label that overlap this much may be one thing marked twice (T5)."""

UP, DOWN = Fraction(1, 2), Fraction(499_999, 1_000_000)

Box = tuple[float, float, float, float]


class Picture:
    """A row of the scene-graph table.

    Objects are known by their place in the table's list; all geometry is in pixels.
    """

    def __init__(self, row: Mapping[str, Any], words: Words) -> None:
        self.row = row
        self.words = words
        self.image_id: str = row["image_id"]
        self.width: int = row["width"]
        self.height: int = row["height"]
        objects = row["objects"]
        self.ids: list[str] = [o["id"] for o in objects]
        self.labels: list[str] = [o["label"] for o in objects]
        self.boxes: list[Box] = [(b["x1"], b["y1"], b["x2"], b["y2"]) for b in (o["box"] for o in objects)]
        self.attributes: list[frozenset[str]] = [frozenset(o["attributes"] or ()) for o in objects]
        self.groups: frozenset[int] = frozenset(i for i, o in enumerate(objects) if o["is_group"])
        self.searched: frozenset[str] = frozenset(row["exhaustive_labels"] or ())
        self.doubtful: frozenset[str] = frozenset(row.get("doubtful_labels") or ())
        self.complete_attributes: bool = bool(row["exhaustive_attributes"])
        self.complete_relations: bool = bool(row["exhaustive_relations"])
        self.runs: dict[int, list[int]] | None = None  # filled by `pixels` when a mask is asked for
        self.depths: dict[tuple[int, int], float] | None = None
        self._referents: dict[str, tuple[int | None, str | None]] = {}
        self._counts: dict[str, str | None] = {}

    @cached_property
    def by_label(self) -> dict[str, list[int]]:
        """Objects of each label."""
        found: dict[str, list[int]] = defaultdict(list)
        for place, label in enumerate(self.labels):
            found[label].append(place)
        return dict(found)

    @cached_property
    def place_of(self) -> dict[str, int]:
        """Place of each object id."""
        return {name: place for place, name in enumerate(self.ids)}

    @cached_property
    def relations(self) -> dict[tuple[int, int], frozenset[str]]:
        """Predicates said of each ordered pair; "of" alone says nothing."""
        found: dict[tuple[int, int], set[str]] = defaultdict(set)
        for r in self.row["relations"] or ():
            if r["predicate"] != "of":
                found[r["subject"], r["object"]].add(r["predicate"])
        return {pair: frozenset(predicates) for pair, predicates in found.items()}

    @cached_property
    def _printed(self) -> dict[str, list[int]]:
        """Objects by how their box is printed, a half rounded up."""
        return self._by_print(halves=(UP,))

    @cached_property
    def _nearly_printed(self) -> dict[str, list[int]]:
        """The same, with halves rounded either way: 0.145 is a little less than that in binary."""
        return self._by_print(halves=(UP, DOWN))

    def in_box(self, box: str) -> list[int]:
        """Objects whose box is printed so."""
        return self._printed.get(box) or self._nearly_printed.get(box, [])

    def _by_print(self, *, halves: tuple[Fraction, ...]) -> dict[str, list[int]]:
        sides = (self.width, self.height, self.width, self.height)
        found: dict[str, list[int]] = defaultdict(list)
        for place, box in enumerate(self.boxes):
            ways = [{ratio_text(v, side, half=h) for h in halves} for v, side in zip(box, sides, strict=True)]
            for texts in product(*ways):
                found["[" + ", ".join(texts) + "]"].append(place)
        return dict(found)

    def referent(self, label: str) -> tuple[int | None, str | None]:
        """Find what "the <label>" points at: the object, and why it is unclear if it is (T1)."""
        if label not in self._referents:
            places = self.by_label.get(label, [])
            self._referents[label] = (places[0] if places else None, self._unclear_name(label, places))
        return self._referents[label]

    def _unclear_name(self, label: str, places: list[int]) -> str | None:
        if len(places) > 1:
            return "label_not_unique"
        if self.rivals(label):
            return "related_label_present"
        if self.groups.intersection(places):
            return "group_box"
        if self.may_hide(label):
            return "doubtful_label"
        word = self.words.label.get(label)
        return None if word is None or word.usable else "unusable_label"

    def rivals(self, label: str) -> set[str]:
        """Other labels of the picture that may name the same thing.

        Two labels that were both searched for exhaustively are told apart by the annotation itself.
        """
        near = self.by_label.keys() & self.words.related.get(label, NOTHING)
        return near - self.searched if label in self.searched else near

    def may_hide(self, label: str) -> bool:
        """Whether the picture may show more of a label than is marked: a model was unsure of something it may name."""
        if label in self.searched:
            return False
        return label in self.doubtful or bool(self.doubtful & self.words.related.get(label, NOTHING))

    def size_unseen(self, label: str, value: str) -> bool:
        """Whether a value is a size ("small") and nothing of the label is of a contrary size, to compare it with."""
        word = self.words.attribute.get(value)
        if word is None or word.exclusive_group != "size":
            return False
        contrary = self.words.contradicting.get(value, NOTHING)
        return not any(self.attributes[place] & contrary for place in self.by_label.get(label, ()))

    def uncountable(self, label: str) -> str | None:
        """Say why the number of boxes of a label may not be the number of things (T5), if so."""
        if label not in self._counts:
            self._counts[label] = self._unclear_count(label)
        return self._counts[label]

    def _unclear_count(self, label: str) -> str | None:
        word, places = self.words.label.get(label), self.by_label.get(label, [])
        if word is None or not word.countable:
            return "label_not_countable"
        if self.groups.intersection(places):
            return "group_box"
        if self.rivals(label):
            return "related_label_present"
        if label in self.searched:
            return None
        if self.may_hide(label):
            return "doubtful_label"
        if self.by_label.keys() & self.words.wholes.get(label, NOTHING):
            return "part_of_annotated_whole"
        doubled = any(iou(self.boxes[a], self.boxes[b]) > SAME_THING_IOU for a, b in combinations(places, 2))
        return "box_marked_twice" if doubled else None


def ratio_text(value: float, side: int, *, half: Fraction) -> str:
    """Write a coordinate as a ratio with two decimals; `half` says whether a half goes up."""
    hundredths = min(max(floor(100 * Fraction(value) / side + half), 0), 100)
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return w * h / (area - w * h)


def apart(a: Box, b: Box) -> bool:
    """Whether two boxes share no area in x or in y (touching boxes do not)."""
    return a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]


def gap(a: Box, b: Box) -> float:
    """Pixels between two boxes along the axis that parts them most; negative when they overlap."""
    return max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3])
