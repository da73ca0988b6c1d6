"""Where the nodes of a picture stand: as Graphviz's `dot` puts them, or, where it is not installed, in simple layers."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .drawing import graphviz_package
from .outline import Box, Outline

__all__ = ["Layout", "laid_out"]

#: A point, y downwards, in points (1/72 inch).
Point = tuple[float, float]
#: The middle of a node, its width and its height.
Place = tuple[float, float, float, float]
GAP = {"along": 32.0, "across": 18.0}
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
    boxes: list[tuple[str, Point, Point]]


def laid_out(found: Outline, size: Callable[[int], tuple[float, float]]) -> Layout:
    """Places for nodes whose widths and heights are given by a function of their numbers.

    >>> from .outline import outline
    >>> places = laid_out(outline(lambda x: x * x, (3.0,)), lambda node: (40, 20)).nodes
    >>> places[0][1] < places[1][1], places[0][2:]
    (True, (40.0, 20.0))
    """
    graphviz = graphviz_package()
    sizes = {node.id: size(node.id) for node in found.nodes}
    graph = graphviz.Digraph(
        graph_attr={"rankdir": found.direction, "nodesep": "0.25", "ranksep": "0.4", "newrank": "true"},
        node_attr={"shape": "box", "fixedsize": "true", "label": ""}, edge_attr={"arrowhead": "none"},
    )  # fmt: skip
    titles: dict[str, str] = {}
    _write(graph, found.root, sizes, titles)
    for link in found.links:
        graph.edge(f"n{link.source}", f"n{link.target}", **({"constraint": "false"} if link.carried else {}))
    try:
        answer = graph.pipe(format="json0")
    except graphviz.ExecutableNotFound:
        return _layers(found, sizes)
    return _read(json.loads(answer), titles)


def _write(graph: Any, box: Box, sizes: dict[int, tuple[float, float]], titles: dict[str, str]) -> None:
    for node in box.nodes:
        width, height = sizes[node.id]
        graph.node(f"n{node.id}", width=f"{width / 72:.4f}", height=f"{height / 72:.4f}")
    for inner in box.boxes:
        name = f"cluster_{len(titles)}"
        titles[name] = inner.title
        with graph.subgraph(name=name) as part:
            # Room for the title above; letters and their look are the picture's matter.
            part.attr(label="x" * len(inner.title), fontsize="10", labeljust="l", margin="8")
            _write(part, inner, sizes, titles)


def _read(answer: dict[str, Any], titles: dict[str, str]) -> Layout:
    left, bottom, right, top = map(float, answer["bb"].split(","))

    def point(text: str) -> Point:
        x, y = text.split(",")[-2:]
        return float(x) - left + MARGIN, top - float(y) + MARGIN

    nodes: dict[int, Place] = {}
    boxes: list[tuple[str, Point, Point]] = []
    numbers: dict[int, int] = {}
    for thing in answer.get("objects", ()):
        if thing["name"] in titles:
            x0, y0, x1, y1 = thing["bb"].split(",")
            boxes.append((titles[thing["name"]], point(f"{x0},{y1}"), point(f"{x1},{y0}")))
        else:
            numbers[thing["_gvid"]] = int(thing["name"][1:])
            width, height = (round(float(thing[side]) * 72, 2) for side in ("width", "height"))
            nodes[numbers[thing["_gvid"]]] = (*point(thing["pos"]), width, height)
    curves = {
        (numbers[edge["tail"]], numbers[edge["head"]]): [point(p) for p in edge["pos"].split(" ") if p[0] not in "es"]
        for edge in answer.get("edges", ())
    }
    return Layout(right - left + 2 * MARGIN, top - bottom + 2 * MARGIN, nodes, curves, boxes)


def _layers(found: Outline, sizes: dict[int, tuple[float, float]]) -> Layout:
    """Each node behind all that it reads, and as near as can be to the middle of it; no boxes around modules."""
    is_across, is_reversed = found.direction in ("LR", "RL"), found.direction in ("BT", "RL")
    reads: dict[int, list[int]] = defaultdict(list)
    for link in found.links:
        if not link.carried and link.source != link.target:
            reads[link.target].append(link.source)
    depths = _depths(found, reads)
    middles = _middles(depths, reads, sizes, is_across)
    nodes: dict[int, Place] = {}
    for node, (along, across) in middles.items():
        along = -along if is_reversed else along
        nodes[node] = (*((along, across) if is_across else (across, along)), float(sizes[node][0]), float(sizes[node][1]))
    thick = max(size[1 if is_across else 0] for size in sizes.values()) + GAP["across"]
    curves = {}
    for link in found.links:
        is_long = link.carried or depths[link.target] - depths[link.source] > 1
        bend = (0.0, thick * (-1 if link.carried else 1)) if is_across else (thick * (-1 if link.carried else 1), 0.0)
        curves[link.source, link.target] = _curve(nodes[link.source], nodes[link.target], bend if is_long else (0.0, 0.0))
    return _framed(nodes, curves)


def _middles(
    depths: dict[int, int], reads: dict[int, list[int]], sizes: dict[int, tuple[float, float]], is_across: bool
) -> dict[int, Point]:
    """Layer after layer: where along the way and across it each node is."""
    rows: dict[int, list[int]] = defaultdict(list)
    for node, number in depths.items():
        rows[number].append(node)
    middles: dict[int, Point] = {}
    start = 0.0
    for number in sorted(rows):
        thick = max(sizes[node][0 if is_across else 1] for node in rows[number])
        known = {n: [middles[m][1] for m in reads[n] if m in middles] for n in rows[number]}
        wish = {n: sum(places) / len(places) if places else 0.0 for n, places in known.items()}
        end = float("-inf")
        for node in sorted(rows[number], key=wish.__getitem__):
            half = sizes[node][1 if is_across else 0] / 2
            at = max(wish[node], end + GAP["across"] + half)
            end = at + half
            middles[node] = start + thick / 2, at
        start += thick + GAP["along"]
    return middles


def _depths(found: Outline, reads: dict[int, list[int]]) -> dict[int, int]:
    """The layer of each node; what reads nothing stands just before its first reader."""
    depth: dict[int, int] = {}
    for node in found.nodes:  # in the order of computation
        depth[node.id] = 1 + max((depth.get(source, 0) for source in reads[node.id]), default=-1)
    first: dict[int, int] = {}
    for target, sources in reads.items():
        for source in sources:
            first[source] = min(first.get(source, depth[target] - 1), depth[target] - 1)
    return {node: first.get(node, number) if not reads[node] else number for node, number in depth.items()}


def _curve(source: Place, target: Place, bend: Point) -> list[Point]:
    """From border to border, bent aside where others stand in the way; of a node to itself a loop beside it."""
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
    return Layout(right - left, bottom - top, moved, curves, [])
