"""A program as JSON: what runtime.js needs to compute it again."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from ..groups import Call, Group
from ..numbers import Formula
from ..operations import DTYPES
from ..program import Program, Var, vars_in
from ..steps import Store
from ..views import View, strides_of
from .calls import library_call
from .functions import Functions
from .split import Split, split
from .writer import written

__all__ = ["Living", "described"]


@dataclass
class Living:
    """A program that a page can compute again.

    Attributes:
        description: for `minigrad.Program`; all of it is JSON.
        places: of each kept value its number, for `program.read`.
        inputs: of each input its number, for `program.set`.
        fixed: of each kept value that stays as it is, why.
    """

    description: dict[str, Any]
    places: dict[Var, int]
    inputs: dict[Var, int]
    fixed: dict[Var, str]


def described(
    program: Program,
    given: Mapping[Any, Any],
    functions: Functions,
    keep: Sequence[Var] = (),
    names: Sequence[str] = (),
    pairs: Sequence[tuple[Var, Var]] = (),
    number_pairs: Sequence[tuple[Formula, Formula]] = (),
    decisions: Sequence[tuple[Formula, Any]] = (),
    arguments: int | None = None,
) -> Living:
    """Describe a program for a page.

    Args:
        given: the arrays of all inputs, and the values of Python's numbers that are given; of other values what is known of
            the recorded run.
        functions: where the text of its loops is added.
        keep: values that the page shows beside the outputs: each has a place of its own.
        names: what the inputs are called.
        pairs: inputs, and the values that they get when the program *advances*.
        number_pairs: the same of Python's numbers.
        decisions: what Python's numbers must be for the program to be right.
        arguments: so many inputs can be changed whether the program reads them or not; of the others those that it reads.

    >>> from minigrad.compiler.trace import Recorder
    >>> recorder = Recorder()
    >>> x = recorder.given(np.ones(3))
    >>> program = recorder.program([np.exp(x)])
    >>> functions = Functions()
    >>> living = described(program, {program.inputs[0]: np.ones(3)}, functions)
    >>> living.description["outputs"], len(living.description["steps"]), "Math.exp" in functions.script
    ([0], 1, True)
    """
    keep = [*keep, *(new for _, new in pairs)]
    whole = Program(program.inputs, program.constants, program.steps, (program.outputs, keep), [], program.guards)
    writer = _Writer(split(whole, given), given, functions)
    for formula in [f for pair in number_pairs for f in pair] + [f for f, _ in decisions]:
        writer.number(formula)
    always = program.inputs[:arguments]
    used = {*always, *(old for old, _ in pairs), *vars_in(writer.parts.program.outputs), *writer.at}
    called = {v: name for v, name in zip(program.inputs, [*names, *[""] * len(program.inputs)], strict=False) if v in used}
    found = writer.written({v: name or f"input {i}" for i, (v, name) in enumerate(called.items())})
    fixed, inputs, places = found.fixed, found.inputs, found.places
    found.description |= {
        "decisions": [[writer.number(f), value] for f, value in decisions],
        "pairs": [[inputs[old], places[new]] for old, new in pairs if new not in fixed],
        "number_pairs": [[writer.number(old), writer.number(new)] for old, new in number_pairs],
        "stuck": next((fixed[new] for _, new in pairs if new in fixed), None),
    }
    return found


def _shown(x: Any, places: Mapping[Var, int]) -> Any:
    """Outputs with the numbers of their places, in lists and dicts; None for what is no array."""
    if type(x) is Var:
        return places[x]
    if isinstance(x, (tuple, list)):
        return [_shown(v, places) for v in x]
    return {str(k): _shown(v, places) for k, v in x.items()} if isinstance(x, dict) else None


@dataclass
class _Writer:
    """Collects the parts of a description.

    Attributes:
        buffers, constants, numbers, read_numbers, steps, values: as they stand in it.
        at: the number of the buffer that a value lies in, or a number of Python's in a dtype.
        known: the places of numbers.
        same: the buffers of constants that calls read, by what they hold.
        rooms: buffers for what loops keep while they run, by dtype and length.
    """

    parts: Split
    given: Mapping[Any, Any]
    functions: Functions
    buffers: list[list[Any]] = field(default_factory=list)
    constants: list[list[Any]] = field(default_factory=list)
    numbers: list[dict[str, Any]] = field(default_factory=list)
    read_numbers: list[list[int]] = field(default_factory=list)
    steps: list[list[Any]] = field(default_factory=list)
    values: list[list[Any]] = field(default_factory=list)
    at: dict[Any, int] = field(default_factory=dict)
    known: dict[Formula, int] = field(default_factory=dict)
    same: dict[tuple[str, int, Any], int] = field(default_factory=dict)
    rooms: dict[tuple[str, int], list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for group in self.parts.fusion.groups:
            if isinstance(group, Call):
                self._call(group)
            else:
                self._loop(group)

    def written(self, names: Mapping[Var, str]) -> Living:
        """The description, of inputs with these names; what a training adds to it is not in it yet."""
        program, fixed = self.parts.program, self.parts.fixed
        values = [*vars_in(program.outputs), *program.guards]
        places = {v: self.value(v) for v in values}
        description = {
            "inputs": [self.input(v, name) for v, name in names.items()],
            "buffers": self.buffers,
            "constants": self.constants,
            "numbers": self.numbers,
            "read_numbers": self.read_numbers,
            "steps": self.steps,
            "values": self.values,
            "outputs": _shown(program.outputs[0], places),
            "fixed": {places[v]: why for v, why in fixed.items() if v in places},
            "drawn": [places[v] for v in values if v in self.parts.drawn],
            "guards": [[places[v], v.why] for v in program.guards],
        }
        return Living(description, places, {v: i for i, v in enumerate(names)}, {v: w for v, w in fixed.items() if v in places})

    # ------------------------------------------------------------------------------- buffers

    def _new(self, dtype: Any, size: int) -> int:
        """A buffer that nobody has."""
        self.buffers.append([str(dtype), size])
        return len(self.buffers) - 1

    def buffer(self, v: Any) -> int:
        """The buffer of a value that lies in memory, or of a number and the dtype in which it is read."""
        if v in self.at:
            return self.at[v]
        fusion = self.parts.fusion
        if type(v) is tuple:
            formula, dtype = v
            self.at[v] = self._new(dtype, 1)
            self.read_numbers.append([self.at[v], self.number(formula)])
            return self.at[v]
        dtype = v.dtype if str(v.dtype) in DTYPES else "float64"
        self.at[v] = self._new(dtype, int(np.prod(v.shape)) * (1 if dtype == v.dtype else 2))
        if v in fusion.constants:
            self.constants.append([self.at[v], encoded(fusion.constants[v])])
        return self.at[v]

    def room(self, dtype: str, size: int, taken: set[int]) -> int:
        """A buffer for what a loop keeps while it runs."""
        free = next((b for b in self.rooms.get((dtype, size), ()) if b not in taken), None)
        if free is None:
            free = self._new(dtype, size)
            self.rooms.setdefault((dtype, size), []).append(free)
        return free

    def view(self, v: Var) -> list[Any]:
        """Where a value lies: buffer, shape, strides, offset."""
        view = self.parts.fusion.views.get(v) or View(v, v.shape, strides_of(v.shape))
        if v.dtype.kind == "c":  # a value that stays as it is: real and imaginary parts
            return [self.buffer(view.base), [*view.shape, 2], [*(2 * s for s in view.strides), 1], 2 * view.offset]
        return [self.buffer(view.base), list(view.shape), list(view.strides), view.offset]

    def value(self, v: Var) -> int:
        """The place of a value that is shown."""
        self.values.append(self.view(v))
        return len(self.values) - 1

    def input(self, v: Var, name: str) -> dict[str, Any]:
        """An input and what it holds."""
        data = encoded(np.asarray(self.given[v]))
        return {"name": name, "buffer": self.buffer(v), "shape": list(v.shape), "dtype": str(v.dtype), "data": data}

    def number(self, formula: Formula) -> int:
        """The place of a number of Python's."""
        if formula not in self.known:
            if formula.function is None:
                entry: dict[str, Any] = {"name": formula.name, "value": _finite(self.given[formula])}
            else:
                args = [[self.number(a)] if type(a) is Formula else _finite(a) for a in formula.args]
                entry = {"function": formula.function.__name__, "args": args, "value": 0}
            self.known[formula] = len(self.numbers)
            self.numbers.append(entry)
        return self.known[formula]

    # ------------------------------------------------------------------------------- steps

    def _loop(self, group: Group) -> None:
        """[function, buffers and where their arrays begin, numbers, buffers written, buffers read, null]"""
        text = written(group.loop("loop"))
        places, taken = list[int](), set[int]()
        # the loop may have been given a simpler space, and its operands other offsets
        for i, (key, operand) in enumerate(zip(group.operand_keys(), text.loop.operands, strict=True)):
            places += [self.buffer(key), 0 if i in text.explicit else operand.offset]
        for dtype, size in text.scratch:
            room = self.room(dtype, size, taken)
            taken.add(room)
            places += [room, 0]
        writes = sorted({places[2 * step.operand] for step in group.code if isinstance(step, Store)})
        reads = sorted({places[2 * i] for i in range(len(group.operands))} - set(writes))
        self.steps.append([self.functions.number(text.text, text.dtypes), places, list(text.numbers), writes, reads, None])

    def _call(self, call: Call) -> None:
        """[name, views that are read, views that are written, buffers written, buffers read, options]"""
        made = library_call(call.step, self.parts.fusion.constants)
        assert made is not None
        views = [self.view(x) if type(x) is Var else self._constant(x) for x in made.arrays]
        outs = [self.view(v) if v is not None else None for v in call.step.outs]
        writes = sorted({view[0] for view in outs if view is not None})
        self.steps.append([made.name, views, outs, writes, sorted({view[0] for view in views} - set(writes)), made.options])

    def _constant(self, x: Any) -> list[Any]:
        """The view of an array that is known; of equal ones there is one."""
        data = encoded(x)
        if (str(x.dtype), x.size, data) not in self.same:
            self.same[str(x.dtype), x.size, data] = self._new(x.dtype, x.size)
            self.constants.append([len(self.buffers) - 1, data])
        return [self.same[str(x.dtype), x.size, data], list(x.shape), list(strides_of(x.shape)), 0]


