"""Numbers of a computation, and where a page finds them; when what one types is such a number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import floor, isfinite, log10
from typing import Any, NamedTuple

from .explain import Explained
from .numbers import host

__all__ = ["Term", "agree_to_two_digits", "local", "minus", "term", "tolerance", "total", "typed_number", "where"]

FRACTION = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?:/(\d+\.?\d*))?", re.IGNORECASE | re.ASCII)


class Term(NamedTuple):
    """A number of the computation, and where a page finds it.

    Attributes:
        number: what it is; NaN where it is not known.
        sign: 1 or -1.
        what: "value", "gradient", "arrives", "sent", or "local": what is sent for a gradient of 1.
        step, which, element: of which step, the how-many-th of those that arrive or are sent, and which number of the array.
    """

    number: float
    sign: int
    what: str
    step: int
    which: int
    element: int


def tolerance(answer: float) -> float:
    """How far a number may be from the answer and still have the same two digits.

    >>> tolerance(34.78), tolerance(0.042), tolerance(0.0)
    (0.5, 0.0005, 0.005)
    """
    return 0.005 if answer == 0 else float(f"{0.5 * 10.0 ** (floor(log10(abs(answer))) - 1):.4g}")


def term(what: str, row: Explained, which: int, element: int, value: Any) -> Term:
    """One of the numbers of a value or gradient."""
    known = None if value is None or isinstance(value, tuple) else host(value).ravel()
    is_there = known is not None and element < known.size and known.dtype.kind in "fiub"
    return Term(float(known[element]) if is_there else float("nan"), 1, what, row.step.id, which, element)  # type: ignore[index]


def local(row: Explained, which: int) -> Term:
    """What a rule sends for a gradient of 1: of single numbers, and of a gradient that is not 0."""
    sent, gradient = row.rules[which].sent, row.gradient
    is_single = all(x is not None and not isinstance(x, tuple) and host(x).size == 1 for x in (sent, gradient))
    slope = float("nan")
    if is_single and (g := float(host(gradient).reshape(()))) != 0:
        slope = float(host(sent).reshape(())) / g
    return Term(slope, 1, "local", row.step.id, which, 0)


def minus(number: Term) -> Term:
    """The same number with the other sign."""
    return number._replace(sign=-number.sign)


def total(terms: Iterable[Term]) -> float:
    """The sum of numbers with their signs."""
    return sum(part.sign * part.number for part in terms)


def where(number: Term) -> list[Any]:
    """Where a page finds a number."""
    return [*number[1:]]


def typed_number(answer: float | str) -> float | None:
    """A number as one types it; None of what is none.  The page's `typedNumber` is the same.

    >>> typed_number("0.5"), typed_number("1,5"), typed_number("1/4"), typed_number("a half")
    (0.5, 1.5, 0.25, None)
    """
    if not isinstance(answer, str):
        return float(answer)
    match = FRACTION.fullmatch("".join(answer.split()).replace(",", ".").replace("−", "-"))
    if match is None or (match[2] is not None and float(match[2]) == 0):
        return None
    return float(match[1]) / float(match[2] or 1)


def agree_to_two_digits(typed: float, answer: Any) -> bool:
    """Whether two numbers agree to two digits."""
    return isfinite(answer) and abs(typed - answer) <= tolerance(answer) * (1 + 1e-6)
