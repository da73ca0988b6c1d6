"""The computation graph: nodes, gradient modes, and the record of in-place writes.

This file knows no op and no Tensor.  A `Node` is one step of a computation.  It holds the op that
was applied, the nodes of the inputs that need a gradient, and the arrays that the op's gradient
rule will read; nothing else.  It never holds the Tensor that it belongs to, so that a graph
has no reference cycles and is freed the moment its last Tensor is dropped.

Nodes carry a creation number, `order`.  An input is always older than what is computed from it, so
creation order is a topological order, and the backward pass needs no search.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import itertools
import linecache
import os
import sys
import threading
import traceback
import types
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import devices

__all__ = [
    "Node", "NodeInfo", "enable_grad", "is_grad_enabled", "mark_mutated", "no_grad",
    "set_grad_enabled",
]  # fmt: skip

#: One clock for all events: the creation of nodes and the in-place writes between them.
clock = itertools.count(1)


class Node:
    """One step of a computation, as the backward pass sees it.

    Attributes:
        op: what was applied (a `minigrad.op.Op`), or None for a leaf.
        parents: the node of each input, None for an input that needs no gradient.
        saved: for each input the tuple of values that its gradient rule reads.
        order: the creation number.
        shape, dtype: of the output, which its gradient shares.
        grad: the accumulated gradient, on leaves and after `retain_grad()`.
        info: what only a few nodes have (name, hooks, source line), see `NodeInfo`.
        outputs: on the node of an op with several outputs, their (shape, dtype) each.
        tensor: on a leaf, a weak reference to its Tensor.
    """

    __slots__ = (
        "__weakref__", "dtype", "grad", "info", "op", "order", "outputs", "parents", "saved", "shape",
        "tensor",
    )  # fmt: skip

    outputs: tuple[tuple[Any, Any], ...]
    tensor: weakref.ref[Any]

    def __init__(
        self, op: Any, parents: tuple[Node | None, ...], saved: Any, shape: Any, dtype: Any
    ) -> None:
        self.op, self.parents, self.saved = op, parents, saved
        self.shape, self.dtype = shape, dtype
        self.order = next(clock)
        self.grad: Any = None
        self.info: NodeInfo | None = None

    @property
    def name(self) -> str | None:
        """The name that the user gave to the tensor, if any."""
        return None if self.info is None else self.info.name

    def annotate(self) -> NodeInfo:
        """The node's `NodeInfo`, made on first use."""
        if self.info is None:
            self.info = NodeInfo()
        return self.info

    def watch(self) -> NodeInfo:
        """The node's `NodeInfo`, for what looks at its gradient: a hook, or `retain`."""
        watched.add(self)
        return self.annotate()

    def __repr__(self) -> str:
        kind = "leaf" if self.op is None else self.op.name
        return f"<Node {self.order}: {kind} {self.name or ''} {self.shape} {self.dtype}>"


#: The nodes whose gradients are looked at on their way, or were.
watched: weakref.WeakSet[Node] = weakref.WeakSet()


@dataclass(slots=True)
class NodeInfo:
    """The rarely needed attributes of a node, kept apart so that ordinary nodes stay small."""

    hooks: dict[int, Callable[[Any], Any]] = field(default_factory=dict)
    name: str | None = None
    retain: bool = False
    behind_mask: tuple[Any, ...] = ()  # where the gradient that it is made of was sent (`minigrad.masked.Sent`)
    source: str | None = None
    receive: Callable[[Any], object] | None = None  # on a leaf: where its gradient goes in place of `.grad`
    forget: Callable[[], object] | None = None  # forgets what `receive` keeps


# ------------------------------------------------------------------------------ gradient modes

#: How many mode contexts are open in all threads and tasks together.  While it is 0 an op need
#: not ask for its mode at all, which keeps the common path free of look-ups.
special = 0
_special_lock = threading.Lock()
_grad_enabled: ContextVar[bool] = ContextVar("grad_enabled", default=True)
#: Whether `minigrad.anomaly.detect_anomaly` is on.
anomaly: ContextVar[bool] = ContextVar("anomaly", default=False)
#: Whether the gradients that a backward pass starts with have come through a masking op.
behind_mask: ContextVar[bool] = ContextVar("behind_mask", default=False)
#: What `observe` was given: it gets an op, the node that was recorded (None where no gradient is needed), the result,
#: and the values of the op's parameters by their names.
Observer = Callable[[Any, "Node | None", Any, dict[str, Any]], None]
_observer: ContextVar[Observer | None] = ContextVar("observer", default=None)


