"""Texts of the examples as nodes of a page: docstrings, headings, tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from textwrap import dedent

from course import NAMES
from docutils import nodes
from results import title
from sphinx import addnodes


def heading(topic: str) -> str:
    """The title of an example's page: its topic.

    >>> heading("character-level models"), heading("word2vec"), heading("LeNet-5")
    ('Character-level models', 'word2vec', 'LeNet-5')
    """
    first = topic.split()[0]
    is_name = any(letter.isdigit() or letter.isupper() for letter in first)
    return topic if is_name else topic[0].upper() + topic[1:]


def line(example: str, topic: str) -> str:
    """The sentence below the title; it does not begin with what the title says."""
    said = title(example)
    before, colon, after = said.partition(": ")
    return after[0].upper() + after[1:] if colon and before.casefold() == topic.casefold() else said


def section(name: str, *content: nodes.Node) -> nodes.section:
    """A section with a heading."""
    return nodes.section(
        "", nodes.title(name, name), *content, ids=[nodes.make_id(name)], names=[nodes.fully_normalize_name(name)]
    )


def paragraph(*parts: nodes.Node | str, classes: Iterable[str] = ()) -> nodes.paragraph:
    """A paragraph of texts and nodes."""
    return nodes.paragraph(
        "", "", *(nodes.Text(part) if isinstance(part, str) else part for part in parts), classes=list(classes)
    )


def prose(text: str) -> list[nodes.Node]:
    """A docstring's paragraphs and indented blocks.

    >>> [type(node).__name__ for node in prose("A network:\\n\\n    y = f(x)")]
    ['paragraph', 'literal_block']
    """
    blocks = [block for block in re.split(r"\n[ ]*\n", text.strip("\n")) if block.strip()]
    merged: list[str] = []
    for block in blocks:  # indented blocks with an empty line between them are one
        together = merged and block.startswith("    ") and merged[-1].startswith("    ")
        merged[-1:] = [f"{merged[-1]}\n\n{block}"] if together else [*merged[-1:], block]
    return [formula(block) if block.startswith("    ") else paragraph(*words(block)) for block in merged]


def formula(block: str) -> nodes.literal_block:
    """An indented block as it stands."""
    text = dedent(block)
    return nodes.literal_block(text, text, language="none")


def words(text: str) -> list[nodes.Node]:
    """Running text: options and what stands in backquotes are code; the name of an example leads to its page."""
    parts = re.split(r"`([^`]+)`|(?<!\S)(--[a-z][a-z-]*)", " ".join(text.split()))
    return [nodes.Text(part) if i % 3 == 0 else named(part) for i, part in enumerate(parts) if part]


def named(code: str) -> nodes.Node:
    """A word of code, with a link where it is the name of an example."""
    return link(f"gallery/{code}", nodes.literal(code, code)) if code in NAMES else nodes.literal(code, code)


def link(document: str, *content: nodes.Node) -> addnodes.pending_xref:
    """A link to another page of the site; without content it has that page's title."""
    target = {"refdomain": "std", "reftype": "doc", "reftarget": f"/{document}", "refexplicit": bool(content)}
    return addnodes.pending_xref("", nodes.inline("", "", *content), **target, refwarn=True)


def table(
    caption: list[nodes.Node], head: list[str], rows: list[list[list[nodes.Node]]], classes: Iterable[str] = ()
) -> nodes.table:
    """A table with a caption; the cells are lists of inline nodes."""
    columns = [nodes.colspec(colwidth=1) for _ in head]
    top = nodes.thead("", row([[nodes.Text(name)] for name in head]))
    body = nodes.tbody("", *(row(cells) for cells in rows))
    group = nodes.tgroup("", *columns, top, body, cols=len(head))
    return nodes.table("", nodes.title("", "", *caption), group, classes=["colwidths-auto", *classes])


def row(cells: list[list[nodes.Node]]) -> nodes.row:
    """A row of a table."""
    return nodes.row("", *(nodes.entry("", paragraph(*cell)) for cell in cells))
