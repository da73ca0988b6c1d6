"""A loop as a JavaScript function: nested `for` over the axes, and inside of them one line for each value.

Lengths and strides are parameters, so that loops over arrays of many shapes are one function.  A stride of 0 or 1 is not:
it makes the text shorter.  Where reductions must be complete before they are used, as in softmax, the code goes over an
axis several times:

    for (let x0 = 0; x0 < n0; x0++) {            // each row
      let s1 = -Infinity;
      for (let x1 = 0; x1 < n1; x1++) { ... }    // its maximum
      for (let x1 = 0; x1 < n1; x1++) { ... }    // what needs it

The result of a reduction is a variable where all that needs it stands in the same block, else it is put in an array.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..formulas import expanded
from ..loops import Loop
from ..operations import identity
from ..spaces import simplified
from ..steps import Compute, Constant, Index, Load, Reduce, Step, Store, reads
from .products import tile_of
from .spelling import INSTRUCTIONS, literal, spelled, wrapped

__all__ = ["Written", "Writer", "written"]

#: What takes so much time that a later sweep reads it again where it was stored.
_DEAR = {"exp", "expm1", "log", "log1p", "tanh", "sin", "cos", "power", "expit", "logaddexp", "arctan", "divide", "sqrt"}


@dataclass(frozen=True)
class Written:
    """A loop as JavaScript.

    Attributes:
        text: a function of arrays, then of whole numbers.  First come those of the operands, which begin at their offsets.
        scratch: for each further array, in which the loop keeps results, its dtype and length.
        numbers: those that this loop is called with.
        loop: the simplified loop, whose operands tell the offsets.
        explicit: the operands that go back: their arrays begin where their memory does, and their offsets are among the numbers.
    """

    text: str
    scratch: tuple[tuple[str, int], ...]
    numbers: tuple[int, ...]
    loop: Loop
    explicit: frozenset[int]

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Of the arrays that the function is given."""
        return (*(o.dtype for o in self.loop.operands), *(dtype for dtype, _ in self.scratch))


def written(loop: Loop) -> Written:
    """A loop as JavaScript, after its space has been made simple and formulas have been expanded.

    >>> from minigrad.compiler.steps import Operand
    >>> x = Operand("float32", (1,))
    >>> code = Load(0), Compute("exp", (0,)), Store(1, 1)
    >>> print(written(Loop((1000,), (x, x), code)).text)
    (a0, a1, n0) => {
      for (let x0 = 0; x0 < n0; x0++) {
        const v0 = a0[x0];
        const v1 = Math.fround(Math.exp(v0));
        a1[x0] = v1;
      }
    }
    """
    writer = Writer(expanded(simplified(loop), INSTRUCTIONS))
    return writer.written()


