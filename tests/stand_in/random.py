"""`cupy.random`: a generator with CuPy's few methods, on the device where it was made."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import array, table
from .counts import launched
from .device import current
from .values import Given

__all__ = ["Generator", "Philox4x3210", "default_rng"]


class Philox4x3210:
    """`cupy.random.Philox4x3210`: a launch sets up the states of its threads."""

    __module__ = "cupy.random"

    def __init__(self, seed: Any = None, *, size: int = -1) -> None:
        launched("random.init", 2)
        self.sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)


class Generator:
    """`cupy.random.Generator`."""

    __module__ = "cupy.random"

    def __init__(self, bit_generator: Philox4x3210) -> None:
        if not isinstance(bit_generator, Philox4x3210):
            raise TypeError(f"cupy.random.Generator takes a BitGenerator, not {type(bit_generator)}")
        self._of_numpy = np.random.default_rng(bit_generator.sequence)
        self._device = current()

    def __repr__(self) -> str:
        return f"Generator on device {self._device}"


def default_rng(seed: Any = None) -> Generator:
    return Generator(Philox4x3210(seed))


def draw(name: str) -> Any:
    parameters = table.signature("cupy.random.Generator", name)

    def run(self: Generator, *args: Any, **kwargs: Any) -> Any:
        if parameters is not None:
            parameters.bind(self, *args, **kwargs)
        if self._device != current():
            raise ValueError(f"This Generator is on device {self._device}, the current one is {current()}")
        given = Given(f"random.{name}")
        raw, options = given.raw(args), given.raw(kwargs)
        launched(f"random.{name}")
        result = getattr(self._of_numpy, name)(*raw, **options)
        return array.wrap(np.asarray(result), current())

    run.__name__ = name
    return run


for _name in table.names("cupy.random.Generator"):
    setattr(Generator, _name, draw(_name))
