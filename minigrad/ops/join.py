"""Joining arrays and cutting them up.  Each undoes the other: they are each other's gradients."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from ..backend import side_by_side
from ..later import is_on_gpu
from ..primitive import composed, method, primitive
from ..tensor import Tensor
from .shape import atleast_1d, atleast_2d, atleast_3d, counts_of, reshape

__all__ = [
    "append", "array_split", "block", "column_stack", "concatenate", "dsplit", "dstack",
    "hsplit", "hstack", "split", "stack", "unstack", "vsplit", "vstack",
]  # fmt: skip


def _concatenate_all(g: Any, needs: Any, arrays_shape: Any, axis: Any) -> Any:
    if axis is None:
        ends = list(accumulate(int(np.prod(s)) for s in arrays_shape))
        return [np.reshape(p, s) for p, s in zip(np.split(g, ends[:-1]), arrays_shape, strict=True)]
    ends = list(accumulate(s[axis] for s in arrays_shape))
    return np.split(g, ends[:-1], axis=axis)


@primitive(np.concatenate, method=False, joint=_concatenate_all, inputs=("arrays",))
def concatenate(
    arrays: Sequence[Any], /, axis: Any = 0, out: Any = None,
    *, dtype: Any = None, casting: Any = "same_kind",
) -> Any:  # fmt: skip
    """Join arrays along an axis; without an axis they are flattened first.

    out = [arrays_1, arrays_2, ...]
    darrays_k = the part of g that belongs to arrays_k

    Args:
        dtype: of the result, by default the one that all arrays fit in.
        casting: how far the conversion to it may go, as in `numpy.can_cast`.

    >>> concatenate([np.array([1.0]), np.array([2.0, 3.0])])
    array([1., 2., 3.])
    """
    if dtype is None and casting == "same_kind":
        return np.concatenate(arrays, axis)
    return np.concatenate(arrays, axis, dtype=dtype, casting=casting)


@primitive(
    np.stack, method=False, joint=lambda g, needs, axis: unstack(g, axis=axis), inputs=("arrays",)
)
def stack(
    arrays: Sequence[Any], axis: Any = 0, out: Any = None,
    *, dtype: Any = None, casting: Any = "same_kind",
) -> Any:  # fmt: skip
    """Join arrays of one shape along a new axis; `dtype` and `casting` as for `concatenate`.

    out = [arrays_1, arrays_2, ...]
    darrays_k = g_k

    Args:
        axis: where the new axis stands in the result.

    >>> stack([np.array([1.0, 2.0]), np.array([3.0, 4.0])], axis=1)
    array([[1., 3.],
           [2., 4.]])
    """
    if dtype is None and casting == "same_kind":
        return np.stack(arrays, axis)
    return np.stack(arrays, axis, dtype=dtype, casting=casting)


@primitive(np.unstack, method=False, x=lambda g, axis: np.stack(g, axis=axis))
def unstack(x: Any, /, *, axis: int = 0) -> Any:
    """The slices along an axis, as a tuple: what iterating over a tensor gives.

    out_k = x_k
    dx    = [g_1, g_2, ...]

    >>> unstack(np.array([1.0, 2.0]))
    (np.float64(1.0), np.float64(2.0))
    """
    parts = tuple(np.moveaxis(x, axis, 0))
    if is_on_gpu(x) and x.ndim == 1:  # elements, which in NumPy are numbers that no later write to x changes
        return tuple(part.copy() for part in parts)
    return parts


@primitive(np.split, ary=lambda g, axis: np.concatenate(g, axis=axis))
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """A list of the parts along an axis, cut at indices or into a number of equal sections.

    out  = [ary_1, ary_2, ...]
    dary = [g_1, g_2, ...], joined

    >>> split(np.array([1.0, 2.0, 3.0]), [1])
    [array([1.]), array([2., 3.])]
    """
    if not isinstance(ary, np.ndarray):
        indices_or_sections = counts_of(indices_or_sections)
    return np.split(ary, indices_or_sections, axis)


@primitive(np.array_split, ary=lambda g, axis: np.concatenate(g, axis=axis))
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """As `split`, into a number of sections that need not be equal.

    out  = [ary_1, ary_2, ...]
    dary = [g_1, g_2, ...], joined

    >>> array_split(np.array([1.0, 2.0, 3.0]), 2)
    [array([1., 2.]), array([3.])]
    """
    if not isinstance(ary, np.ndarray):
        indices_or_sections = counts_of(indices_or_sections)
    return np.array_split(ary, indices_or_sections, axis)


@method
def __iter__(self: Tensor) -> Any:
    len(self)  # complains about 0-d tensors
    return iter(unstack(self))


@composed(np.vstack, method=False)
def vstack(tup: Sequence[Any], *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """Join row-wise (1-d arrays become rows).

    >>> vstack([np.zeros(2), np.ones(2)]).shape
    (2, 2)
    """
    return concatenate([atleast_2d(x) for x in _parts(tup)], axis=0, dtype=dtype, casting=casting)


@composed(np.hstack, method=False)
def hstack(tup: Sequence[Any], *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """Join column-wise (1-d arrays end to end).

    >>> hstack([np.zeros(2), np.ones(2)]).shape
    (4,)
    """
    arrays = [atleast_1d(x) for x in _parts(tup)]
    axis = 0 if arrays and np.ndim(arrays[0]) == 1 else 1
    return concatenate(arrays, axis=axis, dtype=dtype, casting=casting)


@composed(np.dstack, method=False)
def dstack(tup: Sequence[Any]) -> Any:
    """Join along the third axis.

    >>> dstack([np.zeros(2), np.ones(2)]).shape
    (1, 2, 2)
    """
    return concatenate([atleast_3d(x) for x in _parts(tup)], axis=2)


@composed(np.column_stack, method=False)
def column_stack(tup: Sequence[Any]) -> Any:
    """Join 1-d arrays as columns.

    >>> column_stack([np.zeros(3), np.ones(3)]).shape
    (3, 2)
    """
    parts = [reshape(x, (-1, 1)) if np.ndim(x) < 2 else x for x in _parts(tup)]
    return concatenate(parts, axis=1)


#: What is no array yet: Python's numbers and NumPy's scalars.
_NUMBERS = (int, float, complex, np.generic)


def _parts(tup: Sequence[Any]) -> tuple[Any, ...]:
    """What is joined, on one device; numbers as arrays of one element."""
    return side_by_side(*([x] if isinstance(x, _NUMBERS) else x for x in tup))


@composed(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along the second axis (the first of 1-d arrays).

    >>> len(hsplit(np.zeros((2, 4)), 2))
    2
    """
    _require_axes(ary, 1, "hsplit")
    return split(ary, indices_or_sections, axis=0 if np.ndim(ary) == 1 else 1)


