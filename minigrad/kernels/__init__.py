"""The registry of faster ways: what an op is written as in NumPy, computed otherwise where that pays.

An op is written once, in NumPy, and knows nothing of any kernel.  `@accelerated("softmax")` over a function of arrays
says that it may be computed in other ways.  There are three kinds:

- *compiled*, by minigrad's own compiler (it needs llvmlite, the extra `fast`): the function is traced once for each
  kind of arguments and becomes one native function (`minigrad.kernels.compiled`).  For float32 and float64 arrays of
  some size in main memory.
- kernels *for a GPU* (device="cuda"), in CUDA C (`minigrad.kernels.cuda`): for CuPy's arrays.
- other ways in NumPy, for any array: they look at their arguments themselves.

A package says with `provide` where it holds ways of the last two kinds (`minigrad.kernels.table`).  Everything works
without the first two; MINIGRAD_FAST=0 in the environment turns them off.  A way returns NotImplemented for what it does
not take; the next one is tried then, and the function itself in the end.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, TypeVar

import numpy as np

__all__ = ["Compiled", "accelerated", "enabled", "enabled_on_gpu", "is_cupy", "provide", "ways", "ways_on_gpu"]

F = TypeVar("F", bound=Callable[..., Any])

#: Whether kernels for a GPU are used.
enabled_on_gpu = os.environ.get("MINIGRAD_FAST", "1") != "0"
#: Whether functions are compiled; decided when minigrad is imported.
enabled = enabled_on_gpu and find_spec("llvmlite") is not None
#: For smaller first arrays NumPy is as fast, or nearly.
SMALLEST = 2048
#: The dtypes that are compiled, by their characters.
_DTYPES = "fd"


@dataclass
class Way:
    """Another way to compute a function: `name` in a module, which is imported at the first call that could use it."""

    module: str
    name: str
    function: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.function is None:
            self.function = getattr(importlib.import_module(self.module), self.name)
        return self.function(*args, **kwargs)


#: The ways to compute each accelerated function, in the order in which they are tried.
ways: dict[str, list[Way]] = {}
#: Those for arrays of a GPU alone, which come first there.
ways_on_gpu: dict[str, list[Way]] = {}
#: Where the classes are that compile functions, by the device.
compilers: dict[str, Way] = {}


def provide(module: str, *names: str, device: str | None = None) -> None:
    """Say that a module has ways to compute accelerated functions, which have the names of these.

    Args:
        module: where they are; it is imported when it is first needed.
        device: "cuda" for ways that take CuPy's arrays alone.

    Raises:
        ValueError: there are no such devices.
    """
    if device not in (None, "cuda"):
        raise ValueError(f"provide: device must be 'cuda' or None, got {device!r}")
    table = ways if device is None else ways_on_gpu
    for name in names:
        table.setdefault(name, []).append(Way(module, name))


class Compiled:
    """A function as native code, or kernels for a GPU, which are made where they are first asked for.

    Attributes:
        name: of the accelerated function.
        parameters: of the function, in order.
    """

    #: What is no state of a function that is compiled as a whole.
    caches = ("kernel",)

    def __init__(self, name: str, function: Callable[..., Any], parameters: list[str], device: str = "cpu") -> None:
        self.name, self.function, self.parameters, self.device = name, function, parameters, device
        self.kernel: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.kernel is None:
            self.kernel = compilers[self.device](self.function)
        if kwargs:
            try:
                args = (*args, *(kwargs.pop(name) for name in self.parameters[len(args) :] if kwargs))
            except KeyError:  # a default stands between
                return NotImplemented
        return NotImplemented if kwargs else self.kernel(*args)


def is_cupy(x: Any) -> bool:
    """Whether x is an array of CuPy's.

    >>> is_cupy(np.zeros(2))
    False
    """
    kind = type(x)
    return kind.__name__ == "ndarray" and kind.__module__.partition(".")[0] == "cupy"


def accelerated(name: str, whole: bool = False, traced: bool = True) -> Callable[[F], F]:
    """Let a function of arrays be computed in other ways, where there are some.

    Args:
        name: under which they are provided.
        whole: in a compiled program it is one step, which the compiler knows, and is not looked into.
        traced: it may be compiled from its definition; False where what is to be done depends on values.

    >>> @accelerated("twice, for an example")
    ... def twice(x):
    ...     return x + x
    >>> twice(np.array([1.0]))
    array([2.])
    """
    own, own_on_gpu = ways.setdefault(name, []), ways_on_gpu.setdefault(name, [])

    def decorate(function: F) -> F:
        parameters = list(inspect.signature(function).parameters)
        first = parameters[0]

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            x = args[0] if args else kwargs[first]
            possible = own
            if type(x) is np.ndarray:
                if traced and enabled and x.size >= SMALLEST and x.dtype.char in _DTYPES:
                    out = compiled(*args, **kwargs)
                    if out is not NotImplemented:
                        return out
            elif whole and hasattr(x, "recorder"):
                return x.recorder.call(call, args, kwargs)
            elif enabled_on_gpu and is_cupy(x):
                possible = [*own_on_gpu, *own]
                if traced and not whole and x.dtype.char in _DTYPES:
                    out = compiled_on_gpu(*args, **kwargs)
                    if out is not NotImplemented:
                        return out
            for way in possible:
                out = way(*args, **kwargs)
                if out is not NotImplemented:
                    return out
            return function(*args, **kwargs)

        compiled = Compiled(name, call if whole else function, parameters)
        compiled_on_gpu = Compiled(name, function, parameters, "cuda")
        return call  # type: ignore[return-value]

    return decorate
