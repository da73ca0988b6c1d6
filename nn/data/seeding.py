"""Random numbers of items: they follow from the loader's seed, the epoch and the place in it,
whoever fetches the item.

Data sets draw from minigrad's generator, from NumPy's global one, from that of Python's module
`random`, or from generators that they hold themselves.  minigrad's is each thread's own for a
while (`minigrad.random.seeded`).  The others are shared by
all threads: they are seeded for each item, and put back afterwards.
"""

from __future__ import annotations

import inspect
import pickle
import random as python
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any
from zlib import crc32

import numpy as np

from minigrad import Tensor, random

__all__ = ["SharedGenerators", "key_seed"]

#: How deep, and in containers of how many things, a data set is searched for generators.
DEPTH, MOST = 5, 100


def key_seed(*key: int) -> int:
    """A seed of 63 bits that follows from a key."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))


class SharedGenerators:
    """The generators that all threads share: NumPy's and Python's global ones, and those that some
    objects hold.

    >>> class Data:
    ...     def __init__(self):
    ...         self.generator = np.random.default_rng(3)
    >>> data = Data()
    >>> shared = SharedGenerators(data)
    >>> def draw():
    ...     with shared.isolated(), shared.seeded(7, 0):
    ...         return data.generator.random(), np.random.rand()
    >>> draw() == draw()
    True
    """

    def __init__(self, *owners: Any) -> None:
        self.owned = _held(owners, DEPTH, set())
        self._digests: list[int] = []

    def _all(self) -> list[Any]:
        return [np.random, python, *self.owned]

    def states(self) -> list[Any]:
        """The states of all of them."""
        return [_state(generator) for generator in self._all()]

    def moved(self, before: list[Any]) -> bool:
        """Whether one of them has another state than before."""
        return not _equal(before, self.states())

    def put_back(self, before: list[Any]) -> None:
        """Give all of them the states that they had before."""
        for generator, state in zip(self._all(), before, strict=True):
            _set_state(generator, state)

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """Put all of them back at the end."""
        before = self.states()
        self._digests = [crc32(pickle.dumps(state)) for state in before[2:]]
        try:
            yield
        finally:
            self.put_back(before)

    @contextmanager
    def seeded(self, *key: int) -> Iterator[None]:
        """Draws follow from the key, and those of held generators from their own seeds too.
        Inside of `isolated`."""
        for generator, number in zip(self._all(), [0, 1, *self._digests], strict=True):
            _seed(generator, np.random.SeedSequence([*key, number]))
        with random.seeded(*key):
            yield


def _held(things: Any, depth: int, seen: set[int]) -> list[Any]:
    """The generators in the attributes of things, and of what they hold."""
    found = []
    for thing in things:
        if id(thing) in seen or isinstance(
            thing, (type, ModuleType, np.ndarray, Tensor, str, bytes)
        ):
            continue
        seen.add(id(thing))
        if isinstance(thing, (np.random.Generator, np.random.RandomState, python.Random)):
            if not isinstance(thing, python.SystemRandom):  # which has no state
                found.append(thing)
        elif depth:
            found += _held(_parts(thing), depth - 1, seen)
    return found


def _parts(thing: Any) -> list[Any]:
    """What an object, a container or a closure holds; nothing of containers of very many things."""
    if isinstance(thing, Mapping):
        return list(thing.values()) if len(thing) <= MOST else []
    if isinstance(thing, (list, tuple, set)):
        return list(thing) if len(thing) <= MOST else []
    if isinstance(thing, FunctionType):
        return list(inspect.getclosurevars(thing).nonlocals.values())
    inside = [getattr(thing, "__self__", None)]  # of a method
    return [*inside, *getattr(thing, "__dict__", {}).values()]


def _state(generator: Any) -> Any:
    if hasattr(generator, "getstate"):
        return generator.getstate()
    if hasattr(generator, "get_state"):
        return generator.get_state(legacy=False)
    return generator.bit_generator.state


def _equal(x: Any, y: Any) -> bool:
    """Whether two states are the same."""
    if isinstance(x, np.ndarray):
        return np.array_equal(x, y)
    if isinstance(x, dict):
        return x.keys() == y.keys() and all(_equal(x[name], y[name]) for name in x)
    if isinstance(x, list):
        return all(map(_equal, x, y))
    return x == y


def _set_state(generator: Any, state: Any) -> None:
    if hasattr(generator, "setstate"):
        generator.setstate(state)
    elif hasattr(generator, "set_state"):
        generator.set_state(state)
    else:
        generator.bit_generator.state = state


def _seed(generator: Any, sequence: np.random.SeedSequence) -> None:
    if hasattr(generator, "setstate"):
        generator.seed(sequence.generate_state(4).tobytes())
    elif hasattr(generator, "set_state"):
        generator.seed(sequence.generate_state(4))
    else:
        generator.bit_generator.state = type(generator.bit_generator)(sequence).state
