"""Kernels of windows over images: columns and pooling."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..ops.window import Window
from .scalar import kernel
from .signature import takes
from .threads import spread

__all__ = ["fill", "max_pool", "pool_scatter"]


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
    start: int, stop: int, part: int, x: Any, height: int, width: int, kh: int, kw: int, rows: int, across: int,
    sh: int, sw: int, dh: int, dw: int, top: int, left: int, columns: Any,
) -> None:  # fmt: skip
    """x (C, H, W) -> columns (C, kh, kw, H', W'), all but the padding; both as one long row.

    Parts of arrays cost a count of references each, signed indices a test whether they count from the end: so neither is here.
    """
    for item in range(start, stop):
        c, k, q = item // (kh * kw), item // kw % kh, item % kw
        shift = q * dw - left
        first = max(0, -(shift // sw))
        length = min(across, (width - 1 - shift) // sw + 1) - first
        if length <= 0:
            continue
        for i in range(rows):
            line = i * sh + k * dh - top
            if 0 <= line < height:
                begin = np.uint64((c * height + line) * width + shift + first * sw)
                target = np.uint64((item * rows + i) * across + first)
                if sw == 1:
                    for j in range(np.uint64(length)):
                        columns[target + j] = x[begin + j]
                else:
                    for j in range(np.uint64(length)):
                        columns[target + j] = x[begin + j * np.uint64(sw)]


#: Signals and images; of volumes the NumPy code takes care.
_PLANE = "len(window.size) <= 2"


@takes(
    columns="float32 (..., *window.size, *window.out) written",
    x="float32 (..., *window.shape) contiguous",
    where=_PLANE,
)
def fill(columns: Any, x: Any, window: Window) -> Any:
    images, size, out = _as_images(x, window)
    sizes = (*images.shape[1:], *size, *out, *_pairs(window))
    spread(_fill, len(images) * prod(size), columns.size, x.reshape(-1), *sizes, columns.reshape(-1))
    return None


@kernel
def _max_pool(
    start: int, stop: int, part: int, x: Any, height: int, width: int, kh: int, kw: int, rows: int, across: int,
    sh: int, sw: int, dh: int, dw: int, top: int, left: int, out: Any, index: Any,
) -> None:  # fmt: skip
    """x (C, H, W) -> out, index (C, H', W'), all as long rows."""
    shifts = np.empty(kh * kw, np.uint64)
    for tap in range(kh * kw):
        shifts[tap] = tap // kw * dh * width + tap % kw * dw
    for item in range(start, stop):
        c, i = item // rows, item % rows
        line = i * sh - top
        whole = line >= 0 and line + (kh - 1) * dh < height
        for j in range(across):
            column = j * sw - left
            best, place = np.float32(-np.inf), -1
            if whole and column >= 0 and column + (kw - 1) * dw < width:
                begin = np.uint64((c * height + line) * width + column)
                place, total = 0, np.float32(0)
                for tap in range(shifts.size):
                    value = x[begin + shifts[tap]]
                    total += np.float32(0) * value
                    if value > best:
                        best, place = value, tap
                if total != total:  # noqa: PLR0124 - there may be a NaN, the last of which is the maximum
                    for tap in range(shifts.size):
                        value = x[begin + shifts[tap]]
                        if value != value:  # noqa: PLR0124
                            best, place = value, tap
            else:
                for tap in range(shifts.size):
                    here, there = line + tap // kw * dh, column + tap % kw * dw
                    if 0 <= here < height and 0 <= there < width:
                        value = x[np.uint64((c * height + here) * width + there)]
                        if place < 0 or (not value <= best and (best == best or value != value)):  # noqa: PLR0124
                            best, place = value, tap
            out[np.uint64(item * across + j)] = best
            index[np.uint64(item * across + j)] = max(place, 0)


@kernel
def _pool_scatter(
    start: int, stop: int, part: int, g: Any, index: Any, height: int, width: int, kh: int, kw: int, rows: int, across: int,
    sh: int, sw: int, dh: int, dw: int, top: int, left: int, out: Any,
) -> None:  # fmt: skip
    down, right = np.empty(kh * kw, np.int64), np.empty(kh * kw, np.int64)  # tables: divisions would take most of the time
    for tap in range(kh * kw):
        down[tap], right[tap] = tap // kw * dh - top, tap % kw * dw - left
    for c in range(start, stop):
        for i in range(rows):
            here = np.uint64((c * rows + i) * across)
            for j in range(across):
                place = np.uint64(index[here + np.uint64(j)])
                if place >= np.uint64(kh * kw):
                    continue  # no place of the window
                line, column = i * sh + down[place], j * sw + right[place]
                if 0 <= line < height and 0 <= column < width:
                    out[np.uint64((c * height + line) * width + column)] += g[here + np.uint64(j)]


@takes(x="float32 (..., *window.shape)", where=_PLANE)
def max_pool(x: Any, window: Window) -> Any:
    images, size, places = _as_images(np.ascontiguousarray(x), window)
    shape = (*x.shape[: x.ndim - len(window.shape)], *window.out)
    out, index = np.empty(shape, np.float32), np.empty(shape, np.min_scalar_type(prod(window.size)))
    sizes = (*images.shape[1:], *size, *places, *_pairs(window))
    spread(_max_pool, len(images) * places[0], x.size, images.reshape(-1), *sizes, out.reshape(-1), index.reshape(-1))
    return out, index


@takes(g="float32 (..., *window.out)", index="integer (..., *window.out)", where=_PLANE)
def pool_scatter(g: Any, index: Any, window: Window) -> Any:
    out = np.zeros((*g.shape[: g.ndim - len(window.shape)], *window.shape), np.float32)
    images, size, places = _as_images(out, window)
    sizes = (*images.shape[1:], *size, *places, *_pairs(window))
    spread(_pool_scatter, len(images), out.size, np.ravel(g), np.ravel(index), *sizes, images.reshape(-1))
    return out
