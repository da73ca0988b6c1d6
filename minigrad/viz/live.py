"""What makes a page live: the program of the computation that it shows, and where each number of the page is in it.

The function runs once on traced arrays (`minigrad.compiler`), and so does the backward pass through its graph.  So every value
and every gradient that the page shows is a value of one program.  What stands at the beginning, parameters, inputs and data, are
the program's inputs, which the page can change.  The run leaves nothing behind: what it has changed is taken back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import graph, tracing
from ..arrays.row_sparse import RowSparse
from ..arrays.traced import astype, numbers_of
from ..backend import is_array
from ..backward import seed
from ..compiler.capture import turn
from ..compiler.javascript import Functions, Living, described
from ..compiler.passes import replaced, simplified
from ..compiler.program import Program, Var
from ..compiler.program import Step as Call
from ..compiler.state import reachable
from ..compiler.taken import Taken
from ..compiler.trace import Recorder
from ..later import is_on_gpu
from ..masked import masks
from ..tensor import Tensor, raw
from .capture import limit
from .explain import Explained, place, source_of
from .formula import Formula
from .numbers import host, memory_size
from .reach import reach
from .values import Flow, backward_flow, values_of
from .walk import Step

__all__ = ["Recording", "attempt", "for_page", "recorded", "refuse_large"]

BEFORE = (
    "To change numbers and see what follows, let the page have the function: viz.explore(model, x), or viz.explore(f, *args). "
    "What was computed before can be played, not computed again."
)
#: Bytes of a program in a page.
LARGEST = 1_200_000
#: Makes the graph of a computation: the tensors that it begins with, its steps, and what else a caller likes.
MakeGraph = Callable[[], tuple[Any, ...]]
#: A number of the list of values that a page shows; of an op with several outputs a list of them; None of what nobody knows.
Slot = Any
#: Steps of a program whose result is their first argument.
_SAME = {np.copy, np.asarray, np.ascontiguousarray, astype}


@dataclass
class _Numbers:
    """The slots of a step: its value, the gradients that arrive, their sum, what it sends, how far back it reaches."""

    value: Slot
    arrives: list[Slot] = field(default_factory=list)
    gradient: Slot = None
    sent: list[Slot] = field(default_factory=list)
    reach: Slot = None


class Recording:
    """A computation as a program, and the numbers of its steps.

    Attributes:
        functions: what the page runs beside its own scripts.
        living: the program, described for the page.
    """

    def __init__(self, steps: list[Step], run: _Run) -> None:
        self.functions = Functions()
        self._run = run
        self.living = _described(run, steps, self.functions)
        self._places: list[int] = self.living.description["outputs"]
        self._inputs = [None if v is None else self.living.inputs.get(v) for v in run.inputs]

    def differs(self, rows: Sequence[Explained]) -> str | None:
        """Why this is not the program of a graph: another one was recorded, or its numbers were others.

        Gradients follow from the values.  Where values are equal, the largest ones of a pooling window say, rounding may lead the
        gradient to another of them.
        """
        if [_kind(row.step) for row in rows] != self._run.kinds:
            return "recorded as a program, the function takes other steps than without"
        for row, own in zip(rows, self._run.shown, strict=True):
            if not self._is_same(row.value, own.value):
                return f"{row.label} has another value when the function is called again"
        return None

    def data(self, rows: Sequence[Explained]) -> dict[str, Any]:
        """For the page: the program, and for each step which of its values are shown."""
        shown = {row.step.id: own for row, own in zip(rows, self._run.shown, strict=True)}
        steps = [self._step(row, shown) | {"input": place} for row, place in zip(rows, self._inputs, strict=True)]
        results = [[self._place(slot) for slot in pair] for pair in self._run.results]
        return {"program": self.living.description, "steps": steps, "results": results}

    def _step(self, row: Explained, shown: Mapping[int, _Numbers]) -> dict[str, Any]:
        own = shown[row.step.id]
        return {
            "value": self._place(own.value),
            "gradient": self._place(own.gradient),
            "arrives": [self._place(slot) for slot in own.arrives],
            "sent": [self._place(slot) for slot in own.sent],
            "reach": self._place(own.reach),
            "formula": self._template(row, row.formula, shown),
            "rules": [self._template(row, rule.formula, shown) for rule in row.rules],
            "local": [self._template(row, rule.formula and rule.formula.local(), shown) for rule in row.rules],
        }

    def _place(self, slot: Slot) -> Any:
        if isinstance(slot, list):
            return [self._place(part) for part in slot]
        return None if slot is None else self._places[slot]

    def _template(self, row: Explained, formula: Formula | None, shown: Mapping[int, _Numbers]) -> str | None:
        """A formula with @place@ where the page writes the number of a value."""
        if formula is None or not formula.numbers:
            return None
        marks = {name: self._place(_named(row.step, name, shown)) for name in formula.numbers}
        filled = {name: text if marks[name] is None else f"@{marks[name]}@" for name, text in formula.numbers.items()}
        return formula.filled_with(filled).math_with_numbers() or None

    def _is_same(self, value: Any, slot: Slot) -> bool:
        """Whether a value of the page is the one that was recorded, but for rounding; of what nobody knows it is."""
        if value is None or slot is None:
            return True
        if isinstance(slot, list):
            return all(self._is_same(v, s) for v, s in zip(value, slot, strict=True))
        one, other = host(value), self._run.numbers[slot]
        if one.shape != other.shape or one.dtype.kind not in "fciub":
            return one.shape == other.shape
        largest = np.abs(one[np.isfinite(one)]).max(initial=0)
        return bool(np.allclose(one, other, rtol=1e-4, atol=1e-4 * float(largest), equal_nan=one.dtype.kind in "fc"))


def _named(step: Step, name: str, shown: Mapping[int, _Numbers]) -> Slot:
    """Where the number of a name in a step's formulas comes from."""
    if name in ("g", "out"):
        return shown[step.id].gradient if name == "g" else shown[step.id].value
    argument = step.arguments.get(name)
    if argument is None or argument.source is None:
        return None
    slot = shown[argument.source].value
    return slot if argument.output is None else slot[argument.output]


