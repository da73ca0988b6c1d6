"""Adam in one pass over the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.kernels.scalar import kernel
from minigrad.kernels.threads import spread

__all__ = ["adam_step"]

_f = np.float32


@kernel
def _adam(start: int, stop: int, part: int, p: Any, g: Any, m: Any, v: Any, a: Any, b: Any, step_size: Any, eps: Any) -> None:
    p, g, m, v = p[start:stop], g[start:stop], m[start:stop], v[start:stop]
    for i in range(p.size):
        m[i] += a * (g[i] - m[i])
    for i in range(p.size):
        v[i] += b * (g[i] * g[i] - v[i])
    for i in range(p.size):
        p[i] -= step_size * m[i] / (np.sqrt(v[i]) + eps)


def adam_step(p: Any, g: Any, m: Any, v: Any, largest: Any, new_m: float, new_v: float, step_size: float, eps: float) -> Any:
    if largest is not None or not all(a.flags.c_contiguous and a.dtype == np.float32 for a in (p, g, m, v)):
        return NotImplemented
    flat = (a.reshape(-1) for a in (p, g, m, v))
    spread(_adam, p.size, p.size, *flat, _f(new_m), _f(new_v), _f(step_size), _f(eps))
    return None
