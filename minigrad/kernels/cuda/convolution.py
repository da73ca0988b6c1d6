"""Ways of convolution on a GPU: columns by one kernel, one large product of the vendor's library, for a chunk of the work.

The columns stand as (channels and places of a window) x (images and positions).  So a chunk is a single product of two matrices,
however many images it has, which is what GPUs are best at; images and channels change places when the product is written to
where it belongs, and the bias is added on the way.  Three launches each:

- `conv`: unfold, product, written with the bias;
- `conv_input`: g turned, product, fold;
- `conv_weight`: unfold, g turned, product.

Where each channel is convolved by itself, products would be tiny, and columns many times the image: there `conv` and
`conv_input` are one kernel.  Windows of one place need no columns: they are left to `minigrad.kernels.convolution`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from ...backend import cupy
from ...compiler.cuda import products
from ...ops.window import Window
from ..convolution import columns_are_images
from ..signature import takes
from .launch import on_its_gpu
from .window import columns_of, depthwise, depthwise_input, images_of

__all__ = ["conv", "conv_bias", "conv_input", "conv_weight"]

#: The most bytes that columns may take; what has more goes in chunks of equal length, of the batch first, then of the rows
#: of an image.  (128, 64, 56, 56) under windows of 3 by 3, 925 MB of columns, goes in two.
LARGEST = 1 << 29

_IMAGES = "real (n, channels, *window.shape)"
_WEIGHTS = "real (outputs, inputs, *window.size)"
_OUT = "real (n, outputs, *window.out)"
_FITS = "1 <= len(window.size) <= 3 and groups > 0 and outputs % groups == 0"


@takes(x=_IMAGES, w=_WEIGHTS, where=f"{_FITS} and channels == groups * inputs", device="cuda")
@on_its_gpu
def conv(x: Any, w: Any, window: Window, groups: int = 1) -> Any:
    return NotImplemented if columns_are_images(window) else _convolve(x, w, window, groups)


@takes(
    x=_IMAGES, weight=_WEIGHTS, bias="real (outputs)", where=f"{_FITS} and channels == groups * inputs", device="cuda"
)  # fmt: skip
@on_its_gpu
def conv_bias(x: Any, weight: Any, bias: Any, window: Window, groups: int) -> Any:
    return NotImplemented if columns_are_images(window) else _convolve(x, weight, window, groups, bias)


def _convolve(x: Any, w: Any, window: Window, groups: int, bias: Any = None) -> Any:
    """x (N, C, *S), w (O, C/G, *size) -> (N, O, *out)"""
    if w.shape[1] == 1 < groups:
        return depthwise(x, w, window, bias)
    outputs, taps = len(w), prod(w.shape[1:])
    kernel = np.reshape(w, (groups, outputs // groups, taps))
    out = np.empty_like(x, shape=(len(x), outputs, *window.out), order="C")
    added = None if bias is None else np.reshape(bias, (outputs, *(1,) * len(window.out)))
    for part, rows in _chunks(x, window):
        images, target = x[part], out[part, :, slice(*rows)]
        shape = (groups, taps, len(images) * prod(target.shape[2:]))
        product = _product(kernel, np.reshape(columns_of(images, window, rows), shape))  # columns without a name are free now
        turned = np.swapaxes(np.reshape(product, (outputs, len(images), *target.shape[2:])), 0, 1)
        if added is None:
            target[...] = turned
        else:
            np.add(turned, added, out=target)
    return out


@takes(g=_OUT, w=_WEIGHTS, where=_FITS, device="cuda")
@on_its_gpu
def conv_input(g: Any, w: Any, window: Window, groups: int = 1) -> Any:
    if columns_are_images(window):
        return NotImplemented
    if w.shape[1] == 1 < groups:
        return depthwise_input(g, w, window, groups)
    channels, taps = groups * w.shape[1], prod(w.shape[1:])
    kernel = np.swapaxes(np.reshape(w, (groups, len(w) // groups, taps)), 1, 2)
    out = np.empty_like(g, shape=(len(g), channels, *window.shape), order="C")
    for part, rows in _chunks(out, window):
        right = _turned(g[part, :, slice(*rows)], groups)  # (G, O/G, N*P)
        images_of(_product(kernel, right), out[part], window, rows)
    return out


@takes(x=_IMAGES, g=_OUT, where=f"{_FITS} and channels % groups == 0", device="cuda")
@on_its_gpu
def conv_weight(x: Any, g: Any, window: Window, groups: int = 1) -> Any:
    if columns_are_images(window):
        return NotImplemented
    inputs, taps = x.shape[1] // groups, x.shape[1] // groups * prod(window.size)
    out = np.empty_like(x, shape=(g.shape[1], inputs, *window.size), order="C")
    total = np.reshape(out, (groups, g.shape[1] // groups, taps))
    for number, (part, rows) in enumerate(_chunks(x, window)):
        right = _turned(g[part, :, slice(*rows)], groups)  # (G, O/G, N*P)
        columns = np.reshape(columns_of(x[part], window, rows), (groups, taps, right.shape[2]))
        if number:
            total += _product(right, np.swapaxes(columns, 1, 2))
        else:
            products.matmul(cupy(), right, np.swapaxes(columns, 1, 2), total)
        del columns  # before those of the next part are made
    return out  # not a view: it becomes a gradient without a copy


def _product(x: Any, y: Any) -> Any:
    """Of two stacks of matrices, in one piece."""
    out = np.empty_like(x, shape=(*x.shape[:-1], y.shape[-1]), order="C")
    products.matmul(cupy(), x, y, out)
    return out


def _turned(g: Any, groups: int) -> Any:
    """g (N, O, *out) as rows for one product, (G, O/G, N*P): a copy, for more than one image."""
    return np.reshape(np.swapaxes(g, 0, 1), (groups, g.shape[1] // groups, len(g) * prod(g.shape[2:])))


def _chunks(images: Any, window: Window) -> Iterator[tuple[slice, tuple[int, int]]]:
    """Parts of a batch, and of the windows along the first axis, whose columns have at most `LARGEST` bytes, or are of one row.

    A part has all rows of several images, or several rows of one image.
    """
    n, height = len(images), window.out[0]
    row = images.shape[1] * prod(window.size) * prod(window.out[1:]) * images.dtype.itemsize
    for first, last in _ranges(n, row * height):
        for rows in _ranges(height, row) if last - first == 1 else [(0, height)]:
            yield slice(first, last), rows


def _ranges(n: int, one: int) -> list[tuple[int, int]]:
    """Ranges of n things of `one` bytes, as few and as equal as can be; one empty range of nothing."""
    most = max(1, LARGEST // max(one, 1))
    length = max(1, -(-n // max(1, -(-n // most))))
    return [(first, min(first + length, n)) for first in range(0, max(n, 1), length)]
