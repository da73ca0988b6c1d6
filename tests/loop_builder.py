"""Loops of the compiler over arrays, written step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.compiler.loops import Compute, Constant, Load, Loop, Operand, Reduce, Step, Store

__all__ = ["Builder"]


class Builder:
    """A loop over a space and arrays that are broadcast to it: `build.exp(v)` computes, `build.store(v, array)` writes."""

    def __init__(self, *space: int) -> None:
        self.space = space
        self.operands: list[Operand] = []
        self.code: list[Step] = []
        self.arrays: list[Any] = []

    def step(self, step: Step) -> int:
        self.code.append(step)
        return len(self.code) - 1

    def operand(self, array: Any) -> int:
        """An array, broadcast to the space as NumPy would."""
        self.operands.append(Operand(str(array.dtype), self.strides(array)))
        self.arrays.append(array)
        return len(self.operands) - 1

    def strides(self, array: Any) -> tuple[int, ...]:
        """In elements, along the axes of the space."""
        np.broadcast_to(array, self.space)
        strides = array.strides if array.size else (array.itemsize,) * array.ndim  # where NumPy has zeros
        own = [0 if n == 1 else s // array.itemsize for n, s in zip(array.shape, strides, strict=True)]
        return (*(0,) * (len(self.space) - array.ndim), *own)

    def load(self, array: Any) -> int:
        return self.step(Load(self.operand(array)))

    def constant(self, value: float, dtype: str = "float32") -> int:
        return self.step(Constant(value, dtype))

    def reduce(self, op: str, value: int, *axes: int) -> int:
        return self.step(Reduce(op, value, axes))

    def store(self, value: int, array: Any) -> None:
        self.step(Store(self.operand(array), value))

    def __getattr__(self, op: str) -> Callable[..., int]:
        return lambda *args: self.step(Compute(op, args))

    def loop(self, name: str = "loop") -> Loop:
        return Loop(self.space, tuple(self.operands), tuple(self.code), name)
