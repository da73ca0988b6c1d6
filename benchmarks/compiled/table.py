"""The table that comes out, and the processes that measure its rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .rows import Row

ROOT = Path(__file__).resolve().parent.parent.parent
_COLUMNS = (
    "workload", "eager ms", "compiled ms", "torch ms", "JAX jit ms", "eager / torch", "compiled / torch", "aim", "compiled / JAX",
    "aim", "first calls s", "JAX's",
)  # fmt: skip
HEAD = f"| {' | '.join(_COLUMNS)} |\n{'|---' * len(_COLUMNS)}|"
#: So many seconds a row may take.
LIMIT = 120.0


def environment(threads: int, cache: str) -> dict[str, str]:
    """Of a process that has so many threads in all its libraries, and finds compiled code in this folder."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MINIGRAD_THREADS", "NPROC")  # NPROC is XLA's
    xla = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'} intra_op_parallelism_threads={threads}"
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ, **dict.fromkeys(names, str(threads)), "XLA_FLAGS": xla, "MINIGRAD_CACHE": cache,
        "JAX_PLATFORMS": "cpu", "PYTHONPATH": os.pathsep.join(paths),
    }  # fmt: skip


def measured(row: Row, threads: int, seconds: float, tiny: bool = False) -> dict[str, Any]:
    """What a fresh process measures of a row, or what went wrong in it."""
    pause = 0.0 if threads == 1 else 0.1  # in which the threads of the library before go to sleep
    command = [sys.executable, "-m", "benchmarks.compiled.worker", row.name, f"--seconds={seconds}", f"--pause={pause}"]
    with tempfile.TemporaryDirectory() as cache:
        options: dict[str, Any] = {"cwd": ROOT, "env": environment(threads, cache), "capture_output": True, "text": True}
        try:
            done = subprocess.run([*command, *(["--tiny"] if tiny else [])], timeout=LIMIT, check=False, **options)
        except subprocess.TimeoutExpired:
            return {"name": row.name, "error": f"more than {LIMIT:.0f} s"}
    if done.returncode:
        return {"name": row.name, "error": (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1][:300]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def line(row: Row, found: dict[str, Any]) -> str:
    """A row in Markdown; a ratio that is above its aim is bold.

    >>> row = Row("softmax", dict, {}, {}, torch=0.7, aim="eager")
    >>> line(row, {"ms": {"eager": 0.4, "compiled": 0.2, "torch": 0.5}, "first": {"compiled": 0.1}})
    '| softmax | 0.4 | 0.2 | 0.5 |  | **0.8** | 0.4 | 0.7 |  |  | 0.1 |  |'
    """
    if "error" in found:
        return f"| {row.name} | {found['error'].replace('|', '/')} |" + " |" * 10
    ms, first = found["ms"], found["first"]
    eager, both = row.aim in ("eager", "both"), row.aim in ("compiled", "both")
    cells = [_cell(ms.get(name)) for name in ("eager", "compiled", "torch", "jax jit")]
    cells += [
        _ratio(ms, "eager", "torch", row.torch if eager else None),
        _ratio(ms, "compiled", "torch", row.torch if both else None),
        _cell(row.torch),
        _ratio(ms, "compiled", "jax jit", row.jax),
        _cell(row.jax),
        _ratio(first, "compiled", None, first.get("jax jit")),
        _cell(first.get("jax jit")),
    ]
    return f"| {row.name} | " + " | ".join(cells) + " |"


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _ratio(values: dict[str, float], ours: str, theirs: str | None, most: float | None) -> str:
    """A quotient (or a value) in bold where it is above an aim."""
    if ours not in values or (theirs is not None and theirs not in values):
        return ""
    value = values[ours] / (values[theirs] if theirs else 1.0)
    return _cell(value) if most is None or value <= most else f"**{_cell(value)}**"


def memory_line(row: Row, found: dict[str, float]) -> str:
    """A row of the table of memory."""
    cells = [_cell(found.get(name)) for name in ("eager", "compiled", "torch")]
    return f"| {row.name} | " + " | ".join([*cells, _ratio(found, "compiled", "torch", 1.0)]) + " |"
