"""The collectives step by step, on NumPy arrays: what travels, and what is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import Tensor, beside
from minigrad.backend import on_host

from .group import ProcessGroup
from .nccl import joined
from .work import Steps

__all__ = ["OPS", "all_gather", "all_reduce", "broadcast", "gather", "receive", "reduce_scatter", "send", "share_of"]

#: How many bytes tell what a message is: a dtype, and a shape of up to 64 axes.
HEAD = 2048

#: What `all_reduce` can make of the ranks' values; "mean" divides the sum.
OPS = {"sum": np.add, "mean": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}


def share_of(length: int, rank: int, size: int) -> slice:
    """Which of so many rows one of several ranks takes: neighbours, the parts of `np.array_split`.

    >>> [share_of(7, rank, 3) for rank in range(3)]
    [slice(0, 3, None), slice(3, 5, None), slice(5, 7, None)]
    """
    least, more = divmod(length, size)
    start = rank * least + min(rank, more)
    return slice(start, start + least + (rank < more))


def all_reduce(group: ProcessGroup, x: Any, op: str) -> Steps:
    """The sum of all ranks' x, say, in the memory of x, an array of NumPy's or CuPy's."""
    if group.size > 1:
        if op in ("sum", "mean"):
            yield from add(group, x)
        else:  # MPI's and NCCL's maximum do not keep NaN, NumPy's does
            parts = yield from all_gather(group, np.ascontiguousarray(on_host(x)))
            x[...] = beside(OPS[op].reduce(parts, axis=0), x)
        if op == "mean":
            x /= group.size
    return x


def add(group: ProcessGroup, x: Any) -> Steps:
    """The sum of all ranks' x, in the memory of x."""
    nccl = None if type(x) is np.ndarray else (yield from joined(group, x))
    if nccl is not None:
        yield nccl.sum(x)
    elif type(x) is not np.ndarray or x.dtype == np.float16:  # MPI sees main memory only, and has no half precision
        host = np.array(on_host(x), dtype=np.float32 if x.dtype == np.float16 else None)
        yield from add(group, host)
        x[...] = beside(host, x)
    elif group.size > 1:
        yield [group.data.Iallreduce(group.mpi.IN_PLACE, x, group.mpi.SUM)]


def broadcast(group: ProcessGroup, x: Any, src: int) -> Steps:
    """What x is on one rank, in the memory of x, an array of NumPy's or CuPy's."""
    if group.size > 1:
        nccl = None if type(x) is np.ndarray else (yield from joined(group, x))
        if nccl is not None:
            yield nccl.broadcast(x, src)
        else:
            host = np.array(on_host(x), order="C")
            yield [group.data.Ibcast(_bytes(host), src)]
            x[...] = beside(host, x)
    return x


def all_gather(group: ProcessGroup, x: np.ndarray) -> Steps:
    """Every rank's x, in a list; the length of axis 0 may differ."""
    if group.size == 1:
        return [x]
    shapes = yield from _shapes(group, x)
    sizes = [x.itemsize * int(np.prod(shape)) for shape in shapes]
    whole = np.empty(sum(sizes), np.uint8)
    yield [group.data.Iallgatherv(_bytes(x), [whole, sizes, None, group.mpi.BYTE])]
    return _parts(whole, shapes, sizes, x.dtype)


def gather(group: ProcessGroup, x: np.ndarray, dst: int) -> Steps:
    """Every rank's x in a list on one rank, None on the others; the length of axis 0 may differ."""
    if group.size == 1:
        return [x]
    shapes = yield from _shapes(group, x)
    sizes = [x.itemsize * int(np.prod(shape)) for shape in shapes]
    here = group.rank == dst
    whole = np.empty(sum(sizes) if here else 0, np.uint8)
    receive = [whole, sizes, None, group.mpi.BYTE] if here else None
    yield [group.data.Igatherv(_bytes(x), receive, dst)]
    return _parts(whole, shapes, sizes, x.dtype) if here else None


def reduce_scatter(group: ProcessGroup, x: np.ndarray, op: str) -> Steps:
    """This rank's part, along axis 0, of the sum of all ranks' x."""
    if group.size == 1:
        return x
    parts = [share_of(len(x), rank, group.size) for rank in range(group.size)]
    lengths = [part.stop - part.start for part in parts]
    row = int(np.prod(x.shape[1:]))
    part = np.empty((lengths[group.rank], *x.shape[1:]), np.float32 if x.dtype == np.float16 else x.dtype)
    counts = [length * row for length in lengths]
    yield [group.data.Ireduce_scatter(x.astype(part.dtype, copy=False), part, counts, group.mpi.SUM)]
    if op == "mean":
        part /= group.size
    return part.astype(x.dtype, copy=False)


def _shapes(group: ProcessGroup, x: np.ndarray) -> Steps:
    """The shapes of all ranks' x, which differ in the length of axis 0 alone."""
    if not x.ndim:
        return [()] * group.size
    mine, lengths = np.array([len(x)]), np.empty(group.size, np.int64)
    yield [group.data.Iallgather(mine, lengths)]
    return [(int(length), *x.shape[1:]) for length in lengths]


def _bytes(x: np.ndarray) -> Any:
    """The memory of a contiguous array, whatever its dtype."""
    return x.reshape(-1).view(np.uint8)


def _parts(whole: np.ndarray, shapes: Sequence[tuple[int, ...]], sizes: list[int], dtype: Any) -> list[np.ndarray]:
    ends = np.cumsum(sizes)
    return [whole[end - size : end].view(dtype).reshape(shape) for shape, size, end in zip(shapes, sizes, ends, strict=True)]


# ------------------------------------------------------------------------------------ messages


def send(group: ProcessGroup, x: np.ndarray, is_tensor: bool, dst: int, tag: int) -> Steps:
    """A message: first what it is, then the numbers."""
    head = np.zeros(HEAD, np.uint8)
    text = np.frombuffer(f"{is_tensor:d} {x.dtype.str} {' '.join(map(str, x.shape))}".encode(), np.uint8)
    head[: len(text)] = text
    yield [group.messages.Isend(head, dst, 2 * tag), group.messages.Isend(_bytes(x), dst, 2 * tag + 1)]


def receive(group: ProcessGroup, src: int, tag: int) -> Steps:
    """What another rank has sent."""
    head = np.empty(HEAD, np.uint8)
    yield [group.messages.Irecv(head, src, 2 * tag)]
    is_tensor, dtype, *shape = head.tobytes().rstrip(b"\0").decode().split()
    x = np.empty(tuple(map(int, shape)), dtype)
    yield [group.messages.Irecv(_bytes(x), src, 2 * tag + 1)]
    return Tensor(x) if is_tensor == "1" else x
