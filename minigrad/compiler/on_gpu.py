"""A program on a GPU: its loops are kernels, launched one after the other; its calls are CuPy's.

The function around them is written as that for the processor is.  What differs is how loops find their arrays: they are
bound to them once, and again where they lie elsewhere.  The call waits once, where it looks whether the program is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import devices, later
from ..backend import cupy, is_plain
from ..devices import on_gpu_of
from .capture import Capture
from .cuda.module import Module
from .fuse import Fusion, fused
from .layout import Layout
from .program import Var, vars_in
from .replay import Replay
from .script import Script

__all__ = ["GpuScript", "script_of"]


class _Bound:
    """Loops, bound to the arrays that they ran on last; those of two calls in turn."""

    def __init__(self, loops: Sequence[Any], slots: Sequence[Sequence[int]]) -> None:
        self.module = Module(loops, slots)
        self.known: dict[tuple[int, ...], Any] = {}

    def __call__(self, *arrays: Any) -> None:
        key = tuple(map(id, arrays))
        if key not in self.known:
            if len(self.known) > 3:
                self.known.clear()
            self.known[key] = self.module.bound(arrays), arrays  # which keeps them, so that no other gets their identity
        self.known[key][0]()


class GpuLayout(Layout):
    """Memory of a GPU, and kernels.

    Attributes:
        host, there: Python's numbers that loops read, in main memory, and where they are copied to, all at once.
        places: where each of them stands in main memory.
    """

    def as_strided(self, x: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
        return cupy().lib.stride_tricks.as_strided(x, shape, strides)

    def empty(self, v: Var) -> Any:
        return cupy().empty(v.shape, v.dtype)

    def constant(self, x: Any) -> Any:
        return cupy().array(x, order="C")

    def compiled(self, loops: Any, slots: Any) -> Any:
        return _Bound(loops, slots)

    def _room(self) -> None:
        """The numbers: kernels have room of their own."""
        wanted = [key for key in self.memory if type(key) is tuple]
        self.host, self.there = np.zeros(len(wanted)), cupy().zeros(len(wanted))
        self.places: dict[Any, Any] = {}
        for i, key in enumerate(wanted):
            self.places[key], self.memory[key] = (x[i : i + 1].view(key[1])[0:1].reshape(()) for x in (self.host, self.there))

    def put_in(self, turn: int, key: Any, address: int) -> None:
        """Nothing: loops are given arrays."""

    def copy_numbers(self) -> None:
        self.there.set(self.host)


def _on(like: Any, run: Any, arguments: Any) -> Any:
    """Run where an array is."""
    with on_gpu_of(like):
        return run(arguments)


class GpuScript(Script):
    """The function of a capture whose arrays are on a GPU."""

    def __init__(self, capture: Capture, like: Any) -> None:
        with on_gpu_of(like):
            super().__init__(capture)
        run = self.run
        if devices.several:
            self.run = lambda arguments: _on(like, run, arguments)

    def library(self) -> dict[str, Any]:
        own = cupy()
        return {"empty": own.empty, "copyto": own.copyto, "contiguous": own.ascontiguousarray, "asarray": own.asarray}

    def _fused(self, writes: dict[Var, Var]) -> Fusion | Replay:
        return fused(self.program, writes, products=False)

    def _placed(self) -> Layout:
        return GpuLayout(self.fusion, set(self.gives))

    def _arrays(self) -> None:
        for i, v in enumerate(self.arguments):
            self.text_of[v] = f"x{i}"
            if v in self.layout.slots:
                self._anywhere(v, f"x{i}")
        self._sources()
        self._numbers()

    def _numbers(self) -> None:
        layout = self.layout
        assert isinstance(layout, GpuLayout)
        for key, place in layout.places.items():
            self.add(f"{self.name(place, 'h')}[()] = {self.number(key[0])}")
        if layout.places:
            self.add(f"{self.name(layout.copy_numbers, 'copy_numbers')}()")

    def _note(self, v: Var, name: str) -> None:
        """Nothing: loops are given the arrays themselves."""

    def _run(self, i: int) -> None:
        layout = self.layout
        arrays = [self.name(layout.memory[k], "m") if type(k) is tuple else self.array(k) for k in layout.keys[i]]
        self.add(f"{self.name(layout.functions[i], 'launch')}({', '.join(arrays)})")


    def _checks(self, guards: list[Var]) -> None:
        """All that is looked at comes in one copy: the one time that a call waits."""
        looked_at = list(dict.fromkeys([*guards, *vars_in([values for _, values in self.program.checks])]))
        if not looked_at:
            return
        names = [f"l{i}" for i in range(len(looked_at))]
        self.add(f"{', '.join(names)}, = {self.name(later.read, 'read')}({', '.join(map(self.array, looked_at))})")
        name_of = dict(zip(looked_at, names, strict=True))
        for v in guards:
            self.add(f"if not {name_of[v]}:")
            self._leave()
        for verify, values in self.program.checks:
            self.add(f"{self.name(verify, 'verify')}({', '.join(name_of[v] for v in values)})")


def script_of(capture: Capture, like: Any = None) -> Script:
    """The script of a capture, for the processor or the GPU on which its arrays are.

    Args:
        like: an array on that GPU, where the capture itself holds none.
    """
    like = array_on_gpu(capture) if like is None else like
    return Script(capture) if like is None else GpuScript(capture, like)


def array_on_gpu(capture: Capture) -> Any:
    """An array of a program that is on a GPU; None where none is."""
    given = [x for x in (getattr(leaf, "_array", leaf) for leaf in capture.leaves) if is_plain(x)]
    given += [source._array for source in capture.sources if hasattr(source, "_array")]
    return next((x for x in given if not isinstance(x, np.ndarray)), None)