@composed(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along the first axis, of two or more.

    >>> len(vsplit(np.zeros((2, 4)), 2))
    2
    """
    _require_axes(ary, 2, "vsplit")
    return split(ary, indices_or_sections, axis=0)


@composed(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along the third axis.

    >>> len(dsplit(np.zeros((1, 2, 4)), 2))
    2
    """
    _require_axes(ary, 3, "dsplit")
    return split(ary, indices_or_sections, axis=2)


def _require_axes(ary: Any, n: int, name: str) -> None:
    if np.ndim(ary) < n:
        raise ValueError(f"{name}: expected at least {n} axes, got shape {np.shape(ary)}")


@composed(np.append, method=False)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """Values behind an array; both flattened where no axis is given.

    Args:
        values: what is put behind.
        axis: along which axis. None: both are flattened.

    >>> append(np.array([1.0]), np.array([2.0, 3.0]))
    array([1., 2., 3.])
    """
    arr, values = side_by_side(arr, values)
    parts = [arr, values] if axis is not None else [reshape(arr, -1), reshape(values, -1)]
    return concatenate(parts, axis=0 if axis is None else axis)


@composed(np.block, method=False)
def block(arrays: Any) -> Any:
    """An array from nested lists of blocks, the innermost joined along the last axis.

    Args:
        arrays: lists of arrays, or lists of such lists.

    >>> block([[np.eye(2), np.zeros((2, 1))], [np.ones((1, 3))]])
    array([[1., 0., 0.],
           [0., 1., 0.],
           [1., 1., 1.]])
    """

    levels = _depth(arrays)
    ndim = max(levels, _widest(arrays))

    def join(x: Any, level: int) -> Any:
        if isinstance(x, list):
            return concatenate([join(part, level + 1) for part in x], axis=level - levels)
        return reshape(x, (1,) * (ndim - np.ndim(x)) + tuple(np.shape(x)))

    return join(arrays, 0)


def _depth(arrays: Any) -> int:
    """How deep lists are nested; the same everywhere."""
    if isinstance(arrays, tuple):
        raise TypeError("block: nested lists of arrays are expected, got a tuple")
    if not isinstance(arrays, list):
        return 0
    depths = set(map(_depth, arrays))
    if len(depths) != 1:
        raise ValueError(
            "block: the lists must not be empty, and be nested equally deep everywhere"
        )
    return 1 + depths.pop()


def _widest(arrays: Any) -> int:
    """The most axes of an array in nested lists."""
    return max(map(_widest, arrays)) if isinstance(arrays, list) else np.ndim(arrays)
