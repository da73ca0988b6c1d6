"""NumPy's functions that call a Python function on parts of an array, which is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..primitive import composed
from ..tensor import Tensor, raw
from .batching import one_by_one
from .join import stack
from .shape import reshape

__all__ = ["apply_along_axis", "apply_over_axes", "vectorize"]


@composed(np.apply_along_axis, method=False)
@one_by_one("the function that it calls may decide by values")
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """A function of 1-d arrays on each line along an axis; its results stand where the line stood.

    Args:
        func1d: called with each line, as func1d(line, *args, **kwargs).
        axis: the axis that the lines lie along.
        arr: the array.

    >>> apply_along_axis(lambda row: row[0] * row[1], 1, np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([ 2., 12.])
    """
    axis = normalize_axis_index(axis, np.ndim(arr))
    lines = np.moveaxis(arr, axis, -1)
    outer = np.shape(lines)[:-1]
    rows = reshape(lines, (-1, np.shape(arr)[axis]))
    results = [func1d(rows[i], *args, **kwargs) for i in range(int(np.prod(outer)))]
    if not results:
        raise ValueError(
            "apply_along_axis: cannot apply along any axis when an iteration axis has length 0"
        )
    inner = np.shape(results[0])
    out = reshape(stack(results), (*outer, *inner))
    return (
        np.moveaxis(out, range(len(outer), len(outer) + len(inner)), range(axis, axis + len(inner)))
        if inner
        else out
    )


@composed(np.apply_over_axes, method=False)
def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """A reduction, func(a, axis), over several axes in turn; the axes stay, of length 1.

    >>> apply_over_axes(np.sum, np.ones((2, 3)), (0, 1))
    array([[6.]])
    """
    for axis in np.atleast_1d(raw(axes)).tolist():
        axis = normalize_axis_index(axis, np.ndim(a))
        out = func(a, axis)
        out = out if np.ndim(out) == np.ndim(a) else np.expand_dims(out, axis)
        if np.ndim(out) != np.ndim(a):
            raise ValueError(
                f"apply_over_axes: the function took {np.ndim(a)} axes and left {np.ndim(out) - 1}"
            )
        a = out
    return a


class vectorize:
    """A Python function of numbers as a function of arrays; np.vectorize cannot hold a Tensor.

    Args:
        pyfunc: called with numbers (0-d tensors); returns a number, or a tuple of them.
        otypes: the dtypes of the results, a string of type letters or a list.
        doc: the docstring, by default that of the function.
        excluded: positions and names of arguments that are handed on whole.
        cache: has no effect: the function is never called an additional time.
        signature: is refused; `minigrad.vmap` runs functions of arrays.

    >>> clipped = vectorize(lambda x, low: x if x > low else 0.0 * x)
    >>> clipped(Tensor([1.0, -1.0]), 0.0)
    Tensor([ 1., -0.], dtype=float32)
    """

    def __init__(
        self, pyfunc: Callable[..., Any], otypes: Any = None, doc: str | None = None,
        excluded: Any = None, cache: bool = False, signature: str | None = None,
    ) -> None:  # fmt: skip
        if signature is not None:
            raise NotImplementedError(
                "vectorize: signature= is not supported; minigrad.vmap runs functions of arrays"
            )
        self.pyfunc = pyfunc
        self.otypes = None if otypes is None else [np.dtype(t) for t in otypes]
        self.excluded = set(excluded or ())
        self.__doc__ = doc if doc is not None else pyfunc.__doc__

    @one_by_one("the function that it calls may decide by values")
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        names = [name for name in given if name not in self.excluded]
        arrays = np.broadcast_arrays(*(given[name] for name in names))
        if not arrays:
            raise ValueError("vectorize: at least one argument must not be excluded")
        shape = np.shape(arrays[0])
        flat = dict(zip(names, (reshape(a, -1) for a in arrays), strict=True))
        results = []
        for i in range(int(np.prod(shape))):
            one = {name: flat[name][i] if name in flat else value for name, value in given.items()}
            places = [one.pop(k) for k in range(len(args))]
            results.append(self.pyfunc(*places, **one))
        return self._collect(results, shape)

    def _collect(self, results: list[Any], shape: tuple[int, ...]) -> Any:
        """The results of all calls as an array, or as a tuple of arrays."""
        if not results and self.otypes is None:
            raise ValueError("vectorize: without elements the results have no dtype; give otypes=")
        several = isinstance(results[0], tuple) if results else len(self.otypes or ()) > 1
        columns = list(zip(*results, strict=True)) if several else [results]
        otypes = self.otypes or [None] * len(columns)
        if not results:
            out = tuple(np.zeros(shape, otype) for otype in otypes)
        else:
            out = tuple(_joined(c, shape, otype) for c, otype in zip(columns, otypes, strict=True))
        return out if several else out[0]


def _joined(results: Any, shape: tuple[int, ...], otype: Any) -> Any:
    """Numbers as an array of a shape, in a dtype."""
    out = reshape(stack([r if isinstance(r, Tensor) else np.asarray(r) for r in results]), shape)
    return out if otype is None or out.dtype == otype else out.astype(otype)
