"""Questions are read back by their templates; English is read back to numbers, lists and names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision_dagster.generators.audit.english import candidates_of, contains_phrase, items_of, number
from provision_dagster.generators.audit.frame import shipped
from provision_dagster.generators.audit.grammar import template_faults, text_faults
from provision_dagster.generators.audit.reading import AGREEING, Form, Reader
from provision_dagster.generators.audit.registry import all_checkers
from provision_dagster.generators.templates import slots_of

EVERY = [t for entries in shipped().values() for t in entries]
WORD = st.text("abcdefgh", min_size=1, max_size=8)
VALUES = {
    "box": st.just("[0.12, 0.34, 0.56, 0.78]"),
    "subject_box": st.just("[0.00, 0.34, 0.56, 1.00]"),
    "object_box": st.just("[0.11, 0.22, 0.33, 0.44]"),
    **{name: st.sampled_from(forms) for name, forms in AGREEING.items()},
}


@given(st.sampled_from(EVERY), st.data())
def test_every_template_is_read_back(template: object, data: st.DataObject) -> None:
    reader = Reader(shipped())
    texts = [t for t in (template.open, template.choice) if t]  # type: ignore[attr-defined]
    names = {slot for text in texts for slot in slots_of(text)}
    slots = {name: data.draw(VALUES.get(name, WORD), label=name) for name in sorted(names)}
    filled = [text.format(**slots) for text in texts]
    filled = [text[:1].upper() + text[1:] for text in filled]
    choice = filled[1] if len(filled) > 1 else None
    assert slots in list(reader.read(template.id, question=filled[0], choice=choice))  # type: ignore[attr-defined]


def test_a_text_of_another_template_is_not_read() -> None:
    reader = Reader(shipped())
    assert not list(reader.read("ExistsObject/0", question="How many cars can you see?", choice=None))
    assert not list(reader.read("ExistsObject/0", question="How many cars are there in the image", choice=None))
    assert not list(reader.read("ExistsObject/999", question="How many cars are there in the image?", choice=None))
    asked = "Which of these appears most often in the image: the a or the b?"
    assert not list(reader.read("MostObject/0", question=asked, choice=None))


def test_both_readings_of_a_text_with_two_free_slots() -> None:
    form = Form("How is the {subject_label} related to the {object_label}?")
    text = "How is the man related to the dog related to the cup?"
    assert form.read(text) == [
        {"subject_label": "man", "object_label": "dog related to the cup"},
        {"subject_label": "man related to the dog", "object_label": "cup"},
    ]


def test_every_template_belongs_to_a_checker() -> None:
    missing = set(shipped()) - set(all_checkers())
    assert not missing


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("12", 12),
        ("twelve", 12),
        ("Twenty-one", 21),
        ("one hundred and five", 105),
        ("many", None),
        ("-1", None),
    ],
)
def test_numbers(text: str, value: int | None) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    ("text", "known", "items"),
    [
        ("a", {"a"}, ["a"]),
        ("a and b", {"a", "b"}, ["a", "b"]),
        ("a, b and c", {"a", "b", "c"}, ["a", "b", "c"]),
        ("a and b", {"a and b"}, ["a and b"]),
        ("a, in and out and c", {"a", "in and out", "c"}, ["a", "in and out", "c"]),
    ],
)
def test_lists(text: str, known: set[str], items: list[str]) -> None:
    assert items_of(text, known=known) == items


def test_choices() -> None:
    assert candidates_of("the car, the dog or the trees") == ["car", "dog", "trees"]
    assert candidates_of("the a or b thing or the c") == ["a or b thing", "c"]
    assert candidates_of("(0.10, 0.20) or (0.40, 0.50)") == ["(0.10, 0.20)", "(0.40, 0.50)"]


def test_phrases_are_found_as_whole_words() -> None:
    assert contains_phrase("the red car, here", "red")
    assert contains_phrase("the red car, here", "car")
    assert not contains_phrase("the bored card", "red")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("How many cars can you see?", None),
        ("How many cars can you see", "no_end_mark"),
        ("how many cars can you see?", "no_capital"),
        ("How many  cars can you see?", "spacing"),
        ("How many cars can you see ?", "spacing"),
        ("How many {plural} can you see?", "spacing"),
        ("How many cars cars can you see?", "doubled_word"),
        ("Which of these is has the wheel?", "two_verbs"),
        ("Which one is wears the hat?", "two_verbs"),
        ("Which image shows a umbrella?", "article"),
        ("Which image shows an car?", "article"),
        ("Which image shows an hour hand?", None),
        ("Which image shows a unicycle?", None),
        ("What is in the box [0.00, 0.00, 1.00, 1.00]?", None),
        ("Is the trash can can?", None),
    ],
)
def test_faults_of_english(text: str, fault: str | None) -> None:
    assert text_faults(text) == ([fault] if fault else [])


def test_shipped_templates_end_as_they_must() -> None:
    assert not [t.id for t in EVERY for text in (t.open, t.choice) if text and template_faults(text)]
    assert template_faults("Which car is red.") == ("question_with_full_stop",)
    assert template_faults("Name the red car?") == ("instruction_with_question_mark",)
