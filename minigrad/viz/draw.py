"""Drawing a graph with Graphviz."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..files import write_whole
from ..tensor import Tensor
from .walk import Step, walk

__all__ = ["DotNotFoundError", "Drawing", "draw"]


class DotNotFoundError(RuntimeError):
    """Graphviz's program `dot` is not on this machine; the message says how to get it."""


class Drawing:
    """A drawn graph: `.source` is its DOT text, `.render(path)` a picture; a notebook shows it by itself.

    Attributes:
        digraph: the `graphviz.Digraph`, to add to or to style.
        steps: what is drawn, see `minigrad.viz.walk`.
    """

    def __init__(self, digraph: Any, steps: list[Step]) -> None:
        self.digraph = digraph
        self.steps = steps

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


def draw(outputs: Tensor | Iterable[Tensor], names: Any = None, *, direction: str = "TB", max_nodes: int = 1000) -> Drawing:
    """Draw the graph that computed some tensors; of a gradient made with `create_graph=True` too.

    Args:
        outputs: tensors that require a gradient.
        names: a module, whose parameters are then named by their paths, or a dict from names to tensors.
            A tensor's own `.name` is used otherwise.
        direction: "TB" from top to bottom, "LR" from left to right.
        max_nodes: refuse larger graphs, which would keep `dot` busy for minutes.

    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> print(draw((x * x).sum()).source)  # doctest: +ELLIPSIS
    digraph {
    ...
    }
    <BLANKLINE>
    """
    if direction not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"direction must be TB, LR, BT or RL, got {direction!r}")
    steps = walk(outputs, names)
    if len(steps) > max_nodes:
        raise ValueError(
            f"the graph has {len(steps)} nodes, more than max_nodes={max_nodes}: draw a smaller example (a shorter sequence, "
            "fewer steps), or pass a larger max_nodes and be patient"
        )
    graphviz = _graphviz()
    graph = graphviz.Digraph(
        graph_attr={"rankdir": direction, "fontname": "Helvetica", "bgcolor": "white"},
        node_attr={"fontname": "Helvetica", "fontsize": "11", "height": "0.3", "margin": "0.12,0.06"},
        edge_attr={"fontname": "Helvetica", "fontsize": "9", "color": "#666666", "fontcolor": "#444444", "arrowsize": "0.7"},
    )
    for step in steps:
        graph.node(str(step.id), graphviz.escape(_label(step)), **_style(step))
        for source, shape, dtype in step.inputs:
            graph.edge(str(source), str(step.id), graphviz.escape(_describe(shape, dtype)))
    for step in steps:
        if step.output:
            result = f"out{step.id}"
            text = f"{step.name or 'result'}\n{_describe(step.shape, step.dtype)}"
            graph.node(result, graphviz.escape(text), shape="box", style="filled", fillcolor="#dcedc8", color="#558b2f")
            graph.edge(str(step.id), result)
    return Drawing(graph, steps)


def _graphviz() -> Any:
    try:
        return importlib.import_module("graphviz")
    except ImportError as error:
        raise ImportError("drawing needs the Python package graphviz: pip install graphviz") from error


def _describe(shape: Any, dtype: Any) -> str:
    if shape is None:
        return "several"
    return f"{'×'.join(map(str, shape)) or 'scalar'} {dtype}"


def _label(step: Step) -> str:
    if step.kind == "leaf":
        return f"{step.name or 'leaf'}\n{_describe(step.shape, step.dtype)}"
    return step.op or ""


def _style(step: Step) -> dict[str, str]:
    if step.kind == "leaf":
        return {"shape": "box", "style": "filled", "fillcolor": "#fff3c4", "color": "#b08d00"}
    return {"shape": "box", "style": "rounded,filled", "fillcolor": "#dbe9ff", "color": "#3b6db5"}


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(path, content)
