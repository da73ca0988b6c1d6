"""What parameters and values of a distribution must be: each constraint checks arrays, and says itself in words.

>>> positive.check(np.array([1.0, -1.0]))
array([ True, False])
>>> f"the scale must be {positive}"
'the scale must be greater than 0'
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import beside, raw
from minigrad.arrays import all_examples
from minigrad.devices import follow
from minigrad.later import refuse_later

from ..values import host

__all__ = [
    "Constraint", "boolean", "greater_than", "greater_than_eq", "half_open_interval", "independent", "integer_interval",
    "interval", "less_than", "lower_cholesky", "multinomial", "nonnegative", "nonnegative_integer", "one_hot", "positive",
    "positive_definite", "positive_integer", "real", "real_vector", "simplex", "unit_interval",
]  # fmt: skip


class Constraint:
    """A set of values.

    Attributes:
        event_dim: how many of the last axes make one value: 0 for numbers, 1 for vectors.
        is_discrete: whether the set is countable.
        words: what a value must be, as it stands after "must be".
    """

    event_dim = 0
    is_discrete = False
    words = "anything"

    def check(self, value: Any) -> Any:
        """Which values are in the set: booleans, without the axes of a value."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it is checked")

    @follow
    def holds(self, value: Any) -> bool:
        """Whether all values are in the set; those of all examples of a `vmap`."""
        return bool(np.all(all_examples(raw(self.check(raw(value))))))

    @follow
    def require(self, value: Any, make_error: Callable[..., Exception], tell: bool = False) -> None:
        """An error where one of the values is not in the set; on a GPU it is found later (`minigrad.later`).

        Args:
            make_error: gives the error.  To tell of it, it gets the first value that is not in the set (None where
                a value is no number), how many are not, and of how many.
        """
        array, bad = all_examples(raw(value)), ~all_examples(raw(self.check(raw(value))))
        if not tell:
            refuse_later(bad, make_error)
            return
        of_numbers = not self.event_dim and np.shape(bad) == np.shape(array)

        def first() -> Any:
            return np.take(np.reshape(array, -1), np.argmax(np.reshape(bad, -1)))

        all_ = np.size(bad)
        refuse_later(bad, make_error, first if of_numbers else lambda: None, lambda: np.sum(bad), lambda: all_)

    def __str__(self) -> str:
        return self.words


class _Real(Constraint):
    words = "a number that is not NaN"

    def check(self, value: Any) -> Any:
        return value == value  # noqa: PLR0124 - not so for NaN


class _Between(Constraint):
    """Numbers between two bounds, which may be arrays; each bound belongs to the set or not."""

    def __init__(self, low: Any, high: Any, closed: str = "[]") -> None:
        self.lower_bound, self.upper_bound, self.closed = low, high, closed

    @property
    def words(self) -> str:  # type: ignore[override]
        low, high = _told(self.lower_bound), _told(self.upper_bound)
        if high == "inf":
            return "not negative" if (low, self.closed[0]) == ("0", "[") else f"{self._at_least} {low}"
        if low == "-inf":
            return f"less than {high}"
        return f"in the interval {self.closed[0]}{low}, {high}{self.closed[1]}"

    @property
    def _at_least(self) -> str:
        return "at least" if self.closed[0] == "[" else "greater than"

    def check(self, value: Any) -> Any:
        low, high = (raw(beside(raw(b), value)) for b in (self.lower_bound, self.upper_bound))
        above = value >= low if self.closed[0] == "[" else value > low
        below = value <= high if self.closed[1] == "]" else value < high
        return above & below


class _Integers(_Between):
    """Whole numbers between two bounds that belong to the set."""

    is_discrete = True

    @property
    def words(self) -> str:  # type: ignore[override]
        low, high = _told(self.lower_bound), _told(self.upper_bound)
        return f"whole numbers from {low} on" if high == "inf" else f"whole numbers from {low} to {high}"

    def check(self, value: Any) -> Any:
        return super().check(value) & (value == np.floor(value))


def _told(bound: Any) -> str:
    """A bound in words: its number, or that it differs from element to element."""
    values = np.unique(host(all_examples(raw(bound))))
    return f"{float(values[0]):g}" if values.size == 1 else "the bound of its element"


class _Simplex(Constraint):
    event_dim = 1
    words = "vectors of numbers that are not negative and sum to 1"

    def check(self, value: Any) -> Any:
        return np.all(value >= 0, axis=-1) & (abs(np.sum(value, axis=-1) - 1) < 1e-6)


