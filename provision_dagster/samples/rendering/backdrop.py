"""The picture behind all objects: sky and ground, or wall and floor, with their depth.

Nothing here is a thing of its own: what could be pointed at as an object is an `Item`, and annotated.
"""

import random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from provision_dagster.samples.rendering.camera import Camera
from provision_dagster.samples.rendering.palette import RGB, shade
from provision_dagster.samples.rendering.stage import Stage

SKIES: tuple[tuple[RGB, RGB], ...] = (
    ((108, 172, 230), (214, 236, 248)),
    ((88, 150, 214), (250, 226, 200)),
    ((142, 176, 206), (226, 232, 236)),
)
LAWNS: tuple[RGB, ...] = ((148, 186, 104), (164, 190, 112), (136, 178, 112))
WALLS: tuple[RGB, ...] = ((232, 222, 200), (206, 220, 224), (220, 208, 216), (208, 220, 200), (238, 214, 190))
FLOORS: tuple[RGB, ...] = ((198, 160, 118), (180, 148, 116), (206, 186, 160))
ROAD = (9.6, 15.6)  # m: near and far edge
WALK = (4.0, 9.4)


def paint_backdrop(stage: Stage) -> Image.Image:
    """Return the RGB picture of the empty scene."""
    rng = random.Random(stage.rng.getrandbits(64))
    return _paint_outdoors(stage, rng) if stage.view in ("street", "park") else _paint_indoors(stage, rng)


def backdrop_depth(stage: Stage) -> NDArray[np.uint16]:
    """Return the depth of the empty scene per row (see `Camera.depth`); the sky is 0."""
    camera = stage.camera
    wall = stage.decor.get("wall")
    far = wall if wall is not None else 1e9
    depth = camera.surface_depth(0.0, front=camera.near, back=far)
    if wall is None:
        depth[np.arange(camera.height_px) + 0.5 <= camera.horizon] = 0
    return depth


def _gradient(size: tuple[int, int], top: RGB, bottom: RGB) -> Image.Image:
    """Vertical gradient of a (width, height) picture."""
    steps = np.linspace(0, 1, max(size[1], 2))[: size[1], None]
    column = np.rint(np.array(top) * (1 - steps) + np.array(bottom) * steps).astype(np.uint8)
    return Image.fromarray(column[:, None, :]).resize(size, Image.Resampling.NEAREST)


def _paint_outdoors(stage: Stage, rng: random.Random) -> Image.Image:
    camera = stage.camera
    width, height = camera.width, camera.height_px
    horizon = round(camera.horizon)
    sky, lawn = rng.choice(SKIES), rng.choice(LAWNS)
    image = Image.new("RGB", (width, height))
    image.paste(_gradient((width, horizon), *sky), (0, 0))
    image.paste(_gradient((width, height - horizon), shade(lawn, 1.12), shade(lawn, 0.88)), (0, horizon))
    (_street if stage.view == "street" else _path)(image, camera, rng)
    return image


def _smooth(image: Image.Image, points: list[tuple[float, float]], fill: RGB) -> None:
    """Fill a polygon of picture points with smooth edges: drawn at twice the size."""
    left, right = (max(0, min(image.width, round(f(p[0] for p in points)))) for f in (min, max))
    top, low = (max(0, min(image.height, round(f(p[1] for p in points)))) for f in (min, max))
    mask = Image.new("L", (2 * (right - left), 2 * (low - top)))
    ImageDraw.Draw(mask).polygon([(2 * (x - left), 2 * (y - top)) for x, y in points], fill=255)
    image.paste(fill, (left, top), mask.reduce(2))


def _band(draw: ImageDraw.ImageDraw, camera: Camera, near: float, far: float, fill: RGB) -> None:
    """A strip of ground between two distances, over the whole width."""
    draw.rectangle((0, round(camera.row(0, far)), camera.width, round(camera.row(0, near))), fill=fill)


def _street(image: Image.Image, camera: Camera, rng: random.Random) -> None:
    draw = ImageDraw.Draw(image)
    near, far = ROAD
    walk = rng.choice(((206, 200, 190), (196, 198, 200), (212, 202, 184)))
    _band(draw, camera, far, far + 1.6, shade(walk, 0.97))
    _band(draw, camera, near - 0.25, far + 0.2, (226, 224, 218))
    _band(draw, camera, near, far, (104, 106, 112))
    _band(draw, camera, camera.near * 0.9, WALK[1], walk)
    middle = (near + far) / 2 - 0.4
    for k in range(-8, 9):
        x = 2.2 * k
        corners = [(x, middle), (x + 1.2, middle), (x + 1.2, middle + 0.22), (x, middle + 0.22)]
        draw.polygon([(camera.column(a, z), camera.row(0, z)) for a, z in corners], fill=(244, 240, 220))
    for k in range(-9, 10):
        ends = [(camera.column(1.5 * k, z), camera.row(0, z)) for z in (WALK[1], camera.near * 0.9)]
        draw.line(ends, fill=shade(walk, 0.9), width=1)


def _path(image: Image.Image, camera: Camera, rng: random.Random) -> None:
    """A winding footpath towards the horizon, and tufts of grass."""
    draw = ImageDraw.Draw(image)
    start, bend = rng.uniform(-2, 2), rng.uniform(-5, 5)
    left, right = [], []
    for k in range(40):
        z = camera.near * 0.95 * (30 / camera.near) ** (k / 39)
        middle = start + bend * np.sin(0.11 * z)
        left.append((camera.column(middle - 0.9, z), camera.row(0, z)))
        right.append((camera.column(middle + 0.9, z), camera.row(0, z)))
    _smooth(image, [*left, *reversed(right)], (222, 206, 168))
    for _ in range(60):
        z, x = rng.uniform(camera.near, 20), rng.uniform(-9, 9)
        at, r = (camera.column(x, z), camera.row(0, z)), 0.05 * camera.scale(z)
        draw.line((at[0] - r, at[1] - 2 * r, at[0], at[1], at[0] + r, at[1] - 2 * r), fill=(112, 156, 84))


def _paint_indoors(stage: Stage, rng: random.Random) -> Image.Image:
    camera, wall, floor = stage.camera, rng.choice(WALLS), rng.choice(FLOORS)
    size = (camera.width, camera.height_px)
    distance = stage.decor["wall"]
    foot = round(camera.row(0, distance))
    image = _gradient(size, shade(wall, 1.3), shade(wall, 0.94))
    draw = ImageDraw.Draw(image)
    if rng.random() < 0.5:
        for k in range(-20, 21):
            x = camera.column(0.4 * k, distance)
            draw.line((x, 0, x, foot), fill=shade(wall, 0.96), width=2)
    image.paste(_gradient((size[0], size[1] - foot), shade(floor, 0.9), shade(floor, 1.1)), (0, foot))
    for k in range(-16, 17):
        ends = [(camera.column(0.45 * k, z), camera.row(0, z)) for z in (distance, 0.9 * camera.near)]
        draw.line(ends, fill=shade(floor, 0.86), width=1)
    high = round(camera.row(0.12, distance))
    draw.rectangle((0, high, size[0], foot), fill=shade(wall, 1.6), outline=shade(wall, 0.75))
    return image
