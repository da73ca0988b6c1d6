"""Where arrays lie: `cupy.cuda.MemoryPointer`, and what arrays of one memory share."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

__all__ = ["MemoryPointer", "PooledMemory", "UnownedMemory", "found_at", "whole"]

#: All memory that arrays have now.
alive: weakref.WeakSet[PooledMemory] = weakref.WeakSet()


class PooledMemory:
    """`cupy.cuda.PooledMemory`: the memory of an array, and of all that show a part of it."""

    def __init__(self, owner: np.ndarray) -> None:
        self.place = whole(owner)  # the array that owns it, its first byte, and one after the last
        alive.add(self)


class UnownedMemory(PooledMemory):
    """`cupy.cuda.UnownedMemory`: that of another library's array."""


class MemoryPointer:
    """`cupy.cuda.MemoryPointer`: a place in a memory; `pointer + n` is n bytes further on."""

    def __init__(self, mem: PooledMemory, ptr: int, device_id: int) -> None:
        self.mem, self.ptr, self.device_id = mem, ptr, device_id

    def __add__(self, offset: int) -> MemoryPointer:
        return MemoryPointer(self.mem, self.ptr + offset, self.device_id)

    def array(self, shape: Any, dtype: Any) -> np.ndarray:
        """NumPy's array of what stands there."""
        place = Place(self.mem, (self.ptr, False), tuple(shape), np.dtype(dtype).str)
        return np.asarray(place)


class Place:
    """What NumPy makes an array of; it keeps the memory alive."""

    def __init__(self, mem: PooledMemory, data: Any, shape: Any, typestr: str) -> None:
        self.mem = mem
        self.__array_interface__ = {"data": data, "shape": shape, "typestr": typestr, "version": 3}


def whole(a: np.ndarray) -> tuple[np.ndarray, int, int]:
    """The array that owns the memory of another, and its first byte, and one after the last."""
    while isinstance(a.base, np.ndarray):
        a = a.base
    return a, *np.lib.array_utils.byte_bounds(a)


def found_at(addresses: list[int]) -> dict[int, tuple[np.ndarray, int, int]]:
    """What is `whole` for the arrays that these addresses lie in; of an address in none there is nothing."""
    found = {}
    for mem in list(alive):
        _, first, last = mem.place
        found.update({x: mem.place for x in addresses if first <= x < last})
    return found
