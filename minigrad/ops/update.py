"""NumPy's functions that write into their first argument; of Tensors that is recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.writing import write_at
from ..backend import as_operand, beside, is_array, transfer
from ..primitive import composed
from ..tensor import Tensor, raw
from .index import along_axis, in_range, plain_index
from .shape import resize

__all__ = ["copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"]


def _write(a: Any, index: Any, values: Any) -> None:
    """a[index] = values, unless a plain array would swallow a gradient."""
    if not isinstance(a, Tensor):
        if isinstance(values, Tensor) and values.requires_grad:
            raise TypeError(
                "a tensor that requires a gradient cannot be written into a NumPy array, since "
                "the gradient would be lost: make the array a Tensor"
            )
        values = raw(values)
    write_at(a, index, values)


def _write_flat(a: Any, indices: Any, values: Any) -> None:
    """Write values at the indices of the flattened array; of a number the last value stays."""
    if np.ndim(a):
        _write(a, np.unravel_index(indices, np.shape(a)), values)
    elif indices.size:
        _write(a, (), np.broadcast_to(values, indices.shape)[-1])


def _as_array(values: Any, a: Any) -> Any:
    """A Tensor as it is, an array beside a; numbers and lists in the dtype of a, or NumPy's error where they do not fit."""
    if isinstance(values, Tensor):
        return values
    return beside(values if is_array(values) else np.asarray(values, dtype=a.dtype), a)


def _safe_array(values: Any, a: Any, name: str) -> Any:
    """`_as_array` for functions that do not round: an array of a dtype that a does not hold is refused."""
    values = _as_array(values, a)
    if not np.can_cast(values.dtype, a.dtype, "safe"):
        raise TypeError(
            f"{name}: cannot cast {values.dtype} to {a.dtype} under the rule 'safe': "
            f"write values.astype({str(a.dtype)!r})"
        )
    return values


def _beside(mask: Any, a: Any) -> Any:
    """A mask as an array where a is."""
    mask = raw(mask)
    return beside(mask if is_array(mask) else np.asarray(mask), a)


def _mask_of(a: Any, mask: Any, name: str) -> Any:
    """The mask as truth values in the shape of the array, which only its size needs to fit."""
    mask = _beside(mask, a)
    if mask.size != np.size(a):
        raise ValueError(
            f"{name}: the mask {mask.shape} and the array {np.shape(a)} differ in size"
        )
    return np.reshape(mask, np.shape(a)).astype(bool)


@composed(np.put, method=False)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """Write values at indices of the flattened array, over and over where there are fewer values.

    Args:
        ind: the indices.
        v: the values.
        mode: for indices out of range: "raise" an IndexError, "wrap" around, or "clip" to the ends.

    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> np.put(x, [0, 2], 9.0); x
    Tensor([9., 2., 9.], dtype=float32)
    """
    indices = np.asarray(transfer(raw(ind), "cpu")).reshape(-1)  # they are looked at
    values = _as_array(v, a)
    if indices.size == 0 or np.size(values) == 0:
        return
    n = int(np.prod(np.shape(a)))
    if mode == "raise":
        if indices.min() < -n or indices.max() >= n:
            raise IndexError(f"put: the indices must lie between {-n} and {n - 1}, got {ind}")
        indices = np.where(indices < 0, indices + n, indices)
    else:
        indices = in_range(indices, n, mode, "put")
    _write_flat(a, indices, resize(values, indices.shape))


@composed(np.putmask, method=False)
def putmask(a: Any, /, mask: Any, values: Any) -> None:
    """Write the values where the mask is true; values of another shape are repeated over the array.

    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> np.putmask(x, x > 1, [7.0, 8.0, 9.0]); x
    Tensor([1., 8., 9.], dtype=float32)
    """
    mask, values = _mask_of(a, mask, "putmask"), _safe_array(values, a, "putmask")
    if np.size(values):
        _write(a, mask, resize(values, np.shape(a))[mask])


@composed(np.place, method=False)
def place(arr: Any, mask: Any, vals: Any) -> None:
    """Write the first values where the mask is true, over and over where there are fewer.

    Args:
        vals: the values.

    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> np.place(x, x > 1, [7.0]); x
    Tensor([1., 7., 7.], dtype=float32)
    """
    mask, vals = _mask_of(arr, mask, "place"), _safe_array(vals, arr, "place")
    places = int(np.count_nonzero(mask))
    if places and np.size(vals) == 0:
        raise ValueError(f"place: no values for the {places} places where the mask is true")
    _write(arr, mask, resize(vals, (places,)))


@composed(np.copyto, method=False)
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """Write one array into another, where a mask is true.

    Args:
        dst, src: where to, and from where.
        where: the mask.

    >>> x = Tensor([1.0, 2.0])
    >>> np.copyto(x, 5.0, where=np.array([True, False])); x
    Tensor([5., 2.], dtype=float32)
    """
    mask = raw(where)
    number = isinstance(src, (int, float, complex)) and not isinstance(src, np.generic)
    kind = np.result_type(dst.dtype, src) if number else as_operand(src).dtype
    if not np.can_cast(kind, dst.dtype, casting):
        raise TypeError(f"copyto: cannot cast {kind} to {dst.dtype} under the rule {casting!r}")
    source = _as_array(src, dst)
    if mask is True:
        _write(dst, ..., source)
    else:
        mask = np.broadcast_to(_beside(mask, dst), np.shape(dst))
        _write(dst, mask, np.broadcast_to(source, np.shape(dst))[mask])


@composed(np.fill_diagonal, method=False)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """Write a value, or values one after the other, on the main diagonal.

    Args:
        val: the value or values.
        wrap: begin anew below the square part of a tall matrix.

    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> np.fill_diagonal(x, 0.0); x
    Tensor([[0., 2.],
            [3., 0.]], dtype=float32)
    """
    shape = np.shape(a)
    if len(shape) > 2 and len(set(shape)) != 1:
        raise ValueError(
            f"fill_diagonal: all of {len(shape)} axes must be equally long, got shape {shape}"
        )
    ones = np.zeros(shape, bool)
    np.fill_diagonal(ones, True, wrap)
    at = np.nonzero(ones)
    _write(a, at, resize(_as_array(val, a), at[0].shape))


@composed(np.put_along_axis, method=False)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    """Write values at the indices along an axis, of the flattened array where it is None.

    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> np.put_along_axis(x, np.array([[1], [0]]), 9.0, axis=1); x
    Tensor([[1., 9.],
            [9., 4.]], dtype=float32)
    """
    indices, values = plain_index(indices), _as_array(values, arr)
    if axis is not None:
        _write(arr, along_axis(indices, axis, np.shape(arr), "put_along_axis"), values)
        return
    along_axis(
        indices, 0, (np.size(arr),), "put_along_axis"
    )  # complains about indices that do not fit
    _write_flat(arr, indices, values)
