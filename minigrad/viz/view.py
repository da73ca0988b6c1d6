"""What is shown of a graph: modules closed to a depth, repeated steps as one, a graph of any size as a small one."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cache
from itertools import takewhile
from typing import Any

from .capture import Call
from .walk import Step

__all__ = ["Edge", "Group", "View", "alike", "boxes", "check", "view"]

REPEATS = ("unrolled", "compact")


@dataclass
class Group:
    """Steps that are shown as one node.

    Attributes:
        id: the number of its first step.
        steps: its members, oldest first.
        box: the calls of modules that it is drawn in, outermost first.
        closed: the call that is shown closed, if it is one.
    """

    id: int
    steps: list[Step]
    box: tuple[Call, ...]
    closed: Call | None = None


@dataclass
class Edge:
    """What flows from one group to another.

    Attributes:
        count: how many edges of the graph it stands for.
        shape, dtype: of the first of them.
        carried: it goes back, from one repetition to the next.
        data: it brings data, which needs no gradient.
    """

    source: int
    target: int
    shape: tuple[int, ...]
    dtype: Any
    count: int = 1
    carried: bool = False
    data: bool = False


@dataclass
class View:
    """The groups and edges that are shown; `notes` say what was left out."""

    groups: list[Group]
    edges: list[Edge]
    notes: list[str] = field(default_factory=list)


def view(steps: list[Step], depth: int | None = None, repeats: str = "unrolled", max_nodes: int = 1000) -> View:
    """Choose what is shown of a graph.

    Args:
        depth: modules at this depth are closed: each call is one node; 0 closes the whole model, None none.
        repeats: "unrolled" shows every step, "compact" one of those that are alike (see `alike`), with edges that go back.
        max_nodes: a larger graph is summarised: compact, then with modules closed, and at last one node for each op.

    >>> x = Tensor(1.0, requires_grad=True, name="x")
    >>> y = x
    >>> for _ in range(5000):
    ...     y = (2 * y).sin()
    >>> from minigrad.viz import walk
    >>> summary = view(walk(y))
    >>> [(group.steps[0].op, len(group.steps)) for group in summary.groups[-2:]], summary.notes
    ([('multiply', 4998), ('sin', 4998)], ['10001 steps, too many to show: those that are alike are one'])
    """
    check(depth, repeats)
    calls = boxes(steps)
    alikes = alike(steps) if repeats == "compact" else None
    if depth is not None or alikes is not None or len(steps) <= max_nodes:  # else all of them would be shown
        shown = _grouped(steps, calls, depth, alikes)
        if len(shown.groups) <= max_nodes:
            return shown
    deepest = max((len(c) for c in calls.values()), default=0) - 1
    much = f"{len(steps)} steps, too many to show"
    alikes = alikes or alike(steps)
    for limit in (depth, *range(min(deepest, depth or deepest), 0, -1)):
        shown = _grouped(steps, calls, limit, alikes)
        if len(shown.groups) <= max_nodes:
            closed = "" if limit == depth else f", and modules are closed at depth {limit}"
            shown.notes.append(f"{much}: those that are alike are one{closed}")
            return shown
    shown = _quotient(steps, {s.id: (s.kind, s.op) for s in steps}, {s.id: () for s in steps}, {})
    shown.notes.append(f"{much}: one node for each op")
    return shown


def check(depth: int | None, repeats: str) -> None:
    """Whether there are such options.

    Raises:
        ValueError: there are not.
    """
    if repeats not in REPEATS:
        raise ValueError(f"repeats must be one of {', '.join(REPEATS)}, got {repeats!r}")
    if depth is not None and depth < 0:
        raise ValueError(f"depth must be 0 or more, got {depth}")


def boxes(steps: list[Step]) -> dict[int, tuple[Call, ...]]:
    """The calls that each step is drawn in: those that made it; of a parameter, the ones that all its uses share."""
    calls = {step.id: step.calls for step in steps}
    uses: dict[int, tuple[Call, ...]] = {}
    leaves = {step.id: step for step in steps if step.op is None}
    for step in steps:
        for source, *_ in step.inputs:
            if source in leaves:
                uses[source] = _common(uses[source], step.calls) if source in uses else step.calls
    for number, shared in uses.items():
        calls[number] = _around_data(leaves[number], shared) if leaves[number].data else _around_leaf(leaves[number].name, shared)
    return calls


def _around_data(step: Step, shared: tuple[Call, ...]) -> tuple[Call, ...]:
    """Inputs of the model stand outside of it; what a module keeps or makes, inside."""
    if step.data is None or step.data.given:
        return ()
    return _around_leaf(step.data.name, shared) if step.data.name else shared


def _around_leaf(name: str | None, shared: tuple[Call, ...]) -> tuple[Call, ...]:
    """Of the calls that use a leaf, those of the modules that its name says it belongs to."""
    owner = (name or "").rpartition(".")[0]
    if owner:
        return tuple(takewhile(lambda c: not c.path or f"{owner}.".startswith(f"{c.path}."), shared))
    return shared[:1] if name else ()


def alike(steps: list[Step]) -> dict[int, Hashable]:
    """A key for each step that is the same for the repetitions of one computation, such as the steps of a recurrent network.

    Steps are alike when they are the same op of the same shape in the same module, read the same parameters, and, where they read
    none, what they read is alike, looked at three steps back.
    """
    leaf = {step.id for step in steps if step.kind == "leaf"}
    own: dict[int, Hashable] = {}
    anchored = set()
    for step in steps:
        if step.data is not None:  # that of one step is like that of the next
            own[step.id] = ("data", step.op, step.name, step.shape, tuple(call.path for call in step.calls))
            continue
        reads = tuple(source for source, *_ in step.inputs if source in leaf)
        paths = tuple(call.path for call in step.calls)
        own[step.id] = (step.op, step.shape, paths, reads, _picks(step)) if step.op else step.id
        if reads or step.id in leaf:
            anchored.add(step.id)
    keys = own
    for _ in range(3):
        numbers: dict[Hashable, int] = {}  # small keys, however far they look back
        keys = {
            step.id: own[step.id] if step.id in anchored
            else (own[step.id], tuple(numbers.setdefault(keys[source], len(numbers)) for source, *_ in step.inputs))
            for step in steps
        }  # fmt: skip
    return keys


# ------------------------------------------------------------------------------------- private


def _picks(step: Step) -> tuple[Any, ...]:
    """Which output it reads, of the ops with several that it reads."""
    return tuple(argument.output for argument in step.arguments.values())


def _common(a: tuple[Call, ...], b: tuple[Call, ...]) -> tuple[Call, ...]:
    return tuple(x for x, y in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def _grouped(
    steps: list[Step], calls: dict[int, tuple[Call, ...]], depth: int | None, alikes: dict[int, Hashable] | None
) -> View:
    """Steps in closed modules are one; so are those that are alike, and all calls of a module, where `alikes` is given."""
    forget = (lambda call: call) if alikes is None else cache(lambda call: call._replace(number=1))
    keys: dict[int, Hashable] = {}
    closed: dict[int, Call] = {}
    places = {}
    forgotten = cache(lambda around: tuple(map(forget, around)))
    for step in steps:
        place = forgotten(calls[step.id])
        if depth is not None and len(place) > depth:
            closed[step.id] = place[depth]
            keys[step.id] = ("closed", place[: depth + 1])
            place = place[:depth]
        else:
            keys[step.id] = step.id if alikes is None else alikes[step.id]
        places[step.id] = place
    return _quotient(steps, keys, places, closed)


def _quotient(
    steps: list[Step], keys: dict[int, Hashable], places: dict[int, tuple[Call, ...]], closed: dict[int, Call]
) -> View:
    """One group for each key, and one edge for all that go between two groups; closed modules hold their own parameters."""
    data = {step.id for step in steps if step.data is not None}
    groups: dict[Hashable, Group] = {}
    edges: dict[tuple[int, int], Edge] = {}
    began: dict[int, int] = {}  # the first op of each group
    times: dict[int, int | None] = {}  # which call of its closed module a step is in
    inside: set[int] = set()  # parameters that only closed modules of their own read
    for step in steps:
        key = keys[step.id]
        if key not in groups:
            groups[key] = Group(step.id, [], places[step.id], closed.get(step.id))
        target = groups[key].id
        groups[key].steps.append(step)
        if step.id in closed:
            times[step.id] = next((c.number for c in step.calls if c.path == closed[step.id].path), None)
        if step.op and step.data is None:
            began.setdefault(target, step.id)
        elif step.op is None and step.id not in closed and "." in (step.name or ""):
            inside.add(target)
        for number, shape, dtype in step.inputs:
            source = groups[keys[number]].id
            if source in inside and step.id in closed and _owns(closed[step.id], groups[keys[number]].steps[0]):
                continue
            inside.discard(source)
            within = source == target and step.id in closed and times[number] in (None, times[step.id])
            if (source, target) in edges and not within:
                edges[source, target].count += 1
            elif not within:
                carried = number not in data and began.get(source, source) >= began.get(target, target)
                edges[source, target] = Edge(source, target, shape, dtype, carried=carried, data=number in data)
    return View([group for group in groups.values() if group.id not in inside], list(edges.values()))


def _owns(call: Call, leaf: Step) -> bool:
    return not call.path or (leaf.name or "").startswith(f"{call.path}.")
