"""One run of a function, written down together with what it reads and changes beside its arguments."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from threading import RLock
from types import BuiltinFunctionType, CodeType, ModuleType
from typing import Any

import numpy as np

from .. import graph, tracing
from ..arrays.traced import CannotTrace, Traced
from ..backend import address_of, is_plain
from ..devices import on_gpu_of
from ..tensor import Tensor, raw, wrap
from ..tracing import RunsAsItIs
from ..trees import flatten, tree_map, unflatten
from .back import Back, Spent, entered, traced_back, without_graph
from .numbers import Formula, Number
from .once import answers_once
from .passes import simplified
from .program import Program
from .refused import parts_of, refuse_changes, refuse_gradients, refuse_iterators
from .state import PLAIN, Place, reachable, same_value
from .streams import Drawn
from .taken import Effect, Taken
from .trace import Recorder
from .views import overlap

__all__ = ["Capture", "bounds_of", "capture", "is_array", "stand_in", "turn"]


class Turn:
    """One thread traces at a time, or looks at what others may trace: traced arrays stand in places that threads share."""

    def __init__(self) -> None:
        self.lock = RLock()

    def __enter__(self) -> bool:
        """Whether another thread was at it."""
        if self.lock.acquire(False):
            return False
        self.lock.acquire()
        return True

    def __exit__(self, *error: object) -> None:
        self.lock.release()


turn = Turn()


@dataclass(eq=False)
class Capture:
    """A program, and its ties to the objects around it.

    Attributes:
        traced: the program as it was written down.
        program: after the passes.  Its inputs are the arrays of the arguments, then those of `sources`; its outputs the
            results, then what the effects need.
        leaves: the arguments of the run.
        result: what the function returned; arrays and Tensors in it stand for the results.
        sources: where arrays of the state are found: Tensors, places, or arrays themselves.
        tensors: Tensors of the state: their places, whether they need a gradient, and whether they have one.
        fixed: what must be equal at each call.
        same: what must be the same object.
        loose: arrays that are read without being traced, and what they held.
        sizes: dicts and lists whose length must be the same, or the order of whose keys.
        sets: sets, and what they must hold.
        numbers: what is read at each call: a formula, a dict, and keys one inside the other; of an argument None and its place.
        decisions: formulas that must have these values.
        unlike: why a second call would not do the same, as where this one has made new places (an optimizer's first step).
        back: the backward pass of the results, if they belong to a graph; `result` then is a list of them and of what it reads.
        arguments, tree: how the arguments and the results are nested.
        once: warnings: what the function does when it is traced, and the program does not do at each call.
        spent: results in a graph that has been gone back through.
        moving: the numbers of arguments that require a gradient, where there is no `back` for it.
    """

    traced: Program
    program: Program
    leaves: list[Any]
    result: Any
    sources: list[Any]
    tensors: list[tuple[Tensor, Place | None, bool, bool]]
    fixed: list[tuple[Place, Any]]
    same: list[tuple[Place, Any]]
    loose: list[tuple[np.ndarray, np.ndarray]]
    sizes: list[tuple[Any, int | list[Any]]]
    sets: list[tuple[Any, Any]]
    numbers: list[tuple[Formula, Any, tuple[Any, ...]]]
    decisions: list[tuple[Formula, Any]]
    effects: list[Effect] = field(default_factory=list)
    unlike: str = ""
    back: Back | None = None
    arguments: Any = ((), {})
    tree: Any = None
    once: list[str] = field(default_factory=list)
    spent: dict[int, Spent] = field(default_factory=dict)
    moving: set[int] = field(default_factory=set)

    @property
    def repeats(self) -> bool:
        """Whether a second call would do the same."""
        return not self.unlike

    def needs(self, place: int) -> bool:
        """Whether the program is right for one value alone of an argument that is a number."""
        formula = next((f for f, source, path in self.numbers if source is None and path == (place,)), None)
        return formula is None or any(_reads(f, formula) for f, _ in self.decisions)

    def differs(self) -> list[str]:
        """What must be as it was for the program to be right, and is not."""
        others = [(p, v) for p, v in self.fixed if p.exists and not same_value(v, p.get())]
        found = [f"{p} was {v!r:.40} and is {p.get()!r:.40}" for p, v in others]
        found += [f"{p} is another {type(v).__name__}" for p, v in self.same if p.exists and p.get() is not v]
        found += [f"a container had {n} entries and has {len(h)}" for h, n in self.sizes if type(n) is int and len(h) != n]
        found += [f"a dict had keys {n!r:.60} and has {[*h]!r:.60}" for h, n in self.sizes if type(n) is list and [*h] != n]
        return found + [f"a set had {n!r:.40} and has {x!r:.40}" for x, n in self.sets if x != n]


def is_array(x: Any) -> bool:
    """Whether an argument is another array at each call."""
    return isinstance(x, (Tensor, np.ndarray, np.inexact)) or is_plain(x)


def capture(
    function: Callable[..., Any], args: Any, kwargs: Any, static: Collection[int] = (), pure: bool = False
) -> tuple[Any, Capture]:
    """Run a function; what it gave, and how it came about.

    Args:
        static: the places of leaves that are no traced numbers though they are floats.
        pure: refuse a function that changes something, or draws random numbers.
    """
    leaves = flatten((args, kwargs))
    floats = {i for i, x in enumerate(leaves) if type(x) is float} - set(static)
    try:
        return _captured(function, args, kwargs, leaves, floats, pure)
    except RunsAsItIs:
        raise
    except Drawn:
        return _captured(function, args, kwargs, leaves, floats, pure, watches=True)  # once more, to find the line
    except Exception:
        if not floats:
            raise
    return _captured(function, args, kwargs, leaves, set(), pure)  # it needs a true float: its value belongs to the program


def _captured(
    function: Callable[..., Any],
    args: Any,
    kwargs: Any,
    leaves: list[Any],
    floats: set[int],
    pure: bool,
    watches: bool = False,
) -> tuple[Any, Capture]:
    roots = [function, *(x for x in leaves if not is_array(x))]
    recorder, state, began = Recorder(), reachable(*roots), next(graph.clock)
    recorder.watches = watches
    new, ends = _stand_ins(recorder, leaves, floats)
    nodes = [(new[i], new[i]._node) for i in ends]
    taken = Taken(recorder, state, [x for x in leaves if isinstance(x, Tensor)])
    recorder.began, recorder.leaves = began, {t._node for t, *_ in taken.tensors if t.is_leaf}
    token = tracing.recorder.set(recorder)
    try:
        new_args, new_kwargs = unflatten((args, kwargs), iter(new))
        given = parts_of(function, new_args, new_kwargs)
        with answers_once(state.seen.values()) as once:
            result = function(*new_args, **new_kwargs)
        taken.streams.refuse_draws()
        refuse_iterators(result)
        refuse_changes(nodes, given, parts_of(function, new_args, new_kwargs))
        refuse_gradients(ends, leaves)
        back, spent = traced_back(recorder, result, ends, began, taken.tensors)
    except BaseException as error:
        tracing.recorder.reset(token)
        taken.undo(reachable(*roots))
        taken.roll_back()
        if recorder.refused is not None and isinstance(error, (TypeError, ValueError)):
            raise recorder.refused from None  # which NumPy makes an error of its own of, about a sequence
        raise
    tracing.recorder.reset(token)
    shown, found = _written_down(taken, roots, result, back, leaves, spent)
    if pure and (found.effects or not found.repeats or any(getattr(s.function, "draws", False) for s in found.program.steps)):
        taken.roll_back()
        raise CannotTrace("the function changes something, or draws random numbers")
    found.arguments, found.once = unflatten((args, kwargs), iter([0] * len(leaves))), [*once, *recorder.unheard]
    found.moving = set() if back is not None else {*ends}
    recorder.forget()
    return shown, found


def _stand_ins(recorder: Recorder, leaves: list[Any], floats: set[int]) -> tuple[list[Any], dict[int, Any]]:
    """What the function is given in the place of its arguments' leaves, and where the gradients of some are to arrive."""
    new: list[Any] = []
    ends: dict[int, Any] = {}
    for i, x in enumerate(leaves):
        if is_array(x):
            array = raw(x)
            new.append(_like(x, recorder.given(array if is_plain(array) else np.asarray(array))))
            if isinstance(x, np.generic):
                recorder.scalars.add(recorder.inputs[-1])
        else:
            new.append(recorder.argument(x, i) if i in floats else x)
        if isinstance(x, Tensor) and x._node is not None:
            new[i], ends[i] = entered(new[i]._array)
    return new, ends


def _written_down(
    taken: Taken, roots: list[Any], result: Any, back: Back | None, leaves: list[Any], spent: dict[int, Spent]
) -> tuple[Any, Capture]:
    """After the run: the results with real arrays, and the program with its ties to what is around it."""
    recorder, state = taken.recorder, taken.state
    parts, kept = flatten(result), [] if back is None else [*back.kept, *back.formulas]
    # what stands in an object that the function has made is itself again, too; such an object is a new one at each call
    objects = [x for x in parts if not is_array(x) and type(raw(x)) is not Traced and not isinstance(x, (*PLAIN, type))]
    effects, unlike = taken.settle(reachable(*roots, *objects))
    if recorder.seeded:
        unlike = "it sets the state of the random numbers"
    if not all(isinstance(x, _IMMUTABLE) or id(x) in state.seen for x in objects):
        unlike = "it returns an object that it makes"
    values = ([*(recorder.value_of(raw(x)) for x in parts), *kept], [recorder.value_of(e.value) for e in effects])
    effects = [Effect(e.kind, e.target, v) for e, v in zip(effects, values[1], strict=True)]
    traced = recorder.program(values)
    program = traced if unlike and back is None else simplified(traced)
    if not unlike and _depends_on_this_run(taken, program, effects):
        unlike = "it adds to a row-sparse gradient, or writes into an array that shares memory with another"
    own, numbers = [_own(x) for x in parts], [] if back is None else back.numbers
    if not unlike:
        own, numbers = _apart(taken, own, effects, numbers)
    own = [spent[i](x) if i in spent else x for i, x in enumerate(own)]
    shown = unflatten(result, iter(own)) if back is None else [*own, *numbers]
    if back is not None:
        back.numbers = [_stand_in(x) for x in numbers]
    return shown, Capture(
        traced, program, [_stand_in(without_graph(x)) for x in leaves], tree_map(_stand_in, shown),
        taken.sources, taken.tensors, taken.fixed(), state.same, [(x, x.copy()) for x in state.loose],
        [(h, state.order_of(h) or len(h)) for h, _ in state.holders], state.sets, list(recorder.given_numbers.values()),
        recorder.decisions, effects, unlike, back, tree=unflatten(result, iter([0] * len(parts))), spent=spent,
    )  # fmt: skip


def _apart(taken: Taken, results: list[Any], effects: list[Effect], kept: list[Any]) -> tuple[list[Any], list[Any]]:
    """The same with no memory in two places, or in the arguments or the state: a program copies there, so its first call does."""
    held = [*(x.numbers for x in taken.recorder.arrays), *(x for _, x in taken.recorder.constants.values())]
    owners = {id(graph.owner(x)) for x in held}

    def own(x: Any) -> Any:
        array = raw(x)
        if not is_plain(array):
            return x
        if id(graph.owner(array)) not in owners:
            owners.add(id(graph.owner(array)))
            return x
        return wrap(array.copy(), None) if isinstance(x, Tensor) else array.copy()

    kept = [own(x) for x in kept]
    for e in effects:
        if e.kind == "array":
            e.target._array = own(e.target._array)
        elif e.kind == "grad" and e.value is not None:
            e.target._node.grad = own(e.target._node.grad)
        elif e.kind in ("numbers", "tensor"):
            e.target.set(own(e.target.get()))
    return [own(x) for x in results], kept


def _stand_in(x: Any) -> Any:
    """Of an array its shape and dtype: a program does not keep the numbers of its first call."""
    array = x._array if isinstance(x, Tensor) else x
    if not is_plain(array) or type(x) not in (Tensor, type(array)):
        return x
    empty = stand_in(array, array.shape, array.dtype)
    return empty if array is x else wrap(empty, None)


def stand_in(like: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """An array of a shape and a dtype that takes no memory, where another one is."""
    with on_gpu_of(like):
        return np.broadcast_to(np.empty_like(like, shape=(1,), dtype=dtype).reshape(()), shape)


def _depends_on_this_run(taken: Taken, program: Program, effects: list[Effect]) -> bool:
    """Whether the program is right for the arrays of this run alone.

    A row-sparse gradient that is added to has other rows each time; and a program takes arrays that share memory for two.
    """
    read = {v for step in program.steps for v in step.inputs()}
    unknown = {v for v, source in zip(program.inputs[-len(taken.sources) :], taken.sources, strict=False) if source is None}
    written = {e.target for e in effects if e.kind == "write"}
    return bool(read & unknown) or overlap([bounds_of(x.numbers) for x in taken.recorder.arrays], written)


def bounds_of(x: Any) -> tuple[int, int]:
    """Where the memory that an array looks at begins and ends."""
    if not x.size:
        return 0, 0
    ends = [s * (n - 1) for n, s in zip(x.shape, x.strides, strict=True)]
    return address_of(x) + sum(min(e, 0) for e in ends), address_of(x) + sum(max(e, 0) for e in ends) + x.itemsize


def _like(x: Any, t: Traced) -> Any:
    return wrap(t, None) if isinstance(x, Tensor) else t


#: Results that may be the same object at each call.
_IMMUTABLE = (
    bytes, slice, range, frozenset, type(...), type(NotImplemented), np.dtype, np.ufunc, ModuleType, CodeType,
    BuiltinFunctionType,
)  # fmt: skip


def _own(x: Any) -> Any:
    """A result with this run's numbers."""
    if type(x) is Number:
        return x.number
    array = raw(x)
    numbers = array.numbers if type(array) is Traced else array
    return wrap(numbers, None) if isinstance(x, Tensor) else numbers[()] if type(array) is Traced and not array.shape else numbers


def _reads(x: Any, formula: Formula) -> bool:
    """Whether a number is computed from another one."""
    return x is formula or (type(x) is Formula and any(_reads(a, formula) for a in x.args))
