"""Pictures with the evidence of a question drawn on them: boxes, points, masks, relations as arrows, depth maps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Box = tuple[float, float, float, float]
Point = tuple[float, float]
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#7a3fb3", "#444444")
"""After Okabe and Ito: told apart by colour-blind readers too."""
GAP, TITLE, TEXT = 8, 26, 15
SHORT = 110
"""An arrow of fewer pixels has its name beside it."""


@dataclass(frozen=True)
class Frame:
    """A box in pixels with a name; `mask` tints the pixels of the object."""

    box: Box
    name: str
    mask: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Panel:
    """One picture with what is drawn on it.

    Parameters
    ----------
    points
        (x, y, name), in pixels.
    arrows
        (place of the subject in `frames`, predicate, place of the object).
    """

    picture: Image.Image
    title: str = ""
    frames: Sequence[Frame] = ()
    points: Sequence[tuple[float, float, str]] = ()
    arrows: Sequence[tuple[int, str, int]] = ()


def side_by_side(panels: Sequence[Panel], *, width: int) -> Image.Image:
    """Draw panels of equal width beside each other, each under its title."""
    drawn = [_Canvas(panel, width=width).draw() for panel in panels]
    top = TITLE if any(panel.title for panel in panels) else 0
    size = (sum(p.width for p in drawn) + GAP * (len(drawn) - 1), max(p.height for p in drawn) + top)
    sheet = Image.new("RGB", size, "white")
    pen, left = ImageDraw.Draw(sheet), 0
    for panel, picture in zip(panels, drawn, strict=True):
        sheet.paste(picture, (left, top))
        if top:
            pen.text((left + 2, top / 2), panel.title, fill="black", font=_font(TEXT + 2), anchor="lm")
        left += picture.width + GAP
    return sheet


def depth_picture(depth: npt.NDArray[np.float64]) -> Image.Image:
    """Show a depth map in gray, lighter = closer; unknown depth is black."""
    known = np.nan_to_num(depth, nan=0.0)
    level = np.sqrt(known / max(float(known.max()), 1.0))
    return Image.fromarray((level * 255).astype(np.uint8)).convert("RGB")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own scalable font: the same on every machine."""
    return ImageFont.load_default(size=size)


@dataclass
class _Canvas:
    """A panel while it is drawn: `taken` is where no text should stand, `texts` are written last."""

    panel: Panel
    width: int
    taken: list[Box] = field(default_factory=list)
    texts: list[tuple[Box, str, str]] = field(default_factory=list)

    def draw(self) -> Image.Image:
        """Draw masks, boxes, arrows and points, then their names on top."""
        source = self.panel.picture.convert("RGB")
        self.scale = self.width / source.width
        size = (self.width, round(source.height * self.scale))
        self.image = self._tinted(source).resize(size, Image.Resampling.LANCZOS)
        self.pen = ImageDraw.Draw(self.image)
        boxes = [self._scaled(frame.box) for frame in self.panel.frames]
        for number, box in enumerate(boxes):
            self.pen.rectangle(_grown(box, 1), outline="white", width=5)
            self.pen.rectangle(box, outline=_color(number), width=3)
        self._points()
        tags = [
            self._tag(frame.name, _around(box), color=_color(number))
            for number, (box, frame) in enumerate(zip(boxes, self.panel.frames, strict=True))
        ]
        self._arrows(tags)
        for ground, text, color in self.texts:
            self.pen.rounded_rectangle(ground, radius=4, fill=color, outline="white")
            self.pen.text(_middle(ground), text, fill="white", font=_font(TEXT), anchor="mm")
        return self.image

    def _tinted(self, source: Image.Image) -> Image.Image:
        """Tint the pixels of masks."""
        for number, frame in enumerate(self.panel.frames):
            if frame.mask is not None:
                tint = Image.new("RGB", source.size, _color(number))
                source.paste(tint, mask=Image.fromarray((frame.mask * 90).astype(np.uint8)))
        return source

    def _scaled(self, box: Box) -> Box:
        x1, y1, x2, y2 = (side * self.scale for side in box)
        return (max(x1, 1), max(y1, 1), min(x2, self.image.width - 2), min(y2, self.image.height - 2))

    def _arrows(self, tags: Sequence[Box]) -> None:
        """Draw relations from name to name, one arrow for all predicates from one object to another."""
        said: dict[tuple[int, int], list[str]] = {}
        for a, predicate, b in self.panel.arrows:
            said.setdefault((a, b), []).append(predicate)
        once = {(a, b): words for (a, b), words in said.items() if a < b or said.get((b, a)) != words}
        lines = {}
        for a, b in once:
            line = _border(tags[a], tags[b]), _border(tags[b], tags[a])
            lines[a, b] = _shifted(*line, by=5 if (b, a) in once else 0)
            self._arrow(*lines[a, b], both=(b, a) in said and (b, a) not in once)
        for pair, words in once.items():
            self._tag(", ".join(words), _beside(*lines[pair]), color="black")

    def _arrow(self, start: Point, end: Point, *, both: bool) -> None:
        angle, length = math.atan2(end[1] - start[1], end[0] - start[0]), math.dist(start, end)
        head = min(16.0, 0.7 * length)
        for color, width in (("white", 7), ("black", 3)):
            self.pen.line([start, end], fill=color, width=width)
        for tip, turn in [(end, angle), (start, angle + math.pi)][: 1 + both]:
            wings = [(tip[0] - head * math.cos(turn + d), tip[1] - head * math.sin(turn + d)) for d in (-0.45, 0.45)]
            self.pen.polygon([tip, *wings], fill="black", outline="white")
            self.taken.append(_disc(((tip[0] + wings[0][0]) / 2, (tip[1] + wings[0][1]) / 2), 8))
        if length < SHORT:
            self.taken.append(_disc(_between(start, end), 8))

    def _points(self) -> None:
        """Draw all points before any name, and keep names off them."""
        places = [(x * self.scale, y * self.scale) for x, y, _ in self.panel.points]
        for place in places:
            self.taken.append(_disc(place, 9))
            self.pen.ellipse(_disc(place, 8), fill="white")
            self.pen.ellipse(_disc(place, 6), fill="#d00000")
            self.pen.ellipse(_disc(place, 1.5), fill="white")
        for place, (_, _, name) in zip(places, self.panel.points, strict=True):
            self._tag(name, _around(_disc(place, 10)), color="#d00000")

    def _tag(self, text: str, anchors: Sequence[tuple[float, float, str]], *, color: str) -> Box:
        """Give a text on a coloured ground the place where it covers least of other texts; return the ground."""
        font = _font(TEXT)
        spots = []
        for x, y, anchor in anchors:
            left, top, right, bottom = self.pen.textbbox((x, y), text, font=font, anchor=anchor)
            spot = (left - 4.0, top - 3.0, right + 4.0, bottom + 3.0)
            dx = max(0.0, -spot[0]) - max(0.0, spot[2] - self.image.width + 1)
            dy = max(0.0, -spot[1]) - max(0.0, spot[3] - self.image.height + 1)
            spots.append((spot[0] + dx, spot[1] + dy, spot[2] + dx, spot[3] + dy))
        best = min(spots, key=lambda spot: sum(_shared(spot, other) for other in self.taken))
        self.taken.append(best)
        self.texts.append((best, text, color))
        return best


