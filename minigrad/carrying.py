"""Arrays of a GPU on their way: into a copy on the same GPU, into a pickle as NumPy's.

CuPy copies to the current GPU, and a pickle of CuPy's can be read only where a GPU is.  So whatever
holds arrays gives them to `copy` and `pickle` by `carried`, and takes them back by `arrived`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import backend, graph

__all__ = ["arrived", "carried"]


class _OnGpu:
    """A GPU's array, with the name of its device in a pickle."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __reduce__(self) -> Any:
        return _back_on_gpu, (backend.on_host(self.array), backend.device_of(self.array))

    def __deepcopy__(self, memo: dict[int, Any]) -> _OnGpu:
        key = id(self.array)
        if key not in memo:
            with backend.on_gpu_of(self.array):
                memo[key] = self.array.copy()
        return _OnGpu(memo[key])


def _back_on_gpu(values: np.ndarray, device: str) -> Any:
    """What was pickled on a GPU; on the cpu, with a warning, where that GPU is not."""
    try:
        return _OnGpu(backend.transfer(values, device))
    except (ImportError, RuntimeError) as error:
        graph.warn(f"a tensor that was pickled on {device} is on the cpu now: {error}", UserWarning)
        return values


def carried(value: Any) -> Any:
    """Ready for a copy or a pickle: an array, or what dicts, lists and tuples hold.

    >>> carried({"x": 2.0})
    {'x': 2.0}
    """
    return _each(value, _OnGpu, _is_on_gpu)


def arrived(value: Any) -> Any:
    """What was `carried`, out of a copy or a pickle."""
    return _each(value, lambda x: x.array, lambda x: isinstance(x, _OnGpu))


def _is_on_gpu(x: Any) -> bool:
    """Whether x is one array on a GPU; a row-sparse one has two, and carries them itself."""
    return backend.is_array(x) and not hasattr(x, "dense") and backend.device_of(x) != "cpu"


def _each(value: Any, change: Any, is_one: Any) -> Any:
    """A value with what is one of them changed, also inside of plain containers."""
    if type(value) is dict:
        return {key: _each(x, change, is_one) for key, x in value.items()}
    if type(value) in (list, tuple):
        return type(value)([_each(x, change, is_one) for x in value])
    return change(value) if is_one(value) else value
