"""The Python function that a call of a compiled function runs: written out, so that it can be read, and runs as fast as Python can.

It looks whether the program is right for this call, fills in numbers and addresses, runs native code and NumPy calls in turn,
and changes what the function would have changed.  It returns MISS where the program is not right, before it has changed anything.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import graph
from ..random.state import get_state, set_state
from ..tensor import Tensor, wrap
from ..trees import flatten, sequence_like, unflatten
from . import native
from .capture import Capture, is_array
from .calls import is_sized_by_values
from .fuse import Fusion, fused
from .groups import Call, Group
from .numbers import Formula
from .passes import inputs_of
from .program import Var, vars_in
from .views import View

__all__ = ["MISS", "Script"]

#: What a call gives for which the program was not made.
MISS = object()
#: Arrays of fewer bytes are copied to and from places that native code knows: that takes less time than to find out where they are.
SMALL = 1 << 14


class Script:
    """Writes the function of a capture.

    Attributes:
        source: its text.
        run: takes the arguments' arrays; gives the result, or MISS.
    """

    def __init__(self, capture: Capture) -> None:
        self.capture, self.program = capture, capture.program
        count = len(self.program.inputs) - len(capture.sources)
        self.arguments, self.state = self.program.inputs[:count], self.program.inputs[count:]
        self.used = {*vars_in((self.program.outputs, self.program.guards, self.program.checks))}
        self.used |= {v for step in self.program.steps for v in inputs_of(step)}
        targets = {self.program.inputs[e.target]: e.value for e in capture.effects if e.kind == "write"}
        self.used |= set(targets)
        self.scattered = {v for v, source in zip(self.state, capture.sources, strict=True) if not _now(source).flags.c_contiguous}
        writes = {new: v for v, new in targets.items() if type(new) is Var and v not in {*self.arguments, *self.scattered}}
        self.fusion: Fusion = fused(self.program, writes)
        self.names: dict[str, Any] = {"MISS": MISS, "get_state": get_state, "set_state": set_state, "Tensor": Tensor, "ndarray": np.ndarray, "wrap": wrap, "empty": np.empty, "copyto": np.copyto, "as_strided": np.lib.stride_tricks.as_strided,
                                      "contiguous": np.ascontiguousarray, "mark_all_mutated": graph.mark_all_mutated}  # fmt: skip
        self.draws = any(getattr(step.function, "draws", False) for step in self.program.steps)
        self.lines: list[str] = []
        self.written: list[str] = []
        self.tensor_names: dict[int, str] = {}
        self.formulas: dict[Formula, str] = {}
        self.memory: dict[Any, np.ndarray] = {}
        self.slots: dict[Any, list[tuple[int, int]]] = {}
        self.direct: set[Var] = set()
        self.text_of: dict[Var, str] = {}
        self._write()

    def name(self, value: Any, kind: str) -> str:
        """A name for an object in the function."""
        for name, known in self.names.items():
            if known is value:
                return name
        name = f"{re.sub(r'[^0-9a-zA-Z_]', '', kind)}{len(self.names)}"
        name = name if name[0].isalpha() or name[0] == "_" else f"f{name}"
        self.names[name] = value
        return name

    def add(self, line: str) -> None:
        self.lines.append("    " + line)

    def _write(self) -> None:
        self._given()
        self._fits()
        self._numbers()
        self._layout()
        self._arguments()
        if self.draws:
            self.add("kept = get_state()")
        self._parts()
        self._effects()
        self.source = "def run(arguments):\n" + "\n".join(self.lines) + "\n"
        made: dict[str, Any] = {}
        file = f"<compiled {id(self)}>"
        exec(compile(self.source, file, "exec"), self.names, made)
        linecache.cache[file] = (len(self.source), None, self.source.splitlines(keepends=True), file)
        self.run: Callable[[Any], Any] = made["run"]

    # ------------------------------------------------------------------------------ what must hold

    def _given(self) -> None:
        """The arrays of the arguments, if they are of the kinds that were traced; other arguments must be equal."""
        leaves = self.capture.leaves
        names = [f"a{i}" for i in range(len(leaves))]
        if names:
            self.add(f"{', '.join(names)}{',' if len(names) == 1 else ''} = arguments")
        variables = iter(enumerate(self.arguments))
        traced = {path[0] for _, source, path in self.capture.numbers if source is None}
        for place, (name, leaf) in enumerate(zip(names, leaves, strict=True)):
            kind = self.name(type(leaf), "type")
            if is_array(leaf):
                self._given_array(name, leaf, kind, *next(variables))
            else:
                unlike = "" if place in traced else f" or {name} != {self.name(leaf, 'c')}"
                self.add(f"if type({name}) is not {kind}{unlike}:")
                self.add("    return MISS")

    def _given_array(self, name: str, leaf: Any, kind: str, i: int, v: Var) -> None:
        """An argument that holds an array."""
        is_tensor = isinstance(leaf, Tensor)
        self.add(f"if type({name}) is not {kind}{f' or {name}._node is not None' if is_tensor else ''}:")
        self.add("    return MISS")
        if isinstance(leaf, np.generic):
            self.add(f"x{i} = {self.name(np.asarray, 'asarray')}({name})")
            return
        self.add(f"x{i} = {name}{'._array' if is_tensor else ''}")
        foreign = f"type(x{i}) is not ndarray or " if is_tensor else ""
        self.add(f"if {foreign}x{i}.shape != {v.shape} or x{i}.dtype != {self.name(v.dtype, 'd')}:")
        self.add("    return MISS")

    def _fits(self) -> None:
        """What the program depends on beside its arguments: objects that must be the same, numbers that must be equal."""
        self._tensors()
        conditions = [f"{place.text(self.holder)} is {self.name(value, 'o')}" for place, value in self.capture.same]
        for place, value in self.capture.fixed:
            text = place.text(self.holder)
            if value is None or isinstance(value, bool):
                conditions.append(f"{text} is {value}")
            else:
                conditions.append(f"{text} == {self.number(value) if isinstance(value, (int, float)) else self.name(value, 'c')}")
        conditions += [f"{self.name(np.array_equal, 'equal')}({self.name(x, 'x')}, {self.name(kept, 'x')})" for x, kept in self.capture.loose]
        conditions += [f"len({self.name(h, 'o')}) == {n}" for h, n in self.capture.sizes]
        for t, _, needs, has in self.capture.tensors:
            n = self.holder(t)
            conditions.append(f"{n}._node is{' not' if needs else ''} None")
            if needs:
                conditions.append(f"{n}._node.grad is{' not' if has else ''} None")
        if conditions:
            self.add("if not (" + "\n        and ".join(conditions) + "):")
            self.add("    return MISS")

    def _tensors(self) -> None:
        """Tensors are read where they are found: it may be another one at each call, a gradient say."""
        found = [(t, place) for t, place, _, _ in self.capture.tensors if place is not None]
        self.found = [None] * len(found)
        for i, (t, place) in enumerate(found):
            text = place.text(self.holder)
            self.tensor_names[id(t)] = f"t{i}"
            known = self.name(self.found, "found")
            self.add(f"t{i} = {text}")
            self.add(f"if t{i} is not {known}[{i}]:")
            self.add(f"    if type(t{i}) is not {self.name(type(t), 'type')}:")
            self.add("        return MISS")
            self.add(f"    {known}[{i}] = t{i}")

    def holder(self, x: Any, kind: str = "o") -> str:
        """The name of an object, or the variable that holds a tensor of this call."""
        return self.tensor_names.get(id(x)) or self.name(x, kind)

    def _numbers(self) -> None:
        for formula, source, path in self.capture.numbers:
            text = f"a{path[0]}" if source is None else self.name(source, "o") + "".join(f"[{key!r}]" for key in path)
            self.formulas[formula] = f"n{len(self.formulas)}"
            self.add(f"{self.formulas[formula]} = {text}")
        for formula, value in self.capture.decisions:
            self.add(f"if {self.number(formula)} != {self.number(value)}:")
            self.add("    return MISS")

    def number(self, x: Any) -> str:
        """The name of a formula's value, which is computed where it is first needed."""
        if type(x) is not Formula:
            return repr(x) if isinstance(x, (int, float)) and x == x and abs(x) != float("inf") else self.name(x, "c")
        if x not in self.formulas:
            args = [self.number(a) for a in x.args]
            sign = _SIGNS.get(x.function.__name__)
            text = f"{args[0]} {sign} {args[1]}" if sign and len(args) == 2 else f"{self.name(x.function, 'f')}({', '.join(args)})"
            self.formulas[x] = f"n{len(self.formulas)}"
            self.add(f"{self.formulas[x]} = {text}")
        return self.formulas[x]

    # ------------------------------------------------------------------------------ memory

    def _layout(self) -> None:
        """A place for every value, native functions, and their frames."""
        outputs = {v for v in vars_in(self.program.outputs)} - set(self.fusion.written)
        for group in self.fusion.groups:
            for v in () if isinstance(group, Call) else group.stored:
                if v in outputs and v.dtype.itemsize * int(np.prod(v.shape)) > SMALL:
                    self.direct.add(v)
                else:
                    self.memory[v] = np.empty(v.shape, v.dtype)
        zeroed = set(self.fusion.zeroed)
        self.memory.update((v, (np.zeros if v in zeroed else np.empty)(v.shape, v.dtype)) for v in self.fusion.joined)
        self.pieces: list[Any] = []
        self.frames: list[Any] = []
        waiting: list[Any] = []
        for number, group in enumerate(self.fusion.groups):
            if (isinstance(group, Call) or number == self.fusion.floor) and waiting:
                self.pieces.append(self._native(waiting))
                waiting = []
            if isinstance(group, Call):
                self.pieces.append(group)
                self.frames.append(None)
            else:
                waiting.append((number, group))
        if waiting:
            self.pieces.append(self._native(waiting))
        self.functions = [None if isinstance(p, Call) else native.compile_loops(*p) for p in self.pieces]
        for v, x in self.fusion.constants.items():
            self.memory[v] = np.array(x, order="C")
        for group in self.fusion.groups:
            if isinstance(group, Group):
                self._check_reach(group)
        largest = max((f.workspace for f in self.functions if f is not None), default=0)
        self.workspace = np.empty(largest // 8 + 8, np.int64)
        room = -(-_address(self.workspace) // 64) * 64
        for frame in self.frames:
            if frame is not None:
                frame[-1] = room
        for key in self.slots:
            if key in self.memory:
                self.put(key, _address(self.memory[key]))

    def _check_reach(self, group: Group) -> None:
        """Nothing that native code reads or writes lies outside of its array."""
        for a, operand in zip(group.arrays, group.operands, strict=True):
            if type(a) is Formula:
                continue
            ends = [s * (n - 1) for s, n in zip(operand.strides, group.space, strict=True)]
            low, high = operand.offset + sum(min(e, 0) for e in ends), operand.offset + sum(max(e, 0) for e in ends)
            if 0 not in group.space and not 0 <= low <= high < int(np.prod(a.shape)):
                raise AssertionError(f"{operand} over {group.space} reaches beyond {a} of shape {a.shape}")

    def put(self, key: Any, address: int) -> None:
        """Note where a value lies, in all frames that hold it."""
        for frame, slot in self.slots.get(key, ()):
            self.frames[frame][slot] = address

    def putting(self, key: Any, array: str) -> str:
        """The line that does so at each call."""
        places = " = ".join(f"{self.name(self.frames[frame], 'frame')}[{slot}]" for frame, slot in self.slots[key])
        return f"{places} = {array}.__array_interface__['data'][0]"

    def _native(self, groups: list[tuple[int, Group]]) -> tuple[list[Any], list[list[int]]]:
        """The loops of one native function, and where their operands stand in its frame."""
        local: dict[Any, int] = {}
        slots = []
        for _, group in groups:
            keys = [(a, o.dtype) if type(a) is Formula else a for a, o in zip(group.arrays, group.operands, strict=True)]
            slots.append([local.setdefault(key, len(local)) for key in keys])
        for key, slot in local.items():
            if type(key) is tuple and key not in self.memory:
                self.memory[key] = np.empty((), key[1])
            self.slots.setdefault(key, []).append((len(self.frames), slot))
        self.frames.append(np.zeros(len(local) + 1, np.int64))
        return [group.loop(f"loop {i}") for i, group in groups], slots

    # ------------------------------------------------------------------------------ what runs

    def _arguments(self) -> None:
        """Where the arrays of this call lie."""
        names = [f"x{i}" for i in range(len(self.arguments))]
        for v, name in zip(self.arguments, names, strict=True):
            self.text_of[v] = name
            if v in self.slots and v.dtype.itemsize * int(np.prod(v.shape)) <= SMALL:
                self.memory[v] = np.empty(v.shape, v.dtype)
                self.put(v, _address(self.memory[v]))
                self.add(f"copyto({self.name(self.memory[v], 'b')}, {name})")
            elif v in self.slots:
                self._anywhere(v, name)
        seen = self.name([None] * len(self.state), "seen") if self.state else ""
        for i, (v, source) in enumerate(zip(self.state, self.capture.sources, strict=True)):
            self._source(i, v, source, seen)
        for key, array in list(self.memory.items()):
            if type(key) is tuple:
                self.add(f"{self.name(array, 'm')}[()] = {self.number(key[0])}")

    def _anywhere(self, v: Var, name: str) -> None:
        """An array that may lie somewhere else, and in another order, at each call."""
        self.text_of[v] = f"c_{name}"
        self.add(f"c_{name} = contiguous({name})")
        if v in self.slots:
            self.add(self.putting(v, f"c_{name}"))

    def _source(self, i: int, v: Var, source: Any, seen: str) -> None:
        """An array of the state: where it lies is looked up again only if it is another object."""
        if isinstance(source, Tensor):
            text = f"{self.holder(source)}._array"
        else:
            text = self.name(source, "x") if isinstance(source, np.ndarray) else source.text(self.holder)
        self.text_of[v] = f"s{i}"
        if v not in self.used:
            return
        self.add(f"s{i} = {text}")
        if v in self.scattered:
            self._anywhere(v, f"s{i}")
            return
        known = self.name(_Fits(v, self.put), "fits")
        self.add(f"if s{i} is not {seen}[{i}]:")
        self.add(f"    if not {known}(s{i}):")
        self.add("        return MISS")
        self.add(f"    {seen}[{i}] = s{i}")

    def array(self, v: Var) -> str:
        """The text of an array's name."""
        if v in self.text_of:
            return self.text_of[v]
        if v in self.memory:
            return self.name(self.memory[v], "m")
        look: View = self.fusion.views[v]
        base = self.array(look.base)
        size = look.base.dtype.itemsize
        strides = tuple(s * size for s in look.strides)
        if look.base in self.memory:  # which stays where it is
            flat = self.memory[look.base].reshape(-1)[look.offset :]
            self.memory[v] = np.lib.stride_tricks.as_strided(flat, look.shape, strides)
            return self.name(self.memory[v], "m")
        self.text_of[v] = f"w_{v}"
        self.add(f"w_{v} = as_strided({base}.reshape(-1)[{look.offset}:], {look.shape}, {strides})")
        return self.text_of[v]

    def _parts(self) -> None:
        """Native code and calls, in order; guards and checks as soon as they can be made."""
        waiting = list(self.program.guards)
        for v in self.direct:
            self.text_of[v] = f"r_{v}"
            self.add(f"r_{v} = empty({v.shape}, {self.name(v.dtype, 'd')})")
            if v in self.slots:
                self.add(self.putting(v, f"r_{v}"))
        last = max((i for i, p in enumerate(self.pieces) if self._ends_before_floor(i)), default=-1)
        if last < 0:
            self._checks(waiting)
        for i, (piece, function) in enumerate(zip(self.pieces, self.functions, strict=True)):
            if function is not None:
                self.add(f"{self.name(function.entry, 'native')}({_address(self.frames[i])})")
            else:
                self._call(piece)
            if i == last:
                self._checks(waiting)

    def _leave(self) -> None:
        """The program is not right for these values: nothing was changed but random numbers drawn, which are given back."""
        if self.draws:
            self.add("    set_state(kept)")
        self.add("    return MISS")

    def _ends_before_floor(self, i: int) -> bool:
        done = 0
        for piece in self.pieces[: i + 1]:
            done += 1 if isinstance(piece, Call) else len(piece[0])
        return done <= self.fusion.floor

    def _checks(self, guards: list[Var]) -> None:
        for v in guards:
            self.add(f"if not {self.array(v)}:")
            self._leave()
        for verify, values in self.program.checks:
            self.add(f"{self.name(verify, 'verify')}({', '.join(self.array(v) for v in values)})")

    def _call(self, call: Call) -> None:
        step = call.step
        named = _Named(self)
        args = [named(a) for a in step.args] + [f"{k}={named(a)}" for k, a in step.kwargs.items()]
        outs = ["_" if v is None else str(v) for v in step.outs]
        self.add(f"{', '.join(outs)}{',' if step.several and len(outs) == 1 else ''} = {self.name(step.function, step.function.__name__)}({', '.join(args)})")
        for v in step.outs:
            if v is None:
                continue
            self.text_of[v] = str(v)
            self.add(f"{v} = contiguous({v})" if v.shape else f"{v} = {self.name(np.asarray, 'asarray')}({v})")
            if is_sized_by_values(step):
                self.add(f"if {v}.shape != {v.shape} or {v}.dtype != {self.name(v.dtype, 'd')}:")
                self._leave()
            if v in self.slots:
                self.add(self.putting(v, str(v)))

    # ------------------------------------------------------------------------------ effects

    def fresh(self, x: Any) -> str:
        """An array of its own for a result."""
        if x in self.direct:
            self.direct.discard(x)
            return self.array(x)
        return f"{self.array(x)}.copy()"

    def _effects(self) -> None:
        parts = flatten(self.capture.result)
        results = []
        for i, (x, v) in enumerate(zip(parts, self.program.outputs[0], strict=True)):
            text = f"wrap({self.fresh(v)}, None)" if isinstance(x, Tensor) else self.fresh(v) if type(v) is Var else self.number(v)
            self.add(f"y{i} = {text}")
            results.append(f"y{i}")
        for e, v in zip(self.capture.effects, self.program.outputs[1], strict=True):
            self._effect(e, v)
        if self.written:
            self.add(f"mark_all_mutated({', '.join(self.written)})")
        if len(parts) == 1 and self.capture.result is parts[0]:
            self.add(f"return {results[0]}")
        else:
            self.add(f"return {self.name(_Rebuild(self.capture.result), 'rebuild')}(({', '.join(results)}{',' if len(results) == 1 else ''}))")

    def _effect(self, e: Any, v: Any) -> None:
        if e.kind == "write":
            count = len(self.arguments)
            target = f"x{e.target}" if e.target < count else f"s{e.target - count}"
            if v not in self.fusion.written:
                self.add(f"copyto({target}, {self.array(v)})")
            self.written.append(target)
        elif e.kind == "grad":
            self.add(f"{self.holder(e.target)}._node.grad = {'None' if v is None else f'wrap({self.fresh(v)}, None)'}")
        elif e.kind == "array":
            self.add(f"{self.holder(e.target)}._array = {self.fresh(v)}")
        else:
            value = self.number(v) if e.kind == "number" else self.fresh(v)
            self.add(f"{e.target.text(self.holder)} = {f'wrap({value}, None)' if e.kind == 'tensor' else value}")


def _now(source: Any) -> Any:
    """The array that a source of the state gives now."""
    if isinstance(source, Tensor):
        return source._array
    return source if isinstance(source, np.ndarray) else source.get()


class _Named:
    """The text of a step's argument."""

    def __init__(self, script: Script) -> None:
        self.script = script

    def __call__(self, x: Any) -> str:
        if type(x) is Var:
            return self.script.array(x)
        if type(x) is Formula:
            return self.script.number(x)
        if type(x) in (tuple, list):
            inner = ", ".join(map(self, x))
            return f"[{inner}]" if type(x) is list else f"({inner}{',' if len(x) == 1 else ''})"
        if type(x) is dict:
            return "{" + ", ".join(f"{k!r}: {self(v)}" for k, v in x.items()) + "}"
        if list(vars_in(x)) and not isinstance(x, slice):  # a named tuple, say
            return f"{self.script.name(sequence_like, 'like')}({self.script.name(x, 'c')}, [{', '.join(map(self, x))}])"
        if isinstance(x, slice):
            return f"slice({self(x.start)}, {self(x.stop)}, {self(x.step)})"
        if x is None or isinstance(x, (bool, int, str)):
            return repr(x)
        return self.script.name(x, "c")


class _Fits:
    """Looks at an array that stands where another one stood, and notes where it lies."""

    def __init__(self, v: Var, put: Callable[[Any, int], None]) -> None:
        self.v, self.put = v, put

    def __call__(self, x: Any) -> bool:
        if type(x) is not np.ndarray or x.shape != self.v.shape or x.dtype != self.v.dtype or not x.flags.c_contiguous:
            return False
        self.put(self.v, _address(x))
        return True


class _Rebuild:
    """Containers as the function returned them."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def __call__(self, parts: tuple[Any, ...]) -> Any:
        return unflatten(self.result, iter(parts))


def _address(x: np.ndarray) -> int:
    return x.__array_interface__["data"][0]


#: How Python writes functions of two numbers.
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
          "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}  # fmt: skip
