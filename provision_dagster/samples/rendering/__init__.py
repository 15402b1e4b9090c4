"""Rendered scenes with exact truth: boxes, masks, depth, attributes and relations."""

from provision_dagster.samples.rendering.kinds import LABELS
from provision_dagster.samples.rendering.write import render_scene, render_scenes

__all__ = ["LABELS", "render_scene", "render_scenes"]