@dataclass
class _Run:
    """What was written down.

    Attributes:
        program: its outputs are all values that the page shows, one after the other.
        given: the arrays of its inputs, and Python's numbers.
        numbers: what the outputs were.
        shown: of each step where its numbers are among them.
        results: of each result its value, and the gradient that the backward pass begins with there.
        inputs: of each step the input that can be changed; None of what is computed.
        kinds: what the steps were.
        decisions: what Python's numbers must be.
    """

    program: Program
    given: dict[Any, Any]
    numbers: list[Any]
    shown: list[_Numbers]
    results: list[tuple[Slot, Slot]]
    inputs: list[Var | None]
    kinds: list[Any]
    decisions: list[Any]


def attempt(make: MakeGraph, target: Any, inputs: Sequence[Any], gradient: Any, most: int) -> Recording | str:
    """The program of what a module or a function computes; where there is none, why, in words for the page."""
    if not callable(target):
        return BEFORE
    try:
        return recorded(make, [target, *inputs], gradient, most)
    except Exception as error:  # whatever it is: the function itself runs next, and what is wrong with that is raised there
        return f"Numbers cannot be changed here: {error}"


def for_page(recording: Recording | str, rows: Sequence[Explained]) -> tuple[dict[str, Any], Functions]:
    """What a page is told of the program, or why it has none; and the program's functions.

    >>> for_page("it draws lots", [])[0]
    {'why': 'it draws lots'}
    """
    why = recording if isinstance(recording, str) else recording.differs(rows)
    if isinstance(recording, str) or why is not None:
        return {"why": why if why == recording else f"Numbers cannot be changed here: {why}"}, Functions()
    return recording.data(rows), recording.functions


