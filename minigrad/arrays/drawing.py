"""Random numbers inside of `vmap`: different for each example, the same for all, or refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .batch import Level, newest
from .fallback import row

__all__ = ["Drawing"]


class Drawing:
    """A generator of random numbers as the levels of `vmap` around it want to see it."""

    def __init__(self, generator: Any, levels: Sequence[Level]) -> None:
        self._generator, self._levels = generator, levels

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._generator, name)
        if not callable(method):
            return method

        def draw(*args: Any, **kwargs: Any) -> Any:
            return self._draw(method, list(self._levels), args, kwargs)

        return draw

    def _draw(self, method: Callable[..., Any], levels: list[Level], args: Any, kwargs: Any) -> Any:
        if not levels:
            return method(*args, **kwargs)
        *outer, level = levels
        if level.randomness == "error":
            raise RuntimeError(
                "random numbers are drawn under vmap: say vmap(f, randomness='different') for others in each example, or "
                "randomness='same' for the same in all"
            )
        same = level.randomness == "same"
        if same and newest((args, kwargs)) is None:
            return self._draw(method, outer, args, kwargs)
        state = self._generator.bit_generator.state if same else None
        drawn = []
        for i in range(level.size):
            if same:
                self._generator.bit_generator.state = state
            drawn.append(self._draw(method, outer, row(args, i, level), row(kwargs, i, level)))
        if not drawn:
            raise ValueError(
                "random numbers are drawn under vmap of no examples: nothing says of which shape"
            )
        return level.batch(np.stack(drawn))
