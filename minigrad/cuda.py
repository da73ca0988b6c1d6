"""GPUs under PyTorch's names: how many there are, which one is current, how much of their memory is used.

"cuda" without a number is the current GPU, also for CuPy.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from . import devices
from .hints import missing

__all__ = [
    "current_device", "device", "device_count", "empty_cache", "is_available", "memory_allocated", "memory_reserved",
    "set_device", "synchronize",
]  # fmt: skip


_PEAK = "minigrad.cuda.memory_allocated() after each part: there is no peak (CuPy's memory hooks see each piece)"
#: What to write for names of torch.cuda.
_INSTEAD = {
    "max_memory_allocated": _PEAK,
    "max_memory_reserved": _PEAK,
    "reset_peak_memory_stats": _PEAK,
    "reset_max_memory_allocated": _PEAK,
    "memory_summary": "minigrad.cuda.memory_allocated() and minigrad.cuda.memory_reserved(), in bytes",
    "memory_stats": "minigrad.cuda.memory_allocated() and minigrad.cuda.memory_reserved(), in bytes",
    "set_per_process_memory_fraction": "cupy.get_default_memory_pool().set_limit(fraction=...)",
    "get_device_name": 'cupy.cuda.runtime.getDeviceProperties(number)["name"].decode()',
    "get_device_properties": "cupy.cuda.runtime.getDeviceProperties(number)",
    "get_device_capability": "cupy.cuda.Device(number).compute_capability",
    "amp": "x.astype(dtype), or model.half(): there is no automatic choice of dtypes",
    "OutOfMemoryError": "MemoryError, which CuPy's cupy.cuda.memory.OutOfMemoryError is",
    "CUDAGraph": "the steps themselves: there are no CUDA graphs",
    "graph": "the steps themselves: there are no CUDA graphs",
    "manual_seed": "minigrad.random.manual_seed(seed), for all devices",
    "manual_seed_all": "minigrad.random.manual_seed(seed), for all devices",
    "get_rng_state": "minigrad.random.get_state(), of all devices",
    "get_rng_state_all": "minigrad.random.get_state(), of all devices",
    "set_rng_state": "minigrad.random.set_state(state), for all devices",
    "set_rng_state_all": "minigrad.random.set_state(state), for all devices",
    "mem_get_info": "cupy.cuda.runtime.memGetInfo()",
    "Stream": "cupy.cuda.Stream",
    "Event": "cupy.cuda.Event",
}


def is_available() -> bool:
    """Whether CuPy is installed and sees a GPU; the same as `minigrad.cuda_is_available()`.

    Whether CUDA's libraries are there as well shows a first result: `(minigrad.ones(3, device="cuda") * 2).tolist()`.

    >>> is_available() == (device_count() > 0)
    True
    """
    return devices.cuda_is_available()


def device_count() -> int:
    """How many GPUs there are; 0 without CuPy."""
    if not devices.cuda_is_available():
        return 0
    return int(devices.cupy().cuda.runtime.getDeviceCount())


def current_device() -> int:
    """The number of the current GPU, which "cuda" stands for."""
    return int(devices.cupy().cuda.runtime.getDevice())


def device(which: Any) -> AbstractContextManager[Any]:
    """Make a GPU the current one inside: `with minigrad.cuda.device(1): x = minigrad.zeros(3, device="cuda")`.

    What is computed from tensors runs where these are, whichever is current.

    Args:
        which: a number, a name, or a tensor, whose GPU is meant.
    """
    return devices.cupy().cuda.Device(_number(which))  # type: ignore[no-any-return]


def set_device(which: Any) -> None:
    """Make a GPU the current one from now on, in this thread.

    Args:
        which: a number, a name, or a tensor, whose GPU is meant.
    """
    devices.cupy().cuda.Device(_number(which)).use()


def synchronize(which: Any = None) -> None:
    """Wait until a GPU, by default the current one, has done all that it was given; before a clock is read, say.

    Args:
        which: a number, a name, or a tensor, whose GPU is meant. None: the current one.
    """
    with devices.on_gpu(_number(which)):
        devices.cupy().cuda.runtime.deviceSynchronize()


def memory_allocated(which: Any = None) -> int:
    """The bytes of all arrays on a GPU, by default on the current one.

    Args:
        which: a number, a name, or a tensor, whose GPU is meant. None: the current one.
    """
    with devices.on_gpu(_number(which)):
        return int(devices.cupy().get_default_memory_pool().used_bytes())


def memory_reserved(which: Any = None) -> int:
    """The bytes that CuPy holds on a GPU, in arrays and for arrays to come.

    Args:
        which: a number, a name, or a tensor, whose GPU is meant. None: the current one.
    """
    with devices.on_gpu(_number(which)):
        return int(devices.cupy().get_default_memory_pool().total_bytes())


def empty_cache(which: Any = None) -> None:
    """Give the memory back that CuPy holds and no array needs.

    Args:
        which: a number, a name, or a tensor, whose GPU is meant. None: the current one.
    """
    with devices.on_gpu(_number(which)):
        devices.cupy().get_default_memory_pool().free_all_blocks()


def _number(which: Any) -> int:
    """The number of a GPU that this machine has."""
    if which is None:
        return current_device()
    number = devices.gpu_of([which])
    if number is None:
        number = devices.parse_device(which)
    if number is None:
        raise ValueError("the cpu is no GPU: give a number, or a name such as 'cuda:1'")
    devices.check_gpu(number)
    return number


def __getattr__(name: str) -> Any:
    """Names of torch.cuda that are not here: the error says what to write."""
    raise missing("minigrad.cuda", name, __all__, _INSTEAD)
