"""A drawn graph: its source, pictures of it, and what happens where Graphviz is not installed."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from ..files import write_whole
from .walk import Step

__all__ = ["DotNotFoundError", "Drawing", "graphviz_package"]


class DotNotFoundError(RuntimeError):
    """Graphviz's program `dot` is not on this machine; the message says how to get it."""


class Drawing:
    """A drawn graph: `.source` is its DOT text, `.render(path)` a picture; a notebook shows it by itself.

    Attributes:
        digraph: the `graphviz.Digraph`, to add to or to style.
        steps: the steps of the whole graph, see `minigrad.viz.walk`.
        notes: what was left out of a large graph, and what `highlight` found.

    >>> from minigrad import viz
    >>> drawing = viz.draw(lambda x: x * x, 2.0)
    >>> drawing, drawing.source.splitlines()[0], drawing.notes
    (<Drawing of 2 steps>, 'digraph {', [])
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
        graphviz = graphviz_package()
        try:
            return self.digraph.pipe(format=kind)
        except graphviz.ExecutableNotFound:
            raise DotNotFoundError(
                f"a {kind} picture needs Graphviz's program `dot`: install it with `apt install graphviz` (Debian, Ubuntu), "
                "`brew install graphviz` (macOS) or `winget install graphviz` (Windows)"
            ) from None

    def __repr__(self) -> str:
        return f"<Drawing of {len(self.steps)} steps>" if self.steps else "<Drawing of a program>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            return {"image/svg+xml": self._pipe("svg").decode(), "text/plain": repr(self)}
        except DotNotFoundError as error:
            return {"text/plain": f"{error}\n\n{self.source}"}


def graphviz_package() -> Any:
    """The Python package graphviz."""
    try:
        return importlib.import_module("graphviz")
    except ImportError as error:
        raise ImportError("drawing needs the Python package graphviz: pip install graphviz") from error


def _write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(path, content)
