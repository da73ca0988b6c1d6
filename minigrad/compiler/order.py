"""When each step of a loop can run: over which axes, after what.

The innermost axis is the *row*, along which vectors run.  Of the others, those over which something is reduced are
*serial*, the rest *parallel*.  Steps over the same serial axes share a *nest* of loops over these.
"""

from __future__ import annotations

from functools import cached_property

from .loops import Loop
from .spaces import inner_axis
from .steps import Compute, Load, Reduce, Store, reads

__all__ = ["CHEAP", "Order", "Time"]

#: A value that takes more operations than this is kept for later instead of computed again.
CHEAP = 10

#: When something happens: the level of a nest, which needs the results of lower levels; the number of its serial axes
#: and these axes; and the number of a sweep in it.  In this order nests run.
Time = tuple[int, int, tuple[int, ...], int]


class Order:
    """What the steps of a simplified loop of basic operations wait for.

    Attributes:
        row, serial, parallel: the axes.
        done: when each value is first computed, each store made, each reduction added up.
    """

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.row = inner_axis(loop) if loop.space else None
        self.serial = tuple(a for a in range(len(loop.space)) if a != self.row and self._is_serial(a))
        self.parallel = tuple(a for a in range(len(loop.space)) if a != self.row and a not in self.serial)
        self.done: list[Time] = []
        self._time()
        self._delay_stores()

    def _is_serial(self, axis: int) -> bool:
        """Whether it is reduced over, or something is to be done once, not at each point: a store, a dear row."""
        code, loop = self.loop.code, self.loop
        for i, step in enumerate(code):
            stays = axis not in loop.axes[i]
            if isinstance(step, Reduce) and axis in step.axes or isinstance(step, Store) and stays:
                return True
            if stays and self.varies(i) and self.cost[i] > CHEAP:
                return True
        return False

    def axes(self, i: int) -> frozenset[int]:
        """The axes that a step runs over."""
        step = self.loop.code[i]
        return self.loop.axes[step.value] | set(step.axes) if isinstance(step, Reduce) else self.loop.axes[i]

    def along_row(self, i: int) -> bool:
        """Whether a step runs once for each element of a row, not once for the row."""
        return self.row in self.axes(i)

    def varies(self, value: int) -> bool:
        """Whether a value differs from element to element of a row."""
        return self.row in self.loop.axes[value]

    def serial_axes(self, i: int) -> tuple[int, ...]:
        """The serial axes at each point of which a step runs."""
        return tuple(a for a in self.serial if a in self.axes(i))

    def accumulates(self, i: int) -> bool:
        """Whether a step is a reduction over serial axes, which adds to a buffer from row to row."""
        step = self.loop.code[i]
        return isinstance(step, Reduce) and not set(step.axes).isdisjoint(self.serial)

    def wide(self, i: int) -> str:
        """The dtype in which a reduction is added up from block to block and from row to row."""
        step, dtype = self.loop.code[i], self.loop.dtypes[i]
        return "float64" if isinstance(step, Reduce) and step.op == "add" and dtype == "float32" else dtype

    @cached_property
    def cost(self) -> list[int]:
        """How many operations it takes to compute a value along the row from what is in memory."""
        found: list[int] = []
        for i, step in enumerate(self.loop.code):
            below = sum(found[v] for v in reads(step)) if isinstance(step, Compute) and self.varies(i) else 0
            own = 4 if isinstance(step, Compute) and step.op in ("divide", "sqrt") else 1
            found.append(min(below + own, 1000))
        return found

    def _time(self) -> None:
        """Find when each step can run first.

        A nest is the place of steps over the same serial axes.  Of one level those over fewer axes run first, since
        what they give is used by those over more, never the other way round.
        """
        ready: list[tuple[int, int]] = []  # the level and the sweep from which on a value can be used
        for i, step in enumerate(self.loop.code):
            level, sweep = max((ready[v] for v in reads(step)), default=(0, 0))
            axes = self.serial_axes(i)
            self.done.append((level, len(axes), axes, sweep))
            after = (level + 1, 0) if self.accumulates(i) else (level, sweep + 1)
            ready.append(after if isinstance(step, Reduce) else (level, sweep))

    def _delay_stores(self) -> None:
        """No store runs before the last sweep that loads what it overwrites."""
        code = self.loop.code
        stores = {step.operand: i for i, step in enumerate(code) if isinstance(step, Store)}
        loads = self._loads({step.operand for step in code if isinstance(step, Load)} & stores.keys())
        changed = True
        while changed:
            changed = False
            for root, operands in loads.items():
                for store in (stores[operand] for operand in operands):
                    _, count, axes, _ = self.done[store]
                    if self.done[root] > self.done[store]:
                        changed = True
                        level, _, axes_of_root, sweep = self.done[root]
                        if axes_of_root != axes:
                            level, sweep = level + 1, 0
                        self.done[store] = (level, count, axes, sweep)

    def _loads(self, of: set[int]) -> dict[int, frozenset[int]]:
        """Of each store and each reduction, which of these operands its sweep loads for it."""
        found: dict[int, frozenset[int]] = {}
        below: list[frozenset[int]] = []  # what is loaded in the sweep that a value is computed in
        for i, step in enumerate(self.loop.code):
            own: frozenset[int] = frozenset().union(*(below[v] for v in reads(step)))
            if isinstance(step, Load):
                own = frozenset(of & {step.operand})
            elif isinstance(step, Reduce | Store) and own:
                found[i] = own
            below.append(frozenset() if isinstance(step, Reduce) else own)
        return found
