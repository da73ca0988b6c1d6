"""Choosing between values: where, clip, select, and replacing what is not a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce as fold_left
from typing import Any

import numpy as np

from ..arrays.batch import all_examples, newest
from ..arrays.indexing import writable
from ..backend import NoValue, as_operand, beside, device_of, is_array, side_by_side
from ..later import perhaps_any, refuse_later
from ..primitive import composed, primitive
from ..tensor import Tensor, raw, wrap
from ..trees import flatten, leaves_like, unflatten
from .batching import one_by_one
from .index import assign, getitem, in_range, take_along_axis
from .join import stack
from .shape import broadcast_arrays

__all__ = ["choose", "clip", "nan_to_num", "piecewise", "relu", "overwritten", "select", "where"]


@primitive(
    method=False,
    x=lambda g, condition: np.where(condition, g, np.zeros_like(g, shape=())),
    y=lambda g, condition: np.where(condition, np.zeros_like(g, shape=()), g),
    name="where",
    masks=True,
)
def _where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y.

    out = x where condition, else y
    dx  = g where condition, else 0
    dy  = 0 where condition, else g
    """
    return np.where(condition, x, y)


@composed(np.where, method=False)
def where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    """x where the condition holds, else y; with one argument the indices where it holds.

    >>> where(np.array([True, False]), 1.0, 2.0)
    array([1., 2.])
    """
    if x is None and y is None:
        return np.nonzero(condition)
    if x is None or y is None:
        raise ValueError("where: give both x and y, or neither")
    if not is_array(raw(condition)):
        condition = beside(np.asarray(condition), y if is_array(raw(y)) else x)
    return _where(condition, x, y)


@primitive(
    method=False,
    value=lambda g, condition: np.where(condition, g, np.zeros_like(g, shape=())),
    x=lambda g, condition: np.where(condition, np.zeros_like(g, shape=()), g),
    name="overwritten",
    masks=lambda condition: bool(np.any(all_examples(condition))),
)
def _overwritten_where(x: Any, condition: Any, value: Any) -> Any:
    """The value where a condition holds, else x; no mask where it holds nowhere.

    out    = value where condition, else x
    dvalue = g where condition, else 0
    dx     = 0 where condition, else g
    """
    return np.where(condition, value, x)


def overwritten(x: Any, condition: Any, value: Any) -> Any:
    """x with a value where a condition holds, if it does anywhere.

    A GPU is not looked at for that.  Where the condition holds nowhere, x has the gradients there that it has
    as it is: a `where`, being a mask, would change those that are not finite.

    >>> x = np.array([1.0, 2.0])
    >>> overwritten(x, x > 5, 0.0) is x, overwritten(x, x > 1, 0.0)
    (True, array([1., 0.]))
    """
    condition = raw(condition)
    return _overwritten_where(x, condition, value) if perhaps_any(all_examples(condition)) else x


def _within(x: Any, low: Any, high: Any) -> Any:
    inside = x == x  # noqa: PLR0124  (NaN is outside)
    if low is not None:
        inside = inside & (x >= low)
    if high is not None:
        inside = inside & (x <= high)
    return inside


def _clip_low(g: Any, a: Any, low: Any, high: Any) -> Any:
    return g * ((a < low) if high is None else (a < low) & (low < high)).astype(g.dtype)


def _clip_high(g: Any, a: Any, low: Any, high: Any) -> Any:
    return g * ((a > high) if low is None else (a > high) | (low >= high)).astype(g.dtype)


@primitive(
    method=False,
    name="clip",
    masks=True,
    a=lambda g, a, low, high: g * _within(a, low, high).astype(g.dtype),
    low=_clip_low,
    high=_clip_high,
)
def _clip(a: Any, low: Any, high: Any) -> Any:
    """a, held between two bounds.

    out = min(max(a, low), high)
    da  = g where low <= a <= high, else 0
    dlow  = g where a < low <= high, else 0
    dhigh = g where max(a, low) > high, else 0
    """
    return np.clip(a, low, high)