#: The modes that are open in this thread and async task, each with what undoes it, the latest last.
_open: ContextVar[tuple[tuple[Mode, Token[Any]], ...]] = ContextVar("open_modes", default=())


class Mode:
    """A gradient mode, as a context manager and as a decorator of functions and coroutines.

    One object may be entered again, and by several threads and tasks at once.
    """

    def __init__(self, variable: ContextVar[Any], value: Any) -> None:
        self.variable, self.value = variable, value

    def __enter__(self) -> None:
        global special
        with _special_lock:
            special += 1
        _open.set((*_open.get(), (self, self.variable.set(self.value))))

    def __exit__(self, *error: object) -> None:
        global special
        opened = _open.get()
        last = len(opened) - 1
        while last >= 0 and opened[last][0] is not self:
            last -= 1
        if last < 0:
            raise RuntimeError("a gradient mode must be left in the thread and task that entered it")
        self.variable.reset(opened[last][1])
        _open.set(opened[:last] + opened[last + 1 :])
        with _special_lock:
            special -= 1

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"a gradient mode cannot decorate the generator {function.__name__!r}: "
                "it would be left between two items; use `with` inside of it"
            )

        async def run_coroutine(*args: Any, **kwargs: Any) -> Any:
            with type(self)(self.variable, self.value):
                return await function(*args, **kwargs)

        def run(*args: Any, **kwargs: Any) -> Any:
            with type(self)(self.variable, self.value):
                return function(*args, **kwargs)

        is_coroutine = inspect.iscoroutinefunction(function)
        return functools.wraps(function)(run_coroutine if is_coroutine else run)


def no_grad(function: Any = None) -> Any:
    """Record no graph inside: a context manager, or a decorator with or without brackets.

    The mode belongs to the current thread and async task alone.

    Args:
        function: what is to run so, where this decorates a function without brackets.

    >>> x = Tensor(3.0, requires_grad=True)
    >>> with no_grad():
    ...     (x * x).requires_grad
    False
    """
    mode = Mode(_grad_enabled, False)
    return mode if function is None else mode(function)


def enable_grad(function: Any = None) -> Any:
    """Record the graph inside, also within a `no_grad` block.

    Args:
        function: what is to run so, where this decorates a function without brackets.
    """
    mode = Mode(_grad_enabled, True)
    return mode if function is None else mode(function)


def set_grad_enabled(enabled: bool) -> Mode:
    """`enable_grad()` or `no_grad()`, by a flag: ``with set_grad_enabled(training): ...``

    Args:
        enabled: whether the graph is recorded.
    """
    return Mode(_grad_enabled, bool(enabled))


def recording() -> AbstractContextManager[None]:
    """`enable_grad()`, without its cost where nothing has switched recording off."""
    return enable_grad() if special else nullcontext()


def is_grad_enabled() -> bool:
    """Whether ops record the graph in this thread and async task."""
    return _grad_enabled.get()


def is_anomaly_enabled() -> bool:
    """Whether `detect_anomaly` is on in this thread and async task."""
    return special > 0 and anomaly.get()


def observe(function: Observer) -> Mode:
    """Call a function with each op that is applied to Tensors inside, its node, its result, and what it was given."""
    return Mode(_observer, function)


def observer() -> Observer | None:
    """The function that `observe` was given in this thread and async task."""
    return _observer.get() if special else None


#: The node whose rule runs, while a backward pass is recorded that somebody observes.
_rule: ContextVar[Node | None] = ContextVar("rule", default=None)


@contextmanager
def rules_seen() -> Iterator[Callable[[Node], object]]:
    """Gives a backward pass what to call with each node before its rule runs; `rule_now` tells it to those who observe."""
    token = _rule.set(_rule.get())
    try:
        yield _rule.set
    finally:
        _rule.reset(token)


