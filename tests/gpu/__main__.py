"""The comparisons of this folder on a real card, for a machine without pytest: `python -m tests.gpu`.

It prints what fails and how many passed; the exit status is 0 where all that was chosen passed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import minigrad as mg

from . import CASES, compare, loops, networks, training, windows  # noqa: F401  (the last four note their cases)
from .ops import OPS, compare_row
from .report import Report, of_shard


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.gpu", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shard", default="0/1", help="k/n: every n-th case, from the k-th on")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no case begins after this time")
    parser.add_argument("--report", type=Path, help="a file for a line of JSON of each case")
    args = parser.parse_args()
    try:
        mg.backend.cupy()
    except (ImportError, RuntimeError) as error:
        print(f"python -m tests.gpu compares on a GPU: {error}", file=sys.stderr)
        return 2
    chosen = of_shard(list(everything().items()), args.shard)
    if args.report is not None:
        return run(chosen, args.report, args.seconds)
    with tempfile.TemporaryDirectory() as folder:
        return run(chosen, Path(folder) / "report", args.seconds)


def run(chosen: list[tuple[str, Callable[[], None]]], path: Path, seconds: float) -> int:
    """Make comparisons, up to a time, and report each; the exit status."""
    report, end, counts = Report(path), time.monotonic() + seconds, {"passed": 0, "failed": 0}
    report.total(len(chosen))
    for name, check in chosen:
        if time.monotonic() > end:
            break
        word, why = outcome(check)
        report.test(name, word, why)
        counts[word] += 1
        if word == "failed":
            print(f"failed {name}: {why}"[:240], flush=True)
    report.end()
    missed = len(chosen) - sum(counts.values())
    print(f"{counts['passed']} passed, {counts['failed']} failed, {missed} not reached, of {len(chosen)}")
    return 0 if counts["passed"] == len(chosen) > 0 else 1


def everything() -> dict[str, Callable[[], None]]:
    """The comparisons by name, those of the table of ops too."""
    cases = {name: partial(compare, f) for name, f in CASES.items()}
    return cases | {f"op {name}": partial(compare_row, name) for name in OPS}


def outcome(check: Callable[[], None]) -> tuple[str, str]:
    """Whether a comparison "passed" or "failed", and why."""
    try:
        check()
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return "failed", f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
    return "passed", ""


if __name__ == "__main__":
    sys.exit(main())
