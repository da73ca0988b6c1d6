"""Random numbers of items: they follow from the loader's seed, the epoch and the place in it, whoever fetches the item.

Three generators are what data sets draw from: minigrad's, NumPy's global one and that of Python's module `random`.
minigrad's is each thread's own for a while (`minigrad.random.seeded`).  The other two belong to the whole process: while a
data set may draw from them, they are seeded for each item and put back afterwards.
"""

from __future__ import annotations

import random as python
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad import random

__all__ = ["isolated", "key_seed", "moved", "process_state", "seeded"]


def key_seed(*key: int) -> int:
    """A seed of 63 bits that follows from a key."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))


def process_state() -> tuple[Any, Any]:
    """The states of the generators that belong to the whole process."""
    return np.random.get_state(legacy=False), python.getstate()


def moved(before: tuple[Any, Any]) -> bool:
    """Whether somebody drew from the generators of the process since `process_state()`."""
    (numpys, pythons), (numpys_now, pythons_now) = before, process_state()
    if pythons != pythons_now or numpys["bit_generator"] != numpys_now["bit_generator"]:
        return True
    if any(numpys[name] != numpys_now[name] for name in ("has_gauss", "gauss")):
        return True
    old, new = numpys["state"], numpys_now["state"]
    return any(not np.array_equal(old[name], new[name]) for name in old)


@contextmanager
def isolated() -> Iterator[None]:
    """Put the generators of the process back at the end."""
    numpys, pythons = process_state()
    try:
        yield
    finally:
        np.random.set_state(numpys)
        python.setstate(pythons)


@contextmanager
def seeded(*key: int, process: bool) -> Iterator[None]:
    """Draws that follow from the key: minigrad's in this thread and, with `process`, the other two."""
    if process:
        words = np.random.SeedSequence(key).generate_state(4)
        np.random.seed(words)
        python.seed(words.tobytes())
    with random.seeded(*key):
        yield
