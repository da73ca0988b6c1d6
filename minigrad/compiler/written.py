"""Functions that stand in programs for what a function does in place, by views, or with several results."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.traced import Path
from ..trees import flatten

__all__ = ["Flat", "all_finite", "changed", "replaced_at", "seen_through", "written_through"]


class Flat:
    """A function whose results, in nested containers, are given one after the other."""

    def __init__(self, function: Any) -> None:
        self.function, self.__name__ = function, function.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return flatten(self.function(*args, **kwargs))


def all_finite(*arrays: Any) -> Any:
    """Whether all numbers are finite"""
    return np.bool_(all(np.isfinite(x).all() for x in arrays))


def replaced_at(x: Any, index: Any, value: Any) -> Any:
    """x with other values at an index."""
    x = x.copy()
    x[index] = value
    return x


def changed(function: Any, x: Any, args: Any, options: Any) -> Any:
    """x after a function that writes into it"""
    x = x.copy()
    function(x, *args, **options)
    return x


def written_through(whole: Any, path: Any, values: Any) -> Any:
    """The whole with other values where a view of it is."""
    whole = whole.copy()
    seen_through(whole, path)[...] = values
    return whole


def seen_through(x: Any, path: Path) -> Any:
    """A view of a view of ... x."""
    for place in path:
        x = place(x)
    return x
