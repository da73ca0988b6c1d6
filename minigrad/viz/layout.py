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
    """Each node behind all that it reads, and as near as can be to the middle of it; straight edges, no boxes."""
    is_across, is_reversed = found.direction in ("LR", "RL"), found.direction in ("BT", "RL")
    along = {node: size[0 if is_across else 1] for node, size in sizes.items()}
    across = {node: size[1 if is_across else 0] for node, size in sizes.items()}
    reads: dict[int, list[int]] = defaultdict(list)
    for link in found.links:
        if not link.carried and link.source != link.target:
            reads[link.target].append(link.source)
    rows: dict[int, list[int]] = defaultdict(list)
    for node, number in _depths(found, reads).items():
        rows[number].append(node)
    middle: dict[int, Point] = {}
    start = MARGIN
    for number in sorted(rows):
        thick = max(along[node] for node in rows[number])
        known = {n: [middle[m][1] for m in reads[n] if m in middle] for n in rows[number]}
        wish = {n: sum(places) / len(places) if places else 0.0 for n, places in known.items()}
        end = float("-inf")
        for node in sorted(rows[number], key=wish.__getitem__):
            at = max(wish[node], end + GAP["across"] + across[node] / 2)
            end = at + across[node] / 2
            middle[node] = start + thick / 2, at
        start += thick + GAP["along"]
    length, low = start - GAP["along"] + MARGIN, min(at - across[n] / 2 for n, (_, at) in middle.items()) - MARGIN
    breadth = max(at + across[n] / 2 for n, (_, at) in middle.items()) + MARGIN - low
    nodes: dict[int, Place] = {}
    for node, (a, b) in middle.items():
        a = length - a if is_reversed else a
        x, y = (a, b - low) if is_across else (b - low, a)
        nodes[node] = (x, y, float(sizes[node][0]), float(sizes[node][1]))
    curves = {(link.source, link.target): _straight(nodes[link.source], nodes[link.target]) for link in found.links}
    return Layout(*((length, breadth) if is_across else (breadth, length)), nodes, curves, [])


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


def _straight(source: Place, target: Place) -> list[Point]:
    """From border to border, as a curve; of a node to itself a loop beside it."""
    if source == target:
        x, y, width, height = source
        right = x + width / 2
        return [(right, y - 5), (right + 30, y - height), (right + 30, y + height), (right, y + 5)]
    a, b = _border(source, target), _border(target, source)
    between = [(a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part) for part in (1 / 3, 2 / 3)]
    return [a, *between, b]


def _border(at: Place, towards: Place) -> Point:
    x, y, width, height = at
    dx, dy = towards[0] - x, towards[1] - y
    scale = min(width / 2 / abs(dx) if dx else float("inf"), height / 2 / abs(dy) if dy else float("inf"), 1.0)
    return x + dx * scale, y + dy * scale
