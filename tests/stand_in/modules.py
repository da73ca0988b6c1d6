"""The modules `cupy` and `cupyx`, and putting them where an import finds them."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from minigrad import later
from minigrad.compiler.cuda import products

from ..versions import NUMPY
from . import array, cublas, device, function, graphs, memory, random, raw, table, ufunc
from .counts import synchronised

__all__ = ["installed"]


class Module(types.ModuleType):
    """A module of the table: what CuPy does not have raises AttributeError."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in table.MEMBERS.get(self.__name__, {}):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        found = ufunc.ufunc_of(self.__name__, name) or function.function(self.__name__, name)
        if found is None:
            raise NotImplementedError(f"the stand-in for CuPy has no {self.__name__}.{name} yet")
        setattr(self, name, found)
        return found


class Stream:
    """`cupy.cuda.Stream`: nothing is asynchronous here, so it counts, and captures."""

    def __init__(self, null: bool = False, non_blocking: bool = False) -> None:
        self.ptr = 0 if null else id(self)
        self.before: list[Stream] = []

    def synchronize(self) -> None:
        synchronised("synchronize")

    def __enter__(self) -> Stream:
        self.before.append(Stream.now)
        Stream.now = self
        return self

    def __exit__(self, *error: object) -> None:
        Stream.now = self.before.pop()

    def begin_capture(self, mode: int | None = None) -> None:
        if not self.ptr or Stream.now is not self:
            raise RuntimeError("cudaErrorStreamCaptureUnsupported: the stream is the default one, or not the current one")
        self.capture = graphs.Capture()

    def end_capture(self) -> graphs.Graph:
        return self.capture.end()


Stream.null = Stream.now = Stream(null=True)  # type: ignore[attr-defined]


class Pool:
    """`cupy.get_default_memory_pool()`: it holds nothing."""

    def malloc(self, size: int) -> Any:
        raise NotImplementedError("the stand-in for CuPy has no pools")

    def used_bytes(self) -> int:
        return 0

    def total_bytes(self) -> int:
        return 0

    def free_all_blocks(self) -> None:
        pass

    def set_limit(self, size: int | None = None, fraction: float | None = None) -> None:
        pass


def as_strided(x: Any, shape: Any = None, strides: Any = None) -> Any:
    """`cupy.lib.stride_tricks.as_strided`."""
    return array.wrap_view(np.lib.stride_tricks.as_strided(x._a, shape, strides), x)


class errstate(contextlib.ContextDecorator):
    """`cupyx.errstate(linalg="raise")`: whether singular matrices raise."""

    def __init__(self, *, linalg: str | None = None, fallback_mode: str | None = None) -> None:
        self.linalg = linalg

    def __enter__(self) -> None:
        self.before = device.settings.linalg
        device.settings.linalg = self.linalg or self.before

    def __exit__(self, *error: object) -> None:
        device.settings.linalg = self.before


#: Dtypes and constants that CuPy has under NumPy's names.
PLAIN = (
    "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32",
    "float64", "complex64", "complex128", "intp", "dtype", "finfo", "iinfo", "newaxis", "pi", "e", "inf",
    "nan", "euler_gamma", "generic", "number", "integer", "floating", "complexfloating", "issubdtype",
)  # fmt: skip


