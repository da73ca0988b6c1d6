"""A loop over steps in native code: a function that calls another one, and moves its addresses on, step by step."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from ..backend import address_of
from .native import compile_text
from .text import Target, Text, functions

__all__ = ["frame_of", "repeat"]


@functools.cache
def repeat() -> Callable[[int], None]:
    """The function, which takes the address of a frame that `frame_of` makes."""
    return compile_text(_written, "repeat")


def frame_of(address: int, frame: np.ndarray, moves: np.ndarray, steps: int) -> np.ndarray:
    """What `repeat` is told.

    Args:
        address: of the function that runs in each step.
        frame: of that function; it and the moves must live as long as the result is used.
        moves: what each number of that frame grows by, from one step to the next.
    """
    return np.array([address, address_of(frame), address_of(moves), len(frame), steps], np.int64)


def _written(target: Target, name: str) -> str:
    text = Text(target)
    places = [text.moved("%frame", str(i), 8) for i in range(5)]
    function, frame, moves = (text.let(f"load ptr, ptr {place}") for place in places[:3])
    slots, steps = (text.let(f"load i64, ptr {place}") for place in places[3:])

    def move(slot: str) -> None:
        place = text.moved(frame, slot, 8)
        by, address = text.let(f"load i64, ptr {text.moved(moves, slot, 8)}"), text.let(f"load i64, ptr {place}")
        text.do(f"store i64 {text.plus(address, by)}, ptr {place}")

    def step(_: str) -> None:
        text.do(f"call void {function}(ptr {frame})")
        text.count_up(slots, move)

    text.count_up(steps, step)
    return functions([text], [name])
