"""Indexing, gathering and scattering.  Each is the transpose, and so the gradient, of another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from .. import graph
from ..arrays.batch import Unbatched
from ..arrays.indexing import read, writable
from ..arrays.row_sparse import add_rows
from ..arrays.writing import names_places_once, write_at
from ..backend import add_at, beside, is_array
from ..later import is_on_gpu
from ..primitive import composed, primitive
from ..tensor import Tensor, raw
from .bounds import check_bounds, check_places
from .conversion import alike

__all__ = ["getitem", "index_beside", "scatter_add", "take", "take_along_axis"]


@primitive(method=False, masks=True, x=lambda g, index, x_shape: scatter_add(g, index, x_shape))
def getitem(x: Any, index: Any) -> Any:
    """x[index], with everything that NumPy takes as an index.

    out = x[index]
    dx[index] += g           (zeros elsewhere; repeated indices add up)

    >>> grad(lambda x: getitem(x, [0, 0, 2]).sum())(np.array([1.0, 2.0, 3.0]))
    array([2., 0., 1.])
    """
    if type(x) is type(index) is np.ndarray and index.dtype.kind in "iu" and x.ndim > 1:
        return x.take(index, axis=0)  # rows: half the time
    if graph.special:
        check_bounds("x[index]", index, x, x.shape)
    try:
        out = x[index_beside(index, x)]
    except Unbatched:  # an index of each example, into an array of them all
        return read(x, index)
    if type(out) is not np.ndarray and _is_a_view_of_one(out, index):
        return out.copy()  # as NumPy's number, which no later write to x changes
    return out


def _is_a_view_of_one(out: Any, index: Any) -> bool:
    """Whether x[index] on a GPU shares its one element with x, where NumPy gives a number."""
    if not is_on_gpu(out) or out.ndim or out.base is None:
        return False
    parts = index if isinstance(index, tuple) else (index,)
    return not any(part is Ellipsis for part in parts)  # with which NumPy gives a view too


@primitive(method=False, g=lambda gg, index: getitem(gg, index))
def scatter_add(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape, with g added at an index: the transpose of `getitem`.

    out[index] += g
    dg = gradient[index]

    >>> scatter_add(np.array([1.0, 2.0, 3.0]), [0, 0, 2], (3,))
    array([3., 0., 3.])
    """
    if graph.special:
        check_bounds("scatter_add", index, g, shape)
    out = writable(np.zeros_like(g, shape=shape, order="C"), index)
    index = index_beside(index, g)
    if names_places_once(index):
        out[index] = g
    elif all(isinstance(a, np.ndarray) or hasattr(a, "recorder") for a in (index, g)) and out.ndim > 1:
        add_rows(out, index.reshape(-1), g.reshape(index.size, *shape[1:]))
    else:
        add_at(out, index, g)
    return out


def index_beside(index: Any, x: Any) -> Any:
    """The index with its arrays on the device of x."""
    if type(x) is np.ndarray:
        return index
    if isinstance(index, tuple):
        return tuple(index_beside(part, x) for part in index)
    return beside(index, x) if isinstance(index, np.ndarray) else index


def __getitem__(self: Tensor, index: Any) -> Any:
    return getitem(self, plain_index(index))


Tensor.__getitem__ = __getitem__  # type: ignore[method-assign]  # no `method`: an op alone follows its arrays by itself


def plain_index(index: Any) -> Any:
    """An index without Tensors in it; lists become arrays, so that nobody changes a saved index."""
    if isinstance(index, Tensor):
        return index._array
    if isinstance(index, tuple):
        return tuple(map(plain_index, index))
    return np.array(index, dtype=None if index else np.intp) if isinstance(index, list) else index


@composed(np.take, method=False)
def take(
    a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise"
) -> Any:
    """Elements, or slices along an axis, at integer indices.

    Args:
        axis: by default the flattened array.
        mode: of indices out of range: "raise" an IndexError, "wrap" around, or "clip" to the ends.

    >>> take(np.array([10.0, 20.0, 30.0]), [2, 0])
    array([30., 10.])
    >>> take(np.array([10.0, 20.0, 30.0]), [4, -7], mode="wrap")
    array([20., 30.])
    """
    if isinstance(indices, Tensor):
        a, indices = alike(a, indices)
    if axis is None or not np.ndim(a):  # NumPy takes a number for an array of one
        a = np.reshape(a, -1)
    axis = 0 if axis is None else normalize_axis_index(axis, np.ndim(a))
    places = in_range(_integers(indices, "take"), np.shape(a)[axis], mode, "take")
    return getitem(a, (slice(None),) * axis + (places,) if axis else places)


