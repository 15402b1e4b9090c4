"""Judge every QA of a table against the scene graphs it was made from."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.generators.audit.blind import choices_of
from provision_dagster.generators.audit.grammar import template_faults, text_faults
from provision_dagster.generators.audit.picture import Picture
from provision_dagster.generators.audit.pixels import DepthFiles
from provision_dagster.generators.audit.reading import AGREEING, Reader, Slots
from provision_dagster.generators.audit.registry import all_checkers
from provision_dagster.generators.audit.report import AuditReport
from provision_dagster.generators.audit.verdict import Fault, Question, Verdict
from provision_dagster.generators.audit.words import Vocabulary, Words, vocabulary_of
from provision_dagster.generators.schema import RAW_QA
from provision_dagster.generators.templates import Template, load_templates
from provision_dagster.lexicon import Lexicon

SHIPPED = Path(__file__).parents[1] / "templates"

Templates = Mapping[str, Sequence[Template]]


def audit_frame(
    qa: pl.DataFrame, scene_graphs: pl.DataFrame, *, lexicon: Lexicon, templates: Templates | None = None
) -> AuditReport:
    """Judge QAs from the meaning of their text.

    Parameters
    ----------
    qa
        Schema `RAW_QA`.
    scene_graphs
        Schema `SCENE_GRAPHS`: at least the images that `qa` names.
    templates
        What the questions were made from; default: the templates that ship.

    Raises
    ------
    InputError
        If `qa` is no table of QAs.
    """
    qa = fitted(qa, source="`qa`")
    words = Words(lexicon, vocabulary_of(scene_graphs).joined(option_words(qa)))
    return audit_rows(qa, Pictures(scene_graphs, words), words=words, reader=Reader(templates or shipped()))


def fitted(qa: pl.DataFrame, *, source: str) -> pl.DataFrame:
    """Return a table of QAs with the columns and types of `RAW_QA`; Delta stores some in wider ones.

    Raises
    ------
    InputError
        If a column is missing or of a type that cannot hold it.
    """
    missing = [name for name in RAW_QA if name not in qa.columns]
    if missing:
        raise InputError(f"{source}: missing column `{missing[0]}`; required: {', '.join(RAW_QA)}")
    try:
        return qa.select(pl.col(name).cast(kind) for name, kind in RAW_QA.items())
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{source} is no table of QAs: {error}") from error


@cache
def shipped() -> Templates:
    """Templates that come with the package."""
    return load_templates(sorted(SHIPPED.glob("*.yaml")))


def option_words(qa: pl.DataFrame) -> Vocabulary:
    """Words that stand among the options, by what the generator's options are."""
    found: dict[str, set[str]] = {"label": set(), "attribute": set(), "predicate": set()}
    for (name,), part in qa.group_by("generator"):
        checker = all_checkers().get(str(name))
        if checker and checker.options in found:
            found[checker.options].update(part["options"].explode().drop_nulls().unique())
    return Vocabulary(*(frozenset(found[kind]) for kind in ("label", "attribute", "predicate")))


def audit_rows(
    qa: pl.DataFrame, pictures: "Pictures", *, words: Words, reader: Reader, depth_files: DepthFiles | None = None
) -> AuditReport:
    """Judge QAs whose words are looked up already; see `audit_frame`."""
    report = AuditReport()
    for row in qa.iter_rows(named=True):
        report.add(row, judge(row, pictures=pictures, words=words, reader=reader, depth_files=depth_files))
    report.choices = choices_of(qa, words=words)
    return report


class Pictures:
    """Scene graphs by image id, laid out when they are first asked for."""

    def __init__(self, scene_graphs: pl.DataFrame, words: Words) -> None:
        self._frame = scene_graphs
        self._words = words
        self._place = {image_id: n for n, image_id in enumerate(scene_graphs["image_id"])}
        self._made: dict[str, Picture] = {}

    def get(self, image_id: str) -> Picture | None:
        """Return the picture of that id, if there is one."""
        if image_id not in self._made and image_id in self._place:
            self._made[image_id] = Picture(self._frame.row(self._place[image_id], named=True), self._words)
        return self._made.get(image_id)


