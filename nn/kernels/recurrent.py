"""One step of an LSTM in one pass over its gates."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.kernels.scalar import kernel, tanh32
from minigrad.kernels.signature import takes

__all__ = ["lstm_step", "lstm_step_back"]

_f = np.float32


@kernel
def _step(z: Any, recurrent: Any, c: Any, new_c: Any, tanh_c: Any, out: Any) -> None:
    size = c.shape[1]
    for b in range(c.shape[0]):
        zi, zf, zg, zo = z[b, :size], z[b, size : 2 * size], z[b, 2 * size : 3 * size], z[b, 3 * size :]
        row, add = z[b], recurrent[b]
        for j in range(row.size):
            row[j] = tanh32(row[j] + add[j])
        for j in range(size):
            zi[j] = _f(0.5) * zi[j] + _f(0.5)
        for j in range(size):
            zf[j] = _f(0.5) * zf[j] + _f(0.5)
        for j in range(size):
            zo[j] = _f(0.5) * zo[j] + _f(0.5)
        before, cell, squashed, shown = c[b], new_c[b], tanh_c[b], out[b]
        for j in range(size):
            cell[j] = zf[j] * before[j] + zi[j] * zg[j]
        for j in range(size):
            squashed[j] = tanh32(cell[j])
        for j in range(size):
            shown[j] = zo[j] * squashed[j]


@kernel
def _step_back(gates: Any, before: Any, tanh_c: Any, through: Any, dc: Any, dz: Any) -> None:
    size = dc.shape[1]
    for b in range(dc.shape[0]):
        i, f, g, o = gates[b, :size], gates[b, size : 2 * size], gates[b, 2 * size : 3 * size], gates[b, 3 * size :]
        di, df, dg, do = dz[b, :size], dz[b, size : 2 * size], dz[b, 2 * size : 3 * size], dz[b, 3 * size :]
        old, squashed, down, grown = before[b], tanh_c[b], through[b], dc[b]
        for j in range(size):
            do[j] = down[j] * squashed[j] * o[j] * (_f(1) - o[j])
        for j in range(size):
            grown[j] += down[j] * o[j] * (_f(1) - squashed[j] * squashed[j])
        for j in range(size):
            di[j] = grown[j] * g[j] * i[j] * (_f(1) - i[j])
        for j in range(size):
            df[j] = grown[j] * old[j] * f[j] * (_f(1) - f[j])
        for j in range(size):
            dg[j] = grown[j] * i[j] * (_f(1) - g[j] * g[j])
        for j in range(size):
            grown[j] *= f[j]


@takes(
    c="float32 (batch, size) contiguous",
    z="float32 (batch, 4 * size) written",
    recurrent="float32 (batch, 4 * size) contiguous",
    new_c="float32 (batch, size) written",
    tanh_c="float32 (batch, size) written",
    out="float32 (batch, size) written",
)
def lstm_step(z: Any, recurrent: Any, c: Any, new_c: Any, tanh_c: Any, out: Any) -> Any:
    return _step(z, recurrent, c, new_c, tanh_c, out)


@takes(
    dc="float32 (batch, size) written",
    gates="float32 (batch, 4 * size) contiguous",
    before="float32 (batch, size) contiguous",
    tanh_c="float32 (batch, size) contiguous",
    through="float32 (batch, size) contiguous",
    dz="float32 (batch, 4 * size) written",
)
def lstm_step_back(gates: Any, before: Any, tanh_c: Any, through: Any, dc: Any, dz: Any) -> Any:
    return _step_back(gates, before, tanh_c, through, dc, dz)
