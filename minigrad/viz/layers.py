"""A simple layout in layers, for small graphs: it needs no other program."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Layout", "Place", "layered"]

#: A point, y downwards, in points (1/72 inch).
Point = tuple[float, float]
#: The middle of a node, its width and its height.
Place = tuple[float, float, float, float]
GAP = (32.0, 18.0)  #: between layers, and between the nodes of one
MARGIN = 8.0


@dataclass
class Layout:
    """A picture of a size, in points; y goes downwards.

    Attributes:
        nodes: by their numbers, the middle, and width and height.
        curves: by the numbers of their ends, the points of Bezier curves one after the other: 1 + 3 n of them.
        boxes: the title and the corners of each, outer ones first.
    """

    width: float
    height: float
    nodes: dict[int, Place]
    curves: dict[tuple[int, int], list[Point]]
    boxes: list[tuple[str, Point, Point]] = field(default_factory=list)


class Corner(NamedTuple):
    """Where an edge passes by a layer on its way."""

    source: int
    target: int
    layer: int


def layered(
    reads: Mapping[int, Sequence[int]], sizes: Mapping[int, tuple[float, float]], direction: str = "TB",
    gap: tuple[float, float] = GAP, back: Sequence[tuple[int, int]] = (),
) -> Layout:  # fmt: skip
    """Each node behind all that it reads; an edge passes between those that stand in its way; no boxes around modules.

    Args:
        reads: in the order of computation, what each node reads.
        sizes: width and height of each.
        direction: the way of time: "TB", "LR", "BT" or "RL".
        gap: between layers, and between the nodes of one.
        back: edges that go back, drawn beside the others.

    >>> layout = layered({0: [], 1: [0], 2: [0, 1]}, dict.fromkeys(range(3), (40.0, 20.0)))
    >>> [y for x, y, *_ in layout.nodes.values()], len(layout.curves[0, 1]), len(layout.curves[0, 2])
    ([18.0, 70.0, 122.0], 4, 10)
    """
    is_across, is_reversed = direction in ("LR", "RL"), direction in ("BT", "RL")
    thick = {node: size if is_across else size[::-1] for node, size in sizes.items()}  # along the way, and across it
    rows, ways = _rows(reads)
    middles, layers = _middles(rows, thick, gap)

    def point(along: float, across: float) -> Point:
        along = -along if is_reversed else along
        return (along, across) if is_across else (across, along)

    nodes: dict[int, Place] = {node: (*point(*middles[node]), *map(float, sizes[node])) for node in reads}  # type: ignore[misc]
    curves = {}
    for (source, target), corners in ways.items():
        stops = [middles[corner] for corner in corners]
        ends = [(layers[corner.layer][0], layers[corner.layer][1]) for corner in corners]
        begin, end = middles[source], middles[target]
        path = [(begin[0] + thick[source][0] / 2, begin[1])]
        for (_, across), (first, last) in zip(stops, ends, strict=True):
            path += [*_bend(path[-1], (first, across)), (first, across), (last, across), (last, across)]
        path += _bend(path[-1], (end[0] - thick[target][0] / 2, end[1]))
        curves[source, target] = [point(*at) for at in path]
    aside = max(size[1] for size in thick.values()) + gap[1]
    for source, target in back:
        curves[source, target] = _back(nodes[source], nodes[target], point(0, -aside))
    return _framed(nodes, curves)


def _rows(reads: Mapping[int, Sequence[int]]) -> tuple[list[list[int | Corner]], dict[tuple[int, int], list[Corner]]]:
    """Nodes by how far they are from the beginning, with the corners of edges that pass by; few edges cross."""
    depth = _depths(reads)
    rows: list[list[int | Corner]] = [[] for _ in range(max(depth.values()) + 1)]
    beside: dict[int | Corner, list[int | Corner]] = defaultdict(list)
    ways = {}
    for node, sources in reads.items():
        rows[depth[node]].append(node)
        for source in dict.fromkeys(sources):
            ways[source, node] = corners = [Corner(source, node, n) for n in range(depth[source] + 1, depth[node])]
            for corner in corners:
                rows[corner.layer].append(corner)
            way: list[int | Corner] = [source, *corners, node]
            for a, b in zip(way, way[1:], strict=False):
                beside[a].append(b)
                beside[b].append(a)
    for _ in range(4):
        for one, other in [*zip(rows[1:], rows, strict=False), *zip(rows[-2::-1], rows[::-1], strict=False)]:
            at = {item: n / max(1, len(other) - 1) for n, item in enumerate(other)}
            middle = {item: [at[b] for b in beside[item] if b in at] or [0.5] for item in one}
            one.sort(key=lambda item: sum(middle[item]) / len(middle[item]))
    return rows, ways


def _depths(reads: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """The layer of each node; what reads nothing stands just before its first reader."""
    depth: dict[int, int] = {}
    for node, sources in reads.items():
        depth[node] = 1 + max((depth.get(source, 0) for source in sources), default=-1)
    first: dict[int, int] = {}
    for node, sources in reads.items():
        for source in sources:
            first[source] = min(first.get(source, depth[node]), depth[node])
    return {node: max(first.get(node, number + 1) - 1, 0) if not reads[node] else number for node, number in depth.items()}


def _middles(
    rows: list[list[int | Corner]], thick: Mapping[int, tuple[float, float]], gap: tuple[float, float]
) -> tuple[dict[int | Corner, Point], list[Point]]:
    """Where each node and corner is, along the way and across it, and where each layer begins and ends."""
    middles: dict[int | Corner, Point] = {}
    layers = []
    start = 0.0
    for row in rows:
        sizes = [(0.0, 0.0) if isinstance(item, Corner) else thick[item] for item in row]
        end = start + max((size[0] for size in sizes), default=0.0)
        across = -(sum(size[1] + gap[1] for size in sizes) - gap[1]) / 2
        for item, (_, size) in zip(row, sizes, strict=True):
            middles[item] = (start + end) / 2, across + size / 2
            across += size + gap[1]
        layers.append((start, end))
        start = end + gap[0]
    return middles, layers


def _bend(a: Point, b: Point) -> list[Point]:
    """From one place to another: both ends look along the way."""
    middle = (a[0] + b[0]) / 2
    return [(middle, a[1]), (middle, b[1]), b]


def _back(source: Place, target: Place, bend: Point) -> list[Point]:
    """From border to border, bent aside; of a node to itself a loop beside it."""
    if source == target:
        x, y, width, height = source
        right = x + width / 2
        return [(right, y - 5), (right + 30, y - height), (right + 30, y + height), (right, y + 5)]
    between = [
        (source[0] + (target[0] - source[0]) * part + bend[0], source[1] + (target[1] - source[1]) * part + bend[1])
        for part in (1 / 3, 2 / 3)
    ]
    return [_border(source, between[0]), *between, _border(target, between[1])]


def _border(at: Place, towards: Point) -> Point:
    """Where the way from the middle of a node to a point leaves the node."""
    x, y, width, height = at
    dx, dy = towards[0] - x, towards[1] - y
    scale = min(width / 2 / abs(dx) if dx else float("inf"), height / 2 / abs(dy) if dy else float("inf"))
    return (x + dx * scale, y + dy * scale) if dx or dy else (x, y)


def _framed(nodes: dict[int, Place], curves: dict[tuple[int, int], list[Point]]) -> Layout:
    """The picture around it all, which begins at 0."""
    points = [point for curve in curves.values() for point in curve]
    points += [(x + side * w / 2, y + side * h / 2) for x, y, w, h in nodes.values() for side in (-1, 1)]
    left, top = (min(point[axis] for point in points) - MARGIN for axis in (0, 1))
    right, bottom = (max(point[axis] for point in points) + MARGIN for axis in (0, 1))
    moved = {node: (x - left, y - top, w, h) for node, (x, y, w, h) in nodes.items()}
    curves = {ends: [(x - left, y - top) for x, y in curve] for ends, curve in curves.items()}
    return Layout(right - left, bottom - top, moved, curves)
