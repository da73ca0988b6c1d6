"""Moving elements about: reshape, transpose, flip, repeat, pad.  The gradient moves them back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import composed, method, primitive
from ..tensor import Tensor
from .index import scatter_add

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_to", "expand_dims", "flatten",
    "flip", "fliplr", "flipud", "matrix_transpose", "moveaxis", "pad", "permute_dims", "ravel", "repeat", "reshape",
    "resize", "roll", "rollaxis", "rot90", "squeeze", "swapaxes", "tile", "transpose",
]  # fmt: skip


@primitive(np.reshape, method=False, x=lambda g, x_shape: np.reshape(g, x_shape))
def reshape(x: Any, shape: Any) -> Any:
    """The same elements in another shape.

    out = x with other axes
    dx  = g in the shape of x

    >>> reshape(np.arange(4.0), (2, 2))
    array([[0., 1.],
           [2., 3.]])
    """
    return np.reshape(x, shape)


@primitive(np.transpose, np.permute_dims, method=False, x=lambda g, axes: np.transpose(g, _inverse(axes)))
def transpose(x: Any, axes: Any = None) -> Any:
    """Axes in another order, by default reversed.

    out = x with axes permuted
    dx  = g with axes permuted back

    >>> transpose(np.array([[1.0, 2.0]])).shape
    (2, 1)
    """
    return np.transpose(x, axes)


def _inverse(axes: Any) -> Any:
    if axes is None:
        return None
    order = [a % len(axes) for a in axes]
    return tuple(order.index(i) for i in range(len(axes)))


@primitive(np.moveaxis, x=lambda g, source, destination: np.moveaxis(g, destination, source))
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Move axes to new places.

    out = x with axes moved
    dx  = g with axes moved back

    >>> moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    return np.moveaxis(x, source, destination)


@primitive(np.swapaxes, x=lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2))
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Exchange two axes.

    out = x with two axes exchanged
    dx  = g with the same two axes exchanged

    >>> swapaxes(np.zeros((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    return np.swapaxes(x, axis1, axis2)


@primitive(np.expand_dims, x=lambda g, x_shape: np.reshape(g, x_shape))
def expand_dims(x: Any, axis: Any) -> Any:
    """Insert axes of length 1.

    out = x with new axes
    dx  = g without them

    >>> expand_dims(np.zeros(3), 0).shape
    (1, 3)
    """
    return np.expand_dims(x, axis)


@primitive(np.squeeze, x=lambda g, x_shape: np.reshape(g, x_shape))
def squeeze(x: Any, axis: Any = None) -> Any:
    """Drop axes of length 1.

    out = x without them
    dx  = g with them

    >>> squeeze(np.zeros((1, 3, 1))).shape
    (3,)
    """
    return np.squeeze(x, axis)


@primitive(np.broadcast_to, x=lambda g: g)
def broadcast_to(x: Any, shape: Any) -> Any:
    """Repeat along new or length-1 axes, without a copy.

    out = x, repeated
    dx  = g, summed over the repetitions

    >>> broadcast_to(np.array([1.0, 2.0]), (2, 2))
    array([[1., 2.],
           [1., 2.]])
    """
    return np.broadcast_to(x, shape)


@primitive(np.flip, x=lambda g, axis: np.flip(g, axis))
def flip(x: Any, axis: Any = None) -> Any:
    """Reverse the order along axes.

    out_i = x_{n-i}
    dx    = g, flipped

    >>> flip(np.array([1.0, 2.0]))
    array([2., 1.])
    """
    return np.flip(x, axis)


def _minus(shift: Any) -> Any:
    return -shift if np.ndim(shift) == 0 else tuple(-s for s in shift)


@primitive(np.roll, x=lambda g, shift, axis: np.roll(g, _minus(shift), axis))
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Shift along axes, what falls off comes in at the other end.

    out = x, shifted
    dx  = g, shifted back

    >>> roll(np.array([1.0, 2.0, 3.0]), 1)
    array([3., 1., 2.])
    """
    return np.roll(x, shift, axis)


