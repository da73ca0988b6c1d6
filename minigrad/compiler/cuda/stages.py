"""How the threads of a GPU share the work of a loop: a list of stages.

A *stage* has a *team* of threads for each point of its outer axes.  The members of a team go over the points of the inner
axes, once or more often: in *sweeps*, since a sum over a row must be complete before it is used.  Elementwise code is a
stage without inner axes, whose teams are single threads.  Softmax is a stage of three sweeps: a team has a row.

What a stage needs from an earlier one goes through memory: the results of reductions, nothing else; what can be computed
again from the arrays is.  Where there are few teams for many points, each team has a *part* of them, and the next stage puts
the parts together.  So sums are added up in an order that depends on the shape alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..loops import Loop
from ..steps import Compute, Load, Reduce, Step, Store, reads

__all__ = ["THREADS", "Stage", "loads_of", "needs_of", "planned", "takes"]

#: Threads of a block.
THREADS = 256
#: With fewer threads than ENOUGH, teams get parts of SHARE points for each member, until there are MOST threads.
ENOUGH, MOST, SHARE = 1 << 16, 1 << 18, 16
#: So many points of a row are a member's, about.
EACH = 8
#: A team of one thread has at most so many points, unless there are many teams.
ALONE = 32


@dataclass(frozen=True)
class Stage:
    """What runs between two meetings of all threads.

    Attributes:
        outer, inner: axes; of each point of the outer ones there is a team, or one for each part.
        members: the threads of a team, a power of 2.
        across: whether neighbouring threads are in neighbouring teams, not in one.
        parts: among how many teams the points of the inner axes are divided.
        joined: reductions whose parts, so many each, are put together first.
        sweeps: the stores and reductions of each visit to the inner axes.
        after: the numbers of the stages that must have ended.
    """

    outer: tuple[int, ...]
    inner: tuple[int, ...]
    members: int
    across: bool
    parts: int = 1
    joined: tuple[tuple[int, int], ...] = ()
    sweeps: tuple[tuple[int, ...], ...] = ()
    after: frozenset[int] = frozenset()

    @property
    def roots(self) -> tuple[int, ...]:
        return tuple(root for sweep in self.sweeps for root in sweep)


def takes(loop: Loop) -> bool:
    """Whether a loop is for these stages: no product of arrays is summed.

    A product reads each number many times, and so needs blocks that share what they read, as cuBLAS's have.

    >>> from minigrad.compiler.steps import Operand
    >>> x, w = Operand("float32", (4, 0, 1)), Operand("float32", (0, 1, 3))
    >>> product = Load(0), Load(1), Compute("multiply", (0, 1)), Reduce("add", 2, (2,))
    >>> takes(Loop((2, 3, 4), (x, w), product)), takes(Loop((2, 3, 4), (x,), (Load(0), Reduce("add", 0, (2,)))))
    (False, True)
    """
    for i, step in enumerate(loop.code):
        if isinstance(step, Reduce):
            moves = [loop.moves(operand) for operand in loads_of(loop, i)]
            if len(moves) > 1 and not any(loop.axes[step.value] <= m for m in moves):
                return False
    return True


def _reached(loop: Loop, root: int, found: type[Step]) -> Iterable[int]:
    """The steps of a kind that a root needs, not looking beyond reductions."""
    waiting, seen = list(reads(loop.code[root])), set()
    while waiting:
        i = waiting.pop()
        step = loop.code[i]
        if i in seen:
            continue
        seen.add(i)
        if isinstance(step, found):
            yield i
        if isinstance(step, Compute):
            waiting.extend(step.args)


def loads_of(loop: Loop, root: int) -> set[int]:
    """The operands that are read for a store or a reduction."""
    return {step.operand for i in _reached(loop, root, Load) if isinstance(step := loop.code[i], Load)}


def needs_of(loop: Loop, root: int) -> set[int]:
    """The reductions whose results a store or a reduction needs."""
    return set(_reached(loop, root, Reduce))


def planned(loop: Loop) -> list[Stage]:
    """The stages of a simplified loop.

    Raises:
        ValueError: for a product, which they do not compute.
    """
    if not takes(loop):
        raise ValueError(f"{loop.name} sums a product of arrays, which np.matmul or a kernel of its own computes on a GPU")
    return _Planner(loop).stages


class _Planner:
    """Takes for each stage what can run together, first the reductions."""

    def __init__(self, loop: Loop) -> None:
        self.loop, self.stages = loop, list[Stage]()
        self.roots = self._all_roots()
        self.needs = {i: needs_of(loop, i) for i in self.roots}
        self.loads = {i: loads_of(loop, i) for i in self.roots}
        self.known: dict[int, int] = {}  # the reductions whose results are there, and the stage that gives them
        left = list(self.roots)
        while left:
            left = self._without_done(left)

    def _all_roots(self) -> list[int]:
        """The stores of which there is something to store, and the reductions that they need."""
        loop = self.loop
        found = {i for i, step in enumerate(loop.code) if isinstance(step, Store) and all(loop.space[a] for a in loop.axes[i])}
        waiting = list(found)
        while waiting:
            new = needs_of(loop, waiting.pop()) - found
            found |= new
            waiting.extend(new)
        return sorted(found)

    def _without_done(self, left: list[int]) -> list[int]:
        """Plan a stage, and if its reductions are made in parts the next one too; what is left then."""
        outer, inner = self._axes_of_the_next(left)
        parts = parts_for(self.loop, outer, inner)
        roots = self._that_fit(left, outer, inner, parts, set())
        stage = self._stage(left, Stage(outer, inner, *team_for(self.loop, outer, inner), parts), roots)
        if parts > 1:
            left = [i for i in left if i not in stage.roots]
            sums = tuple((i, parts) for i in stage.roots if isinstance(self.loop.code[i], Reduce))
            roots = self._that_fit(left, outer, (), 1, {i for i, _ in sums})
            points = math.prod(self.loop.space[a] for a in outer)
            stage = self._stage(left, Stage(outer, (), *_team(points, parts, points > 1), joined=sums), roots)
        self.known.update((i, len(self.stages) - 1) for i in self.roots if i not in self.known and self._is_made(i))
        return [i for i in left if i not in stage.roots]

    def _is_made(self, i: int) -> bool:
        last = self.stages[-1]
        return isinstance(self.loop.code[i], Reduce) and i in (*last.roots, *(j for j, _ in last.joined))

    def _axes_of_the_next(self, left: list[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The outer and inner axes of the stage for the largest reduction that can run, or the largest store."""
        loop = self.loop
        ready = [i for i in left if isinstance(loop.code[i], Reduce) and self.needs[i] <= self.known.keys()]
        first = max(ready or left, key=lambda i: math.prod(max(loop.space[a], 1) for a in self._axes(i)))
        step = loop.code[first]
        inner = tuple(sorted(step.axes)) if isinstance(step, Reduce) else ()
        return tuple(sorted(self._axes(first) - set(inner))), inner

    def _axes(self, i: int) -> set[int]:
        step = self.loop.code[i]
        return {*self.loop.axes[i], *(step.axes if isinstance(step, Reduce) else ())}

    def _that_fit(
        self, left: list[int], outer: tuple[int, ...], inner: tuple[int, ...], parts: int, made: set[int]
    ) -> dict[int, int]:
        """The roots that can run at the points of these axes, and the sweep of each.

        Args:
            made: reductions whose results the stage has before its sweeps.
        """
        loop, found = self.loop, dict[int, int]()
        for i in left:
            step, own = loop.code[i], {r for r in self.needs[i] if r in found}
            if not self.needs[i] - own <= self.known.keys() | made or (own and parts > 1):
                continue
            if isinstance(step, Reduce):
                fits = bool(inner) and set(step.axes) == set(inner) and loop.axes[i] == set(outer)
            else:
                fits = loop.axes[i] in ({*outer, *inner}, set(outer))
            if fits:
                found[i] = max((found[r] + 1 for r in own), default=0)
        while late := self._must_wait(left, found, {*outer, *inner}):
            del found[late.pop()]
        self._delay_stores(found)
        return found

    def _delay_stores(self, found: dict[int, int]) -> None:
        """No store comes in an earlier sweep than the last that reads what it overwrites."""
        stores = {i: step.operand for i in found if isinstance(step := self.loop.code[i], Store)}
        changed = True
        while changed:
            changed = False
            for i, operand in stores.items():
                last = max(found[j] for j in found if j == i or operand in self.loads[j])
                found[i], changed = last, changed or last > found[i]

    def _must_wait(self, left: list[int], found: dict[int, int], axes: set[int]) -> set[int]:
        """The stores that would overwrite what is still read: in a later stage, or here at another point."""
        late = set()
        for i in found:
            if isinstance(store := self.loop.code[i], Store):
                readers = {j for j in left if store.operand in self.loads[j]}
                if readers and not (readers <= found.keys() and self.loop.moves(store.operand) == axes):
                    late.add(i)
        return late

    def _stage(self, left: list[int], stage: Stage, roots: dict[int, int]) -> Stage:
        """The stage with its sweeps, and what it waits for."""
        sweeps = tuple(tuple(i for i in roots if roots[i] == k) for k in range(max(roots.values(), default=-1) + 1))
        joined = {i for i, _ in stage.joined}
        after = {self.known[r] for i in roots for r in self.needs[i] if r in self.known}
        written = {step.operand for i in roots if isinstance(step := self.loop.code[i], Store)}
        for number, earlier in enumerate(self.stages):
            reads_it = any(self.loads[i] & written for i in earlier.roots)
            if reads_it or joined & set(earlier.roots):
                after.add(number)
        self.stages.append(replace(stage, sweeps=sweeps, after=frozenset(after)))
        return self.stages[-1]