def _integers(indices: Any, name: str) -> Any:
    """Indices as an array of integers; a list is copied, so that it cannot be changed later."""
    indices = raw(indices)
    indices = (
        indices
        if is_array(indices)
        else np.array(indices, dtype=None if np.size(indices) else np.intp)
    )
    if indices.dtype.kind == "b":
        return indices.astype(np.intp)
    if indices.dtype.kind not in "iu":
        raise TypeError(f"{name}: the indices must be integers, got {indices.dtype}")
    return indices


def in_range(indices: Any, n: int, mode: str, name: str) -> Any:
    """Indices into n elements: as they are, wrapped around, or clipped to the first and last."""
    if mode == "raise":
        check_places(name, indices, n)
        return indices
    if mode not in ("wrap", "clip"):
        raise ValueError(f"{name}: mode must be 'raise', 'wrap' or 'clip', got {mode!r}")
    if n == 0:
        raise IndexError(f"{name}: cannot take from an axis without elements")
    return np.remainder(indices, n) if mode == "wrap" else np.clip(indices, 0, n - 1)


def along_axis(indices: Any, axis: int, shape: tuple[int, ...], name: str) -> tuple[Any, ...]:
    """The full index for indices along one axis; the other axes broadcast against theirs."""
    if indices.ndim != len(shape):
        raise ValueError(
            f"{name}: the indices need as many axes as the array, got {indices.shape} for {shape}"
        )
    if indices.dtype.kind not in "iu":
        raise IndexError(f"{name}: the indices must be integers, got {indices.dtype}")
    axis = normalize_axis_index(axis, len(shape))
    check_places(name, indices, shape[axis], axis)
    grid: list[Any] = [
        beside(np.arange(n).reshape(-1, *(1,) * (len(shape) - i - 1)), indices)
        for i, n in enumerate(shape)
    ]
    return (*grid[:axis], indices, *grid[axis + 1 :])


@composed(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """For each place along an axis the element at the index that stands there.

    Along the other axes array and indices broadcast; without an axis the array is flattened.

    out_{i j} = arr_{i, indices_{i j}}

    >>> take_along_axis(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1], [0]]), axis=1)
    array([[2.],
           [3.]])
    """
    arr, indices = alike(arr, indices)
    indices = plain_index(indices)
    arr, axis = (np.reshape(arr, -1), 0) if axis is None else (arr, axis)
    return getitem(arr, along_axis(indices, axis, np.shape(arr), "take_along_axis"))


def _assign_value(g: Any, index: Any, value_shape: tuple[int, ...]) -> Any:
    read = getitem(g, index)
    if len(value_shape) > read.ndim:  # NumPy takes a value with axes of length 1 in front
        read = np.reshape(read, (1,) * (len(value_shape) - read.ndim) + read.shape)
    if names_places_once(index):
        return read
    # Of values that were written to one and the same place only the last is there.
    number = np.reshape(np.cumsum(np.ones_like(raw(read), dtype=np.intp)), read.shape)
    written = writable(np.zeros_like(raw(g), dtype=np.intp), index)
    index = index_beside(index, written)
    write_at(written, index, number)
    return read * (written[index] == number)


@primitive(method=False, masks=True, x=lambda g, index: assign(g, index, 0.0), value=_assign_value)
def assign(x: Any, index: Any, value: Any) -> Any:
    """A copy of x with out[index] = value: what `x[index] = value` records.

    out = x, but value at the index
    dx  = g, but 0 at the index
    dvalue = g[index]        (0 for a value that another one overwrote)

    >>> assign(np.array([1.0, 2.0]), 0, 5.0)
    array([5., 2.])
    """
    if graph.special:
        check_bounds("x[index] = value", index, x, x.shape)
    out = writable(x.copy(), (index, value))
    write_at(out, index_beside(index, x), value)
    return out
