"""Activations whose NumPy form takes many passes over the memory."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from minigrad.kernels.scalar import erf32, exp32, kernel
from minigrad.kernels.signature import takes
from minigrad.kernels.threads import spread

__all__ = ["gelu_exact", "gelu_rule"]

_ROOT_HALF, _DENSITY = np.float32(sqrt(0.5)), np.float32(1 / sqrt(2 * pi))


@kernel
def _gelu(start: int, stop: int, part: int, x: Any, out: Any) -> None:
    x, out = x[start:stop], out[start:stop]
    for i in range(x.size):
        gauss = exp32(np.float32(-0.5) * x[i] * x[i])
        out[i] = x[i] * np.float32(0.5) * (np.float32(1) + erf32(x[i] * _ROOT_HALF, gauss))


@kernel
def _gelu_rule(start: int, stop: int, part: int, g: Any, x: Any, dx: Any) -> None:
    g, x, dx = g[start:stop], x[start:stop], dx[start:stop]
    for i in range(x.size):
        gauss = exp32(np.float32(-0.5) * x[i] * x[i])
        below = np.float32(0.5) * (np.float32(1) + erf32(x[i] * _ROOT_HALF, gauss))
        dx[i] = g[i] * (below + x[i] * gauss * _DENSITY)


@takes(x="float32 (...) contiguous")
def gelu_exact(x: Any) -> Any:
    out = np.empty_like(x)
    spread(_gelu, x.size, x.size, x.reshape(-1), out.reshape(-1))
    return out


@takes(g="float32 (...)", x="float32 (...) contiguous")
def gelu_rule(g: Any, x: Any) -> Any:
    dx = np.empty_like(x)
    spread(_gelu_rule, x.size, x.size, np.ravel(g), x.reshape(-1), dx.reshape(-1))
    return dx
