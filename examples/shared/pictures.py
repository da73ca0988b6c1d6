"""Where pictures go, lines to compare with, and words beside points."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")

OUT = Path("out")


def picture(name: str, figure: Any) -> Path:
    """Write a figure of matplotlib to out/NAME.png, and say so."""
    OUT.mkdir(exist_ok=True)
    path = OUT / f"{name}.png"
    figure.savefig(path, dpi=80, bbox_inches="tight")
    matplotlib.pyplot.close(figure)
    print(f"picture: {path}")
    return path


def at_the_side(axis: Any, lines: dict[str, float], gap: float = 0.06) -> None:
    """A grey line for each value, its name at the right end; names that would overlap are moved up."""
    for value in lines.values():
        axis.axhline(value, color="grey", linestyle=":")
    axis.set_ylim(axis.get_ylim())
    below = -gap
    for name, value in sorted(lines.items(), key=lambda line: line[1]):
        place = (axis.transData + axis.transAxes.inverted()).transform((1, value))[1]
        below = max(place, below + gap)
        axis.text(1.02, below, name, transform=axis.transAxes, va="center", color="grey")


def label(
    axis: Any, words: Sequence[str], x: np.ndarray, y: np.ndarray, side: int, colour: str, gap: float | None = None
) -> None:  # fmt: skip
    """Words beside their points, to the left (-1) or right (1), moved up where they would be nearer than a gap."""
    order, gap = np.argsort(y), 0.045 * np.ptp(y) + 0.05 if gap is None else gap
    heights = y[order]
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + gap)
    heights += (y[order] - heights).mean()
    end = (np.max(x * side) + 0.15) * side
    how = {"fontsize": 8, "color": colour, "va": "center", "ha": "left" if side > 0 else "right"}
    line = {"arrowstyle": "-", "color": colour, "alpha": 0.25, "shrinkA": 0, "shrinkB": 2}
    for i, height in zip(order, heights, strict=True):
        axis.annotate(words[i], (x[i], y[i]), (end, height), arrowprops=line, **how)