def _tile_x(g: Any, x_shape: Any, reps: Any) -> Any:
    reps = (reps,) if np.ndim(reps) == 0 else tuple(reps)
    ndim = max(len(reps), len(x_shape))
    reps = (1,) * (ndim - len(reps)) + reps
    shape = (1,) * (ndim - len(x_shape)) + tuple(x_shape)
    folded = np.reshape(g, [n for pair in zip(reps, shape, strict=True) for n in pair])
    return np.reshape(np.sum(folded, axis=tuple(range(0, 2 * ndim, 2))), x_shape)


@primitive(np.tile, x=_tile_x)
def tile(x: Any, reps: Any) -> Any:
    """Lay copies beside each other.

    out = [x, x, ...]
    dx  = the sum of the parts of g

    >>> tile(np.array([1.0, 2.0]), 2)
    array([1., 2., 1., 2.])
    """
    return np.tile(x, reps)


def _repeat_x(g: Any, x_shape: Any, repeats: Any, axis: Any) -> Any:
    n, along = (int(np.prod(x_shape)), 0) if axis is None else (x_shape[axis], axis)
    index = np.repeat(np.arange(n), repeats)
    moved = np.moveaxis(g, along, 0)
    summed = scatter_add(moved, index, (n, *moved.shape[1:]))
    return np.reshape(np.moveaxis(summed, 0, along), x_shape)


@primitive(np.repeat, x=_repeat_x)
def repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    """Repeat each element.

    out = x_1, x_1, x_2, x_2, ...
    dx_i = the sum of g over the copies of x_i

    >>> repeat(np.array([1.0, 2.0]), 2)
    array([1., 1., 2., 2.])
    """
    return np.repeat(x, repeats, axis)


def _pad_x(g: Any, x_shape: Any, pad_width: Any, mode: Any) -> Any:
    """The mode decides from which element each padded one was copied: the gradient goes back there."""
    widths = _pad_widths(pad_width, len(x_shape))
    for axis, ((before, after), n) in enumerate(zip(widths, x_shape, strict=True)):
        if mode == "constant":
            g = g[(slice(None),) * axis + (slice(before, before + n),)]
        elif before or after:
            source = np.pad(np.arange(n), (before, after), mode=mode)
            moved = np.moveaxis(g, axis, 0)
            g = np.moveaxis(scatter_add(moved, source, (n, *moved.shape[1:])), 0, axis)
    return g


def _pad_widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in np.broadcast_to(np.asarray(pad_width), (ndim, 2))]


@primitive(np.pad, x=_pad_x)
def pad(x: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0) -> Any:
    """Add a border: mode "constant", "edge", "reflect", "symmetric" or "wrap".

    out = x with a border
    dx  = g inside, plus what arrives at the copies in the border

    >>> pad(np.array([1.0, 2.0]), 1)
    array([0., 1., 2., 0.])
    """
    if mode == "constant":
        return np.pad(x, pad_width, constant_values=constant_values)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise NotImplementedError(f"pad: mode {mode!r} has no gradient rule; use constant, edge, reflect, symmetric or wrap")
    return np.pad(x, pad_width, mode=mode)


# ------------------------------------------------------------------- made of the ones above


def _shape_of(sizes: tuple[Any, ...]) -> Any:
    """x.reshape(2, 3) and x.reshape((2, 3))."""
    return sizes[0] if len(sizes) == 1 else sizes


Tensor.reshape = lambda self, *shape: reshape(self, _shape_of(shape))  # type: ignore[attr-defined]
Tensor.transpose = lambda self, *axes: transpose(self, _shape_of(axes) if axes else None)  # type: ignore[attr-defined]
Tensor.permute = Tensor.permute_dims = Tensor.transpose  # type: ignore[attr-defined]
Tensor.T = property(transpose, doc="The axes in reverse order.")  # type: ignore[assignment]
Tensor.mT = property(lambda x: swapaxes(x, -1, -2), doc="The last two axes exchanged.")  # type: ignore[assignment]
permute_dims = transpose


