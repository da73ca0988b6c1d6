"""A graph written to a file, in the format that its suffix names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import EllipsisType
from typing import Any

from ..files import write_whole
from .draw import draw
from .explore import explore
from .gif import gif
from .mermaid import mermaid
from .outline import Outline, outline
from .records import json_text
from .tikz import document

__all__ = ["export"]


def export(
    target: Any, *inputs: Any, path: str | os.PathLike[str], names: Any = None, gradient: Any = None,
    title: str = "Computation graph", direction: str | None = None, style: str = "normal",
    depth: int | EllipsisType | None = ..., repeats: str | None = None, highlight: Any = None, derivative: int = 0,
    max_nodes: int | EllipsisType = ..., seconds: float | None = None,
) -> Path:  # fmt: skip
    """Write a graph to a file; the suffix of its name says how.

    | suffix | what |
    |---|---|
    | .svg .png .pdf .dot ... | the picture that `draw` makes, by Graphviz's `dot` |
    | .html | the page that `explore` makes |
    | .tex | a LaTeX document with TikZ, for papers; nothing beside `standalone` and `tikz` is needed |
    | .mmd | Mermaid, which GitHub draws in a README |
    | .gif | a film of the forward and the backward pass, for slides; needs Pillow |
    | .json | nodes, edges and numbers, for programs |

    Pictures in .tex and .gif are laid out by `dot`; without it, in simple layers.

    Args:
        target, inputs, names, gradient, direction, style, depth, repeats, highlight, derivative, max_nodes: as for `draw`, and
            for a page as for `explore`, with its defaults; a page and a film have a style of their own.
        path: the file, written whole or not at all.
        title: of a page, a film and the numbers.
        seconds: how long a film shows each step, 1.2 by default.

    Returns:
        the path.

    Raises:
        ValueError: the path has no suffix; an option does not exist, or not for this format; a film would be too long.
        ImportError: a .gif needs Pillow.
        DotNotFoundError: a picture needs `dot`.
        RuntimeError: a backward pass has freed what the rules read, and numbers are asked for.

    >>> x = Tensor(2.0, requires_grad=True, name="x")
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(export(x * x, path=Path(folder, "graph.mmd")).read_text().splitlines()[0])
    flowchart TB
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if not kind:
        raise ValueError(f"export needs a suffix that names the format, such as {path}.svg or {path}.tex")
    if seconds is not None and kind != "gif":
        raise ValueError(f"export: seconds= is for films, .gif, got {path}")
    options: dict[str, Any] = {
        "names": names, "gradient": gradient, "direction": direction, "repeats": repeats, "highlight": highlight,
        "derivative": derivative,
    }  # fmt: skip
    options |= {name: x for name, x in (("depth", depth), ("max_nodes", max_nodes)) if x is not ...}
    if kind in ("html", "htm"):
        explore(target, *inputs, path=path, title=title, **options)
        return path
    if kind not in ("tex", "mmd", "gif", "json"):
        return draw(target, *inputs, style=style, **options).render(path)
    has_numbers = kind in ("gif", "json") or style == "detailed"
    found = outline(target, inputs, style=style, numbers=has_numbers, **options)
    writers: dict[str, Callable[[Outline], bytes]] = {
        "tex": lambda found: document(found).encode(),
        "mmd": lambda found: mermaid(found).encode(),
        "json": lambda found: json_text(found, title).encode(),
        "gif": lambda found: gif(found, title, 1.2 if seconds is None else seconds),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(path, writers[kind](found))
