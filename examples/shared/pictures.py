"""Where pictures go, and lines to compare with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

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