def rule_now() -> Node | None:
    """The node whose rule makes what is recorded now; None of what no rule makes."""
    return _rule.get()


#: How many transforms (`grad`, `jacobian` ...) are around the current line, in this thread and task.
transforms: ContextVar[int] = ContextVar("transforms", default=0)


#: What the last number said that would have left the graph inside of a transform.  Other libraries swallow
#: the errors of functions that they call; a transform adds it to what they raise instead.
lost: ContextVar[str | None] = ContextVar("lost", default=None)


@functools.cache
def _libraries() -> tuple[str, ...]:
    """The folders of Python's own modules and of installed packages."""
    sysconfig = importlib.import_module("sysconfig")  # takes milliseconds
    return tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


#: Where minigrad is.
_HOME = os.path.dirname(__file__) + os.sep


def is_ours(file: str) -> bool:
    """Whether a file of source code belongs to minigrad."""
    return file.startswith(_HOME)


def is_library(file: str) -> bool:
    """Whether source code is minigrad's (what it generates, too), nn's, Python's own, or an installed package's."""
    return file.startswith(("<op ", _HOME, os.path.join(os.path.dirname(_HOME[:-1]), "nn") + os.sep, *_libraries()))


def is_of_user(function: Any) -> bool:
    """Whether something is a function whose source code is the user's, or wraps one."""
    while function is not None:
        code = getattr(function, "__code__", None)
        if code is not None and not is_library(code.co_filename):
            return True
        function = getattr(function, "__wrapped__", None)
    return False


def user_frame() -> types.FrameType | None:
    """The innermost frame of the call stack that is the user's: not minigrad's, nn's, nor an installed package's.

    Where there is none, the innermost one outside of minigrad, nn and NumPy.
    """
    frame: types.FrameType | None = sys._getframe(1)
    innermost = None
    while frame is not None:
        if not _is_engine(frame):
            if not frame.f_code.co_filename.startswith(_libraries()):
                return frame
            innermost = innermost or frame
        frame = frame.f_back
    return innermost


def _is_engine(frame: types.FrameType) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] in ("minigrad", "nn", "numpy")


def user_line() -> str | None:
    """The innermost line of the user's code, with its text."""
    frame = user_frame()
    if frame is None:
        return None
    summary = traceback.extract_stack(frame, limit=1)[0]
    return _place(summary.filename, summary.lineno, summary.line)


def _place(file: str, number: int | None, text: str | None) -> str:
    """A line of code: of an interactive one there is no text."""
    return f"{file}:{number}: {text}" if text else f"{file}:{number}"


def place_of(file: str, number: int) -> str:
    """A line of code, with its text."""
    return _place(file, number, linecache.getline(file, number).strip())


def line_of(error: BaseException) -> str | None:
    """The innermost line of the user's code that an error has passed, with its text."""
    found = None
    for frame, number in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if not _is_engine(frame) and not file.startswith(_libraries()):
            found = place_of(file, number)
    return found


def warn(message: str, category: type[Warning]) -> None:
    """A warning about the user's own line; Python's filters show it once for each line."""
    frame = user_frame()
    if frame is None:
        warnings.warn(message, category, stacklevel=2)
        return
    seen = frame.f_globals.setdefault("__warningregistry__", {})
    module = frame.f_globals.get("__name__")
    warnings.warn_explicit(message, category, frame.f_code.co_filename, frame.f_lineno, module, seen)


def check_finite(values: Any, op_name: str, phase: str, source: str | None) -> None:
    """Raise FloatingPointError where an array, or one of several, holds NaN or infinity."""
    for array in values if isinstance(values, (tuple, list)) else (values,):
        if getattr(array, "dtype", np.dtype(bool)).kind not in "fc":
            continue
        with devices.on_gpu_of(array):
            counts = [(int(np.isnan(array).sum()), "NaN"), (int(np.isinf(array).sum()), "infinite")]
        if found := [f"{n} {word} value{'s' * (n > 1)}" for n, word in counts if n]:
            where = f"in an output of shape {array.shape}"
            error = FloatingPointError(f"{op_name}: {phase} produced {' and '.join(found)} {where}")
            if source:
                error.add_note(f"the op was called at {source}")
            raise error


