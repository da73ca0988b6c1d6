"""Layer normalisation: one reading of a row gives its mean, variance and result."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.kernels.scalar import kernel
from minigrad.kernels.signature import takes
from minigrad.kernels.threads import chunks, spread

__all__ = ["layer_norm_rows", "layer_norm_rule"]


@kernel
def _forward(start: int, stop: int, part: int, x: Any, weight: Any, bias: Any, eps: Any, out: Any, mean: Any, scale: Any) -> None:
    n = x.shape[1]
    for i in range(start, stop):
        total = np.float32(0)
        for j in range(n):
            total += x[i, j]
        middle = total / np.float32(n)
        squares = np.float32(0)
        for j in range(n):
            squares += (x[i, j] - middle) * (x[i, j] - middle)
        inverse = np.float32(1) / np.sqrt(squares / np.float32(n) + eps)
        mean[i], scale[i] = middle, inverse
        for j in range(n):
            out[i, j] = (x[i, j] - middle) * inverse * weight[j] + bias[j]


@kernel
def _backward(
    start: int, stop: int, part: int, g: Any, x: Any, weight: Any, mean: Any, scale: Any, dx: Any, dweight: Any, dbias: Any
) -> None:
    n = x.shape[1]
    for i in range(start, stop):
        middle, inverse = mean[i], scale[i]
        along, total = np.float32(0), np.float32(0)
        for j in range(n):
            h = g[i, j] * weight[j]
            along += h * ((x[i, j] - middle) * inverse)
            total += h
        along /= np.float32(n)
        total /= np.float32(n)
        for j in range(n):
            dx[i, j] = (g[i, j] * weight[j] - total - (x[i, j] - middle) * inverse * along) * inverse
        for j in range(n):
            dweight[part, j] += g[i, j] * (x[i, j] - middle) * inverse
        for j in range(n):
            dbias[part, j] += g[i, j]


@takes(x="float32 (..., n)", weight="float32 (n) or None", bias="float32 (n) or None", where="x.size > 0")
def layer_norm_rows(x: Any, weight: Any, bias: Any, eps: float) -> Any:
    x = np.ascontiguousarray(x)
    width = x.shape[-1]
    rows = x.reshape(-1, width)
    out, mean, scale = np.empty_like(x), np.empty(len(rows), np.float32), np.empty(len(rows), np.float32)
    w = np.ones(width, np.float32) if weight is None else weight
    b = np.zeros(width, np.float32) if bias is None else bias
    spread(_forward, len(rows), x.size, rows, w, b, np.float32(eps), out.reshape(rows.shape), mean, scale)
    shape = (*x.shape[:-1], 1)
    return out, mean.reshape(shape), scale.reshape(shape)


@takes(
    g="float32 (..., n)", x="float32 (..., n)", weight="float32 (n) or None",
    mean="float32 (..., 1)", inverse_std="float32 (..., 1)", where="x.size > 0",
)  # fmt: skip
def layer_norm_rule(g: Any, needs: Any, x: Any, weight: Any, mean: Any, inverse_std: Any) -> Any:
    g = np.ascontiguousarray(g)
    width = x.shape[-1]
    rows = np.ascontiguousarray(x).reshape(-1, width)
    dx = np.empty_like(g)
    w = np.ones(width, np.float32) if weight is None else weight
    dweight, dbias = np.zeros((2, chunks(len(rows), x.size), width), np.float32)
    arrays = (g.reshape(rows.shape), rows, w, mean.reshape(-1), inverse_std.reshape(-1), dx.reshape(rows.shape))
    spread(_backward, len(rows), x.size, *arrays, dweight, dbias)
    return [dx, dweight.sum(0) if needs[1] else None, dbias.sum(0) if needs[2] else None]
