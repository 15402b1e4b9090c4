"""The checker on questions about points and depth."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from provision_dagster.generators.audit.frame import Pictures, audit_rows, option_words, shipped
from provision_dagster.generators.audit.pixels import DepthFiles
from provision_dagster.generators.audit.reading import Reader
from provision_dagster.generators.audit.words import Words, vocabulary_of
from provision_dagster.scene_graphs.evidence import object_evidence
from tests.generators.audit.rows import faults, qa, table
from tests.generators.scenes import graphs, lexicon, scene

SIZE = (200, 100)
NAMES = ("dog", "cup", "lamp")


def pictured(*boxes: tuple[int, int, int, int], depths: tuple[int, ...]) -> dict[str, Any]:
    """A scene of rectangles: each mask is its box, each depth one value with a little noise."""
    row = scene("p", [(name, box, []) for name, box in zip(NAMES, boxes, strict=False)], size=SIZE)
    depth = np.zeros((SIZE[1], SIZE[0]), dtype=np.uint8)
    masks = np.zeros((len(boxes), SIZE[1], SIZE[0]), dtype=bool)
    for n, ((x1, y1, x2, y2), value) in enumerate(zip(boxes, depths, strict=True)):
        masks[n, y1:y2, x1:x2] = True
        depth[y1:y2, x1:x2] = value
    for o, found in zip(row["objects"], object_evidence(masks, depth), strict=True):
        o |= found._asdict()
    return row


SCENE = pictured((0, 0, 40, 40), (100, 50, 140, 90), (160, 0, 200, 40), depths=(200, 100, 20))
ON_DOG, ON_DOG_TOO, ON_CUP, NOWHERE = "(0.10, 0.20)", "(0.15, 0.30)", "(0.60, 0.70)", "(0.50, 0.10)"


def segment(generator: str, answer: str, *options: str, row: dict[str, Any] = SCENE, **more: Any) -> set[str]:
    given = {"rests_on": [0, 1], "objects": ["dog", "cup"], **more}
    slots = {"anchor": ON_DOG, "candidates": " or ".join(options)}
    asked = qa(generator, row, slots, answer=answer, options=options, index=options.index(answer), **given)
    return faults(asked, row)


def test_points_on_the_same_and_on_another_object() -> None:
    assert segment("SameObjectSeg", ON_DOG_TOO, ON_CUP, ON_DOG_TOO) == set()
    assert segment("DiffObjectSeg", ON_CUP, ON_CUP, ON_DOG_TOO) == set()


@pytest.mark.parametrize(
    ("generator", "answer", "options", "reason"),
    [
        ("SameObjectSeg", ON_CUP, (ON_CUP, ON_DOG_TOO), "wrong: chosen_option_false"),
        ("DiffObjectSeg", ON_DOG_TOO, (ON_CUP, ON_DOG_TOO), "wrong: chosen_option_false"),
        ("SameObjectSeg", ON_DOG_TOO, (NOWHERE, ON_DOG_TOO), "ambiguous: point_on_the_background"),
        ("SameObjectSeg", ON_DOG, (ON_CUP, ON_DOG), "leaking: anchor_among_options"),
        ("SameObjectSeg", ON_DOG_TOO, (ON_DOG_TOO,), "wrong: number_of_options"),
        ("SameObjectSeg", "(2.00, 0.10)", (ON_CUP, "(2.00, 0.10)"), "wrong: no_point"),
    ],
)
def test_faults_of_points(generator: str, answer: str, options: tuple[str, ...], reason: str) -> None:
    assert reason in segment(generator, answer, *options)


@pytest.mark.parametrize("label", ["book", "bananas"])
def test_a_mask_of_what_is_marked_in_bunches_is_no_sure_object(label: str) -> None:
    row = {**SCENE, "objects": [{**SCENE["objects"][0], "label": label}, *SCENE["objects"][1:]]}
    found = segment("SameObjectSeg", ON_DOG_TOO, ON_CUP, ON_DOG_TOO, row=row, objects=[label, "cup"])
    assert found == {"ambiguous: label_of_several_things"}
    crowd = {**SCENE, "objects": [{**SCENE["objects"][0], "is_group": True}, *SCENE["objects"][1:]]}
    found = segment("SameObjectSeg", ON_DOG_TOO, ON_CUP, ON_DOG_TOO, row=crowd)
    assert found == {"ambiguous: label_of_several_things"}


def test_a_point_in_one_of_two_masks_at_the_anchor() -> None:
    row = pictured((0, 0, 40, 40), (10, 10, 35, 60), depths=(200, 100))
    found = segment("SameObjectSeg", "(0.04, 0.04)", "(0.04, 0.04)", "(0.10, 0.55)", row=row)
    assert {"ambiguous: chosen_option_not_proven", "ambiguous: option_not_provably_false"} <= found


def points(generator: str, answer: str, *options: str) -> dict[str, Any]:
    return qa(
        generator, SCENE, {"candidates": " or ".join(options)}, answer=answer, options=options,
        index=options.index(answer), rests_on=[0, 1], objects=["dog"],
    )  # fmt: skip


def stored(place: int) -> str:
    """A sampled point of an object, as it is printed."""
    point = SCENE["objects"][place]["points"][0]
    return f"({point['x'] / SIZE[0]:.2f}, {point['y'] / SIZE[1]:.2f})"


def test_depth_of_sampled_points() -> None:
    near, far = stored(0), stored(1)
    assert faults(points("CloserPoint", near, near, far), SCENE) == set()
    assert faults(points("FartherPoint", far, near, far), SCENE) == set()
    assert "wrong: chosen_option_false" in faults(points("CloserPoint", far, near, far), SCENE)
    assert "wrong: depth_unknown" in faults(points("CloserPoint", near, near, NOWHERE), SCENE)


def test_depth_of_any_point_from_the_file(tmp_path: Any) -> None:
    depth = np.zeros((SIZE[1], SIZE[0]), dtype=np.uint8)
    depth[:, :100], depth[:, 100:] = 100, 150
    Image.fromarray(depth).save(tmp_path / "d.png")
    files = DepthFiles({SCENE["image_id"]: str(tmp_path / "d.png")})
    words, reader = Words(lexicon(), vocabulary_of(graphs(SCENE))), Reader(shipped())
    row = {**points("CloserPoint", ON_CUP, ON_DOG, ON_CUP)}
    found = audit_rows(table(row), Pictures(graphs(SCENE), words), words=words, reader=reader, depth_files=files)
    assert found.is_right
    depth[:, 100:] = 149
    Image.fromarray(depth).save(tmp_path / "e.png")
    files = DepthFiles({SCENE["image_id"]: str(tmp_path / "e.png")})
    found = audit_rows(table(row), Pictures(graphs(SCENE), words), words=words, reader=reader, depth_files=files)
    assert ("CloserPoint", "ambiguous", "depth_margin") in found.reasons
    assert not option_words(table(row)).labels


def nearer(generator: str, answer: str, row: dict[str, Any] = SCENE, anchor: str | None = None) -> set[str]:
    options = ["dog", "cup"] if anchor is None else [n for n in NAMES if n != anchor]
    slots = {"candidates": " or ".join(f"the {o}" for o in options), "anchor": anchor or ""}
    names = [*options, *([anchor] if anchor else [])]
    asked = qa(
        generator, row, slots, answer=answer, options=options, index=options.index(answer),
        rests_on=[NAMES.index(n) for n in names], objects=names,
    )  # fmt: skip
    return faults(asked, row)


def test_depth_of_objects() -> None:
    assert nearer("CloserObject", "dog") == set()
    assert nearer("FartherObject", "cup") == set()
    assert "wrong: chosen_option_false" in nearer("CloserObject", "cup")
    close = pictured((0, 0, 40, 40), (100, 50, 140, 90), depths=(140, 100))
    assert nearer("CloserObject", "dog", close) == {"ambiguous: depth_margin"}
    overlapping = pictured((0, 0, 40, 40), (30, 30, 140, 90), depths=(200, 100))
    assert "ambiguous: boxes_overlap" in nearer("CloserObject", "dog", overlapping)


def test_depth_must_exceed_the_spread_of_the_mask() -> None:
    row = pictured((0, 0, 40, 40), (100, 50, 140, 90), depths=(200, 100))
    row["objects"][1]["depth"] |= {"p25": 40.0, "p75": 150.0}
    assert nearer("CloserObject", "dog", row) == {"ambiguous: depth_margin"}


def test_depth_to_an_anchor() -> None:
    row = pictured((0, 0, 40, 40), (100, 50, 140, 90), (160, 0, 200, 40), depths=(250, 200, 20))
    assert nearer("CloserToAnchorObject", "dog", row, "cup") == set()
    assert nearer("FartherToAnchorObject", "lamp", row, "cup") == set()
    assert "wrong: chosen_option_false" in nearer("CloserToAnchorObject", "lamp", row, "cup")
    even = pictured((0, 0, 40, 40), (100, 50, 140, 90), (160, 0, 200, 40), depths=(250, 130, 20))
    assert "ambiguous: depth_margin" in nearer("CloserToAnchorObject", "lamp", even, "cup")
