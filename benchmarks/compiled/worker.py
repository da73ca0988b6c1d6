"""A fresh process that measures one row, and prints it as a line of JSON: `python -m benchmarks.compiled.worker NAME`.

The environment says how many threads there are, and where compiled code is kept: in an empty folder, so that the first calls
of minigrad find none.
"""

from __future__ import annotations

import argparse
import json
import warnings
from functools import partial
from typing import Any

import minigrad as mg

from ..steps import Runs
from ..timing import for_a_while, seconds_of
from .rows import ROWS, Row

#: A step has its program after so many calls at the latest: the first makes an optimizer's state, which the second finds.
FIRST = 3


def with_compiled(runs: Runs) -> Runs:
    """What is timed, with compiled minigrad beside eager minigrad; without HIPS/autograd."""
    eager = runs["minigrad"]
    compiled = partial(mg.compile(eager.func), *eager.args)
    return {"eager": eager, "compiled": compiled, **{name: runs[name] for name in ("torch", "jax jit") if name in runs}}


def measured(row: Row, seconds: float, pause: float = 0.0, tiny: bool = False) -> dict[str, Any]:
    """The row's name, the milliseconds of the libraries, and the seconds of their first calls."""
    runs = with_compiled(row.runs(tiny))
    with warnings.catch_warnings():
        warnings.simplefilter("error", mg.CompileWarning)  # a program that does not serve
        first = {name: sum(seconds_of(run) for _ in range(FIRST)) for name, run in runs.items()}
    times = for_a_while(runs, seconds, pause)
    return {"name": row.name, "ms": {name: 1000 * t for name, t in times.items()}, "first": first}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compiled.worker", description=__doc__)
    parser.add_argument("name", help="of the row")
    parser.add_argument("--seconds", type=float, default=0.15, help="of a block")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds before a block")
    parser.add_argument("--tiny", action="store_true", help="the tiny sizes, to try the code")
    args = parser.parse_args()
    row = next(row for row in ROWS if row.name == args.name)
    print(json.dumps(measured(row, args.seconds, args.pause, args.tiny)))


if __name__ == "__main__":
    main()
