"""Templates: shipped phrasings are sound (T3, T7), files are checked, `fill` chooses by the hash alone."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache, reduce
from itertools import combinations
from pathlib import Path

import inflect
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision_dagster.errors import InputError
from provision_dagster.generators.hashing import mix
from provision_dagster.generators.templates import (
    SHIPPED,
    Template,
    check_slots,
    fill,
    load_templates,
    shipped_templates,
    slots_of,
)

ENGLISH = inflect.engine()

ASKED: Mapping[str, tuple[str, ...]] = {
    "ExistsObject": ("plural",),
    **dict.fromkeys(("MostObject", "LeastObject"), ("candidates",)),
    **dict.fromkeys(("LeftMostObject", "RightMostObject", "TopMostObject", "BottomMostObject"), ("candidates",)),
    "ExistsAttribute": ("attributed_plural",),
    "AttributeBBox": ("label box",),
    "TypedAttributeBBox": ("label box noun",),
    "ExistsRelation": ("subject_label object_label",),
    "RelationBBox": ("subject_box object_box",),
    "HeadRelation": ("verb object_label candidates",),
    **dict.fromkeys(("SameObjectSeg", "DiffObjectSeg"), ("anchor candidates",)),
    **dict.fromkeys(("CloserPoint", "FartherPoint", "CloserObject", "FartherObject"), ("candidates",)),
    **dict.fromkeys(("CloserToAnchorObject", "FartherToAnchorObject"), ("anchor candidates",)),
    "SceneGraphObjectQA": ("description",),
    "SceneGraphAttributeQA": ("noun description",),
    "SceneGraphRelationQA": ("subject_description object_description",),
    "SceneGraphCaption": ("",),
    "CountObject": ("plural",),
    "CountAttributeObject": ("attributed_plural",),
    "CommonObject": ("",),
    "CommonAttribute": ("label",),
    **dict.fromkeys(("HasObject", "HasAttributedObject"), ("thing",)),
    **dict.fromkeys(("HasNotObject", "HasNotAttributedObject"), ("thing", "bare")),
    "HasRelation": ("clause",),
    "HasNotRelation": ("clause", "negative_clause"),
    **dict.fromkeys(("HasMost", "HasLeast"), ("plural",)),
    "CompareAttribute": ("label noun",),
    "CompareRelation": ("subject_label object_label",),
}
"""The slots that make a question answerable: every text names one of these sets; {images}, {be}, {do} may come too."""

MULTI = list(ASKED)[list(ASKED).index("CountObject") :]
SELECT = [name for name in MULTI if name.startswith("Has")]
POINTS = ("SameObjectSeg", "DiffObjectSeg", "CloserPoint", "FartherPoint")
FEW = ("SceneGraphObjectQA", "SceneGraphAttributeQA", "SceneGraphRelationQA", "SceneGraphCaption")
OPPOSITES = [
    ("MostObject", "LeastObject"),
    ("LeftMostObject", "RightMostObject"),
    ("TopMostObject", "BottomMostObject"),
    ("SameObjectSeg", "DiffObjectSeg"),
    ("CloserPoint", "FartherPoint"),
    ("CloserObject", "FartherObject"),
    ("CloserToAnchorObject", "FartherToAnchorObject"),
    ("HasObject", "HasNotObject"),
    ("HasAttributedObject", "HasNotAttributedObject"),
    ("HasRelation", "HasNotRelation"),
    ("HasMost", "HasLeast"),
]

NAMES = [
    ("car", False),
    ("umbrella", False),
    ("hour hand", False),
    ("T-shirt", False),
    ("grass", False),
    ("shoes", True),
    ("glasses", True),
    ("people", True),
]
CHOICES = [
    "the car, the dog or the trees",
    "the glasses or the umbrella",
    "the ice, the people, the T-shirts or the old man",
]
PHRASES = [
    "red wooden chairs",
    "dogs that are sitting",
    "open umbrellas",
    "walls that are made of brick",
    "people",
]
VERBS = ["is on", "is wearing", "has", "is sitting on", "is next to", "covers"]
NOUNS = ["color", "material", "size", "shape", "posture", "age"]
DESCRIPTIONS = [
    "small red object",
    "old wooden object that is on the white table",
    "object that the tall man is wearing",
    "open object that has a red handle",
    "object that an old woman is sitting on",
]
THINGS = [
    ("a dog", "dog"),
    ("an umbrella", "umbrella"),
    ("an hour hand", "hour hand"),
    ("shoes", "shoes"),
    ("people", "people"),
    ("water", "water"),
    ("a red car", "red car"),
    ("an open umbrella", "open umbrella"),
    ("wooden chairs", "wooden chairs"),
    ("a dog that is sitting", "dog that is sitting"),
    ("people who are standing", "people who are standing"),
]
CLAUSES = [
    ("a man is riding a horse", "the man is not riding the horse"),
    ("the cup is on the table", "the cup is not on the table"),
    ("the shoes are next to an open box", "the shoes are not next to the box"),
    ("an umbrella covers the people", "the umbrella does not cover the people"),
    ("the car has wheels", "the car does not have wheels"),
]
IMAGES = ["Image 1 and Image 2", "Image 1, Image 2 and Image 3", "Image 1, Image 2, Image 3 and Image 4"]

SAMPLES = [
    pl.DataFrame(
        {
            "label": [name for name, _ in NAMES],
            "subject_label": [name for name, _ in NAMES],
            "anchor": [name for name, _ in NAMES],
            "be": ["are" if plural else "is" for _, plural in NAMES],
            "do": ["do" if plural else "does" for _, plural in NAMES],
        }
    ),
    pl.DataFrame({"object_label": ["table", "orange", "skis", "water"]}),
    pl.DataFrame({"box": ["[0.12, 0.34, 0.56, 0.78]"], "subject_box": ["[0.00, 0.05, 0.40, 1.00]"]}),
    pl.DataFrame({"object_box": ["[0.50, 0.55, 0.60, 0.65]"]}),
    pl.DataFrame({"plural": ["cars", "people", "umbrellas", "pairs of shoes"]}),
    pl.DataFrame({"attributed_plural": PHRASES}),
    pl.DataFrame({"verb": VERBS}),
    pl.DataFrame({"noun": NOUNS}),
    pl.DataFrame({"candidates": CHOICES}),
    pl.DataFrame({"description": DESCRIPTIONS, "subject_description": DESCRIPTIONS}),
    pl.DataFrame({"object_description": [*DESCRIPTIONS[1:], "large object"]}),
    pl.DataFrame(THINGS, schema=["thing", "bare"], orient="row"),
    pl.DataFrame(CLAUSES, schema=["clause", "negative_clause"], orient="row"),
    pl.DataFrame({"images": IMAGES}),
]
POINT_SAMPLES = [
    pl.DataFrame({"anchor": ["(0.31, 0.52)", "(0.00, 1.00)"]}),
    pl.DataFrame({"candidates": ["(0.10, 0.20) or (0.40, 0.50)", "(0.99, 0.05) or (0.00, 0.61)"]}),
]

GENERATORS = pytest.mark.parametrize("name", list(shipped_templates()))
COUNTS = ("ExistsObject", "ExistsAttribute", "CountObject", "CountAttributeObject")
ONE_TEXT = (*COUNTS, *SELECT, "SceneGraphCaption")
RELATIONS = ("ExistsRelation", "RelationBBox", "SceneGraphRelationQA", "CompareRelation")
CHOOSING = [t for templates in shipped_templates().values() for t in templates if "candidates" in slots_of(t.open)]


def texts(template: Template) -> list[str]:
    return [text for text in (template.open, template.choice) if text is not None]


@cache
def sample_rows(slots: frozenset[str], *, points: bool = False) -> pl.DataFrame:
    """Every combination of sample values for some slots, with hashes."""
    frames = [frame for frame in (POINT_SAMPLES if points else SAMPLES) if slots & set(frame.columns)]
    start = pl.DataFrame({"copy": range(1 if frames else 100)})
    rows = reduce(lambda left, right: left.join(right, how="cross"), frames, start)
    assert slots <= set(rows.columns), f"no sample values for slots {slots - set(rows.columns)}"
    return rows.with_columns(h=pl.Series(mix(np.arange(rows.height, dtype=np.uint64), 1)))


def rendered(template: Template) -> Iterator[tuple[dict[str, str], str]]:
    """Each row of sample values and each text that the template becomes with it."""
    slots = frozenset(slot for text in texts(template) for slot in slots_of(text))
    for row in sample_rows(slots, points=template.id.startswith(POINTS)).iter_rows(named=True):
        yield from ((row, text.format_map(row)) for text in texts(template))


def faults(text: str) -> list[str]:
    """What is wrong with a sentence, whatever it is about."""
    found = {
        "a slot is left": re.search(r"[{}]", text),
        "must end in ? or .": not re.search(r"[^\s,.:;?!][?.]$", text.replace('"', "")),
        "must begin with a capital": not text[:1].isupper(),
        "a word is doubled": re.search(r"\b([a-z-]+(?: [a-z-]+)?) \1\b", text, re.IGNORECASE),
        "odd space": re.search(r"\s{2,}|^\s|\s$|[^\S ]|\s[,.:;?!)]|\(\s", text),
        "odd punctuation": re.search(r"[,.:;?!]{2,}", text)
        or text.count("(") != text.count(")")
        or text.count('"') % 2,
        "missing space": re.search(r"[,:;][A-Za-z]|[.?][A-Z]", text),
        "not neutral": re.search(r"\b(colou?rs?|centre|center|gr[ae]y|photo\w*|wh?ilst)\b", re.sub("color", "", text)),
    }
    articles = [a for a, word in re.findall(r"\b([Aa]n?) ([\w-]+)", text) if ENGLISH.a(word).split()[0] != a.lower()]
    return [fault for fault, there in found.items() if there] + [f"article {a}" for a in articles]


def disagreements(text: str, *, label: str, plural: bool) -> list[str]:
    """Verbs beside a name that do not agree with it; a place in a box may stand between."""
    wrong = "is|was|does|has|looks|appears|shows" if plural else "are|were|do"
    name, place = rf"the {re.escape(label)}\b", r"(?: (?:\w+ ){1,5}\[[^]]*\])?"
    return re.findall(rf"\b(?:{wrong}) {name}|\b{name}{place}(?: that)? (?:{wrong})\b", text, re.IGNORECASE)


def folded(text: str) -> list[str]:
    """Words of a text with the names of a picture made one and punctuation dropped."""
    words = re.findall(r"\{\w+\}|\w+", text.lower())
    return ["image" if w in ("picture", "scene", "frame") else w for w in words if w not in ("the", "this", "please")]


@pytest.mark.parametrize(
    "text",
    [
        "How many {plural} are there?",
        "How many cars are there",
        "how many cars are there?",
        "How many cars cars are there?",
        "How many cars can you can you see?",
        "How many cars  are there?",
        "How many cars are there ?",
        "How many cars,are there?",
        "How many cars are there??",
        "How many cars (are there?",
        "Name an car.",
        "Name a umbrella.",
        "Name a hour.",
        "Name the colour.",
        "Look at the photo.",
        "How many\ncars are there?",
    ],
)
def test_checker_sees_faults(text: str) -> None:
    assert faults(text)


@pytest.mark.parametrize(
    "text",
    [
        "Name an umbrella.",
        "What color is a car, an hour hand or [0.10, 0.20]?",
        'Which answer to "What is on it?" is right?',
    ],
)
def test_checker_passes_sound_text(text: str) -> None:
    assert not faults(text)


@pytest.mark.parametrize(
    ("text", "label", "plural"),
    [
        ("What is the shoes like?", "shoes", True),
        ("What are the car like?", "car", False),
        ("How do the car look?", "car", False),
        ("What does the shoes in [0.1, 0.2] have?", "shoes", True),
        ("The shoes marked by [0.1, 0.2] is of what color?", "shoes", True),
        ("Name the car that are found there.", "car", False),
        ("Say what the shoes in the box [0.1, 0.2] is like.", "shoes", True),
    ],
)
def test_checker_sees_disagreement(text: str, label: str, plural: bool) -> None:
    assert disagreements(text, label=label, plural=plural)
    assert not disagreements(text, label=label, plural=not plural)


@GENERATORS
def test_rendered_text_is_sound(name: str) -> None:
    """Every template with every combination of sample values."""
    made = [text for template in shipped_templates()[name] for _, text in rendered(template)]
    assert [(text, found) for text in made if (found := faults(text))] == []


@GENERATORS
def test_verbs_agree(name: str) -> None:
    plural = {**dict(NAMES), "table": False, "orange": False, "water": False, "skis": True}
    slots = {"label", "subject_label"} | (set() if name == "HeadRelation" else {"object_label"})
    slots |= set() if name in POINTS else {"anchor"}
    made = [m for template in shipped_templates()[name] for m in rendered(template)]
    for row, text in made:
        for label in {row[slot] for slot in slots & row.keys()}:
            assert disagreements(text, label=label, plural=plural[label]) == [], text


@GENERATORS
def test_enough_and_different(name: str) -> None:
    """No two phrasings of a generator have nearly the same words."""
    templates = shipped_templates()[name]
    assert len(templates) >= (8 if name in FEW else 20)
    for a, b in combinations(templates, 2):
        one, two = Counter(folded(a.open)), Counter(folded(b.open))
        assert (one & two).total() / (one | two).total() < 0.85, (a.open, b.open)
    choices = [tuple(folded(t.choice)) for t in templates if t.choice]
    assert len(set(choices)) == len(choices)


@GENERATORS
def test_structures_vary(name: str) -> None:
    """Questions and instructions, and no opening that most of them share."""
    opens = [t.open for t in shipped_templates()[name]]
    instructions = sum(text.endswith(".") for text in opens)
    assert len(opens) * 0.2 <= instructions <= len(opens) * 0.6
    openings = Counter(" ".join(text.split()[:2]) for text in opens)
    assert openings.most_common(1)[0][1] <= len(opens) * 0.3


@GENERATORS
def test_forms_say_the_same(name: str) -> None:
    """Both forms use the same slots, but for candidates and verbs; some are asked alike in both."""
    aside = {"be", "do", "images", "candidates"}
    for template in shipped_templates()[name]:
        assert (template.choice is None) == (name in ONE_TEXT)
        first, *other = (set(slots_of(text)) - aside for text in texts(template))
        assert all(slots == first for slots in other), template


@pytest.mark.parametrize("text", [t.open for name in COUNTS for t in shipped_templates()[name]])
def test_counts_hint_at_nothing(text: str) -> None:
    """T3: a count is asked for in the plural, without a word that suggests one, none or several."""
    asked = text.lower()
    assert re.search(r"\{(attributed_)?plural\}", asked)
    assert re.search(r"how many|number|count\b|quantity", asked)
    assert not re.search(r"\b(any|one|no|none|single|several|some|few|multiple|both|each|more)\b|\d", asked)
    assert not re.search(r"plural\} (is|was)\b|\b(is|was|has|does|an?) \{", asked)


@pytest.mark.parametrize("template", CHOOSING, ids=lambda t: t.id)
def test_candidates_take_no_verb(template: Template) -> None:
    """Candidates close the open form; the stem of the other form speaks of the options that follow it."""
    close = r"(?:[:,]|\b(?:is it|would that be|would you answer)) \{candidates\}\?$|: \{candidates\}\.$"
    assert re.search(close, template.open, re.IGNORECASE)
    assert "}, {candidates}" not in template.open, "reads as one list"
    assert template.choice is not None
    assert "{candidates}" not in template.choice
    assert re.search(r"\b(these|following|options?|choices?|answers?|listed|below)\b", template.choice)


@pytest.mark.parametrize("text", [text for t in shipped_templates()["HeadRelation"] for text in texts(t)])
def test_verb_has_a_singular_subject(text: str) -> None:
    clause = re.split(r"[.?:] ", text.split("{verb}")[0])[-1]
    assert re.search(r"\b(which|what|whichever|one|option|choice|it|someone)\b", clause, re.IGNORECASE)


@pytest.mark.parametrize("text", [text for name in RELATIONS for t in shipped_templates()[name] for text in texts(t)])
def test_relations_run_from_subject_to_object(text: str) -> None:
    """The direction shows: the object is what "to" leads to, or both are named by their part."""
    leads_to = re.search(r"\b(to|toward) (?:[\w ]+ )?\{object_|\bformer\b.* to the latter\b|\bX\b.*(to|___) Y\b", text)
    by_part = re.search(r"\bsubject\b.*\bobject\b", text)
    in_turn = re.search(r"\bfirst\b.* to .*\bsecond\b", text)
    assert leads_to or by_part or in_turn
    assert text.index("{subject_") < text.index("{object_")
    assert "between" not in text.lower()


@pytest.mark.parametrize("name", [*RELATIONS[:3], "AttributeBBox", "TypedAttributeBBox", *FEW[:2]])
def test_open_forms_promise_no_completeness(name: str) -> None:
    """Annotations name some attributes and relations, so no text asks for all of them (T5)."""
    asked = [text for template in shipped_templates()[name] for text in texts(template)]
    assert [t for t in asked if re.search(r"\b(all|every|each|complete|full)\b", t, re.IGNORECASE)] == []


def test_every_generator_has_templates() -> None:
    """38 generators and the caption; those that are registered fill every slot that their templates name."""
    from provision_dagster.generators.registry import all_generators

    assert len(ASKED) == 39
    assert set(shipped_templates()) == set(ASKED)
    for name, generator in all_generators().items():
        check_slots(shipped_templates()[name], allowed=generator.slots)


@GENERATORS
def test_texts_name_what_is_asked(name: str) -> None:
    """Every open text names the slots that make it answerable, and no others."""
    allowed = [set(slots.split()) for slots in ASKED[name]]
    for template in shipped_templates()[name]:
        assert set(slots_of(template.open)) - {"be", "do", "images"} in allowed, template


@pytest.mark.parametrize(("one", "other"), OPPOSITES)
def test_opposites_share_no_text(one: str, other: str) -> None:
    asked = [{text for t in shipped_templates()[name] for text in texts(t)} for name in (one, other)]
    assert not asked[0] & asked[1]


@pytest.mark.parametrize("name", MULTI)
def test_images_stay_untold(name: str) -> None:
    """T3, T8: no text says how many images there are or points at one of them; "Image 1" comes from the slot alone."""
    places = r"\b(first|second|third|fourth|last|middle|previous|next) (image|picture|one)\b"
    sizes = r"\d|\b(two|three|four|both|either|neither|pair|between|couple)\b"
    asked = [text for t in shipped_templates()[name] for text in texts(t)]
    assert [t for t in asked if re.search(f"{places}|{sizes}", t, re.IGNORECASE)] == []


@pytest.mark.parametrize("name", MULTI)
def test_slots_of_several_images_take_no_singular_verb(name: str) -> None:
    """{images} is plural; things may be either, so that no verb may agree with them."""
    finite = "is|are|was|were|do|does|has|have|shows?|contains?|appears?|looks?|agrees?"
    wrong = (
        r"(?<!each of )\{images\} (is|was|does|has|shows|contains|appears|agrees|adds)\b",
        r"\b(is|was|does|has) \{images\}",
        rf"\{{(thing|bare|label|subject_label|object_label)\}}(?: that)? ({finite})\b",
        r"\b(is|are|was|were|do|does)( there)? (the )?\{(thing|bare|label|subject_label|object_label)\}",
        r"\{(attributed_)?plural\} (is|was|does|has|appears)\b",
    )
    asked = [text for t in shipped_templates()[name] for text in texts(t)]
    assert [t for t in asked if any(re.search(w, t) for w in wrong)] == []


@pytest.mark.parametrize("name", [name for name in SELECT if "Has" in name and name not in ("HasMost", "HasLeast")])
def test_absence_is_said(name: str) -> None:
    """A question for the image without something denies, and its opposite does not."""
    denial = (
        r"\b(no|not|cannot|without|lacks|avoid|in vain|exception|false|wrong|fail|left over|remains|leave out"
        r"|contradicts|disproves|disagrees|counterexample)\b|\{negative_clause\}"
    )
    for template in shipped_templates()[name]:
        plain = re.sub(r"^Not (every image|all the images)", "", template.open)
        assert bool(re.search(denial, plain, re.IGNORECASE)) == ("HasNot" in name), template


@pytest.mark.parametrize(
    ("name", "slot"),
    [(n, "description") for n in FEW[:2]]
    + [("SceneGraphRelationQA", "object_description")]
    + [(n, slot) for n in ("HasAttributedObject", "HasNotAttributedObject") for slot in ("thing", "bare")]
    + [(n, slot) for n in ("HasRelation", "HasNotRelation") for slot in ("clause", "negative_clause")],
)
def test_long_phrases_end_their_clause(name: str, slot: str) -> None:
    """What follows a relative clause would be read as part of it."""
    asked = [text for t in shipped_templates()[name] for text in texts(t)]
    assert [t for t in asked if re.search(rf"\{{{slot}\}}(?![,.:;?\"])", t)] == []


@pytest.mark.parametrize("name", ["CloserToAnchorObject", "FartherToAnchorObject"])
def test_anchors_are_compared_in_depth(name: str) -> None:
    asked = [text for t in shipped_templates()[name] for text in texts(t)]
    assert [t for t in asked if not re.search(r"\bdepths?\b|\b(from|to|toward) the (camera|viewer)\b", t)] == []


@pytest.mark.parametrize("name", POINTS)
def test_some_texts_explain_points(name: str) -> None:
    """At least three phrasings say from where and in what unit coordinates are measured, alike in both forms."""
    explained = r"(fractions?|ratios?|shares?) .*\btop left\b|from 0 to 1, .*left to right\b.*top to bottom\b"
    found = [t for t in shipped_templates()[name] if re.search(explained, t.open)]
    assert len(found) >= 3
    assert all(t.choice and re.search(explained, t.choice) for t in found)


@pytest.mark.parametrize(
    ("checked", "wrong"),
    [
        (test_images_stay_untold, "Which of the two images shows {thing}?"),
        (test_images_stay_untold, "Is it the first image or not?"),
        (test_slots_of_several_images_take_no_singular_verb, "In which image is there {thing}?"),
        (test_slots_of_several_images_take_no_singular_verb, "What does {images} show?"),
        (test_slots_of_several_images_take_no_singular_verb, "In which image do the {label} look red?"),
        (test_long_phrases_end_their_clause, "Which image has {thing} in it?"),
        (test_texts_name_what_is_asked, "Which image is it?"),
        (test_absence_is_said, "Which image shows no {bare}?"),
    ],
)
def test_checks_see_faults(checked: Callable[..., None], wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks above fail on a text that breaks their rule."""
    name = "HasAttributedObject"
    monkeypatch.setattr(f"{__name__}.shipped_templates", lambda: {name: [Template("X/0", wrong, None)]})
    slot = {"slot": "thing"} if checked is test_long_phrases_end_their_clause else {}
    with pytest.raises(AssertionError):
        checked(name, **slot)


