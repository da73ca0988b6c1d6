"""Indices out of range on a GPU, which wraps them around without a word."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import graph
from ..arrays.batch import all_examples
from ..later import check_later, in_range, is_on_gpu

__all__ = ["check_bounds", "check_places"]


def check_places(name: str, indices: Any, n: int, axis: int = 0) -> None:
    """An IndexError where an index is not one of n places: on a GPU when it is read (`minigrad.later`).

    NumPy looks itself, at once.
    """
    if is_on_gpu(all_examples(indices)):
        _check(name, all_examples(indices), n, axis)


def _check(name: str, given: Any, n: int, axis: int) -> None:
    if getattr(given, "dtype", np.dtype(bool)).kind not in "iu" or not given.size:
        return

    def wrong(low: Any, high: Any) -> IndexError:
        return IndexError(f"{name}: indices from {low} to {high}, but axis {axis} has places {-n} to {n - 1}")

    check_later(in_range(-n, n, wrong), np.min(given), np.max(given))


def check_bounds(name: str, index: Any, x: Any, shape: tuple[int, ...]) -> None:
    """In anomaly mode, on a GPU: an IndexError where an array of integers, in an index into a shape, is out of range.

    Args:
        x: an array, which says where it is that the index is used.
    """
    if not graph.is_anomaly_enabled() or not is_on_gpu(all_examples(x)):
        return
    parts = list(index) if isinstance(index, tuple) else [index]
    taken = sum(map(_axes_of, parts))
    axis = 0
    for part in parts:
        if part is Ellipsis:
            axis += len(shape) - taken
            continue
        if axis < len(shape):
            _check(name, all_examples(part), shape[axis], axis)
        axis += _axes_of(part)


def _axes_of(part: Any) -> int:
    """How many axes a part of an index takes."""
    if part is None or part is Ellipsis or isinstance(part, (bool, np.bool_)):
        return 0
    is_mask = getattr(part, "dtype", None) == np.bool_
    return int(np.ndim(part)) if is_mask else 1
