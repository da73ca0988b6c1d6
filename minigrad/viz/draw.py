"""Drawing a graph with Graphviz."""

from __future__ import annotations

import importlib
import os
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ..backward import gradients
from ..files import write_whole
from ..graph import clock
from ..tensor import Tensor
from .capture import Call
from .highlight import MARK, Marked, mark
from .numbers import number, size
from .target import resolve
from .values import backward_flow, saved_values, value_of
from .view import Edge, Group, view
from .walk import Step, walk

__all__ = ["DotNotFoundError", "Drawing", "draw"]

STYLES = ("minimal", "normal", "detailed")
SYMBOLS = {
    "add": "+", "subtract": "−", "multiply": "×", "divide": "÷", "negative": "−x", "matmul": "@", "power": "xʸ", "square": "x²",
    "sqrt": "√", "sum": "Σ", "prod": "Π", "exp": "eˣ", "absolute": "|x|",
}  # fmt: skip


class DotNotFoundError(RuntimeError):
    """Graphviz's program `dot` is not on this machine; the message says how to get it."""


class Drawing:
    """A drawn graph: `.source` is its DOT text, `.render(path)` a picture; a notebook shows it by itself.

    Attributes:
        digraph: the `graphviz.Digraph`, to add to or to style.
        steps: the steps of the whole graph, see `minigrad.viz.walk`.
        notes: what was left out of a large graph, and what `highlight` found.
    """

    def __init__(self, digraph: Any, steps: list[Step], notes: list[str]) -> None:
        self.digraph = digraph
        self.steps = steps
        self.notes = notes

    @property
    def source(self) -> str:
        """The graph in the DOT language."""
        return self.digraph.source

    def render(self, path: str | os.PathLike[str]) -> Path:
        """Write a picture in the format of the path's suffix (.svg, .png, .pdf), or the source (.dot, .gv).

        Files are written whole or not at all.

        Raises:
            DotNotFoundError: `dot` is not installed; the source was written beside the path, as .dot.
        """
        path = Path(path)
        kind = path.suffix.lower().lstrip(".")
        if not kind:
            raise ValueError(f"render needs a suffix that names the format, such as {path}.svg or {path}.png")
        if kind in ("dot", "gv"):
            return _write(path, self.source.encode())
        try:
            return _write(path, self._pipe(kind))
        except DotNotFoundError as error:
            source = _write(path.with_suffix(".dot"), self.source.encode())
            raise DotNotFoundError(f"{error}. The graph's source is in {source}") from None

    def _pipe(self, kind: str) -> bytes:
        graphviz = _graphviz()
        try:
            return self.digraph.pipe(format=kind)
        except graphviz.ExecutableNotFound:
            raise DotNotFoundError(
                f"a {kind} picture needs Graphviz's program `dot`: install it with `apt install graphviz` (Debian, Ubuntu), "
                "`brew install graphviz` (macOS) or `winget install graphviz` (Windows)"
            ) from None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            return {"image/svg+xml": self._pipe("svg").decode()}
        except DotNotFoundError as error:
            return {"text/plain": f"{error}\n\n{self.source}"}


