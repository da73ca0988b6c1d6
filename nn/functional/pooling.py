"""Pooling, as functions under torch.nn.functional's names; the modules are in `nn.layers.pooling`.

Inputs are (N, C, *S), or (C, *S) for a single sample; the stride is the kernel size by default.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from minigrad import Tensor, raw, take_along_axis
from minigrad.ops.index import assign
from minigrad.ops.window import Window, max_pool, sum_pool

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d", "max_pool1d",
    "max_pool2d", "max_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d",
]  # fmt: skip

Function = Callable[..., Any]


def _window(
    name: str, n: int, x: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any = 1, ceil_mode: bool = False
) -> Window:
    shape = np.shape(x)
    if len(shape) not in (n + 1, n + 2):
        raise ValueError(f"{name}: expected {n + 2} axes (N, C, ...) or {n + 1}, got shape {shape}")
    window = Window.over(shape[-n:], kernel_size, kernel_size if stride is None else stride, padding, dilation, ceil_mode)
    if any(2 * max(p) > k for p, k in zip(window.padding, window.size, strict=True)):
        raise ValueError(f"{name}: padding {padding} must be at most half of the kernel size {kernel_size}")
    return window


def _flat_index(x: Any, out: Any, window: Window) -> Any:
    """For each window the place of its maximum in the flattened spatial axes of the input, as torch returns it."""
    values, best = raw(x), raw(out)
    places = np.reshape(np.cumsum(np.ones_like(values, shape=(prod(window.shape),), dtype=np.int64)) - 1, window.shape)
    index = np.full_like(best, -1, dtype=np.int64)
    for _, _, inside, outside in window.offsets():
        found = (values[inside] == best[outside]) & (index[outside] < 0) | np.isnan(values[inside])  # the last NaN, as in torch
        index[outside] = np.where(found, np.broadcast_to(places[inside], found.shape), index[outside])
    return Tensor(index)


def _named(function: Function, name: str, doc: str) -> Function:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def _max_pool(n: int) -> Function:
    name = f"max_pool{n}d"

    def pool(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:  # fmt: skip
        window = _window(name, n, x, kernel_size, stride, padding, dilation, ceil_mode)
        out = max_pool(x, window)
        return (out, _flat_index(x, out, window)) if return_indices else out

    return _named(pool, name, f"{n}-d maximum of each window; with `return_indices` also where it stands, for `max_unpool{n}d`.")


def _avg_pool(n: int) -> Function:
    name = f"avg_pool{n}d"

    def pool(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> Any:  # fmt: skip
        window = _window(name, n, x, kernel_size, stride, padding, 1, ceil_mode)
        total = sum_pool(x, window)
        if divisor_override is not None:
            return total / divisor_override
        if not ceil_mode and (count_include_pad or not any(map(any, window.padding))):
            return total / prod(window.size)
        return total / np.asarray(_counts(window, count_include_pad), dtype=total.dtype, like=raw(total))

    doc = f"{n}-d mean of each window; zeros of the padding count, unless count_include_pad=False."
    return _named(pool, name, doc)


def _counts(window: Window, count_include_pad: bool) -> np.ndarray:
    """By how much each window's sum is divided: what of it lies inside, of the input or of the padded input."""
    counts = np.ones(())
    for length, size, stride, (before, after), n in zip(
        window.shape, window.size, window.stride, window.padding, window.out, strict=True
    ):
        start = np.arange(n) * stride - before
        low, high = (-before, length + after) if count_include_pad else (0, length)
        inside = np.minimum(start + size, high) - np.maximum(start, low)
        counts = counts[..., None] * inside
    return counts


