"""Indexing, gathering and scattering.  Each is the transpose of another, so they are each other's gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.row_sparse import add_rows
from ..backend import beside, is_array
from ..primitive import composed, method, primitive
from ..tensor import Tensor, raw

__all__ = ["getitem", "put_along_axis", "scatter_add", "take", "take_along_axis"]


@primitive(method=False, x=lambda g, index, x_shape: scatter_add(g, index, x_shape))
def getitem(x: Any, index: Any) -> Any:
    """x[index], with everything that NumPy takes as an index.

    out = x[index]
    dx  = zeros, with g added at the index           (repeated indices add up)

    >>> grad(lambda x: getitem(x, [0, 0, 2]).sum())(np.array([1.0, 2.0, 3.0]))
    array([2., 0., 1.])
    """
    if type(x) is type(index) is np.ndarray and index.dtype.kind in "iu" and x.ndim > 1:
        return x.take(index, axis=0)  # rows: half the time
    return x[_beside(index, x)]


@primitive(method=False, g=lambda gg, index: getitem(gg, index))
def scatter_add(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape, with g added at an index: the transpose of `getitem`.

    out[index] += g
    dg = (the gradient of out)[index]

    >>> scatter_add(np.array([1.0, 2.0, 3.0]), [0, 0, 2], (3,))
    array([3., 0., 3.])
    """
    out = np.zeros_like(g, shape=shape, order="C")
    index = _beside(index, g)
    if _is_basic(index):
        out[index] = g
    elif isinstance(index, np.ndarray) and index.dtype != bool and out.ndim > 1 and isinstance(g, np.ndarray):
        add_rows(out, index.reshape(-1) % max(len(out), 1), g.reshape(index.size, *shape[1:]))
    else:
        np.add.at(out, index, g)
    return out


def _beside(index: Any, x: Any) -> Any:
    """The index with its arrays on the device of x."""
    if type(x) is np.ndarray:
        return index
    if isinstance(index, tuple):
        return tuple(_beside(part, x) for part in index)
    return beside(index, x) if isinstance(index, np.ndarray) else index


def _is_basic(index: Any) -> bool:
    """Whether an index names no element twice: slices, integers, None, Ellipsis, masks."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        p is None or p is Ellipsis or isinstance(p, (int, slice, np.integer)) or getattr(p, "dtype", None) == np.bool_
        for p in parts
    )  # fmt: skip


@method
def __getitem__(self: Tensor, index: Any) -> Any:
    return getitem(self, plain_index(index))


def plain_index(index: Any) -> Any:
    """An index without Tensors in it; lists become arrays, so that a saved index cannot be changed later."""
    if isinstance(index, Tensor):
        return index._data
    if isinstance(index, tuple):
        return tuple(map(plain_index, index))
    return np.array(index, dtype=None if index else np.intp) if isinstance(index, list) else index


@composed(np.take)
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Elements, or slices along an axis, at integer indices.

    >>> take(np.array([10.0, 20.0, 30.0]), [2, 0])
    array([30., 10.])
    """
    indices = plain_index(indices if is_array(indices) or isinstance(indices, Tensor) else np.asarray(indices))
    if axis is None:
        return getitem(np.reshape(x, -1), indices)
    return getitem(x, (slice(None),) * (axis % np.ndim(x)) + (indices,))


def _along(indices: Any, axis: int, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """The full index of an index along one axis."""
    ndim = indices.ndim
    grid = []
    for i in range(ndim):
        n = indices.shape[i]
        length = [1] * ndim
        length[i] = n
        grid.append(indices if i == axis % ndim else np.reshape(_range_like(indices, shape[i], n), length))
    return tuple(grid)


def _range_like(indices: Any, size: int, n: int) -> Any:
    """0, 1, ... n-1 on the device of `indices`; zeros where an axis of length 1 is broadcast."""
    ones = np.ones_like(indices, shape=(n,))
    return np.cumsum(ones) - 1 if size != 1 else ones - 1


@composed(np.take_along_axis)
def take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Any:
    """For each place along an axis the element at the index that stands there.

    out_{i j} = x_{i, indices_{i j}}

    >>> take_along_axis(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1], [0]]), axis=1)
    array([[2.],
           [3.]])
    """
    indices = plain_index(indices)
    if axis is None:
        return getitem(np.reshape(x, -1), indices)
    return getitem(x, _along(indices, axis, np.shape(x)))


def _assign_value(g: Any, index: Any) -> Any:
    read = getitem(g, index)
    if _is_basic(index):
        return read
    # Of values that were written to one and the same place only the last is there.
    number = np.reshape(np.cumsum(np.ones_like(raw(read), dtype=np.intp)), read.shape)
    written = np.zeros_like(raw(g), dtype=np.intp)
    written[_beside(index, written)] = number
    return read * (written[_beside(index, written)] == number)


@primitive(method=False, x=lambda g, index: assign(g, index, 0.0), value=_assign_value)
def assign(x: Any, index: Any, value: Any) -> Any:
    """A copy of x with out[index] = value: what `x[index] = value` records.

    out = x, but value at the index
    dx  = g, but 0 at the index
    dvalue = g[index]        (0 for a value that another one overwrote)

    >>> assign(np.array([1.0, 2.0]), 0, 5.0)
    array([5., 2.])
    """
    out = x.copy()
    out[_beside(index, x)] = value
    return out


def put_along_axis(x: Any, indices: Any, values: Any, axis: int) -> Any:
    """A copy of x with the values at the indices along an axis (a recorded np.put_along_axis).

    >>> put_along_axis(np.zeros((1, 3)), np.array([[1]]), 5.0, axis=1)
    array([[0., 5., 0.]])
    """
    indices = plain_index(indices)
    return assign(x, _along(indices, axis, np.shape(x)), values)
