"""Questions are read back by the templates they name: what stands in each slot?"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from provision_dagster.generators.templates import Template, slots_of

_BOX = r"\[\d\.\d\d, \d\.\d\d, \d\.\d\d, \d\.\d\d\]"
_POINT = r"\(\d\.\d\d, \d\.\d\d\)"
AGREEING = {
    "be": ("is", "are"),
    "do": ("does", "do"),
    "have": ("has", "have"),
    "stand": ("stands", "stand"),
}
"""Slots that hold a verb in agreement with a noun: its forms after a singular and a plural."""

Slots = dict[str, str]


def _pattern(slot: str, *, greedy: bool) -> str:
    if slot == "box" or slot.endswith("_box"):
        return _BOX
    if slot in AGREEING:
        return "|".join(AGREEING[slot])
    return ".+" if greedy else ".+?"


@dataclass(frozen=True)
class Form:
    """One text of a template, as patterns that read it back."""

    text: str

    @cached_property
    def slots(self) -> frozenset[str]:
        """Names of the slots."""
        return frozenset(slots_of(self.text))

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        free = [s for s in slots_of(self.text) if _pattern(s, greedy=False).startswith(".")]
        kinds = (False, True) if len(free) > 1 else (False,)  # with one free slot there is one reading
        return tuple(re.compile(self._regex(greedy=greedy), re.DOTALL) for greedy in kinds)

    def _regex(self, *, greedy: bool) -> str:
        pieces, seen = [], set()
        for number, piece in enumerate(re.split(r"{(\w+)}", self.text)):
            if number % 2 == 0:
                pieces.append(re.escape(piece))
            elif piece in seen:
                pieces.append(f"(?P={piece})")
            else:
                seen.add(piece)
                pieces.append(f"(?P<{piece}>{_pattern(piece, greedy=greedy)})")
        return "".join(pieces)

    def read(self, text: str) -> list[Slots]:
        """All readings of a finished text: none when it was not made from this template."""
        first = self.text[:1]
        if first != "{" and text[:1] == first.upper():
            text = first + text[1:]
        found: list[Slots] = []
        for pattern in self._patterns:
            match = pattern.fullmatch(text)
            if match and match.groupdict() not in found:
                found.append(match.groupdict())
        if len(found) > 1:  # what stands between two slots stands in one of them too
            found = list(_readings(re.split(r"{(\w+)}", self.text), text, {}))
        if first == "{" and found:  # the sentence's capital may be the word's own
            name = slots_of(self.text)[0]
            found += [{**slots, name: slots[name][:1].lower() + slots[name][1:]} for slots in found]
        return found


def _readings(pieces: Sequence[str], text: str, said: Slots) -> Iterator[Slots]:
    """Every way to cut a text into the pieces of a template: literals, and slots between them."""
    literal, *rest = pieces
    if not text.startswith(literal):
        return
    if not rest:
        if text == literal:
            yield said
        return
    slot, after = rest[0], rest[1]
    tail = text[len(literal) :]
    limited = re.compile(_pattern(slot, greedy=True), re.DOTALL)
    ends = (
        [len(tail)]
        if not after and len(rest) == 2
        else [m.start() for m in re.finditer(f"(?={re.escape(after)})", tail)]
    )
    for end in ends:
        value = tail[:end]
        if said.get(slot, value) == value and limited.fullmatch(value):
            yield from _readings(rest[1:], tail[end:], {**said, slot: value})


class Reader:
    """Reads the questions of all templates."""

    def __init__(self, templates: Mapping[str, Sequence[Template]]) -> None:
        every = [t for entries in templates.values() for t in entries]
        self._forms = {t.id: (Form(t.open), Form(t.choice) if t.choice else None) for t in every}

    def read(self, template: str, *, question: str, choice: str | None) -> Iterator[Slots]:
        """Yield readings on which both forms of a QA agree; none when a text does not come from the template."""
        forms = self._forms.get(template)
        if forms is None or (forms[1] is None) != (choice is None):
            return
        opened, chosen = forms
        for slots in opened.read(question):
            if chosen is None or choice is None:
                yield slots
                continue
            for other in chosen.read(choice):
                if all(slots.get(name, value) == value for name, value in other.items()):
                    yield {**other, **slots}

    def texts(self, template: str) -> list[str]:
        """The texts of a template."""
        return [form.text for form in self._forms[template] if form is not None]
