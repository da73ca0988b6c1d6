"""A small graph as SVG, for paper: a simple layout in layers, that needs no other program."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

from .explain import Explained
from .numbers import number
from .text import printable

__all__ = ["MOST", "sketch"]

#: A larger graph fits on no page.
MOST = 40
#: Of so many layers the letters are of 8 points at least, on a page; a higher graph is cut between layers.
LAYERS = 9
HEIGHT, GAP, SPACE, LETTER = 66, 46, 26, 7.4  #: of a node, between layers, between nodes, of a letter
#: Of each kind of step inside and border, as in the page.
COLOURS = {"leaf": ("#fdf0e3", "#a84300"), "data": ("#e7f0fa", "#0b5cad"), "op": ("#ffffff", "#66707e")}
ARROW = (
    '<defs><marker id="to" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" orient="auto">'
    '<path d="M0 1 10 5 0 9z"/></marker></defs>'
)


class Corner(NamedTuple):
    """Where an edge passes by a layer on its way."""

    source: int
    target: int
    layer: int


def sketch(rows: Sequence[Explained], filled: bool) -> str:
    """The graph of an explained computation, with its numbers or with blanks; what is given is there in both.

    A high graph is cut into several pictures, so that each fits on a page.

    >>> from minigrad import viz
    >>> rows = viz.explain(lambda x, y: x * y, 3.0, -2.0).steps
    >>> "−6" in sketch(rows, True), "−6" in sketch(rows, False), "−2" in sketch(rows, False)
    (True, False, True)
    """
    layers = _layers(rows)
    widths = {row.step.id: max(108.0, 24 + LETTER * len(_title(row))) for row in rows}
    places, width = _places(layers, widths)
    edges = [_edge(source, row.step.id, layers, places) for row in rows for source in dict.fromkeys(_inputs(row))]
    parts, found = -(-len(layers) // LAYERS), []
    for part in range(parts):
        first, end = (len(layers) * n // parts for n in (part, part + 1))
        inside = {item for layer in layers[first:end] for item in layer}
        nodes = [_node(row, *places[row.step.id], widths[row.step.id], filled) for row in rows if row.step.id in inside]
        top = first * (HEIGHT + GAP) - (GAP / 2 if first else 0)
        bottom = end * (HEIGHT + GAP) - (GAP / 2 if end < len(layers) else GAP - 4)
        size = f'viewBox="0 {top:.0f} {width:.0f} {bottom - top:.0f}" style="width: {width:.0f}px; max-width: 100%"'
        name = f"graph, part {part + 1} of {parts}" if parts > 1 else "graph"
        picture = "".join([ARROW, *edges, *nodes])
        found.append(f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{name}">{picture}</svg>')
    return "\n".join(found)


# ------------------------------------------------------------------------------------- private


def _inputs(row: Explained) -> list[int]:
    return [source for source, *_ in row.step.inputs]


def _layers(rows: Sequence[Explained]) -> list[list[Any]]:
    """Steps by how far they are from the beginning, with the corners of edges that pass by; few edges cross."""
    depth: dict[int, int] = {}
    for row in rows:
        depth[row.step.id] = 1 + max((depth[source] for source in _inputs(row)), default=-1)
    for row in reversed(rows):  # what is given stands right above what reads it first
        readers = [depth[other.step.id] for other in rows if row.step.id in _inputs(other)]
        if not row.step.inputs and readers:
            depth[row.step.id] = min(readers) - 1
    layers: list[list[Any]] = [[] for _ in range(max(depth.values()) + 1)]
    beside: dict[Any, list[Any]] = {}
    for row in rows:
        layers[depth[row.step.id]].append(row.step.id)
        for source in dict.fromkeys(_inputs(row)):
            passed = [Corner(source, row.step.id, n) for n in range(depth[source] + 1, depth[row.step.id])]
            for corner in passed:
                layers[corner.layer].append(corner)
            way = [source, *passed, row.step.id]
            for a, b in zip(way, way[1:], strict=False):
                beside.setdefault(a, []).append(b)
                beside.setdefault(b, []).append(a)
    for _ in range(4):
        for one, other in [*zip(layers[1:], layers, strict=False), *zip(layers[-2::-1], layers[::-1], strict=False)]:
            at = {item: n / max(1, len(other) - 1) for n, item in enumerate(other)}
            middle = {item: [at[b] for b in beside.get(item, ()) if b in at] or [0.5] for item in one}
            one.sort(key=lambda item: sum(middle[item]) / len(middle[item]))
    return layers


def _places(layers: list[list[Any]], widths: dict[int, float]) -> tuple[dict[Any, tuple[float, float]], float]:
    """The middle of each node and corner, and the width of all."""
    size = [sum(widths.get(item, 0.0) + SPACE for item in layer) - SPACE for layer in layers]
    width = max(size) + 4
    places = {}
    for n, layer in enumerate(layers):
        x = (width - size[n]) / 2
        for item in layer:
            own = widths.get(item, 0.0)
            places[item] = (x + own / 2, 2 + n * (HEIGHT + GAP) + HEIGHT / 2)
            x += own + SPACE
    return places, width


def _edge(source: int, target: int, layers: list[list[Any]], places: dict[Any, tuple[float, float]]) -> str:
    corners = [item for layer in layers for item in layer if isinstance(item, Corner) and item[:2] == (source, target)]
    (x, y), (end, below) = places[source], places[target]
    path, y = f"M{x:.1f} {y + HEIGHT / 2:.1f}", y + HEIGHT / 2
    for corner in corners:
        a, b = places[corner]
        path += _bend(x, y, a, b - HEIGHT / 2) + f"V{b + HEIGHT / 2:.1f}"
        x, y = a, b + HEIGHT / 2
    path += _bend(x, y, end, below - HEIGHT / 2)
    return f'<path d="{path}" fill="none" stroke="#66707e" marker-end="url(#to)"/>'


def _bend(x: float, y: float, end: float, below: float) -> str:
    """From one place down to another one."""
    return f"C{x:.1f} {y + GAP / 2:.1f} {end:.1f} {below - GAP / 2:.1f} {end:.1f} {below:.1f}"


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
    place = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{HEIGHT}" rx="{0 if is_given else 8}"'
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
