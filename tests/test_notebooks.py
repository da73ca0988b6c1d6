"""The teaching notebooks: they run, with the claims that they make as assertions, and hold their outputs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def texts(notebook: Any) -> list[str]:
    """The plain text of all outputs."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return [o.text if o.output_type == "stream" else o.get("data", {}).get("text/plain", "") for o in outputs]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("sklearn")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(FOLDER.parents[1]), os.environ.get("PYTHONPATH", "")]))
    notebook = nbformat.read(path, as_version=4)
    assert sum(cell.cell_type == "markdown" for cell in notebook.cells) >= 5
    assert sum(cell.source.startswith("assert ") for cell in notebook.cells) >= 2
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}})
    client.execute()  # raises where a cell does


def test_the_worked_convolution_is_in_the_notebook() -> None:
    nbformat = pytest.importorskip("nbformat")
    stored = texts(nbformat.read(FOLDER / "convolution_as_a_matrix_product.ipynb", as_version=4))
    assert "array([[-13.,-20.,-17.],[-18.,-24.,-18.],[13.,20.,17.]])" in ["".join(text.split()) for text in stored]


def test_all_are_there() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "backpropagation_by_hand",
        "convolution_as_a_matrix_product",
        "how_a_compiler_makes_a_training_step_fast",
        "recurrent_networks_and_vanishing_gradients",
        "self_test",
    ]
