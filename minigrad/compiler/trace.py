"""From a run of a function to a program: what traced arrays do is written down, step by step."""

from __future__ import annotations

import linecache
import operator
import os
from collections.abc import Sequence
from threading import get_ident
from typing import Any

import numpy as np

from .. import graph
from ..arrays.row_sparse import add_rows
from ..arrays.traced import HOLE, CannotTrace, Path, Place, Traced, answered, numbers_of
from ..backend import address_of, is_plain
from ..graph import owner
from ..later import Condition, is_on_gpu
from ..tracing import RunsAsItIs
from ..transforms.checkpointing import older_nodes
from ..trees import flatten, sequence_like, unflatten
from .calls import is_sized_by_values
from .numbers import Formula, Number, key_of
from .program import Program, Step, Var
from .written import Flat, all_finite, changed, replaced_at, seen_through, written_through

__all__ = ["Recorder"]


class Recorder:
    """Writes a program down while a function runs on traced arrays.

    Other threads may meet traced arrays in parameters that they share: what they do is done, and not written down.
    """

    def __init__(self) -> None:
        self.thread = get_ident()
        self.steps: list[Step] = []
        self.inputs: list[Var] = []
        self.arrays: list[Traced] = []
        self.constants: dict[int, tuple[Var, np.ndarray]] = {}
        self.count = 0
        self.checks: list[Any] = []
        self.guards_checks = False  # for those who cannot call what a check calls: its condition is a guard, too
        self.guards: list[Var] = []
        self.given_numbers: dict[Any, tuple[Formula, Any, tuple[Any, ...]]] = {}
        self.scalars: set[Var] = set()  # inputs that are NumPy's scalars
        self.decisions: list[tuple[Formula, Any]] = []
        self.values: dict[Formula, Any] = {}  # what these numbers are in this run
        self.formulas: dict[Any, Formula] = {}
        self.alike: dict[Any, Formula] = {}
        self.began = 0  # when the function began, on the clock of the graph
        self.leaves: set[Any] = set()  # older leaves whose gradients the program changes
        self.streams: Any = None
        self.looks = False  # whether work is left out where the numbers of this run need none; the program holds while it is so
        self.watches = False  # whether each step looks for the line that draws random numbers
        self.seeded = False
        self.refused: Exception | None = None
        self.unheard: list[str] = []  # what the user asks for and a program does not do
        self.before: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self.first = 0  # the number of the first value of the loop's body that is being traced
        self.inside: set[Var | None] = set()  # what the bodies of loops have made, and nobody else can use
        self.seen: dict[Var, np.ndarray] | None = None  # the numbers of what was read there

    def new_var(self, x: np.ndarray) -> Var:
        self.count += 1
        return Var(self.count - 1, x.shape, x.dtype)

    def given(self, x: np.ndarray) -> Traced:
        """An array that is another one at each call."""
        var = self.new_var(x)
        self.inputs.append(var)
        self.arrays.append(Traced(x, var, self))
        return self.arrays[-1]

    def goes_back(self, outputs: Sequence[Any], targets: Sequence[Any]) -> None:
        """Before a backward pass in the function: it must not go on in a graph that is older than the function."""
        older = older_nodes(outputs, self.began, targets)
        if (found := next((node for node in older if node not in self.leaves), None)) is not None:
            raise RunsAsItIs(
                f"backward() in it goes on in a graph that was there before, behind a tensor of shape {found.shape}: compute "
                "that in the function, too; if the gradient is to end there, use x.detach()"
            )

    def follows_from_scalars(self, x: Traced) -> bool:
        """Whether an array follows from NumPy's scalars among the arguments alone."""
        known = set(self.scalars)
        for step in self.steps:
            inputs = step.inputs()
            if inputs and known.issuperset(inputs):
                known.update(v for v in step.outs if v is not None)
        return x._var in known

    # --------------------------------------------------------------------------------- steps

    def call(self, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Run a NumPy function on the numbers, and write it down."""
        if get_ident() != self.thread:
            return function(*numbers_of(args), **numbers_of(kwargs))
        if not self.unheard and isinstance(function, np.ufunc) and "raise" in np.geterr().values():
            self.unheard.append(
                f"np.errstate asks for a FloatingPointError at {graph.user_line()}, and a program raises none: only the run that "
                "is traced does. Look at the results with np.isfinite, or call the function under minigrad.detect_anomaly()"
            )
        kwargs = dict(kwargs)
        out = kwargs.pop("out", None)
        if out is not None and isinstance(function, np.ufunc) and function.signature is None:
            _check_casting(function, args, kwargs, out)
        where = kwargs.pop("where", True) if out is not None and isinstance(function, np.ufunc) else True
        if args and type(args[0]) is Traced and (function in _WRITING or getattr(function, "__name__", "") in ("at", "shuffle")):
            self._keep(args[0])
        results = function(*numbers_of(args), **numbers_of(kwargs))
        if isinstance(results, (tuple, list)) and any(isinstance(r, (tuple, list)) for r in results):
            return unflatten(results, iter(self._step(Flat(function), args, kwargs, flatten(results))))
        if isinstance(results, (np.dtype, type)):
            return results  # about the array, not made of its values
        if results is None:  # np.put_along_axis, np.fill_diagonal ...: it has written into its first argument
            return self._changed(function, args, kwargs)
        made = self._step(function, args, kwargs, results)
        return made if out is None else self._write_out(out, made, where)

    def opaque(self, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """A call that nobody looks into, and that may draw numbers of its own: it will do so each time."""
        if self.streams is None or get_ident() != self.thread:
            return self.call(function, args, kwargs)
        self.streams.refuse_draws()
        result = self.call(function, args, kwargs)
        self.streams.go_on()
        return result

    def _step(self, function: Any, args: Any, kwargs: Any, results: Any) -> Any:
        """A call whose results are known, written down."""
        if self.watches:
            self.streams.refuse_draws(graph.user_line() or "")
        several = isinstance(results, (tuple, list))
        arrays = [r if r is None or is_plain(r) else np.asarray(r) for r in (results if several else (results,))]
        outs = tuple(None if r is None else self.new_var(r) for r in arrays)
        self.steps.append(Step(function, self._vars(args), self._vars(kwargs), outs, several))
        sources = _traced_in((args, kwargs))
        made: list[Any] = []
        for i, (numbers, var) in enumerate(zip(arrays, outs, strict=True)):
            if numbers is None:
                made.append(None)
                continue
            viewed = next((x for x in sources if _is_view(numbers, x.numbers, function)), None)
            if viewed is None:
                made.append(Traced(numbers, var, self))
            elif _is_same(numbers, viewed.numbers) and not is_sized_by_values(self.steps[-1]):
                made.append(Traced(numbers, viewed.value, self, viewed.whole, viewed._path))
            else:
                place = Place(function, self._vars(args, viewed), self._vars(kwargs, viewed), i if several else None)
                made.append(Traced(numbers, var, self, viewed.whole, (*viewed._path, place)))
        return sequence_like(results, made) if several else made[0]

    def _write_out(self, out: Any, made: Any, where: Any) -> Any:
        """The results, in the arrays that were given for them; elsewhere these stay as they are."""
        targets = out if isinstance(out, tuple) else (out,)
        made = made if isinstance(made, (tuple, list)) else (made,)
        for target, result in zip(targets, made, strict=True):
            if target is not None:
                target[...] = result if where is True else np.where(where, result, target)
        given = tuple(result if target is None else target for target, result in zip(targets, made, strict=True))
        return given if len(given) > 1 else given[0]

    def _vars(self, x: Any, hole: Any = None) -> Any:
        """The same with Vars in place of traced arrays, and of arrays from elsewhere; one may be left out."""
        if type(x) is Traced:
            if x.value in self.inside:
                raise CannotTrace(
                    f"a value from the body of a scan or fori is used outside of it at {graph.user_line()}, where it would "
                    "be that of the first step: let the body return it, as a part of the carry or of y"
                )
            return HOLE if x is hole else x.value
        if type(x) is Number:
            return x.formula
        if is_plain(x):
            if id(x) not in self.constants:
                self.constants[id(x)] = (self.new_var(x), x)
            return self.constants[id(x)][0]
        if isinstance(x, (tuple, list)):
            return sequence_like(x, [self._vars(v, hole) for v in x])
        if isinstance(x, dict):
            return {k: self._vars(v, hole) for k, v in x.items()}
        if isinstance(x, slice):
            return slice(self._vars(x.start), self._vars(x.stop), self._vars(x.step))
        return x

    # ----------------------------------------------------------------------------- Python's numbers

    def declare(self, entries: dict[str, Any], source: dict[str, Any]) -> None:
        """Traced numbers in the place of those of a dict, which are read from `source` at each call."""
        for key, value in list(entries.items()):
            if _is_number(value):
                entries[key] = self._number(value, source, (key,))
            elif type(value) is tuple and value and all(map(_is_number, value)):
                entries[key] = tuple(self._number(v, source, (key, i)) for i, v in enumerate(value))

    def argument(self, value: float, place: int) -> Number:
        """A float among the arguments."""
        formula = Formula(name=f"argument {place}")
        self.given_numbers["argument", place] = (formula, None, (place,))
        self.values[formula] = value
        return Number(value, formula, self)

    def of_numbers(self, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """A function of NumPy's of numbers: its result lies in main memory, where no program of a GPU finds it."""
        if not _traced_in((args, kwargs)) and any(is_on_gpu(x.numbers) for x in self.arrays):
            return function(*_exact(args), **_exact(kwargs))
        return answered(self, function, args, kwargs)

    def _number(self, value: Any, source: dict[str, Any], path: tuple[Any, ...]) -> Number:
        name = (id(source), *path)
        if name not in self.given_numbers:
            shown = str(path[0]) + "".join(f"[{i}]" for i in path[1:])
            self.given_numbers[name] = (Formula(name=shown), source, path)
            self.values[self.given_numbers[name][0]] = value
        own = self.given_numbers[name][0]
        first = self.alike.setdefault((path, key_of(value)), own)
        if first is not own:  # the count of steps is the same for all parameters: one formula, while that is so
            self.decided(self.formula(operator.eq, own, first), True)
        return Number(value, first, self)

    def formula(self, function: Any, *args: Any) -> Formula:
        """A number computed from others, once."""
        key = (function, *map(key_of, args))
        return self.formulas.setdefault(key, Formula(function, args))

    def decided(self, formula: Formula, value: Any) -> Any:
        """What followed from a number in this run; the program is right while it is the same."""
        if (formula, value) not in self.decisions:
            self.decisions.append((formula, value))
        return value

    # ------------------------------------------------------------------------------- in place

    def _keep(self, x: Traced) -> None:
        """Before an array is written for the first time, note what it held: an error in the function takes it back."""
        whole = x.whole.numbers
        if id(whole) not in self.before:
            self.before[id(whole)] = whole, whole.copy()

    def set(self, x: Traced, index: Any, value: Any) -> None:
        """x[index] = value"""
        if get_ident() != self.thread:
            x.numbers[numbers_of(index)] = numbers_of(value)
            return
        self._check_inside(x)
        self._keep(x)
        if index is Ellipsis or (isinstance(index, slice) and index == slice(None)):
            new = np.broadcast_to(value, x.shape) if np.shape(value) != x.shape else value
            new = new if type(new) is Traced else self.lifted(new)
            new = new if new.dtype == x.dtype else new.astype(x.dtype)
            x.numbers[...] = numbers_of(new)
            x.written(new.value)
            return
        x.numbers[numbers_of(index)] = numbers_of(value)
        var = self.new_var(x.numbers)
        self.steps.append(Step(replaced_at, (x.value, self._vars(index), self._vars(value)), {}, (var,)))
        x.written(var)

    def _changed(self, function: Any, args: Any, kwargs: Any) -> None:
        """A function has written into its first argument."""
        x = args[0]
        if type(x) is not Traced:
            raise CannotTrace(
                f"np.{function.__name__} writes traced numbers where compile cannot follow, at {graph.user_line()}: make an "
                "array that is written with np.zeros_like(x, shape=n); write files outside of the compiled function"
            )
        self._check_inside(x)
        var = self.new_var(x.numbers)
        self.steps.append(Step(changed, (function, x.value, self._vars(args[1:])), {"options": self._vars(kwargs)}, (var,)))
        x.written(var)

    def _check_inside(self, x: Traced) -> None:
        """The body of a loop, which is traced once, may write into its own arrays."""
        if x.whole._var.number < self.first:
            raise CannotTrace(
                f"the body of a scan or fori writes into an array from outside of it, at {graph.user_line()}: let the loop "
                "carry the array, or return it as y"
            )

    def lifted(self, x: Any) -> Traced:
        """A constant as a traced array."""
        x = x if is_plain(x) else np.asarray(x)
        return Traced(x, self._vars(x), self)

    def write(self, whole: Traced, path: Path, var: Var) -> Var:
        """The whole with other values at the place of a view."""
        new = self.new_var(whole.numbers)
        self.steps.append(Step(written_through, (whole.value, path, var), {}, (new,)))
        return new

    def replay(self, var: Var, path: Path, numbers: np.ndarray) -> Var:
        """A view of the whole once more."""
        new = self.new_var(numbers)
        self.steps.append(Step(seen_through, (var, path), {}, (new,)))
        return new

    def check(self, verify: Any, numbers: Any) -> None:
        """verify(*numbers), which raises where something is wrong: now, and at each call of the program."""
        verify(*numbers_of(list(numbers)))
        if get_ident() == self.thread:
            self.checks.append((verify, self._vars(tuple(numbers))))
            if self.guards_checks and isinstance(verify, Condition):
                self.looked_at(verify.holds(*numbers), f"a number would be out of range{_at_line()}")

    def guard(self, arrays: Any, why: str = "a number that must be finite would not be") -> bool:
        """Whether all numbers are finite in this run; the program is right only where that is the same."""
        arrays = list(arrays)
        return bool(self.looked_at(self.call(all_finite, arrays, {}), why))

    def looked_at(self, x: Traced, why: str | None = None) -> Any:
        """The truth, or the whole number, of this run; the program is right only where it is the same.

        Args:
            why: what would be another one else; by default a decision at the line of the user's that runs.
        """
        value = numbers_of(x).item()
        if get_ident() != self.thread:
            return value
        same: Any = (x if value else np.logical_not(x)) if x.dtype == bool else x == value
        same.value.why = why or f"a decision would be another one ({value} when it was recorded){_at_line()}"
        self.guards.append(same.value)
        return value

    def value_of(self, x: Any) -> Any:
        """The Var of an array, traced or not; anything else as it is."""
        return self._vars(x) if isinstance(x, (Traced, list)) or is_plain(x) else x

    def forget(self) -> None:
        """Let go of the arrays of this run, which would wait for Python's collector: each traced array knows its recorder.

        Their numbers stay: another thread may have found one in the place of its own array, and still compute with it.
        """
        self.arrays.clear()
        self.before.clear()

    def program(self, outputs: Any) -> Program:
        results = self._vars(outputs)  # which may be constants
        return Program(self.inputs, dict(self.constants.values()), self.steps, results, self.checks, self.guards)


def _check_casting(ufunc: np.ufunc, args: Any, kwargs: dict[str, Any], out: Any) -> None:
    """Have NumPy say where results do not fit into the arrays that are given for them: of one element, which costs nothing."""
    one = [np.zeros(np.shape(a) and (1,), a.dtype) if hasattr(a, "dtype") else a for a in map(numbers_of, args)]
    shape = (1,) if any(map(np.ndim, one)) else ()
    into = tuple(None if t is None else np.zeros(shape, t.dtype) for t in (out if isinstance(out, tuple) else (out,)))
    options = {k: v for k, v in kwargs.items() if k in ("dtype", "casting", "signature", "sig")}
    with np.errstate(all="ignore"):
        ufunc(*one, out=into, **options)


def _at_line() -> str:
    """Where the user's code is now."""
    frame = graph.user_frame()
    if frame is None:
        return ""
    file, number = frame.f_code.co_filename, frame.f_lineno
    return f", in {os.path.basename(file)}:{number}: {linecache.getline(file, number).strip()}"


def _traced_in(x: Any) -> list[Traced]:
    if type(x) is Traced:
        return [x]
    if isinstance(x, dict):
        x = list(x.values())
    if isinstance(x, (tuple, list)):
        return [t for v in x for t in _traced_in(v)]
    return []


def _exact(x: Any) -> Any:
    """The same with numbers that belong to the program in place of traced ones."""
    if type(x) is Number:
        return float(x) if isinstance(x, float) else int(x)
    if isinstance(x, (tuple, list)):
        return sequence_like(x, [_exact(v) for v in x])
    return {k: _exact(v) for k, v in x.items()} if isinstance(x, dict) else x


def _is_number(x: Any) -> bool:
    return isinstance(x, (int, float)) and not isinstance(x, bool) and type(x) is not Number


def _is_view(x: np.ndarray, of: np.ndarray, function: Any) -> bool:
    """Whether one array, which a function gave, looks at the memory of another."""
    if x is of:  # NumPy copies where it does not say so; what a function of the user's gives may depend on values
        return not graph.is_of_user(function)
    return x.base is not None and owner(x) is owner(of)


def _is_same(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether two arrays are all the same elements in the same places, and are so in any memory of these shapes.

    Where an axis repeats one element, its transpose or its reverse lies as it does.
    """
    if any(n > 1 and not s for n, s in zip(x.shape, x.strides, strict=True)):
        return False
    return (x.shape, x.strides, x.dtype, address_of(x)) == (y.shape, y.strides, y.dtype, address_of(y))


#: Functions that write into their first argument.
_WRITING = {np.put, np.place, np.put_along_axis, np.fill_diagonal, add_rows}
