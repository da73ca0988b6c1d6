"""Ways of convolution on a GPU: columns by one kernel, one large product of the vendor's library, for a chunk of the batch.

The columns stand as (channels and places of a window) x (images and positions).  So a chunk is a single product of two matrices,
however many images it has, which is what GPUs are best at; images and channels change places when the product is written to
where it belongs, and the bias is added on the way.  Three launches each:

- `conv`: unfold, product, written with the bias;
- `conv_input`: g turned, product, fold;
- `conv_weight`: unfold, g turned, product.

Windows of one place need no columns: they are left to `minigrad.kernels.convolution`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from ...ops.window import Window
from ..convolution import columns_are_images
from ..signature import takes
from .launch import where_it_is
from .window import columns_of, images_of, in_one_piece

__all__ = ["conv", "conv_bias", "conv_input", "conv_weight"]

#: The most bytes that columns may take; a batch with more goes in chunks of equal length.  Two chunks of (128, 64, 56, 56)
#: under windows of 3 by 3.
LARGEST = 1 << 29

_IMAGES = "real (n, channels, *window.shape)"
_WEIGHTS = "real (outputs, inputs, *window.size)"
_OUT = "real (n, outputs, *window.out)"
_FITS = "1 <= len(window.size) <= 3 and groups > 0 and outputs % groups == 0"


@takes(x=_IMAGES, w=_WEIGHTS, where=f"{_FITS} and channels == groups * inputs", device="cuda")
@where_it_is
def conv(x: Any, w: Any, window: Window, groups: int = 1) -> Any:
    return NotImplemented if columns_are_images(window) else _convolve(x, w, window, groups)


@takes(
    x=_IMAGES, weight=_WEIGHTS, bias="real (outputs)", where=f"{_FITS} and channels == groups * inputs", device="cuda"
)  # fmt: skip
@where_it_is
def conv_bias(x: Any, weight: Any, bias: Any, window: Window, groups: int) -> Any:
    return NotImplemented if columns_are_images(window) else _convolve(x, weight, window, groups, bias)


def _convolve(x: Any, w: Any, window: Window, groups: int, bias: Any = None) -> Any:
    """x (N, C, *S), w (O, C/G, *size) -> (N, O, *out)"""
    outputs, positions = len(w), prod(window.out)
    kernel = np.reshape(w, (groups, outputs // groups, prod(w.shape[1:])))
    out = np.empty_like(x, shape=(len(x), outputs, positions), order="C")
    added = None if bias is None else np.reshape(bias, (outputs, 1))
    for part in _chunks(x, window):
        images = x[part]
        columns = np.reshape(columns_of(images, window), (groups, kernel.shape[2], len(images) * positions))
        product = np.reshape(np.matmul(kernel, columns), (outputs, len(images), positions))
        turned = np.swapaxes(product, 0, 1)  # (N, O, P)
        if added is None:
            out[part] = turned
        else:
            np.add(turned, added, out=out[part])
    return np.reshape(out, (len(x), outputs, *window.out))


@takes(g=_OUT, w=_WEIGHTS, where=_FITS, device="cuda")
@where_it_is
def conv_input(g: Any, w: Any, window: Window, groups: int = 1) -> Any:
    if columns_are_images(window):
        return NotImplemented
    channels, taps = groups * w.shape[1], prod(w.shape[1:])
    kernel = np.swapaxes(np.reshape(w, (groups, len(w) // groups, taps)), 1, 2)
    out = np.empty_like(g, shape=(len(g), channels, *window.shape), order="C")
    for part in _chunks(out, window):
        columns = np.matmul(kernel, _turned(g[part], groups))  # (G, C/G*K, N*P)
        images_of(in_one_piece(columns), out[part], window)
    return out


@takes(x=_IMAGES, g=_OUT, where=f"{_FITS} and channels % groups == 0", device="cuda")
@where_it_is
def conv_weight(x: Any, g: Any, window: Window, groups: int = 1) -> Any:
    if columns_are_images(window):
        return NotImplemented
    inputs = x.shape[1] // groups
    total: Any = None
    for part in _chunks(x, window):
        images = x[part]
        shape = (groups, inputs * prod(window.size), len(images) * prod(window.out))
        columns = np.reshape(columns_of(images, window), shape)
        product = np.matmul(_turned(g[part], groups), np.swapaxes(columns, 1, 2))
        if total is None:
            total = product
        else:
            total += product
    return np.reshape(total, (g.shape[1], inputs, *window.size))


def _turned(g: Any, groups: int) -> Any:
    """g (N, O, *out) as rows for one product, (G, O/G, N*P): a copy, for more than one image."""
    return np.reshape(np.swapaxes(g, 0, 1), (groups, g.shape[1] // groups, len(g) * prod(g.shape[2:])))


def _chunks(images: Any, window: Window) -> Iterator[slice]:
    """Parts of a batch whose columns have at most `LARGEST` bytes, or are those of one image; all but the last of one length."""
    n = len(images)
    one = images.shape[1] * prod(window.size) * prod(window.out) * images.dtype.itemsize
    most = max(1, LARGEST // max(one, 1))
    parts = max(1, -(-n // most))
    length = max(1, -(-n // parts))
    for first in range(0, max(n, 1), length):
        yield slice(first, first + length)