def recorded(make: MakeGraph, roots: Sequence[Any], gradient: Any = None, most: int = 1500) -> Recording:
    """Record a computation and its backward pass; it leaves everything as it was.

    Args:
        make: runs the computation.
        roots: the module or the function, and its inputs: what the program reads is found from there.
        gradient: what arrives at the result.
        most: so many steps at most.

    Raises:
        TypeError, ValueError, RunsAsItIs: there is no such program; the message says why.

    >>> from minigrad.viz import walk
    >>> x = Tensor(3.0, requires_grad=True, name="x")
    >>> found = recorded(lambda: ([y := x * x], walk(y)), [lambda: x])
    >>> found.living.description["inputs"][0]["name"], found.living.fixed
    ('x', {})
    """
    with turn:
        recorder, state = Recorder(), reachable(*roots)
        recorder.began = next(graph.clock)
        taken = Taken(recorder, state, [])
        recorder.leaves = {t._node for t, *_ in taken.tensors if t.is_leaf}
        token, bound = tracing.recorder.set(recorder), limit.set(most)
        try:
            recorder.guards_checks = True
            recorder.looks = True  # or the graph would be another one than the one that is shown
            tensors, steps = make()[:2]
            recorder.looks = False
            if len(steps) > most:
                raise ValueError(f"the graph has more than {most} steps, of which the page shows some")
            run = _written_down(recorder, tensors, steps, gradient)
            taken.streams.refuse_draws()
        finally:
            tracing.recorder.reset(token)
            limit.reset(bound)
            taken.undo(reachable(*roots))
            taken.roll_back()
        if any(is_on_gpu(x.numbers) for x in recorder.arrays):
            raise ValueError("its arrays lie on a GPU, and the page computes in the browser: move the model to the CPU")
        run.given |= {v: x.numbers for v, x in zip(recorder.inputs, recorder.arrays, strict=True)}
        try:
            return Recording(steps, run)
        finally:
            taken.streams.go_back()  # what is random was drawn once more for the page
            recorder.forget()


def _written_down(recorder: Recorder, tensors: list[Tensor], steps: list[Step], gradient: Any) -> _Run:
    """The program of all that is shown of some steps."""
    values, flows = values_of(steps, tensors), {f.step.id: f for f in _flows(recorder, tensors, steps, gradient)}
    outputs: list[Var] = []
    numbers: list[Any] = []

    def slot(x: Any) -> Slot:
        if x is None or isinstance(x, (tuple, list)):
            return x and [slot(part) for part in x]
        x = _dense(x)
        outputs.append(recorder.value_of(x if is_array(x) else np.asarray(x)))
        numbers.append(np.array(numbers_of(x)))  # what is written in place is taken back afterwards
        return len(outputs) - 1

    shown = []
    for step in steps:
        own = _Numbers(slot(values[step.id]))
        if (flow := flows.get(step.id)) is not None:
            own.arrives, own.gradient = [slot(g) for g in flow.arrives], slot(flow.total)
            own.sent, own.reach = [slot(g) for *_, g in flow.sends], slot(reach(flow))
        shown.append(own)
    results = [(slot(t), slot(seed(t, gradient, False))) for t in tensors]
    program = recorder.program(outputs)
    made = {v: step for step in program.steps for v in step.outs}
    begins = [step.op is None and type(own.value) is int for step, own in zip(steps, shown, strict=True)]
    inputs = [_behind(outputs[own.value], made) if is_first else None for own, is_first in zip(shown, begins, strict=True)]
    known = {v: numbers[own.value] for v, own in zip(inputs, shown, strict=True) if v is not None}
    chosen = _first(program, {v for v in known if v in made or v in program.inputs})
    program, cut = _cut(program, [v for v in chosen if v in made])
    given = {new: known[old].astype(old.dtype) for old, new in cut.items()}
    inputs = [cut.get(v, v) if v is not None and v in chosen else None for v in inputs]
    kinds = [_kind(step) for step in steps]
    return _Run(program, given | recorder.values, numbers, shown, results, inputs, kinds, recorder.decisions)


