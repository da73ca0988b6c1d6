"""Memory that values share which are never needed at the same time."""

from __future__ import annotations

from bisect import insort
from collections.abc import Hashable, Mapping
from typing import TypeVar

__all__ = ["offsets"]

#: Every value begins at a multiple of so many bytes: a row of cache.
ALIGNED = 64
Value = TypeVar("Value", bound=Hashable)


def offsets(sizes: Mapping[Value, int], lives: Mapping[Value, tuple[int, int]]) -> tuple[dict[Value, int], int]:
    """Where in one piece of memory values begin, and its size; what is needed at the same time does not overlap.

    The smallest gap that is large enough is taken; where there is none, the memory grows.

    >>> offsets({"a": 100, "b": 8, "c": 64}, {"a": (0, 1), "b": (1, 3), "c": (2, 3)})
    ({'a': 0, 'b': 128, 'c': 0}, 192)
    """
    gaps: list[tuple[int, int]] = []  # where free memory begins and ends, in order
    ends: list[tuple[int, int, int]] = []  # the last group of what is placed, and where it begins and ends
    found: dict[Value, int] = {}
    total = 0
    for v in sorted(sizes, key=lambda v: lives[v]):
        while ends and ends[0][0] < lives[v][0]:
            _free(gaps, *ends.pop(0)[1:])
        size = -(-sizes[v] // ALIGNED) * ALIGNED
        gap = min((g for g in gaps if g[1] - g[0] >= size), key=lambda g: g[1] - g[0], default=None)
        if gap is None and gaps and gaps[-1][1] == total:
            gap = gaps[-1]
        start = total if gap is None else gap[0]
        if gap is not None:
            gaps.remove(gap)
            if start + size < gap[1]:
                insort(gaps, (start + size, gap[1]))
        total = max(total, start + size)
        found[v] = start
        insort(ends, (lives[v][1], start, start + size))
    return found, total


def _free(gaps: list[tuple[int, int]], start: int, end: int) -> None:
    """Add a gap to others; those that touch it become one with it."""
    for gap in [g for g in gaps if g[1] == start or g[0] == end]:
        gaps.remove(gap)
        start, end = min(start, gap[0]), max(end, gap[1])
    insort(gaps, (start, end))
