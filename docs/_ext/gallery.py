"""The gallery: an overview of all examples, and a page for each, made of what the examples and their measurements say.

Nothing runs: titles, texts, numbers and pictures are read from examples/.  The sources are written to docs/gallery when the site
is built: each holds one of the directives below.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "examples"))

import gallery_overview  # noqa: E402
import gallery_page  # noqa: E402
import gallery_shared  # noqa: E402
import generated  # noqa: E402
from course import COURSE  # noqa: E402
from results import FOLDER, MEASURED, PICTURES  # noqa: E402

#: Pages without the contents of the page at their right, so that lines of code have room.
WIDE = ":html_theme.sidebar_secondary.remove: true\n\n"


class Gallery(SphinxDirective):
    """All examples as cards, by family."""

    def run(self) -> list[nodes.Node]:
        for path in (FOLDER / "course.py", *FOLDER.glob("*.py")):
            self.env.note_dependency(str(path))
        return [gallery_overview.page()]


class Example(SphinxDirective):
    """The page of an example.

    Raises:
        DirectiveError: the course has no such example.
    """

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        (name,) = self.arguments
        if not any(name in members for members in COURSE.values()):
            raise self.error(f"there is no example {name} in examples/course.py")
        for path in (FOLDER / "course.py", FOLDER / f"{name}.py", MEASURED / f"{name}.json", PICTURES / f"{name}.png"):
            self.env.note_dependency(str(path))
        return [gallery_page.page(name, self.env.found_docs)]


class Shared(SphinxDirective):
    """What the examples share."""

    def run(self) -> list[nodes.Node]:
        for path in (FOLDER / "shared").glob("*.py"):
            self.env.note_dependency(str(path))
        return [gallery_shared.page()]


def write_sources(app: Sphinx) -> None:
    """The pages of the examples, the overview, and what the examples share."""
    sources = {"index.rst": overview_source(), "shared.rst": f"{WIDE}.. examples-shared::\n"}
    sources |= {f"{name}.rst": f"{WIDE}.. example:: {name}\n" for members in COURSE.values() for name in members}
    generated.write_sources(Path(app.srcdir) / "gallery", sources)


def overview_source() -> str:
    """The overview: the cards, and the order of the pages for the sidebar and for *previous* and *next*."""
    tree = ".. toctree::\n   :hidden:\n   :caption: {}\n\n{}\n"
    members = {**COURSE, "Shared": ["shared"]}
    trees = (tree.format(family, "\n".join(f"   {name}" for name in names)) for family, names in members.items())
    return "\n".join([f"{WIDE}.. gallery::\n", *trees])


def add_assets(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """The style of the gallery's pages, and the script that filters the overview."""
    if pagename.startswith("gallery/"):
        app.add_css_file("gallery.css")
    if pagename == "gallery/index":
        context["sidebars"] = []  # its cards are the navigation
        app.add_js_file("gallery.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("gallery", Gallery)
    app.add_directive("example", Example)
    app.add_directive("examples-shared", Shared)
    app.connect("builder-inited", write_sources)
    app.connect("html-page-context", add_assets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
