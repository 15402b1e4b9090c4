"""Questions about which of two things is closer, to the camera or in depth to a third."""

from itertools import combinations
from typing import Any

from provision_dagster.generators.audit.checkers.depth import judge_depths
from provision_dagster.generators.audit.checkers.object import candidates
from provision_dagster.generators.audit.picture import apart
from provision_dagster.generators.audit.registry import checks
from provision_dagster.generators.audit.verdict import Question, Verdict, check_metadata, check_rests_on


@checks("CloserObject", "FartherObject", "CloserToAnchorObject", "FartherToAnchorObject", options="label")
def closer_object(q: Question, v: Verdict) -> None:
    """Compare the medians of the depth of two things; or how far they are from that of the anchor.

    The lead must exceed the margin and the interquartile range of both (T6); no boxes may overlap.
    """
    picture = q.picture
    offered = candidates(q, v)
    names = [*offered, *([q.slots["anchor"]] if "anchor" in q.slots else [])]
    found = {name: picture.referent(name) for name in names}
    for reason in {reason for _, reason in found.values()} - {None}:
        v.ambiguous(str(reason))
    places = {name: place for name, (place, _) in found.items() if place is not None}
    if len(places) < len(names) or len(offered) != 2:
        v.wrong("nothing_of_that_name")
        return
    depths: dict[str, dict[str, Any]] = {n: picture.row["objects"][p]["depth"] for n, p in places.items()}
    if any(d is None or d["p50"] is None for d in depths.values()):
        v.wrong("depth_unknown")
        return
    if not all(apart(picture.boxes[a], picture.boxes[b]) for a, b in combinations(places.values(), 2)):
        v.ambiguous("boxes_overlap")
    closeness = {o: float(depths[o]["p50"]) for o in offered}
    if "anchor" in q.slots:
        base = depths[q.slots["anchor"]]["p50"]
        closeness = {o: -abs(value - base) for o, value in closeness.items()}
    judge_depths(q, v, closeness, spread=max(depths[o]["p75"] - depths[o]["p25"] for o in offered))
    check_metadata(q, v, objects=names)
    check_rests_on(q, v, needed=[(0, p) for p in places.values()])
