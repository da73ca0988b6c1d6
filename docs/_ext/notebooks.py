"""The notebooks of examples/notebooks as pages: outputs as they are committed, buttons to open them, and living pages.

Their copies are written to docs/notebooks when the site is built.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import generated
from living import Notebook, frame, notebooks, pages, text, write_pages
from repository import on_github
from sphinx.application import Sphinx


def title(notebook: Notebook) -> str:
    """The heading of a notebook."""
    return text(notebook["cells"][0]).split("\n")[0].removeprefix("# ")


def introduction(notebook: Notebook) -> str:
    """The first sentence of a notebook."""
    return re.split(r"(?<=[.?])\s", text(notebook["cells"][0]).split("\n\n")[1])[0]


# ---- where a notebook is opened


def addresses(name: str, repository: str, lite: bool) -> dict[str, str]:
    """Where a notebook can be run.

    Args:
        repository: OWNER/NAME on GitHub, which Colab opens; "" where it is not there.
        lite: whether `make lite` has put JupyterLite into the site.
    """
    found = {}
    if repository:
        found["Open in Colab"] = f"https://colab.research.google.com/github/{repository}/blob/main/examples/notebooks/{name}.ipynb"
    if lite:
        found["Open in JupyterLite"] = f"../lite/lab/index.html?path={name}.ipynb"
    return found


def buttons(name: str, places: dict[str, str]) -> str:
    """Buttons in Markdown."""
    links = [f'<a href="{address}">{label}</a>' for label, address in places.items()]
    download = f"{{download}}`Download </../examples/notebooks/{name}.ipynb>`"
    return f"```{{div}} notebook-buttons\n{' '.join([*links, download])}\n```"


# ---- the sources


def page_of(name: str, notebook: Notebook, places: dict[str, str]) -> Notebook:
    """A notebook with buttons below its title, and frames for its living pages."""
    first, *cells = notebook["cells"]
    heading, _, rest = text(first).partition("\n")
    above = {**first, "source": f"{heading}\n\n{buttons(name, places)}\n{rest}"}
    with_page = pages(notebook)
    shown = [{**cell, "outputs": [frame(name, cell)]} if i in with_page else cell for i, cell in enumerate(cells, 1)]
    return {**notebook, "cells": [above, *shown]}


def overview(found: dict[str, Notebook]) -> str:
    """The page that lists the notebooks."""
    cards = (
        f":::{{grid-item-card}} {title(notebook)}\n:link: {name}\n:link-type: doc\n\n{introduction(notebook)}\n:::"
        for name, notebook in found.items()
    )
    return "\n".join(
        [
            "# Notebooks\n",
            "To read here, with the outputs of a run and living pages inside; or to run, from a checkout, in",
            "`examples/notebooks`, or where the buttons of a page lead.\n",
            "::::{grid} 1 1 2 2\n:gutter: 3\n:padding: 0\n",
            *cards,
            "::::\n",
            "```{toctree}\n:hidden:\n",
            *found,
            "```\n",
        ]
    )


def write_sources(app: Sphinx) -> None:
    """The pages of the notebooks, and their overview."""
    found = notebooks()
    repository, lite = on_github(app.config.repository_source), (Path(app.outdir) / "lite" / "lab").is_dir()
    sources = {
        f"{name}.ipynb": json.dumps(page_of(name, notebook, addresses(name, repository, lite)), indent=1)
        for name, notebook in found.items()
    }
    generated.write_sources(Path(app.srcdir) / "notebooks", {**sources, "index.md": overview(found)})


def add_assets(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    if pagename.startswith("notebooks/"):
        app.add_css_file("notebooks.css")
        context["sidebars"] = []  # lines of code need the room


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", write_sources)
    app.connect("html-page-context", add_assets)
    app.connect("build-finished", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
