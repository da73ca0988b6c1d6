"""LLVM's assembly language, written line by line: names, constants, calls, loops with values that they carry.

Nothing here knows what a `Loop` is.  A *register* is a name such as "%7" or a constant; it has one element or,
where `lanes` is more than 1, a vector of them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .operations import kind

__all__ = ["Target", "Text", "functions", "literal", "llvm_type", "memory_type", "vector"]


@dataclass(frozen=True)
class Target:
    """What there is to know of a machine.

    Attributes:
        bytes: of a vector register; 0 where there are none, as in the code of a GPU, whose lanes are threads.
        fma: whether it multiplies and adds at once.
        ldexp: whether it multiplies by powers of 2.
        tile: how many rows of how many vectors of sums fit its registers, with room for what is added.
    """

    bytes: int = 64
    fma: bool = True
    ldexp: bool = False
    tile: tuple[int, int] = (6, 1)


def llvm_type(dtype: str) -> str:
    """LLVM's name of a dtype in a register: float, double, i32, i1."""
    if dtype == "bool":
        return "i1"
    if kind(dtype) == "f":
        return "float" if dtype == "float32" else "double"
    return f"i{np.dtype(dtype).itemsize * 8}"


def memory_type(dtype: str) -> str:
    """LLVM's name of a dtype in an array: a bool takes a byte there."""
    return "i8" if dtype == "bool" else llvm_type(dtype)


def vector(element: str, lanes: int) -> str:
    """A vector type, or the element's own where there is one lane.

    >>> vector("float", 8), vector("float", 1)
    ('<8 x float>', 'float')
    """
    return element if lanes == 1 else f"<{lanes} x {element}>"


def literal(value: bool | int | float, dtype: str, lanes: int = 1) -> str:
    """A constant: floats as the bits of a double, which LLVM reads for every float type.

    >>> literal(0.5, "float32"), literal(3, "int32", 4)
    ('0x3FE0000000000000', 'splat (i32 3)')
    """
    if dtype == "bool":
        text = "true" if value else "false"
    elif kind(dtype) == "f":
        rounded = np.dtype(dtype).type(value)
        text = "0x" + struct.pack(">d", float(rounded)).hex().upper()
    else:
        text = str(int(value))
    return text if lanes == 1 else f"splat ({llvm_type(dtype)} {text})"


