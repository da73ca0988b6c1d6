"""How a loop visits its space, and what it remembers between two visits.

A loop is, in full generality (`order` says what the axes are called),

    for each point of the parallel axes:
        a nest:  for each point of some serial axes: one sweep over the row after the other
        a nest:  ... which needs results of the first

and most loops are a part of that.  Elementwise code is one nest without serial axes, of one sweep.  Softmax is one
nest of three sweeps, because each sum over the row must be complete before it is used.  The sums of columns are a
nest over the rows, each of which is added to a row of sums, and a nest without serial axes, which stores that.

What a later sweep needs from an earlier one is computed again where that is cheap (x - mean), and else *kept* in a
row that stays in the first-level cache (exp(x - max)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from .loops import Loop
from .order import CHEAP, Order, Time
from .steps import Compute, Constant, Load, Reduce, Store, reads, step_text

__all__ = ["Buffer", "Nest", "Schedule", "Sweep"]

#: A row with more elements than this is not kept: it would not stay in the cache.
LONGEST_KEPT = 16384

#: More terms than this, of products and of others, are not added up in their own dtype, in registers: products have
#: both signs, and libraries add them up so; a sum of others loses digits.
#: Rows of at most so many elements fill one register.
SHORT_ROW = 16
#: A panel of a product has so many columns; the elements of the other factor that are taken with it are at most so many.
PANEL, BLOCK = 32, 1 << 16
MOST_PRODUCTS, MOST_TERMS = 65536, 512


@dataclass(frozen=True)
class Buffer:
    """Memory of the loop's own for a value, over some axes, the row last."""

    value: int
    dtype: str
    axes: tuple[int, ...]
    size: int  # in elements
    offset: int = 0  # in bytes, in the workspace


@dataclass
class Sweep:
    """One visit to a row: what is computed for the row as a whole, then what for each of its elements, and what
    comes of it.

    Attributes:
        values: what is needed, in order.
        fetched: those of them that an earlier sweep has left, in a register or a buffer.
        roots: what the sweep is for: stores, reductions, and values that later sweeps want.
    """

    values: list[int]
    fetched: set[int]
    roots: list[int]


@dataclass
class Nest:
    """Sweeps one after the other, at each point of some serial axes."""

    axes: tuple[int, ...]
    sweeps: list[Sweep]