class _OneHot(Constraint):
    event_dim, is_discrete = 1, True
    words = "vectors with one 1 and zeros"

    def check(self, value: Any) -> Any:
        return np.all((value == 0) | (value == 1), axis=-1) & (np.sum(value, axis=-1) == 1)


class _Counts(Constraint):
    """Vectors of counts that sum to a total."""

    event_dim, is_discrete = 1, True

    def __init__(self, total: Any) -> None:
        self.total = total

    @property
    def words(self) -> str:  # type: ignore[override]
        return f"vectors of counts that sum to {_told(self.total)}"

    def check(self, value: Any) -> Any:
        whole = np.all((value >= 0) & (value == np.floor(value)), axis=-1)
        return whole & (np.sum(value, axis=-1) == self.total)


class _PositiveDefinite(Constraint):
    event_dim = 2
    words = "symmetric positive definite matrices"

    def check(self, value: Any) -> Any:
        size = np.max(abs(value), axis=(-2, -1))
        unlike = np.max(abs(value - np.swapaxes(value, -1, -2)), axis=(-2, -1))
        return (unlike <= 1e-6 * np.maximum(size, 1.0)) & (np.linalg.eigvalsh(value)[..., 0] > 0)


class _LowerCholesky(Constraint):
    event_dim = 2
    words = "lower triangular matrices with a positive diagonal"

    def check(self, value: Any) -> Any:
        triangular = np.all(np.tril(value) == value, axis=(-2, -1))
        return triangular & np.all(np.diagonal(value, axis1=-2, axis2=-1) > 0, axis=-1)


class _Independent(Constraint):
    """Arrays of which every element is in a set."""

    def __init__(self, base: Constraint, dims: int) -> None:
        self.base, self.dims = base, dims
        self.event_dim, self.is_discrete = base.event_dim + dims, base.is_discrete

    @property
    def words(self) -> str:  # type: ignore[override]
        return f"arrays of which each element is {self.base}"

    def check(self, value: Any) -> Any:
        inside = self.base.check(value)
        return np.all(inside, axis=tuple(range(-self.dims, 0))) if self.dims else inside


def interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Numbers between two bounds, which belong to them.

    Args:
        lower_bound, upper_bound: numbers, or arrays of one for each element.
    """
    return _Between(lower_bound, upper_bound)


def half_open_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Numbers from a bound on, up to but without another one.

    Args:
        lower_bound, upper_bound: numbers, or arrays of one for each element.
    """
    return _Between(lower_bound, upper_bound, "[)")


def greater_than(lower_bound: Any) -> Constraint:
    """Numbers above a bound.

    Args:
        lower_bound: a number, or an array of one for each element.
    """
    return _Between(lower_bound, math.inf, "(]")


def greater_than_eq(lower_bound: Any) -> Constraint:
    """Numbers from a bound on.

    Args:
        lower_bound: a number, or an array of one for each element.
    """
    return _Between(lower_bound, math.inf)


def less_than(upper_bound: Any) -> Constraint:
    """Numbers below a bound.

    Args:
        upper_bound: a number, or an array of one for each element.
    """
    return _Between(-math.inf, upper_bound, "[)")


def integer_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """Whole numbers from one bound to another, both included.

    Args:
        lower_bound, upper_bound: numbers, or arrays of one for each element.
    """
    return _Integers(lower_bound, upper_bound)


def multinomial(upper_bound: Any) -> Constraint:
    """Vectors of counts that sum to a total.

    Args:
        upper_bound: the total.
    """
    return _Counts(upper_bound)


def independent(base_constraint: Constraint, reinterpreted_batch_ndims: int) -> Constraint:
    """Arrays, of so many axes more, of which every element is in the set.

    Args:
        base_constraint: what each element must be.
        reinterpreted_batch_ndims: how many axes.
    """
    return _Independent(base_constraint, reinterpreted_batch_ndims)


real, simplex, one_hot = _Real(), _Simplex(), _OneHot()
positive_definite, lower_cholesky = _PositiveDefinite(), _LowerCholesky()
real_vector = independent(real, 1)
positive, nonnegative = greater_than(0.0), greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
boolean = integer_interval(0, 1)
nonnegative_integer, positive_integer = integer_interval(0, math.inf), integer_interval(1, math.inf)
