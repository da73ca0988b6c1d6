"""A graph as data: JSON with its numbers, and a graph of networkx."""

from __future__ import annotations

import importlib
import json
from typing import Any

import numpy as np

from ..install import install
from .explain import Explained, source_of
from .numbers import host
from .outline import Node, Outline, outline
from .text import printable_data

__all__ = ["json_text", "to_networkx"]

#: Of a larger array its range is given.
ALL_NUMBERS = 1000


def to_networkx(
    target: Any, *inputs: Any, names: Any = None, gradient: Any = None, depth: int | None = None, repeats: str | None = None,
    derivative: int = 0, max_nodes: int = 1000,
) -> Any:  # fmt: skip
    """The graph as a `networkx.DiGraph`: to count, to search, to find paths in.

    Nodes are 0, 1, 2, ... in the order of computation, with the attributes `kind` ("leaf", "data", "op", "module"), `label`,
    `op`, `shapes`, `modules`, `output`, `count`, and, of a single step, `value` and `gradient` as arrays, None where they are
    not known.  Edges have `shape`, `dtype`, `count`, `carried` and `data`.

    Args:
        target, inputs, names, gradient, depth, repeats, derivative, max_nodes: as for `draw`.

    Raises:
        ImportError: networkx is not installed.
        RuntimeError: a backward pass has freed what the rules read.

    >>> graph = to_networkx(lambda x, y: np.sin(x * y) + x, 0.5, 2.0)
    >>> [label for _, label in graph.nodes(data="label")], sorted(graph.edges)
    (['x', 'y', 'v1', 'v2', 'result'], [(0, 2), (0, 4), (1, 2), (2, 3), (3, 4)])
    """
    try:
        networkx = importlib.import_module("networkx")
    except ImportError as error:
        raise ImportError(f"to_networkx needs networkx: {install('viz')}") from error
    found = outline(
        target, inputs, names, depth=depth, repeats=repeats, derivative=derivative, max_nodes=max_nodes, gradient=gradient
    )
    graph = networkx.DiGraph(notes=found.notes)
    for node in found.nodes:
        row = node.row if len(node.steps) == 1 else None
        value, arrived = (None, None) if row is None else (_plain(row.value), _plain(row.gradient))
        modules = tuple(call.path for call in node.steps[0].calls)
        graph.add_node(
            node.id, kind=node.kind, label=node.label, op=node.op, shapes=node.shapes, modules=modules, output=node.output,
            count=len(node.steps), value=value, gradient=arrived,
        )  # fmt: skip
    for link in found.links:
        graph.add_edge(
            link.source, link.target, shape=link.shape, dtype=link.dtype, count=link.count, carried=link.carried, data=link.data
        )
    return graph


def json_text(found: Outline, title: str) -> str:
    """The graph and its numbers as JSON, with the same fields as the page gives.

    >>> data = json.loads(json_text(outline(lambda x: x * x, (3.0,)), "square"))
    >>> data["nodes"][1]["op"], data["nodes"][0]["gradient"]["data"], data["edges"]
    ('multiply', [6.0], [{'source': 0, 'target': 1, 'count': 2}])
    """
    edges = []
    for link in found.links:
        edge: dict[str, Any] = {"source": link.source, "target": link.target, "count": link.count}
        edges.append(edge | ({"carried": True} if link.carried else {}))
    data = {
        "format": "minigrad graph", "title": title, "notes": found.notes, "nodes": [_node(node) for node in found.nodes],
        "edges": edges,
    }  # fmt: skip
    return json.dumps(printable_data(data), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _node(node: Node) -> dict[str, Any]:
    row = node.row
    step = node.steps[0] if row is None else row.step
    call = "" if row is None or node.kind == "module" else row.call
    return {
        "id": node.id, "kind": node.kind, "op": node.op, "label": node.label, "call": call,
        "shape": step.shape, "dtype": None if step.dtype is None else str(step.dtype), "output": node.output,
        "modules": [{"path": c.path, "call": c.number, "class": c.kind} for c in node.steps[0].calls],
        "source": source_of(step), "count": len(node.steps), **_numbers(row),
    }  # fmt: skip


def _numbers(row: Explained | None) -> dict[str, Any]:
    return {
        "value": None if row is None else _array(row.value),
        "gradient": None if row is None else _array(row.gradient),
    }


def _array(value: Any) -> Any:
    """All numbers of an array, of a large one the range; infinities and NaN are words, which JSON has no numbers for."""
    if value is None:
        return None
    if isinstance(value, (tuple, list)):
        return [_array(part) for part in value]
    array = host(value)
    about: dict[str, Any] = {"shape": array.shape}
    if array.size <= ALL_NUMBERS:
        return about | {"data": [_number(x) for x in array.ravel().tolist()]}
    finite = array[np.isfinite(array)] if array.dtype.kind in "fiub" else array[:0]
    if not finite.size:
        return about
    range_ = {"min": finite.min(), "max": finite.max(), "mean": finite.mean(), "std": finite.std()}
    return about | {name: _number(float(x)) for name, x in range_.items()}


def _number(x: Any) -> Any:
    if isinstance(x, complex):
        return [_number(x.real), _number(x.imag)]
    return x if not isinstance(x, float) or np.isfinite(x) else str(x)


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(map(_plain, value))
    return None if value is None else host(value)