class Writer:
    """Writes the function of a loop.

    Attributes:
        lines: what has been written of its body.
        opened: the axes of the loops around the place that is being written, from the outermost.
    """

    def __init__(self, loop: Loop) -> None:
        self.loop, self.lines = loop, list[str]()
        self.opened: list[int] = []
        self.numbers: dict[str, int] = {}  # the parameters that are numbers
        self.scratch: dict[str, tuple[str, int]] = {}  # arrays of the loop's own: r2 has the results of the reduction v2
        self.known: list[dict[int, str]] = [{}]  # what values are called, by block
        self.pointers: list[dict[int, tuple[str, frozenset[int]]]] = [{}]  # sums of strides, and the axes in them
        self.saved: dict[int, int] = {}  # values that can be read again, and the operand that holds them
        self.rows: dict[int, list[int]] = {}  # values that are kept in arrays, over these axes
        self.filled: set[int] = set()  # those of them that have been computed
        self.roots = self._all_roots()
        self.needs = {i: self._reached(i, Reduce) for i in self.roots}
        self.read = {i: {loop.code[v].operand for v in self._reached(i, Load)} for i in self.roots}  # type: ignore[union-attr]
        self.copied = sorted(self._overwritten())

    def _all_roots(self) -> list[int]:
        """The stores, and the reductions that they need."""
        code = self.loop.code
        found = {i for i, step in enumerate(code) if isinstance(step, Store)}
        waiting = list(found)
        while waiting:
            new = self._reached(waiting.pop(), Reduce) - found
            found |= new
            waiting.extend(new)
        return sorted(found)

    def _reached(self, root: int, kind: type[Step]) -> set[int]:
        """The steps of a kind that a root needs, not looking beyond reductions."""
        waiting, seen = list(reads(self.loop.code[root])), set[int]()
        while waiting:
            v = waiting.pop()
            if v not in seen:
                seen.add(v)
                waiting.extend(reads(self.loop.code[v]) if isinstance(self.loop.code[v], Compute) else ())
        return {v for v in seen if isinstance(self.loop.code[v], kind)}

    def _overwritten(self) -> set[int]:
        """The operands that are read and written: what is read is a copy, since all reading comes first."""
        stored = {step.operand for step in self.loop.code if isinstance(step, Store)}
        return stored & {operand for own in self.read.values() for operand in own}

    def written(self) -> Written:
        for operand in self.copied:
            self.add(f"const c{operand} = a{operand}.slice();")
        tile = tile_of(self)
        if tile is None:
            self.emit(self.roots)
        else:
            tile.emit()
        arrays = [*(f"a{i}" for i in range(len(self.loop.operands))), *self.scratch]
        head = ", ".join([*arrays, *self.numbers])
        text = "\n".join([f"({head}) => {{", *(f"  {line}" for line in self.lines), "}"])
        explicit = frozenset(i for i, o in enumerate(self.loop.operands) if _goes_back(o.strides))
        return Written(text, tuple(self.scratch.values()), tuple(self.numbers.values()), self.loop, explicit)

    # ------------------------------------------------------------------------------- blocks

    def add(self, line: str) -> None:
        self.lines.append("  " * (len(self.known) - 1) + line)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """A block of the function; what is declared in it is not known after it."""
        self.add(f"{head} {{")
        self.known.append({})
        self.pointers.append({})
        yield
        self.known.pop()
        self.pointers.pop()
        self.add("}")

    @contextmanager
    def loops(self, axes: Sequence[int], roots: Sequence[int]) -> Iterator[None]:
        """Loops over axes, one inside the other, around what some roots need."""
        if not axes:
            yield
            return
        axis = axes[0]
        self.hoist(roots)
        self.point(roots, set(axes))
        with self.block(f"for (let x{axis} = 0; x{axis} < {self.length(axis)}; x{axis}++)"):
            self.opened.append(axis)
            with self.loops(axes[1:], roots):
                yield
            self.opened.pop()

    def length(self, axis: int) -> str:
        self.numbers[f"n{axis}"] = self.loop.space[axis]
        return f"n{axis}"

    def emit(self, roots: list[int]) -> None:
        """Write stores and reductions: those axes that all of them have outside first, then one batch after the other."""
        outer = {i: self.outer(i) for i in roots}
        common = sorted(frozenset.intersection(*outer.values())) if roots else []
        if common:
            with self.loops(common, roots):
                self.emit(roots)
            return
        left = list(roots)
        while left:
            batch = self._next_batch(left)
            left = [i for i in left if i not in batch]
            self._batch(batch, left)

    def outer(self, i: int) -> frozenset[int]:
        """The axes that a root still runs over, of a reduction those that are left."""
        return self.loop.axes[i] - set(self.opened)

    def _all_axes(self, i: int) -> frozenset[int]:
        step = self.loop.code[i]
        return self.outer(i) | (set(step.axes) if isinstance(step, Reduce) else frozenset())

    def _next_batch(self, left: list[int]) -> list[int]:
        """What can run in the same sweep: what needs nothing that is not there, over the same axes."""
        ready = [i for i in left if not self.needs[i] & set(left)]
        reductions = [i for i in ready if isinstance(self.loop.code[i], Reduce)]
        first = (reductions or ready)[0]
        return [i for i in ready if self._all_axes(i) == self._all_axes(first)]

    def _batch(self, batch: list[int], later: list[int]) -> None:
        code = self.loop.code
        sums = [i for i in batch if isinstance(code[i], Reduce)]
        outside = frozenset.intersection(*(self.outer(i) for i in batch))
        if outside and any(self.needs[j] & set(sums) for j in later):
            outside = frozenset()  # their results are used by what is not inside
        if outside and sums:
            with self.loops(sorted(outside), batch):
                self.emit(batch)
            return
        for i in sums:
            self._begin(i)
        self._keep(batch, later)
        with self.loops(sorted(self._all_axes(batch[0])), batch):
            for i in batch:
                self.root(i)
        for i in sums:
            self._end(i)
        self._save(batch)
        self.filled.update(self.rows)

    def _keep(self, batch: list[int], later: list[int]) -> None:
        """Note what takes long and is needed in a later sweep too: it is put in an array, unless it is stored anyway.

        There are several sweeps at one level only, inside of the axes that all roots have in common; so what is kept belongs to
        the point of these.
        """
        stored = {step.value for i in batch if isinstance(step := self.loop.code[i], Store)}
        again = set[int]().union(*(self._reached(j, Compute) for j in later))
        here = set[int]().union(*(self._reached(i, Compute) for i in batch))
        for v in sorted(here & again - stored - self.saved.keys() - self.rows.keys()):
            step, axes = self.loop.code[v], sorted(self.loop.axes[v] - set(self.opened))
            if isinstance(step, Compute) and step.op in _DEAR and axes and set(axes) <= self._all_axes(batch[0]):
                self.rows[v] = axes
                self.scratch[f"k{v}"] = self.loop.dtypes[v], math.prod(self.loop.space[a] for a in axes)

    def _save(self, batch: list[int]) -> None:
        """Note what need not be computed again, since it is stored."""
        for i in batch:
            step = self.loop.code[i]
            if isinstance(step, Store) and step.operand not in self.copied:
                made = self.loop.code[step.value]
                if isinstance(made, Compute) and made.op in _DEAR and self.loop.axes[i] == self.loop.axes[step.value]:
                    self.saved[step.value] = step.operand

    # ------------------------------------------------------------------------------- reductions

    def _begin(self, i: int) -> None:
        dtype, step = self.loop.dtypes[i], self.loop.code[i]
        assert isinstance(step, Reduce)
        start = literal(identity(step.op, dtype), dtype)
        if not self.outer(i):
            self.add(f"let s{i} = {start};")
            return
        size = math.prod(self.loop.space[a] for a in self.loop.axes[i])
        self.scratch[f"r{i}"] = ("float64" if dtype == "float32" else dtype, size)
        self.add(f"r{i}.fill({start});")

    def _end(self, i: int) -> None:
        dtype = self.loop.dtypes[i]
        if f"r{i}" not in self.scratch:
            self.declare(i, wrapped(f"s{i}", dtype) if self._widens(i) else f"s{i}")

    def _widens(self, i: int) -> bool:
        step = self.loop.code[i]
        return isinstance(step, Reduce) and step.op == "add" and self.loop.dtypes[i] == "float32"

    def _collect(self, i: int) -> None:
        """Take one more number into a reduction."""
        step, dtype = self.loop.code[i], self.loop.dtypes[i]
        assert isinstance(step, Reduce)
        total = f"r{i}[{self._at_result(i)}]" if f"r{i}" in self.scratch else f"s{i}"
        value = self.value(step.value)
        if self._widens(i):
            self.add(f"{total} += {value};")
        else:
            self.add(f"{total} = {spelled(step.op, (dtype, dtype), (total, value))};")

    def _at_result(self, i: int) -> str:
        """Where a result stands in the array of a reduction."""
        return self._place(sorted(self.loop.axes[i]))

    def _place(self, axes: Sequence[int]) -> str:
        """The number of this point among those along some axes."""
        text = f"x{axes[0]}"
        for a in axes[1:]:
            text = f"({text}) * {self.length(a)} + x{a}" if "+" in text else f"{text} * {self.length(a)} + x{a}"
        return text

    # ------------------------------------------------------------------------------- values

    def root(self, i: int) -> None:
        step = self.loop.code[i]
        if isinstance(step, Store):
            self.add(f"a{step.operand}[{self.at(step.operand)}] = {self.value(step.value)};")
        else:
            self._collect(i)

    def declare(self, v: int, text: str) -> str:
        self.add(f"const v{v} = {text};")
        self.known[-1][v] = f"v{v}"
        return f"v{v}"

    def value(self, v: int) -> str:
        """The name of a value, which is computed here if no block around has it."""
        for names in self.known:
            if v in names:
                return names[v]
        step = self.loop.code[v]
        if v in self.saved:
            return self.declare(v, f"a{self.saved[v]}[{self.at(self.saved[v])}]")
        if v in self.filled:
            return self.declare(v, f"k{v}[{self._place(self.rows[v])}]")
        match step:
            case Constant(number, dtype):
                text = literal(number, dtype)
                return f"({text})" if text.startswith("-") else text
            case Load(operand):
                return self.declare(v, f"{'c' if operand in self.copied else 'a'}{operand}[{self.at(operand)}]")
            case Index(axis):
                return self.declare(v, f"x{axis}")
            case Compute(op, args):
                given = tuple(map(self.value, args))
                name = self.declare(v, spelled(op, tuple(self.loop.dtypes[a] for a in args), given))
                if v in self.rows:
                    self.add(f"k{v}[{self._place(self.rows[v])}] = {name};")
                return name
            case Reduce():
                text = f"r{v}[{self._at_result(v)}]"
                return self.declare(v, wrapped(text, self.loop.dtypes[v]) if self._widens(v) else text)
        raise AssertionError(f"{step} is no value")

    def hoist(self, roots: Sequence[int]) -> None:
        """Compute what is the same all along the axes of the loops that follow."""
        opened, possible = set(self.opened), dict[int, bool]()
        waiting, needed, seen = [v for i in roots for v in reads(self.loop.code[i])], set[int](), set[int]()
        while waiting:
            v = waiting.pop()
            if v in seen or isinstance(self.loop.code[v], Constant):
                continue
            seen.add(v)
            if self.loop.axes[v] <= opened and self._can_be_computed(v, set(roots), possible):
                needed.add(v)
            elif isinstance(self.loop.code[v], Compute):
                waiting.extend(reads(self.loop.code[v]))
        for v in sorted(needed):
            self.value(v)

    def _can_be_computed(self, v: int, roots: set[int], possible: dict[int, bool]) -> bool:
        """Whether all reductions in a value are complete; `possible` holds what has been found."""
        if v not in possible:
            step = self.loop.code[v]
            if any(v in names for names in self.known):
                possible[v] = True
            elif isinstance(step, Reduce):
                possible[v] = f"r{v}" in self.scratch and v not in roots
            else:
                possible[v] = all(self._can_be_computed(a, roots, possible) for a in reads(step))
        return possible[v]

    # ------------------------------------------------------------------------------- places

    def point(self, roots: Sequence[int], inside: set[int]) -> None:
        """Add up strides that stay the same in the loops that follow."""
        operands = {o for i in roots for o in self.read[i]} | {
            step.operand for i in roots if isinstance(step := self.loop.code[i], Store)
        }
        for operand in sorted(operands):
            moves, known = self.moves(operand), self._pointer(operand)[1]
            new = moves & set(self.opened)
            if new != known and moves & inside and self._is_long(operand, new):
                name = f"p{operand}_{len(self.opened)}"
                self.add(f"const {name} = {self._sum(operand, new)};")
                self.pointers[-1][operand] = (name, frozenset(new))

    def _is_long(self, operand: int, axes: frozenset[int] | set[int]) -> bool:
        return len(axes) > 1 or any(self.loop.operands[operand].strides[a] != 1 for a in axes)

    def moves(self, operand: int) -> frozenset[int]:
        return self.loop.moves(operand)

    def _pointer(self, operand: int) -> tuple[str, frozenset[int]]:
        for pointers in reversed(self.pointers):
            if operand in pointers:
                return pointers[operand]
        return "", frozenset()

    def at(self, operand: int) -> str:
        """Where an operand lies at this point."""
        return self._sum(operand, self.moves(operand) & set(self.opened))

    def _sum(self, operand: int, axes: set[int] | frozenset[int]) -> str:
        o = self.loop.operands[operand]
        name, known = self._pointer(operand)
        terms = [name] if name else []
        if _goes_back(o.strides) and not name:
            self.numbers[f"o{operand}"] = o.offset
            terms.append(f"o{operand}")
        for a in sorted(axes - known):
            terms.append(f"x{a}" if o.strides[a] == 1 else f"x{a} * {self.stride(operand, a)}")
        return " + ".join(terms) or "0"

    def stride(self, operand: int, axis: int) -> str:
        name = f"s{operand}_{axis}"
        self.numbers[name] = self.loop.operands[operand].strides[axis]
        return name


def _goes_back(strides: Sequence[int]) -> bool:
    """Whether an operand has elements before its first one, so that its array cannot begin there."""
    return any(s < 0 for s in strides)