@composed(np.clip, method=False)
def clip(
    a: Any, a_min: Any = NoValue, a_max: Any = NoValue, out: Any = None,
    *, min: Any = NoValue, max: Any = NoValue, **kwargs: Any,  # noqa: A002
) -> Any:  # fmt: skip
    """a, held between two bounds (None: no bound); at a bound the gradient passes.

    The bounds are called a_min and a_max, or min and max.

    >>> clip(np.array([-1.0, 0.5, 2.0]), 0.0, 1.0)
    array([0. , 0.5, 1. ])
    """
    if kwargs:
        raise TypeError(
            f"clip: the options {', '.join(kwargs)} are not supported; clip, then convert or choose"
        )
    by_name = min is not NoValue or max is not NoValue
    if (a_min is NoValue) != (a_max is NoValue) or (by_name and a_min is not NoValue):
        raise TypeError(
            "clip: give a_min and a_max (None: no bound), or min and max, by name, instead"
        )
    if a_min is NoValue:
        a_min, a_max = (None if bound is NoValue else bound for bound in (min, max))
    if a_min is None and a_max is None and isinstance(a, Tensor):
        return a.copy()  # CuPy wants a bound
    return _clip(a, a_min, a_max)


@primitive(masks=True, x=lambda g, out: g * (out > 0).astype(g.dtype))
def relu(x: Any) -> Any:
    """Rectified linear unit.

    out = max(x, 0)
    dx  = g where x > 0, else 0

    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return np.maximum(x, 0)


def _where_part(g: Any, x: Any, test: Callable[[Any], Any]) -> Any:
    """g where x passes a test; of complex numbers real and imaginary parts by themselves."""
    if x.dtype.kind != "c":
        return g * test(x).astype(g.dtype)
    real, imag = np.real(g), np.imag(g)
    return real * test(np.real(x)).astype(real.dtype) + 1j * (
        imag * test(np.imag(x)).astype(imag.dtype)
    )


def _replaced(g: Any, x: Any, test: Callable[[Any], Any]) -> Any:
    """The gradient of the number that stands where x passes a test, in either part."""
    found = _where_part(g, x, test)
    return np.real(found) + np.imag(found) if x.dtype.kind == "c" else found


@primitive(
    np.nan_to_num,
    masks=True,
    x=lambda g, x: _where_part(g, x, np.isfinite),
    nan=lambda g, x: _replaced(g, x, np.isnan),
    posinf=lambda g, x: _replaced(g, x, np.isposinf),
    neginf=lambda g, x: _replaced(g, x, np.isneginf),
)
def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """NaN and infinities replaced by numbers, infinities by the largest ones if none are given.

    out = x where it is finite, else nan, posinf or neginf
    dx  = g where x is finite, else 0
    dnan    = g where x is NaN, else 0
    dposinf = g where x = inf, else 0
    dneginf = g where x = -inf, else 0

    Args:
        copy: False is an error: nothing is written into x.

    >>> nan_to_num(np.array([1.0, np.nan]))
    array([1., 0.])
    """
    if not copy:
        raise ValueError(
            "nan_to_num: copy=False would write into its input; write x[...] = nan_to_num(x)"
        )
    if newest((nan, posinf, neginf)) is not None:
        x = writable(x, (nan, posinf, neginf))
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


@composed(np.select, method=False)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """The choice that belongs to the first condition that holds, for each element, or the default.

    The gradient reaches the choices and the default.  NumPy's own `np.select` does not look at its
    default: where that alone is a tensor, call this one.

    ``select(condition, x, y)``, with one condition that is no list, chooses between two trees that are nested in the same
    way: `where` of all their leaves.  Both trees are there already, so both are computed; it takes no functions.

    Args:
        condlist: the conditions, arrays of booleans; or one of them.
        choicelist: the choices, as many.
        default: what there is where no condition holds.

    Raises:
        TypeError: a condition is not made of booleans; a leaf of x or y is a function.
        ValueError: there are not as many choices as conditions; y is not nested as x is.

    >>> select([np.array([True, False])], [np.array([1.0, 2.0])], 9.0)
    array([1., 9.])
    >>> select(np.bool_(False), {"h": 1.0, "c": [2.0]}, {"h": 10.0, "c": [20.0]})
    {'h': array(10.), 'c': [array(20.)]}
    """
    one = not isinstance(condlist, (list, tuple))
    if one and (isinstance(default, (list, tuple)) or not isinstance(choicelist, (list, tuple))):
        return _between(condlist, choicelist, default)
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(
            "select: expected as many choices as conditions, and at least one: got "
            f"{len(condlist)} conditions and {len(choicelist)} choices"
        )
    together = side_by_side(*condlist, *choicelist, default)
    condlist, choicelist, default = together[: len(condlist)], together[len(condlist) : -1], together[-1]
    conditions = [c if is_array(raw(c)) else np.asarray(c) for c in condlist]
    for i, condition in enumerate(conditions):
        if condition.dtype != bool:
            raise TypeError(f"select: condition {i} must be of booleans, got {condition.dtype}")
    values = [
        v if is_array(raw(v)) or type(v) in (int, float, complex) else np.asarray(v)
        for v in (*choicelist, default)
    ]
    dtype = np.result_type(*(getattr(v, "dtype", v) for v in values))  # Python's numbers are weak
    *choices, default = values
    out = default.astype(dtype) if is_array(raw(default)) else dtype.type(default)
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        out = where(condition, choice, out)
    return out


def _between(condition: Any, x: Any, y: Any) -> Any:
    """One of two trees, leaf by leaf."""
    pairs = list(zip(flatten(x), leaves_like(x, y, "select: y"), strict=True))
    kind = getattr(condition, "dtype", type(condition))
    if kind not in (bool, np.bool_):
        raise TypeError(f"select: the condition must be made of booleans, got {getattr(kind, '__name__', kind)}")
    for leaf in (leaf for pair in pairs for leaf in pair):
        if callable(leaf) and not is_array(raw(leaf)):
            raise TypeError(
                f"select: {getattr(leaf, '__name__', leaf)!s:.60} is a function: both sides are computed, so call it: "
                "minigrad.select(condition, f(x), g(x))"
            )
    return unflatten(x, iter([where(condition, a, b) for a, b in pairs]))


@composed(np.choose, method=False)
def choose(a: Any, choices: Sequence[Any], out: Any = None, mode: str = "raise") -> Any:
    """For each element k of the integers `a` the element of the k-th choice.

    Args:
        choices: a sequence of arrays.
        mode: for integers out of range: "raise" a ValueError, "wrap" around, or "clip" to the ends.

    >>> choose(np.array([0, 1]), [np.array([1.0, 2.0]), np.array([10.0, 20.0])])
    array([ 1., 20.])
    """
    n = len(choices)
    index, *choices = map(as_operand, side_by_side(raw(a), *choices))
    there = next((x for x in (index, *choices) if device_of(x) != "cpu"), index)
    choices = [c if np.ndim(c) else beside(c, there) for c in choices]
    index = index if isinstance(a, Tensor) else beside(index, there)
    index, *parts = broadcast_arrays(index, *choices)
    if mode == "raise":
        words = (
            f"choose: the indices must lie between 0 and {n - 1}; "
            "modes 'wrap', 'clip' take others"
        )
        refuse_later(all_examples((index < 0) | (index >= n)), lambda: ValueError(words))
    index = in_range(index, n, mode, "choose")
    chosen = take_along_axis(stack(parts), index[None], axis=0)[0, ...]
    return chosen if isinstance(chosen, Tensor) or not isinstance(a, Tensor) else wrap(chosen, None)


@composed(np.piecewise, method=False)
@one_by_one("each function gets the elements that a mask selects, of other number in each example")
def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """A function defined in pieces: each is called with the elements for which its condition holds.

    One more function than conditions is for all the others; a number stands for a constant.  As in
    NumPy the result has the dtype of x.

    Args:
        condlist: the conditions, arrays of booleans.
        funclist: the functions, or numbers.
        args, kw: what the functions are called with besides.

    >>> piecewise(np.array([-1.0, 2.0]), [np.array([True, False])], [lambda x: -x, lambda x: x**2])
    array([1., 4.])
    """
    if np.isscalar(condlist) or (np.ndim(condlist[0]) == 0 and np.ndim(x) != 0):
        condlist = [condlist]  # one condition
    conditions = [c if is_array(c) else np.asarray(c, bool) for c in map(raw, condlist)]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~fold_left(np.logical_or, conditions))
    elif len(funclist) != len(conditions):
        raise ValueError(
            f"piecewise: {len(conditions)} conditions need as many functions, or one more, "
            f"got {len(funclist)}"
        )
    out: Any = np.zeros_like(x)
    for condition, piece in zip(conditions, funclist, strict=True):
        if not callable(piece):
            out = assign(out, condition, piece)
        elif condition.any():
            out = assign(out, condition, piece(getitem(x, condition), *args, **kw))
    return out
