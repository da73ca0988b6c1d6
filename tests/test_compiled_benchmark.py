"""`python -m benchmarks.compiled`: each row, at its tiny sizes, computes the same numbers in every library, and is compiled."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from benchmarks import steps
from benchmarks.compiled import memory, table
from benchmarks.compiled.rows import ROWS, Row
from benchmarks.compiled.worker import with_compiled
from benchmarks.workloads import matmul
from minigrad.compiler import native

pytestmark = pytest.mark.torch
needs_llvm = pytest.mark.skipif(not native.available(), reason="llvmlite is not installed, or does not know this machine")
CALLS = 4


def built(row: Row) -> steps.Runs:
    """The same numbers at each call."""
    steps.rng.bit_generator.state = np.random.default_rng(3).bit_generator.state
    return with_compiled(row.runs(tiny=True))


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_all_libraries_compute_the_same(row: Row) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    found: dict[str, list[np.ndarray]] = {}
    for name in built(row):
        run = built(row)[name]  # each begins with the same weights
        found[name] = [array for _ in range(CALLS) for array in steps.numbers(run())]
    assert {"eager", "compiled", "torch"} <= set(found)
    for name, arrays in found.items():
        for ours, theirs in zip(arrays, found["torch"], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5, err_msg=name)


@needs_llvm
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_row_is_one_program(row: Row) -> None:
    run = built(row)["compiled"]
    compiled: Any = run.func
    for _ in range(CALLS):
        run()
    assert len(compiled.versions) == 1
    assert compiled.loops


def test_a_row_is_measured_in_a_process_of_its_own() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    row = ROWS[0]
    found = table.measured(row, threads=1, seconds=0.001, tiny=True)
    assert "error" not in found, found
    assert {"eager", "compiled", "torch"} <= set(found["ms"])
    assert min(*found["ms"].values(), *found["first"].values()) > 0
    assert table.line(row, found).count("|") == table.HEAD.splitlines()[0].count("|")


def test_a_row_that_fails_is_a_line_that_says_why() -> None:
    found = table.measured(Row("no such row", dict, {}, {}), threads=1, seconds=0.001)
    assert "StopIteration" in found["error"]
    assert "StopIteration" in table.line(ROWS[0], found)


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
@pytest.mark.parametrize("library", ["eager", "compiled"])
def test_the_memory_of_a_row_is_measured(library: str) -> None:
    name = next(row.name for row in ROWS if "4 M" in row.name)
    command = [sys.executable, "-m", "benchmarks.compiled.memory", name, library, "--tiny"]
    assert float(json.loads(subprocess.check_output(command, cwd=table.ROOT))) >= 0


def test_arrays_that_a_program_keeps_count() -> None:
    kept: list[np.ndarray] = []

    def run() -> None:
        kept.append(np.ones(1 << 20, np.float32))

    runs: Any = {"eager": lambda: None, "compiled": run}
    assert memory.measured(runs, "compiled") >= 4 * 3


def test_examples_in_the_texts() -> None:
    assert doctest.testmod(table).failed == 0
    assert doctest.testmod(table).attempted > 0


def test_the_product_has_a_cotangent_that_is_not_all_ones() -> None:
    runs = matmul(size=3)
    g = next(iter(runs.values())).args[0]
    assert len(np.unique(g.numpy())) == 9
    assert isinstance(g, mg.Tensor)
