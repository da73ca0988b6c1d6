"""A node that is written as one HTML element, for directives whose parts have no node of their own in docutils."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


class Element(nodes.General, nodes.Element):
    """`Element("details", hidden="")` becomes `<details hidden="">`, with its children inside."""

    def __init__(self, tag: str = "div", *children: nodes.Node, **attributes: Any) -> None:
        super().__init__("", *children)
        self["tag"] = tag
        self["html"] = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}


def text_of(tag: str, text: str, **attributes: Any) -> Element:
    return Element(tag, nodes.Text(text), **attributes)


def _open(self: Any, node: Element) -> None:
    attributes = "".join(f' {name}="{self.attval(str(value))}"' for name, value in node["html"].items())
    self.body.append(f"<{node['tag']}{attributes}>")


def _close(self: Any, node: Element) -> None:
    if node["tag"] != "input":
        self.body.append(f"</{node['tag']}>")


def _nothing(self: Any, node: Element) -> None:
    pass


def setup(app: Sphinx) -> None:
    other = (_nothing, _nothing)
    app.add_node(Element, html=(_open, _close), latex=other, text=other, man=other, texinfo=other)