class Text:
    """The body of one function, which grows.

    Attributes:
        target: the machine.
        is_part: whether others of these functions call this one, each with a place of the table that says where its arrays are.
        declarations: of what it calls, by name.
        table: what the functions that it calls read there.
    """

    def __init__(self, target: Target, is_part: bool = False) -> None:
        self.target, self.is_part = target, is_part
        self.lines: list[str] = []
        self.declarations: dict[str, str] = {}
        self.table: list[int] = []
        self._count = 0
        self._block = "entry"  # where the next line goes: loops need to know where a value comes from

    def fresh(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def do(self, instruction: str) -> None:
        """Append an instruction that gives nothing."""
        self.lines.append(f"  {instruction}")

    def let(self, instruction: str) -> str:
        """Append an instruction; the register of its result."""
        name = self.fresh()
        self.lines.append(f"  {name} = {instruction}")
        return name

    def comment(self, text: str) -> None:
        self.lines.append(f"  ; {text}")

    def call(self, name: str, gives: str, args: Sequence[tuple[str, str]]) -> str:
        """Call an intrinsic with (type, register) pairs.  "void" gives nothing."""
        self.declarations[name] = f"declare {gives} @{name}({', '.join(t for t, _ in args)})"
        text = f"call {gives} @{name}({', '.join(f'{t} {r}' for t, r in args)})"
        if gives == "void":
            self.do(text)
            return ""
        return self.let(text)

    def broadcast(self, register: str, element: str, lanes: int) -> str:
        """A vector of equal elements."""
        if lanes == 1:
            return register
        kind_ = vector(element, lanes)
        first = self.let(f"insertelement {kind_} poison, {element} {register}, i64 0")
        return self.let(f"shufflevector {kind_} {first}, {kind_} poison, <{lanes} x i32> zeroinitializer")

    def half(self, register: str, element: str, lanes: int, upper: bool) -> str:
        """The lower or the upper half of a vector."""
        whole, first = vector(element, lanes), lanes // 2 if upper else 0
        if lanes == 2:
            return self.let(f"extractelement {whole} {register}, i64 {first}")
        picks = ", ".join(f"i32 {first + i}" for i in range(lanes // 2))
        return self.let(f"shufflevector {whole} {register}, {whole} poison, <{lanes // 2} x i32> <{picks}>")

    def moved(self, pointer: str, index: str, stride: int) -> str:
        """A pointer, so many bytes times an index further; what is constant is worked out here."""
        if not stride:
            return pointer
        if index.lstrip("-").isdigit():
            offset = int(index) * stride
            return self.let(f"getelementptr i8, ptr {pointer}, i64 {offset}") if offset else pointer
        offset_ = index if stride == 1 else self.let(f"mul i64 {index}, {stride}")
        return self.let(f"getelementptr i8, ptr {pointer}, i64 {offset_}")

    def plus(self, x: str, y: str) -> str:
        """The sum of two indices; of constants it is worked out here."""
        if x.isdigit() and y.isdigit():
            return str(int(x) + int(y))
        if "0" in (x, y):
            return y if x == "0" else x
        return self.let(f"add i64 {x}, {y}")

    def repeat(
        self,
        start: int,
        stop: int,
        step: int,
        carried: Sequence[tuple[str, str]],
        body: Callable[[str, list[str]], list[str]],
    ) -> list[str]:
        """A loop over start, start + step, ... below stop.

        Args:
            carried: (type, register) of values that go from one turn to the next.
            body: writes one turn, given the index and the carried registers; returns their new registers.

        Returns:
            The carried registers after the last turn.  One turn becomes no loop, none nothing.
        """
        if start >= stop:
            return [register for _, register in carried]
        if start + step >= stop:
            return body(str(start), [register for _, register in carried])
        before, here = self._block, self.fresh()[1:]
        self.do(f"br label %turn{here}")
        self._begin(f"turn{here}")
        index, names = self.fresh(), [self.fresh() for _ in carried]
        place = len(self.lines)  # the phis need the block where the body ends
        results = body(index, names)
        following = self.let(f"add i64 {index}, {step}")
        again = self.let(f"icmp slt i64 {following}, {stop}")
        self.do(f"br i1 {again}, label %turn{here}, label %after{here}")
        phis = [f"  {index} = phi i64 [ {start}, %{before} ], [ {following}, %{self._block} ]"]
        for name, (kind_, register), result in zip(names, carried, results, strict=True):
            phis.append(f"  {name} = phi {kind_} [ {register}, %{before} ], [ {result}, %{self._block} ]")
        self.lines[place:place] = phis
        self._begin(f"after{here}")
        return results

    def count_up(self, count: str, body: Callable[[str], None]) -> None:
        """A loop over 0, 1, ... below a number in a register, which is at least 1."""
        before, here, index = self._block, self.fresh()[1:], self.fresh()
        self.do(f"br label %turn{here}")
        self._begin(f"turn{here}")
        place = len(self.lines)
        body(index)
        following = self.let(f"add i64 {index}, 1")
        again = self.let(f"icmp slt i64 {following}, {count}")
        self.do(f"br i1 {again}, label %turn{here}, label %after{here}")
        self.lines.insert(place, f"  {index} = phi i64 [ 0, %{before} ], [ {following}, %{self._block} ]")
        self._begin(f"after{here}")

    def _begin(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self._block = label

    def address(self, slot: int) -> str:
        """Where an array lies: a place of the frame, which a part looks up in the table, with how many bytes further."""
        if not self.is_part:
            return self.let(f"load ptr, ptr {self.moved('%frame', str(slot), 8)}")
        place = self.moved("%table", str(slot), 16)
        found = self.let(f"load ptr, ptr {self.moved('%frame', self.let(f'load i64, ptr {place}'), 1)}")
        return self.moved(found, self.let(f"load i64, ptr {self.moved(place, '1', 8)}"), 1)

    def call_part(self, name: str, table: str, slots: Sequence[int], offsets: Sequence[int]) -> None:
        """Call another function of these, whose arrays are in some places of the frame, so many bytes further."""
        start = len(self.table) * 8
        for slot, offset in zip(slots, offsets, strict=True):
            self.table += slot * 8, offset
        self.do(f"call void @{name}(ptr %frame, ptr getelementptr (i8, ptr @{table}, i64 {start}))")

    def definition(self, name: str) -> str:
        """The function; its argument is the frame, and of a part also its place in the table."""
        head = f"internal void @{name}(ptr %frame, ptr %table)" if self.is_part else f"void @{name}(ptr %frame)"
        body = "\n".join(self.lines)
        return f"define {head} {{\nentry:\n{body}\n  ret void\n}}\n"


def functions(texts: Sequence[Text], names: Sequence[str], table: str = "") -> str:
    """All functions, the first of which is called from outside, with what they declare, and the table if there is one."""
    declarations = {n: text for t in texts for n, text in t.declarations.items()}
    declared = [declarations[n] for n in sorted(declarations)]
    if numbers := texts[0].table:
        declared.append(f"@{table} = internal constant [{len(numbers)} x i64] [{', '.join(f'i64 {n}' for n in numbers)}]")
    defined = [t.definition(n) for t, n in zip(texts, names, strict=True)]
    return "\n\n".join(["\n".join(declared), "\n".join([*defined[1:], defined[0]])])
