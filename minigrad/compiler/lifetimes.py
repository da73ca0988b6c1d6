"""From when until when each value is needed, and memory that values share which are never needed at the same time."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from .groups import Call, Group, reads_of
from .program import Var

__all__ = ["lifetimes", "offsets"]

#: Every value begins at a multiple of so many bytes: a row of cache.
ALIGNED = 64


def lifetimes(
    groups: Sequence[Group | Call], base_of: Callable[[Var], Var], kept: Iterable[Var]
) -> dict[Var, tuple[int, int]]:
    """For each value the numbers of the first and the last group that write or read it.

    Args:
        base_of: the value of which another one is a view.
        kept: what is read after the last group.
    """
    first: dict[Var, int] = {}
    last: dict[Var, int] = {}
    for i, group in enumerate(groups):
        for v in _touched(group):
            first.setdefault(base_of(v), i)
            last[base_of(v)] = i
    for v in map(base_of, kept):
        first.setdefault(v, 0)
        last[v] = len(groups)
    for i, group in reversed(list(enumerate(groups))):
        if isinstance(group, Call) and not isinstance(group.step.function, np.ufunc):  # it may give a view of what it reads
            end = max((last[base_of(v)] for v in group.outs), default=i)
            for v in map(base_of, reads_of(group)):
                last[v] = max(last[v], end)
    return {v: (i, last[v]) for v, i in first.items()}


def _touched(group: Group | Call) -> list[Var]:
    outs = group.outs if isinstance(group, Call) else ()
    return [v for v in (*reads_of(group), *outs) if type(v) is Var]


def offsets(sizes: Mapping[Var, int], lives: Mapping[Var, tuple[int, int]]) -> tuple[dict[Var, int], int]:
    """Where in one piece of memory values begin, and its size; what is needed at the same time does not overlap.

    The smallest gap that is large enough is taken; where there is none, the memory grows.

    >>> a, b, c = (Var(i, (), np.dtype("float64")) for i in range(3))
    >>> offsets({a: 100, b: 8, c: 64}, {a: (0, 1), b: (1, 3), c: (2, 3)})
    ({v0: 0, v1: 128, v2: 0}, 192)
    """
    gaps: list[tuple[int, int]] = []  # where free memory begins and ends, in order
    ends: list[tuple[int, int, int]] = []  # the last group of what is placed, and where it begins and ends
    found: dict[Var, int] = {}
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
