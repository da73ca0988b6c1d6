"""What a graph forgets: the results of its steps, the data, the lines of code and the calls of modules that made them."""

from __future__ import annotations

import inspect
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from math import inf
from typing import Any, NamedTuple, Protocol

from .. import tracing
from ..backend import is_array
from ..cotangents import PICK, pick
from ..graph import Node, observe, rule_now, user_line
from ..tensor import Tensor, raw, wrap
from .code import targets
from .data import Collection, Known
from .failure import Failure, causes, stop

__all__ = ["Call", "Capture", "Modular", "Record", "capture", "captured", "limit", "name_of", "node_behind", "variable_of"]


class Modular(Protocol):
    """What capturing needs of a module; those of `nn` have it."""

    def named_modules(self) -> Iterator[tuple[str, Any]]: ...
    def named_parameters(self) -> Iterator[tuple[str, Any]]: ...
    def named_buffers(self) -> Iterator[tuple[str, Any]]: ...
    def register_forward_hook(self, hook: Callable[..., Any], *, always_call: bool) -> Callable[[], None]: ...
    def register_forward_pre_hook(self, hook: Callable[..., Any], *, with_kwargs: bool) -> Callable[[], None]: ...


class Call(NamedTuple):
    """One call of a module: the module's path, which call of it (1, 2, ...), and its class.

    A module that a loop calls, and that hands on a state, says so by `__gates__`: the names of its sigmoids and tanhs, in the
    order in which it computes them.
    """

    path: str
    number: int
    kind: str
    gates: tuple[str | None, ...] | None = None


@dataclass(slots=True)
class Record:
    """What was seen when a step was recorded.

    Attributes:
        value: a copy of the result, of several outputs a tuple; None where values were not asked for.
        source: the line of the user's code.
        calls: the calls of modules that it happened in, outermost first.
        given: what the op got for its parameters (`Collection.sort_out`).
        rule: in a backward pass that is recorded, the number of the node whose rule made the step.
    """

    value: Any
    source: str | None
    calls: tuple[Call, ...]
    given: dict[str, Any]
    rule: int | None = None


#: So many steps may be recorded at most, where somebody wants no more: then an error ends the computation.
limit: ContextVar[float] = ContextVar("limit", default=inf)

_records: weakref.WeakKeyDictionary[Node, Record] = weakref.WeakKeyDictionary()
_names: weakref.WeakKeyDictionary[Node, str] = weakref.WeakKeyDictionary()
_variables: weakref.WeakKeyDictionary[Node, tuple[int, str]] = weakref.WeakKeyDictionary()


class Capture:
    """What happened under `capture`; `explore` and `draw` show its results, or the graph up to the op that failed.

    Attributes:
        failed: where an exception stopped it, see `Failure`; None where nothing failed.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> with capture() as t:
    ...     y = x * x
    >>> t.failed, [result.item() for result in t.results]
    (None, [4.0])
    """

    def __init__(self) -> None:
        self.failed: Failure | None = None
        self._ends: weakref.WeakSet[Node] = weakref.WeakSet()  # what nobody has read yet
        self._stack: list[Call] = []
        self._error: tuple[BaseException | None, tuple[Call, ...]] = (None, ())

    @property
    def results(self) -> list[Tensor]:
        """The tensors that were computed, and that nothing else was computed from, as far as somebody holds them still.

        Raises:
            ValueError: their values were not asked for.
        """
        found: list[Tensor] = []
        for node in sorted(self._ends, key=lambda end: end.order):
            record = captured(node)
            if record is None or record.value is None:
                raise ValueError("capture(values=False) kept no results: show the tensors themselves")
            several = isinstance(record.value, tuple)
            found += [pick(node, i, x) for i, x in enumerate(record.value)] if several else [wrap(record.value, node)]
        return found

    def _note(self, node: Node) -> None:
        for parent in node.parents:
            if parent is not None:
                self._ends.discard(node_behind(parent))
        self._ends.add(node)

    def _note_failure(self) -> None:
        """A call of a module ends with an error: the first one to know of it is the innermost."""
        if (error := sys.exception()) is not self._error[0]:
            self._error = error, tuple(self._stack)

    def _stop(self, error: Exception, data: Collection) -> None:
        calls = self._error[1] if self._error[0] in list(causes(error)) else tuple(self._stack)
        last = max(self._ends, key=lambda end: end.order, default=None)
        failure, given = stop(error, calls, data, last)
        _records[failure.node] = Record(None, failure.source, calls, given)
        self.failed = failure

    def __repr__(self) -> str:
        return "<Capture>" if self.failed is None else f"<Capture> {self.failed!r}"


