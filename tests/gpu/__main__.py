"""The comparisons of this folder on a real card, for a machine without pytest: `python -m tests.gpu --report=FILE`."""

from __future__ import annotations

import argparse
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from . import CASES, compare, networks, training, windows  # noqa: F401  (the last three note their cases)
from .ops import OPS, compare_row
from .report import Report, of_shard


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.gpu", description=__doc__)
    parser.add_argument("--shard", default="0/1", help="k/n: every n-th case, from the k-th on")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no case begins after this time")
    parser.add_argument("--report", type=Path, required=True, help="where the lines of JSON go")
    args = parser.parse_args()
    report, end = Report(args.report), time.monotonic() + args.seconds
    chosen = of_shard(list(everything().items()), args.shard)
    report.total(len(chosen))
    for name, check in chosen:
        if time.monotonic() > end:
            break
        report.test(name, *outcome(check))
    report.end()


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
    main()