# ------------------------------------------------------------------------------ names of data

#: What users call arrays that are in no graph: id of the array -> (array, name)
_named: dict[int, tuple[weakref.ref[Any], str]] = {}


def name_array(array: Any, name: str | None) -> None:
    """Note what the user calls the array of a tensor; a graph that reads it knows the array alone."""
    key = id(array)
    if name is None:
        _named.pop(key, None)
        return
    try:
        _named[key] = (weakref.ref(array, lambda _: _named.pop(key, None)), name)
    except TypeError:  # an array of a library's that cannot be referred to weakly stays without a name
        return


def name_of_array(array: Any) -> str | None:
    """What the user calls an array."""
    known = _named.get(id(array))
    return known[1] if known is not None and known[0]() is array else None


# --------------------------------------------------------------------------- in-place writes

#: The time of the last in-place write.  A node made after it needs no further look.
last_mutation = 0
#: id of the owner of the memory -> (owner, time, those who write it together with others)
_mutations: dict[int, tuple[weakref.ref[Any], int, tuple[Writes, ...]]] = {}


def owner(array: Any) -> Any:
    """The array that owns the memory of a view, or of a batch."""
    while hasattr(base := getattr(array, "base", None), "dtype"):
        array = base
    return array


def mark_mutated(array: Any) -> None:
    """Note that an array (and all its views) has just been written in place.

    Whoever writes into `tensor.data` by hand (an optimizer, say) calls this, so that a backward
    pass that was going to read the old values stops with an error instead of using the new ones.
    """
    global last_mutation
    owns = owner(array)
    key = id(owns)
    reference, _, writes = _known(owns)
    last_mutation = next(clock)
    _mutations[key] = (reference, last_mutation, writes)


def _known(owns: Any) -> tuple[weakref.ref[Any], int, tuple[Writes, ...]]:
    """What is noted of an array that owns its memory."""
    key = id(owns)
    known = _mutations.get(key)
    return known or (weakref.ref(owns, lambda _: _mutations.pop(key, None)), 0, ())


def mark_all_mutated(*arrays: Any) -> None:
    """`mark_mutated` of several arrays, which were written at the same time."""
    global last_mutation
    now = next(clock)
    for array in arrays:
        owns = owner(array)
        reference, _, writes = _known(owns)
        _mutations[id(owns)] = (reference, now, writes)
    last_mutation = next(clock)


class Writes:
    """Arrays that are written at the same time, again and again: one note is enough for all of them."""

    __slots__ = ("time",)

    def __init__(self) -> None:
        self.time = 0

    def add(self, array: Any) -> None:
        owns = owner(array)
        reference, time, writes = _known(owns)
        if self not in writes:
            _mutations[id(owns)] = (reference, time, (*writes, self))

    def note(self) -> None:
        """All of them have just been written."""
        global last_mutation
        last_mutation = self.time = next(clock)


def written_since(array: Any, time: int) -> bool:
    """Whether an array, or what it is a view of, was written in place after a time of the clock."""
    known = _mutations.get(id(owner(array)))
    return known is not None and (known[1] > time or any(w.time > time for w in known[2]))


def check_saved(node: Node) -> None:
    """Raise if what the node's rule is about to read is not there, or was written after it was saved."""
    if node.saved is None:
        raise RuntimeError(
            f"what the gradient of {node.op.name} reads was freed by a backward pass: write "
            "backward(retain_graph=True) for a second one, and look or explain before backward()"
        )
    for value in _arrays_in(node.saved):
        if written_since(value, node.order):
            raise RuntimeError(
                f"{node.op.name}: an array of shape {value.shape} and dtype {value.dtype} that the gradient of "
                f"{node.op.name} reads was changed in place after the forward pass. Change it after backward(), "
                "or give the op a copy (x.clone())"
            )


def _arrays_in(saved: Any) -> Iterator[Any]:
    if isinstance(saved, (tuple, list)):
        for value in saved:
            yield from _arrays_in(value)
    elif isinstance(saved, dict):
        yield from _arrays_in(list(saved.values()))
    elif hasattr(saved, "dtype") and hasattr(saved, "base"):
        yield saved
