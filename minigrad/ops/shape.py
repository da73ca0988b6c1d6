"""Moving elements about: reshape, transpose, flip, repeat.  The gradient moves them back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..backend import as_sizes, on_host
from ..hints import explain_options
from ..primitive import composed, primitive
from .index import scatter_add

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_to", "expand_dims",
    "flatten", "flip", "fliplr", "flipud", "matrix_transpose", "moveaxis", "permute_dims", "ravel",
    "repeat", "reshape", "resize", "roll", "rollaxis", "rot90", "squeeze", "swapaxes", "tile",
    "transpose",
]  # fmt: skip


def counts_of(numbers: Any) -> Any:
    """Numbers on which the size or the places of a result depend, as CuPy takes them: Python's."""
    numbers = on_host(numbers)
    return numbers.tolist() if isinstance(numbers, (np.ndarray, np.generic)) else numbers


def _reshape_a(g: Any, a_shape: Any, order: Any) -> Any:
    return np.reshape(g, a_shape) if order == "C" else np.reshape(g, a_shape, order)


@primitive(np.reshape, method=False, a=_reshape_a)
def reshape(a: Any, /, shape: Any, order: Any = "C", *, copy: bool | None = None) -> Any:
    """The same elements in another shape.

    out = `a` with other axes
    da  = g in the shape of `a`

    Args:
        shape: the lengths; one may be -1, which is what remains.
        order: "C", the last axis runs fastest, or "F", the first one does, in reading and writing.
        copy: True copies the elements, False is an error where that would be needed.

    >>> reshape(np.arange(4.0), (2, 2))
    array([[0., 1.],
           [2., 3.]])
    """
    if order == "C" and copy is None:
        # The method saves a fifth of the whole call (measured).
        return a.reshape(shape) if type(a) is np.ndarray else np.reshape(a, shape)
    if order not in ("C", "F"):
        raise ValueError(f"reshape: order must be 'C' or 'F', got {order!r}; tensors have no order")
    return np.reshape(a, shape, order) if copy is None else np.reshape(a, shape, order, copy=copy)


def _transpose_a(g: Any, axes: Any) -> Any:
    if axes is None:
        return np.transpose(g)
    order = [a % len(axes) for a in axes]
    return np.transpose(g, [order.index(i) for i in range(len(axes))])


@primitive(np.transpose, np.permute_dims, method=False, a=_transpose_a)
def transpose(a: Any, axes: Any = None) -> Any:
    """Axes in another order, by default reversed.

    out = `a` with axes permuted
    da  = g with axes permuted back

    >>> transpose(np.array([[1.0, 2.0]])).shape
    (2, 1)
    """
    return np.transpose(a, axes)


permute_dims = transpose


@primitive(np.moveaxis, a=lambda g, source, destination: np.moveaxis(g, destination, source))
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Move axes to new places.

    out = `a` with axes moved
    da  = g with axes moved back

    Args:
        source: an axis, or several.
        destination: its place in the result, or theirs.

    >>> moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    return np.moveaxis(a, source, destination)


