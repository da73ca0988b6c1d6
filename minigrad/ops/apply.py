"""NumPy's functions that call a Python function on parts of an array: what that function computes is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..primitive import composed
from ..tensor import Tensor
from .join import stack
from .shape import reshape

__all__ = ["apply_along_axis", "apply_over_axes", "vectorize"]


@composed(np.apply_along_axis, method=False)
def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """A function of 1-d arrays on each line along an axis; its results stand where the line stood.

    >>> apply_along_axis(lambda row: row[0] * row[1], 1, np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([ 2., 12.])
    """
    axis %= np.ndim(arr)
    lines = np.moveaxis(arr, axis, -1)
    outer = np.shape(lines)[:-1]
    rows = reshape(lines, (-1, np.shape(arr)[axis]))
    results = [func1d(rows[i], *args, **kwargs) for i in range(int(np.prod(outer)))]
    if not results:
        raise ValueError("apply_along_axis: cannot apply along any axis when an iteration axis has length 0")
    inner = np.shape(results[0])
    out = reshape(stack(results), (*outer, *inner))
    return np.moveaxis(out, range(len(outer), len(outer) + len(inner)), range(axis, axis + len(inner))) if inner else out


@composed(np.apply_over_axes, method=False)
def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """A reduction, func(a, axis), over several axes one after the other; the axes stay, of length 1.

    >>> apply_over_axes(np.sum, np.ones((2, 3)), (0, 1))
    array([[6.]])
    """
    for axis in (axes,) if isinstance(axes, int) else axes:
        axis = axis % np.ndim(a)
        out = func(a, axis)
        a = out if np.ndim(out) == np.ndim(a) else np.expand_dims(out, axis)
    return a


class vectorize:
    """A Python function of numbers as a function of arrays; `np.vectorize` itself cannot hold a Tensor.

    >>> clipped = vectorize(lambda x, low: x if x > low else 0.0 * x)
    >>> clipped(Tensor([1.0, -1.0]), 0.0)
    Tensor([ 1., -0.], dtype=float32)
    """

    def __init__(self, pyfunc: Callable[..., Any]) -> None:
        self.pyfunc = pyfunc

    def __call__(self, *args: Any) -> Any:
        arrays = np.broadcast_arrays(*args)
        shape = np.shape(arrays[0])
        flat = [reshape(a, -1) for a in arrays]
        results = [self.pyfunc(*(a[i] for a in flat)) for i in range(int(np.prod(shape)))]
        if not results:
            raise ValueError("vectorize: cannot call the function on arrays without elements")
        return reshape(stack([np.asarray(r) if not isinstance(r, Tensor) else r for r in results]), shape)
