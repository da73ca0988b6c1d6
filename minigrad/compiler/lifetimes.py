"""From when until when each value is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from .groups import Call, Group, reads_of
from .program import Var

__all__ = ["lifetimes"]


def lifetimes(groups: Sequence[Group | Call], base_of: Callable[[Var], Var], kept: Iterable[Var]) -> dict[Var, tuple[int, int]]:
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
