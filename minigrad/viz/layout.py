"""Where the nodes of a picture stand: as Graphviz's `dot` puts them, or, where it is not installed, in simple layers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .drawing import graphviz_package
from .layers import MARGIN, Layout, Place, Point, layered
from .outline import Box, Outline

__all__ = ["laid_out"]


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
    """Without Graphviz."""
    reads: dict[int, list[int]] = {node.id: [] for node in found.nodes}
    back = []
    for link in found.links:
        if link.carried or link.source == link.target:
            back.append((link.source, link.target))
        else:
            reads[link.target].append(link.source)
    return layered(reads, sizes, found.direction, back=back)
