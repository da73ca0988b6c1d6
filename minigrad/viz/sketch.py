"""A small graph as SVG, for paper: a simple layout in layers, that needs no other program."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from .explain import Explained
from .layers import Point, layered
from .numbers import number
from .text import printable

__all__ = ["MOST", "sketch"]

#: A larger graph fits on no page.
MOST = 40
HEIGHT, LETTER = 66.0, 7.4  #: of a node, of a letter
GAP = (46.0, 26.0)  #: between layers, between nodes
#: Of so many layers the letters are of 8 points at least, on a page; a higher graph is cut between layers.
LAYERS = 9
#: Of each kind of step inside and border, as in the page.
COLOURS = {"leaf": ("#fdf0e3", "#a84300"), "data": ("#e7f0fa", "#0b5cad"), "op": ("#ffffff", "#66707e")}
ARROW = (
    '<defs><marker id="to" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" orient="auto">'
    '<path d="M0 1 10 5 0 9z"/></marker></defs>'
)


def sketch(rows: Sequence[Explained], filled: bool) -> str:
    """The graph of an explained computation, with its numbers or with blanks; what is given is there in both.

    A high graph is cut into several pictures, so that each fits on a page.

    >>> from minigrad import viz
    >>> rows = viz.explain(lambda x, y: x * y, 3.0, -2.0).steps
    >>> "−6" in sketch(rows, True), "−6" in sketch(rows, False), "−2" in sketch(rows, False)
    (True, False, True)
    """
    sizes = {row.step.id: (max(108.0, 24 + LETTER * len(_title(row))), HEIGHT) for row in rows}
    layout = layered({row.step.id: [source for source, *_ in row.step.inputs] for row in rows}, sizes, gap=GAP)
    edges = "".join(map(_edge, layout.curves.values()))
    layers = sorted({y for _, y, *_ in layout.nodes.values()})
    parts, found = -(-len(layers) // LAYERS), []
    for part in range(parts):
        first, end = (len(layers) * n // parts for n in (part, part + 1))
        inside = [(row, place[:3]) for row in rows if layers[first] <= (place := layout.nodes[row.step.id])[1] <= layers[end - 1]]
        nodes = "".join(_node(row, *place, filled) for row, place in inside)
        top = layers[first] - HEIGHT / 2 - GAP[0] / 2 if first else 0.0
        bottom = layers[end - 1] + HEIGHT / 2 + GAP[0] / 2 if end < len(layers) else layout.height
        size = f'viewBox="0 {top:.0f} {layout.width:.0f} {bottom - top:.0f}" style="width: {layout.width:.0f}px; max-width: 100%"'
        name = f"graph, part {part + 1} of {parts}" if parts > 1 else "graph"
        picture = f"{ARROW}{edges}{nodes}"
        found.append(f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{name}">{picture}</svg>')
    return "\n".join(found)


# ------------------------------------------------------------------------------------- private


def _edge(points: Sequence[Point]) -> str:
    first, *rest = (f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path d="M{first}C{" ".join(rest)}" fill="none" stroke="#66707e" marker-end="url(#to)"/>'


def _title(row: Explained) -> str:
    """The formula, where it is short and plain."""
    text = "" if row.formula is None else str(row.formula.filled_with(None)).replace(" - ", " − ")
    if text and len(text) <= 26 and "_" not in text:
        return printable(text)
    return printable(f"{row.label} = {row.step.op}" if row.step.op else row.label)


def _node(row: Explained, x: float, y: float, width: float, filled: bool) -> str:
    """A box with what is computed, the value in blue and the gradient in orange: a line of each, or room for it."""
    left, top = x - width / 2, y - HEIGHT / 2
    is_given = not row.step.op
    fill, line = COLOURS[row.step.kind]
    place = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{HEIGHT:.0f}" rx="{0 if is_given else 8}"'
    parts = [f'<rect {place} fill="{fill}" stroke="{line}"/>']
    parts.append(_text(x, top + 19, _title(row), "#1a1f27", "bold"))
    known = [("#0b5cad", row.value, filled or is_given, top + 38)]
    if row.gradient is not None:
        known.append(("#a84300", row.gradient, filled, top + 57))
    for colour, value, is_shown, below in known:
        if is_shown:
            parts.append(_text(x, below, _number(value, width), colour))
        else:
            line = f"M{left + 20:.1f} {below + 2:.1f}H{left + width - 20:.1f}"
            parts.append(f'<path d="{line}" stroke="{colour}" stroke-dasharray="2 3"/>')
    return "".join(parts)


def _number(value: Any, width: float) -> str:
    text = number(value).replace("-", "−")
    most = int(width / 6.6)
    return text if len(text) <= most else text[: most - 1] + "…"


def _text(x: float, y: float, text: str, colour: str, weight: str = "normal") -> str:
    look = 'font-family="Helvetica, Arial, sans-serif" font-size="14" text-anchor="middle"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look} font-weight="{weight}" fill="{colour}">{escape(text)}</text>'
