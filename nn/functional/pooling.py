"""Pooling, as functions under torch.nn.functional's names; the modules are in `nn.layers.pooling`.

Inputs are (N, C, *S), or (C, *S) for a single sample; the stride is the kernel size by default.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from minigrad import Tensor, beside, random, raw, take, take_along_axis
from minigrad.arrays import all_examples
from minigrad.devices import follow
from minigrad.later import check_later, in_range
from minigrad.ops.index import assign
from minigrad.ops.window import Window, max_pool, sum_pool

from ..values import host
from .interpolation import along_axis, mean_taps

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices", "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices", "avg_pool1d", "avg_pool2d", "avg_pool3d", "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices", "fractional_max_pool3d", "fractional_max_pool3d_with_indices", "lp_pool1d",
    "lp_pool2d", "lp_pool3d", "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool2d_with_indices", "max_pool3d",
    "max_pool3d_with_indices", "max_unpool1d", "max_unpool2d", "max_unpool3d",
]  # fmt: skip

Function = Callable[..., Any]

#: What the arguments of the functions that slide a window are.
_WINDOW = """kernel_size: how wide the window is; a number, or one for each spatial axis.
        stride: how far the window moves, likewise; None: the kernel size."""
_OUTPUT_SIZE = "output_size: how long the spatial axes become; a number, or one for each; None: as long as in the input."
_CEIL_MODE = "ceil_mode: whether there is also a last window that reaches over the end."
_RETURN_INDICES = "return_indices: also return where each maximum stands in the flattened spatial axes, for `max_unpool{}d`."


def _window(
    name: str, n: int, x: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any = 1, ceil_mode: bool = False
) -> Window:
    stride = kernel_size if stride is None else stride
    spatial = _spatial(name, n, x)
    if 0 in spatial:
        raise ValueError(f"{name}: there is nothing to pool in spatial axes {spatial}")
    window = Window.over(spatial, kernel_size, stride, padding, dilation, ceil_mode)
    if any(2 * max(p) > k for p, k in zip(window.padding, window.size, strict=True)):
        raise ValueError(f"{name}: padding {padding} must be at most half of the kernel size {kernel_size}")
    return window


def _flat_index(x: Any, window: Window) -> Any:
    """For each window the place of its maximum in the flattened spatial axes of the input, as torch returns it."""
    _, best = max_pool.op.forward(raw(x), window)  # type: ignore[attr-defined]
    starts, steps = np.zeros((), np.int64), np.zeros((), np.int64)
    for length, k, step, (before, _), gap, n in zip(
        window.shape, window.size, window.stride, window.padding, window.dilation, window.out, strict=True
    ):
        starts = starts[..., None] * length + np.arange(n) * step - before
        steps = steps[..., None] * length + np.arange(k) * gap
    return Tensor(_looked_up(steps.reshape(-1), best) + beside(starts, best))


def _looked_up(table: np.ndarray, index: Any) -> Any:
    """table[index], beside the index, which is known to be in range: so nothing looks whether it is."""
    table = beside(table, index)
    return table[index] if type(table) is type(index) else raw(take(table, index, axis=0))


def _named(function: Function, name: str, doc: str) -> Function:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return follow(function)


def _max_pool(n: int) -> Function:
    name = f"max_pool{n}d"

    def pool(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:  # fmt: skip
        window = _window(name, n, x, kernel_size, stride, padding, dilation, ceil_mode)
        out = max_pool(x, window)
        return (out, _flat_index(x, window)) if return_indices else out

    doc = f"""{n}-d maximum of each window.

    out[p] = max_k x[p stride + k dilation - padding]
    dx     = g at the first maximum of each window

    Args:
        {_WINDOW}
        padding: how many elements of -inf are added at both ends, likewise; at most half of the kernel size.
        dilation: the distance between the elements of the window, likewise.
        {_CEIL_MODE}
        {_RETURN_INDICES.format(n)}
    """
    return _named(pool, name, doc)


def _avg_pool(n: int) -> Function:
    name = f"avg_pool{n}d"

    def pool(
        x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> Any:  # fmt: skip
        window = _window(name, n, x, kernel_size, stride, padding, 1, ceil_mode)
        total = sum_pool(_floating(x), window)
        if divisor_override == 0:
            raise ValueError(f"{name}: divisor_override must not be 0")
        if divisor_override is not None:
            return total / divisor_override
        if not ceil_mode and (count_include_pad or not any(map(any, window.padding))):
            return total / prod(window.size)
        return total / np.asarray(_counts(window, count_include_pad), dtype=total.dtype, like=raw(total))

    doc = f"""{n}-d mean of each window.

    out[p] = 1 / K sum_k x[p stride + k - padding]    (of the K elements that count)
    dx[p stride + k - padding] += g[p] / K

    Args:
        {_WINDOW}
        padding: how many zeros are added at both ends, likewise; at most half of the kernel size.
        {_CEIL_MODE}
        count_include_pad: whether the zeros of the padding count.
        divisor_override: what the sum of a window is divided by; None: the number of elements that count.
    """
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
        total = sum_pool(_floating(x) ** norm_type, _window(name, n, x, kernel_size, stride, 0, 1, ceil_mode))
        some = raw(total) != 0
        return np.where(some, np.where(some, total, 1.0) ** (1.0 / norm_type), 0.0)

    doc = f"""{n}-d p-norm of each window; NaN for a negative sum, a gradient of 0 where the sum is 0.

    out[i] = (sum_k x[i stride + k]^p)^{{1 / p}}    (p = norm_type)

    Args:
        norm_type: p. Numbers count with their sign, so an odd p is for those that are not negative.
        {_WINDOW}
        {_CEIL_MODE}
    """
    return _named(pool, name, doc)


def _bounds(length: int, size: int) -> list[tuple[int, int]]:
    """Where the windows of adaptive pooling begin and end."""
    return [(i * length // size, -(-(i + 1) * length // size)) for i in range(size)]


def _sizes(name: str, output_size: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The lengths of the output; None keeps that of the input."""
    sizes = (output_size,) if output_size is None or np.ndim(output_size) == 0 else tuple(output_size)
    sizes = sizes * len(shape) if len(sizes) == 1 else sizes
    if len(sizes) != len(shape) or any(size is not None and size < 0 for size in sizes):
        raise ValueError(f"{name}: output_size {output_size} for {len(shape)} spatial axes {shape}")
    return tuple(length if size is None else int(size) for size, length in zip(sizes, shape, strict=True))


