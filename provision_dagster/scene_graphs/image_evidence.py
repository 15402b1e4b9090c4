"""Pixel evidence of one image from its files: what is missing or broken becomes a problem."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from provision_dagster.errors import InputError, UnsafeFileError
from provision_dagster.image_sets.paths import from_uri
from provision_dagster.scene_graphs.annotators.found import at_size, from_png
from provision_dagster.scene_graphs.evidence import ObjectEvidence, depth_span, object_evidence, scene_evidence
from provision_dagster.scene_graphs.mirrored import with_mirrored
from provision_dagster.scene_graphs.overlaps import with_overlaps
from provision_dagster.scene_graphs.pixels import read_depth, read_masks
from provision_dagster.scene_graphs.rle import decode_mask


class Task(NamedTuple):
    """One image whose pixels are to be looked at."""

    image_id: str
    width: int
    height: int
    mask_uri: str | None
    mask_places: list[int]  # place in the file of the mask of each object; those without one come last
    mask_count: int  # masks in the file
    depth_uri: str | None
    closeness: bytes | None  # 16-bit PNG that a model made, for want of a file
    ids: list[str]  # of the objects
    boxes: list[dict[str, float]]
    mask_rles: list[str | None]


class Problem(NamedTuple):
    """Columns part, item, field, reason, detail of REJECTED_ANNOTATIONS, and the file."""

    file: str | None
    part: str
    item: str | None
    field: str
    reason: str
    detail: str


class ImageEvidence(NamedTuple):
    """Evidence of an image: per object, and points over the whole picture."""

    objects: list[ObjectEvidence]
    points: list[dict[str, Any]]
    has_masks: bool
    depth_span: float | None  # None without a depth map
    problems: list[Problem]


def gather(task: Task) -> ImageEvidence:
    """
    Open the mask and depth files of an image once and take from them what generators may need.

    Returns
    -------
    ImageEvidence
        With a problem for each file or mask that cannot be used; the image then lacks that part.
    """
    problems: list[Problem] = []
    depth = _depth(task, problems)
    masks, places = _masks(task, problems)
    found = [ObjectEvidence()] * len(task.ids)
    for place, evidence in zip(places, object_evidence(masks, depth), strict=True):
        found[place] = evidence
        if evidence.mask_rle is None:
            detail = f"the mask of object `{task.ids[place]}` has no pixel"
            problems.append(Problem(_name(task.mask_uri), "mask", task.ids[place], "mask", "empty_mask", detail))
    masked = [place for place in places if found[place].mask_rle]
    points: list[dict[str, Any]] = []
    if masked or depth is not None:
        shown = masks if len(masked) == len(places) else masks[np.isin(places, masked)]
        unmasked = _boxes_without(task, masked)
        found = with_overlaps(found, shown, places=masked, unmasked=unmasked)
        found = with_mirrored(found, shown, places=masked, unmasked=unmasked, seed=task.image_id)
        points = scene_evidence(
            shown if masked else None,
            depth,
            places=masked,
            areas=[found[place].mask_area or 0 for place in masked],
            unmasked=unmasked,
            size=(task.width, task.height),
            seed=task.image_id,
        )
    return ImageEvidence(found, points, bool(masked), None if depth is None else depth_span(depth), problems)


def _boxes_without(task: Task, masked: list[int]) -> NDArray[np.float64]:
    """Boxes of the objects without a mask, shape (n, 4)."""
    known = set(masked)
    sides = ("x1", "y1", "x2", "y2")
    boxes = [[box[side] for side in sides] for place, box in enumerate(task.boxes) if place not in known]
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def _depth(task: Task, problems: list[Problem]) -> NDArray[Any] | None:
    if task.depth_uri is None:
        if task.closeness is None:
            return None
        return at_size(from_png(task.closeness), width=task.width, height=task.height)
    try:
        return read_depth(task.depth_uri, width=task.width, height=task.height)
    except InputError as error:
        problems.append(_file_problem(task.depth_uri, error, part="depth"))
        return None


def _masks(task: Task, problems: list[Problem]) -> tuple[NDArray[np.bool_], list[int]]:
    """Masks, and the place in `objects` of each."""
    none = np.zeros((0, task.height, task.width), dtype=bool)
    if task.mask_uri is not None:
        try:
            found = read_masks(task.mask_uri, width=task.width, height=task.height, count=task.mask_count)
        except InputError as error:
            problems.append(_file_problem(task.mask_uri, error, part="mask"))
            return none, []
        whole = found if len(task.mask_places) == task.mask_count else found[task.mask_places]
    else:
        whole = none
    # those of a file come first
    decoded, places = [], list(range(len(whole)))
    for place, rle in enumerate(task.mask_rles):
        if rle is None or place < len(whole):
            continue
        try:
            decoded.append(decode_mask(rle, width=task.width, height=task.height))
            places.append(place)
        except InputError as error:
            problems.append(Problem(None, "mask", task.ids[place], "mask_rle", "bad_mask", str(error)))
    return (np.concatenate([whole, np.stack(decoded)]) if decoded else whole), places


def _name(uri: str | None) -> str | None:
    return None if uri is None else Path(uri).name


def _file_problem(uri: str, error: InputError, *, part: str) -> Problem:
    reason = "bad_file"
    if isinstance(error, UnsafeFileError):
        reason = "unsafe_file"
    elif "://" not in uri and not Path(from_uri(uri)).exists():
        reason = "missing"
    return Problem(_name(uri), part, None, f"{part}_uri", reason, str(error))
