"""Squares of elements, turned in registers: transpositions.

Where one array lies along the rows and another along the columns, vectors of one would be scattered over the other.
So a square is computed at once: rows that are read along the columns are turned, and so are those that are written so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .memory import Place, read, write
from .schedule import Schedule
from .steps import Load, Store
from .sweeps import RowWriter
from .text import Text, llvm_type

__all__ = ["SquareWriter", "turned"]


class SquareWriter(RowWriter):
    """Writes squares of an elementwise sweep, between the row and one parallel axis.

    Args:
        across: for each operand, how many elements it moves along that axis.
        side: of a square.
    """

    def __init__(
        self,
        text: Text,
        schedule: Schedule,
        known: dict[int, str],
        places: dict[Load | int, Place],
        across: Mapping[Load, int],
        side: int,
    ) -> None:
        super().__init__(text, schedule, schedule.nests[0].sweeps[0], known, places)
        self.across, self.side = across, side

    def fits(self) -> bool:
        """Whether some operand is worth turning, and nothing is computed for a row as a whole."""
        loop = self.schedule.loop
        alone = [v for v in self.sweep.values if not self.schedule.varies(v) and loop.axes[v]]
        steps = [self.code[v] for v in (*self.values, *self.roots)]
        crossed = [step for step in steps if isinstance(step, Load | Store) and self._crossed(Load(step.operand))]
        return not alone and len(self.roots) == len(self.sweep.roots) and bool(crossed)

    def _crossed(self, key: Load) -> bool:
        """Whether an operand lies in one piece along the other axis, and not along the row."""
        return self.across[key] == 1 and abs(self.places[key].stride) > 1 and self.places[key].dtype != "bool"

    def spread_all(self) -> None:
        """Make vectors of what is the same everywhere."""
        self._spread(self.side)

    def write(self, first: str, row: str) -> None:
        """One square: from element `first` of the rows on, from the row at `row` on."""
        corner = {
            key: p.moved(self.text, row, self.across[key]) for key, p in self.places.items() if isinstance(key, Load)
        }
        loads = {v: step for v in self.values if isinstance(step := self.code[v], Load) and self._crossed(step)}
        columns = {v: self._read_turned(corner[step], first) for v, step in loads.items()}
        to_turn: dict[int, list[str]] = {}
        outside = self.places
        for i in range(self.side):
            self.places = {
                **outside,
                **{key: p.moved(self.text, str(i), self.across[key]) for key, p in corner.items()},
            }
            register = self._registers(first, self.side, self.side, {v: rows[i] for v, rows in columns.items()})
            for root in self.roots:
                step = self.code[root]
                assert isinstance(step, Store)
                if self._crossed(Load(step.operand)):
                    to_turn.setdefault(root, []).append(register(step.value))
                else:
                    write(self.text, self.places[Load(step.operand)], register(step.value), first, self.side, self.side)
        self.places = outside
        for root, rows in to_turn.items():
            step = self.code[root]
            assert isinstance(step, Store)
            self._write_turned(corner[Load(step.operand)], first, turned(self.text, llvm_type(self.dtypes[root]), rows))

    def _column(self, place: Place, first: str, i: int) -> Place:
        """Column i of a square, along which the operand lies in one piece."""
        place = place.moved(self.text, first, place.stride).moved(self.text, str(i), place.stride)
        return replace(place, stride=1)

    def _read_turned(self, place: Place, first: str) -> list[str]:
        columns = [read(self.text, self._column(place, first, i), "0", self.side, self.side) for i in range(self.side)]
        return turned(self.text, llvm_type(place.dtype), columns)

    def _write_turned(self, place: Place, first: str, columns: Sequence[str]) -> None:
        for i, column in enumerate(columns):
            write(self.text, self._column(place, first, i), column, "0", self.side, self.side)


def turned(text: Text, element: str, rows: Sequence[str]) -> list[str]:
    """Transpose a square of registers: exchange its quarters, then the quarters of these, and so on."""
    rows, side = list(rows), len(rows)
    type_, distance = f"<{side} x {element}>", side // 2
    while distance:
        low = [lane if not lane & distance else side + lane - distance for lane in range(side)]
        high = [lane + distance if not lane & distance else side + lane for lane in range(side)]
        for i in (i for i in range(side) if not i & distance):
            pair = f"{type_} {rows[i]}, {type_} {rows[i + distance]}"
            picks = (", ".join(f"i32 {p}" for p in half) for half in (low, high))
            rows[i], rows[i + distance] = (text.let(f"shufflevector {pair}, <{side} x i32> <{p}>") for p in picks)
        distance //= 2
    return rows
