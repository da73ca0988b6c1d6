"""`cupy.RawModule` and `cupy.RawKernel`: kernels written in CUDA C, built by the C++ compiler and run on the CPU.

`cuda_on_cpu.h` stands before the source and makes it C++: the threads of a launch run one after the other.  A launch is
stricter than a GPU's: the number and sizes of arguments must be those of the kernel's parameters, and each array lies
between *guard zones*.  What a kernel writes there is an error; what it reads there is NaN, or a number that stands out.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .array import ndarray
from .counts import launched
from .device import current

__all__ = ["RawKernel", "RawModule", "compiler"]

HEADER = Path(__file__).with_name("cuda_on_cpu.h")
#: Bytes before and behind an array, and what they hold: NaN as float32 and float64, -1 as an integer.
GUARD, FILLING = 4096, 0xFF
#: Bsymbolic: a kernel called `read` is this one, not that of the C library.
OPTIONS = (
    "-std=c++17", "-O1", "-shared", "-fPIC", "-Wl,-Bsymbolic", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function",
)  # fmt: skip


def compiler() -> str | None:
    """The C++ compiler of this machine, or None."""
    return shutil.which("g++") or shutil.which("c++") or shutil.which("clang++")


@cache
def built(code: str) -> ctypes.CDLL:
    """A source as a library: built once on this machine, also where several processes ask at the same time."""
    text = HEADER.read_text("utf-8") + "\n" + code
    key = hashlib.sha256("\n".join([text, *OPTIONS]).encode()).hexdigest()[:24]
    folder = Path(tempfile.gettempdir()) / f"minigrad_stand_in_{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    library = folder / f"{key}.so"
    if not library.exists():
        program = compiler()
        if program is None:
            raise RuntimeError("the stand-in for CuPy needs a C++ compiler to run raw kernels: install g++")
        with tempfile.TemporaryDirectory(dir=folder) as own:
            source, fresh = Path(own) / "kernel.cpp", Path(own) / "kernel.so"
            source.write_text(f"{text}\n{launchers(program, code)}", "utf-8")
            done = subprocess.run([program, *OPTIONS, "-o", fresh, source], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"{program} cannot build a kernel:\n{done.stderr}")
            fresh.replace(library)
    return ctypes.CDLL(str(library))


def launchers(program: str, code: str) -> str:
    """A line of C++ for each kernel, also for those that a macro of the source makes."""
    expanded = subprocess.run([program, "-E", "-P", "-x", "c++", "-"], input=code, capture_output=True, text=True).stdout
    return "\n".join(f"LAUNCHER({name})" for name in re.findall(r"__global__\s+void\s+(\w+)", expanded))


class RawModule:
    """`cupy.RawModule(code=...)`: kernels by name."""

    __module__ = "cupy"

    def __init__(self, code: str | None = None, *, options: tuple[str, ...] = (), **others: Any) -> None:
        if code is None or options or others:
            raise NotImplementedError("the stand-in for CuPy takes the source of a raw module alone")
        self.code = code

    def compile(self, log_stream: Any = None) -> None:
        built(self.code)

    def get_function(self, name: str) -> RawKernel:
        return RawKernel(self.code, name)


class RawKernel:
    """`cupy.RawKernel(code, name)`: a kernel, called with a grid, a block and arguments."""

    __module__ = "cupy"

    def __init__(self, code: str, name: str, options: tuple[str, ...] = (), **others: Any) -> None:
        if options or others:
            raise NotImplementedError("the stand-in for CuPy takes the source of a raw kernel alone")
        self.code, self.name = code, name

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...], **options: Any) -> None:
        library = built(self.code)
        passed = [Argument(x) for x in args]
        sizes = (ctypes.c_int * 64)()
        count = getattr(library, f"sizes_{self.name}")(sizes)
        if [x.size for x in passed] != sizes[:count]:
            raise TypeError(f"{self.name} takes parameters of {sizes[:count]} bytes, got {[x.size for x in passed]}")
        launched(f"raw:{self.name}")
        addresses = (ctypes.c_void_p * count)(*(x.address for x in passed))
        getattr(library, f"launch_{self.name}")(dimensions(grid), dimensions(block), addresses)
        for number, x in enumerate(passed):
            x.check(f"{self.name}, argument {number}")


def dimensions(given: tuple[int, ...]) -> Any:
    if not all(1 <= n < 1 << 31 for n in given):
        raise ValueError(f"CUDA_ERROR_INVALID_VALUE: a launch over {given}")
    return (ctypes.c_uint * 3)(*given, *(1,) * (3 - len(given)))


class Argument:
    """What a launch passes: the address of a value, or of an array's address."""

    def __init__(self, x: Any) -> None:
        self.array, self.guarded = None, None
        if isinstance(x, ndarray):
            if x._device != current():
                raise RuntimeError(f"an array on device {x._device} for a kernel on device {current()}")
            self.array = x._a
            self.guarded = np.full(x.nbytes + 2 * GUARD, FILLING, np.uint8)
            self.guarded[GUARD : GUARD + x.nbytes] = np.frombuffer(memory(x._a), np.uint8)
            self.value = np.array(self.guarded.ctypes.data + GUARD, np.uintp)
        elif isinstance(x, (np.generic, np.ndarray)) and x.size == 1:
            self.value = np.array(x)
        elif type(x) in (bool, int, float, complex):  # as CuPy passes Python's numbers
            self.value = np.array(x, np.int64 if type(x) is int else None)
        else:
            raise TypeError(f"Unsupported type {type(x)}: a kernel takes CuPy's arrays, and single numbers")
        self.size, self.address = self.value.nbytes, self.value.ctypes.data

    def check(self, what: str) -> None:
        """What was written goes to the array; nothing was written beside it."""
        if self.array is None or self.guarded is None:
            return
        end = self.guarded.size - GUARD
        beside = np.concatenate([self.guarded[:GUARD], self.guarded[end:]])
        if (beside != FILLING).any():
            raise AssertionError(f"{what}: the kernel wrote outside of the array")
        np.frombuffer(memory(self.array), np.uint8)[:] = self.guarded[GUARD:end]


def memory(a: np.ndarray) -> Any:
    """The bytes from an array's first element on, as many as it has: a kernel knows nothing of strides."""
    if not a.nbytes:
        return bytearray()
    base = a
    while isinstance(base.base, np.ndarray):
        base = base.base
    first, last = np.lib.array_utils.byte_bounds(base)
    if a.ctypes.data + a.nbytes > last or a.ctypes.data < first:
        raise AssertionError("a kernel got an array whose elements do not lie side by side")
    return (ctypes.c_ubyte * a.nbytes).from_address(a.ctypes.data)
