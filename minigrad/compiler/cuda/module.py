"""Running a program of loops on a GPU, through CuPy."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..llvm import all_slots
from ..loops import Loop
from .build import kernels
from .program import Program, prelude
from .stages import THREADS

__all__ = ["Module"]


class _Bound:
    """Launches that are ready, and the arrays at the addresses that they have."""

    def __init__(self, calls: Sequence[Callable[[], None]], kept: tuple[Any, ...]) -> None:
        self._calls, self._kept = calls, kept

    def __call__(self) -> None:
        for call in self._calls:
            call()


class Module:
    """Loops as kernels, which are compiled when they are first launched: some tenths of a second, or none if the disk has them.

    Args:
        slots: for each loop the numbers of its operands among the arrays; by default the operands of all loops in a row.

    Attributes:
        source: CUDA C.
        launches: the kernels, in order: how many a call of `launch` starts.

    >>> from minigrad.compiler.steps import Compute, Load, Operand, Store
    >>> x = Operand("float32", (1,))
    >>> module = Module([Loop((1000,), (x, x), (Load(0), Compute("exp", (0,)), Store(1, 1)))])
    >>> [(launch.name, launch.blocks) for launch in module.launches]
    [('launch_0', 4)]

    `module.launch([x, y])` with arrays of CuPy's then writes exp(x) to y.
    """

    def __init__(self, loops: Sequence[Loop], slots: Sequence[Sequence[int]] | None = None) -> None:
        program = Program(loops, slots)
        self.source = f"{prelude()}\n{program.source}\n"
        self.launches = program.launches
        self._bytes = max(program.memory, 1)
        self._dtypes, self._reach = _operands_of(loops, slots)
        self._memory: dict[tuple[int, int], Any] = {}  # of each device and stream
        self._lock = threading.Lock()
        self._kernels: dict[int, list[Any]] = {}  # of each device

    def launch(self, arrays: Sequence[Any]) -> None:
        """Run the loops on the current device and stream; this waits for nothing.

        Raises:
            TypeError, ValueError: where an array has another dtype, or a loop would reach beyond its memory.
        """
        self.bound(arrays)()

    def bound(self, arrays: Sequence[Any], keep: bool = True) -> Callable[[], None]:
        """What launches the loops on these arrays, again and again, on the device and stream that are current now.

        The arrays are looked at once.

        Args:
            keep: whether the arrays are kept; else they must still be there at each launch.

        Raises:
            TypeError, ValueError: as `launch`.
        """
        if len(arrays) != len(self._dtypes):
            raise ValueError(f"the loops have {len(self._dtypes)} operands, got {len(arrays)} arrays")
        for i, array in enumerate(arrays):
            self._check(i, array)
        cupy = importlib.import_module("cupy")
        kept = (*arrays, self._memory_here(cupy))
        *addresses, memory = (np.uint64(array.data.ptr) for array in kept)
        calls = []
        for kernel, launch in zip(self._kernels_here(cupy), self.launches, strict=True):
            own = (*(addresses[slot] for slot in launch.slots), *([memory] * launch.keeps))
            calls.append(partial(kernel, (launch.blocks,), (THREADS,), own))
        return _Bound(calls, kept if keep else kept[-1:])

    def starter(self) -> Callable[[Sequence[Any]], None]:
        """What launches the loops on arrays that are known to fit, on the device and stream that are current now.

        The arrays may be other ones at each call, and are not looked at.
        """
        cupy = importlib.import_module("cupy")
        memory = [self._memory_here(cupy)]
        calls = [
            (kernel, (launch.blocks,), launch.slots, memory * launch.keeps)
            for kernel, launch in zip(self._kernels_here(cupy), self.launches, strict=True)
        ]

        def start(arrays: Sequence[Any]) -> None:
            for kernel, blocks, slots, own in calls:
                kernel(blocks, (THREADS,), (*[arrays[slot] for slot in slots], *own))

        return start

    def _check(self, i: int, array: Any) -> None:
        if array.dtype != self._dtypes[i]:
            raise TypeError(f"operand {i} is {self._dtypes[i]}, got an array of {array.dtype}")
        low, high = _extent(array.shape, [stride // array.itemsize for stride in array.strides])
        first, last = self._reach[i]
        if first < low or last > high:
            raise ValueError(
                f"operand {i} reaches from element {first} to {last}, the array has {low} to {high}; strides are in elements"
            )

    def _kernels_here(self, cupy: Any) -> list[Any]:
        device = cupy.cuda.runtime.getDevice()
        with self._lock:
            if device not in self._kernels:
                self._kernels[device] = kernels(cupy, self.source, [launch.name for launch in self.launches])
            return self._kernels[device]

    def _memory_here(self, cupy: Any) -> Any:
        """What the loops keep between their launches: of each stream, since two may run at the same time."""
        key = (cupy.cuda.runtime.getDevice(), cupy.cuda.get_current_stream().ptr)
        with self._lock:
            if key not in self._memory:
                self._memory[key] = cupy.zeros(self._bytes, dtype=cupy.uint8)
            return self._memory[key]


def _operands_of(loops: Sequence[Loop], slots: Sequence[Sequence[int]] | None) -> tuple[list[str], list[tuple[int, int]]]:
    """The dtype of each array, and the first and one after the last of its elements that the loops reach."""
    places = all_slots(loops, slots)
    count = max((n + 1 for p in places for n in p), default=0)
    dtypes, reach = [""] * count, [(0, 0)] * count
    for loop, own in zip(loops, places, strict=True):
        for i, (operand, slot) in enumerate(zip(loop.operands, own, strict=True)):
            moves = loop.moves(i)  # where no point is along another axis, an element may still be read once
            low, high = _extent([loop.space[a] for a in moves], [operand.strides[a] for a in moves])
            if high:
                low, high = low + operand.offset, high + operand.offset
            dtypes[slot] = operand.dtype
            reach[slot] = min(reach[slot][0], low), max(reach[slot][1], high)
    return dtypes, reach


def _extent(shape: Sequence[int], strides: Sequence[int]) -> tuple[int, int]:
    """The first element that lies in an array, and one after the last, counted from where it begins.

    >>> _extent((2, 3), (3, 1)), _extent((4,), (-2,)), _extent((0, 3), (3, 1))
    ((0, 6), (-6, 1), (0, 0))
    """
    if 0 in shape:
        return 0, 0
    steps = [stride * (n - 1) for n, stride in zip(shape, strides, strict=True)]
    return sum(min(s, 0) for s in steps), 1 + sum(max(s, 0) for s in steps)