@primitive(np.swapaxes, a=lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2))
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Exchange two axes.

    out = `a` with two axes exchanged
    da  = g with the same two axes exchanged

    Args:
        axis1, axis2: the two axes.

    >>> swapaxes(np.zeros((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    return np.swapaxes(a, axis1, axis2)


@primitive(np.expand_dims, a=lambda g, a_shape: np.reshape(g, a_shape))
def expand_dims(a: Any, axis: Any) -> Any:
    """Insert axes of length 1.

    out = `a` with new axes
    da  = g without them

    Args:
        axis: the place of the new axis in the result, or places of several.

    >>> expand_dims(np.zeros(3), 0).shape
    (1, 3)
    """
    return np.expand_dims(a, axis)


@primitive(np.squeeze, a=lambda g, a_shape: np.reshape(g, a_shape))
def squeeze(a: Any, axis: Any = None) -> Any:
    """Drop axes of length 1.

    out = `a` without axes of length 1
    da  = g with these axes

    Args:
        axis: which axes; one that is longer is an error. None: all of length 1.

    >>> squeeze(np.zeros((1, 3, 1))).shape
    (3,)
    """
    return np.squeeze(a, axis)


@primitive(np.broadcast_to, array=lambda g: g)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    """Repeat along new or length-1 axes, without a copy; tensors have no use for `subok`.

    out    = array, repeated
    darray = g, summed over the repetitions

    Args:
        shape: the new shape.

    >>> broadcast_to(np.array([1.0, 2.0]), (2, 2))
    array([[1., 2.],
           [1., 2.]])
    """
    return np.broadcast_to(array, shape, subok=True) if subok else np.broadcast_to(array, shape)


@primitive(np.flip, m=lambda g, axis: np.flip(g, axis))
def flip(m: Any, axis: Any = None) -> Any:
    """Reverse the order along axes.

    out_i = m_{n-1-i}
    dm    = g, flipped

    Args:
        axis: which axes. None: all.

    >>> flip(np.array([1.0, 2.0]))
    array([2., 1.])
    """
    return np.flip(m, axis)


def _minus(shift: Any) -> Any:
    return -shift if np.ndim(shift) == 0 else tuple(-s for s in shift)


@primitive(np.roll, a=lambda g, shift, axis: np.roll(g, _minus(shift), axis))
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Shift along axes, what falls off comes in at the other end.

    out = a, shifted
    da  = g, shifted back

    Args:
        shift: by how many places, towards the end where positive; or a number for each axis.
        axis: which axis, or axes. None: the flattened array is shifted, and gets its shape back.

    >>> roll(np.array([1.0, 2.0, 3.0]), 1)
    array([3., 1., 2.])
    """
    return np.roll(a, shift if isinstance(a, np.ndarray) else counts_of(shift), axis)


def _tile_A(g: Any, A_shape: Any, reps: Any) -> Any:
    reps = (reps,) if np.ndim(reps) == 0 else tuple(reps)
    ndim = max(len(reps), len(A_shape))
    reps = (1,) * (ndim - len(reps)) + reps
    shape = (1,) * (ndim - len(A_shape)) + tuple(A_shape)
    folded = np.reshape(g, [n for pair in zip(reps, shape, strict=True) for n in pair])
    return np.reshape(np.sum(folded, axis=tuple(range(0, 2 * ndim, 2))), A_shape)


@primitive(np.tile, A=_tile_A)
def tile(A: Any, reps: Any) -> Any:
    """Lay copies beside each other.

    out = [A, A, ...]
    dA  = the sum of the parts of g

    Args:
        reps: how many copies along each axis, the last axis last; more numbers than axes make new
            ones in front.

    >>> tile(np.array([1.0, 2.0]), 2)
    array([1., 2., 1., 2.])
    """
    return np.tile(A, reps)


def _repeat_a(g: Any, a_shape: Any, repeats: Any, axis: Any) -> Any:
    n, along = (int(np.prod(a_shape)), 0) if axis is None else (a_shape[axis], axis)
    index = np.repeat(np.arange(n), on_host(repeats))
    moved = np.moveaxis(g, along, 0)
    summed = scatter_add(moved, index, (n, *moved.shape[1:]))
    return np.reshape(np.moveaxis(summed, 0, along), a_shape)


@primitive(np.repeat, a=_repeat_a)
def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """Repeat each element.

    out = a_1, a_1, a_2, a_2, ...
    da_i = sum of g over the copies of a_i

    Args:
        repeats: how many times; or a number for each element along the axis.
        axis: along which axis. None: of the flattened array.

    >>> repeat(np.array([1.0, 2.0]), 2)
    array([1., 1., 2., 2.])
    """
    return np.repeat(a, repeats if isinstance(a, np.ndarray) else counts_of(repeats), axis)


# ------------------------------------------------------------------- made of the ones above


@composed(np.ravel, method=False)
def ravel(a: Any, order: str = "C") -> Any:
    """All elements in one axis; order "C" or "F", as `reshape`.

    Args:
        order: "C": the last axis runs fastest; "F": the first.

    >>> ravel(np.ones((2, 2))).shape
    (4,)
    """
    return reshape(a, -1, order)


@explain_options
def flatten(x: Any, start_axis: int = 0, end_axis: int = -1) -> Any:
    """Join the axes from start_axis to end_axis into one.

    >>> flatten(Tensor(np.ones((2, 3, 4))), 1).shape
    (2, 12)
    """
    shape = np.shape(x)
    ndim = len(shape) or 1
    first, last = normalize_axis_index(start_axis, ndim), normalize_axis_index(end_axis, ndim)
    n = int(np.prod(shape[first : last + 1]))
    return reshape(x, (*shape[:first], n, *shape[last + 1 :]))


def _each(arys: tuple[Any, ...], shape: Any) -> Any:
    """The arrays in the shape that a function makes of theirs; a single one not in a tuple."""
    out = tuple(reshape(x, shape(np.shape(x))) for x in arys)
    return out[0] if len(out) == 1 else out


@composed(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """Numbers as arrays with one axis; of several arrays a tuple.

    >>> atleast_1d(3.0)
    array([3.])
    """
    return _each(arys, lambda shape: shape or (1,))


@composed(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """At least two axes, new ones in front; of several arrays a tuple.

    >>> atleast_2d(np.zeros(3)).shape
    (1, 3)
    """
    return _each(arys, lambda shape: (1,) * (2 - len(shape)) + tuple(shape))


@composed(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """At least three axes, (n,) as (1, n, 1) and (n, m) as (n, m, 1); of several arrays a tuple.

    >>> atleast_3d(np.zeros(3)).shape, atleast_3d(np.zeros((3, 4))).shape
    ((1, 3, 1), (3, 4, 1))
    """
    short = {0: lambda s: (1, 1, 1), 1: lambda s: (1, *s, 1), 2: lambda s: (*s, 1)}
    return _each(arys, lambda shape: short.get(len(shape), tuple)(shape))


@composed(np.fliplr)
def fliplr(m: Any) -> Any:
    """Reverse the second axis.

    >>> fliplr(np.array([[1.0, 2.0]]))
    array([[2., 1.]])
    """
    return flip(m, 1)


@composed(np.flipud)
def flipud(m: Any) -> Any:
    """Reverse the first axis.

    >>> flipud(np.array([1.0, 2.0]))
    array([2., 1.])
    """
    return flip(m, 0)


@composed(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """The last two axes exchanged.

    >>> matrix_transpose(np.ones((4, 2, 3))).shape
    (4, 3, 2)
    """
    if np.ndim(x) < 2:
        raise ValueError(f"matrix_transpose: expected two axes or more, got shape {np.shape(x)}")
    return swapaxes(x, -1, -2)


@composed(np.resize, method=False)
def resize(a: Any, new_shape: Any) -> Any:
    """An array of a shape, filled with the elements of `a` over and over.

    Args:
        new_shape: the shape of the result.

    >>> resize(np.array([1.0, 2.0]), (2, 3))
    array([[1., 2., 1.],
           [2., 1., 2.]])
    """
    new_shape = as_sizes(new_shape)
    new_shape = (new_shape,) if np.ndim(new_shape) == 0 else tuple(new_shape)
    if any(length < 0 for length in new_shape):
        raise ValueError(f"resize: all lengths must be at least 0, got {new_shape}")
    n, size = int(np.prod(new_shape)), int(np.prod(np.shape(a)))
    if size == 0:
        return np.zeros_like(a, shape=new_shape)
    return reshape(tile(reshape(a, -1), -(-n // size))[:n], new_shape)


@composed(np.rot90)
def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Turn by k quarter turns in the plane of two axes.

    >>> rot90(np.array([[1.0, 2.0]]))
    array([[2.],
           [1.]])
    """
    first, second = (normalize_axis_index(axis, np.ndim(m)) for axis in axes)
    if first == second:
        raise ValueError(f"rot90: the two axes must be different, got {axes}")
    k %= 4
    if k == 0:
        return m
    if k == 2:
        return flip(m, (first, second))
    if k == 1:
        return swapaxes(flip(m, second), first, second)
    return flip(swapaxes(m, first, second), second)


@composed(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """Move an axis back to lie before `start`.

    >>> rollaxis(np.zeros((2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    axis = normalize_axis_index(axis, np.ndim(a))
    start = start + np.ndim(a) if start < 0 else start
    start = normalize_axis_index(start, np.ndim(a) + 1)
    return moveaxis(a, axis, start - 1 if axis < start else start)


@composed(np.broadcast_arrays, method=False)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """All arrays in their common shape.

    >>> [a.shape for a in broadcast_arrays(np.zeros(3), np.zeros((2, 1)))]
    [(2, 3), (2, 3)]
    """
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(broadcast_to(x, shape, subok) for x in args)
