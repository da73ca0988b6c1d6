"""The peak memory of a step, in a fresh process: `python -m benchmarks.compiled.memory NAME compiled`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import tracemalloc

import numpy as np

from ..fresh import peak
from ..steps import Runs
from .rows import ROWS, Row
from .table import LIMIT, ROOT, environment
from .worker import FIRST, with_compiled


def peaks(row: Row) -> dict[str, float]:
    """MiB beyond parameters and inputs, by the names of the libraries; without those whose process failed."""
    found = {}
    for library in ("eager", "compiled", "torch"):
        command = [sys.executable, "-m", "benchmarks.compiled.memory", row.name, library]
        with tempfile.TemporaryDirectory() as cache:
            options = {"cwd": ROOT, "env": environment(1, cache), "timeout": LIMIT, "text": True}
            try:
                found[library] = float(subprocess.check_output(command, stderr=subprocess.DEVNULL, **options))
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
                continue
    return found


def measured(runs: Runs, library: str) -> float:
    """MiB at the peak of a run, what a compiled program keeps between its runs included."""
    if library != "compiled":
        return _steady(runs, library)
    _steady(runs, "eager")  # makes what both have: gradients, an optimizer's state
    tracemalloc.start()  # NumPy tells it of its arrays
    try:
        return _steady(runs, "compiled") + _arrays() / 2**20
    finally:
        tracemalloc.stop()


def _steady(runs: Runs, library: str) -> float:
    for _ in range(FIRST):
        runs[library]()
    return peak(runs[library])


def _arrays() -> int:
    """The bytes of all NumPy arrays since tracemalloc was started."""
    only = tracemalloc.DomainFilter(inclusive=True, domain=np.lib.tracemalloc_domain)
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([only]).traces)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compiled.memory", description=__doc__)
    parser.add_argument("name", help="of the row")
    parser.add_argument("library", choices=("eager", "compiled", "torch"))
    parser.add_argument("--tiny", action="store_true", help="the tiny sizes, to try the code")
    args = parser.parse_args()
    row = next(row for row in ROWS if row.name == args.name)
    print(measured(with_compiled(row.runs(args.tiny)), args.library))


if __name__ == "__main__":
    main()
