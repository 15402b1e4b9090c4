"""Questions about which of two points is closer; larger depth values are closer."""

from provision_dagster.generators.audit.checkers.object import candidates, judge_choice
from provision_dagster.generators.audit.pixels import depth_at, objects_at, pixel_of
from provision_dagster.generators.audit.registry import checks
from provision_dagster.generators.audit.verdict import Question, Verdict, check_rests_on

DEPTH_MARGIN = 50 / 255
"""Depths must differ by this share of the span that the map can or does show (T6)."""


@checks("CloserPoint", "FartherPoint", options="point")
def closer_point(q: Question, v: Verdict) -> None:
    """Compare the depth at two printed points."""
    names = candidates(q, v)
    pixels = [pixel_of(o, q.picture) for o in names]
    depths = [None if pixel is None else depth_at(q.picture, pixel, q.depth_files) for pixel in pixels]
    known = {o: depth for o, depth in zip(names, depths, strict=True) if depth is not None}
    if len(known) != 2 or len(names) != 2:
        v.wrong("depth_unknown")
        return
    judge_depths(q, v, known, spread=0.0)
    shown = {p for pixel in pixels if pixel for p in objects_at(q.picture, pixel)}
    check_rests_on(q, v, needed=[], allowed=[(0, p) for p in shown])
    if not q.evidence:
        v.wrong("evidence_incomplete")
    if not set(q.metadata["objects"]) <= {q.picture.labels[p] for p in shown}:
        v.wrong("metadata_objects")


def judge_depths(q: Question, v: Verdict, closeness: dict[str, float], *, spread: float) -> None:
    """Demand that the option with the largest closeness (smallest, for Farther) leads by margin and spread."""
    low, high = min(closeness.values()), max(closeness.values())
    span = q.picture.row["depth_span"] or 255.0
    best = high if q.generator.startswith("Closer") else low
    if high - low < max(DEPTH_MARGIN * span, spread) - 1e-9:
        v.ambiguous("depth_margin")
    judge_choice(q, v, list(closeness), lambda option: closeness[option] == best)
