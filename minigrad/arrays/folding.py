"""Functions of (N, ...) arrays on batches: the examples become more of the N, which costs nothing and keeps fast kernels."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .batch import newest, whole, within

__all__ = ["folds"]

F = TypeVar("F", bound=Callable[..., Any])


def folds(*names: str) -> Callable[[F], F]:
    """For a function whose named arguments, and results, have a leading axis of independent items.

    Where other arguments are different for each example too, the function itself runs on the batches.

    >>> from minigrad.arrays.batch import Batch, Level
    >>> @folds("x")
    ... def double(x, factor):
    ...     return x * factor if isinstance(x, np.ndarray) else None
    >>> double(Batch(np.ones((2, 3, 4)), Level(2)), 2.0).shape
    (3, 4)
    """

    def decorate(function: F) -> F:
        order = list(inspect.signature(function).parameters)
        places = [order.index(name) for name in names]

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if all(type(x) is np.ndarray for x in args[: len(places)]) or kwargs.keys() & set(
                names
            ):
                return function(*args, **kwargs)
            level = newest(args)
            others = [x for i, x in enumerate(args) if i not in places]
            if (
                level is None
                or any(within(x, level) for x in others)
                or not all(np.ndim(args[i]) for i in places)
            ):
                return function(*args, **kwargs)
            given, n = list(args), 0
            for i in places:
                data = whole(args[i], level)
                n = data.shape[1]
                given[i] = np.reshape(data, (level.size * n, *data.shape[2:]))
            return _unfolded(function(*given, **kwargs), level, n)

        return call  # type: ignore[return-value]

    return decorate


def _unfolded(out: Any, level: Any, n: int) -> Any:
    """Results of (examples * n, ...) as batches of (n, ...)."""
    if isinstance(out, tuple):
        return tuple(_unfolded(part, level, n) for part in out)
    return level.batch(np.reshape(out, (level.size, n, *out.shape[1:])))
