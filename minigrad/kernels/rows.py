"""Kernels over the rows of a matrix: softmax and its logarithm, rows added."""

from __future__ import annotations

from typing import Any

import numpy as np

from .scalar import exp32, kernel, ordered, unordered
from .signature import takes
from .threads import spread

__all__ = ["add_rows", "log_softmax", "log_softmax_rule", "softmax", "softmax_rule"]


#: Rows along the last axis, which all have some elements.
_LAST = "type(axis) is int and axis in (-1, len(lead)) and n > 0"


def _rows(x: Any) -> Any:
    return x.reshape(-1, x.shape[-1])


@kernel
def _softmax(start: int, stop: int, part: int, x: Any, bits: Any, out: Any, log: bool) -> None:
    n = x.shape[1]
    for i in range(start, stop):
        key = np.int32(-2147483648)
        for j in range(n):
            k = ordered(bits[i, j])
            key = k if k > key else key
        top = unordered(key)
        total = np.float32(0)
        for j in range(n):
            shifted = x[i, j] - top
            e = exp32(shifted)
            out[i, j] = shifted if log else e
            total += e
        if log:
            shift = np.log(total)  # not added to the top: that would round it to the digits of the top
            for j in range(n):
                out[i, j] -= shift
        else:
            scale = np.float32(1) / total
            for j in range(n):
                out[i, j] *= scale


@kernel
def _softmax_rule(start: int, stop: int, part: int, g: Any, out: Any, dx: Any) -> None:
    for i in range(start, stop):
        along = np.float32(0)
        for j in range(g.shape[1]):
            along += g[i, j] * out[i, j]
        for j in range(g.shape[1]):
            dx[i, j] = out[i, j] * (g[i, j] - along)


@kernel
def _log_softmax_rule(start: int, stop: int, part: int, g: Any, out: Any, dx: Any) -> None:
    for i in range(start, stop):
        total = np.float32(0)
        for j in range(g.shape[1]):
            total += g[i, j]
        for j in range(g.shape[1]):
            dx[i, j] = g[i, j] - exp32(out[i, j]) * total


def _forward(x: Any, log: bool) -> Any:
    out = np.empty_like(x)
    rows = _rows(x)
    spread(_softmax, len(rows), x.size, rows, rows.view(np.int32), _rows(out), log)
    return out


def _backward(rule: Any, g: Any, out: Any) -> Any:
    g = np.ascontiguousarray(g)
    dx = np.empty_like(g)
    rows = _rows(g)
    spread(rule, len(rows), g.size, rows, _rows(out), _rows(dx))
    return dx


@takes(x="float32 (..., n) contiguous", where=_LAST)
def softmax(x: Any, axis: Any = -1) -> Any:
    return _forward(x, False)


@takes(x="float32 (..., n) contiguous", where=_LAST)
def log_softmax(x: Any, axis: Any = -1) -> Any:
    return _forward(x, True)


@takes(g="float32 (..., n)", out="float32 (..., n) contiguous", where=_LAST)
def softmax_rule(g: Any, out: Any, axis: Any) -> Any:
    return _backward(_softmax_rule, g, out)


@takes(g="float32 (..., n)", out="float32 (..., n) contiguous", where=_LAST)
def log_softmax_rule(g: Any, out: Any, axis: Any) -> Any:
    return _backward(_log_softmax_rule, g, out)


@kernel
def _add_rows(start: int, stop: int, part: int, x: Any, rows: Any, values: Any) -> None:
    for k in range(rows.size):
        row = rows[k]
        for j in range(np.uint64(start), np.uint64(stop)):  # each thread has columns of its own
            x[row, j] += values[k, j]


@takes(x="float32 (n, ...) written", rows="integer (m)", values="float32 (m, ...)", where="m > 0 and x.size > 0")
def add_rows(x: Any, rows: Any, values: Any) -> Any:
    if rows.min() < 0 or rows.max() >= len(x):
        return NotImplemented  # the NumPy code counts them from the end, or names the one that is out of range
    width = x[0].size
    values = np.ascontiguousarray(values).reshape(len(rows), width)
    spread(_add_rows, width, values.size, x.reshape(-1, width), np.ascontiguousarray(rows, np.int64), values)
    return None
