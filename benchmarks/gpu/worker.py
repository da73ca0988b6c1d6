"""A process that measures rows, and prints each as a line of JSON: `python -m benchmarks.gpu.worker 0 3 4`."""

from __future__ import annotations

import argparse
import json
import traceback
from typing import Any

from .libraries import Library, ours, torchs
from .meter import CardMeter, Effort, Meter, measure
from .workloads import WORKLOADS, Workload


def rows_of(workload: Workload, libraries: list[Library], meter: Meter, effort: Effort, tiny: bool = False) -> dict[str, Any]:
    """The rows of a workload, or what went wrong and where."""
    try:
        return {"rows": measure(workload, libraries, meter, effort, tiny)}
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
        return {"rows": [{"name": workload.name, "error": " ".join(text.split())[:300]}]}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu.worker", description=__doc__)
    parser.add_argument("indices", nargs="+", type=int, help="numbers of workloads")
    parser.add_argument("--tiny", action="store_true", help="their tiny sizes")
    args = parser.parse_args()
    libraries = [library for library in (ours(), torchs()) if library is not None]
    for index in args.indices:
        found = rows_of(WORKLOADS[index], libraries, CardMeter(), Effort(), args.tiny)
        print(json.dumps({"index": index, **found}), flush=True)
        libraries[0].synchronize()  # raises where an error has broken the card's context


if __name__ == "__main__":
    main()
