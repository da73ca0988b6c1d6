"""Pictures of recurrent cells: one step with its gates, and what is in a cell over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np


def colour(value: float, gate: bool = False, most: float = 1.0) -> Any:
    """Of gates from white to green, of other values from blue by white to red."""
    return plt.get_cmap("Greens")(0.75 * value) if gate else plt.get_cmap("RdBu_r")(0.5 + 0.4 * value / most)


def signed(value: float) -> str:
    """Two digits and a sign; a zero is just that."""
    shown = f"{value:+.2f}"
    return "0" if shown in ("+0.00", "-0.00") else shown


def heat_rows(axis: Any, rows: Sequence[tuple[str, Any, bool]], title: str, numbers: bool = False) -> None:
    """A row of colours for each (name, values over time, whether they are a gate's).

    Args:
        numbers: write the values into their fields.
    """
    most = [max(np.abs(values).max(), 1e-9) for _, values, _ in rows]
    scaled = zip(rows, most, strict=True)
    image = [[colour(v, gate, scale) for v in values] for (_, values, gate), scale in scaled]
    axis.imshow(image, aspect="auto", interpolation="nearest")
    axis.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axis.set_title(title, loc="left", weight="bold")
    axis.tick_params(length=0)
    for y, (_, values, gate) in enumerate(rows):
        axis.axhline(y + 0.5, color="white", lw=3)
        for x, value in enumerate(values if numbers else ()):
            dark = value > 0.5 if gate else abs(value) > 0.8 * most[y]
            shown = f"{value:.0f}" if gate else signed(value)
            axis.text(x, y, shown, ha="center", va="center", size=9, color="white" if dark else "black")


def lstm_step(axis: Any, name: str, gates: tuple[int, int, int], before: float, g: float) -> None:
    """One step of an LSTM's unit whose gates (i, f, o) are open or closed: the memory runs from left to right."""
    i, f, o = gates
    c = f * before + i * g
    h = o * np.tanh(c)
    wires = [
        (0, 5, 3, 5, before), (3, 5, 5.5, 5, f * before), (5.5, 5, 10, 5, c), (5.5, 0, 5.5, 2.5, g),
        (5.5, 2.5, 5.5, 5, i * g), (8.5, 5, 8.5, 2.5, np.tanh(c)), (8.5, 2.5, 8.5, 0, h),
    ]  # fmt: skip
    for x0, y0, x1, y1, value in wires:
        flows = abs(value) > 0.01
        shade, width = (colour(value), 6) if flows else ("0.8", 1.5)
        axis.plot([x0, x1], [y0, y1], color=shade, lw=width, zorder=1)
    valves = ((3, 5, f, "f", 0, 1.1), (5.5, 2.5, i, "i", -1.4, 0), (8.5, 2.5, o, "o", 1.4, 0))
    for x, y, gate, letter, dx, dy in valves:
        axis.scatter([x], [y], 380, color=[colour(gate, gate=True)], edgecolors="black", zorder=2)
        axis.text(x, y, str(gate), ha="center", va="center", color="white" if gate else "black", zorder=3)
        axis.text(x + dx, y + dy, letter, ha="center", va="center", style="italic", size=12)
    plus = {"boxstyle": "circle,pad=0.15", "fc": "white"}
    axis.text(5.5, 5, "+", ha="center", va="center", zorder=3, bbox=plus)
    ends = ((0, 5.6, "$c_{t-1}$", before), (10, 5.6, "$c_t$", c), (5.5, -0.3, "$g$", g), (8.5, -0.3, "$h_t$", h))
    for x, y, letter, value in ends:
        axis.text(x, y, f"{letter}\n{signed(value)}", ha="center", va="bottom" if y > 0 else "top", size=9)
    axis.set(xlim=(-1.3, 11.3), ylim=(-2.2, 7.6))
    axis.set_title(name, weight="bold")
    axis.axis("off")
