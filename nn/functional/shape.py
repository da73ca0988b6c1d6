"""Axes joined and split; the modules are in `nn.layers.shape`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import flatten
from minigrad.devices import follow
from minigrad.hints import explain_options

__all__ = ["flatten", "unflatten"]


@follow
@explain_options
def unflatten(x: Any, axis: int, sizes: Sequence[int]) -> Any:
    """One axis split into several of these sizes; one of them may be -1, which means what is left.

    Args:
        axis: the one that is split.
        sizes: the lengths in its place.

    Raises:
        IndexError: x has no such axis.
        ValueError: the sizes do not make up the axis.

    >>> unflatten(np.zeros((2, 6)), 1, (2, 3)).shape
    (2, 2, 3)
    """
    shape = np.shape(x)
    if not -len(shape) <= axis < len(shape):
        raise IndexError(f"unflatten: axis {axis} of an input of shape {shape}")
    axis %= len(shape)
    known = int(np.prod([size for size in sizes if size != -1]))
    rest = shape[axis] % known if -1 in sizes and known else shape[axis] - known
    if rest or list(sizes).count(-1) > 1:
        raise ValueError(f"unflatten: axis {axis} of length {shape[axis]} does not split into {tuple(sizes)}")
    return np.reshape(x, (*shape[:axis], *sizes, *shape[axis + 1 :]))
