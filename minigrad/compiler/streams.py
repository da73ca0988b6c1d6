"""Streams of random numbers that a trace cannot write down: a program would use the same numbers at each call."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..arrays.traced import CannotTrace
from ..random.state import get_state, set_state

__all__ = ["Drawn", "Streams"]


class Drawn(CannotTrace):
    """A traced function has drawn random numbers that a program could not draw again."""


class Streams:
    """Where all streams stand before a function is traced.

    Args:
        generators: NumPy's and Python's that the function can reach; the global ones, and minigrad's own, belong to it always.
    """

    def __init__(self, generators: Sequence[Any]) -> None:
        self.foreign: list[tuple[str, Callable[[], Any], Callable[[Any], None]]] = [_stream(g) for g in generators]
        self.foreign += [
            ("numpy.random", lambda: np.random.get_state(legacy=False), np.random.set_state),
            ("Python's random", random.getstate, random.setstate),
        ]
        self.states = [read() for _, read, _ in self.foreign]
        self.now, self.own = self.states, get_state()

    def refuse_draws(self, line: str = "") -> None:
        """Raise Drawn where one of them has moved on; minigrad's own draws are steps of the program.

        Args:
            line: where the function is.
        """
        for (name, read, _), before in zip(self.foreign, self.now, strict=True):
            if pickle.dumps(read()) != pickle.dumps(before):
                raise Drawn(
                    f"the function that compile traces draws from {name}{line and ' at ' + line}, and the program would use "
                    "the same numbers at each call: draw with minigrad.random, or draw outside of it and give the numbers as an "
                    "argument"
                )

    def go_on(self) -> None:
        """What was drawn until now belongs to a step of the program."""
        self.now = [read() for _, read, _ in self.foreign]

    def go_back(self) -> None:
        """All stand where they stood."""
        for (_, _, write), before in zip(self.foreign, self.states, strict=True):
            write(before)
        set_state(self.own)


def _stream(g: Any) -> tuple[str, Callable[[], Any], Callable[[Any], None]]:
    """What a generator is called, how its state is read, and how it is set."""
    if isinstance(g, np.random.RandomState):
        return "a numpy.random.RandomState", partial(g.get_state, legacy=False), g.set_state
    if isinstance(g, random.Random):
        return "a random.Random", g.getstate, g.setstate
    return "a numpy.random.Generator", partial(getattr, g.bit_generator, "state"), partial(setattr, g.bit_generator, "state")