def draw(
    target: Any, *inputs: Any, names: Any = None, direction: str = "TB", style: str = "normal", depth: int | None = None,
    repeats: str = "unrolled", highlight: Any = None, derivative: int = 0, max_nodes: int = 1000,
) -> Drawing:  # fmt: skip
    """Draw the graph that computed some tensors; of a gradient made with `create_graph=True` too.

    Args:
        target: a tensor or several that require a gradient; or a module or a function, which is called with the inputs.
        inputs: the example inputs of a module or function; after tensors the `names` may stand here.
        names: a module, whose parameters are then named by their paths, or a dict from names to tensors.
            A tensor's own `.name` is used otherwise.
        direction: "TB" from top to bottom, "LR" from left to right.
        style: "minimal" has symbols alone, "normal" shapes and dtypes, "detailed" also memory, numbers and gradients where
            they are known (see `capture`).
        depth: modules at this depth are one node each; 0 closes the whole model.  Ops are drawn in boxes by the modules that
            made them, where these are known: of a module as target, and of what was computed under `capture(module)`.
        repeats: "unrolled" draws every step of a recurrent network, "compact" one for all, with edges that go back.
        highlight: a tensor, from which all ways to the result are marked; "nan", where NaN and infinity come from;
            "gradient", where gradients vanish or explode.  `Drawing.notes` says what was found.
        derivative: 1 draws the computation of the leaves' gradients too, in a box of its own, 2 that of their gradients.
        max_nodes: larger graphs, which would keep `dot` busy for minutes, are summarised.

    Raises:
        ValueError: of tensors without a graph; of options that do not exist.

    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> print(draw((x * x).sum()).source)  # doctest: +ELLIPSIS
    digraph {
    ...
    }
    <BLANKLINE>
    """
    if direction not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"direction must be TB, LR, BT or RL, got {direction!r}")
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, got {style!r}")
    tensors, names = resolve(target, inputs, names)
    steps = walk(tensors, names)
    if derivative:
        steps = _derived(tensors, steps, names, derivative)
    shown = view(steps, depth, repeats, max_nodes)
    marked = mark(highlight, tensors, steps)
    numbers = _Numbers(tensors, steps) if style == "detailed" else None
    graph = _graphviz().Digraph(
        graph_attr={
            "rankdir": direction, "fontname": "Helvetica", "fontsize": "11", "bgcolor": "white", "compound": "true",
            "label": "\n".join(shown.notes), "labelloc": "t",
        },
        node_attr={"fontname": "Helvetica", "fontsize": "11", "height": "0.3", "margin": "0.12,0.06"},
        edge_attr={"fontname": "Helvetica", "fontsize": "9", "color": "#666666", "fontcolor": "#444444", "arrowsize": "0.7"},
    )  # fmt: skip
    _boxes(graph, shown.groups, 0, repeats == "compact", lambda at, group: _node(at, group, style, numbers, marked))
    for edge in shown.edges:
        _edge(graph, edge, style, marked)
    for group in shown.groups:
        step = group.steps[-1]
        if step.output and not derivative:
            text = step.name or "result"
            text += "" if style == "minimal" else f"\n{_describe(step.shape, step.dtype)}"
            graph.node(f"out{step.id}", _escape(text), shape="box", style="filled", fillcolor="#dcedc8", color="#558b2f")
            graph.edge(str(group.id), f"out{step.id}")
    return Drawing(graph, steps, [*shown.notes, *marked.notes])


def _graphviz() -> Any:
    try:
        return importlib.import_module("graphviz")
    except ImportError as error:
        raise ImportError("drawing needs the Python package graphviz: pip install graphviz") from error


class _Numbers:
    """The values and gradients of all steps, as far as they are known, as text."""

    def __init__(self, tensors: list[Tensor], steps: list[Step]) -> None:
        read = saved_values(step.node for step in steps)
        self.values = {step.id: value_of(step.node, read) for step in steps}
        try:
            self.gradients = {flow.step.id: flow.total for flow in backward_flow(tensors, steps)}
        except RuntimeError:  # of several elements, or freed by a backward pass: drawn without
            self.gradients = {}

    def of(self, step: Step) -> list[str]:
        """The lines about a step."""
        value, gradient = self.values[step.id], self.gradients.get(step.id)
        lines = [] if step.shape is None else [size(prod(step.shape) * np.dtype(step.dtype).itemsize)]
        return lines + [f"{what} {number(x)}" for what, x in (("=", value), ("gradient", gradient)) if x is not None]


