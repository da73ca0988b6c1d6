"""A stage of a loop in CUDA C: one function that every block of its launch runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..c_types import IN_C
from ..loops import Loop
from ..operations import identity
from ..steps import Compute, Constant, Index, Load, Reduce, Store, reads
from .spelling import REDUCERS, literal, spelled
from .stages import THREADS, Stage

__all__ = ["Pointer", "StageWriter", "wide"]

#: A thread adds up so many float32 in float32; more of them, and those of all threads, in float64.
NARROW = 64


@dataclass(frozen=True)
class Pointer:
    """A parameter of a stage: an array, or memory of the loop's own.

    Attributes:
        kind: "a" of the operand of that number; "r" of a reduction's results, "p" of its parts.
    """

    kind: str
    number: int
    dtype: str
    written: bool

    @property
    def name(self) -> str:
        return f"{self.kind}{self.number}"

    def __str__(self) -> str:
        alone = " __restrict__" * (self.kind == "a")  # what others in the launch have written is read as it is now
        return f"{'' if self.written else 'const '}{IN_C[self.dtype]}*{alone} {self.name}"


def wide(loop: Loop, i: int) -> str:
    """The dtype in which the numbers of several threads are put together for a reduction."""
    step, dtype = loop.code[i], loop.dtypes[i]
    return "float64" if isinstance(step, Reduce) and step.op == "add" and dtype == "float32" else dtype


class StageWriter:
    """Writes one stage.

    Elementwise code in one piece has the number of points as a parameter, so that arrays of many lengths share a function.

    Args:
        kept: the reductions whose results later stages need.
    """

    def __init__(self, loop: Loop, stage: Stage, kept: frozenset[int]) -> None:
        self.loop, self.stage, self.kept = loop, stage, kept
        self.points = math.prod(loop.space[a] for a in stage.outer)
        self.inner_points = math.prod(loop.space[a] for a in stage.inner)
        self.teams = self.points * stage.parts
        self.abreast = THREADS // stage.members  # teams of a block
        self.whole = self.teams % self.abreast == 0  # whether no block has teams that are not there
        self.blocks = -(-self.teams // self.abreast)
        self.any_length = stage.members == 1 and not stage.inner and not stage.joined and len(stage.outer) < 2
        self.pointers: dict[str, Pointer] = {}
        self.place = "long long" if self._largest() >= 1 << 30 else "int"
        self.lines: list[str] = []
        self.depth = 1
        self.known: set[int] = set()  # the values that have a name for the whole team
        self._write()

    def _largest(self) -> int:
        """The largest number that addresses are counted with, about."""
        reach = [
            abs(o.offset) + sum(abs(s) * n for s, n in zip(o.strides, self.loop.space, strict=True)) for o in self.loop.operands
        ]
        return max([self.teams, self.points * max((n for _, n in self.stage.joined), default=0), self.inner_points, *reach])

    def text(self, name: str, inline: bool = True) -> str:
        """The function, under a name; `inline` is for those that are called once."""
        length = [f"{self.place} points"] if self.any_length else []
        parameters = ", ".join(["int block", "int blocks", *length, *map(str, self.pointers.values())])
        kind = "static __device__" if inline else "static __noinline__ __device__"
        return "\n".join([f"// {self._said()}", f"{kind} void {name}({parameters}) {{", *self.lines, "}"])

    def _said(self) -> str:
        """What a reader should know first."""
        stage = self.stage
        if self.any_length:
            return "A thread for each point."
        teams = f"{self.points} threads" if stage.members == 1 else f"{self.points} teams of {stage.members} threads"
        over = f", each for {self.inner_points} points" if stage.inner else ""
        several = f", and so in each of {stage.parts} parts of these" if stage.parts > 1 else ""
        return f"{teams}{over}{several}."

    # ------------------------------------------------------------------------------ lines

    def add(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        self.add(f"{head} {{")
        self.depth += 1
        yield
        self.depth -= 1
        self.add("}")

    def pointer(self, kind: str, number: int, dtype: str, written: bool = False) -> str:
        """The name of a parameter, which is one from now on."""
        asked = Pointer(kind, number, dtype, written)
        before = self.pointers.get(asked.name)
        self.pointers[asked.name] = asked if before is None or written else before
        return asked.name

    # ------------------------------------------------------------------------------ teams

    def _write(self) -> None:
        if not self.teams:
            return
        for v in self._values(self.stage.roots):
            if self._same_everywhere(v):
                self._value(v)
        with self.block(self._teams()):
            if self.stage.members > 1:
                self._places_in_the_block()
            self._points()
            for r, parts in self.stage.joined:
                self._join(r, parts)
            for sweep in self.stage.sweeps:
                self._sweep(sweep)

    def _same_everywhere(self, v: int) -> bool:
        """Whether a value is one number, which is known before the stage."""
        step, stage = self.loop.code[v], self.stage
        if isinstance(step, Reduce) and v in {*stage.roots, *(r for r, _ in stage.joined)}:
            return False
        return not self.loop.axes[v] and (isinstance(step, Reduce) or all(map(self._same_everywhere, reads(step))))

    def _teams(self) -> str:
        """The loop over teams: each block takes the next ones that no other block has."""
        place, n = self.place, self.abreast
        block, blocks = ("block", "blocks") if place == "int" else ("(long long)block", "(long long)blocks")
        first, step = (f"{block} * {n}", f"{blocks} * {n}") if n > 1 else (block, blocks)
        if self.stage.members == 1:
            last = "points" if self.any_length else self.teams
            return f"for ({place} team = {first} + (int)threadIdx.x; team < {last}; team += {step})"
        return f"for ({place} first = {first}; first < {self.teams}; first += {step})"

    def _places_in_the_block(self) -> None:
        """Where a thread is; threads of a team that is not there go along, since all must meet, and do nothing."""
        n, members = self.abreast, self.stage.members
        team, member = (f"% {n}", f"/ {n}") if self.stage.across else (f"/ {members}", f"% {members}")
        stage = self.stage
        asked = stage.parts > 1 or self._asked & set(stage.outer) or (stage.joined and self.points > 1)
        self.add(f"const int member = (int)threadIdx.x{f' {member}' if n > 1 else ''};")
        if asked or not self.whole:
            number = f"first + (int)threadIdx.x {team}" if n > 1 else "first"
            self.add(f"const {self.place} {'team' if self.whole else 'next'} = {number};")
        if not self.whole:
            self.add(f"const bool there = next < {self.teams};")
        if asked and not self.whole:
            self.add(f"const {self.place} team = there ? next : 0;")

    def _points(self) -> None:
        """Where the team is along the outer axes, as far as somebody asks."""
        number = "team"
        if self.stage.parts > 1:
            self.add(f"const {self.place} part = {_quotient('team', self.points)};")
            number = f"team % {max(self.points, 1)}" if len(self.stage.outer) == 1 else f"(team % {max(self.points, 1)})"
        self._coordinates(self.stage.outer, number)

    def _coordinates(self, axes: Sequence[int], number: str) -> None:
        for place, axis in enumerate(axes):
            if axis not in self._asked:
                continue
            text = _quotient(number, math.prod(self.loop.space[a] for a in axes[place + 1 :]))
            text = text if place == 0 else f"{text} % {max(self.loop.space[axis], 1)}"
            if text != f"x{axis}":
                self.add(f"const {self.place} x{axis} = {text};")

    @property
    def _asked(self) -> set[int]:
        """The axes along which something of this stage moves."""
        found: set[int] = set()
        for root in self.stage.roots:
            step = self.loop.code[root]
            steps = [*self._values((root,)), *([root] if isinstance(step, Store) else [])]
            found |= {a for i in steps if not isinstance(self.loop.code[i], Compute) for a in self.loop.axes[i]}
            if root in self.kept:
                found |= self.loop.axes[root]
        return found | {a for r, _ in self.stage.joined if r in self.kept for a in self.loop.axes[r]}

    def _only(self, *conditions: str) -> str:
        """`if (...) ` for what one member of a team does."""
        conditions = (*conditions, *(["member == 0"] if self.stage.members > 1 else []))
        conditions = (*conditions, *([] if self.stage.members == 1 or self.whole else ["there"]))
        return f"if ({' && '.join(conditions)}) " if conditions else ""

    # ------------------------------------------------------------------------------ sweeps

    def _values(self, roots: Sequence[int]) -> list[int]:
        """The values that roots need, not looking beyond reductions, in order; a sum of nothing needs none."""
        roots = [root for root in roots if self.inner_points or not isinstance(self.loop.code[root], Reduce)]
        waiting, found = [v for root in roots for v in reads(self.loop.code[root])], set[int]()
        while waiting:
            v = waiting.pop()
            if v not in found:
                found.add(v)
                waiting.extend(() if isinstance(self.loop.code[v], Reduce) else reads(self.loop.code[v]))
        return sorted(found)

    def _sweep(self, roots: Sequence[int]) -> None:
        """What is known for the whole team, then what is computed at each inner point, then what comes of it."""
        inner, code = set(self.stage.inner), self.loop.code
        values = self._values(roots)
        for v in values:
            if not self.loop.axes[v] & inner:
                self._value(v)
        sums = [i for i in roots if isinstance(code[i], Reduce)]
        here = [i for i in roots if isinstance(code[i], Store) and set(self.loop.axes[i]) & inner]
        for i in sums:
            self.add(f"{IN_C[self._own(i)]} s{i} = {self._nothing(i, self._own(i))};")
        if self.inner_points and (sums or here):
            known = set(self.known)
            with self.block(self._inner_points()):
                self._coordinates(self.stage.inner, self._counter())
                for v in values:
                    if self.loop.axes[v] & inner:
                        self._value(v)
                for i in sums:
                    self._add_up(i, self._name(reads(code[i])[0]))
                for i in here:
                    self._store(i)
            self.known = known
        for i in sums:
            self._finish(i, self._own(i))
        for i in roots:
            if isinstance(code[i], Store) and i not in here:
                self._store(i, self._only())

    def _inner_points(self) -> str:
        """The loop over the inner points that are a member's."""
        place, n, members = self.place, self.inner_points, self.stage.members
        begin, end = "member" if members > 1 else "0", str(n)
        if self.stage.parts > 1:
            share = -(-n // self.stage.parts)
            self.add(f"const {place} begin = part * {share}, end = begin + {share} < {n} ? begin + {share} : {n};")
            begin, end = "begin" if members == 1 else "begin + member", "end"
        if members > 1 and not self.whole:
            end = f"(there ? {end} : 0)"
        i = self._counter()
        return f"for ({place} {i} = {begin}; {i} < {end}; {i} += {members})"

    def _counter(self) -> str:
        """The name of the variable that counts the inner points."""
        return f"x{self.stage.inner[0]}" if len(self.stage.inner) == 1 else "i"

    def _value(self, v: int) -> None:
        """Give a value a name, if it has none yet."""
        step = self.loop.code[v]
        if v in self.known or isinstance(step, Constant):
            return
        match step:
            case Load(operand):
                text = f"{self.pointer('a', operand, self.loop.operands[operand].dtype)}[{self._at(operand)}]"
            case Index(axis, dtype):
                text = f"({IN_C[dtype]})x{axis}"
            case Compute(op, args):
                text = spelled(op, tuple(self.loop.dtypes[a] for a in args), tuple(map(self._name, args)))
            case Reduce():
                text = f"{self.pointer('r', v, self.loop.dtypes[v])}[{self._at_result(v)}]"
            case _:
                raise AssertionError(f"{step} is no value")
        self.add(f"const {IN_C[self.loop.dtypes[v]]} v{v} = {text};")
        self.known.add(v)

    def _name(self, v: int) -> str:
        step = self.loop.code[v]
        return literal(step.value, step.dtype) if isinstance(step, Constant) else f"v{v}"

    def _at(self, operand: int) -> str:
        """Where an operand lies at this point."""
        o = self.loop.operands[operand]
        return _sum([(f"x{a}", o.strides[a]) for a in sorted(self.loop.moves(operand))], o.offset)

    def _at_result(self, r: int) -> str:
        """Where the result of a reduction is kept for this point: in the order of its axes."""
        axes = sorted(self.loop.axes[r])
        strides = [math.prod(self.loop.space[b] for b in axes[i + 1 :]) for i in range(len(axes))]
        return _sum([(f"x{a}", stride) for a, stride in zip(axes, strides, strict=True)], 0)

    def _store(self, i: int, condition: str = "") -> None:
        step = self.loop.code[i]
        assert isinstance(step, Store)
        name = self.pointer("a", step.operand, self.loop.operands[step.operand].dtype, written=True)
        self.add(f"{condition}{name}[{self._at(step.operand)}] = {self._name(step.value)};")

    # ------------------------------------------------------------------------------ reductions

    def _own(self, i: int) -> str:
        """The dtype in which one thread adds up."""
        each = -(-self.inner_points // (self.stage.parts * self.stage.members))
        return self.loop.dtypes[i] if each <= NARROW else wide(self.loop, i)

    def _op(self, i: int) -> str:
        step = self.loop.code[i]
        assert isinstance(step, Reduce)
        return step.op

    def _nothing(self, i: int, dtype: str) -> str:
        return literal(identity(self._op(i), dtype), dtype)

    def _add_up(self, i: int, value: str) -> None:
        if self._op(i) == "add":
            self.add(f"s{i} += {value};")
        else:
            self.add(f"s{i} = {REDUCERS[self._op(i)]}::of(s{i}, {value});")

    def _finish(self, i: int, own: str) -> None:
        """Put together what the members have, in numbers of a dtype: the result, or a part of it."""
        whole = wide(self.loop, i)
        total = f"s{i}" if own == whole else f"({IN_C[whole]})s{i}"
        if self.stage.members > 1:
            apart = self.abreast if self.stage.across else 1
            total = f"together<{REDUCERS[self._op(i)]}, {self.stage.members}, {apart}>({total})"
        if self.stage.parts > 1:
            self.add(f"const {IN_C[whole]} t{i} = {total};")
            self.add(f"{self._only()}{self.pointer('p', i, whole, written=True)}[team] = t{i};")
            return
        dtype = IN_C[self.loop.dtypes[i]]
        self.add(f"const {dtype} v{i} = {total if whole == self.loop.dtypes[i] else f'({dtype}){total}'};")
        self.known.add(i)
        if i in self.kept:
            name = self.pointer("r", i, self.loop.dtypes[i], written=True)
            self.add(f"{self._only()}{name}[{self._at_result(i)}] = v{i};")

    def _join(self, i: int, parts: int) -> None:
        """Put together the parts of a reduction that an earlier stage has made."""
        whole, members = wide(self.loop, i), self.stage.members
        self.add(f"{IN_C[whole]} s{i} = {self._nothing(i, whole)};")
        begin, end = ("member", f"(there ? {parts} : 0)" if not self.whole else parts) if members > 1 else ("0", parts)
        at = "i" if self.points == 1 else f"i * {self.points} + team"
        with self.block(f"for ({self.place} i = {begin}; i < {end}; i += {members})"):
            self._add_up(i, f"{self.pointer('p', i, whole)}[{at}]")
        self._finish(i, whole)


def _quotient(number: str, divisor: int) -> str:
    return number if divisor == 1 else f"{number} / {max(divisor, 1)}"  # of an empty space nothing is computed


def _sum(terms: Sequence[tuple[str, int]], offset: int) -> str:
    """An address.

    >>> _sum([("x0", 1024), ("x1", 1)], 3), _sum([], 0)
    ('x0 * 1024 + x1 + 3', '0')
    """
    texts = [name if stride == 1 else f"{name} * {stride}" for name, stride in terms if stride]
    return " + ".join([*texts, *([str(offset)] if offset or not texts else [])])
