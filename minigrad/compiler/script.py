"""The Python function that a call of a compiled function runs: written out, so that it can be read, and as fast as Python can be.

It looks whether the program is right for this call, fills in numbers and addresses, runs native code and NumPy calls in turn,
and changes what the function would have changed.  It returns MISS where the program is not right, before it has changed anything.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import getrefcount
from typing import Any

import numpy as np

from .. import graph
from ..arrays.row_sparse import RowSparse
from ..backend import address_of, is_plain
from ..random.state import get_state, set_state
from ..references import TAKEN
from ..tensor import Tensor, wrap
from ..trees import flatten, is_leaf, sequence_like, unflatten
from . import native
from .calls import is_sized_by_values
from .capture import Capture
from .conditions import write_conditions
from .fits import Apart, Fits, is_in_one_piece
from .fuse import Fusion, fused
from .groups import Call
from .layout import LARGE, SMALL, Argument, Given, Layout
from .lines import Lines
from .numbers import Formula
from .program import Var, bytes_of, vars_in
from .replay import Replay
from .written import replaced_at

__all__ = ["MISS", "NAMES", "Script"]

#: What a call gives for which the program was not made.
MISS = object()
#: What the text of every function may name.
NAMES = {
    "MISS": MISS, "Tensor": Tensor, "wrap": wrap, "mark_mutated": graph.mark_mutated, "get_state": get_state,
    "set_state": set_state, "getrefcount": getrefcount,
}  # fmt: skip


class Script(Lines):
    """Writes the function of a capture.

    Attributes:
        source: its text.
        run: takes the arguments' leaves; gives the result, or MISS.
        new: values whose arrays calls have made, and nobody has yet.
        saved: the names of copies of outputs, from before they were overwritten.
        written: inputs whose arrays the program writes.
        apart: whether arrays of the state share memory.
        owned, owners: who owns the memory of arrays of the state that no argument may share, and their identities.
        tensors: variables that hold tensors of the state, by the identity of those that were traced.
        large: results of more bytes are new arrays at each call.
    """

    large = LARGE

    def __init__(self, capture: Capture) -> None:
        self._begin()
        self.capture, self.program = capture, capture.program
        count = len(self.program.inputs) - len(capture.sources)
        self.arguments, self.state = self.program.inputs[:count], self.program.inputs[count:]
        self.used = {*vars_in((self.program.outputs, self.program.guards, self.program.checks))}
        self.used |= {v for step in self.program.steps for v in step.inputs()}
        targets = {self.program.inputs[e.target]: e.value for e in capture.effects if e.kind == "write"}
        self.used |= set(targets)
        self.scattered = {v for v, source in zip(self.state, capture.sources, strict=True) if not is_in_one_piece(source)}
        writes = {new: v for v, new in targets.items() if type(new) is Var and v not in {*self.arguments, *self.scattered}}
        self.fusion = self._fused(writes)
        self.draws = any(getattr(step.function, "draws", False) for step in self.program.steps)
        self.written = set(targets)
        self.writes = graph.Writes()
        self.apart = Apart(self.written)
        self.owned: dict[Var, Any] = {}
        self.owners: set[int] = set()
        self.tensors: dict[int, str] = {}
        write_conditions(self)
        self.gives = self._to_give()
        self.layout = self._placed()
        self._arrays()
        if self.draws:
            self.add("kept = get_state()")
        start = len(self.lines)
        self._keep_old()
        self._parts()
        self._effects()
        self._return()
        if self.draws:  # where it raises, the function may run in its place, and draws the same numbers
            lines = [f"    {line}" for line in self.lines[start:]]
            self.lines[start:] = ["    try:", *lines, "    except Exception:", "        set_state(kept)", "        raise"]
        self.source: str
        self.run: Callable[[Any], Any]
        self.source, self.run = self.made("run(arguments)")

    def _begin(self) -> None:
        """An empty text, in which nothing has a name yet."""
        super().__init__(NAMES | self.library())
        self.text_of: dict[Var, str] = {}
        self.text_given: dict[Var, str] = {}
        self.new: set[Var] = set()
        self.saved: dict[Var, str] = {}
        self.turns = False
        self.results: list[str] = []

    def __repr__(self) -> str:
        calls = sum(isinstance(g, Call) for g in self.fusion.groups)
        return f"<script of {len(self.program.steps)} steps: {len(self.fusion.groups) - calls} loops, {calls} calls>"

    @property
    def changes_nothing(self) -> bool:
        """Whether nothing has changed where the program ends with an error, so that the function can run in its place."""
        return not self.written

    def needs(self, t: Tensor) -> bool:
        """Whether it matters what a tensor of the state is: a gradient that is replaced unread does not."""
        read = any(source is t and v in self.used for v, source in zip(self.state, self.capture.sources, strict=True))
        return read or t._node is not None

    def holder(self, x: Any, kind: str = "o") -> str:
        """The name of an object, or the variable that holds a tensor of this call."""
        return self.tensors.get(id(x)) or self.name(x, kind)

    def library(self) -> dict[str, Any]:
        """Functions of the arrays' library that the text names."""
        return {"empty": np.empty, "copyto": np.copyto, "contiguous": np.ascontiguousarray, "asarray": np.asarray}

    def _fused(self, writes: dict[Var, Var]) -> Fusion | Replay:
        """What the program is divided into."""
        return fused(self.program, writes) if native.available() else Replay(self.program)

    def _placed(self) -> Layout:
        """Where all values lie."""
        return Layout(self.fusion, self.program, set(self.gives))

    def _to_give(self) -> dict[Var, bool]:
        """The values that the caller gets as arrays of their own, and whether in Tensors."""
        found: dict[Var, bool] = {}
        for x, v in zip(flatten(self.capture.result), self.program.outputs[0], strict=True):
            if type(v) is Var and (v.shape or isinstance(x, Tensor)):
                found.setdefault(v, isinstance(x, Tensor))
        for e, v in zip(self.capture.effects, self.program.outputs[1], strict=True):
            if e.kind != "write":
                found.update((part, e.kind in ("grad", "tensor")) for part in vars_in(v) if part not in found)
        return found

    # ------------------------------------------------------------------------------ arrays

    def _arrays(self) -> None:
        """Where the arrays of this call lie."""
        names = [f"x{i}" for i in range(len(self.arguments))]
        for v, name in zip(self.arguments, names, strict=True):
            self.text_of[v] = name
            if v in self.layout.slots and bytes_of(v) <= SMALL:
                known = self.name(Argument(self.layout, v), "argument")
                self.add(f"if {name} is not {known}.array:")
                self.add(f"    {known}.take({name})")
            elif v in self.layout.slots:
                self._anywhere(v, name)
        self._sources()
        self._numbers()

    def _sources(self) -> None:
        seen = self.name([None] * len(self.state), "seen")
        for i, (v, source) in enumerate(zip(self.state, self.capture.sources, strict=True)):
            self._source(i, v, source, seen)
        if self.written:
            apart = self.name(self.apart, "apart")
            self.add(f"if not {apart}.known and not {apart}():")
            self.add("    return MISS")

    def _numbers(self) -> None:
        """Numbers that loops read."""
        for key, array in list(self.layout.memory.items()):
            if type(key) is tuple:
                self.add(f"{self.name(array, 'm')}[()] = {self.number(key[0])}")

    def _anywhere(self, v: Var, name: str) -> None:
        """An array that may lie somewhere else, and in another order, at each call."""
        self.text_of[v] = f"c_{name}"
        self.add(f"c_{name} = contiguous({name})")
        self._note(v, f"c_{name}")

    def _note(self, v: Var, name: str) -> None:
        """Have native code find an array that lies somewhere else at each call."""
        if v in self.layout.slots:
            self.add(self.putting(v, name))

    def _source(self, i: int, v: Var, source: Any, seen: str) -> None:
        """An array of the state: where it lies is looked up again only if it is another object."""
        if v not in self.used:
            return
        if isinstance(source, Tensor):
            text = f"{self.holder(source)}._array"
        else:
            text = self.name(source, "x") if is_plain(source) else source.text(self.holder)
        self.text_of[v] = f"s{i}"
        self.add(f"s{i} = {text}")
        if v in self.scattered:
            self._anywhere(v, f"s{i}")
            return
        known = self.name(Fits(self, v), "fits")
        self.add(f"if s{i} is not {seen}[{i}]:")
        self.add(f"    if not {known}(s{i}):")
        self.add("        return MISS")
        self.add(f"    {seen}[{i}] = s{i}")

    def putting(self, key: Any, array: str) -> str:
        """The line that notes where an array lies, in all frames that hold it."""
        found = [(self.layout.frames[frame][turn], slot) for frame, slot in self.layout.slots[key] for turn in (0, 1)]
        places = " = ".join(f"{self.name(frame, 'frame')}[{slot}]" for frame, slot in found)
        return f"{places} = {array}.__array_interface__['data'][0]"

    def array(self, v: Var) -> str:
        """The text of an array's name."""
        if v in self.text_of:
            return self.text_of[v]
        if v in self.layout.memory:
            return self.name(self.layout.memory[v], "m")
        if v in self.fusion.written:  # by a loop, into an array of the state
            return self.array(self.fusion.written[v])
        view, look = self.fusion.views[v], self.fusion.looks.get(v)
        if view.base in self.layout.memory:  # which stays where it is
            if look is not None:
                self.array(look.args[0])
            self.layout.memory[v] = self.layout.seen(view) if look is None else self.layout.looked_at(look)
            return self.name(self.layout.memory[v], "m")
        if look is None:  # a part that was written, or split off
            text = f"{self.name(self.layout.seen, 'seen')}({self.name(view, 'view')}, {self.array(view.base)})"
        else:
            args = [self.text(a) for a in look.args] + [f"{k}={self.text(a)}" for k, a in look.kwargs.items()]
            text = f"{self.name(look.function, look.function.__name__)}({', '.join(args)})"
        self.text_of[v] = f"w_{v}"
        self.add(f"w_{v} = {text}")
        return self.text_of[v]

    def _parts(self) -> None:
        """Native code and calls, in order; guards and checks as soon as they can be made."""
        waiting = list(self.fusion.guards)
        for v in self.layout.given:
            self._give(v)
        last = self.layout.last_before_floor()
        if last < 0:
            self._checks(waiting)
        for i, (piece, function) in enumerate(zip(self.layout.pieces, self.layout.functions, strict=True)):
            if function is not None:
                self._run(i)
            else:
                self._call(piece)
            if i == last:
                self._checks(waiting)

    def _run(self, i: int) -> None:
        """A piece of native code."""
        function = self.layout.functions[i]
        assert function is not None
        addresses = tuple(address_of(frame) for frame in self.layout.frames[i])
        frame = f"{self.name(addresses, 'frames')}[turn]" if self.turns else addresses[0]
        self.add(f"{self.name(function.entry, 'native')}({frame})")

    def _give(self, v: Var) -> None:
        """Where a result lies this time: where nobody has the one before the last any more, there."""
        if bytes_of(v) > self.large:
            self.add(f"r_{v} = empty({v.shape}, {self.name(v.dtype, 'd')})")
            self._note(v, f"r_{v}")
            self.text_of[v] = f"r_{v}"
            self.text_given[v] = f"wrap(r_{v}, None)" if self.gives[v] else f"r_{v}"
            return
        given = Given(self.layout, v, self.gives[v])
        if not self.turns:
            self.turns = True
            turn = self.name(self.layout.turn, "turns")
            self.add(f"{turn}[0] = turn = 1 - {turn}[0]")
        number = len(self.text_given)
        t, array = f"g{number}", f"b{number}"
        free = f"getrefcount({array}) == {TAKEN}"
        if self.gives[v]:  # the Tensor has the array, too
            unchanged = f"{t}._array is {array} and {t}._node is {t}._name is None"
            free = f"getrefcount({t}) == {TAKEN} and getrefcount({array}) == {TAKEN + 1} and {unchanged}"
        names = f"{t}, {array}" if self.gives[v] else array
        self.add(f"{names} = {self.name(given.items, 'given')}[turn]")
        self.add(f"if not ({free}):")
        self.add(f"    {names} = {self.name(given.renewed, 'renewed')}(turn)")
        self.text_given[v] = t if self.gives[v] else f"{array}.view()"
        self.text_of[v] = array

    def _leave(self) -> None:
        """The program is not right for these values: nothing was changed but random numbers drawn, which are given back."""
        if self.draws:
            self.add("    set_state(kept)")
        self.add("    return MISS")

    def _checks(self, guards: list[Var]) -> None:
        for v in guards:
            self.add(f"if not {self.array(v)}:")
            self._leave()
        for verify, values in self.program.checks:
            self.add(f"{self.name(verify, 'verify')}({', '.join(self.array(v) for v in values)})")

    def _call(self, call: Call) -> None:
        step = call.step
        if call.in_place:
            self._change(call)
            return
        args = [self.text(a) for a in step.args] + [f"{k}={self.text(a)}" for k, a in step.kwargs.items()]
        if isinstance(self.fusion, Replay) and call.outs and call.outs[0] in self.fusion.buffers:
            args.append(f"out={self.name(self.fusion.buffers[call.outs[0]], 'm')}")
        outs = ", ".join("_" if v is None else str(v) for v in step.outs) + ("," if step.several and len(step.outs) == 1 else "")
        self.add(f"{outs} = {self.name(step.function, step.function.__name__)}({', '.join(args)})")
        for v in filter(None, step.outs):
            self.text_of[v] = str(v)
            if isinstance(step.function, np.ufunc) and v not in getattr(self.fusion, "buffers", ()):
                self.new.add(v)
            self.add(f"{v} = contiguous({v})" if v.shape else f"{v} = asarray({v})")
            if is_sized_by_values(step):
                self.add(f"if {v}.shape != {v.shape} or {v}.dtype != {self.name(v.dtype, 'd')}:")
                self._leave()
            self._note(v, str(v))

    def _change(self, call: Call) -> None:
        """A call that writes into an array of the state."""
        target = self.array(call.changes())
        self.text_of[call.step.out] = target
        if call.step.function is replaced_at:
            _, index, value = call.step.args
            self.add(f"{target}[{self.text(index)}] = {self.text(value)}")
            return
        function, _, args = call.step.args
        given = [target, *map(self.text, args), *(f"{k}={self.text(v)}" for k, v in call.step.kwargs["options"].items())]
        self.add(f"{self.name(function, function.__name__)}({', '.join(given)})")

    def text(self, x: Any) -> str:
        """The text of a step's argument."""
        if type(x) is Var:
            return self.array(x)
        if type(x) is Formula:
            return self.number(x)
        if type(x) in (tuple, list):
            inner = ", ".join(map(self.text, x))
            return f"[{inner}]" if type(x) is list else f"({inner}{',' if len(x) == 1 else ''})"
        if type(x) is dict:
            return "{" + ", ".join(f"{k!r}: {self.text(v)}" for k, v in x.items()) + "}"
        if isinstance(x, slice):
            return f"slice({self.text(x.start)}, {self.text(x.stop)}, {self.text(x.step)})"
        if list(vars_in(x)):  # a named tuple, say
            return f"{self.name(sequence_like, 'like')}({self.name(x, 'c')}, [{', '.join(map(self.text, x))}])"
        return repr(x) if x is None or isinstance(x, (bool, int, str)) else self.name(x, "c")

    # ------------------------------------------------------------------------------ effects

    def fresh(self, v: Var, in_tensor: bool) -> str:
        """An array of its own, or a Tensor around one."""
        if v in self.text_given and self.gives[v] == in_tensor:
            return self.text_given.pop(v)
        text = self.output(v)
        if v in self.new:  # a call has just made it
            self.new.discard(v)
        else:
            text += ".copy()"
        return f"wrap({text}, None)" if in_tensor else text

    def _keep_old(self) -> None:
        """What the results, or other arrays, are to hold of arrays that loops write."""
        for v in vars_in(self.program.outputs):
            if self.fusion.memory.base(v) in self.written:
                self._keep(v)

    def _keep(self, v: Var) -> None:
        """A copy of a value, of what it is now."""
        if v not in self.saved:
            self.add(f"k_{v} = {self.array(v)}.copy()")
            self.saved[v] = f"k_{v}"
            self.new.add(v)

    def output(self, v: Var) -> str:
        """The text of an output: of the value itself, or of a copy from before it was overwritten."""
        return self.saved.get(v) or self.array(v)

    def _effects(self) -> None:
        """The results, before anything is changed; then the changes."""
        parts = flatten(self.capture.result)
        for i, (x, v) in enumerate(zip(parts, self.program.outputs[0], strict=True)):
            if type(v) is not Var:
                text = self.number(v)
            elif isinstance(x, Tensor) or v.shape:
                text = self.fresh(v, isinstance(x, Tensor))
            else:
                text = self._number_of(v)
            if i in self.capture.spent:
                text = f"{self.name(self.capture.spent[i], 'spent')}({text})"
            self.add(f"y{i} = {text}")
            self.results.append(f"y{i}")
        for v in vars_in(self.program.outputs[1]):  # a change may overwrite what the next one reads
            if v not in self.fusion.written and self.fusion.memory.of(v) & self.written:
                self._keep(v)
        for e, v in zip(self.capture.effects, self.program.outputs[1], strict=True):
            self._effect(e, v)
        if self.written:
            self.add(f"{self.name(self.writes.note, 'note')}()")

    def _number_of(self, v: Var) -> str:
        return f"{self.output(v)}[()]"  # NumPy gives numbers, not arrays without axes

    def _return(self) -> None:
        if self.results == ["y0"] and is_leaf(self.capture.result):
            self.add("return y0")
        elif type(self.capture.result) is list and all(map(is_leaf, self.capture.result)):
            self.add(f"return [{', '.join(self.results)}]")
        else:
            again = self.name(_Rebuild(self.capture.result), "rebuild")
            self.add(f"return {again}(({' '.join(f'{y},' for y in self.results)}))")

    def _effect(self, e: Any, v: Any) -> None:
        if e.kind == "write":
            count = len(self.arguments)
            target = f"x{e.target}" if e.target < count else f"s{e.target - count}"
            if self.fusion.written.get(v) is not self.program.inputs[e.target]:  # one value may be written into several arrays
                self.add(f"copyto({target}, {self.output(v)})")
            if e.target < count or self.program.inputs[e.target] in self.scattered:
                self.add(f"mark_mutated({target})")
        elif e.kind == "grad":
            self.add(f"{self.holder(e.target)}._node.grad = {'None' if v is None else self.fresh(v, True)}")
        elif e.kind == "rows":
            values, rows = (self.fresh(part, False) for part in v)
            made = f"{self.name(RowSparse, 'RowSparse')}({values}, {rows}, {e.target.shape})"
            self.add(f"{self.holder(e.target)}._node.grad = wrap({made}, None)")
        elif e.kind == "array":
            self.add(f"{self.holder(e.target)}._array = {self.fresh(v, False)}")
        else:
            constant = self.number(v) if e.kind == "number" else self.name(v, "c") if e.kind == "constant" else None
            value = constant or self.fresh(v, e.kind == "tensor")
            self.add(f"{e.target.text(self.holder)} = {value}")


class _Rebuild:
    """Containers as the function returned them."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def __call__(self, parts: tuple[Any, ...]) -> Any:
        return unflatten(self.result, iter(parts))
