"""Convolution with few channels, and depthwise: sums of shifted planes, without columns or matrix products.

A plane with its padding is one long row in the cache.  Reading it from another start is reading a shifted plane, so that an
output plane is a weighted sum of long rows; the places where a row of the image ends give numbers that nobody reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .scalar import kernel, scalar
from .threads import chunks, spread

__all__ = ["convolve", "weight_gradient"]


#: Rows are this much longer than they need be at most, so that the compiler's vector code takes them whole.
_STEP = 64


@scalar
def _length(rows: int, columns: int, width: int) -> int:
    """How long the row of an output plane is."""
    return ((rows - 1) * width + columns + _STEP - 1) // _STEP * _STEP


@kernel
def _padded(x: Any, top: int, left: int, width: int, out: Any) -> None:
    """The planes (C, H, W) as rows (C, ...) of lines of the given width, with zeros around."""
    for c in range(x.shape[0]):
        for i in range(x.shape[1]):
            line = x[c, i]
            start = (i + top) * width + left
            place = out[c][start : start + line.size]
            for j in range(line.size):
                place[j] = line[j]


@scalar
def _add_taps(total: Any, every: Any, weights: Any, shifts: Any) -> None:
    """total += sum of weights times shifted planes, four at a time."""
    n = total.size
    for k in range(0, shifts.size, 4):
        a, b = every[shifts[k] : shifts[k] + n], every[shifts[k + 1] : shifts[k + 1] + n]
        c, d = every[shifts[k + 2] : shifts[k + 2] + n], every[shifts[k + 3] : shifts[k + 3] + n]
        wa, wb, wc, wd = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        for p in range(n):
            total[p] += wa * a[p] + wb * b[p] + wc * c[p] + wd * d[p]


@scalar
def _add_taps_to_four(t0: Any, t1: Any, t2: Any, t3: Any, every: Any, weights: Any, shifts: Any) -> None:
    """The same for four outputs, so that what is read serves four times."""
    n, (u, v, w, z) = t0.size, (weights[0], weights[1], weights[2], weights[3])
    for k in range(0, shifts.size, 4):
        a, b = every[shifts[k] : shifts[k] + n], every[shifts[k + 1] : shifts[k + 1] + n]
        c, d = every[shifts[k + 2] : shifts[k + 2] + n], every[shifts[k + 3] : shifts[k + 3] + n]
        ua, ub, uc, ud = u[k], u[k + 1], u[k + 2], u[k + 3]
        va, vb, vc, vd = v[k], v[k + 1], v[k + 2], v[k + 3]
        wa, wb, wc, wd = w[k], w[k + 1], w[k + 2], w[k + 3]
        za, zb, zc, zd = z[k], z[k + 1], z[k + 2], z[k + 3]
        for p in range(n):
            x0, x1, x2, x3 = a[p], b[p], c[p], d[p]
            t0[p] += ua * x0 + ub * x1 + uc * x2 + ud * x3
            t1[p] += va * x0 + vb * x1 + vc * x2 + vd * x3
            t2[p] += wa * x0 + wb * x1 + wc * x2 + wd * x3
            t3[p] += za * x0 + zb * x1 + zc * x2 + zd * x3


@kernel
def _convolve(
    start: int, stop: int, part: int, x: Any, w: Any, shifts: Any, top: int, left: int, lines: int, width: int, out: Any
) -> None:
    """x (N, G, C, H, W), w (G, O, taps), shifts (taps,) in multiples of 4 -> out (N, G, O, H', W')."""
    every = np.zeros(x.shape[2] * lines * width + _STEP, np.float32)
    planes = every[:-_STEP].reshape((x.shape[2], lines * width))
    rows, columns = out.shape[3], out.shape[4]
    totals = np.empty((4, _length(rows, columns, width)), np.float32)
    for item in range(start, stop):
        n, group = item // x.shape[1], item % x.shape[1]
        _padded(x[n, group], top, left, width, planes)
        o = 0
        while o < w.shape[1]:
            totals[:] = np.float32(0)
            four = o + 4 <= w.shape[1]
            if four:
                _add_taps_to_four(totals[0], totals[1], totals[2], totals[3], every, w[group, o : o + 4], shifts)
            else:
                _add_taps(totals[0], every, w[group, o], shifts)
            done = 4 if four else 1
            for q in range(done):
                total = totals[q]
                for i in range(rows):
                    line, place = total[i * width : i * width + columns], out[n, group, o + q, i]
                    for j in range(columns):
                        place[j] = line[j]
            o += done


@scalar
def _products(line: Any, every: Any, shifts: Any, found: Any) -> None:
    """found += the products of a row with shifted planes, four at a time."""
    n = line.size
    for k in range(0, shifts.size, 4):
        a, b = every[shifts[k] : shifts[k] + n], every[shifts[k + 1] : shifts[k + 1] + n]
        c, d = every[shifts[k + 2] : shifts[k + 2] + n], every[shifts[k + 3] : shifts[k + 3] + n]
        ta, tb, tc, td = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for p in range(n):
            ta += line[p] * a[p]
            tb += line[p] * b[p]
            tc += line[p] * c[p]
            td += line[p] * d[p]
        found[k] += ta
        found[k + 1] += tb
        found[k + 2] += tc
        found[k + 3] += td


@scalar
def _products_of_two(u: Any, v: Any, every: Any, shifts: Any, found: Any) -> None:
    """The same for two rows."""
    n = u.size
    for k in range(0, shifts.size, 4):
        a, b = every[shifts[k] : shifts[k] + n], every[shifts[k + 1] : shifts[k + 1] + n]
        c, d = every[shifts[k + 2] : shifts[k + 2] + n], every[shifts[k + 3] : shifts[k + 3] + n]
        ua, ub, uc, ud = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        va, vb, vc, vd = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for p in range(n):
            ua += u[p] * a[p]
            ub += u[p] * b[p]
            uc += u[p] * c[p]
            ud += u[p] * d[p]
            va += v[p] * a[p]
            vb += v[p] * b[p]
            vc += v[p] * c[p]
            vd += v[p] * d[p]
        found[0, k] += ua
        found[0, k + 1] += ub
        found[0, k + 2] += uc
        found[0, k + 3] += ud
        found[1, k] += va
        found[1, k + 1] += vb
        found[1, k + 2] += vc
        found[1, k + 3] += vd


@kernel
def _weights(
    start: int, stop: int, part: int, x: Any, g: Any, shifts: Any, top: int, left: int, lines: int, width: int, dw: Any
) -> None:
    """x (N, G, C, H, W), g (N, G, O, H', W') -> dw (parts, G, O, taps), added up."""
    every = np.zeros(x.shape[2] * lines * width + _STEP, np.float32)
    planes = every[:-_STEP].reshape((x.shape[2], lines * width))
    rows, columns = g.shape[3], g.shape[4]
    length = _length(rows, columns, width)
    grad = np.zeros((2, length + width), np.float32)
    for item in range(start, stop):
        n, group = item // x.shape[1], item % x.shape[1]
        _padded(x[n, group], top, left, width, planes)
        o = 0
        while o < g.shape[2]:
            two = o + 2 <= g.shape[2]
            done = 2 if two else 1
            _padded(g[n, group, o : o + done], 0, 0, width, grad)
            if two:
                _products_of_two(grad[0][:length], grad[1][:length], every, shifts, dw[part, group, o : o + 2])
            else:
                _products(grad[0][:length], every, shifts, dw[part, group, o])
            o += done


def _layout(x: Any, window: Any, groups: int) -> tuple[Any, ...]:
    """x by groups, the shift of each tap, and the size of a padded plane; a 1-d signal is an image of one line."""
    (kh, kw), (dh, dw) = ((1, *v)[-2:] for v in (window.size, window.dilation))
    (top, bottom), (left, right) = ((0, 0), *window.padding)[-2:]
    height, breadth = (1, *window.shape)[-2:]
    lines, width = height + top + bottom, breadth + left + right
    inside = x.shape[1] // groups
    c, i, j = np.ix_(np.arange(inside), np.arange(kh) * dh, np.arange(kw) * dw)
    shifts = ((c * lines + i) * width + j).ravel()
    shifts = np.append(shifts, np.zeros(-len(shifts) % 4, shifts.dtype))
    return x.reshape(len(x), groups, inside, height, breadth), shifts, top, left, lines, width


def _places(window: Any) -> tuple[int, ...]:
    return (1, *window.out)[-2:]


def convolve(x: Any, w: Any, window: Any, groups: int) -> Any:
    planes, shifts, *sizes = _layout(np.ascontiguousarray(x), window, groups)
    weights = np.zeros((groups, len(w) // groups, len(shifts)), np.float32)
    taps = w[0].size
    weights[..., :taps] = w.reshape(groups, len(w) // groups, taps)
    out = np.empty((len(x), groups, len(w) // groups, *_places(window)), np.float32)
    spread(_convolve, len(x) * groups, out.size * taps // 8, planes, weights, shifts, *sizes, out)
    return out.reshape(len(x), len(w), *window.out)


def weight_gradient(x: Any, g: Any, window: Any, groups: int) -> Any:
    planes, shifts, *sizes = _layout(np.ascontiguousarray(x), window, groups)
    outside = g.shape[1] // groups
    rows = np.ascontiguousarray(g).reshape(len(g), groups, outside, *_places(window))
    inside, taps = x.shape[1] // groups, x.shape[1] // groups * int(np.prod(window.size))
    work = g.size * taps // 8
    dw = np.zeros((chunks(len(x) * groups, work), groups, outside, len(shifts)), np.float32)
    spread(_weights, len(x) * groups, work, planes, rows, shifts, *sizes, dw)
    return dw.sum(0)[..., :taps].reshape(g.shape[1], inside, *window.size)
