"""Choosing between values: where, clip, select, and replacing what is not a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce as fold_left
from typing import Any

import numpy as np

from ..primitive import composed, primitive
from ..tensor import raw
from .index import assign, getitem
from .join import stack

__all__ = ["choose", "clip", "nan_to_num", "piecewise", "relu", "select", "where"]


@primitive(
    method=False,
    x=lambda g, condition: np.where(condition, g, np.zeros_like(g, shape=())),
    y=lambda g, condition: np.where(condition, np.zeros_like(g, shape=()), g),
    name="where",
)
def _where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y.

    out = x if condition else y
    dx  = g where the condition holds, else 0
    dy  = 0 where the condition holds, else g
    """
    return np.where(condition, x, y)


@composed(np.where, method=False)
def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """x where the condition holds, else y; with one argument the indices where it holds.

    >>> where(np.array([True, False]), 1.0, 2.0)
    array([1., 2.])
    """
    return np.nonzero(condition) if x is None and y is None else _where(condition, x, y)


def _within(x: Any, low: Any, high: Any) -> Any:
    inside = x == x  # noqa: PLR0124  (NaN is outside)
    if low is not None:
        inside = inside & (x >= low)
    if high is not None:
        inside = inside & (x <= high)
    return inside


@primitive(method=False, x=lambda g, x, low, high: g * _within(x, low, high).astype(g.dtype),
           low=lambda g, x, low, high: g * ((x < low) if high is None else (x < low) & (low < high)).astype(g.dtype),
           high=lambda g, x, low, high: g * ((x > high) if low is None else (x > high) | (low >= high)).astype(g.dtype),
           name="clip")  # fmt: skip
def _clip(x: Any, low: Any, high: Any) -> Any:
    """x, held between two bounds.

    out = min(max(x, low), high)
    dx  = g where low <= x <= high, else 0
    dlow, dhigh = g where that bound is the result
    """
    return np.clip(x, low, high)


_UNSET: Any = object()


@composed(np.clip)
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = _UNSET, max: Any = _UNSET) -> Any:  # noqa: A002
    """x, held between two bounds (None: no bound); at a bound the gradient passes.

    >>> clip(np.array([-1.0, 0.5, 2.0]), 0.0, 1.0)
    array([0. , 0.5, 1. ])
    """
    return _clip(x, a_min if min is _UNSET else min, a_max if max is _UNSET else max)


@primitive(x=lambda g, out: g * (out > 0).astype(g.dtype))
def relu(x: Any) -> Any:
    """Rectified linear unit.

    out = max(x, 0)
    dx  = g where x > 0, else 0

    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return np.maximum(x, 0)


@primitive(np.nan_to_num, x=lambda g, x: g * np.isfinite(x).astype(g.dtype))
def nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """NaN and infinities replaced by numbers.

    out = x where it is finite
    dx  = g where x is finite, else 0

    >>> nan_to_num(np.array([1.0, np.nan]))
    array([1., 0.])
    """
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


@composed(np.select, method=False)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0.0) -> Any:
    """The choice that belongs to the first condition that holds, element by element.

    >>> select([np.array([True, False])], [np.array([1.0, 2.0])], 9.0)
    array([1., 9.])
    """
    out = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = where(condition, choice, out)
    return out


@composed(np.choose)
def choose(x: Any, choices: Sequence[Any], mode: str = "raise") -> Any:
    """For each element k of the integers x the element of the k-th choice.

    >>> choose(np.array([0, 1]), [np.array([1.0, 2.0]), np.array([10.0, 20.0])])
    array([ 1., 20.])
    """
    index, n = raw(x), len(choices)
    if mode == "raise":
        if (index < 0).any() or (index >= n).any():
            raise ValueError(f"choose: the indices must lie between 0 and {n - 1}; mode='wrap' or 'clip' takes others")
    else:
        index = np.remainder(index, n) if mode == "wrap" else np.clip(index, 0, n - 1)
    index, *parts = np.broadcast_arrays(index, *choices)
    return np.take_along_axis(stack(parts), index[None], axis=0)[0]


@composed(np.piecewise, method=False)
def piecewise(x: Any, condlist: Sequence[Any], funclist: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
    """A function defined in pieces: each is called with the elements for which its condition holds.

    One more function than conditions is for all the others; a number stands for a constant.

    >>> piecewise(np.array([-1.0, 2.0]), [np.array([True, False])], [lambda x: -x, lambda x: x**2])
    array([1., 4.])
    """
    conditions = [raw(c) for c in condlist]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~fold_left(np.logical_or, conditions))
    elif len(funclist) != len(conditions):
        raise ValueError(
            f"piecewise: {len(conditions)} conditions need {len(conditions)} or {len(conditions) + 1} functions, "
            f"got {len(funclist)}"
        )
    out: Any = np.zeros_like(raw(x))
    for condition, piece in zip(conditions, funclist, strict=True):
        value = piece(getitem(x, condition), *args, **kwargs) if isinstance(piece, Callable) else piece  # type: ignore[arg-type]
        out = assign(out, condition, value)
    return out
