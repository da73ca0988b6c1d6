"""Ways of convolution in NumPy that are faster than to unfold all images, multiply, and fold; for arrays of any dtype.

- *image by image*: the columns of one image stay in the cache, those of all images together would not;
- *mirrored*: an input gradient is itself a convolution, with turned weights, and needs no fold;
- *one by one*: windows of one place are the image itself;
- *one long product* for the weights, where there are more outputs than positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from ..ops import window as ops
from ..ops.window import Window, empty_columns, fill, fold, unfold

__all__ = ["conv", "conv_input", "conv_weight", "mirrored", "columns_are_images", "turned"]


def conv(x: Any, w: Any, window: Window, groups: int = 1) -> Any:
    many = image_by_image(x, window)
    if not (many or columns_are_images(window)):
        return NotImplemented
    ops.check_shapes(window, groups, x=x, w=w)
    outputs, positions = len(w) // groups, prod(window.out)
    kernel = np.reshape(w, (groups, outputs, prod(w.shape[1:])))
    if many:
        out = np.empty_like(x, shape=(len(x), groups, outputs, positions), dtype=np.result_type(x, w))
        for image, columns in enumerate(_columns_of_images(x, window, groups)):
            np.matmul(kernel, columns, out=out[image])
    else:
        out = np.matmul(kernel, np.reshape(x, (len(x), groups, x.shape[1] // groups, positions)))
    return np.reshape(out, (len(x), len(w), *window.out))


def conv_input(g: Any, w: Any, window: Window, groups: int = 1) -> Any:
    inputs = groups * w.shape[1] if w.ndim > 1 else 0
    alone = columns_are_images(window)
    if not (alone or image_by_image(g, window, channels=inputs)):
        return NotImplemented
    ops.check_shapes(window, groups, g=g, w=w)
    kernel = np.reshape(w, (groups, len(w) // groups, prod(w.shape[1:])))
    rows = np.reshape(g, (len(g), groups, len(w) // groups, prod(window.out)))
    if alone:
        return np.reshape(np.matmul(np.swapaxes(kernel, 1, 2), rows), (len(g), inputs, *window.shape))
    if (mirror := mirrored(window)) is not None and np.isfinite(w).all():  # 0, in the padding, times infinity is NaN
        return ops.conv(g, turned(w, groups), mirror, groups)
    out = np.empty_like(g, shape=(len(g), inputs, *window.shape), dtype=np.result_type(g, w))
    back = np.ascontiguousarray(np.swapaxes(kernel, 1, 2))
    columns = np.empty_like(out, shape=(groups, back.shape[1], prod(window.out)))
    for image in range(len(g)):
        np.matmul(back, rows[image], out=columns)
        out[image] = fold(np.reshape(columns, (inputs, *window.size, *window.out)), window)
    return out


def conv_weight(x: Any, g: Any, window: Window, groups: int = 1) -> Any:
    ops.check_shapes(window, groups, x=x, g=g)
    n, positions = len(x), prod(window.out)
    outputs, taps = g.shape[1] // groups, x.shape[1] // groups * prod(window.size)
    rows = np.reshape(g, (n, groups, outputs, positions))
    if image_by_image(x, window):
        total = np.zeros_like(x, shape=(groups, outputs, taps), dtype=np.result_type(x, g))
        for image, columns in enumerate(_columns_of_images(x, window, groups)):
            total += np.matmul(rows[image], np.swapaxes(columns, 1, 2))
    elif outputs < positions and not columns_are_images(window):
        return NotImplemented
    else:
        columns = np.reshape(x if columns_are_images(window) else unfold(x, window), (n, groups, taps, positions))
        if outputs < positions:
            total = np.sum(np.matmul(rows, np.swapaxes(columns, 2, 3)), axis=0)
        else:  # (G, O/G, N*P) (G, N*P, C/G*K)
            left = np.reshape(np.transpose(rows, (1, 2, 0, 3)), (groups, outputs, n * positions))
            right = np.reshape(np.transpose(columns, (1, 2, 0, 3)), (groups, taps, n * positions))
            total = np.matmul(left, np.swapaxes(right, 1, 2))
    return np.reshape(total, (g.shape[1], x.shape[1] // groups, *window.size))


def image_by_image(x: Any, window: Window, channels: int | None = None) -> bool:
    """Whether the columns of all images together would not stay in the cache, while one image's still give a large product."""
    if not isinstance(x, np.ndarray) or x.ndim < 2:
        return False
    one = (x.shape[1] if channels is None else channels) * prod(window.size) * prod(window.out)
    return prod(window.size) > 1 and one >= 1 << 17 and one * len(x) > 1 << 21


def _columns_of_images(x: Any, window: Window, groups: int) -> Iterator[Any]:
    """The columns of one image after the other, (G, C/G*K, P), in the same memory."""
    columns = empty_columns(x, (x.shape[1],), window)
    shape = (groups, x.shape[1] // groups * prod(window.size), prod(window.out))
    for image in x:
        fill(columns, image, window)
        yield np.reshape(columns, shape)


def columns_are_images(window: Window) -> bool:
    """Whether windows are of one place, at each place: columns would be the image itself."""
    return all(k == 1 for k in window.size) and window.out == window.shape and not any(map(any, window.padding))


def turned(w: Any, groups: int) -> Any:
    """The weights of the mirrored convolution: each window turned around, inputs and outputs exchanged within each group."""
    size = (groups, w.shape[0] // groups, *w.shape[1:])
    flipped = np.swapaxes(np.reshape(np.flip(w, tuple(range(2, w.ndim))), size), 1, 2)
    return np.reshape(flipped, (groups * size[2], size[1], *w.shape[2:]))


def mirrored(window: Window) -> Window | None:
    """The window with which a convolution is the transpose of the given one, where that has stride 1 and little padding."""
    reach = [d * (k - 1) for d, k in zip(window.dilation, window.size, strict=True)]
    padding = [(r - before, r - after) for r, (before, after) in zip(reach, window.padding, strict=True)]
    if any(s != 1 for s in window.stride) or min(map(min, padding)) < 0:
        return None
    back = Window.over(window.out, window.size, 1, padding, window.dilation)
    return back if back.out == window.shape else None