def _lp_pool(n: int) -> Function:
    name = f"lp_pool{n}d"

    def pool(x: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
        total = sum_pool(x**norm_type, _window(name, n, x, kernel_size, stride, 0, 1, ceil_mode))
        positive = raw(total) > 0
        return np.where(positive, np.where(positive, total, 1.0) ** (1.0 / norm_type), 0.0)

    return _named(pool, name, f"{n}-d p-norm of each window, (sum x^p)^(1/p).")


def _bounds(length: int, size: int) -> list[tuple[int, int]]:
    """Where the windows of adaptive pooling begin and end."""
    return [(i * length // size, -(-(i + 1) * length // size)) for i in range(size)]


def _sizes(output_size: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    sizes = (output_size,) * len(shape) if output_size is None or isinstance(output_size, int) else tuple(output_size)
    return tuple(length if size is None else size for size, length in zip(sizes, shape, strict=True))


def _adaptive_avg_pool(n: int) -> Function:
    def pool(x: Any, output_size: Any) -> Any:
        shape = np.shape(x)[-n:]
        for axis, (length, size) in enumerate(zip(shape, _sizes(output_size, shape), strict=True), start=-n):
            means = np.zeros((length, size))
            for i, (low, high) in enumerate(_bounds(length, size)):
                means[low:high, i] = 1 / (high - low)
            x = np.moveaxis(np.moveaxis(x, axis, -1) @ np.asarray(means, dtype=x.dtype, like=raw(x)), -1, axis)
        return x

    return _named(pool, f"adaptive_avg_pool{n}d", f"{n}-d means over windows chosen so that the output has the given size.")


def _adaptive_max_pool(n: int) -> Function:
    def pool(x: Any, output_size: Any, return_indices: bool = False) -> Any:
        shape = np.shape(x)
        spatial, sizes = shape[-n:], _sizes(output_size, shape[-n:])
        lead = shape[:-n]
        places = np.arange(prod(spatial)).reshape(spatial)
        found = []
        for cell in np.ndindex(*sizes):
            bounds = (_bounds(length, size)[i] for length, size, i in zip(spatial, sizes, cell, strict=True))
            inside = tuple(slice(low, high) for low, high in bounds)
            block = np.reshape(raw(x)[(..., *inside)], (*lead, -1))
            local = np.asarray(places[inside].reshape(-1), like=block)
            best = np.reshape(np.argmax(block, axis=-1), -1)
            found.append(np.reshape(np.take_along_axis(local, best, 0), lead))
        index = np.stack(found, axis=-1)
        out = np.reshape(take_along_axis(np.reshape(x, (*lead, -1)), index, -1), (*lead, *sizes))
        return (out, Tensor(np.reshape(index, (*lead, *sizes)))) if return_indices else out

    return _named(pool, f"adaptive_max_pool{n}d", f"{n}-d maxima over windows chosen so that the output has the given size.")


def _max_unpool(n: int) -> Function:
    def unpool(
        x: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
    ) -> Any:  # fmt: skip
        shape = np.shape(x)
        if output_size is None:
            size, step, pad = (
                (v,) * n if isinstance(v, int) else tuple(v)
                for v in (kernel_size, kernel_size if stride is None else stride, padding)
            )
            output_size = [(m - 1) * s - 2 * p + k for m, k, s, p in zip(shape[-n:], size, step, pad, strict=True)]
        spatial, lead = tuple(output_size)[-n:], shape[:-n]
        if np.shape(indices) != shape:
            raise ValueError(f"max_unpool{n}d: indices of shape {np.shape(indices)} for an input of shape {shape}")
        flat = np.reshape(raw(indices), (prod(lead), prod(shape[-n:])))
        if flat.size and not (int(flat.min()) >= 0 and int(flat.max()) < prod(spatial)):
            raise IndexError(
                f"max_unpool{n}d: indices from {int(flat.min())} to {int(flat.max())} for an output of {spatial}, which has "
                f"places 0 to {prod(spatial) - 1}"
            )
        rows = np.reshape(np.cumsum(np.ones_like(flat, shape=(prod(lead),))) - 1, (-1, 1))
        zeros = np.zeros_like(raw(x), shape=(prod(lead), prod(spatial)))
        out = assign(zeros, (rows, flat), np.reshape(x, (prod(lead), -1)))
        return np.reshape(out, (*lead, *spatial))

    doc = f"Undo `max_pool{n}d`: each value at the place that the index names, zeros elsewhere."
    return _named(unpool, f"max_unpool{n}d", doc)


max_pool1d, max_pool2d, max_pool3d = map(_max_pool, (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = map(_avg_pool, (1, 2, 3))
lp_pool1d, lp_pool2d, lp_pool3d = map(_lp_pool, (1, 2, 3))
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = map(_adaptive_avg_pool, (1, 2, 3))
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = map(_adaptive_max_pool, (1, 2, 3))
max_unpool1d, max_unpool2d, max_unpool3d = map(_max_unpool, (1, 2, 3))
