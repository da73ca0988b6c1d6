"""A graph in Mermaid's language, which GitHub, GitLab and many note books draw: for a README."""

from __future__ import annotations

import re

from .highlight import MARK
from .outline import Box, Link, Node, Outline
from .text import one_line

__all__ = ["mermaid"]

#: The colours of `draw`, with the text's own, so that they can be read on a dark page, too.
CLASSES = {
    "leaf": "fill:#fff3c4,stroke:#b08d00,color:#1a1f27",
    "data": "fill:#eceff1,stroke:#607d8b,color:#1a1f27",
    "op": "fill:#dbe9ff,stroke:#3b6db5,color:#1a1f27",
    "module": "fill:#e3e0f3,stroke:#5e4fa2,color:#1a1f27",
    "result": "fill:#dcedc8,stroke:#558b2f,color:#1a1f27,stroke-width:2px",
}
BRACKETS = {"leaf": ("[", "]"), "data": ("[/", "/]"), "op": ("(", ")"), "module": ("[[", "]]")}
#: Letters that mean themselves wherever they stand in a quoted text; all others are written as numbers.
SPECIAL = re.compile(r"[^\w .,:=()×+−-]")
#: What would begin a list.
LISTED = re.compile(r"^(\d*)([.+-])(?=\s)")


def mermaid(found: Outline) -> str:
    """The graph as a flowchart.

    >>> from .outline import outline
    >>> print(mermaid(outline(lambda x: x * x, (3.0,), style="minimal")))
    flowchart TB
      n0["x"]
      n1("×")
      n0 -->|×2| n1
      classDef leaf fill:#fff3c4,stroke:#b08d00,color:#1a1f27
      classDef result fill:#dcedc8,stroke:#558b2f,color:#1a1f27,stroke-width:2px
      class n0 leaf
      class n1 result
    <BLANKLINE>
    """
    lines = [f"flowchart {found.direction}", *(f"  %% {_escape(note)}" for note in found.notes)]
    lines += _box(found.root, found.style, "  ", [0])
    lines += [f"  {_link(link, found.words(link))}" for link in found.links]
    members: dict[str, list[str]] = {}
    for node in found.nodes:
        members.setdefault("result" if node.output else node.kind, []).append(f"n{node.id}")
    lines += [f"  classDef {kind} {CLASSES[kind]}" for kind in members]
    lines += [f"  class {','.join(nodes)} {kind}" for kind, nodes in members.items()]
    lines += [f"  style n{node.id} fill:{node.colour}" for node in found.nodes if node.colour]
    lines += [f"  linkStyle {i} stroke:{MARK},stroke-width:3px" for i, link in enumerate(found.links) if link.marked]
    return "\n".join(lines) + "\n"


def _box(box: Box, style: str, indent: str, count: list[int]) -> list[str]:
    lines = [indent + _node(node, style) for node in box.nodes]
    for inner in box.boxes:
        count[0] += 1
        lines += [f'{indent}subgraph b{count[0]}["{_escape(inner.title)}"]']
        lines += [*_box(inner, style, f"{indent}  ", count), f"{indent}end"]
    return lines


def _node(node: Node, style: str) -> str:
    before, after = BRACKETS[node.kind]
    return f'n{node.id}{before}"{"<br>".join(map(_escape, node.lines(style)))}"{after}'


def _link(link: Link, words: str) -> str:
    arrow = "-.->" if link.carried or link.data else "-->"
    return f"n{link.source} {arrow}{f'|{words}|' if words else ''} n{link.target}"


def _escape(text: str) -> str:
    """Text of the user's: quotes, tags, directives and Markdown are numbers of letters, as Mermaid writes them."""
    plain = SPECIAL.sub(lambda match: f"#{ord(match[0])};", one_line(text))
    return LISTED.sub(lambda match: f"{match[1]}#{ord(match[2])};", plain)
