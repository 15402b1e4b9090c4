"""A pinhole camera over a flat ground: where things of the world fall in the picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DEPTH_MAX = 65535
"""Stored depth of a thing at the camera's near distance; 0 is the sky."""


@dataclass(frozen=True)
class Camera:
    """A level camera `height` metres above the ground; x to the right, z away from it, in metres."""

    width: int  # picture, px
    height_px: int
    focal: float  # px
    height: float  # m
    horizon: float  # row of the picture, px
    near: float  # m, the distance that is stored as DEPTH_MAX; nothing is nearer

    def scale(self, z: float) -> float:
        """Pixels per metre at distance `z`."""
        return self.focal / z

    def column(self, x: float, z: float) -> float:
        """Picture column of a point `x` metres to the right at distance `z`."""
        return self.width / 2 + self.focal * x / z

    def row(self, y: float, z: float) -> float:
        """Picture row of a point `y` metres above the ground at distance `z`."""
        return self.horizon + self.focal * (self.height - y) / z

    def depth(self, z: float) -> int:
        """Stored depth, 16 bit, larger = closer: round(65535 * near / z), so z = 65535 * near / depth."""
        return min(DEPTH_MAX, round(DEPTH_MAX * self.near / z))

    def surface_depth(self, y: float, *, front: float, back: float) -> NDArray[np.uint16]:
        """Stored depth per picture row of a level surface `y` metres high between two distances.

        Rows above its far edge get the depth of `back`, rows below its near edge that of `front`.
        """
        rows = np.arange(self.height_px) + 0.5 - self.horizon
        inverse = np.clip(rows / (self.focal * (self.height - y)), 1 / back, 1 / front)
        depth: NDArray[np.float64] = np.minimum(np.rint(DEPTH_MAX * self.near * inverse), DEPTH_MAX)
        return depth.astype(np.uint16)


def make_camera(width: int, height_px: int, *, height: float, horizon: float) -> Camera:
    """Return a camera whose horizon lies at the share `horizon` of the picture's height.

    `near` is the distance of the ground at the lower edge of the picture.
    """
    focal = 0.45 * width + 0.6 * height_px
    row = horizon * height_px
    return Camera(width, height_px, focal, height, row, near=focal * height / (height_px - row))
