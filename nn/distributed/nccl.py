"""Sums and copies between GPUs, by NVIDIA's NCCL as CuPy has it; each rank has a GPU of its own.

Where ranks share a GPU, which NCCL refuses, or CuPy comes without NCCL, arrays go through main memory and MPI.
"""

from __future__ import annotations

import socket
from importlib import import_module
from typing import Any

import numpy as np

from minigrad.backend import device_of
from minigrad.devices import on_gpu_of

from .group import ProcessGroup
from .work import Steps

__all__ = ["Nccl", "joined", "load"]

#: How NCCL calls NumPy's dtypes; a complex number is two real ones.
NAMES = {
    "float16": "FLOAT16", "float32": "FLOAT32", "float64": "FLOAT64", "int8": "INT8", "uint8": "UINT8", "int32": "INT32",
    "uint32": "UINT32", "int64": "INT64", "uint64": "UINT64",
}  # fmt: skip


def load() -> Any:
    """CuPy, if it has NCCL; else None."""
    try:
        cupy = import_module("cupy")
        available = import_module("cupy.cuda.nccl").available  # CuPy itself does not import it
    except ImportError:
        return None
    return cupy if available else None


def joined(group: ProcessGroup, x: Any) -> Steps:
    """The communicator of all ranks' GPUs, made when it is first needed; None where there can be none."""
    device = device_of(x)
    if device not in group.gpus:
        cupy = load()
        place = "no NCCL" if cupy is None else f"{socket.gethostname()} {cupy.cuda.Device().pci_bus_id}"
        places = yield from group.texts(place)
        group.gpus[device] = None
        if "no NCCL" not in places and len(set(places)) == len(places):
            key = yield from _drawn(group, cupy.cuda.nccl.get_unique_id())
            group.gpus[device] = Nccl(cupy, group.size, group.rank, key)
    return group.gpus[device]


def _drawn(group: ProcessGroup, key: Any) -> Steps:
    """The key of rank 0, of the kind that CuPy has: bytes, and numbers before its version 14."""
    numbers = np.array(list(key), np.int16).astype(np.uint8)
    if group.size > 1:
        yield [group.data.Ibcast(numbers, 0)]
    return numbers.tobytes() if isinstance(key, bytes) else tuple(numbers.view(np.int8).tolist())


class Nccl:
    """The communicator of all ranks' GPUs, with a stream of its own, beside which the backward pass goes on.

    Args:
        cupy: the module.
        key: what rank 0 has drawn, by which the ranks find each other.
    """

    def __init__(self, cupy: Any, size: int, rank: int, key: Any) -> None:
        self.cupy, self.nccl = cupy, cupy.cuda.nccl
        self.comm = self.nccl.NcclCommunicator(size, key, rank)
        self.stream = cupy.cuda.Stream(non_blocking=True)

    def sum(self, x: Any) -> list[Any]:
        """Add the ranks' x, in place; what to wait for."""
        return self._run(x, lambda at, n, kind, to: self.comm.allReduce(at, at, n, kind, self.nccl.NCCL_SUM, to))

    def broadcast(self, x: Any, src: int) -> list[Any]:
        """Copy x of one rank to all, in place; what to wait for."""
        known = x.dtype.kind == "c" or x.dtype.name in NAMES
        return self._run(
            x if known else x.reshape(-1).view(np.uint8), lambda at, n, kind, to: self.comm.bcast(at, n, kind, src, to)
        )

    def _run(self, x: Any, call: Any) -> list[Any]:
        with on_gpu_of(x):
            ready = self.cupy.cuda.get_current_stream().record()
            self.stream.wait_event(ready)  # x is written by then
            flat = x.reshape(-1)
            flat = flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat
            kind = getattr(self.nccl, f"NCCL_{NAMES[flat.dtype.name]}")
            call(flat.data.ptr, flat.size, kind, self.stream.ptr)
            return [_Event(self.stream.record(), x)]


class _Event:
    """Something that a GPU does, as a request of MPI's; it holds the memory that is in use meanwhile."""

    def __init__(self, event: Any, x: Any) -> None:
        self.event, self.x = event, x

    def Test(self) -> bool:  # as MPI calls it
        """Whether it is done."""
        return bool(self.event.done)
