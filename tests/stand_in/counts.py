"""Counting what a real GPU would wait for: kernel launches, synchronisations, copies to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Count", "counting", "launched", "synchronised", "tabled", "uncounted", "uploaded"]


class Count:
    """What happened inside of a `counting` block.

    Attributes:
        names: launches by the name of CuPy's function ("add", "linalg.solve", "raw:fold").
        waits: synchronisations by what caused them ("item", "get", "nonzero" ...).
        uploads: copies of NumPy's arrays to the device.
        tables: copies of CuPy's own small tables there, of addresses say.
    """

    def __init__(self) -> None:
        self.names: Counter[str] = Counter()
        self.waits: Counter[str] = Counter()
        self.uploads = 0
        self.tables = 0

    @property
    def launches(self) -> int:
        return self.names.total()

    @property
    def syncs(self) -> int:
        return self.waits.total()

    def __repr__(self) -> str:
        names = ", ".join(f"{name} {n}" for name, n in self.names.most_common())
        waits = ", ".join(f"{name} {n}" for name, n in self.waits.most_common())
        return f"{self.launches} launches ({names}), {self.syncs} synchronisations ({waits}), {self.uploads} uploads"


_open: list[Count] = []


@contextmanager
def counting() -> Iterator[Count]:
    """Count what the block does on the stand-in; blocks may be nested."""
    count = Count()
    _open.append(count)
    try:
        yield count
    finally:
        _open.remove(count)


@contextmanager
def uncounted() -> Iterator[None]:
    """Count nothing of what the block does."""
    before, _open[:] = list(_open), []
    try:
        yield
    finally:
        _open[:] = before


#: The captures of streams that go on: what they write down is not launched.
captures: list[Any] = []


def refuse(what: str, times: int = 1) -> None:
    """An error where a stream captures what it cannot."""
    if captures and times:
        raise RuntimeError(f"cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing ({what})")


def launched(name: str, times: int = 1) -> None:
    for count in _open if times and not captures else ():
        count.names[name] += times


def synchronised(name: str, times: int = 1) -> None:
    refuse(name, times)
    for count in _open if times else ():
        count.waits[name] += times


def uploaded() -> None:
    refuse("a copy from main memory")
    for count in _open:
        count.uploads += 1


def tabled(times: int) -> None:
    refuse("a table of CuPy's", times)
    for count in _open:
        count.tables += times
