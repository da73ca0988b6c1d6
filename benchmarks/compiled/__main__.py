"""Compiled minigrad beside eager minigrad, PyTorch eager and JAX jit, all on the same number of threads.

Medians of runs that take turns.  Ratios below 1: minigrad is faster; those above their aim are bold.  "First calls" are the
seconds of the first three calls in a fresh process without compiled code on the disk, beside JAX's.  Without --threads there
are two tables: for one thread, and, without aims, for two.
"""

from __future__ import annotations

import argparse
import dataclasses
import os

from ..__main__ import machine
from . import memory, table
from .rows import ROWS, Row


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compiled", description=__doc__)
    parser.add_argument("words", nargs="*", help="measure only rows whose names hold one of these words")
    parser.add_argument("--threads", type=int, help="of all libraries, in place of two tables")
    parser.add_argument("--memory", action="store_true", help="the peak memory of the steps in place of the time")
    parser.add_argument("--seconds", type=float, default=0.1, help="of a block of calls; each library has five")
    parser.add_argument("--tiny", action="store_true", help="sizes that a machine computes at once, to try the program")
    args = parser.parse_args()
    chosen = [row for row in ROWS if not args.words or any(word in row.name for word in args.words)]
    print(f"{machine()}\n")
    if args.memory:
        show_memory(chosen)
        return
    for threads in (args.threads,) if args.threads else (1, 2):
        show(chosen, threads, args.seconds, args.tiny)


def show(rows: list[Row], threads: int, seconds: float, tiny: bool) -> None:
    """Print a table."""
    use(threads)
    print(f"{threads} thread{'s' * (threads > 1)}{', tiny sizes' * tiny}\n\n{table.HEAD}", flush=True)
    for row in rows:
        aimed = row if threads == 1 else dataclasses.replace(row, torch=None, jax=None)
        print(table.line(aimed, table.measured(row, threads, seconds, tiny)), flush=True)
    print()


def show_memory(rows: list[Row]) -> None:
    use(1)
    print("MiB beyond parameters and inputs, at the peak of a step\n")
    print("| workload | eager | compiled | torch | compiled / torch |\n|---|---|---|---|---|", flush=True)
    for row in rows:
        print(table.memory_line(row, memory.peaks(row)), flush=True)


def use(threads: int) -> None:
    """Let this process and those that it starts use so many cores alone."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(range(os.cpu_count() or 1)))
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


if __name__ == "__main__":
    main()