def _flows(recorder: Recorder, tensors: list[Tensor], steps: list[Step], gradient: Any) -> list[Flow]:
    """The backward pass, recorded without a look at numbers, so that it is right for others, too.

    What is not finite behind a mask would have to be mended: the program holds while nothing is.
    """
    flows = backward_flow(tensors, steps, gradient, on_trial=True)
    if not any(step.node.op is not None and step.data is None and masks(step.node, look=False) for step in steps):
        return flows
    sent = {flow.step.id: [_dense(part) for *_, g in flow.sends for part in _parts(g)] for flow in flows if flow.sends}
    if not all(np.isfinite(numbers_of(g)).all() for parts in sent.values() for g in parts):
        return backward_flow(tensors, steps, gradient)
    for flow in flows:
        if parts := sent.get(flow.step.id):
            recorder.guard(parts, _not_finite(flow.step))
    return flows


def _parts(g: Any) -> tuple[Any, ...]:
    return g if isinstance(g, tuple) else (g,)


def _not_finite(step: Step) -> str:
    """What a page says where a gradient would have to be mended."""
    source = source_of(step)
    line = f", in {place(source)}: {source.partition(': ')[2]}" if source else ""
    return f"what {step.op} sends back would not be finite, which a mask would have to mend{line}"


def _behind(v: Var, made: Mapping[Var | None, Call]) -> Var:
    """The value that another one is a copy of, perhaps in another dtype.

    What the program computes reads that one, not the copy.
    """
    while (step := made.get(v)) is not None and step.function in _SAME and type(step.args[0]) is Var:
        v = step.args[0]
    return v


def _first(program: Program, values: set[Var]) -> list[Var]:
    """Those of some values that follow from none of the others, and so can be changed by themselves.

    Constants are not among them: NumPy may have made other constants of an array, which nobody has seen.
    """
    moving: set[Var | None] = {*values}
    found = dict.fromkeys(values)
    for step in program.steps:
        if not moving.isdisjoint(step.inputs()):
            for v in step.outs:
                if v in found:
                    del found[v]
                moving.add(v)
    return list(found)


def _cut(program: Program, values: Sequence[Var]) -> tuple[Program, dict[Var, Var]]:
    """The program, to which some of its values are given: what a layer has drawn, say."""
    cut = {v: Var.new(v.shape, v.dtype) for v in values}
    if not cut:
        return program, cut
    steps = [Call(s.function, replaced(s.args, cut), replaced(s.kwargs, cut), s.outs, s.several) for s in program.steps]
    outputs, guards = replaced(program.outputs, cut), replaced(program.guards, cut)
    return Program([*program.inputs, *cut.values()], program.constants, steps, outputs, [], guards), cut


def _described(run: _Run, steps: Sequence[Step], functions: Functions) -> Living:
    names = {v: step.name or "" for step, v in zip(steps, run.inputs, strict=True) if v is not None}
    given = {key: np.asarray(raw(x)) if type(key) is Var else x for key, x in run.given.items()}
    program = simplified(run.program)
    read = {v for call in program.steps for v in call.inputs()}
    refuse_large(sum(given[v].nbytes for v in program.inputs if v in read) * 4 / 3)  # as base64
    called = [names.get(v, "") for v in program.inputs]
    living = described(program, given, functions, names=called, decisions=run.decisions, arguments=0)
    refuse_large(len(json.dumps(living.description)))
    return living


def refuse_large(size: float) -> None:
    """Raise ValueError for what has no room in a page."""
    if size > LARGEST:
        limit = f"a page that can be sent and opened anywhere has room for {memory_size(LARGEST)}"
        raise ValueError(f"its program and its arrays would take {memory_size(size)}, and {limit}: take a smaller model or input")


def _dense(x: Any) -> Any:
    x = raw(x)
    return x.dense() if isinstance(x, RowSparse) else x


def _kind(step: Step) -> Any:
    return step.kind, step.op, step.shapes, len(step.inputs)