def test_ids_are_places() -> None:
    for name, templates in shipped_templates().items():
        assert [t.id for t in templates] == [f"{name}/{i}" for i in range(len(templates))]


def test_extra_file_is_joined(tmp_path: Path) -> None:
    """A user's phrasings come after the shipped ones, whose ids stay."""
    extra = tmp_path / "mine.yaml"
    extra.write_text("ExistsObject: ['How many {plural}?', 'Count {plural}.']\nMine: ['What?']\n", encoding="utf-8")
    shipped = shipped_templates()
    joined = load_templates([*sorted(SHIPPED.glob("*.yaml")), extra])
    size = len(shipped["ExistsObject"])
    assert list(joined["ExistsObject"][:size]) == list(shipped["ExistsObject"])
    assert [t.open for t in joined["ExistsObject"][size:]] == ["How many {plural}?", "Count {plural}."]
    assert [t.id for t in joined["ExistsObject"][size:]] == [
        f"ExistsObject/{size}",
        f"ExistsObject/{size + 1}",
    ]
    assert [(t.id, t.open) for t in joined["Mine"]] == [("Mine/0", "What?")]
    assert joined["MostObject"] == shipped["MostObject"]


def test_ids_are_unique_over_files(tmp_path: Path) -> None:
    files = [tmp_path / f"{i}.yaml" for i in range(3)]
    for i, file in enumerate(files):
        file.write_text("X: ['A?', 'B?', 'C?', 'D?']\n"[: 20 - 6 * i].rstrip(", ") + "]\n", encoding="utf-8")
    ids = [t.id for t in load_templates(files)["X"]]
    assert ids == [f"X/{i}" for i in range(len(ids))]


