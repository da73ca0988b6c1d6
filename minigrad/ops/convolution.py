"""Convolution and correlation of sequences; those of images are in `window`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import composed
from .masking import conj
from .shape import flip, reshape
from .window import Window, conv

__all__ = ["convolve", "correlate"]


@composed(np.convolve, method=False)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """Discrete convolution of two sequences; mode "full", "same" or "valid".

    out_n = sum_m a_m v_{n-m}

    >>> convolve(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0]))
    array([0., 1., 2., 3.])
    """
    if np.shape(v)[0] > np.shape(a)[0]:
        a, v = v, a
    n, k = np.shape(a)[0], np.shape(v)[0]
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"convolve: mode must be 'full', 'same' or 'valid', got {mode!r}")
    before = {"full": k - 1, "same": k // 2, "valid": 0}[mode]
    after = {"full": k - 1, "same": k - 1 - k // 2, "valid": 0}[mode]
    window = Window.over((n,), k, padding=((before, after),))
    return reshape(conv(reshape(a, (1, 1, n)), reshape(flip(v), (1, 1, k)), window), -1)


@composed(np.correlate, method=False)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """Discrete cross-correlation of two sequences.

    out_n = sum_m a_{n+m} conj(v_m)

    >>> correlate(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0]))
    array([2., 3.])
    """
    return convolve(a, flip(conj(v)), mode)
