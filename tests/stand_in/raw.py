"""`cupy.RawModule` and `cupy.RawKernel`: kernels written in CUDA C, built by the C++ compiler and run on the CPU.

`cuda_on_cpu.h` stands before the source and makes it C++: the threads of a launch run one after the other, those that meet at
barriers in changing orders.  A launch is stricter than a GPU's: the number and sizes of arguments must be those of the kernel's
parameters, and each array lies between *guard zones*.  What a kernel writes there is an error, and so is what it reads there,
where that changes a result: each launch runs several times, from the same arrays, and other numbers lie in the guard zones
then, other ones beside each array.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import hashlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
import threading
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from .array import ndarray
from .counts import launched
from .device import current
from .graphs import captured
from .memory import found_at, whole

__all__ = ["Module", "RawKernel", "RawModule", "compile_using_nvrtc", "compiler"]

HEADER = Path(__file__).with_name("cuda_on_cpu.h")
#: Options of NVRTC's that g++ does without: x * y + z is rounded twice.
TAKEN = {"--fmad=false", "--ftz=false", "--prec-div=true", "--prec-sqrt=true"}
#: Held while a kernel runs, whose shared memory and fibers there are once.
running = threading.Lock()
#: Bytes before and behind an array.
GUARD = 4096
#: Bsymbolic: a kernel called `read` is this one, not that of the C library.
OPTIONS = (
    "-std=c++17", "-O1", "-shared", "-fPIC", "-Wl,-Bsymbolic", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function",
)  # fmt: skip


def compiler() -> str | None:
    """The C++ compiler of this machine, or None; those of Windows build other libraries, and are not tried."""
    if os.name == "nt":
        return None
    return shutil.which("g++") or shutil.which("c++") or shutil.which("clang++")


@cache
def kept_in(place: Path) -> Path:
    """The folder of this user's libraries in a place where others may write too.

    What lies there is loaded and run, so a folder that is not this user's alone is left: a new one serves then,
    until the process ends.
    """
    folder = place / f"minigrad_stand_in_{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()  # of itself: somebody else's link may lead to a folder of this user
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022:
        return folder
    fresh = Path(tempfile.mkdtemp(prefix="minigrad_stand_in_", dir=place))
    atexit.register(shutil.rmtree, fresh, ignore_errors=True)
    return fresh


@cache
def built(code: str) -> ctypes.CDLL:
    """A source as a library: built once on this machine, also where several processes ask at the same time."""
    teams = "#define TEAMS\n" * ("__syncthreads" in code)
    text = teams + HEADER.read_text("utf-8") + "\n" + code
    key = hashlib.sha256("\n".join([text, *OPTIONS]).encode()).hexdigest()[:24]
    library = kept_in(Path(tempfile.gettempdir())) / f"{key}.so"
    if not library.exists():
        program = compiler()
        if program is None:
            raise RuntimeError("the stand-in for CuPy needs a C++ compiler to run raw kernels: install g++")
        with tempfile.TemporaryDirectory(dir=library.parent) as own:
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
        if code is None or others or not set(options) <= TAKEN:
            raise NotImplementedError(f"the stand-in for CuPy takes the source of a raw module alone, and options {TAKEN}")
        self.code = code

    def compile(self, log_stream: Any = None) -> None:
        built(self.code)

    def get_function(self, name: str) -> RawKernel:
        return RawKernel(self.code, name)


def compile_using_nvrtc(source: str, options: tuple[str, ...] = (), arch: str | None = None) -> tuple[bytes, None]:
    """`cupy.cuda.compiler.compile_using_nvrtc`: the source itself, which `Module` builds."""
    if not set(options) <= TAKEN:
        raise NotImplementedError(f"the stand-in for CuPy takes the options {TAKEN}, got {options}")
    return source.encode(), None


class Module:
    """`cupy.cuda.function.Module`."""

    def load(self, code: bytes) -> None:
        self.code = code.decode()

    def get_function(self, name: str) -> RawKernel:
        return RawKernel(self.code, name)


class RawKernel:
    """`cupy.RawKernel(code, name)`: a kernel, called with a grid, a block and arguments."""

    __module__ = "cupy"

    def __init__(self, code: str, name: str, options: tuple[str, ...] = (), **others: Any) -> None:
        if options or others:
            raise NotImplementedError("the stand-in for CuPy takes the source of a raw kernel alone")
        self.code, self.name = code, name

    @captured
    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...], **options: Any) -> None:
        library = built(self.code)
        sizes = (ctypes.c_int * 1024)()
        count = getattr(library, f"sizes_{self.name}")(sizes)
        wanted = [abs(n) for n in sizes[:count]]
        values = [value_of(x) for x in args]
        if [x.nbytes for x in values] != wanted:
            raise TypeError(f"{self.name} takes parameters of {wanted} bytes, got {[x.nbytes for x in values]}")
        launched(f"raw:{self.name}")
        zones = zones_of(self.name, args, [n < 0 for n in sizes[:count]])
        results = []
        for fill in FILLINGS if zones else FILLINGS[:1]:
            for zone in zones:
                zone.surround(fill)
                for number, offset in zone.arguments.items():
                    values[number] = np.array(zone.address + offset, np.uintp)
            addresses = (ctypes.c_void_p * count)(*(x.ctypes.data for x in values))
            with running:
                getattr(library, f"launch_{self.name}")(dimensions(grid), dimensions(block), addresses)
            results.append([zone.inside() for zone in zones])
        for zone, *found in zip(zones, *results, strict=True):
            zone.take(*found)


def dimensions(given: tuple[int, ...]) -> Any:
    if not all(1 <= n < 1 << 31 for n in given):
        raise ValueError(f"CUDA_ERROR_INVALID_VALUE: a launch over {given}")
    return (ctypes.c_uint * 3)(*given, *(1,) * (3 - len(given)))


def nan_or_minus_one(dtype: np.dtype, number: int) -> np.ndarray:
    """A guard zone of NaN as float32 and float64, and of -1 as integers."""
    return np.full(GUARD, 0xFF, np.uint8)


def one_number(dtype: np.dtype, number: int, small: bool) -> np.ndarray:
    """A guard zone of one number, another one for each argument; as an index it leads to no far place."""
    if dtype.kind == "b":
        value: float = not small
    elif dtype.kind in "iu":
        value = number % 20 + (0 if small else 100)
    else:
        value = -1.37 - number if small else 1000 + number
    return np.full(GUARD // dtype.itemsize, value, dtype).view(np.uint8)


#: What the guard zones of an array hold, by the runs of a launch: functions of its dtype and the number of the argument.
FILLINGS = (nan_or_minus_one, partial(one_number, small=True), partial(one_number, small=False))


def value_of(x: Any) -> np.ndarray:
    """What a launch passes: a value, or room for an array's address."""
    if isinstance(x, ndarray):
        if x._device != current():
            raise RuntimeError(f"an array on device {x._device} for a kernel on device {current()}")
        return np.array(0, np.uintp)
    if isinstance(x, (np.generic, np.ndarray)) and x.size == 1:
        return np.array(x)
    if type(x) in (bool, int, float, complex):  # as CuPy passes Python's numbers
        return np.array(x, np.int64 if type(x) is int else None)
    raise TypeError(f"Unsupported type {type(x)}: a kernel takes CuPy's arrays, and single numbers")


