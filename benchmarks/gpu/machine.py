"""Which card and which libraries these are, or what is missing."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

import minigrad as mg

from .. import peers

ROOT = Path(__file__).resolve().parent.parent.parent


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that is to find this checkout, after what `more` says."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **more}


def missing() -> str:
    """One line that says what this machine lacks for its GPU to be used, "" where it lacks nothing."""
    try:
        mg.backend.cupy()
    except (ImportError, RuntimeError) as error:
        return (
            f"make gpu runs on an NVIDIA GPU, through CuPy, and installs nothing. What {sys.executable} lacks: "
            f"{error}. Another Python is named so: make gpu PYTHON=.venv/bin/python"
        )
    return ""


def versions() -> list[str]:
    """Lines of a head: card, driver, CUDA, libraries, processor."""
    cupy = mg.backend.cupy()
    runtime = cupy.cuda.runtime
    card = runtime.getDeviceProperties(0)
    name, memory = card["name"].decode(), card["totalGlobalMem"] / 2**30
    return [
        f"card    {name}, {memory:.0f} GiB, compute capability {card['major']}.{card['minor']}",
        f"driver  {driver()}, which knows CUDA {cuda(runtime.driverGetVersion())}",
        f"CuPy    {cupy.__version__} with CUDA {cuda(runtime.runtimeGetVersion())}",
        f"others  Python {platform.python_version()}, NumPy {np.__version__}, SciPy {version('scipy')}, {torch_version()}",
    ]


def cuda(number: int) -> str:
    """CUDA's own way to write a version, as people write it.

    >>> cuda(13000), cuda(12090)
    ('13.0', '12.9')
    """
    return f"{number // 1000}.{number % 1000 // 10}"


def driver() -> str:
    """The version of the driver, from the program that comes with it."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return "of unknown version (no nvidia-smi)"
    command = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return (done.stdout.split() or ["of unknown version"])[0]


def version(name: str) -> str:
    """The version of a library, "missing" where it is not installed."""
    try:
        return importlib.import_module(name).__version__
    except ImportError:
        return "missing"


def torch_version() -> str:
    torch = peers.torch()
    if torch is None:
        return "torch missing, so there is nothing to compare with"
    if not torch.cuda.is_available():
        return f"torch {torch.__version__}, which cannot use this GPU, so there is nothing to compare with"
    return f"torch {torch.__version__} (TF32 is off in both)"