MALFORMED: Mapping[str, tuple[bytes, str]] = {
    "no YAML": (b"X: ['How many?'", "not a readable template file"),
    "not UTF-8": (b"X: ['How m\xff\xfeany?']", "not a readable template file"),
    "a list at the top": (b"- How many?\n", "must map generator names to lists of templates, got list"),
    "empty": (b"", "must map generator names to lists of templates, got NoneType"),
    "a text instead of a list": (b"X: How many?\n", "`X` must be a list of templates, got str"),
    "a generator without a list": (b"X:\n", "`X` must be a list of templates, got NoneType"),
    "a number": (b"X: ['How many?', 7]\n", "`X` template 1: must be a text or a mapping"),
    "no choice": (b"X: [{open: 'Which?'}]\n", "`X` template 0: must be a text or a mapping"),
    "an unknown key": (
        b"X: [{open: 'A?', choice: 'B?', hint: 'C?'}]\n",
        "`X` template 0: must be a text or a mapping",
    ),
    "a choice that is no text": (
        b"X: [{open: 'A?', choice: 3}]\n",
        "`X` template 0: must be a text or a mapping",
    ),
    "no end": (
        b"X: ['A?', 'B?', 'Count the {plural}']\n",
        "`X` template 2: must be one line that ends in '?' (question) or '.'",
    ),
    "no end of the choice": (
        b"X: [{open: 'A?', choice: 'Which'}]\n",
        "`X` template 0: must be one line that ends in '?' (question) or '.'",
    ),
    "an empty text": (b"X: ['']\n", "`X` template 0: must be one line that ends in '?' (question) or '.'"),
    "an open brace": (b"X: ['How many {plural are there?']\n", "`X` template 0"),
    "a closing brace": (b"X: [{open: 'A?', choice: 'How many plural} are there?'}]\n", "`X` template 0"),
    "a slot without a name": (b"X: ['How many {} are there?']\n", "`X` template 0"),
    "a slot with a format": (b"X: ['How many {plural:>9} are there?']\n", "`X` template 0"),
    "a generator twice": (b"X: ['A?']\nX: ['B?']\n", "not a readable template file"),
    "two lines": (b'X: ["How many\\ncars?"]\n', "`X` template 0"),
    "no templates": (b"X: []\n", "`X` must be a list of templates"),
}


