"""The public names of minigrad and nn that a script uses, with links to the API reference where that has them."""

from __future__ import annotations

import ast
import importlib
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx import addnodes

PACKAGES = ("minigrad", "nn")


def names(tree: ast.Module) -> list[str]:
    """Their full names, sorted.

    >>> names(ast.parse("import nn; from minigrad import grad; nn.Linear(2, 1).weight; grad(len); nn.functional.relu"))
    ['minigrad.grad', 'nn.functional.relu', 'nn.Linear']
    """
    known = imported(tree)
    chains = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute) and dotted(node)}
    found = {name for chain in chains if (name := full(chain, known))}
    return sorted(found, key=str.casefold)


def imported(tree: ast.Module) -> dict[str, str]:
    """What the names mean that are imported from the packages."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
            found |= {first: first for alias in node.names if not alias.asname for first in alias.name.split(".")[:1]}
    return {name: meant for name, meant in found.items() if meant.split(".")[0] in PACKAGES}


def dotted(node: ast.expr) -> bool:
    """Whether it is a name, or attributes of one."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def full(chain: str, known: dict[str, str]) -> str:
    """The full name of what is behind modules: `nn.optim.Adam` of `nn.optim.Adam.step`; empty where there is nothing."""
    first, *rest = chain.split(".")
    if first not in known:
        return ""
    path = [*known[first].split("."), *rest]
    thing: Any = importlib.import_module(path[0])
    for i, part in enumerate(path[1:], 2):
        thing = getattr(thing, part, None)
        if not isinstance(thing, ModuleType):
            return ".".join(path[:i]) if thing is not None else ""
    return ""


def link(name: str) -> addnodes.pending_xref:
    """A link to the name's place in the API reference; where there is none, the name alone."""
    content = nodes.literal("", name, classes=["xref", "py", "py-obj"])
    return addnodes.pending_xref("", content, refdomain="py", reftype="obj", reftarget=name, refexplicit=True, refwarn=False)
