"""Reading and writing elements of arrays along a row: vectors in one piece, strided ones, single elements."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .instructions import suffix
from .text import Text, literal, memory_type, vector

__all__ = ["Place", "lanes_below", "read", "write"]

#: Elements that lie at most so far apart are picked out of whole vectors.
NEAR = 4


@dataclass(frozen=True)
class Place:
    """Where a row begins; `stride` is the distance of its elements, in elements."""

    pointer: str
    dtype: str
    stride: int = 0

    @property
    def size(self) -> int:
        """The bytes of an element."""
        return np.dtype(self.dtype).itemsize

    def moved(self, text: Text, index: str, stride: int) -> Place:
        """The place so many elements times an index further."""
        return replace(self, pointer=text.moved(self.pointer, index, stride * self.size))


def read(text: Text, place: Place, index: str = "0", lanes: int = 1, count: int = 1) -> str:
    """`count` elements from an index on, in a register of `lanes`; what is in the lanes beyond is not defined."""
    element, type_ = memory_type(place.dtype), vector(memory_type(place.dtype), lanes)
    if lanes > 1 and 1 < place.stride <= NEAR:
        found = _picked(text, place, index, lanes, count)
    elif lanes == 1 or (place.stride == 1 and lanes == count):
        found = text.let(f"load {type_}, ptr {_at(text, place, index)}, align {place.size}")
    else:
        mask, size, rest = (vector("i1", lanes), lanes_below(count, lanes)), ("i32", str(place.size)), (type_, "poison")
        if place.stride == 1:
            args = [("ptr", _at(text, place, index)), size, mask, rest]
            found = text.call(f"llvm.masked.load.{_name(place, lanes)}.p0", type_, args)
        else:
            args = [(f"<{lanes} x ptr>", _scattered(text, place, index, lanes)), size, mask, rest]
            found = text.call(f"llvm.masked.gather.{_name(place, lanes)}.v{lanes}p0", type_, args)
    if place.dtype != "bool":
        return found
    return text.let(f"icmp ne {vector(element, lanes)} {found}, {literal(0, 'uint8', lanes)}")


def _picked(text: Text, place: Place, index: str, lanes: int, count: int) -> str:
    """Every second element, or third ...: from all that lie between the first and the last, which is faster."""
    every, all_ = memory_type(place.dtype), lanes * place.stride
    type_, mask = vector(every, all_), lanes_below((count - 1) * place.stride + 1, all_)
    args = [("ptr", _at(text, place, index)), ("i32", str(place.size)), (vector("i1", all_), mask), (type_, "poison")]
    found = text.call(f"llvm.masked.load.{_name(place, all_)}.p0", type_, args)
    picks = ", ".join(f"i32 {lane * place.stride}" for lane in range(lanes))
    return text.let(f"shufflevector {type_} {found}, {type_} poison, <{lanes} x i32> <{picks}>")


def write(text: Text, place: Place, register: str, index: str = "0", lanes: int = 1, count: int = 1) -> None:
    """Write the first `count` lanes of a register to the elements from an index on."""
    type_ = vector(memory_type(place.dtype), lanes)
    if place.dtype == "bool":
        register = text.let(f"zext {vector('i1', lanes)} {register} to {type_}")
    if lanes == 1 or (place.stride == 1 and lanes == count):
        text.do(f"store {type_} {register}, ptr {_at(text, place, index)}, align {place.size}")
        return
    if 1 < place.stride <= NEAR:
        _put_between(text, place, register, index, lanes, count)
        return
    size, mask = ("i32", str(place.size)), (vector("i1", lanes), lanes_below(count, lanes))
    if place.stride == 1:
        args = [(type_, register), ("ptr", _at(text, place, index)), size, mask]
        text.call(f"llvm.masked.store.{_name(place, lanes)}.p0", "void", args)
    else:
        args = [(type_, register), (f"<{lanes} x ptr>", _scattered(text, place, index, lanes)), size, mask]
        text.call(f"llvm.masked.scatter.{_name(place, lanes)}.v{lanes}p0", "void", args)


def _put_between(text: Text, place: Place, register: str, index: str, lanes: int, count: int) -> None:
    """Write every second element, or third ...: spread over longer vectors, which is faster than one by one."""
    every, all_, step = memory_type(place.dtype), lanes * place.stride, place.stride
    picks = ", ".join("i32 poison" if lane % step else f"i32 {lane // step}" for lane in range(all_))
    type_ = vector(every, lanes)
    wide = text.let(f"shufflevector {type_} {register}, {type_} poison, <{all_} x i32> <{picks}>")
    mask = f"<{', '.join(f'i1 {int(not lane % step and lane // step < count)}' for lane in range(all_))}>"
    args = [(vector(every, all_), wide), ("ptr", _at(text, place, index)), ("i32", str(place.size)), (vector("i1", all_), mask)]
    text.call(f"llvm.masked.store.{_name(place, all_)}.p0", "void", args)


def _name(place: Place, lanes: int) -> str:
    return suffix("uint8" if place.dtype == "bool" else place.dtype, lanes)


def _at(text: Text, place: Place, index: str) -> str:
    return text.moved(place.pointer, index, place.stride * place.size)


def _scattered(text: Text, place: Place, index: str, lanes: int) -> str:
    """Pointers to the elements of a strided row."""
    offsets = ", ".join(f"i64 {lane * place.stride}" for lane in range(lanes))
    first = _at(text, place, index)
    return text.let(f"getelementptr {memory_type(place.dtype)}, ptr {first}, <{lanes} x i64> <{offsets}>")


def lanes_below(count: int, lanes: int) -> str:
    """A mask of the first lanes."""
    return f"<{', '.join(f'i1 {int(lane < count)}' for lane in range(lanes))}>"
