"""NumPy's functions that write into their first argument: on a Tensor they are recorded, as `x[index] = value` is."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import beside, is_array
from ..primitive import composed
from ..tensor import Tensor, raw
from .index import put_along_axis
from .shape import resize

__all__ = ["copyto", "fill_diagonal", "place", "put", "putmask"]


def _write(a: Any, index: Any, values: Any) -> None:
    """a[index] = values, unless a plain array would swallow a gradient."""
    if not isinstance(a, Tensor):
        if isinstance(values, Tensor) and values.requires_grad:
            raise TypeError(
                "a tensor that requires a gradient cannot be written into a NumPy array, the gradient would be lost: "
                "make the array a Tensor"
            )
        values = raw(values)
    a[index] = values


def _as_array(values: Any, a: Any) -> Any:
    return values if isinstance(values, Tensor) or is_array(values) else beside(np.asarray(values), a)


@composed(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """Write values at indices of the flattened array, over and over where there are fewer values.

    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> np.put(x, [0, 2], 9.0); x
    Tensor([9., 2., 9.], dtype=float32)
    """
    indices = np.asarray(raw(ind)).reshape(-1)
    n = int(np.prod(np.shape(a)))
    if mode == "raise":
        indices = np.where(indices < 0, indices + n, indices)
    else:
        indices = indices % n if mode == "wrap" else np.clip(indices, 0, n - 1)
    _write(a, np.unravel_index(indices, np.shape(a)), resize(_as_array(v, a), indices.shape))


@composed(np.putmask, method=False)
def putmask(a: Any, mask: Any, values: Any) -> None:
    """Write the values where the mask is true; values of another shape are repeated over the array.

    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> np.putmask(x, x > 1, np.array([7.0, 8.0, 9.0])); x
    Tensor([1., 8., 9.], dtype=float32)
    """
    mask = raw(mask)
    _write(a, mask, resize(_as_array(values, a), np.shape(a))[mask])


@composed(np.place, method=False)
def place(arr: Any, mask: Any, vals: Any) -> None:
    """Write the first values where the mask is true, over and over where there are fewer.

    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> np.place(x, x > 1, [7.0]); x
    Tensor([1., 7., 7.], dtype=float32)
    """
    mask = raw(mask)
    _write(arr, mask, resize(_as_array(vals, arr), (int(np.count_nonzero(mask)),)))


@composed(np.copyto, method=False)
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """Write one array into another, where a mask is true.

    >>> x = Tensor([1.0, 2.0])
    >>> np.copyto(x, 5.0, where=np.array([True, False])); x
    Tensor([5., 2.], dtype=float32)
    """
    mask = raw(where)
    source = _as_array(src, dst)
    if not np.can_cast(source.dtype, dst.dtype, casting):
        raise TypeError(f"copyto: cannot cast {source.dtype} to {dst.dtype} under the rule {casting!r}")
    if mask is True:
        _write(dst, ..., source)
    else:
        mask = np.broadcast_to(mask, np.shape(dst))
        _write(dst, mask, np.broadcast_to(source, np.shape(dst))[mask])


@composed(np.fill_diagonal, method=False)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """Write a value, or values one after the other, on the main diagonal.

    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> np.fill_diagonal(x, 0.0); x
    Tensor([[0., 2.],
            [3., 0.]], dtype=float32)
    """
    shape = np.shape(a)
    if len(shape) > 2 and len(set(shape)) != 1:
        raise ValueError(f"fill_diagonal: all axes of an array of {len(shape)} must be equally long, got shape {shape}")
    ones = np.zeros(shape, bool)
    np.fill_diagonal(ones, True, wrap)
    at = np.nonzero(ones)
    _write(a, at, resize(_as_array(val, a), at[0].shape))


@composed(np.put_along_axis, method=False)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    """Write values at the indices along an axis; `minigrad.put_along_axis` returns a copy instead."""
    if axis is None:
        put(arr, indices, values)
    else:
        _write(arr, ..., put_along_axis(arr, indices, values, axis))
