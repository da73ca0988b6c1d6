"""The living pages of the notebooks: what `viz.explore` shows at the end of a cell.

A committed notebook holds no such page, which has two megabytes: when the site is built, the cells up to it run in a kernel, and
what the last one shows is written beside the site's pages.
"""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import live
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "examples" / "notebooks"

Notebook = dict[str, Any]
Cell = dict[str, Any]


def notebooks() -> dict[str, Notebook]:
    """The committed notebooks by name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.ipynb"))}


def text(cell: Cell) -> str:
    """The source of a cell."""
    return "".join(cell["source"])


def pages(notebook: Notebook) -> list[int]:
    """The cells that show a living page, whose output is not committed."""
    return [i for i, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code" and shows_page(cell)]


def shows_page(cell: Cell) -> bool:
    return not cell["outputs"] and last_line(cell).startswith("viz.explore(")


def last_line(cell: Cell) -> str:
    return text(cell).rstrip().split("\n")[-1]


def page_name(name: str, cell: Cell) -> str:
    return f"notebooks/{name}/{cell['id']}"


def frame(name: str, cell: Cell) -> dict[str, Any]:
    """The output that shows a living page in a frame."""
    address = f"../{live.FOLDER}/{page_name(name, cell)}.html"
    title = f"A living page: {last_line(cell)}"
    data = {"text/html": ["".join(live.framed(address, "embed=panel", title, 600))]}
    return {"output_type": "display_data", "metadata": {}, "data": data}


def run(notebook: Notebook, last: int, path: Path) -> None:
    """Write the page that a cell shows, after all cells before it have run."""
    import nbformat
    from nbclient import NotebookClient

    part = nbformat.reads(json.dumps({**notebook, "cells": notebook["cells"][: last + 1]}), as_version=4)
    places = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    client = NotebookClient(part, timeout=300, resources={"metadata": {"path": str(FOLDER)}})
    client.execute(env={**os.environ, "PYTHONPATH": places}, stderr=subprocess.DEVNULL)  # an error in a cell is raised here
    shown = part.cells[-1].outputs[-1].data["text/html"]
    found = re.search(r'srcdoc="([^"]*)"', shown)
    assert found, f"cell {notebook['cells'][last]['id']} shows no page: {shown[:200]}"
    path.write_text(html.unescape(found[1]), encoding="utf-8")


def write_pages(app: Sphinx, exception: Exception | None) -> None:
    """The living pages of all notebooks."""
    if exception or app.builder.format != "html":
        return
    for name, notebook in notebooks().items():
        for place in pages(notebook):
            cells = notebook["cells"][: place + 1]
            page = Path(app.outdir) / live.FOLDER / f"{page_name(name, cells[-1])}.html"
            live.keep(page, "".join(map(text, cells)).encode(), partial(run, notebook, place))
