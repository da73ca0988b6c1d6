"""The one table that comes out, and the processes that measure its rows."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .machine import ROOT, environment
from .workloads import WORKLOADS

#: The program that measures the rows of some indices, each as a line of JSON.
WORKER = [sys.executable, "-m", "benchmarks.gpu.worker"]
#: So many seconds a row may take; the first one starts the libraries, too.
ROW = 75.0
HEAD = """\
| workload | minigrad ms | torch ms | ratio | launches | torch's | copies to the host | torch's | peak MiB | torch's |
|---|---|---|---|---|---|---|---|---|---|"""


def line(row: dict[str, Any]) -> str:
    """A row in Markdown; what was not measured is left empty.

    >>> line({"name": "softmax", "ms": {"minigrad": 3.0, "torch": 1.5}, "launches": {"minigrad": 5}})
    '| softmax | 3 | 1.5 | 2 | 5 |  |  |  |  |  |'
    """
    if "error" in row:
        return f"| {row['name']} | {row['error'].replace('|', '/')} |" + " |" * 8
    ms = row["ms"]
    ratio = {"ratio": ms["minigrad"] / ms["torch"]} if "torch" in ms and "minigrad" in ms else {}
    cells = [cell(ms, "minigrad"), cell(ms, "torch"), cell(ratio, "ratio")]
    for what in ("launches", "copies", "MiB"):
        cells += [cell(row.get(what, {}), library) for library in ("minigrad", "torch")]
    return f"| {row['name']} | " + " | ".join(cells) + " |"


def cell(values: dict[str, float | None], key: str) -> str:
    value = values.get(key)
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def measured(indices: list[int], seconds: float, log: Path, tiny: bool = False) -> Iterator[dict[str, Any]]:
    """The rows of workloads as they come.

    Where a process dies or takes too long, its row says so, and a new process goes on with the next.
    What is not reached in time says so, too.
    """
    end, left = time.monotonic() + seconds, list(indices)
    while left and time.monotonic() < end:
        before = len(left)
        for found in _from_a_worker(left, end, log, tiny):
            left.remove(found["index"])
            yield from found["rows"]
        if len(left) == before and time.monotonic() < end:
            yield {"name": WORKLOADS[left.pop(0)].name, "error": f"its process ended, or took more than {ROW:.0f} s; see {log}"}
    for index in left:
        yield {"name": WORKLOADS[index].name, "error": f"not reached in {seconds:.0f} s"}


def _from_a_worker(indices: list[int], end: float, log: Path, tiny: bool) -> Iterator[dict[str, Any]]:
    command = [*WORKER, *(["--tiny"] if tiny else []), *map(str, indices)]
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "text": True, "cwd": ROOT, "env": environment()}
    with log.open("a", encoding="utf-8") as errors, subprocess.Popen(command, stderr=errors, **options) as process:
        assert process.stdout is not None
        timer = _ends(process, end)
        try:
            for text in process.stdout:
                if text.startswith("{"):  # a library may print too
                    timer.cancel()
                    yield json.loads(text)
                    timer = _ends(process, end)
        finally:
            timer.cancel()
            process.kill()


def _ends(process: subprocess.Popen[str], end: float) -> threading.Timer:
    """Ends a process when a row takes too long, or at the end of all."""
    timer = threading.Timer(max(0.0, min(ROW, end - time.monotonic())), process.kill)
    timer.start()
    return timer