def _finite(x: Any) -> Any:
    """A number of Python's, of which JSON has no infinite ones: these are texts."""
    return x if isfinite(x) else {"inf": "Infinity", "-inf": "-Infinity"}.get(str(float(x)), "NaN")


def encoded(x: np.ndarray) -> Any:
    """Numbers as base64, of whole numbers of 64 bits as float64; one number where all are the same.

    Raises:
        ValueError: float64 does not hold one of these.

    >>> encoded(np.zeros(3)), encoded(np.float32([1, 2]))
    (0.0, 'AACAPwAAAEA=')
    """
    x = np.asarray(x, order="C")
    if str(x.dtype) in ("int64", "uint64") and x.size and max(int(x.max()), -int(x.min())) > 2**53:
        raise ValueError("a whole number is beyond 2^53, where JavaScript's numbers are not exact; use smaller ones")
    first: Any = x.flat[0] if x.size else 0
    if x.size and x.dtype.kind in "biuf" and isfinite(first) and (first or not np.signbit(first)) and (x == first).all():
        return int(first) if x.dtype.kind == "b" else first.item()
    if x.dtype.kind == "c" or str(x.dtype) in ("int64", "uint64") or str(x.dtype) not in DTYPES:
        x = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
    return b64encode(x.astype(x.dtype.newbyteorder("<")).tobytes()).decode()
