"""Accelerated functions as kernels for a GPU, made from their definitions as `compiled` makes native code.

To launch a kernel takes longer than most of them run.  So what a function computes in ten calls of CuPy's is one launch
here, or a few: loops are kernels, products of matrices are cuBLAS's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ..backend import cupy
from ..compiler.cuda import Module, products
from ..compiler.fuse import Fusion, fused
from ..compiler.groups import Call, Group, slots_of
from ..compiler.layout import check_reach
from ..compiler.numbers import Formula, evaluate
from ..compiler.on_gpu import SentNumbers, writes_out
from ..compiler.program import Var, with_values
from ..compiler.views import View, overlap
from ..trees import unflatten
from . import compiled, is_cupy
from .compiled import traced

__all__ = ["Kernel"]

#: For so many kinds of arguments, of each function, there are kernels at a time.
MOST = 32


class Kernel(compiled.Kernel):
    """A function of CuPy's arrays, compiled for each kind of arguments that it is called with.

    That is done at the first call: which code computes a step must not depend on how many were before it.
    """

    def __call__(self, *args: Any) -> Any:
        """What the function gives; NotImplemented where it is not compiled for such arguments."""
        arrays, numbers = [], []
        key: list[Any] = []
        for a in args:
            if is_cupy(a):
                key += a.shape, a.dtype.char
                arrays.append(a)
            elif type(a) is float:
                key.append(float)
                numbers.append(a)
            else:
                key += type(a), a
        return self.run((*key, arrays[0].data.device_id), args, arrays, numbers)

    def most(self) -> int:
        return MOST

    def takes(self, x: Any) -> bool:
        return x.size > 0 if is_cupy(x) else super().takes(x)

    def version(self, args: Sequence[Any]) -> Any:
        return Version(self.function, args)


class Version:
    """A function for some kind of arguments.

    Attributes:
        inputs, results: values that have arrays of their own at each call.
        own: arrays that stay: constants, what lies between two launches, numbers.
        pieces: what launches loops and the values that it is given, or products of matrices.
    """

    def __init__(self, function: Callable[..., Any], args: Sequence[Any]) -> None:
        like = [np.zeros(a.shape, a.dtype) if is_cupy(a) else a for a in args]
        program, self.formulas, self.written, self.template = traced(function, like)
        values, changed = program.outputs
        self.inputs = program.inputs
        targets = {v: self.inputs[i] for i, v in zip(self.written, changed, strict=True)}
        if program.checks or program.guards:
            raise NotImplementedError("what is to be done depends on values")
        self.fusion = fused(program, targets, products=False, at_once=True, guarded=False)
        self.outputs = [(self._base(v), self.fusion.views.get(v)) for v in values]
        self.results = list(dict.fromkeys(base for base, _ in self.outputs))
        pairs = zip(self.written, changed, strict=True)
        self.late = [(i, v) for i, v in pairs if self.fusion.written.get(v) is not self.inputs[i]]
        self.own: dict[Any, Any] = {v: cupy().array(x, order="C") for v, x in self.fusion.constants.items()}
        self.stream = cupy().cuda.get_current_stream().ptr  # whose calls follow one another in the memory that stays
        self._lock = threading.Lock()
        self._memory()
        self.pieces = self._divided()
        self._numbers()

    def _base(self, v: Var) -> Var:
        return self.fusion.views[v].base if v in self.fusion.views else v

    def _memory(self) -> None:
        """Room for what is made and given to nobody."""
        made = {v for g in self.fusion.groups for v in (g.stored if isinstance(g, Group) else g.outs)} | {*self.fusion.joined}
        if not made >= {*self.results, *(v for _, v in self.late)}:
            raise NotImplementedError("a result is not made here")
        for v in made - {*self.results}:
            self.own[v] = cupy().zeros(v.shape, v.dtype)

    def _divided(self) -> list[Any]:
        """Loops in a row are one module."""
        pieces: list[Any] = []
        waiting: list[Group] = []
        for group in [*self.fusion.groups, None]:
            if isinstance(group, Group):
                waiting.append(group)
                continue
            if waiting:
                pieces.append(self._module(waiting))
                waiting = []
            if group is not None:
                if not writes_out(group) or any(v in self.fusion.zeroed for v in group.outs):
                    raise NotImplementedError("a call that no loop holds")
                pieces.append(group)
        return pieces

    def _module(self, groups: list[Group]) -> tuple[Callable[[Sequence[Any]], None], list[Any]]:
        for group in groups:
            check_reach(group)
        local: dict[Any, int] = {}
        slots = slots_of(groups, local)
        return Module([group.loop(f"loop {i}") for i, group in enumerate(groups)], slots).starter(), list(local)

    def _numbers(self) -> None:
        """Python's numbers that loops read."""
        keys = dict.fromkeys(k for p in self.pieces if not isinstance(p, Call) for k in p[1] if type(k) is tuple)
        self.numbers = SentNumbers(list(keys))
        self.own.update(self.numbers.there)

    def run(self, arrays: list[Any], numbers: list[float]) -> Any:
        """The results; NotImplemented on another stream, and where an array that is written has gaps, or shares its memory."""
        library = cupy()
        if library.cuda.get_current_stream().ptr != self.stream:
            return NotImplemented
        for i, a in enumerate(arrays):
            if not a.flags.c_contiguous:
                if i in self.written:
                    return NotImplemented
                arrays[i] = library.ascontiguousarray(a)
        if self.written and overlap([(a.data.ptr, a.data.ptr + prod(a.shape) * a.itemsize) for a in arrays], self.written):
            return NotImplemented
        with self._lock:
            return self._launched(library, arrays, numbers)

    def _launched(self, library: Any, arrays: list[Any], numbers: list[float]) -> Any:
        if self.numbers.places:
            self._fill(numbers)
        known = {**self.own, **dict(zip(self.inputs, arrays, strict=True))}
        for v in self.results:
            known[v] = (library.zeros if v in self.fusion.zeroed else library.empty)(v.shape, v.dtype)
        for v in self.fusion.zeroed:
            if v in self.own:
                self.own[v].fill(0)
        for piece in self.pieces:
            if isinstance(piece, Call):
                x, y = (_array(self.fusion, v, known) for v in piece.step.args)
                products.matmul(library, x, y, known[piece.outs[0]])
            else:
                piece[0]([known[key] for key in piece[1]])
        for i, v in self.late:
            arrays[i][...] = known[v]
        given = [known[base] if view is None else _seen(known[base], view) for base, view in self.outputs]
        return unflatten(self.template, iter(given))

    def _fill(self, numbers: list[float]) -> None:
        values: dict[Formula, Any] = dict(zip(self.formulas, numbers, strict=True))
        for (formula, _), place in self.numbers.places.items():
            place[()] = evaluate(formula, values)
        self.numbers.send()


def _array(fusion: Fusion, v: Var, known: dict[Any, Any]) -> Any:
    """The array of a value, which may be a view."""
    if v in known:
        return known[v]
    look = fusion.looks.get(v)
    if look is None:
        return _seen(known[fusion.views[v].base], fusion.views[v])
    inner = {x: _array(fusion, x, known) for x in (look.args[0],)}
    return look.function(*with_values(look.args, inner), **look.kwargs)


def _seen(x: Any, view: View) -> Any:
    """A view of an array in one piece."""
    return view.of(x, cupy().lib.stride_tricks.as_strided)
