"""Dropout, as functions under torch.nn.functional's names; with `inplace` the result is written into x."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import random, raw
from minigrad.backend import device_of
from minigrad.devices import follow

from ..checks import PROBABILITY, check

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]


def _kept(x: Any, p: float, shape: tuple[int, ...]) -> Any:
    """1 with probability 1 - p, else 0, of a shape that broadcasts to x."""
    drawn = random.generator(device_of(x)).random(shape, dtype=np.float32)
    return (drawn >= p).astype(x.dtype)


def _scaled(x: Any, p: float, shape: tuple[int, ...]) -> Any:
    mask = _kept(x, p, shape)
    if p < 1:
        mask /= 1 - p
    return x * mask


@follow
def dropout(x: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Zeros at random, the rest scaled up so that the mean stays (Srivastava et al., 2014); only in training.

    out = x m / (1 - p)    (m is 0 with probability p, else 1; p = 1 gives 0)
    dx  = g m / (1 - p)

    Args:
        p: the probability, 0 to 1, with which an element becomes 0.
        training: whether anything is dropped; otherwise x itself is returned.
        inplace: write the result into x, and return x; it saves no memory.

    >>> dropout(np.ones(4), 0.5, training=False)
    array([1., 1., 1., 1.])
    """
    return _dropped(x, p, training, inplace, lambda: _scaled(x, p, np.shape(x)))


def _dropped(x: Any, p: float, training: bool, inplace: bool, drop: Callable[[], Any]) -> Any:
    """x itself where nothing is to be dropped, else what a function gives; in place it is written into x."""
    check("dropout", "p", p, PROBABILITY)
    if not (training and p):
        return x
    out = drop()
    if not inplace:
        return out
    x[...] = out
    return x


def _whole_channels(n: int) -> Any:
    @follow
    def drop(x: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
        shape = np.shape(x)
        if len(shape) not in (n + 1, n + 2):
            raise ValueError(f"dropout{n}d: expected {n + 2} axes (N, C, ...) or {n + 1}, got shape {shape}")
        return _dropped(x, p, training, inplace, lambda: _scaled(x, p, (*shape[:-n], *(1,) * n)))

    drop.__name__ = drop.__qualname__ = f"dropout{n}d"
    other = "; PyTorch takes three axes for (N, C, L), which is `dropout1d` here" if n == 2 else ""
    drop.__doc__ = f"""`dropout` of whole channels, of inputs with {n} spatial ax{"i" if n == 1 else "e"}s (Tompson et al., 2015).

    Args:
        x: (N, C, ...), or (C, ...) for a single sample{other}.
        p: the probability, 0 to 1, with which a channel of a sample is dropped.
        training: whether anything is dropped; otherwise x itself is returned.
        inplace: write the result into x, and return x; it saves no memory.
    """
    return drop


dropout1d, dropout2d, dropout3d = map(_whole_channels, (1, 2, 3))


def _alpha(x: Any, p: float, shape: tuple[int, ...]) -> Any:
    """Values dropped to SELU's lower limit, then scaled and shifted so that mean and variance stay."""
    low = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717
    keep = _kept(x, p, shape)
    a = 1 / np.sqrt((1 - p) * (1 + p * low**2)) if p < 1 else 0.0
    return (x * keep + low * (1 - keep)) * a - a * low * p


@follow
def alpha_dropout(x: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Dropout that keeps mean 0 and variance 1, for networks of SELU (Klambauer et al., 2017).

    out = a (x m + s (1 - m) - s p),  a = 1 / sqrt((1 - p) (1 + p s^2)),  s = -1.75809934    (m is 0 with probability p, else 1)

    Args:
        p: the probability, 0 to 1, with which an element becomes SELU's lower limit, before all are scaled and shifted.
        training: whether anything is dropped; False unless given, as PyTorch's.
        inplace: write the result into x, and return x; it saves no memory.
    """
    return _dropped(x, p, training, inplace, lambda: _alpha(x, p, np.shape(x)))


@follow
def feature_alpha_dropout(x: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """`alpha_dropout` of whole channels.

    Args:
        x: (N, C, ...).
        p: the probability, 0 to 1, with which a channel of a sample is dropped.
        training: whether anything is dropped; False unless given, as PyTorch's.
        inplace: write the result into x, and return x; it saves no memory.
    """
    shape = np.shape(raw(x))
    whole = (*shape[:2], *(1,) * (len(shape) - 2))
    return _dropped(x, p, training, inplace, lambda: _alpha(x, p, whole))
