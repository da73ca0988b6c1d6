"""Random numbers of items: they follow from the loader's seed, the epoch and the place in it,
whoever fetches the item.

Data sets draw from minigrad's generator, from NumPy's global one, from that of Python's module
`random`, or from generators that they hold themselves or reach by a name, in a module or a closure.
minigrad's is each thread's own for a while (`minigrad.random.seeded`).  The others are shared by
all threads: they are seeded for each item, and put back afterwards.
"""

from __future__ import annotations

import pickle
import random as python
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from types import CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any
from zlib import crc32

import numpy as np

from minigrad import Tensor, random

__all__ = ["SharedGenerators", "key_seed", "with_draws_of_its_own"]

#: How deep, in containers of how many things, and among how many, generators are searched for.
DEPTH, MOST, MOST_SEEN = 8, 100, 3000

#: Packages whose functions draw from the global generators only, or from what they are given.
_LIBRARIES = {"minigrad", "nn", "numpy", "scipy", *sys.stdlib_module_names}

_END = object()

#: What holds no generator.
_NOTHING_IN = (
    ModuleType, np.ndarray, np.generic, Tensor, str, bytes, int, float, complex, type(None), CodeType,
)  # fmt: skip


def key_seed(*key: int) -> int:
    """A seed of 63 bits that follows from a key."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))


class SharedGenerators:
    """The generators that all threads share: NumPy's and Python's global ones, and those that some
    objects hold: in attributes, slots, closures, default arguments and the globals that they name.

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
        self.owners, self.owned = owners, _held(owners)
        self._digests = [crc32(pickle.dumps(_state(generator))) for generator in self.owned]

    def __getstate__(self) -> dict[str, Any]:
        """What another process gets: it has globals of its own, which it finds anew."""
        return {"owners": self.owners, "_digests": self._digests}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(*state["owners"])  # type: ignore[misc]
        if len(self.owned) == len(state["_digests"]):  # of the generators as they are over there
            self._digests = state["_digests"]

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
        try:
            yield
        finally:
            self.put_back(before)

    @contextmanager
    def seeded(self, *key: int) -> Iterator[None]:
        """Draws follow from the key, and those of held generators from their own seeds too.
        Inside of `isolated`."""
        self.seed(*key)
        with random.seeded(*key):
            yield

    def seed(self, *key: int) -> None:
        """Seed all of them, each by the key and a number of its own."""
        for generator, number in zip(self._all(), [0, 1, *self._digests], strict=True):
            _seed(generator, np.random.SeedSequence([*key, number]))


def with_draws_of_its_own(
    start: Callable[[], Iterator[Any]], owners: tuple[Any, ...], *key: int
) -> Iterator[Any]:
    """An iterator whose draws follow from the key, and do not move the caller's generators.

    What it draws at one step goes on where the step before has ended, whatever others draw
    meanwhile.

    >>> def shuffled():
    ...     yield from np.random.permutation(9).tolist()
    >>> list(with_draws_of_its_own(shuffled, (), 7)) == list(with_draws_of_its_own(shuffled, (), 7))
    True
    """
    shared, stream = SharedGenerators(*owners), random.seeded(*key)
    before = shared.states()
    shared.seed(*key)
    at = shared.states()
    shared.put_back(before)
    items: Iterator[Any] | None = None
    while True:
        with shared.isolated(), stream:
            shared.put_back(at)
            items = start() if items is None else items
            item = next(items, _END)
            at = shared.states()
        if item is _END:
            return
        yield item


def _held(owners: Iterable[Any]) -> list[Any]:
    """The generators that objects hold, or that their functions reach by a name."""
    # those behind `np.random.rand` and `random.random` are seeded as such
    seen = {id(np.random.rand.__self__), id(python.random.__self__)}  # type: ignore[attr-defined]
    found, level = [], list(owners)
    for _ in range(DEPTH):
        below = []
        for thing in level:
            if id(thing) in seen or isinstance(thing, _NOTHING_IN):
                continue
            seen.add(id(thing))
            if isinstance(thing, (np.random.Generator, np.random.RandomState, python.Random)):
                if not isinstance(thing, python.SystemRandom):  # which has no state
                    found.append(thing)
            elif len(seen) < MOST_SEEN:
                below += _parts(thing)
        level = below
    return found


def _parts(thing: Any) -> list[Any]:
    """What an object, a container or a function holds; nothing of containers of very many things."""
    if isinstance(thing, Mapping):
        return list(thing.values()) if len(thing) <= MOST else []
    if isinstance(thing, (list, tuple, set)):
        return list(thing) if len(thing) <= MOST else []
    if isinstance(thing, FunctionType):
        return _parts_of_function(thing)
    if isinstance(thing, (staticmethod, classmethod, MethodType)):
        return [thing.__func__, getattr(thing, "__self__", None)]
    if isinstance(thing, partial):
        return [thing.func, *thing.args, *thing.keywords.values()]
    if isinstance(thing, property):
        return [thing.fget]
    if isinstance(thing, type):
        return [] if _of_library(thing) else [*vars(thing).values(), *thing.__bases__]
    method_of = getattr(thing, "__self__", None)  # of a method that is written in C
    return [type(thing), method_of, *getattr(thing, "__dict__", {}).values(), *_slots(thing)]


def _slots(thing: Any) -> list[Any]:
    """What stands in the `__slots__` of an object."""
    kinds = [kind for kind in type(thing).__mro__ if not _of_library(kind)]
    names = [n for k in kinds for n, v in vars(k).items() if isinstance(v, MemberDescriptorType)]
    return [getattr(thing, name, None) for name in names]


def _parts_of_function(function: FunctionType) -> list[Any]:
    """What a function closes over, its defaults, and the globals that it names, also `module.name`."""
    if _of_library(function):
        return []
    closed = []
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # it is empty until the name has a value
            closed.append(cell.cell_contents)
    names = _names(function.__code__)
    named = [function.__globals__.get(name) for name in names]
    modules = [m for m in named if isinstance(m, ModuleType) and not _is_library(m.__name__)]
    named += [vars(module).get(name) for module in modules for name in names]
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return [*closed, *defaults, *named, *vars(function).values()]


def _names(code: CodeType) -> set[str]:
    """The names in a function, and in the functions inside of it."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*map(_names, inner))


def _of_library(thing: Any) -> bool:
    return _is_library(getattr(thing, "__module__", None) or "builtins")


def _is_library(module: str) -> bool:
    """Whether a module is one whose functions hold no generators but the global ones."""
    return module.partition(".")[0] in _LIBRARIES


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