@composed(np.ravel)
def ravel(x: Any) -> Any:
    """All elements in one axis.

    >>> ravel(np.ones((2, 2))).shape
    (4,)
    """
    return reshape(x, -1)


@method
def flatten(x: Any, start_axis: int = 0, end_axis: int = -1) -> Any:
    """Join the axes from start_axis to end_axis into one.

    >>> flatten(Tensor(np.ones((2, 3, 4))), 1).shape
    (2, 12)
    """
    shape = np.shape(x)
    ndim = len(shape) or 1
    first, last = start_axis % ndim, end_axis % ndim
    n = int(np.prod(shape[first : last + 1]))
    return reshape(x, (*shape[:first], n, *shape[last + 1 :]))


def _at_least(n: int) -> Any:
    def at_least(*arrays: Any) -> Any:
        numpy_function = (np.atleast_1d, np.atleast_2d, np.atleast_3d)[n - 1]
        out = tuple(reshape(x, numpy_function(np.empty(np.shape(x))).shape) for x in arrays)
        return out[0] if len(out) == 1 else out

    at_least.__name__ = f"atleast_{n}d"
    at_least.__doc__ = f"At least {n} axes, as numpy.atleast_{n}d."
    return at_least


atleast_1d = composed(np.atleast_1d)(_at_least(1))
atleast_2d = composed(np.atleast_2d)(_at_least(2))
atleast_3d = composed(np.atleast_3d)(_at_least(3))


@composed(np.fliplr)
def fliplr(x: Any) -> Any:
    """Reverse the second axis.

    >>> fliplr(np.array([[1.0, 2.0]]))
    array([[2., 1.]])
    """
    return flip(x, 1)


@composed(np.flipud)
def flipud(x: Any) -> Any:
    """Reverse the first axis.

    >>> flipud(np.array([1.0, 2.0]))
    array([2., 1.])
    """
    return flip(x, 0)


@composed(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    """The last two axes exchanged.

    >>> matrix_transpose(np.ones((4, 2, 3))).shape
    (4, 3, 2)
    """
    return swapaxes(x, -1, -2)


@composed(np.resize, method=False)
def resize(x: Any, new_shape: Any) -> Any:
    """An array of a shape, filled with the elements of x over and over.

    >>> resize(np.array([1.0, 2.0]), (2, 3))
    array([[1., 2., 1.],
           [2., 1., 2.]])
    """
    n, size = int(np.prod(new_shape)), int(np.prod(np.shape(x)))
    if size == 0:
        return np.zeros_like(x, shape=new_shape)
    return reshape(tile(reshape(x, -1), -(-n // size))[:n], new_shape)


@composed(np.rot90)
def rot90(x: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Turn by k quarter turns in the plane of two axes.

    >>> rot90(np.array([[1.0, 2.0]]))
    array([[2.],
           [1.]])
    """
    k %= 4
    if k == 2:
        return flip(x, axes)
    if k == 0:
        return x
    return swapaxes(flip(x, axes[1]), *axes) if k == 1 else flip(swapaxes(x, *axes), axes[1])


@composed(np.rollaxis)
def rollaxis(x: Any, axis: int, start: int = 0) -> Any:
    """Move an axis back to lie before `start`.

    >>> rollaxis(np.zeros((2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    ndim = np.ndim(x)
    axis, start = axis % ndim, start + ndim if start < 0 else start
    return moveaxis(x, axis, start - 1 if axis < start else start)


@composed(np.broadcast_arrays, method=False)
def broadcast_arrays(*arrays: Any) -> tuple[Any, ...]:
    """All arrays in their common shape.

    >>> [a.shape for a in broadcast_arrays(np.zeros(3), np.zeros((2, 1)))]
    [(2, 3), (2, 3)]
    """
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    return tuple(broadcast_to(x, shape) for x in arrays)
