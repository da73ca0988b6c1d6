"""The cell of the notebooks that installs minigrad where it is not: `python tools/notebooks.py` writes it into all of them.

JupyterLite takes the wheel that lies beside the notebooks (docs/lite), never one of the package index, where anybody could
register the name, and what plots need, which no cell imports by name, from Pyodide.  Colab fetches the project from its
repository, once that has an address on GitHub.
The cell stands here alone: the notebooks hold copies, which the tests compare with it.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "examples" / "notebooks"
sys.path.insert(0, str(ROOT))

from minigrad.files import write_whole  # noqa: E402
from minigrad.install import DISTRIBUTION, install  # noqa: E402

SOURCE: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Source"]
JUPYTERLITE = f"""\
if sys.platform == "emscripten":
    import piplite

    piplite.piplite._PIPLITE_DISABLE_PYPI = True  # the name could be anybody's there
    await piplite.install(["{DISTRIBUTION}", "matplotlib"])"""
COLAB = """
elif "google.colab" in sys.modules:
    %pip install -q git+{source}"""


def cell(source: str) -> str:
    """The code of the cell, for a repository with this address."""
    if source.startswith("https://github.com/"):
        return f"# In JupyterLite and in Colab this installs minigrad.\nimport sys\n\n{JUPYTERLITE}{COLAB.format(source=source)}"
    return f"# In JupyterLite this installs minigrad.  Elsewhere, {install('viz')}\nimport sys\n\n{JUPYTERLITE}"


def with_cell(notebook: dict[str, Any], source: str = SOURCE) -> dict[str, Any]:
    """The notebook with the cell after its title, in the place of an older one; the site does not show it."""
    cells = [one for one in notebook["cells"] if one["id"] != "install"]
    first = {
        "cell_type": "code",
        "execution_count": None,
        "id": "install",
        "metadata": {"tags": ["remove-cell"]},
        "outputs": [],
        "source": cell(source).splitlines(keepends=True),
    }
    return {**notebook, "cells": [cells[0], first, *cells[1:]]}


def main() -> None:
    for path in sorted(FOLDER.glob("*.ipynb")):
        text = json.dumps(with_cell(json.loads(path.read_text(encoding="utf-8"))), indent=1, ensure_ascii=False)
        write_whole(path, (text + "\n").encode())


if __name__ == "__main__":
    main()
