"""What a traced function may not do with its arguments and its result: errors that say what to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import signature
from typing import Any

from ..arrays.traced import CannotTrace
from ..tracing import RunsAsItIs
from ..trees import flatten

__all__ = ["parts_of", "refuse_changes", "refuse_gradients", "refuse_iterators"]


def parts_of(function: Callable[..., Any], args: Any, kwargs: Any) -> list[tuple[str, list[Any]]]:
    """The leaves of each argument, by its name."""
    try:
        parameters = list(signature(function).parameters)
    except (TypeError, ValueError):  # NumPy's functions tell none
        parameters = []
    names = [*parameters[: len(args)], *(f"argument {i}" for i in range(len(parameters), len(args)))]
    return [(name, flatten(x)) for name, x in (*zip(names, args, strict=True), *sorted(kwargs.items()))]


def refuse_changes(
    nodes: list[tuple[Any, Any]], before: list[tuple[str, list[Any]]], after: list[tuple[str, list[Any]]]
) -> None:
    """Arguments that are written in a graph, and containers among them that are changed, are errors that say what to write."""
    if any(t._node is not node for t, node in nodes):
        raise CannotTrace(
            "the compiled function writes into an argument that requires a gradient: write into a copy, x.clone()"
        )
    for (name, old), (_, new) in zip(before, after, strict=True):
        if not _are_same(new, old):
            raise CannotTrace(
                f"the compiled function changes {name}, a list, a dict or another container among its arguments, and gets a new "
                "one at each call: let it return what is new, or keep the container outside and read it by its name"
            )


def refuse_gradients(ends: dict[int, Any], leaves: list[Any]) -> None:
    """A backward pass in the function goes on behind its arguments, which belong to another graph at each call."""
    for i, node in ends.items():
        if node.grad is not None:
            raise RunsAsItIs(
                f"backward() in it sends a gradient to an argument of shape {leaves[i].shape} that requires one: let it read the "
                "tensor by a name, or take the module as an argument; if the gradient is to end there, give it x.detach()"
            )


def refuse_iterators(result: Any) -> None:
    """What a function returns must be made when it returns: a generator goes on later, when nothing is traced any more."""
    for x in flatten(result):
        if isinstance(x, Iterator):
            raise CannotTrace(f"the compiled function returns a {type(x).__name__}, which goes on after it: return a list")


def _are_same(x: list[Any], y: list[Any]) -> bool:
    return len(x) == len(y) and all(a is b for a, b in zip(x, y, strict=True))
