"""Memory for time: `checkpoint`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import numpy as np

from .. import graph, tracing
from ..backward import propagate
from ..graph import Node
from ..op import Op
from ..ops.conversion import clone
from ..random.state import get_state, go_to
from ..tensor import Tensor, raw, wrap
from ..trees import flatten, tree_map, unflatten
from .recording import name_of

__all__ = ["CheckpointNotes", "Rerun", "checkpoint", "checkpoint_notes", "older_nodes", "value_of"]

P = ParamSpec("P")
R = TypeVar("R")


class CheckpointNotes:
    """What code notes in the first run of a checkpointed function, for the runs that repeat it.

    Attributes:
        again: whether this is a run that repeats the first one.
        entries: the notes, in the order in which places for them were taken.
    """

    def __init__(self) -> None:
        self.again = False
        self.entries: list[Any] = []
        self._next = 0

    def place(self) -> int:
        """The place of the next note: both runs take their places in the same order.

        Raises:
            RuntimeError: a repeated run takes more places than the first one.
        """
        place, self._next = self._next, self._next + 1
        if not self.again:
            self.entries.append(None)
        elif place >= len(self.entries):
            raise RuntimeError(
                "checkpoint: the function does more when it runs again for the gradient: it must do the same both times"
            )
        return place

    def start(self, again: bool) -> None:
        """A run begins."""
        self.again, self._next = again, 0


_notes: ContextVar[CheckpointNotes | None] = ContextVar("notes", default=None)


def checkpoint_notes() -> CheckpointNotes | None:
    """The notes of the checkpointed function that is running; None outside of one.

    Code with a state beside its arguments uses them to begin from the same state when it runs again, and not to
    change it a second time, as `nn.Module` does with its buffers.

    Raises:
        RuntimeError: from `checkpoint_notes().place()`, where a repeated run takes more places than
            the first one.

    >>> checkpoint_notes() is None
    True
    """
    return _notes.get()


def checkpoint(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, which computes its intermediate results again in the backward pass.

    Memory for time (Chen et al., "Training deep nets with sublinear memory cost", 2016): they are
    forgotten in between.  Gradients also reach tensors that the function uses without getting them
    as arguments, such as the parameters of a module.  Random numbers are drawn the same way both
    times.

    Raises:
        RuntimeError: from the backward pass, where a Tensor that was an argument, or that requires a
            gradient and is used inside, was changed after the call.  The engine does not see a change
            of a NumPy array, nor of a constant that is no argument.
        TypeError: what is given is no function.
        RuntimeError: in the backward pass: the function returns other shapes than the first time.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> checkpoint(lambda x: x.exp().log())(x).backward()
    >>> x.grad
    Tensor(1., dtype=float32)
    """
    if not callable(function):
        raise TypeError(f"checkpoint takes a function and gives one, it got {type(function).__name__}")

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if tracing.recorder.get() is not None:  # a program keeps what it needs, and would draw other random numbers
            return function(*args, **kwargs)
        call = Rerun(function, args, kwargs)
        began = next(graph.clock)
        out = call.run([Tensor(x._array, requires_grad=True) for x in call.inputs])
        outs = _tensors(out)
        values = tuple(t._array for t in outs)
        # The nodes are all that this recording is for; it is dropped at the end.
        call.closed_over = older_nodes(outs, began)
        del outs
        if call.inputs or call.closed_over:
            used = [wrap(value_of(n), n) for n in call.closed_over]
            constants = tuple(x._array for x in call.constants)
            given = {"values": values, "call": call, "constants": constants}
            results = iter(_OP.function(*call.inputs, *used, **given))
        else:
            results = iter([wrap(value, None) for value in values])
        return tree_map(lambda t: next(results) if isinstance(t, Tensor) else t, out)

    return wrapped


def _forward(
    *tensors: Any, values: tuple[Any, ...], call: Rerun, constants: tuple[Any, ...]
) -> tuple[Any, ...]:
    """What a function has returned for the tensors; its gradient comes from running it again.

    out = f(tensors_1, tensors_2, ...)
    dtensors_k = g df/dtensors_k
    """
    return values


def _pull_back(
    g: Any, needs: tuple[bool, ...], tensors: tuple[Any, ...], call: Rerun, constants: tuple[Any, ...]
) -> list[Any]:
    # To read the tensors and the constants makes writes into them an error (`graph.check_saved`).
    call.check_unchanged(tensors, constants)
    return call.pull_back(g, tensors)


