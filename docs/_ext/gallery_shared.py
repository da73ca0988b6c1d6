"""The page of what the examples share: each module's text and code."""

from __future__ import annotations

import ast
from pathlib import Path

from docutils import nodes
from gallery_texts import paragraph, prose, section
from results import FOLDER


def page() -> nodes.section:
    """All of it."""
    folder = FOLDER / "shared"
    modules = [module(path) for path in sorted(folder.glob("*.py"))]
    introduction = "What several examples need (seeds, digits, phrases, pictures, trainings) stands in examples/shared."
    return section("What the examples share", paragraph(introduction), *modules)


def module(path: Path) -> nodes.section:
    """What a module says of itself, and its code."""
    text = path.read_text(encoding="utf-8")
    said = ast.get_docstring(ast.parse(text)) or ""
    return section(f"shared/{path.name}", *prose(said), nodes.literal_block(text, text, language="python"))
