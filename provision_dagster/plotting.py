"""Charts as PNG: equal numbers give equal bytes. matplotlib is read when the first chart is drawn."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 4.2, 3.0
"""Inches of one panel."""
DOTS = 80
"""Per inch: a panel has 336 x 240 pixels, and some 10 KB."""

BLUE, ORANGE, GRAY = "#3465a4", "#ce5c00", "#888a85"
"""Told apart by people who do not tell red from green."""


def panels(*, rows: int = 1, columns: int = 1, height: float = HEIGHT) -> "tuple[Figure, list[Axes]]":
    """Make a figure and its panels, row by row; without pyplot, whose state all threads would share."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(columns * WIDTH, rows * height), dpi=DOTS, layout="constrained")
    FigureCanvasAgg(figure)
    found = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for panel in found:
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=8)
    return figure, found


def titled(panel: "Axes", title: str, *, x: str = "", y: str = "") -> None:
    """Write the title and what the axes show."""
    panel.set_title(title, fontsize=9)
    panel.set_xlabel(x, fontsize=8)
    panel.set_ylabel(y, fontsize=8)


def legend(panel: "Axes") -> None:
    """Name the colors of a panel under all panels, where they hide nothing."""
    figure = panel.get_figure(root=True)
    assert figure is not None
    figure.legend(*panel.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=7, frameon=False)


def to_png(figure: "Figure") -> bytes:
    """Draw the figure, without the name and version of the program in the file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