def _color(number: int) -> str:
    return COLORS[number % len(COLORS)]


def _grown(box: Box, by: float) -> Box:
    return (box[0] - by, box[1] - by, box[2] + by, box[3] + by)


def _disc(place: Point, radius: float) -> Box:
    return (place[0] - radius, place[1] - radius, place[0] + radius, place[1] + radius)


def _middle(box: Box) -> Point:
    return ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)


def _border(box: Box, other: Box) -> Point:
    """Return where the line between the middles of two boxes leaves the first."""
    (x, y), (to_x, to_y) = _middle(box), _middle(other)
    reach = [half / abs(way) for half, way in (((box[2] - x), to_x - x), ((box[3] - y), to_y - y)) if way]
    share = min([*reach, 1.0])
    return (x + share * (to_x - x), y + share * (to_y - y))


def _shared(a: Box, b: Box) -> float:
    """Area that two rectangles share."""
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _around(box: Box) -> list[tuple[float, float, str]]:
    """Places for the name of a box, best first: above, below, inside, at the sides."""
    x1, y1, x2, y2 = box
    outside = [(x1 + 4, y1 - 5, "lb"), (x1 + 4, y2 + 5, "lt"), (x2 - 4, y1 - 5, "rb"), (x2 - 4, y2 + 5, "rt")]
    inside = [(x1 + 6, y1 + 6, "lt"), (x2 - 6, y2 - 6, "rb"), (x1 + 6, y2 - 6, "lb"), (x2 - 6, y1 + 6, "rt")]
    sides = [(x2 + 6, (y1 + y2) / 2, "lm"), (x1 - 6, (y1 + y2) / 2, "rm")]
    return [*outside, *inside, *sides]


def _shifted(start: Point, end: Point, *, by: float) -> tuple[Point, Point]:
    """Move a line to its left, so that one in the other direction runs beside it."""
    length = max(math.dist(start, end), 1.0)
    right, down = by * (end[1] - start[1]) / length, -by * (end[0] - start[0]) / length
    return (start[0] + right, start[1] + down), (end[0] + right, end[1] + down)


def _between(start: Point, end: Point) -> Point:
    return ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)


def _beside(start: Point, end: Point) -> list[tuple[float, float, str]]:
    """Places for the name of an arrow, best first: on its middle, or beside it where it is short."""
    x, y = _between(start, end)
    shifts = [(0, 0, "mm"), (16, 0, "lm"), (-16, 0, "rm"), (0, -24, "mm"), (0, 24, "mm"), (0, -46, "mm"), (0, 46, "mm")]
    return [(x + right, y + down, anchor) for right, down, anchor in shifts]
