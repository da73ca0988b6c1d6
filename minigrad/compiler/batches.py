"""Batches of traced arrays: what a vmap around a loop has made of its carry and its xs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.batch import Batch, Level
from ..tensor import raw

__all__ = ["Levels", "bare", "dressed", "spread", "together"]

#: Of a batch, the newest first.
Levels = tuple[Level, ...]


def bare(x: Any) -> tuple[Any, Levels]:
    """The array of all examples, whose axes lie in front, and the levels of a batch, the newest first."""
    x, levels = raw(x), []
    while type(x) is Batch:
        levels.append(x.level)
        x = x._array
    return x, tuple(levels)


def dressed(x: Any, levels: Levels) -> Any:
    """The batch of these levels whose array of all examples this is."""
    for level in reversed(levels):
        x = Batch(x, level)
    return x


def spread(x: Any, own: Levels, levels: Levels) -> Any:
    """An array of these levels: what all examples of some of them share is repeated for each."""
    if own == levels:
        return x
    sizes = tuple(level.size for level in reversed(levels))
    return np.broadcast_to(x[tuple(slice(None) if v in own else None for v in reversed(levels))], (*sizes, *x.shape[len(own) :]))


def together(one: Levels, two: Levels) -> Levels:
    """The levels of what is made of both."""
    return tuple(sorted({*one, *two}, key=lambda level: -level.began))
