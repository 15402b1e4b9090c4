"""One question with its reading, and what is found wrong with it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from provision_dagster.generators.audit.english import contains_phrase
from provision_dagster.generators.audit.picture import Picture
from provision_dagster.generators.audit.pixels import DepthFiles
from provision_dagster.generators.audit.words import Words

Kind = Literal["wrong", "ambiguous", "leaking", "ungrammatical"]
KINDS: tuple[Kind, ...] = ("wrong", "ambiguous", "leaking", "ungrammatical")
MOST_OPTIONS = 4

Fault = tuple[Kind, str]
Truth = bool | None
"""True, provably false, or neither."""


@dataclass(slots=True)
class Verdict:
    """Faults of one QA, each a kind and a reason code; none = right."""

    faults: list[Fault] = field(default_factory=list)

    def wrong(self, reason: str) -> None:
        """The answer is false or incomplete, or the row contradicts itself."""
        self.faults.append(("wrong", reason))

    def ambiguous(self, reason: str) -> None:
        """Another answer may be true as well, or the question points at more than one thing."""
        self.faults.append(("ambiguous", reason))

    def leaking(self, reason: str) -> None:
        """The wording gives the answer away."""
        self.faults.append(("leaking", reason))

    def ungrammatical(self, reason: str) -> None:
        """The text is no good English."""
        self.faults.append(("ungrammatical", reason))

    @property
    def is_wrong(self) -> bool:
        """Whether the answer was found to be false."""
        return any(kind == "wrong" for kind, _ in self.faults)


@dataclass(slots=True)
class Question:
    """A QA whose text has been read against its template."""

    generator: str
    text: str
    slots: dict[str, str]
    """What stands in the slots of the open form, and of the choice form where it has others."""
    answer: str
    options: Sequence[str]
    answer_index: int | None
    pictures: Sequence[Picture]
    words: Words
    metadata: dict[str, Any]
    evidence: list[frozenset[tuple[int, int]]]
    """(number of the picture, place of the object in it) of each; several where pictures share an id and a box."""
    strict: bool
    depth_files: DepthFiles | None = None

    @property
    def picture(self) -> Picture:
        """The picture of a question about one."""
        return self.pictures[0]

    @property
    def shown(self) -> frozenset[tuple[int, int]]:
        """All objects that the evidence may mean."""
        return frozenset().union(*self.evidence)

    @property
    def chosen(self) -> str | None:
        """The option that the row calls right."""
        i = self.answer_index
        return self.options[i] if i is not None and 0 <= i < len(self.options) else None


def judge_options(q: Question, v: Verdict, holds: Callable[[str], Truth]) -> None:
    """Demand that the chosen option is true and every other provably false (T2)."""
    if not q.options:
        if q.answer_index is not None:
            v.wrong("index_without_options")
        return
    if q.chosen is None:
        v.wrong("index_out_of_range")
    if len(q.options) < 2 or len(q.options) > MOST_OPTIONS:
        v.wrong("number_of_options")
    if len({o.casefold() for o in q.options}) < len(q.options):
        v.ambiguous("options_repeat")
    for place, option in enumerate(q.options):
        truth = holds(option)
        if place == q.answer_index:
            if truth is False:
                v.wrong("chosen_option_false")
            elif truth is None:
                v.ambiguous("chosen_option_not_proven")
        elif truth is not False:
            v.ambiguous("second_option_true" if truth else "option_not_provably_false")


def check_rests_on(
    q: Question, v: Verdict, *, needed: Iterable[tuple[int, int]], allowed: Iterable[tuple[int, int]] | None = None
) -> None:
    """Demand that the evidence holds the objects that the answer rests on, and no others than allowed."""
    needed = set(needed)
    if not needed <= q.shown or len(q.evidence) < len(needed):
        v.wrong("evidence_incomplete")
    fine = needed if allowed is None else needed | set(allowed)
    if not all(places & fine for places in q.evidence):
        v.wrong("evidence_of_other_objects")


def check_metadata(q: Question, v: Verdict, **expected: Iterable[Any]) -> None:
    """Demand that parts of the metadata name exactly the expected things."""
    for name, values in expected.items():
        if set(q.metadata[name]) != set(values):
            v.wrong(f"metadata_{name}")


def check_leak(q: Question, v: Verdict, answers: Iterable[str], *, slots: Iterable[str]) -> None:
    """Demand that no answer stands as whole words in what the question says of its subject (T3)."""
    texts = [q.slots[s] for s in slots if s in q.slots]
    if any(contains_phrase(text, answer) for answer in answers for text in texts):
        v.leaking("answer_in_question")