@contextmanager
def capture(module: Modular | None = None, values: bool = True) -> Iterator[Capture]:
    """Keep the results of all steps that are recorded inside, and the lines of code that made them, for those who show them.

    An ordinary graph holds only what its rules will read; of the other steps and data the numbers are unknown afterwards.

    Args:
        module: also note which call of which module inside of it made a step, and the names of its parameters and inputs.
        values: False keeps no results, which saves their memory.

    Yields:
        What happened (`Capture`): `explore` and `draw` show it.  An exception goes on as always, and leaves in `.failed` which
        op failed, what it got, in which module and on which line.

    >>> from minigrad.viz import explain
    >>> x = Tensor(2.0, requires_grad=True, name="x")
    >>> with capture():
    ...     y = (x + 1) * 3
    >>> explain(y).steps[1].value
    array(3., dtype=float32)
    """
    this = Capture()
    stack = this._stack
    steps, most = count(1), limit.get()
    data = Collection(copied=tracing.recorder.get() is None, values=values)  # a recorded value does not change

    def keep(op: Any, node: Node | None, value: Any, parameters: dict[str, Any]) -> None:
        made_by = rule_now()
        rule = None if made_by is None else made_by.order
        if node is None:
            data.computed(op, value, parameters, user_line(), tuple(stack), rule)
            return
        if next(steps) > most:
            raise ValueError(f"the graph has more than {most} steps, of which the page shows some")
        _name_variables()
        this._note(node)
        given = data.sort_out(op, node.parents, parameters, bool(stack))
        _records[node] = Record(_copied(value) if values else None, user_line(), tuple(stack), given, rule)

    with ExitStack() as undo:
        if module is not None:
            _watch_all(module, this, data, undo)
        with observe(keep):
            try:
                yield this
            except Exception as error:
                this._stop(error, data)
                raise
            finally:
                this._error = None, ()  # or its frames would live as long as this


def _name_variables() -> None:
    """Name tensors after the variables that they are in, where the code that calls an op says so.

    A module of a library does, in which the variables of a function are those of the textbook, by `__shown__`, their names.
    """
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("minigrad."):
        frame = frame.f_back
    for name in frame.f_globals.get("__shown__", ()):
        x = frame.f_locals.get(name)
        if isinstance(x, Tensor) and x._node is not None and name_of(x._node) is None:
            _names[x._node] = name


def _copied(value: Any) -> Any:
    """A result as it is now: an array may be written in place later."""
    return tuple(map(_copied, value)) if isinstance(value, (tuple, list)) else value.copy()


def _watch_all(module: Modular, this: Capture, data: Collection, undo: ExitStack) -> None:
    """Note the names of parameters and buffers, and each call of each module inside."""
    for name, parameter in module.named_parameters():
        if parameter._node is not None:
            _names[parameter._node] = name
    data.known += [Known(name, raw(buffer), False) for name, buffer in module.named_buffers()]
    for path, inner in module.named_modules():
        _watch(inner, path, this, data, undo)


def _watch(module: Modular, path: str, this: Capture, data: Collection, undo: ExitStack) -> None:
    """Push each call of a module on the stack while it runs; what the outermost one gets are the inputs of the model."""
    stack = this._stack
    number = 0
    lines: list[str | None] = []

    def enter(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        nonlocal number
        number += 1
        if not stack:
            data.known += _inputs(module, args, kwargs)
        lines.append(user_line())
        stack.append(Call(path, number, type(module).__name__, getattr(type(module), "__gates__", None)))

    def leave(_module: Any, _args: Any, out: Any) -> None:
        if out is None:
            this._note_failure()
        stack.pop()
        results = out if isinstance(out, tuple) else (out,)
        for place, (name, result) in enumerate(zip(targets(lines.pop(), path), results, strict=False)):
            if isinstance(result, Tensor) and result._node is not None:
                _variables[result._node] = (place, name)

    undo.callback(module.register_forward_pre_hook(enter, with_kwargs=True))
    undo.callback(module.register_forward_hook(leave, always_call=True))


def _inputs(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Known]:
    """The arrays that a module is called with, under the names of its parameters."""
    try:
        given = inspect.signature(module.forward).bind(*args, **kwargs).arguments
    except (AttributeError, TypeError, ValueError):  # the call itself will say what is wrong
        return []
    return [Known(name, raw(x), True) for name, x in given.items() if is_array(raw(x))]


def captured(node: Node) -> Record | None:
    """What was captured of a step; None where nothing was."""
    return _records.get(node)


def node_behind(node: Node) -> Node:
    """The node itself; for one output of an op with several, the op's node."""
    return node.parents[0] if node.op is PICK and node.parents[0] is not None else node


def name_of(node: Node) -> str | None:
    """The tensor's own name, or that of a captured module's parameter."""
    return node.name or _names.get(node)


def variable_of(node: Node) -> tuple[int, str] | None:
    """The variable that the user's code puts a module's result in, and its place among those of the same line.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> variable_of(x._node) is None
    True
    """
    return _variables.get(node)
