"""Ways of windows on a GPU: each one launch of a kernel in `window.cu`, for one to three spatial axes."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from math import prod
from typing import Any

import numpy as np

from ...ops.window import Window
from ..signature import takes
from .launch import launch, on_its_gpu

__all__ = [
    "columns_of",
    "depthwise",
    "depthwise_input",
    "fold",
    "images_of",
    "max_pool",
    "pool_gather",
    "pool_scatter",
    "sum_pool",
    "sum_unpool",
    "unfold",
]

SOURCE = files(__package__) / "window.cu"
#: Up to here a kernel counts with 32 bits, which takes half the time of 64.
SMALL = 1 << 30
#: What the structures Axis and Window of the source hold.
_AXIS = ("length", "size", "stride", "before", "dilation", "out")
_BYTE = np.dtype(np.uint8)
_AXES = "1 <= len(window.size) <= 3"


def _launch(
    name: str, arrays: tuple[Any, ...], window: Window, items: int, sizes: tuple[int, ...], *more: Any,
    choice: Any = _BYTE, rows: tuple[int, int] | None = None,
) -> None:  # fmt: skip
    """Launch a kernel, which takes arrays, a window, sizes, and perhaps more."""
    place = np.dtype(np.int32 if max(*(a.size for a in arrays), _reach(window)) < SMALL else np.int64)
    args = (*arrays, _structure(window, place, rows), *(place.type(size) for size in sizes), *more)
    launch(SOURCE, name, items, args, real=arrays[0].dtype, choice=choice, place=place)


@lru_cache(maxsize=1024)
def _reach(window: Window) -> int:
    """The largest number that any coordinate may reach."""
    return max(
        length + sum(pads) + n * step + k * gap
        for length, k, step, pads, gap, n in zip(
            window.shape, window.size, window.stride, window.padding, window.dilation, window.out, strict=True
        )
    )


@lru_cache(maxsize=1024)
def _structure(window: Window, place: np.dtype[Any], rows: tuple[int, int] | None) -> np.ndarray:
    """A window as the source's structure: three axes, the first ones of length 1 where there are fewer.

    Of the windows along the first axis only those of `rows`, a range.
    """
    before = [pads[0] for pads in window.padding]
    axes = list(zip(window.shape, window.size, window.stride, before, window.dilation, window.out, strict=True))
    if rows is not None:
        length, size, stride, pad, dilation, _ = axes[0]
        axes[0] = (length, size, stride, pad - rows[0] * stride, dilation, rows[1] - rows[0])
    whole = [(1, 1, 1, 0, 1, 1)] * (3 - len(axes)) + axes
    axis = np.dtype([(name, place) for name in _AXIS])
    return np.array(tuple(whole), np.dtype([("depth", axis), ("height", axis), ("width", axis)]))


def in_one_piece(x: Any) -> Any:
    """An array as it is, or a copy in C order where it has gaps."""
    return x if x.flags.c_contiguous else x.copy(order="C")


def columns_of(x: Any, window: Window, rows: tuple[int, int]) -> Any:
    """Columns for one large product, x (N, C, *S) -> (C, *size, N, rows, *out[1:]).

    Args:
        rows: of the windows along the first axis only those of this range.
    """
    (n, channels), out = x.shape[:2], (rows[1] - rows[0], *window.out[1:])
    positions, taps = prod(out), prod(window.size)
    columns = np.empty_like(x, shape=(channels, *window.size, n, *out), order="C")
    sizes = (n, channels, positions, taps * n * positions, n * positions)
    _launch("unfold", (in_one_piece(x), columns), window, n * channels * positions, sizes, rows=rows)
    return columns


def images_of(columns: Any, images: Any, window: Window, rows: tuple[int, int]) -> None:
    """Columns added back into images (N, C, *S), which lie in one piece: the transpose of `columns_of`.

    The first rows are the first that are written, what comes after them is added.
    """
    n, channels = images.shape[:2]
    positions, taps = (rows[1] - rows[0]) * prod(window.out[1:]), prod(window.size)
    sizes = (n, channels, positions, taps * n * positions, n * positions, rows[0] > 0)
    _launch("fold", (columns, images), window, images.size, sizes, rows=rows)


@takes(x="real (..., *window.shape)", where=_AXES, device="cuda")
@on_its_gpu
def unfold(x: Any, window: Window) -> Any:
    lead, taps, positions = x.shape[: x.ndim - len(window.shape)], prod(window.size), prod(window.out)
    columns = np.empty_like(x, shape=(*lead, *window.size, *window.out), order="C")
    sizes = (1, prod(lead), 0, taps * positions, positions)
    _launch("unfold", (in_one_piece(x), columns), window, prod(lead) * positions, sizes)
    return columns


@takes(columns="real (..., *window.size, *window.out)", where=_AXES, device="cuda")
@on_its_gpu
def fold(columns: Any, window: Window) -> Any:
    lead, taps, positions = columns.shape[: columns.ndim - 2 * len(window.shape)], prod(window.size), prod(window.out)
    images = np.empty_like(columns, shape=(*lead, *window.shape), order="C")
    sizes = (1, prod(lead), 0, taps * positions, positions, 0)
    _launch("fold", (in_one_piece(columns), images), window, images.size, sizes)
    return images


@takes(x="real (..., *window.shape)", where=_AXES, device="cuda")
@on_its_gpu
def sum_pool(x: Any, window: Window) -> Any:
    lead = x.shape[: x.ndim - len(window.shape)]
    out = np.empty_like(x, shape=(*lead, *window.out), order="C")
    _launch("sum_pool", (in_one_piece(x), out), window, out.size, (prod(lead),))
    return out


@takes(g="real (..., *window.out)", where=_AXES, device="cuda")
@on_its_gpu
def sum_unpool(g: Any, window: Window) -> Any:
    lead = g.shape[: g.ndim - len(window.shape)]
    images = np.empty_like(g, shape=(*lead, *window.shape), order="C")
    sizes = (1, prod(lead), 0, prod(window.out), 0, 0)  # each place of a window has the same number
    _launch("fold", (in_one_piece(g), images), window, images.size, sizes)
    return images


@takes(x="real (..., *window.shape)", where=_AXES, device="cuda")
@on_its_gpu
def max_pool(x: Any, window: Window) -> Any:
    lead, dtype = x.shape[: x.ndim - len(window.shape)], np.min_scalar_type(prod(window.size))
    out = np.empty_like(x, shape=(*lead, *window.out), order="C")
    best = np.empty_like(out, dtype=dtype)
    lowest = x.dtype.type(-np.inf)
    _launch("max_pool", (in_one_piece(x), out, best), window, out.size, (prod(lead),), lowest, choice=dtype)
    return out, best


@takes(g="real (..., *window.out)", index="integer (..., *window.out)", where=_AXES, device="cuda")
@on_its_gpu
def pool_scatter(g: Any, index: Any, window: Window) -> Any:
    lead = g.shape[: g.ndim - len(window.shape)]
    images = np.empty_like(g, shape=(*lead, *window.shape), order="C")
    arrays = (in_one_piece(g), in_one_piece(index), images)
    _launch("pool_scatter", arrays, window, images.size, (prod(lead),), choice=index.dtype)
    return images


@takes(x="real (..., *window.shape)", index="integer (..., *window.out)", where=_AXES, device="cuda")
@on_its_gpu
def pool_gather(x: Any, index: Any, window: Window) -> Any:
    lead = x.shape[: x.ndim - len(window.shape)]
    out = np.empty_like(x, shape=(*lead, *window.out), order="C")
    arrays = (in_one_piece(x), in_one_piece(index), out)
    _launch("pool_gather", arrays, window, out.size, (prod(lead),), choice=index.dtype)
    return out


def depthwise(x: Any, w: Any, window: Window, bias: Any = None) -> Any:
    """Each channel convolved by itself: x (N, C, *S), w (O, 1, *size), bias (O,) -> (N, O, *out)."""
    n, channels, outputs = len(x), x.shape[1], len(w)
    out = np.empty_like(x, shape=(n, outputs, *window.out), order="C")
    arrays = (in_one_piece(x), in_one_piece(w), w if bias is None else in_one_piece(bias), out)
    _launch("depthwise", arrays, window, out.size, (n, channels, outputs, bias is not None))
    return out


def depthwise_input(g: Any, w: Any, window: Window, channels: int) -> Any:
    """The transpose of `depthwise` in x: g (N, O, *out), w (O, 1, *size) -> (N, C, *S)."""
    out = np.empty_like(g, shape=(len(g), channels, *window.shape), order="C")
    arrays = (in_one_piece(g), in_one_piece(w), out)
    _launch("depthwise_input", arrays, window, out.size, (len(g), channels, len(w)))
    return out