class Zone:
    """Memory of a launch: that of an array, or all memory that an address leads into.

    Attributes:
        memory: its bytes.
        arguments: the numbers of those that lie in it, and where.
    """

    def __init__(self, kernel: str, memory: Any, dtype: np.dtype, number: int) -> None:
        self.memory, self.dtype, self.number = np.frombuffer(memory, np.uint8), dtype, number
        self.said = f"{kernel}, argument {number}: "
        self.arguments: dict[int, int] = {}

    def surround(self, fill: Callable[[np.dtype, int], np.ndarray]) -> None:
        """Make a copy that lies between guard zones."""
        self.guard = fill(self.dtype, self.number)
        self.guarded = np.concatenate([self.guard, self.memory, self.guard])
        self.address = self.guarded.ctypes.data + GUARD

    def inside(self) -> np.ndarray:
        """The bytes of the copy; nothing was written beside it."""
        end = self.guarded.size - GUARD
        if (self.guarded[:GUARD] != self.guard).any() or (self.guarded[end:] != self.guard).any():
            raise AssertionError(f"{self.said}the kernel wrote outside of the array")
        return self.guarded[GUARD:end]

    def take(self, first: np.ndarray, *others: np.ndarray) -> None:
        """What was written goes to the array; it is the same whatever lies in the guard zones."""
        if any((x != first).any() for x in others):
            what = "the kernel read outside of an array, or threads did not meet, and what it wrote here depends on that"
            raise AssertionError(self.said + what)
        self.memory[:] = first


def zones_of(kernel: str, args: tuple[Any, ...], pointers: list[bool]) -> list[Zone]:
    """The memory of a launch's arguments; addresses in the same memory have one zone."""
    found = found_at([int(x) for x, pointer in zip(args, pointers, strict=True) if pointer and isinstance(x, np.uint64)])
    zones: dict[Any, Zone] = {}
    for number, (x, pointer) in enumerate(zip(args, pointers, strict=True)):
        if isinstance(x, ndarray):
            zones[number] = zone = Zone(kernel, memory(x._a), x.dtype, number)
            zone.arguments[number] = 0
        elif pointer and isinstance(x, np.uint64):
            if x and int(x) not in found:
                raise AssertionError(f"{kernel}, argument {number}: the address of no array that is still there")
            owner, first, last = found.get(int(x), (np.empty(0, np.uint8), 0, 0))
            if first not in zones:
                held = (ctypes.c_ubyte * (last - first)).from_address(first) if last else bytearray()
                zones[first] = Zone(kernel, held, owner.dtype, number)
            zones[first].arguments[number] = int(x) - first
    return list(zones.values())


def memory(a: np.ndarray) -> Any:
    """The bytes from an array's first element on, as many as it has: a kernel knows nothing of strides."""
    if not a.nbytes:
        return bytearray()
    _, first, last = whole(a)
    if a.ctypes.data + a.nbytes > last or a.ctypes.data < first:
        raise AssertionError("a kernel got an array whose elements do not lie side by side")
    return (ctypes.c_ubyte * a.nbytes).from_address(a.ctypes.data)
