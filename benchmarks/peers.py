"""The libraries to compare with, None where one is not installed."""

from __future__ import annotations

import gc
import importlib
import os
from typing import Any


def _module(*names: str) -> Any:
    try:
        for name in names:
            importlib.import_module(name)
    except ImportError:
        return None
    return importlib.import_module(names[0])


def torch() -> Any:
    module = _module("torch")
    if module is not None:
        module.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 2)))
    return module


def autograd() -> Any:
    return _module("autograd", "autograd.numpy")


def jax() -> Any:
    module = _module("jax")
    gc.callbacks.clear()  # JAX hooks itself into the garbage collector, which slows all other Python code down
    return module
