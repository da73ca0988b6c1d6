"""How a kernel in CUDA C comes to run: compiled once for each kind of number, launched where the arrays are.

A source is a file `*.cu` in a package.  What kinds of numbers it computes with stands before it as definitions of
types, so one text serves float32 and float64, small arrays and those of more than 2^31 elements.  CuPy compiles it when
it is first needed (some tenths of a second), and keeps the result on the disk.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from ... import graph, kernels
from ...compiler.c_types import IN_C
from ...devices import on_gpu_of

__all__ = ["NoKernel", "definitions", "launch", "on_its_gpu"]

#: Threads of a block, and the most blocks of a launch; where there is more to do, each thread does several items.
THREADS, BLOCKS = 256, 1 << 16


class NoKernel(Exception):
    """A kernel that cannot be compiled on this machine, or is turned off; the NumPy code computes then."""


def on_its_gpu(way: Callable[..., Any]) -> Callable[..., Any]:
    """A way that allocates and launches on the device of its first argument; NotImplemented without its kernel."""

    first = next(iter(inspect.signature(way).parameters))

    @functools.wraps(way)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            with on_gpu_of(args[0] if args else kwargs[first]):
                return way(*args, **kwargs)
        except NoKernel:
            return NotImplemented

    return call


def launch(source: Any, name: str, count: int, args: tuple[Any, ...], **types: Any) -> None:
    """Run a kernel of a source on the current device, over `count` items.

    Args:
        source: a file, as `importlib.resources.files(package) / "window.cu"` gives it.
        args: what the kernel takes, in order: arrays of CuPy's as pointers, numbers and structures of NumPy's by value.
            Nothing looks at them on the way: their dtypes are those of the kernel's parameters.
        types: the dtypes that the names of types in the source stand for.

    Raises:
        NoKernel: there is none, or MINIGRAD_FAST=0 turns it off.
    """
    if not kernels.enabled_on_gpu:
        raise NoKernel(name)
    if count:
        named = tuple((key, IN_C[value.name]) for key, value in types.items())
        kernel = _kernel(importlib.import_module("cupy"), source, name, named)
        if kernel is None:
            raise NoKernel(name)
        kernel((min(-(-count // THREADS), BLOCKS),), (THREADS,), args)


@cache
def _kernel(library: Any, source: Any, name: str, types: tuple[tuple[str, str], ...]) -> Any:
    """A kernel of a module, which CuPy loads on each device where it is called; None without the module."""
    module = _module(library, source, types)
    return None if module is None else module.get_function(name)


def definitions(types: tuple[tuple[str, str], ...]) -> str:
    """What stands before a source: its names of types.

    >>> definitions((("real", "float"),))
    'typedef float real;\\n'
    """
    return "".join(f"typedef {kind} {name};\n" for name, kind in types)


@cache
def _module(library: Any, source: Any, types: tuple[tuple[str, str], ...]) -> Any:
    """A source, compiled; None where that cannot be."""
    module = library.RawModule(code=definitions(types) + source.read_text("utf-8"))
    try:
        module.compile()
    except Exception as error:  # CuPy's CompileException, and what the driver says of code that it cannot load
        if isinstance(error, MemoryError) or "OUT_OF_MEMORY" in str(error):
            raise  # another time there may be enough
        graph.warn(f"{source.name} cannot be compiled, so NumPy's code takes the place of its kernels: {error}", RuntimeWarning)
        return None
    return module
