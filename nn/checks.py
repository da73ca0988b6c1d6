"""What values may be: kinds for options of constructors and for entries of loaded states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.tracing import is_traced_number

__all__ = [
    "COUNT", "FLAG", "NUMBER", "POSITIVE", "PROBABILITY", "Kind", "WrongType", "at_least", "check",
    "checked_state", "number", "one_of", "several", "whole", "within",
]  # fmt: skip


class WrongType(TypeError):
    """A value is of another type.

    It is not the error of a number that leaves a graph, which is a TypeError too.
    """


@dataclass(frozen=True)
class Kind:
    """A kind of values: its words for messages, and a test.

    The test raises WrongType for a value of another type, and is false for one out of range.

    Attributes:
        needed: whether a state must have such an entry.

    >>> at_least(0).holds(0.5), at_least(0).holds(-1), at_least(0).holds("x")
    (True, False, False)
    """

    words: str
    test: Callable[[Any], bool]
    needed: bool = True

    def holds(self, value: Any) -> bool:
        """Whether a value is of this kind."""
        try:
            return bool(self.test(value))
        except WrongType:
            return False


def number(value: Any) -> float:
    """A real number of any kind, also a tensor of one element, as a float.

    Raises:
        WrongType: it is none, or an integer that is too large for a float; a TypeError.

    >>> number(Tensor([0.5])), number(np.float32(2))
    (0.5, 2.0)
    """
    if isinstance(value, (Tensor, np.ndarray, np.generic)):
        if value.size != 1 or value.dtype.kind not in "fiu":
            raise WrongType("no number")
        return float(value.item())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WrongType("no number")
    if is_traced_number(value):  # which float() would fix
        return value
    try:
        return float(value)
    except OverflowError:
        raise WrongType("no number that a float can hold") from None


def at_least(low: float, below: float = inf) -> Kind:
    """A finite number in [low, below).

    >>> at_least(0).words, at_least(0, 1).holds(1.0)
    ('a number of at least 0', False)
    """
    words = f"a number of at least {low:g}" + (f" and below {below:g}" if below < inf else "")
    return Kind(words, lambda value: low <= number(value) < below)


def within(low: float, high: float) -> Kind:
    """A number in [low, high]."""
    return Kind(f"a number from {low:g} to {high:g}", lambda value: low <= number(value) <= high)


def whole(low: int, high: int = 2**63 - 1) -> Kind:
    """An integer of Python or NumPy in [low, high]; a bool is none.

    >>> whole(1).holds(np.int64(3)), whole(1).holds(True), whole(1).holds(2.0)
    (True, False, False)
    """

    def test(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise WrongType("no whole number")
        return low <= int(value) <= high

    to = f"from {low} to {high}" if high < 2**63 - 1 else f"of at least {low}"
    return Kind(f"a whole number {to}", test)


def several(count: int, test: Callable[..., bool], words: str) -> Kind:
    """A tuple or list of so many numbers that pass a test together."""

    def together(value: Any) -> bool:
        if not isinstance(value, (tuple, list)):
            raise WrongType("no tuple")
        return len(value) == count and test(*map(number, value))

    return Kind(words, together)


def one_of(*choices: str | None) -> Kind:
    """One of these texts, or None where that is one of them."""
    return Kind(
        f"one of {choices}",
        lambda value: (value is None or isinstance(value, str)) and value in choices,
    )


def _is_flag(value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise WrongType("no bool")
    return True


def _is_number(value: Any) -> bool:
    if isinstance(value, (Tensor, np.ndarray)):
        raise WrongType("an array")
    number(value)
    return True


def check(owner: str, name: str, value: Any, kind: Kind) -> Any:
    """The value, where it is of a kind.

    Raises:
        ValueError: it is not; the message has the name and the value.

    >>> check("Sampler", "num_samples", 0, whole(1))
    Traceback (most recent call last):
    ValueError: Sampler: num_samples must be a whole number of at least 1, got 0
    """
    if not kind.holds(value):
        raise ValueError(f"{owner}: {name} must be {kind.words}, got {value!r:.60}")
    return value


COUNT = whole(0)
POSITIVE = whole(1)
PROBABILITY = within(0, 1)
FLAG = Kind("True or False", _is_flag)
#: A number of Python or NumPy, also infinity and NaN.
NUMBER = Kind("a number", _is_number)


def checked_state(owner: str, state: Any, **kinds: Kind) -> dict[str, Any]:
    """A state with exactly these names, of these kinds; nothing is changed where it is not.

    Raises:
        ValueError: it has a name too many or too few, or a value of another kind.

    >>> checked_state("Loader", {"epoch": 3}, epoch=COUNT)
    {'epoch': 3}
    >>> checked_state("Loader", {"epoch": "x"}, epoch=COUNT)
    Traceback (most recent call last):
    ValueError: Loader.load_state_dict: 'epoch' must be a whole number of at least 0, got 'x'
    """
    if not isinstance(state, Mapping):
        raise ValueError(f"{owner}.load_state_dict: expected a dict, got a {type(state).__name__}")
    needed = [name for name, kind in kinds.items() if kind.needed]
    problems = [f"{name!r} is missing" for name in needed if name not in state]
    problems += [f"{str(name)!r:.60} is unknown" for name in state if name not in kinds]
    problems += [
        f"{name!r} must be {kind.words}, got {state[name]!r:.60}"
        for name, kind in kinds.items()
        if name in state and not kind.holds(state[name])
    ]
    if problems:
        raise ValueError(f"{owner}.load_state_dict: " + "; ".join(problems))
    return dict(state)
