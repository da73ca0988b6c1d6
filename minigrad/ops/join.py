"""Joining arrays and cutting them up.  Each undoes the other, so they are each other's gradients."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from ..primitive import composed, method, primitive
from ..tensor import Tensor
from .shape import atleast_1d, atleast_2d, atleast_3d, reshape

__all__ = [
    "append", "array_split", "block", "column_stack", "concatenate", "dsplit", "dstack", "hsplit", "hstack", "split",
    "stack", "unstack", "vsplit", "vstack",
]  # fmt: skip


def _concatenate_all(g: Any, needs: Any, arrays_shape: Any, axis: Any) -> Any:
    if axis is None:
        ends = list(accumulate(int(np.prod(s)) for s in arrays_shape))
        return [np.reshape(p, s) for p, s in zip(np.split(g, ends[:-1]), arrays_shape, strict=True)]
    ends = list(accumulate(s[axis] for s in arrays_shape))
    return np.split(g, ends[:-1], axis=axis)


@primitive(method=False, joint=_concatenate_all, inputs=("arrays",), name="concatenate")
def _concatenate(*arrays: Any, axis: Any = 0) -> Any:
    """Join arrays along an axis.

    out = [x_1, x_2, ...]
    dx_k = the part of g that belongs to x_k
    """
    return np.concatenate(arrays, axis=axis)


@composed(np.concatenate, method=False)
def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """Join arrays along an axis.

    >>> concatenate([np.array([1.0]), np.array([2.0, 3.0])])
    array([1., 2., 3.])
    """
    return _concatenate(*_members(arrays), axis=axis)


@primitive(method=False, joint=lambda g, needs, axis: unstack(g, axis), inputs=("arrays",), name="stack")
def _stack(*arrays: Any, axis: int = 0) -> Any:
    """Join arrays of one shape along a new axis.

    out = [x_1, x_2, ...]
    dx_k = g_k
    """
    return np.stack(arrays, axis=axis)


@composed(np.stack, method=False)
def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Join arrays of one shape along a new axis.

    >>> stack([np.array([1.0, 2.0]), np.array([3.0, 4.0])], axis=1)
    array([[1., 3.],
           [2., 4.]])
    """
    return _stack(*_members(arrays), axis=axis)


@primitive(np.unstack, method=False, x=lambda g, axis: np.stack(g, axis=axis))
def unstack(x: Any, axis: int = 0) -> Any:
    """The slices along an axis, as a tuple: what iterating over a tensor gives.

    out_k = x_k
    dx    = [g_1, g_2, ...]

    >>> unstack(np.array([1.0, 2.0]))
    (np.float64(1.0), np.float64(2.0))
    """
    return tuple(np.moveaxis(x, axis, 0))


@primitive(np.split, x=lambda g, axis: np.concatenate(g, axis=axis))
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Cut into parts along an axis, at indices or into equal sections.

    out = (x_1, x_2, ...)
    dx  = [g_1, g_2, ...]

    >>> split(np.array([1.0, 2.0, 3.0]), [1])
    (array([1.]), array([2., 3.]))
    """
    return tuple(np.split(x, indices_or_sections, axis))


@primitive(np.array_split, x=lambda g, axis: np.concatenate(g, axis=axis))
def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """As `split`, into sections that need not be equal.

    out = (x_1, x_2, ...)
    dx  = [g_1, g_2, ...]

    >>> array_split(np.array([1.0, 2.0, 3.0]), 2)
    (array([1., 2.]), array([3.]))
    """
    return tuple(np.array_split(x, indices_or_sections, axis))


@method
def __iter__(self: Tensor) -> Any:
    len(self)  # complains about 0-d tensors
    return iter(unstack(self))


def _members(arrays: Any) -> Sequence[Any]:
    return arrays if isinstance(arrays, (list, tuple)) else tuple(arrays)


@composed(np.vstack, method=False)
def vstack(arrays: Sequence[Any]) -> Any:
    """Join row-wise (1-d arrays become rows).

    >>> vstack([np.zeros(2), np.ones(2)]).shape
    (2, 2)
    """
    return concatenate([atleast_2d(x) for x in arrays], axis=0)


@composed(np.hstack, method=False)
def hstack(arrays: Sequence[Any]) -> Any:
    """Join column-wise (1-d arrays end to end).

    >>> hstack([np.zeros(2), np.ones(2)]).shape
    (4,)
    """
    arrays = [atleast_1d(x) for x in arrays]
    return concatenate(arrays, axis=0 if np.ndim(arrays[0]) == 1 else 1)


@composed(np.dstack, method=False)
def dstack(arrays: Sequence[Any]) -> Any:
    """Join along the third axis.

    >>> dstack([np.zeros(2), np.ones(2)]).shape
    (1, 2, 2)
    """
    return concatenate([atleast_3d(x) for x in arrays], axis=2)


@composed(np.column_stack, method=False)
def column_stack(arrays: Sequence[Any]) -> Any:
    """Join 1-d arrays as columns.

    >>> column_stack([np.zeros(3), np.ones(3)]).shape
    (3, 2)
    """
    return concatenate([reshape(x, (-1, 1)) if np.ndim(x) < 2 else x for x in arrays], axis=1)


@composed(np.hsplit)
def hsplit(x: Any, indices_or_sections: Any) -> Any:
    """`split` along the second axis (the first of 1-d arrays).

    >>> len(hsplit(np.zeros((2, 4)), 2))
    2
    """
    return split(x, indices_or_sections, axis=0 if np.ndim(x) == 1 else 1)


@composed(np.vsplit)
def vsplit(x: Any, indices_or_sections: Any) -> Any:
    """`split` along the first axis.

    >>> len(vsplit(np.zeros((2, 4)), 2))
    2
    """
    return split(x, indices_or_sections, axis=0)


@composed(np.dsplit)
def dsplit(x: Any, indices_or_sections: Any) -> Any:
    """`split` along the third axis.

    >>> len(dsplit(np.zeros((1, 2, 4)), 2))
    2
    """
    return split(x, indices_or_sections, axis=2)


@composed(np.append, method=False)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """Values behind an array; both flattened where no axis is given.

    >>> append(np.array([1.0]), np.array([2.0, 3.0]))
    array([1., 2., 3.])
    """
    parts = [arr, values] if axis is not None else [reshape(arr, -1), reshape(values, -1)]
    return concatenate(parts, axis=0 if axis is None else axis)


@composed(np.block, method=False)
def block(arrays: Any) -> Any:
    """An array from nested lists of blocks, the innermost joined along the last axis.

    >>> block([[np.eye(2), np.zeros((2, 1))], [np.ones((1, 3))]])
    array([[1., 0., 0.],
           [0., 1., 0.],
           [1., 1., 1.]])
    """

    def depth(x: Any) -> int:
        return 1 + depth(x[0]) if isinstance(x, list) else 0

    def widest(x: Any) -> int:
        return max(map(widest, x)) if isinstance(x, list) else np.ndim(x)

    levels = depth(arrays)
    ndim = max(levels, widest(arrays))

    def join(x: Any, level: int) -> Any:
        if isinstance(x, list):
            return concatenate([join(part, level + 1) for part in x], axis=level - levels)
        return reshape(x, (1,) * (ndim - np.ndim(x)) + tuple(np.shape(x)))

    return join(arrays, 0)
