"""Convolution with few channels, and depthwise: sums of shifted planes, without columns or matrix products.

A plane with its padding is one long row in the cache.  Reading it from another start is reading a shifted plane, so that an
output plane is a weighted sum of long rows; the places where a row of the image ends give numbers that nobody reads.  With a
stride of 2, say, every second row and column make a plane of their own, four in all, and the same is true of these.

Arrays are one long row here, read by unsigned numbers: a part of an array costs a count of references, and a signed index a
test whether it counts from the end, which keeps the compiler from vector code (measured: three times the time).
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ..ops.window import Window
from .convolution import mirrored, turned
from .scalar import kernel, scalar
from .signature import takes
from .threads import chunks, spread

__all__ = ["conv", "conv_input", "conv_weight"]

_u = np.uint64
#: Rows are this much longer than they need be at most, so that the compiler's vector code takes them whole.
_STEP = 32
#: Rows are worked on in blocks of about this length: what four outputs and their inputs need then stays in the cache.
_BLOCK = 2048


@scalar
def _copy(source: Any, begin: Any, target: Any, first: Any, length: Any) -> None:
    for j in range(_u(length)):
        target[_u(first) + j] = source[_u(begin) + j]


@scalar
def _copy_every(step: Any, source: Any, begin: Any, target: Any, first: Any, length: Any) -> None:
    for j in range(_u(length)):
        target[_u(first) + j] = source[_u(begin) + _u(step) * j]


@scalar
def _length(rows: int, columns: int, width: int) -> int:
    """How long the row of an output plane is."""
    return ((rows - 1) * width + columns + _STEP - 1) // _STEP * _STEP


@scalar
def _lines(rows: int, width: int) -> int:
    """Of how many lines a block is: blocks of equal size, as nearly as possible."""
    blocks = -(-rows * width // _BLOCK)
    return -(-rows // blocks)


@scalar
def _add_taps(total: Any, n: Any, planes: Any, begin: Any, shifts: Any, w: Any, at: Any) -> None:
    """total += sum of weights times shifted planes, four at a time."""
    for k in range(0, shifts.size, 4):
        a, b, c, d = begin + _u(shifts[k]), begin + _u(shifts[k + 1]), begin + _u(shifts[k + 2]), begin + _u(shifts[k + 3])
        q = _u(at + k)
        wa, wb, wc, wd = w[q], w[q + _u(1)], w[q + _u(2)], w[q + _u(3)]
        for p in range(n):
            total[p] += wa * planes[a + p] + wb * planes[b + p] + wc * planes[c + p] + wd * planes[d + p]


@scalar
def _add_taps_to_four(totals: Any, n: Any, planes: Any, begin: Any, shifts: Any, w: Any, at: Any) -> None:
    """The same for four outputs, so that what is read serves four times."""
    taps = _u(shifts.size)
    one, two, three = n, n + n, n + n + n
    for k in range(0, shifts.size, 4):
        a, b, c, d = begin + _u(shifts[k]), begin + _u(shifts[k + 1]), begin + _u(shifts[k + 2]), begin + _u(shifts[k + 3])
        q = _u(at + k)
        r, s, t = q + taps, q + taps + taps, q + taps + taps + taps
        ua, ub, uc, ud = w[q], w[q + _u(1)], w[q + _u(2)], w[q + _u(3)]
        va, vb, vc, vd = w[r], w[r + _u(1)], w[r + _u(2)], w[r + _u(3)]
        wa, wb, wc, wd = w[s], w[s + _u(1)], w[s + _u(2)], w[s + _u(3)]
        za, zb, zc, zd = w[t], w[t + _u(1)], w[t + _u(2)], w[t + _u(3)]
        for p in range(n):
            x0, x1, x2, x3 = planes[a + p], planes[b + p], planes[c + p], planes[d + p]
            totals[p] += ua * x0 + ub * x1 + uc * x2 + ud * x3
            totals[one + p] += va * x0 + vb * x1 + vc * x2 + vd * x3
            totals[two + p] += wa * x0 + wb * x1 + wc * x2 + wd * x3
            totals[three + p] += za * x0 + zb * x1 + zc * x2 + zd * x3


@scalar
def _load(
    x: Any, item: int, channels: int, height: int, breadth: int, planes: Any, sh: int, sw: int, top: int, left: int, lines: int,
    width: int,
) -> None:  # fmt: skip
    """The planes of one image and group, x (N, G, C, H, W), as rows (C, stride, stride, lines, width)."""
    for line in range(channels * height):
        source = (item * channels * height + line) * breadth
        c, y = line // height, line % height + top
        if sw == 1:
            _copy(x, source, planes, ((c * sh + y % sh) * lines + y // sh) * width + left, breadth)
        else:
            for phase in range(sw):
                begin = (phase - left) % sw
                place = (((c * sh + y % sh) * sw + phase) * lines + y // sh) * width + (begin + left) // sw
                _copy_every(sw, x, source + begin, planes, place, (breadth - begin + sw - 1) // sw)


@kernel
def _convolve(
    start: int, stop: int, part: int, x: Any, channels: int, height: int, breadth: int, w: Any, groups: int,
    outputs: int, shifts: Any, sh: int, sw: int, top: int, left: int, lines: int, width: int, rows: int, columns: int, out: Any,
) -> None:  # fmt: skip
    """x (N, G, C, H, W), w (G, O, taps), shifts (taps,) in multiples of 4 -> out (N, G, O, H', W')."""
    planes = np.zeros(channels * sh * sw * lines * width + _STEP, np.float32)
    block = _lines(rows, width)
    totals = np.empty(4 * _length(block, columns, width), np.float32)
    for item in range(start, stop):
        _load(x, item, channels, height, breadth, planes, sh, sw, top, left, lines, width)
        for r in range(0, rows, block):
            some = min(block, rows - r)
            n, begin = _u(_length(some, columns, width)), _u(r * width)
            o = 0
            while o < outputs:
                totals[:] = np.float32(0)
                at = (item % groups * outputs + o) * shifts.size
                done = 4 if o + 4 <= outputs else 1
                if done == 4:
                    _add_taps_to_four(totals, n, planes, begin, shifts, w, at)
                else:
                    _add_taps(totals, n, planes, begin, shifts, w, at)
                for q in range(done):
                    for i in range(some):
                        place = ((item * outputs + o + q) * rows + r + i) * columns
                        _copy(totals, q * np.int64(n) + i * width, out, place, columns)
                o += done


@scalar
def _products(grad: Any, n: Any, planes: Any, begin: Any, shifts: Any, dw: Any, at: Any) -> None:
    """dw += the products of a row with shifted planes, four at a time."""
    for k in range(0, shifts.size, 4):
        a, b, c, d = begin + _u(shifts[k]), begin + _u(shifts[k + 1]), begin + _u(shifts[k + 2]), begin + _u(shifts[k + 3])
        ta, tb, tc, td = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for p in range(n):
            g = grad[p]
            ta += g * planes[a + p]
            tb += g * planes[b + p]
            tc += g * planes[c + p]
            td += g * planes[d + p]
        dw[at + k] += ta
        dw[at + k + 1] += tb
        dw[at + k + 2] += tc
        dw[at + k + 3] += td


@scalar
def _products_of_two(grad: Any, n: Any, planes: Any, begin: Any, shifts: Any, dw: Any, at: Any) -> None:
    """The same for two rows."""
    below = at + shifts.size
    for k in range(0, shifts.size, 4):
        a, b, c, d = begin + _u(shifts[k]), begin + _u(shifts[k + 1]), begin + _u(shifts[k + 2]), begin + _u(shifts[k + 3])
        ua, ub, uc, ud = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        va, vb, vc, vd = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for p in range(n):
            u, v = grad[p], grad[n + p]
            x0, x1, x2, x3 = planes[a + p], planes[b + p], planes[c + p], planes[d + p]
            ua += u * x0
            ub += u * x1
            uc += u * x2
            ud += u * x3
            va += v * x0
            vb += v * x1
            vc += v * x2
            vd += v * x3
        dw[at + k] += ua
        dw[at + k + 1] += ub
        dw[at + k + 2] += uc
        dw[at + k + 3] += ud
        dw[below + k] += va
        dw[below + k + 1] += vb
        dw[below + k + 2] += vc
        dw[below + k + 3] += vd


@kernel
def _weights(
    start: int, stop: int, part: int, x: Any, channels: int, height: int, breadth: int, g: Any, groups: int,
    outputs: int, shifts: Any, sh: int, sw: int, top: int, left: int, lines: int, width: int, rows: int, columns: int, dw: Any,
) -> None:  # fmt: skip
    """x (N, G, C, H, W), g (N, G, O, H', W') -> dw (parts, G, O, taps), added up."""
    planes = np.zeros(channels * sh * sw * lines * width + _STEP, np.float32)
    block = _lines(rows, width)
    grad = np.empty(2 * _length(block, columns, width) + width, np.float32)
    for item in range(start, stop):
        _load(x, item, channels, height, breadth, planes, sh, sw, top, left, lines, width)
        for r in range(0, rows, block):
            some = min(block, rows - r)
            n, begin = _u(_length(some, columns, width)), _u(r * width)
            grad[:] = np.float32(0)  # where no line is
            o = 0
            while o < outputs:
                done = 2 if o + 2 <= outputs else 1
                for q in range(done):
                    for i in range(some):
                        place = ((item * outputs + o + q) * rows + r + i) * columns
                        _copy(g, place, grad, q * np.int64(n) + i * width, columns)
                at = ((part * groups + item % groups) * outputs + o) * shifts.size
                if done == 2:
                    _products_of_two(grad, n, planes, begin, shifts, dw, at)
                else:
                    _products(grad, n, planes, begin, shifts, dw, at)
                o += done


#: The last tap is read several times, with these shares of its weight, so that taps come in fours.  A tap more of weight 0
#: would not do: 0 times an infinity is NaN.
_SHARES = {0: [1.0], 1: [0.5, 0.5], 2: [0.5, 0.25, 0.25], 3: [0.25] * 4}


@lru_cache(maxsize=256)  # a network asks for the same ones at every step
def _layout(window: Window, inside: int) -> tuple[Any, Any, Any, tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The taps in the order in which they are read, their shares and shifts, the size of a plane, of a padded one, of an output.

    A 1-d signal is an image of one line.
    """
    (kh, kw), (dh, dw), (sh, sw) = ((1, *v)[-2:] for v in (window.size, window.dilation, window.stride))
    (top, bottom), (left, right) = ((0, 0), *window.padding)[-2:]
    height, breadth = (1, *window.shape)[-2:]
    lines, width = -(-(height + top + bottom) // sh), -(-(breadth + left + right) // sw)
    c, i, j = np.ix_(np.arange(inside), np.arange(kh) * dh, np.arange(kw) * dw)
    shifts = ((((c * sh + i % sh) * sw + j % sw) * lines + i // sh) * width + j // sw).ravel()
    order = np.argsort(shifts, kind="stable")
    more = -len(order) % 4
    shares = np.append(np.ones(len(order) - 1, np.float32), np.asarray(_SHARES[more], np.float32))
    order = np.append(order, np.repeat(order[-1:], more))
    return order, shares, shifts[order], (inside, height, breadth), (sh, sw, top, left, lines, width), (1, *window.out)[-2:]


def _convolved(x: Any, w: Any, window: Window, groups: int) -> Any:
    outputs, taps = len(w) // groups, w[0].size
    order, shares, shifts, plane, padded, places = _layout(window, w.shape[1])
    weights = w.reshape(len(w), taps)[:, order] * shares
    out = np.empty((len(x), len(w), *window.out), np.float32)
    arrays = (np.ravel(x), *plane, np.ravel(weights), groups, outputs, shifts, *padded, *places, out.reshape(-1))
    spread(_convolve, len(x) * groups, out.size * taps // 24, *arrays)
    return out


def _weight_gradient(x: Any, g: Any, window: Window, groups: int) -> Any:
    """Where it is not finite, the NumPy code has the word: here zeros lie between the lines, and 0 times infinity is NaN."""
    outputs, inside = g.shape[1] // groups, x.shape[1] // groups
    order, _, shifts, plane, padded, places = _layout(window, inside)
    taps = inside * prod(window.size)
    items, work = len(x) * groups, g.size * taps // 24
    dw = np.zeros((chunks(items, work), g.shape[1], len(shifts)), np.float32)
    arrays = (np.ravel(x), *plane, np.ravel(g), groups, outputs, shifts, *padded, *places, dw.reshape(-1))
    spread(_weights, items, work, *arrays)
    total = dw.sum(0)[:, :taps]
    if not np.isfinite(total).all():
        return NotImplemented
    out = np.empty((g.shape[1], taps), np.float32)
    out[:, order[:taps]] = total
    return out.reshape(g.shape[1], inside, *window.size)


@lru_cache(maxsize=256)
def _suits(window: Window, inside: int, outside: int) -> bool:
    """Whether all windows lie within the padded planes, and the direct way is faster than columns (measured)."""
    if len(window.size) > 2 or not inside * outside:
        return False
    for length, k, step, pads, d, n in zip(
        window.shape, window.size, window.stride, window.padding, window.dilation, window.out, strict=True
    ):
        if n < 1 or (n - 1) * step + d * (k - 1) + 1 > length + sum(pads):
            return False  # windows of ceil_mode, say
    return inside * outside <= 1024 or (inside <= 128 and prod(window.out) >= 128)


@takes(
    w="float32 (outside, inside, *window.size)",
    x="float32 (n, groups * inside, *window.shape)",
    where="n > 0 and outside % groups == 0",
)
def conv(x: Any, w: Any, window: Window, groups: int = 1) -> Any:
    if not _suits(window, w.shape[1], len(w) // groups):
        return NotImplemented
    return _convolved(x, w, window, groups)


@takes(
    w="float32 (outside, inside, *window.size)",
    g="float32 (n, outside, *window.out)",
    where="n > 0 and outside % groups == 0",
)
def conv_input(g: Any, w: Any, window: Window, groups: int = 1) -> Any:
    back = mirrored(window)
    if back is None or not _suits(back, len(w) // groups, w.shape[1]) or not np.isfinite(w).all():
        return NotImplemented
    return _convolved(g, turned(w, groups), back, groups)


@takes(
    x="float32 (n, inputs, *window.shape)",
    g="float32 (n, outputs, *window.out)",
    where="n > 0 and inputs % groups == 0 and outputs % groups == 0",
)
def conv_weight(x: Any, g: Any, window: Window, groups: int = 1) -> Any:
    if not _suits(window, x.shape[1] // groups, g.shape[1] // groups):
        return NotImplemented
    return _weight_gradient(x, g, window, groups)