def _adaptive_avg_pool(n: int) -> Function:
    name = f"adaptive_avg_pool{n}d"

    def pool(x: Any, output_size: Any) -> Any:
        shape = _spatial(name, n, x)
        x = _floating(x)
        for axis, (length, size) in enumerate(zip(shape, _sizes(name, output_size, shape), strict=True), start=-n):
            x = _means(x, np.ndim(x) + axis, length, size)
        return x

    doc = f"""{n}-d means over windows chosen so that the output has the given size.

    out[p] = 1 / (b - a) sum_{{a <= q < b}} x[q],  a = floor(p n / m),
             b = ceil((p + 1) n / m)    (along an axis from n to m elements)

    Args:
        {_OUTPUT_SIZE}
    """
    return _named(pool, name, doc)


def _means(x: Any, axis: int, length: int, size: int) -> Any:
    """Means over windows along one axis."""
    if size == length:
        return x
    shape = np.shape(x)
    if size and length and length % size == 0:
        return np.mean(np.reshape(x, (*shape[:axis], size, length // size, *shape[axis + 1 :])), axis=axis + 1)
    return along_axis(x, axis, mean_taps(length, size))


def _floating(x: Any) -> Any:
    """Integers as floating numbers, since sums of them may overflow."""
    return x.astype(np.float64) if raw(x).dtype.kind in "iub" else x


def _spatial(name: str, n: int, x: Any) -> tuple[int, ...]:
    """The lengths of the spatial axes."""
    shape = np.shape(x)
    if len(shape) not in (n + 1, n + 2):
        raise ValueError(f"{name}: expected {n + 2} axes (N, C, ...) or {n + 1}, got shape {shape}")
    return shape[-n:]


def _adaptive_max_pool(n: int) -> Function:
    name = f"adaptive_max_pool{n}d"

    def pool(x: Any, output_size: Any, return_indices: bool = False) -> Any:
        shape, spatial = np.shape(x), _spatial(name, n, x)
        sizes, lead = _sizes(name, output_size, spatial), shape[:-n]
        if 0 in spatial and 0 not in sizes:
            raise ValueError(f"{name}: there is no maximum of nothing, spatial axes {spatial}")
        if not all(sizes):  # there is no place for a result
            out = np.reshape(x[(..., *(slice(0, size) for size in sizes))], (*lead, *sizes))
            return (out, Tensor(np.zeros((*lead, *sizes), np.int64))) if return_indices else out
        if not any(length % size for length, size in zip(spatial, sizes, strict=True)):
            step = [length // size for length, size in zip(spatial, sizes, strict=True)]
            window = Window.over(spatial, step, step)
            out = max_pool(x, window)
            return (out, _flat_index(x, window)) if return_indices else out
        places = _adaptive_places(spatial, sizes)
        flat = np.reshape(x, (*lead, prod(spatial)))
        values = np.take(raw(flat), beside(places, raw(flat)), axis=-1)  # (*lead, windows, pixels in a window)
        rows = np.arange(len(places)) * places.shape[1]
        best = np.argmax(values, axis=-1) + beside(rows, values)
        index = _looked_up(places.reshape(-1), best)
        out = np.reshape(take_along_axis(flat, index, -1), (*lead, *sizes))
        return (out, Tensor(np.reshape(index, (*lead, *sizes)))) if return_indices else out

    doc = f"""{n}-d maxima over windows chosen so that the output has the given size.

    out[p] = max_{{a <= q < b}} x[q],  a = floor(p n / m),
             b = ceil((p + 1) n / m)    (along an axis from n to m elements)

    Args:
        {_OUTPUT_SIZE}
        {_RETURN_INDICES.format(n)}
    """
    return _named(pool, name, doc)


def _adaptive_places(spatial: tuple[int, ...], sizes: tuple[int, ...]) -> np.ndarray:
    """For each window the numbers of its pixels; where it has fewer than others, the first one again."""
    total = np.zeros((1, 1), np.int64)
    for length, size in zip(spatial, sizes, strict=True):
        low, high = np.transpose(_bounds(length, size))
        along = low[:, None] + np.arange(max(high - low))
        along = np.where(along < high[:, None], along, low[:, None])
        windows, pixels = total.shape
        total = total[:, None, :, None] * length + along[:, None]
        total = total.reshape(windows * size, pixels * along.shape[1])
    return total


def _max_unpool(n: int) -> Function:
    def unpool(
        x: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
    ) -> Any:  # fmt: skip
        shape = np.shape(x)
        _spatial(f"max_unpool{n}d", n, x)
        if output_size is None:
            given = (kernel_size, kernel_size if stride is None else stride, padding)
            size, step, pad = (np.broadcast_to(v, n).tolist() for v in given)
            output_size = [(m - 1) * s - 2 * p + k for m, k, s, p in zip(shape[-n:], size, step, pad, strict=True)]
        spatial, lead = tuple(output_size)[-n:], shape[:-n]
        if np.shape(indices) != shape:
            raise ValueError(f"max_unpool{n}d: indices of shape {np.shape(indices)} for an input of shape {shape}")
        flat = np.reshape(raw(indices), (prod(lead), prod(shape[-n:])))

        def wrong(low: Any, high: Any) -> IndexError:
            return IndexError(
                f"max_unpool{n}d: indices from {low} to {high} for an output of {spatial}, which has "
                f"places 0 to {prod(spatial) - 1}"
            )

        if flat.size:
            given = all_examples(flat)
            check_later(in_range(0, prod(spatial), wrong), given.min(), given.max())
        rows = np.reshape(np.cumsum(np.ones_like(flat, shape=(prod(lead),))) - 1, (-1, 1))
        zeros = np.zeros_like(raw(x), shape=(prod(lead), prod(spatial)))
        out = assign(zeros, (rows, flat), np.reshape(x, flat.shape))
        return np.reshape(out, (*lead, *spatial))

    doc = f"""Undo `max_pool{n}d`: each value at the place that the index names, zeros elsewhere.

    out[indices[p]] = x[p]
    dx[p] = g[indices[p]]

    Args:
        indices: where the values stand, of the shape of x: what `max_pool{n}d` returned.
        kernel_size, stride, padding: those of `max_pool{n}d`, of which the length of the result is computed.
        output_size: the lengths of its spatial axes, or its whole shape, where several are possible.
    """
    return _named(unpool, f"max_unpool{n}d", doc)


def _fractional_max_pool(n: int) -> Function:
    name = f"fractional_max_pool{n}d"

    def pool(
        x: Any, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
        _random_samples: Any = None,
    ) -> Any:  # fmt: skip
        spatial, shape = _spatial(name, n, x), np.shape(x)
        if (output_size is None) == (output_ratio is None):
            raise ValueError(f"{name}: give either output_size or output_ratio")
        if output_size is None:
            ratios = np.broadcast_to(output_ratio, n).tolist()
            output_size = [int(length * ratio) for length, ratio in zip(spatial, ratios, strict=True)]
        sizes, kernel = _sizes(name, output_size, spatial), np.broadcast_to(kernel_size, n).tolist()
        if any(not 1 <= o <= length - k + 1 for o, length, k in zip(sizes, spatial, kernel, strict=True)):
            raise ValueError(f"{name}: {sizes} windows of {kernel} do not lie in spatial axes {spatial}")
        lead = shape[:-n] if len(shape) == n + 2 else (1, shape[0])
        drawn = random.rand(*lead, n, dtype=raw(x).dtype) if _random_samples is None else _random_samples
        places = _fractional_places(host(drawn), spatial, sizes, kernel)
        flat = np.reshape(x, (*lead, 1, prod(spatial)))
        values = take_along_axis(flat, beside(places, x), axis=-1)  # (N, C, windows, places in a window)
        best = np.argmax(raw(values), axis=-1)[..., None]
        out = np.reshape(take_along_axis(values, best, axis=-1), (*shape[:-n], *sizes))
        if not return_indices:
            return out
        return out, Tensor(np.reshape(np.take_along_axis(beside(places, x), best, -1), (*shape[:-n], *sizes)))

    doc = f"""{n}-d maxima over windows whose places are drawn at random, with steps of one length or the next (Graham, 2014).

    out[p] = max_k x[a_p + k],  a_p = floor(s (p + u)) - floor(s u),  s = (n - K) / (m - 1)    (K = kernel_size, from n to m)

    Args:
        kernel_size: how wide the window is; a number, or one for each spatial axis.
        output_size: how long the spatial axes of the result are, likewise.
        output_ratio: in its place, how long they are as parts of the input's, 0 to 1.
        {_RETURN_INDICES.format(n)}
        _random_samples: (N, C, {n}), numbers between 0 and 1, in place of those that are drawn.
    """
    return _named(pool, name, doc)


def _fractional_places(drawn: np.ndarray, spatial: Any, sizes: Any, kernel: Any) -> np.ndarray:
    """For each channel the numbers of the pixels in each window, (N, C, windows, pixels in a window)."""
    total = np.zeros((*drawn.shape[:2], 1, 1), np.int64)
    n = len(spatial)
    for axis, (length, size, k) in enumerate(zip(spatial, sizes, kernel, strict=True)):
        u = drawn[..., n - 1 - axis if n == 2 else axis, None]  # of images PyTorch draws the columns first
        steps = np.arange(size, dtype=drawn.dtype)
        alpha = drawn.dtype.type(length - k) / drawn.dtype.type(max(size - 1, 1))
        start = ((steps + u) * alpha).astype(np.int64) - (u * alpha).astype(np.int64)
        start[..., -1] = length - k
        along = start[..., :, None] + np.arange(k)  # (N, C, size, k)
        windows, pixels = total.shape[2:]
        total = total[:, :, :, None, :, None] * length + along[:, :, None, :, None, :]
        total = total.reshape(*drawn.shape[:2], windows * size, pixels * k)
    return total


def _with_indices(function: Function) -> Function:
    @functools.wraps(function)
    def pool(x: Any, *args: Any, **options: Any) -> Any:
        return function(x, *args, **{**options, "return_indices": True})

    name = f"{function.__name__}_with_indices"
    arguments = (function.__doc__ or "").partition("\n\n")[2]
    return _named(pool, name, f"`{function.__name__}` with return_indices=True, whatever is given.\n\n{arguments}")


max_pool1d, max_pool2d, max_pool3d = map(_max_pool, (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = map(_avg_pool, (1, 2, 3))
lp_pool1d, lp_pool2d, lp_pool3d = map(_lp_pool, (1, 2, 3))
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = map(_adaptive_avg_pool, (1, 2, 3))
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = map(_adaptive_max_pool, (1, 2, 3))
max_unpool1d, max_unpool2d, max_unpool3d = map(_max_unpool, (1, 2, 3))
fractional_max_pool2d, fractional_max_pool3d = map(_fractional_max_pool, (2, 3))
max_pool1d_with_indices, max_pool2d_with_indices, max_pool3d_with_indices = map(
    _with_indices, (max_pool1d, max_pool2d, max_pool3d)
)
adaptive_max_pool1d_with_indices, adaptive_max_pool2d_with_indices, adaptive_max_pool3d_with_indices = map(
    _with_indices, (adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d)
)
fractional_max_pool2d_with_indices, fractional_max_pool3d_with_indices = map(
    _with_indices, (fractional_max_pool2d, fractional_max_pool3d)
)
