"""What a notebook shows of a module: the tree of the modules in it, and their parameters."""

from __future__ import annotations

from html import escape

import minigrad

from ..contents import members
from ..module import Module
from ..parameter import is_lazy

__all__ = ["outline_html"]


def outline_html(module: Module) -> str:
    """The tree of modules with their parameters, whose numbers a click shows, as HTML.

    >>> import nn
    >>> "<b>Linear" in outline_html(nn.Linear(2, 1))
    True
    """
    display = minigrad.viz.Display()
    return display.whole(_tree("", module, frozenset(), display))


def _tree(name: str, module: Module, above: frozenset[int], display: minigrad.viz.Display) -> str:
    if id(module) in above:
        return f"<div>{escape(name)} ...</div>"
    above |= {id(module)}
    count = sum(p.size for p in module.parameters() if not is_lazy(p))
    text = f"{type(module).__name__}({module.extra_repr()})"
    size = f"<span style='opacity:0.75'>{count:,} parameters</span>"
    line = f"{escape(name)} <b>{escape(text)}</b> {size}"
    own = [(child, p) for child, p in module.named_parameters(recurse=False) if not is_lazy(p)]
    children = [(child, m) for child, m in members(module) if isinstance(m, Module)]
    inner = "".join(display.entry(child, p) for child, p in own)
    inner += "".join(_tree(f"({child}):", m, above, display) for child, m in children)
    if not inner:
        return f"<div>{line}</div>"
    inside = f"<div style='margin-left:1.5em'>{inner}</div>"
    return f"<details{' open' if children else ''}><summary>{line}</summary>{inside}</details>"