_OP = Op(_forward, {}, joint=_pull_back, inputs=("tensors",), name="checkpoint")


class Rerun:
    """One call of a function, which can be run again with other tensors for its inputs.

    Attributes:
        inputs: those leaves of the arguments that are Tensors and require a gradient.
        constants: those that are Tensors and require none.
        closed_over: the nodes that the function uses beside its arguments.
    """

    def __init__(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.function = function
        self.arguments = (args, kwargs)
        self.leaves = flatten(self.arguments)
        self.places = [
            i for i, x in enumerate(self.leaves) if isinstance(x, Tensor) and x.requires_grad
        ]
        self.inputs = [self.leaves[i] for i in self.places]
        self.constants = [x for x in self.leaves if isinstance(x, Tensor) and not x.requires_grad]
        self.closed_over: list[Node] = []
        self.random_state = get_state()
        self.notes: CheckpointNotes | None = None

    def run(self, tensors: Sequence[Tensor]) -> Any:
        """What the function returns for other inputs."""
        given = list(self.leaves)
        for place, tensor in zip(self.places, tensors, strict=True):
            given[place] = tensor
        args, kwargs = unflatten(self.arguments, iter(given))
        again = self.notes is not None
        self.notes = self.notes or CheckpointNotes()
        self.notes.start(again)
        token = _notes.set(self.notes)
        try:
            return self.function(*args, **kwargs)
        finally:
            _notes.reset(token)

    def check_unchanged(self, tensors: Sequence[Any], constants: Sequence[Any]) -> None:
        """Raise where a Tensor holds another array than in the forward pass."""
        closed_over = zip(self.closed_over, tensors[len(self.places) :], strict=True)
        pairs = [(n.tensor(), raw(array)) for n, array in closed_over if n.op is None]
        for x, array in (*pairs, *zip(self.constants, constants, strict=True)):
            if x is not None and x._array is not array:
                raise _changed(f"a tensor of shape {x.shape} got another array")

    def pull_back(self, g: Any, tensors: Sequence[Any]) -> list[Any]:
        """The cotangents of the inputs and of what the function uses beside them."""
        proxies = [
            clone(t) if isinstance(t, Tensor) else Tensor(t, requires_grad=True)
            for t in tensors[: len(self.places)]
        ]
        began = next(graph.clock)
        now = get_state()
        go_to(self.random_state)
        try:
            with graph.recording():
                outs = _tensors(self.run(proxies))
        finally:
            go_to(now)
        nodes = [t._node for t in proxies if t._node is not None] + self.closed_over
        if not set(self.closed_over).issuperset(older_nodes(outs, began, nodes)):
            raise _changed("a tensor that it uses beside its arguments was computed again")
        cotangents = g if isinstance(g, tuple) else (g,)
        now_shapes, shapes = [t.shape for t in outs], [c.shape for c in cotangents]
        if now_shapes != shapes:
            raise RuntimeError(
                f"checkpoint: {name_of(self.function)} returned the shapes {shapes}, but {now_shapes} when it ran again for "
                "the gradient: it must compute the same both times"
            )
        higher = any(isinstance(t, Tensor) for t in tensors)
        found = propagate(outs, cotangents, nodes, higher, None, of_a_rule=True)
        return [found.get(n) for n in nodes]


def _tensors(out: Any) -> list[Tensor]:
    return [x for x in flatten(out) if isinstance(x, Tensor)]


def value_of(node: Node) -> Any:
    """The array of a leaf; for any other node something in its place."""
    x = node.tensor() if node.op is None else None
    return np.zeros(()) if x is None else x._array


def _changed(what: str) -> RuntimeError:
    return RuntimeError(
        f"checkpoint: {what} between the forward and the backward pass, which runs the function "
        "again: change it after backward(), or pass a copy (x.clone()) as an argument"
    )


def older_nodes(
    outputs: Sequence[Tensor], began: int, ends: Sequence[Node] = ()
) -> list[Node]:
    """The nodes, made before a moment, that the recording of outputs leads back to beside the `ends`."""
    stack = [t._node for t in outputs if t._node is not None and t._node not in ends]
    seen, older = {*stack, *ends}, []
    while stack:
        node = stack.pop()
        if node.order < began:
            older.append(node)
            continue
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return older
