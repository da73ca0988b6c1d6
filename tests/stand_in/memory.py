"""Where arrays lie: `cupy.cuda.MemoryPointer`, and what arrays of one memory share."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["MemoryPointer", "PooledMemory", "UnownedMemory"]


class PooledMemory:
    """`cupy.cuda.PooledMemory`: the memory of an array, and of all that show a part of it."""

    def __init__(self, owner: np.ndarray) -> None:
        self.owner = owner


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
