"""Adam in one pass over the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.kernels.scalar import elementwise
from minigrad.kernels.signature import takes
from minigrad.kernels.threads import spread

__all__ = ["adam_step"]

_f = np.float32


@elementwise
def _adam(
    start: int, stop: int, part: int, p: Any, g: Any, m: Any, v: Any, keep_m: Any, new_m: Any, keep_v: Any, new_v: Any,
    step_size: Any, eps: Any,
) -> None:  # fmt: skip
    """In the order of the NumPy code: an infinite v stays infinite, it does not become NaN."""
    p, g, m, v = p[start:stop], g[start:stop], m[start:stop], v[start:stop]
    for i in range(p.size):
        m[i] = keep_m * m[i] + new_m * g[i]
    for i in range(p.size):
        v[i] = keep_v * v[i] + new_v * (g[i] * g[i])
    for i in range(p.size):
        p[i] -= step_size * (m[i] / (np.sqrt(v[i]) + eps))


@takes(
    p="float32 (...) written", g="float32 (...) contiguous", m="float32 (...) written", v="float32 (...) written",
    where="largest is None",
)  # fmt: skip
def adam_step(p: Any, g: Any, m: Any, v: Any, largest: Any, new_m: float, new_v: float, step_size: float, eps: float) -> Any:
    flat = (a.reshape(-1) for a in (p, g, m, v))
    spread(_adam, p.size, p.size, *flat, _f(1 - new_m), _f(new_m), _f(1 - new_v), _f(new_v), _f(step_size), _f(eps))
    return None