def build() -> dict[str, types.ModuleType]:
    """The modules by name; made once, so that arrays and generators outlive one installation."""
    names = [
        *table.MEMBERS, "cupy.lib", "cupy.lib.stride_tricks", "cupy.cuda", "cupy.cuda.runtime", "cupy.cuda.device", "cupyx.scipy",
        "cupy.cuda.compiler", "cupy.cuda.function", "cupy.cuda.nvrtc",
    ]  # fmt: skip
    modules: dict[str, types.ModuleType] = {
        n: Module(n) for n in sorted(names) if n not in ("cupy.ndarray", "cupy.random.Generator")
    }
    for name, module in modules.items():
        parent, _, own = name.rpartition(".")
        if parent:
            setattr(modules[parent], own, module)
    modules["cupyx.scipy"].__path__ = []  # a package: what is not in it cannot be imported
    top, runtime = modules["cupy"], modules["cupy.cuda.runtime"]
    vars(top).update({name: getattr(np, name) for name in PLAIN})
    vars(top).update(ndarray=array.ndarray, ufunc=ufunc.ufunc, __version__="14.2.0 (stand-in)")
    vars(top).update(get_default_memory_pool=Pool)
    vars(top).update(RawModule=raw.RawModule, RawKernel=raw.RawKernel)
    vars(modules["cupy.random"]).update(
        default_rng=random.default_rng, Generator=random.Generator, Philox4x3210=random.Philox4x3210
    )
    vars(modules["cupyx"]).update(errstate=errstate)
    vars(modules["cupy.lib.stride_tricks"]).update(as_strided=as_strided)
    vars(modules["cupy.cuda"]).update(Device=device.Device, Stream=Stream, is_available=lambda: True)
    modules["cupy.cuda"].get_current_stream = lambda device_id=None: Stream.now  # type: ignore[attr-defined]
    vars(modules["cupy.cuda"]).update(MemoryPool=Pool, using_allocator=lambda malloc: contextlib.nullcontext())
    vars(modules["cupy.cuda"]).update(MemoryPointer=memory.MemoryPointer, UnownedMemory=memory.UnownedMemory)
    vars(modules["cupy.cuda.device"]).update(Device=device.Device, get_device_id=device.current, get_cublas_handle=lambda: 1)
    vars(modules["cupy.cuda.compiler"]).update(compile_using_nvrtc=raw.compile_using_nvrtc)
    vars(modules["cupy.cuda.function"]).update(Module=raw.Module)
    modules["cupy.cuda.nvrtc"].getVersion = lambda: (0, 0)  # type: ignore[attr-defined]
    modules["cupyx.scipy.sparse"].issparse = lambda x: False  # type: ignore[attr-defined]
    runtime.getDeviceCount = lambda: device.settings.devices  # type: ignore[attr-defined]
    runtime.getDevice = device.current  # type: ignore[attr-defined]
    runtime.setDevice = device.set_current  # type: ignore[attr-defined]
    runtime.deviceSynchronize = lambda: synchronised("synchronize")  # type: ignore[attr-defined]
    return modules


MODULES = build()


@contextlib.contextmanager
def installed(devices: int = 1, lenient: bool = False, peers: bool = False) -> Iterator[types.ModuleType]:
    """Put the stand-in in the place of CuPy; gives its module `cupy`.

    No check waits longer than this: at the end of the block what still waits is looked at, and a failed check
    raises there.  Where the block itself raises, and for what other threads have asked, they are dropped.

    Args:
        devices: the number of GPUs that there are.
        lenient: do not raise what a GPU does not raise: index arrays out of range wrap around, and
            singular matrices give infinity and NaN (unless `cupyx.errstate(linalg="raise")` asks).
        peers: let a kernel take arrays of another device than the current one.
    """
    if NUMPY < (2, 4):
        pytest.skip("the stand-in for a GPU calls NumPy's functions by their parameters, which those in C tell from NumPy 2.4 on")
    hidden = {name: m for name, m in sys.modules.items() if name.partition(".")[0] in ("cupy", "cupyx")}
    settings = device.settings
    before = dict(vars(settings))
    earlier = set(map(id, later._waiting))
    vars(settings).update(devices=devices, lenient=lenient, peers=peers)
    for name in hidden:
        del sys.modules[name]
    sys.modules.update(MODULES)
    found, products.find = products.find, cublas.found  # type: ignore[assignment]
    try:
        yield MODULES["cupy"]
        later.settle()
    finally:
        products.find = found
        later._waiting[:] = [check for check in later._waiting if id(check) in earlier]
        for name in MODULES:
            sys.modules.pop(name, None)
        sys.modules.update(hidden)
        vars(settings).update(before)
        device.set_current(0)
