"""Questions about which of two points is on the same object as a third."""

from provision_dagster.generators.audit.checkers.object import candidates, judge_choice
from provision_dagster.generators.audit.pixels import objects_at, pixel_of
from provision_dagster.generators.audit.registry import checks
from provision_dagster.generators.audit.verdict import (
    Question,
    Truth,
    Verdict,
    check_rests_on,
)


@checks("SameObjectSeg", "DiffObjectSeg", options="point")
def same_object(q: Question, v: Verdict) -> None:
    """Look up the masks at the three printed points.

    Where several masks cover the anchor, "the object at the anchor" may be any of them: a point is on it if all of them
    cover it, and off it if none does. A point off it must be on another object, since masks of the background are not
    drawn.
    """
    picture = q.picture
    anchor = pixel_of(q.slots["anchor"], picture)
    names = candidates(q, v)
    pixels = {o: pixel_of(o, picture) for o in names}
    if anchor is None or None in pixels.values():
        v.wrong("no_point")
        return
    marked = objects_at(picture, anchor)
    if not marked:
        v.wrong("nothing_at_the_anchor")
        return
    if all(place in picture.groups or picture.labels[place] in q.words.bunched for place in marked):
        v.ambiguous("label_of_several_things")
    covered = {o: objects_at(picture, pixel) for o, pixel in pixels.items() if pixel is not None}
    same = {o: _is_same(marked, there) for o, there in covered.items()}
    if any(not there for there in covered.values()):
        v.ambiguous("point_on_the_background")
    if anchor in pixels.values():
        v.leaking("anchor_among_options")
    wanted = q.generator == "SameObjectSeg"
    judge_choice(q, v, names, lambda option: None if same[option] is None else same[option] is wanted)
    if len(names) != 2:
        v.wrong("number_of_options")
    shown = marked.union(*covered.values())
    given = {place for _, place in q.shown}
    check_rests_on(q, v, needed=[(0, p) for p in (marked & given or marked)], allowed=[(0, p) for p in shown])
    if not set(q.metadata["objects"]) <= {picture.labels[p] for p in shown}:
        v.wrong("metadata_objects")


def _is_same(marked: frozenset[int], there: frozenset[int]) -> Truth:
    if marked <= there:
        return True
    return None if marked & there else False
