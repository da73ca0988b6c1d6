"""On a card: the tests marked gpu, then minigrad beside PyTorch eager, in one table.

It installs nothing, and ends within ten minutes, also where every kernel has to be compiled first.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

try:
    import numpy  # noqa: F401
except ImportError:
    sys.exit(f"make gpu needs NumPy, CuPy and PyTorch in {sys.executable}, which has no NumPy; it installs nothing")

from . import checks, machine, table
from .workloads import WORKLOADS

#: The most that each part takes, in seconds; starting the processes and their grace come on top.
CHECKS, TIMES = 300.0, 200.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("words", nargs="*", help="measure only rows whose names hold one of these words")
    parser.add_argument("--only", choices=("checks", "times"), help="one part alone")
    parser.add_argument("--tiny", action="store_true", help="sizes that a machine computes at once, to try the program")
    parser.add_argument("--out", type=Path, default=Path("out/gpu"), help="the folder of the logs")
    args = parser.parse_args()
    if lack := machine.missing():
        print(lack, file=sys.stderr)
        return 1
    began = time.monotonic()
    args.out.mkdir(parents=True, exist_ok=True)
    print("\n".join(machine.versions()), flush=True)
    good = True
    if args.only != "times":
        outcome = checks.run(CHECKS, args.out)
        good = outcome.good
        print("\n".join(outcome.lines()), flush=True)
    if args.only != "checks":
        good = times(args.words, args.out / "times.log", args.tiny) and good
    print(f"\n{time.monotonic() - began:.0f} s in all; logs in {args.out}")
    return 0 if good else 1


def times(words: list[str], log: Path, tiny: bool) -> bool:
    """Print the table; whether each row was measured."""
    chosen = [i for i, w in enumerate(WORKLOADS) if not words or any(word in w.name for word in words)]
    if tiny:
        print("\nTiny sizes, not those of the names.")
    print(f"\n{table.HEAD}", flush=True)
    good = True
    for row in table.measured(chosen, TIMES, log, tiny):
        print(table.line(row), flush=True)
        good = good and "error" not in row
    return good


if __name__ == "__main__":
    sys.exit(main())
