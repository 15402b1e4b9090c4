"""Ways to spoil a right QA. Each takes a row and gives a spoilt copy, or null where it does not apply."""

import random
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from provision_dagster.generators.audit.english import number
from provision_dagster.generators.audit.frame import shipped
from provision_dagster.generators.audit.reading import Reader

Row = dict[str, Any]
Mutation = Callable[[Row, random.Random, Mapping[str, Row]], Row | None]

READER = Reader(shipped())
TEMPLATES = {t.id: t for entries in shipped().values() for t in entries}


def false_options(row: Row) -> list[str]:
    return [o for n, o in enumerate(row["options"]) if n != row["answer_index"]]


def answer_swapped(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    """The open answer is one of the false options."""
    return {**row, "answer": rng.choice(false_options(row))} if row["options"] else None


def index_shifted(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    size = len(row["options"])
    return {**row, "answer_index": (row["answer_index"] + rng.randrange(1, size)) % size} if size else None


def both_swapped(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    """Answer and index agree on a false option."""
    shifted = index_shifted(row, rng, graphs)
    return {**shifted, "answer": shifted["options"][shifted["answer_index"]]} if shifted else None


def count_off_by_one(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    true = number(row["answer"])
    if true is None:
        return None
    wrong = true + rng.choice((-1, 1))
    return {
        **row,
        "answer": str(wrong),
        "options": [],
        "answer_index": None,
        "metadata": {**row["metadata"], "counts": [wrong]},
    }


def other_image(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    """The question is about another picture, which has not all that the answer rests on."""
    if len(row["image_ids"]) > 1:
        return None  # one of several may be exchanged for another that shows nothing of the kind
    proof = set(zip(row["evidence"]["object_ids"], map(str, row["evidence"]["boxes"]), strict=True))
    others = [n for n, graph in graphs.items() if not proof <= {(o["id"], str(o["box"])) for o in graph["objects"]}]
    return {**row, "image_ids": [rng.choice([n for n in others if n not in row["image_ids"]])]}


def images_turned(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    """The pictures are in another order than when the answer was found."""
    if "Image" not in row["answer"]:
        return None
    return {**row, "image_ids": [*row["image_ids"][1:], row["image_ids"][0]]}


def unknown_image(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    return {**row, "image_ids": ["0" * 31 + "z"]}


def label_replaced(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    """The question names another thing of the picture."""
    names = ("label", "subject_label", "object_label", "plural", "anchor")
    labels = sorted({o["label"] for i in row["image_ids"] for o in graphs[i]["objects"]})
    return _refilled(row, rng, names, lambda slot, old: rng.choice([x for x in labels if x != old] or [old + "s"]))


def box_moved(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    def moved(slot: str, old: str) -> str:
        sides = [float(s) for s in old.strip("[]").split(", ")]
        side = rng.randrange(4)
        sides[side] = sides[side] + 0.03 if sides[side] < 0.5 else sides[side] - 0.03
        return "[" + ", ".join(f"{s:.2f}" for s in sides) + "]"

    return _refilled(row, rng, ("box", "subject_box", "object_box"), moved)


def other_template(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    name = row["generator"]
    others = [t.id for t in shipped()[name] if t.id != row["template"]]
    return {**row, "template": rng.choice(others)}


def option_made_true(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    """A false option says what the true one says."""
    if not row["options"]:
        return None
    place = rng.choice([n for n in range(len(row["options"])) if n != row["answer_index"]])
    changed = list(row["options"])
    chosen = changed[row["answer_index"]]
    changed[place] = {"1": "one", "one": "1", "2": "two", "two": "2"}.get(chosen, chosen)
    return {**row, "options": changed}


def evidence_dropped(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    changed = deepcopy(row)
    changed["evidence"] = {"object_ids": [], "boxes": []}
    return changed


def evidence_moved(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    changed = deepcopy(row)
    if not changed["evidence"]["boxes"]:
        return None
    changed["evidence"]["boxes"][0]["x1"] += 1.0
    return changed


def metadata_replaced(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    changed = deepcopy(row)
    if not changed["metadata"]["objects"]:
        return None
    changed["metadata"]["objects"] = ["zorble"]
    return changed


def caption_changed(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    """A caption speaks of a thing that is not there, or says one more of what it lists."""
    if row["generator"] != "SceneGraphCaption":
        return None
    labels = {o["label"] for o in graphs[row["image_ids"][0]]["objects"]}
    said = rng.choice(sorted(x for x in labels if f" {x}" in row["answer"]))
    return {**row, "answer": row["answer"].replace(f" {said}", " unicorn", 1)}


def common_label_left_out(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    """The open answer lacks one of the things that all pictures show, and the row agrees with that."""
    labels = row["metadata"]["objects"]
    if row["generator"] != "CommonObject" or len(labels) < 2:
        return None
    chosen = row["options"][row["answer_index"]] if row["options"] else labels[0]
    gone = rng.choice([label for label in labels if label != chosen])
    rest = [label for label in labels if label != gone]
    proof = zip(row["evidence"]["object_ids"], row["evidence"]["boxes"], strict=True)
    bears = {(o["id"], str(o["box"])) for i in row["image_ids"] for o in graphs[i]["objects"] if o["label"] in rest}
    kept = [(name, box) for name, box in proof if (name, str(box)) in bears]
    return {
        **row,
        "answer": rest[0] if len(rest) == 1 else ", ".join(rest[:-1]) + " and " + rest[-1],
        "metadata": {**row["metadata"], "objects": rest},
        "evidence": {"object_ids": [name for name, _ in kept], "boxes": [box for _, box in kept]},
    }


def slot_left(row: Row, rng: random.Random, graphs: Mapping[str, Row]) -> Row | None:
    return {**row, "question": TEMPLATES[row["template"]].open} if "{" in TEMPLATES[row["template"]].open else None


def _refilled(row: Row, rng: random.Random, names: tuple[str, ...], change: Callable[[str, str], str]) -> Row | None:
    slots = next(READER.read(row["template"], question=row["question"], choice=row["choice_question"]))
    found = [name for name in names if name in slots and not slots[name].startswith("(")]
    if not found:
        return None
    name = rng.choice(found)
    slots = {**slots, name: change(name, slots[name])}
    template = TEMPLATES[row["template"]]
    texts = [text.format(**slots) if text else None for text in (template.open, template.choice)]
    question, choice = (text[:1].upper() + text[1:] if text else None for text in texts)
    return {**row, "question": question, "choice_question": choice}


MUTATIONS: list[Mutation] = [
    answer_swapped, index_shifted, both_swapped, count_off_by_one, other_image, images_turned, unknown_image,
    label_replaced, box_moved, other_template, option_made_true, evidence_dropped, evidence_moved, metadata_replaced,
    caption_changed, common_label_left_out, slot_left,
]  # fmt: skip
