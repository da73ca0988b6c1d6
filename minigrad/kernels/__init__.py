"""The registry of faster ways: what an op is written as in NumPy, computed otherwise where that pays.

An op is written once, in NumPy, and knows nothing of any kernel.  `@accelerated("softmax")` over a function of arrays says that
there may be other ways to compute it, under that name; a package that holds some says where, with `provide`
(`minigrad.kernels.table` for minigrad's own, `nn.kernels` for nn's).  Three kinds:

- *compiled* kernels, made by numba (the extra `fast`): for float32 arrays of some size in main memory.
- kernels *for a GPU* (device="cuda"), in CUDA C (`minigrad.kernels.cuda`): for CuPy's arrays.
- other ways in NumPy, for any array: they look at their arguments themselves.

Everything works without the first two; MINIGRAD_FAST=0 in the environment turns them off.  A way returns NotImplemented
for what it does not take; the next one is tried then, and the function itself in the end.  Which arrays a kernel takes is
declared beside it (`minigrad.kernels.signature.takes`).
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, TypeVar

import numpy as np

__all__ = ["accelerated", "enabled", "enabled_on_gpu", "is_cupy", "provide", "ways", "ways_on_gpu"]

F = TypeVar("F", bound=Callable[..., Any])

#: Whether kernels for a GPU are used.
enabled_on_gpu = os.environ.get("MINIGRAD_FAST", "1") != "0"
#: Whether compiled kernels are used; decided when minigrad is imported.
enabled = enabled_on_gpu and find_spec("numba") is not None
#: Below this size NumPy takes less time than it takes to call a kernel.
SMALLEST = 2048


@dataclass
class Way:
    """Another way to compute a function: `name` in a module, which is imported at the first call that could use it."""

    module: str
    name: str
    compiled: bool = True
    function: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.function is None:
            self.function = self._load()
        return self.function(*args, **kwargs)

    def _load(self) -> Callable[..., Any]:
        """The function; where numba is there but cannot be imported (it may not know a new NumPy yet), one that takes nothing."""
        global enabled
        if self.compiled:
            try:
                importlib.import_module("numba")
            except Exception as error:  # of a numba that does not know this NumPy, not only ImportError
                if enabled:
                    enabled = False
                    warnings.warn(f"minigrad's accelerator is off, because numba cannot be imported: {error}", stacklevel=5)
                return lambda *args, **kwargs: NotImplemented
        return getattr(importlib.import_module(self.module), self.name)


#: The ways to compute each accelerated function, in the order in which they are tried.
ways: dict[str, list[Way]] = {}
#: Those for arrays of a GPU alone, which come first there.
ways_on_gpu: dict[str, list[Way]] = {}


def provide(module: str, *names: str, compiled: bool = True, device: str | None = None) -> None:
    """Say that a module has ways to compute accelerated functions, which have the names of these.

    Args:
        module: where they are; it is imported when it is first needed.
        compiled: they are numba's and take float32 arrays in main memory; False for ways in NumPy, which get any array.
        device: "cuda" for ways that take CuPy's arrays alone.

    Raises:
        ValueError: there are no such devices.
    """
    if device not in (None, "cuda"):
        raise ValueError(f"provide: device must be 'cuda' or None, got {device!r}")
    table = ways if device is None else ways_on_gpu
    for name in names:
        table.setdefault(name, []).append(Way(module, name, compiled and device is None))


def is_cupy(x: Any) -> bool:
    """Whether x is an array of CuPy's.

    >>> is_cupy(np.zeros(2))
    False
    """
    kind = type(x)
    return kind.__name__ == "ndarray" and kind.__module__.partition(".")[0] == "cupy"


def _foreign(x: Any) -> bool:
    """Whether x speaks NumPy's protocols but is no array of NumPy's: a batch under `vmap`, say."""
    return type(x) is not np.ndarray and hasattr(type(x), "__array_function__")


def accelerated(name: str, whole: bool = False) -> Callable[[F], F]:
    """Let a function of arrays be computed in other ways, where some are provided under this name.

    Args:
        whole: in a compiled program it is one step, computed in the best of these ways, and is not looked into.

    >>> @accelerated("twice, for an example")
    ... def twice(x):
    ...     return x + x
    >>> twice(np.array([1.0]))
    array([2.])
    """
    own, own_on_gpu = ways.setdefault(name, []), ways_on_gpu.setdefault(name, [])

    def decorate(function: F) -> F:
        first = next(iter(inspect.signature(function).parameters))

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            x = args[0] if args else kwargs[first]
            possible, suits = own, False
            if whole and hasattr(x, "recorder"):
                return x.recorder.call(call, args, kwargs)
            if type(x) is np.ndarray:
                suits = bool(own) and enabled and x.dtype == np.float32 and x.size >= SMALLEST
                suits = suits and not any(map(_foreign, args))
            elif own_on_gpu and enabled_on_gpu and is_cupy(x):
                possible = [*own_on_gpu, *own]
            for way in possible:
                if way.compiled and not suits:
                    continue
                out = way(*args, **kwargs)
                if out is not NotImplemented:
                    return out
            return function(*args, **kwargs)

        return call  # type: ignore[return-value]

    return decorate