@pytest.mark.parametrize(("content", "message"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        load_templates([file])
    assert str(caught.value).startswith(f"{file}: ")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.yaml: not a readable template file"):
        load_templates([tmp_path / "missing.yaml"])


def test_unknown_slot_lists_the_allowed_ones() -> None:
    templates = [
        Template("X/0", "How many {plural}?", None),
        Template("X/1", "Which {noun}?", "Which {colour} {size}?"),
    ]
    with pytest.raises(InputError) as caught:
        check_slots(templates, allowed=("plural", "noun"))
    assert str(caught.value) == "template X/1: unknown slot `colour`, `size`; allowed: plural, noun"


HASHES = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=60)


def chosen(hashes: list[int], *, size: int, word: str = "x") -> list[str]:
    """Ids of the templates that `fill` chooses among `size`, in the order of the hashes."""
    templates = [Template(f"X/{i}", f"Is {{s}} {i}?", None) for i in range(size)]
    slots = {"s": pl.Series([word] * len(hashes))}
    return fill(slots, np.array(hashes, dtype=np.uint64), templates=templates).template.to_list()


@settings(deadline=None, max_examples=60)
@given(hashes=HASHES, size=st.integers(1, 30), data=st.data())
def test_choice_is_a_function_of_the_hash(hashes: list[int], size: int, data: st.DataObject) -> None:
    """The other rows, their order and the slots change nothing."""
    whole = chosen(hashes, size=size)
    order = data.draw(st.permutations(range(len(hashes))))
    some = order[: data.draw(st.integers(1, len(hashes)))]
    assert chosen([hashes[i] for i in some], size=size, word="other") == [whole[i] for i in some]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**64 - 1), size=st.integers(1, 30), consecutive=st.booleans())
def test_templates_are_used_evenly(seed: int, size: int, consecutive: bool) -> None:
    """Shares stay within six standard deviations, for hashed and for consecutive states."""
    each = 400
    states = np.arange(size * each, dtype=np.uint64) + np.uint64(seed % 2**40)
    hashes = states if consecutive else mix(states, seed)
    counts = Counter(chosen(hashes.tolist(), size=size))
    assert len(counts) == size
    assert max(abs(n - each) for n in counts.values()) <= 6 * each**0.5


@GENERATORS
def test_fill_agrees_with_str_format(name: str) -> None:
    """Each row gets the text of the template that it names, in both forms."""
    templates = {t.id: t for t in shipped_templates()[name]}
    slots = frozenset(slot for t in templates.values() for text in texts(t) for slot in slots_of(text))
    rows = sample_rows(slots, points=name in POINTS)
    filled = fill(rows.to_dict(), rows["h"].to_numpy(), templates=list(templates.values()))
    made = zip(filled.template, filled.question, filled.choice_question, strict=True)
    for row, (name, question, choice) in zip(rows.iter_rows(named=True), made, strict=True):
        template = templates[name]
        assert question == template.open.format_map(row)
        assert choice == (template.choice and template.choice.format_map(row))
