"""A stand-in for a GPU array on machines without one.

It behaves as CuPy's arrays do where code written for NumPy goes wrong: it is never turned into a NumPy
array implicitly, it cannot be mixed with one, reductions give 0-d arrays instead of scalars, and only those
functions work that CuPy has.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .cupy_names import CUPY_NAMES, CUPYX_NAMES

SCALARS = (bool, int, float, complex, np.generic)


class StrictArray(NDArrayOperatorsMixin):
    def __init__(self, x: Any) -> None:
        self._a = np.array(x._a if isinstance(x, StrictArray) else x)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("implicit conversion of a GPU array to NumPy: write .get()")

    def get(self) -> np.ndarray:
        return self._a.copy()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if ufunc.__name__ not in CUPY_NAMES:
            raise TypeError(f"cupy has no ufunc {ufunc.__name__}")
        if method == "at":  # np.add.at(x, index, y)
            refuse_arrays(inputs)
            return getattr(ufunc, method)(*map(unwrap, inputs))
        for x in (*inputs, *kwargs.get("out", ())):
            if not isinstance(x, (StrictArray, *SCALARS)):
                return NotImplemented if not isinstance(x, np.ndarray) else self._refuse(x)
        if "out" in kwargs:
            kwargs["out"] = tuple(x._a for x in kwargs["out"])
        out = getattr(ufunc, method)(*map(unwrap, inputs), **kwargs)
        return rewrap(out)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(t not in (StrictArray, np.ndarray) for t in types):
            return NotImplemented
        name = f"{function.__module__}.{function.__name__}".removeprefix("numpy.")
        if name not in CUPY_NAMES:
            raise TypeError(f"cupy has no function {name}")
        if name not in ("asarray", "array"):  # the explicit ways to the device
            refuse_arrays((args, kwargs))
        return rewrap(function(*unwrap(args), **unwrap({k: v for k, v in kwargs.items() if k != "like"})))

    def _refuse(self, x: Any) -> Any:
        raise TypeError(f"Unsupported type {type(x)}: a GPU array does not mix with NumPy's")

    def __getitem__(self, i: Any) -> Any:
        refuse_arrays(i)
        return rewrap(self._a[unwrap(i)])

    def __setitem__(self, i: Any, value: Any) -> None:
        refuse_arrays((i, value))
        self._a[unwrap(i)] = unwrap(value)

    def __len__(self) -> int:
        return len(self._a)

    def __iter__(self) -> Any:
        return iter([rewrap(row) for row in self._a])

    def __bool__(self) -> bool:
        return bool(self._a)

    def astype(self, dtype: Any, copy: bool = True) -> StrictArray:
        return rewrap(self._a.astype(dtype, copy=copy))

    def copy(self) -> StrictArray:
        return rewrap(self._a.copy())

    def reshape(self, *shape: Any) -> StrictArray:
        return rewrap(self._a.reshape(*shape))

    def item(self) -> Any:
        return self._a.item()

    def __int__(self) -> int:  # explicit, as in CuPy
        return int(self._a)

    def __float__(self) -> float:
        return float(self._a)

    def max(self) -> StrictArray:
        return rewrap(self._a.max())

    def any(self) -> StrictArray:
        return rewrap(self._a.any())

    shape = property(lambda self: self._a.shape)
    dtype = property(lambda self: self._a.dtype)
    ndim = property(lambda self: self._a.ndim)
    size = property(lambda self: self._a.size)
    flags = property(lambda self: self._a.flags)
    device = "strict:0"


class StrictScipy:
    """A stand-in for a module of cupyx.scipy: it has the same functions, and takes stand-in arrays alone."""

    def __init__(self, part: str) -> None:
        self.part = part
        self.__name__ = f"cupyx.scipy.{part}"

    def __getattr__(self, name: str) -> Any:
        if name not in CUPYX_NAMES[self.part]:
            raise AttributeError(name)
        function = getattr(importlib.import_module(f"scipy.{self.part}"), name)

        def call(*args: Any, **kwargs: Any) -> Any:
            refuse_arrays((args, kwargs))
            return rewrap(function(*unwrap(args), **unwrap(kwargs)))

        return call


def strict_scipy(part: str, *arrays: Any) -> Any:
    """In place of `minigrad.backend.scipy`."""
    on_stand_in = any(isinstance(x, StrictArray) for x in arrays)
    return StrictScipy(part) if on_stand_in else importlib.import_module(f"scipy.{part}")


def refuse_arrays(x: Any) -> None:
    if isinstance(x, np.ndarray):
        raise TypeError(f"Unsupported type {type(x)}: a GPU array does not mix with NumPy's")
    if isinstance(x, (list, tuple)):
        for item in x:
            refuse_arrays(item)
    if isinstance(x, dict):
        refuse_arrays(list(x.values()))


def unwrap(x: Any) -> Any:
    if isinstance(x, StrictArray):
        return x._a
    if isinstance(x, (list, tuple)):
        return type(x)(map(unwrap, x))
    if isinstance(x, dict):
        return {k: unwrap(v) for k, v in x.items()}
    return x


def rewrap(x: Any) -> Any:
    """NumPy's result as this type; views stay views, scalars become 0-d arrays."""
    if isinstance(x, (np.ndarray, np.generic)):
        out = object.__new__(StrictArray)
        out._a = np.asarray(x)
        return out
    if hasattr(x, "_fields"):  # the results of numpy.linalg
        return type(x)(*map(rewrap, x))
    return type(x)(map(rewrap, x)) if isinstance(x, (list, tuple)) else x
