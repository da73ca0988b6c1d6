"""Kernels over the rows of a matrix: softmax and its logarithm, rows added."""

from __future__ import annotations

from typing import Any

import numpy as np

from .scalar import exp32, kernel, ordered, unordered
from .threads import spread

__all__ = ["add_rows", "log_softmax", "log_softmax_rule", "softmax", "softmax_rule"]


def _last(axis: Any, x: Any) -> bool:
    return axis in (-1, x.ndim - 1) and x.ndim > 0 and x.flags.c_contiguous


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
            e = exp32(x[i, j] - top)
            out[i, j] = e
            total += e
        if log:
            shift = top + np.log(total)
            for j in range(n):
                out[i, j] = x[i, j] - shift
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


def _forward(x: Any, axis: Any, log: bool) -> Any:
    if not _last(axis, x):
        return NotImplemented
    out = np.empty_like(x)
    rows = _rows(x)
    spread(_softmax, len(rows), x.size, rows, rows.view(np.int32), _rows(out), log)
    return out


def _backward(rule: Any, g: Any, out: Any, axis: Any) -> Any:
    if not (_last(axis, out) and g.dtype == out.dtype):
        return NotImplemented
    g = np.ascontiguousarray(g)
    dx = np.empty_like(g)
    rows = _rows(g)
    spread(rule, len(rows), g.size, rows, _rows(out), _rows(dx))
    return dx


def softmax(x: Any, axis: Any = -1) -> Any:
    return _forward(x, axis, False)


def log_softmax(x: Any, axis: Any = -1) -> Any:
    return _forward(x, axis, True)


def softmax_rule(g: Any, out: Any, axis: Any) -> Any:
    return _backward(_softmax_rule, g, out, axis)


def log_softmax_rule(g: Any, out: Any, axis: Any) -> Any:
    return _backward(_log_softmax_rule, g, out, axis)


@kernel
def _add_rows(start: int, stop: int, part: int, x: Any, rows: Any, values: Any) -> None:
    for k in range(rows.size):
        row = rows[k]
        for j in range(np.uint64(start), np.uint64(stop)):  # each thread has columns of its own
            x[row, j] += values[k, j]


def add_rows(x: Any, rows: Any, values: Any) -> Any:
    if not (x.flags.c_contiguous and x.dtype == values.dtype):
        return NotImplemented
    width = x[0].size if len(x) else 0
    values = np.ascontiguousarray(values).reshape(len(rows), width)
    spread(_add_rows, width, values.size, x.reshape(-1, width), rows, values)
    return None
