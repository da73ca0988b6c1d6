"""Many cotangents at once: what makes `jacobian` and `hessian` cost one backward pass instead of one for each row.

A `Batch` is an array with one more axis in front, which nobody sees: its `shape` is that of a single cotangent.  It speaks
NumPy's two protocols, so the gradient rules, which are plain NumPy, run on it as they stand.  A rule that asks for
something that is not in the tables below is run for one cotangent after the other instead (`each`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from string import ascii_letters
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..backend import as_array

__all__ = ["Batch", "apply_rule"]


class Batch(NDArrayOperatorsMixin):
    """Arrays of one shape side by side; `_data` is (B, *shape)."""

    __slots__ = ("_data", "shape")

    def __init__(self, data: Any) -> None:
        self._data = data
        self.shape = data.shape[1:]

    dtype = property(lambda self: self._data.dtype)
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: prod(self.shape))
    base = None

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("many cotangents are not one array")

    def __len__(self) -> int:
        return int(self.shape[0])

    def astype(self, dtype: Any, copy: bool = True) -> Batch:
        return Batch(self._data.astype(dtype, copy=copy))

    def copy(self) -> Batch:
        return Batch(self._data.copy())

    def __getitem__(self, index: Any) -> Batch:
        return Batch(self._data[_behind(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._data[_behind(index)] = _aligned(value, np.ndim(self._data[0][index]))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "at" and isinstance(inputs[0], Batch):
            target, index, value = inputs
            ufunc.at(target._data, _behind(index), _aligned(value, np.ndim(target._data[0][index])))
            return None
        if method != "__call__" or "out" in kwargs:
            return NotImplemented
        if ufunc is np.matmul:
            return _matmul(*inputs)
        ndim = max(np.ndim(x) for x in inputs)
        out = ufunc(*(_aligned(x, ndim) for x in inputs), **kwargs)
        return tuple(map(Batch, out)) if isinstance(out, tuple) else Batch(out)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        rule = _FUNCTIONS.get(function)
        return NotImplemented if rule is None else rule(*args, **kwargs)


def _aligned(x: Any, ndim: int) -> Any:
    """The data with axes of length 1 between the batch and the shape, so that shapes broadcast as without a batch."""
    if not isinstance(x, Batch):
        return x
    missing = ndim - len(x.shape)
    return x._data.reshape(x._data.shape[0], *(1,) * missing, *x.shape) if missing > 0 else x._data


def _behind(index: Any) -> tuple[Any, ...]:
    """The index behind the batch axis; index arrays that NumPy would move to the front are refused."""
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [i for i, p in enumerate(parts) if not (p is None or p is Ellipsis or isinstance(p, (slice, int, np.integer)))]
    if arrays and arrays[-1] - arrays[0] + 1 != len(arrays):
        raise NotImplementedError("index arrays with slices between them")
    if arrays and any(isinstance(p, (int, np.integer)) for p in parts):
        raise NotImplementedError("index arrays beside integers")
    return (slice(None), *parts)


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes of the shape as axes of the data."""
    axes = tuple(range(ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    return tuple(a % ndim + 1 for a in axes)


def _matmul(x: Any, y: Any) -> Any:
    vector_x, vector_y = np.ndim(x) == 1, np.ndim(y) == 1
    x, y = x[None] if vector_x else x, y[..., None] if vector_y else y
    ndim = max(np.ndim(x), np.ndim(y))
    out = np.matmul(_aligned(x, ndim), _aligned(y, ndim))
    out = out[..., 0] if vector_y else out
    return Batch((out[..., 0] if vector_y else out[..., 0, :]) if vector_x else out)


def _sum(x: Batch, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    if out is not None:
        return NotImplemented
    return Batch(np.sum(x._data, axis=_axes(axis, x.ndim), dtype=dtype, keepdims=keepdims))


def _reshape(x: Batch, shape: Any) -> Batch:
    shape = (shape,) if isinstance(shape, int) else shape
    return Batch(np.reshape(x._data, (x._data.shape[0], *shape)))


def _transpose(x: Batch, axes: Any = None) -> Batch:
    order = range(x.ndim)[::-1] if axes is None else [a % x.ndim for a in axes]
    return Batch(np.transpose(x._data, (0, *(a + 1 for a in order))))


def _moveaxis(x: Batch, source: Any, destination: Any) -> Batch:
    return Batch(np.moveaxis(x._data, _axes(source, x.ndim), _axes(destination, x.ndim)))


def _swapaxes(x: Batch, axis1: int, axis2: int) -> Batch:
    return Batch(np.swapaxes(x._data, axis1 % x.ndim + 1, axis2 % x.ndim + 1))


def _expand_dims(x: Batch, axis: Any) -> Batch:
    count = 1 if isinstance(axis, int) else len(axis)
    return Batch(np.expand_dims(x._data, _axes(axis, x.ndim + count)))


def _broadcast_to(x: Batch, shape: Any) -> Batch:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    return Batch(np.broadcast_to(_aligned(x, len(shape)), (x._data.shape[0], *shape)))


def _where(condition: Any, x: Any, y: Any) -> Batch:
    ndim = max(map(np.ndim, (condition, x, y)))
    return Batch(np.where(*(_aligned(a, ndim) for a in (condition, x, y))))


def _like(make: Callable[..., Any]) -> Callable[..., Any]:
    def like(x: Batch, *args: Any, shape: Any = None, **kwargs: Any) -> Batch:
        shape = x.shape if shape is None else (shape,) if isinstance(shape, int) else shape
        return Batch(make(x._data, *args, shape=(x._data.shape[0], *shape), **kwargs))

    return like


def _whole(arrays: Sequence[Any]) -> list[Any]:
    """The data of several inputs, those without a batch repeated along it."""
    n = next(x._data.shape[0] for x in arrays if isinstance(x, Batch))
    return [x._data if isinstance(x, Batch) else np.broadcast_to(x, (n, *np.shape(x))) for x in arrays]


def _concatenate(arrays: Sequence[Any], axis: int = 0) -> Batch:
    return Batch(np.concatenate(_whole(arrays), axis=axis % np.ndim(arrays[0]) + 1))


def _stack(arrays: Sequence[Any], axis: int = 0) -> Batch:
    return Batch(np.stack(_whole(arrays), axis=axis % (np.ndim(arrays[0]) + 1) + 1))


def _split(x: Batch, indices_or_sections: Any, axis: int = 0) -> list[Batch]:
    return [Batch(part) for part in np.split(x._data, indices_or_sections, axis=axis % x.ndim + 1)]


def _flip(x: Batch, axis: Any = None) -> Batch:
    return Batch(np.flip(x._data, _axes(axis, x.ndim)))


def _roll(x: Batch, shift: Any, axis: Any = None) -> Any:
    return NotImplemented if axis is None else Batch(np.roll(x._data, shift, _axes(axis, x.ndim)))


def _pad(x: Batch, pad_width: Any, **kwargs: Any) -> Any:
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    return Batch(np.pad(x._data, [(0, 0), *widths], **kwargs))


def _along_axis(function: Callable[..., Any], default: int | None) -> Callable[..., Any]:
    """A function that works along one axis."""

    def along_axis(x: Batch, *args: Any, axis: int | None = default, **kwargs: Any) -> Any:
        return NotImplemented if axis is None else Batch(function(x._data, *args, axis=axis % x.ndim + 1, **kwargs))

    return along_axis


def _diagonal(x: Batch, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Batch:
    return Batch(np.diagonal(x._data, offset, axis1 % x.ndim + 1, axis2 % x.ndim + 1))


def _solve(a: Any, b: Any) -> Any:
    return NotImplemented if isinstance(a, Batch) or b.ndim < 2 else Batch(np.linalg.solve(a, _aligned(b, np.ndim(a))))


def _triangle(cut: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, k=0: NotImplemented if x.ndim < 2 else Batch(cut(x._data, k))


def _einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Batch:
    inputs, out = subscripts.split("->")
    letter = next(c for c in ascii_letters if c not in subscripts)
    terms = [letter + t if isinstance(x, Batch) else t for t, x in zip(inputs.split(","), operands, strict=True)]
    data = [x._data if isinstance(x, Batch) else x for x in operands]
    return Batch(np.einsum(",".join(terms) + "->" + letter + out, *data, **kwargs))


#: The functions that gradient rules use most.
_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: _sum, np.reshape: _reshape, np.transpose: _transpose, np.moveaxis: _moveaxis, np.swapaxes: _swapaxes,
    np.expand_dims: _expand_dims, np.broadcast_to: _broadcast_to, np.where: _where, np.zeros_like: _like(np.zeros_like),
    np.ones_like: _like(np.ones_like), np.concatenate: _concatenate, np.stack: _stack,
    np.split: _split, np.flip: _flip,
    np.cumsum: _along_axis(np.cumsum, None), np.tril: _triangle(np.tril), np.triu: _triangle(np.triu),
    np.einsum: _einsum, np.real: lambda x: Batch(np.real(x._data)), np.imag: lambda x: Batch(np.imag(x._data)),
    np.roll: _roll, np.pad: _pad, np.diagonal: _diagonal, np.linalg.solve: _solve,
    **{f: _along_axis(f, -1) for f in (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft)},
    np.ndim: lambda x: len(x.shape), np.shape: lambda x: x.shape, np.size: lambda x: x.size,
}  # fmt: skip


def apply_rule(rule: Callable[..., Any], g: Any, reads: Sequence[Any]) -> Any:
    """A rule on a batch of cotangents (or a tuple of batches): at once, or else one after the other."""
    batches = [x for x in (g if isinstance(g, tuple) else (g,)) if isinstance(x, Batch)]
    if not batches:
        return rule(g, *reads)
    n = batches[0]._data.shape[0]

    def whole(c: Any) -> Any:
        return c if isinstance(c, Batch) or getattr(c, "shape", None) is None else Batch(np.broadcast_to(c, (n, *np.shape(c))))

    try:
        out = rule(g, *reads)
        return [whole(c) for c in out] if isinstance(out, (list, tuple)) else whole(out)
    except Exception:  # whatever it was that the rule could not do with a Batch, it can do with an array
        rows = [rule(_row(g, i), *reads) for i in range(n)]
    if isinstance(rows[0], (list, tuple)):
        return [None if column[0] is None else Batch(np.stack(column)) for column in zip(*rows, strict=True)]
    return Batch(np.stack(rows))


def _row(g: Any, i: int) -> Any:
    if isinstance(g, tuple):
        return tuple(_row(x, i) for x in g)
    return as_array(g._data[i]) if isinstance(g, Batch) else g