def _derived(tensors: list[Tensor], steps: list[Step], names: Any, order: int) -> list[Step]:
    """The graph of the gradients, in boxes by their order."""
    leaves = [step.node.tensor() for step in steps if step.op is None]
    leaves = [leaf for leaf in leaves if leaf is not None]
    outputs, starts = tensors, []
    for _ in range(order):
        starts.append(next(clock))
        found = gradients(outputs, leaves, [np.ones_like(t._data) for t in outputs], create_graph=True)
        outputs = [g for g in found if g is not None and g._node is not None]
        if not outputs:
            raise ValueError(f"derivative={order}: the gradient of order {len(starts)} does not depend on the leaves")
    derived = walk([*tensors, *outputs], names)
    for step in derived:
        if step.op and (passed := sum(step.id > start for start in starts)):
            step.calls = (Call(("gradient", "second derivative", "third derivative")[min(passed, 3) - 1], 1, ""),)
    return derived


def _boxes(graph: Any, groups: list[Group], level: int, compact: bool, node: Any) -> None:
    """Draw groups in nested boxes, by the calls that they were made in; the model itself has none."""
    inner: dict[Call, list[Group]] = {}
    for group in groups:
        if len(group.box) > level:
            inner.setdefault(group.box[level], []).append(group)
        else:
            node(graph, group)
    for call, members in inner.items():
        if not call.path:
            _boxes(graph, members, level + 1, compact, node)
            continue
        with graph.subgraph(name=f"cluster_{members[0].id}_{level}") as box:
            times = len({c.number for g in members for s in g.steps for c in s.calls if c.path == call.path}) if compact else 0
            box.attr(
                label=_escape(_title(call, times)),
                style="rounded,filled",
                fillcolor="#f6f7fa",
                color="#b9c0cc",
                fontcolor="#444c59",
            )
            _boxes(box, members, level + 1, compact, node)


def _title(call: Call, times: int = 0) -> str:
    path = f"{call.path}: {call.kind}" if call.path and call.kind else call.path or call.kind
    return path + (f"  ({times} times)" if times > 1 else f"  (call {call.number})" if call.number > 1 else "")


def _node(graph: Any, group: Group, style: str, numbers: _Numbers | None, marked: Marked) -> None:
    step, last = group.steps[0], group.steps[-1]
    many = f" ×{len(group.steps)}" if len(group.steps) > 1 else ""
    if group.closed:
        lines = [
            _title(group.closed),
            *([] if style == "minimal" else [f"{len(group.steps)} steps", _describe(last.shape, last.dtype)]),
        ]
        look = {"shape": "box3d", "style": "filled", "fillcolor": "#e3e0f3", "color": "#5e4fa2"}
    elif step.op is None:
        lines = [step.name or "leaf", *([] if style == "minimal" else [_describe(step.shape, step.dtype)])]
        look = {"shape": "box", "style": "filled", "fillcolor": "#fff3c4", "color": "#b08d00"}
    else:
        lines = [(SYMBOLS.get(step.op, step.op) if style == "minimal" else step.op) + many]
        look = {"shape": "box", "style": "rounded,filled", "fillcolor": "#dbe9ff", "color": "#3b6db5"}
        if style == "detailed":
            lines.append(_describe(step.shape, step.dtype))
    if numbers is not None and len(group.steps) == 1:
        lines += numbers.of(step)
    colours = [marked.steps[s.id] for s in group.steps if s.id in marked.steps]
    if colours:
        look |= {"fillcolor": colours[0], "penwidth": "2"}
    graph.node(str(group.id), _escape("\n".join(lines)), **look)


def _edge(graph: Any, edge: Edge, style: str, marked: Marked) -> None:
    look = {}
    if edge.carried:
        look = {"style": "dashed", "constraint": "false"}
    if edge.source in marked.path and edge.target in marked.path:
        look |= {"color": MARK, "penwidth": "2.5"}
    text = "" if style == "minimal" else _describe(edge.shape, edge.dtype)
    text += f" ×{edge.count}" if edge.count > 1 and style != "minimal" else ""
    text += "\nnext step" if edge.carried and style != "minimal" else ""
    graph.edge(str(edge.source), str(edge.target), _escape(text), **look)


def _escape(text: str) -> str:
    return _graphviz().escape(text)


def _describe(shape: Any, dtype: Any) -> str:
    if shape is None:
        return "several"
    return f"{'×'.join(map(str, shape)) or 'scalar'} {dtype}"


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(path, content)
