"""The optional accelerator: compiled versions of hot primitives, `pip install "minigrad[fast]"`.

Where numba is installed, functions marked with `accelerated` run a kernel compiled by it on float32 arrays of some size in
main memory; a kernel has the name of the function that it stands for, and returns NotImplemented for arguments that it does
not take.

Everything works without it.  MINIGRAD_FAST=0 in the environment turns it off.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, TypeVar

import numpy as np

__all__ = ["accelerated", "enabled"]

F = TypeVar("F", bound=Callable[..., Any])

#: Whether kernels are used; decided when minigrad is imported.
enabled = os.environ.get("MINIGRAD_FAST", "1") != "0" and find_spec("numba") is not None
#: Below this size NumPy takes less time than it takes to call a kernel.
SMALLEST = 2048


def _load(module: str, name: str) -> Callable[..., Any]:
    """A kernel; where numba is there but cannot be imported (it may not know a new NumPy yet), one that takes nothing."""
    global enabled
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        if enabled:
            enabled = False
            warnings.warn(f"minigrad's accelerator is off, because numba cannot be imported: {error}", stacklevel=4)
        return lambda *args, **kwargs: NotImplemented


def accelerated(module: str, name: str | None = None) -> Callable[[F], F]:
    """Let a function of arrays be computed by a kernel, where there is the accelerator.

    Args:
        module: where the kernel is; it is imported at the first call that could use it.
        name: the kernel's name, where it is not the function's.
    """

    def decorate(function: F) -> F:
        if not enabled:
            return function
        kernel: Callable[..., Any] | None = None
        first = next(iter(inspect.signature(function).parameters))

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal kernel
            x = args[0] if args else kwargs[first]
            if type(x) is np.ndarray and x.dtype == np.float32 and x.size >= SMALLEST:
                if kernel is None:
                    kernel = _load(module, name or function.__name__)
                out = kernel(*args, **kwargs)
                if out is not NotImplemented:
                    return out
            return function(*args, **kwargs)

        return call  # type: ignore[return-value]

    return decorate