def judge(
    row: dict[str, Any], *, pictures: Pictures, words: Words, reader: Reader, depth_files: DepthFiles | None = None
) -> list[Fault]:
    """Name the faults of one QA; of several readings of its text the kindest counts."""
    if not row["question"] or not row["template"] or not row["image_ids"]:
        return [("wrong", "unreadable")]
    verdict = Verdict()
    shown = [pictures.get(name) for name in row["image_ids"]]
    checker = all_checkers().get(row["generator"])
    if checker is None:
        return [("wrong", "unknown_generator")]
    if None in shown:
        return [("wrong", "unknown_image")]
    if len(set(row["image_ids"])) < len(shown):
        return [("wrong", "image_repeated")]
    seen = [p for p in shown if p is not None]
    evidence = _evidence(row, seen, verdict)
    if not row["template"].startswith(row["generator"] + "/"):
        verdict.wrong("template_of_another_generator")
    best: list[Fault] | None = None
    for slots in reader.read(row["template"], question=row["question"], choice=row["choice_question"]):
        found = Verdict()
        checker.check(_question(row, slots, seen, words, evidence, depth_files), found)
        _agreement(slots, words, found)
        if best is None or _unkindness(found.faults) < _unkindness(best):
            best = found.faults
        if not best:
            break
    if best is None:
        return [*verdict.faults, ("wrong", "unreadable")]
    return [*verdict.faults, *best, *_language(row, reader)]


_UNREADABLE = frozenset(("description_unreadable", "clause_unreadable", "nothing_of_that_name"))


def _unkindness(faults: list[Fault]) -> tuple[bool, int]:
    """How badly a reading goes: one that makes no sense is worse than one with faults."""
    return any(reason in _UNREADABLE for _, reason in faults), len(faults)


def _question(
    row: dict[str, Any],
    slots: Slots,
    pictures: list[Picture],
    words: Words,
    evidence: list[frozenset[tuple[int, int]]],
    depth_files: DepthFiles | None,
) -> Question:
    return Question(
        generator=row["generator"],
        text=row["question"],
        slots=slots,
        answer=row["answer"] or "",
        options=row["options"] or [],
        answer_index=row["answer_index"],
        pictures=pictures,
        words=words,
        metadata=row["metadata"],
        evidence=evidence,
        strict=row["rules"] != "paper",
        depth_files=depth_files,
    )


def _evidence(row: dict[str, Any], pictures: list[Picture], v: Verdict) -> list[frozenset[tuple[int, int]]]:
    """Find the objects of the evidence by id and box: for each, (picture, place), in every picture that has it."""
    given = row["evidence"] or {"object_ids": [], "boxes": []}
    ids, boxes = given["object_ids"] or [], given["boxes"] or []
    if len(ids) != len(boxes):
        v.wrong("evidence_without_box")
    if not ids:
        v.wrong("no_evidence")
    found = []
    for name, box in zip(ids, boxes, strict=False):
        wanted = (box["x1"], box["y1"], box["x2"], box["y2"])
        places = [(n, p.place_of[name]) for n, p in enumerate(pictures) if name in p.place_of]
        fitting = frozenset((n, place) for n, place in places if pictures[n].boxes[place] == wanted)
        if not fitting:
            v.wrong("evidence_box_differs" if places else "evidence_unknown_object")
        else:
            found.append(fitting)
    return found


def _agreement(slots: Slots, words: Words, v: Verdict) -> None:
    """Demand that a verb in a slot agrees with the label that it belongs to (T7)."""
    noun = slots.get("subject_label") or slots.get("label")
    word = words.label.get(noun) if noun else None
    if word is None:
        return
    if any(slots[s] != forms[word.is_plural] for s, forms in AGREEING.items() if s in slots):
        v.ungrammatical("agreement")


def _language(row: dict[str, Any], reader: Reader) -> list[Fault]:
    found = text_faults(row["question"])
    if row["choice_question"] is not None:
        found += text_faults(row["choice_question"])
    for text in reader.texts(row["template"]):
        found += template_faults(text)
    if not row["answer"] or row["answer"] != row["answer"].strip():
        found.append("blank_answer")
    return [("ungrammatical", reason) for reason in set(found)]
