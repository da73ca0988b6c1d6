"""From when until when each value is needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .groups import Call, Group
from .hazards import Memory, reads, writes
from .program import Var

__all__ = ["lifetimes"]


def lifetimes(groups: Sequence[Group | Call], memory: Memory, kept: Iterable[Var]) -> dict[Var, tuple[int, int]]:
    """For each array the numbers of the first and the last group that write or read it.

    Args:
        memory: in which arrays values may lie.
        kept: what is read after the last group.
    """
    first: dict[Var, int] = {}
    last: dict[Var, int] = {}
    for i, group in enumerate(groups):
        made = memory.of_all(group.outs) if isinstance(group, Call) else set()
        for v in reads(group, memory) | writes(group, memory) | made:
            first.setdefault(v, i)
            last[v] = i
    for v in memory.of_all(list(kept)):
        first.setdefault(v, 0)
        last[v] = len(groups)
    return {v: (i, last[v]) for v, i in first.items()}