class Schedule(Order):
    """How a simplified loop of basic operations runs.

    >>> from minigrad.compiler.steps import Operand
    >>> x = Operand("float32", (8, 1))
    >>> code = (Load(0), Reduce("add", 0, (0,)), Compute("subtract", (0, 1)), Store(0, 2))
    >>> print(Schedule(Loop((4, 8), (x,), code, "less the sums of columns")))
    less the sums of columns: rows along axis 1, parallel axes (), serial axes (0,)
      at each point of axes (0,):
        sweep for v1 = reduce add v0 over 0
      at each point of axes (0,):
        sweep for store v2 in a0 from kept v1

    Attributes:
        nests: in order.
        buffers: of each value that is kept in memory.
        workspace: how many bytes these take, after those that something else has at its beginning.
        tile: how many points of the last parallel axis are added up at once, in registers (`tiles`); 0: none.
        depth: for each of these, how many points of the parallel axis before.
    """

    def __init__(self, loop: Loop, most_rows: int = 0, begin: int = 0) -> None:
        super().__init__(loop)
        self.buffers: dict[int, Buffer] = {}
        self.nests = self._nests()
        self.tile = 0
        if most_rows and self._adds_rows():
            (sums,) = (len(nest.sweeps[0].roots) for nest in self.nests if nest.axes)
            rows = {a: min(max(most_rows // sums, 1), loop.space[a]) for a in self.parallel}
            # Along the axis of a tile, what is loaded as vectors stays the same, if there is such an axis.
            self.parallel = tuple(sorted(self.parallel, key=lambda a: (-len(self._vectors_along(a)), rows[a])))
            self.tile = rows[self.parallel[-1]]
        self.depth = self._depth(most_rows)
        self.panel = self._panel()
        self.workspace = self._lay_out(begin)

    def __str__(self) -> str:
        """The nests and their sweeps, each with what it is for, and what it reads again from memory."""
        loop = self.loop
        lines = [f"{loop.name}: rows along axis {self.row}, parallel axes {self.parallel}, serial axes {self.serial}"]
        for nest in self.nests:
            lines.append(f"  at each point of axes {nest.axes}:" if nest.axes else "  once:")
            for sweep in nest.sweeps:
                texts = [step_text(root, loop.code[root]) for root in sweep.roots]
                kept = [f"v{v}" for v in sweep.values if v in sweep.fetched and v in self.buffers]
                lines.append(f"    sweep for {'; '.join(texts)}{' from kept ' if kept else ''}{', '.join(kept)}")
        return "\n".join(lines)

    def _nests(self) -> list[Nest]:
        """Plan the sweeps from the last to the first, since a later one may ask an earlier one to keep something."""
        self._roots: dict[Time, list[int]] = {}
        for i, step in enumerate(self.loop.code):
            if isinstance(step, Reduce | Store):
                self._roots.setdefault(self.done[i], []).append(i)
            if self.accumulates(i):
                self._keep(i, None)
        self._without_keeping = {time: set(self._needs(time, keeping=False)) for time in self._roots}
        sweeps: dict[Time, Sweep] = {}
        while left := self._roots.keys() - sweeps.keys():
            time = max(left)
            needs = self._needs(time, keeping=True)
            sweeps[time] = Sweep(sorted(needs), {v for v, fetched in needs.items() if fetched}, self._roots[time])
        nests = sorted({time[:3] for time in sweeps})
        return [Nest(nest[2], [sweeps[time] for time in sorted(sweeps) if time[:3] == nest]) for nest in nests]

    def _needs(self, time: Time, keeping: bool) -> dict[int, bool]:
        """The values that a sweep needs, and of each whether it comes from an earlier one."""
        code = self.loop.code
        found: dict[int, bool] = {}
        waiting: list[int] = []
        for root in self._roots[time]:
            waiting.extend(reads(code[root]) if isinstance(code[root], Reduce | Store) else (root,))
        while waiting:
            v = waiting.pop()
            if v not in found:
                found[v] = isinstance(code[v], Reduce) or keeping and self._fetched(v, time)
                if isinstance(code[v], Reduce) and keeping:
                    self._remember(v, time)
                if not found[v]:
                    waiting.extend(reads(code[v]))
        return found

    def _remember(self, reduce: int, time: Time) -> None:
        """Keep the result of a reduction for another nest, if there is one result for each serial row."""
        if self.serial_axes(reduce) and not self.accumulates(reduce) and self.done[reduce][:3] != time[:3]:
            self._keep(reduce, None)

    def _fetched(self, v: int, time: Time) -> bool:
        """Whether a sweep gets a value from an earlier one, which is asked to keep it then."""
        if isinstance(self.loop.code[v], Constant):
            return False
        if time[2] and not self.serial_axes(v):  # once, before the serial axes
            if not self.varies(v):
                self._ask(v, self.done[v])
            elif self.cost[v] > CHEAP:
                self._keep(v, self.done[v])
            return not self.varies(v) or self.cost[v] > CHEAP
        if not self.varies(v) or self.cost[v] <= CHEAP or self.loop.space[self.row or 0] > LONGEST_KEPT:
            return False
        earlier = [t for t, values in self._without_keeping.items() if t[:3] == time[:3] and t < time and v in values]
        if earlier:
            self._keep(v, min(earlier))
        return bool(earlier)

    def _ask(self, v: int, time: Time) -> None:
        """Let a sweep compute a value, whether or not it needs it itself."""
        roots = self._roots.setdefault(time, [])
        if v not in roots:
            roots.append(v)

    def _keep(self, v: int, time: Time | None) -> None:
        """Give a value a buffer, which it is written to at a time (a reduction: when it is added up)."""
        if time is not None:
            self._ask(v, time)
        if v not in self.buffers:
            loop = self.loop
            axes = tuple(sorted(loop.axes[v] - set(self.parallel), key=lambda a: (a == self.row, a)))
            size = math.prod([loop.space[a] for a in axes])
            self.buffers[v] = Buffer(v, self.wide(v), axes, size)

    def _adds_rows(self) -> bool:
        """Whether all there is to do at the points of serial axes is to add up rows, as in a product of matrices.

        The sums then stay in registers, in their own dtype, so there must not be too many terms.
        """
        loop, serial = self.loop, [nest for nest in self.nests if nest.axes]
        if len(serial) != 1 or len(serial[0].sweeps) != 1 or not self.parallel:
            return False
        terms = math.prod([loop.space[a] for a in self.serial])
        for root in serial[0].sweeps[0].roots:
            if not self.accumulates(root) or not self.varies(root) or set(self.serial) & loop.axes[root]:
                return False
            value = loop.code[reads(loop.code[root])[0]]
            product = isinstance(value, Compute) and value.op == "multiply"
            if not 0 < terms <= (MOST_PRODUCTS if product else MOST_TERMS):
                return False
        # What other nests compute comes after the sums: they may need only what is known before all loops.
        return all(self.same_everywhere(v) for v in serial[0].sweeps[0].fetched)

    def same_everywhere(self, v: int) -> bool:
        """Whether a value is known before all loops."""
        first = self.done[v] == (0, 0, (), 0) and not isinstance(self.loop.code[v], Reduce)
        return first and not self.loop.axes[v]

    def _depth(self, most_rows: int) -> int:
        """Rows that fill one register at most leave room for more than one of them for each point of a tile."""
        if not self.tile or len(self.parallel) < 2 or self.row is None or self.loop.space[self.row] > SHORT_ROW:
            return 1
        second, last = self.parallel[-2], self.parallel[-1]
        both = set(self._vectors_along(last)) & set(self._vectors_along(second))  # of which none would be loaded once
        return 1 if both else min(2 * most_rows // self.tile, 4, self.loop.space[second])

    def _panel(self) -> tuple[int, int]:
        """How many elements of the rows, and how many points of the last parallel axis, are taken at once.

        The factor that rows lie along is read once for each tile.  A panel of it that stays in the first-level cache
        is read by one tile after the other; of the other factor as much as stays in the second-level cache.
        """
        if not self.tile or self.row is None:
            return 1, 1
        length, height = self.loop.space[self.row], self.loop.space[self.parallel[-1]]
        terms = math.prod([self.loop.space[a] for a in self.serial])
        sums = [i for nest in self.nests if not nest.axes for sweep in nest.sweeps for i in sweep.roots]
        if length <= PANEL or any(isinstance(self.loop.code[i], Reduce) for i in sums):
            return length, height
        return PANEL, min(max(BLOCK // terms // self.tile * self.tile, self.tile), height)

    @property
    def crossed(self) -> bool:
        """Whether elementwise code has arrays that lie across the rows, as in a transposition."""
        loop, sweeps = self.loop, [sweep for nest in self.nests for sweep in nest.sweeps]
        if not self.parallel or self.serial or len(sweeps) != 1:
            return False
        if not all(isinstance(loop.code[root], Store) and self.along_row(root) for root in sweeps[0].roots):
            return False
        return any(self.row is not None and abs(operand.strides[self.row]) > 1 for operand in loop.operands)

    def _vectors_along(self, axis: int) -> list[int]:
        """The loads of vectors that vary along an axis."""
        return [
            v
            for v, step in enumerate(self.loop.code)
            if isinstance(step, Load) and self.varies(v) and axis in self.loop.axes[v]
        ]

    def _lay_out(self, end: int) -> int:
        """Give each buffer its place in the workspace, for each row of a tile one; where they end."""
        for v, buffer in self.buffers.items():
            dtype = self.loop.dtypes[v] if self.tile else buffer.dtype
            self.buffers[v] = replace(buffer, dtype=dtype, offset=end)
            size = buffer.size * max(self.tile * self.depth, 1) * np.dtype(dtype).itemsize
            end += -(-size // 64) * 64
        return end
