"""Random numbers inside of a function that `compile` traces: drawn now, and again at each call of the program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Draw", "Draws"]


class Draw:
    """A draw from the default generator of a device, as a step of a program."""

    draws = True

    def __init__(self, generator: Callable[[Any], Any], device: Any, name: str) -> None:
        self.generator, self.device, self.__name__ = generator, device, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self.generator(self.device), self.__name__)(*args, **kwargs)


class Draws:
    """The default generator of a device, whose draws are written down."""

    def __init__(self, generator: Callable[[Any], Any], device: Any, recorder: Any) -> None:
        self._generator, self._device, self._recorder = generator, device, recorder

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._generator(self._device), name)
        if not callable(method):
            return method
        draw = Draw(self._generator, self._device, name)
        return lambda *args, **kwargs: self._recorder.call(draw, args, kwargs)