def team_for(loop: Loop, outer: tuple[int, ...], inner: tuple[int, ...]) -> tuple[int, bool]:
    """The members of a team, and whether neighbouring threads are in neighbouring teams: those read side by side."""
    points = math.prod(loop.space[a] for a in outer)
    return _team(points, math.prod(loop.space[a] for a in inner), max(outer, default=-1) > max(inner, default=-1))


def _team(teams: int, points: int, across: bool) -> tuple[int, bool]:
    """So many teams, each with so many points."""
    if points < ALONE or (across and teams >= ENOUGH):
        return 1, True
    if across:
        return THREADS // min(32, _power_of_two(teams)), True
    return min(max(_power_of_two(-(-points // EACH)), 32), THREADS), False


def parts_for(loop: Loop, outer: tuple[int, ...], inner: tuple[int, ...]) -> int:
    """Into how many parts the points of the inner axes are divided: one where that makes enough threads busy."""
    members, _ = team_for(loop, outer, inner)
    threads = members * math.prod(loop.space[a] for a in outer)
    points = math.prod(loop.space[a] for a in inner)
    if not 0 < threads < ENOUGH or points < 2 * SHARE * members:
        return 1
    return min(-(-points // (SHARE * members)), -(-MOST // threads))


def _power_of_two(n: int) -> int:
    """The least power of 2 that is not less than n."""
    return 1 << max(n - 1, 0).bit_length()
