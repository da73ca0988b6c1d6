"""What a notebook shows of a module: the tree of the modules in it."""

from __future__ import annotations

from html import escape

from ..contents import members
from ..module import Module
from ..parameter import is_lazy

__all__ = ["outline_html"]


def outline_html(module: Module) -> str:
    """The tree of modules with their numbers of parameters, as HTML.

    >>> import nn
    >>> "<b>Linear" in outline_html(nn.Linear(2, 1))
    True
    """
    return f'<div style="line-height:1.5">{_tree("", module, frozenset())}</div>'


def _tree(name: str, module: Module, above: frozenset[int]) -> str:
    if id(module) in above:
        return f"<div>{escape(name)} ...</div>"
    above |= {id(module)}
    count = sum(p.size for p in module.parameters() if not is_lazy(p))
    text = f"{type(module).__name__}({module.extra_repr()})"
    size = f"<span style='opacity:0.75'>{count:,} parameters</span>"
    line = f"{escape(name)} <b>{escape(text)}</b> {size}"
    children = [(child, m) for child, m in members(module) if isinstance(m, Module)]
    inner = "".join(_tree(f"({child}):", m, above) for child, m in children)
    if not inner:
        return f"<div>{line}</div>"
    inside = f"<div style='margin-left:1.5em'>{inner}</div>"
    return f"<details open><summary>{line}</summary>{inside}</details>"
