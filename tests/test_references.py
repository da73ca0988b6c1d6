"""The measured numbers of references mean what they say on this version of Python, wherever one is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from sys import getrefcount
from typing import Any

import numpy as np
import pytest

from minigrad import Tensor
from minigrad.references import HELD, OURS


@dataclass(slots=True)
class Slots:
    x: Any


class Attributes:
    def __init__(self, x: Any) -> None:
        self.x = x


#: Ways to hold an object: what makes the holder, what counts, and what gives the object itself.
HOLDERS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], int], Callable[[Any], Any]]] = {
    "slots": (Slots, lambda holder: getrefcount(holder.x), lambda holder: holder.x),
    "attribute": (Attributes, lambda holder: getrefcount(holder.x), lambda holder: holder.x),
    "dict": (lambda x: {"x": x}, lambda holder: getrefcount(holder["x"]), lambda holder: holder["x"]),
    "list": (lambda x: [x], lambda holder: getrefcount(holder[0]), lambda holder: holder[0]),
    "a tensor": (Tensor, lambda holder: getrefcount(holder._array), lambda holder: holder._array),
    "a property": (Tensor, lambda holder: getrefcount(holder.data), lambda holder: holder.data),
    "a view": (lambda x: x[1:], lambda holder: getrefcount(holder.base), lambda holder: holder.base),
}


@pytest.mark.parametrize("name", HOLDERS)
def test_what_one_object_holds(name: str) -> None:
    hold, count, held = HOLDERS[name]
    holder = hold(np.zeros(3))
    assert count(holder) == HELD
    again = hold(held(holder))
    assert count(holder) == count(again) == HELD + 1


def test_what_only_a_caller_and_its_callee_know() -> None:
    def count(x: Any) -> int:
        return getrefcount(x)

    x = np.zeros(3)
    assert count(x) == OURS
    y = x
    assert count(x) == OURS + 1
    del y
    assert count(x) == OURS
