"""What only a fresh process can tell: peak memory and import time."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

PEAK = """
import sys
import numpy as np
sys.path.insert(0, ".")
from benchmarks.fresh import peak
from benchmarks.workloads import wave
x = np.random.default_rng(0).normal(size=4_000_000).astype(np.float32)
{setup}
small = leaf(x[:1000]); wave(small, module).sum().backward()  # load what is loaded once
t = leaf(x)
print(peak(lambda: wave(t, module).sum().backward()))
"""
STEP = """
import sys
sys.path.insert(0, ".")
from benchmarks.fresh import peak
from benchmarks.networks import NETWORKS
run = NETWORKS[{name!r}][0]()[{library!r}]
run(); run()
print(peak(run))
"""
SETUPS = {
    "minigrad": "import minigrad; module = np; leaf = lambda a: minigrad.Tensor(a, requires_grad=True)",
    "torch": "import torch; torch.set_num_threads(2); module = torch; leaf = lambda a: torch.tensor(a, requires_grad=True)",
}
#: Time of the processor, so that what else the machine does counts little.
IMPORT = "import numpy, time; began = time.process_time(); import {name}; print(1000 * (time.process_time() - began))"


def peak(run: Callable[[], object]) -> float:
    """MiB that this process takes beyond what it has, at the peak of a run."""
    ctypes.CDLL(None).malloc_trim(0)  # what was freed goes back, so that taking it again counts
    Path("/proc/self/clear_refs").write_text("5", "utf-8")  # forget the peak so far
    before = _status("VmRSS")
    run()
    return _status("VmHWM") - before


def _status(key: str) -> float:
    with open("/proc/self/status", encoding="utf-8") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024


def _run(code: str, **environment: str) -> float:
    command = [sys.executable, "-c", code]
    env = {**os.environ, **environment}
    return float(subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL, env=env))


def _median(code: str, times: int, **environment: str) -> float | None:
    try:
        return sorted(_run(code, **environment) for _ in range(times))[times // 2]
    except subprocess.CalledProcessError:
        return None


def peak_memory() -> dict[str, float]:
    """MiB above the input, at the peak of the elementwise chain on 4 M floats (16 MB an array)."""
    found = {name: _median(PEAK.format(setup=setup), 3) for name, setup in SETUPS.items()}
    return {name: value for name, value in found.items() if value is not None}


def peak_of_step(name: str) -> dict[str, float]:
    """MiB above parameters and inputs, at the peak of a training step of a network."""
    found = {library: _median(STEP.format(name=name, library=library), 3) for library in SETUPS}
    return {library: value for library, value in found.items() if value is not None}


def import_time(names: Iterable[str] = ("minigrad", "nn", "autograd", "torch", "jax")) -> dict[str, float]:
    """Milliseconds of processor time beyond `import numpy`, with bytecode as an installation has it."""
    found = {}
    with tempfile.TemporaryDirectory() as cache:
        environment = {"PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
        for name in names:
            _median(IMPORT.format(name=name), 1, **environment)  # writes the bytecode
            found[name] = _median(IMPORT.format(name=name), 9, **environment)
    return {name: value for name, value in found.items() if value is not None}
