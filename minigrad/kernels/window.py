"""Kernels of windows over images: which way a convolution goes, columns, and pooling."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..ops.window import Window, mirrored, turned
from . import direct
from .scalar import kernel
from .threads import spread

__all__ = ["conv", "conv_input", "conv_weight", "fill", "max_pool", "pool_scatter"]


def _few_channels(window: Window, channels: int, groups: int, inside: int) -> bool:
    """Whether the direct way is the fastest: few channels, planes that stay in the cache (measured)."""
    if len(window.size) > 2 or any(s != 1 for s in window.stride) or not 0 < channels // groups * inside <= 256:
        return False
    plane = prod(s + sum(p) for s, p in zip(window.shape, window.padding, strict=True))
    return plane <= 1 << 14 and inside * plane <= 1 << 18


def conv(x: Any, w: Any, window: Window, groups: int = 1) -> Any:
    if w.dtype != np.float32 or not _few_channels(window, len(w), groups, w.shape[1]):
        return NotImplemented
    return direct.convolve(x, w, window, groups)


def conv_input(g: Any, w: Any, window: Window, groups: int = 1) -> Any:
    back = mirrored(window)
    if back is None or w.dtype != np.float32 or not _few_channels(back, w.shape[1] * groups, groups, len(w) // groups):
        return NotImplemented
    return direct.convolve(g, turned(w, groups), back, groups)


def conv_weight(x: Any, g: Any, window: Window, groups: int = 1) -> Any:
    if g.dtype != np.float32 or not _few_channels(window, g.shape[1], groups, x.shape[1] // groups):
        return NotImplemented
    return direct.weight_gradient(x, g, window, groups)


def _as_images(x: Any, window: Window) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
    """(planes, H, W) of an array with one or two spatial axes, and the lengths of windows and results."""
    height, width = (1, *window.shape)[-2:]
    return x.reshape(-1, height, width), (1, *window.size)[-2:], (1, *window.out)[-2:]


def _pairs(window: Window) -> tuple[int, ...]:
    """stride, dilation and padding before, each for rows and columns."""
    (sh, sw), (dh, dw) = (1, *window.stride)[-2:], (1, *window.dilation)[-2:]
    (top, _), (left, _) = ((0, 0), *window.padding)[-2:]
    return sh, sw, dh, dw, top, left


@kernel
def _fill(
    start: int, stop: int, part: int, x: Any, sh: int, sw: int, dh: int, dw: int, top: int, left: int, columns: Any
) -> None:
    """x (C, H, W) -> columns (C, kh, kw, H', W'), all but the padding."""
    height, width = x.shape[1], x.shape[2]
    kh, kw, rows, across = columns.shape[1], columns.shape[2], columns.shape[3], columns.shape[4]
    for item in range(start, stop):
        c, k = item // kh, item % kh
        for q in range(kw):
            shift = q * dw - left
            first = max(0, -(shift // sw))
            last = min(across, (width - 1 - shift) // sw + 1)
            if last <= first:
                continue
            for i in range(rows):
                line = i * sh + k * dh - top
                if 0 <= line < height:
                    source, place = x[c, line][shift + first * sw :], columns[c, k, q, i][first:last]
                    if sw == 1:
                        for j in range(place.size):
                            place[j] = source[j]
                    else:
                        for j in range(place.size):
                            place[j] = source[j * sw]


def fill(columns: Any, x: Any, window: Window) -> Any:
    if len(window.size) > 2 or x.dtype != np.float32 or not (x.flags.c_contiguous and columns.flags.c_contiguous):
        return NotImplemented
    images, size, out = _as_images(x, window)
    matrix = columns.reshape(len(images), *size, *out)
    spread(_fill, len(images) * size[0], columns.size, images, *_pairs(window), matrix)
    return None


@kernel
def _max_pool(
    start: int, stop: int, part: int, x: Any, kh: int, kw: int, sh: int, sw: int, dh: int, dw: int, top: int, left: int,
    out: Any, index: Any,
) -> None:  # fmt: skip
    height, width = x.shape[1], x.shape[2]
    for c in range(start, stop):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                best, place = np.float32(-np.inf), 0
                for k in range(kh):
                    line = i * sh + k * dh - top
                    if 0 <= line < height:
                        for q in range(kw):
                            column = j * sw + q * dw - left
                            if 0 <= column < width:
                                value = x[c, line, column]
                                if value > best or np.isnan(value):
                                    best, place = value, k * kw + q
                out[c, i, j], index[c, i, j] = best, place


@kernel
def _pool_scatter(
    start: int,
    stop: int,
    part: int,
    g: Any,
    index: Any,
    kw: int,
    sh: int,
    sw: int,
    dh: int,
    dw: int,
    top: int,
    left: int,
    out: Any,
) -> None:
    for c in range(start, stop):
        for i in range(g.shape[1]):
            for j in range(g.shape[2]):
                line, column = i * sh + index[c, i, j] // kw * dh - top, j * sw + index[c, i, j] % kw * dw - left
                if 0 <= line < out.shape[1] and 0 <= column < out.shape[2]:
                    out[c, line, column] += g[c, i, j]


def max_pool(x: Any, window: Window) -> Any:
    if len(window.size) > 2:
        return NotImplemented
    images, size, places = _as_images(np.ascontiguousarray(x), window)
    shape = (*x.shape[: x.ndim - len(window.shape)], *window.out)
    out, index = np.empty(shape, np.float32), np.empty(shape, np.min_scalar_type(prod(window.size)))
    planes = (len(images), *places)
    arrays = (out.reshape(planes), index.reshape(planes))
    spread(_max_pool, len(images), x.size * 4, images, *size, *_pairs(window), *arrays)
    return out, index


def pool_scatter(g: Any, index: Any, window: Window) -> Any:
    if len(window.size) > 2:
        return NotImplemented
    shape = (*g.shape[: g.ndim - len(window.shape)], *window.shape)
    out = np.zeros(shape, np.float32)
    images, (_, kw), places = _as_images(out, window)
    planes = (len(images), *places)
    arrays = (np.ascontiguousarray(g).reshape(planes), np.ascontiguousarray(index).reshape(planes))
    spread(_pool_scatter, len(images), out.size, *arrays, kw, *_pairs(window), images)
    return out
