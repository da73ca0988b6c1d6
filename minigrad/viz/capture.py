"""What a graph forgets: the results of its steps, the lines of code and the calls of modules that made them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from ..graph import Node, observe, user_line

__all__ = ["Call", "Modular", "Record", "capture", "captured", "name_of"]


class Modular(Protocol):
    """What capturing needs of a module; those of `nn` have it."""

    def named_modules(self) -> Iterator[tuple[str, Any]]: ...
    def named_parameters(self) -> Iterator[tuple[str, Any]]: ...
    def register_forward_hook(self, hook: Callable[..., Any]) -> Callable[[], None]: ...
    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> Callable[[], None]: ...


class Call(NamedTuple):
    """One call of a module: the module's path, which call of it (1, 2, ...), and its class."""

    path: str
    number: int
    kind: str


@dataclass(slots=True)
class Record:
    """What was seen when a step was recorded.

    Attributes:
        value: a copy of the result; None where values were not asked for.
        source: the line of the user's code.
        calls: the calls of modules that it happened in, outermost first.
    """

    value: Any
    source: str | None
    calls: tuple[Call, ...]


_records: weakref.WeakKeyDictionary[Node, Record] = weakref.WeakKeyDictionary()
_names: weakref.WeakKeyDictionary[Node, str] = weakref.WeakKeyDictionary()


@contextmanager
def capture(module: Modular | None = None, values: bool = True) -> Iterator[None]:
    """Keep the results of all steps that are recorded inside, and the lines of code that made them, for those who show them.

    An ordinary graph holds only what its rules will read; of the other steps the numbers are unknown afterwards.

    Args:
        module: also note which call of which module inside of it made a step, and the names of its parameters.
        values: False keeps no results, which saves their memory.

    >>> from minigrad.viz import explain
    >>> x = Tensor(2.0, requires_grad=True, name="x")
    >>> with capture():
    ...     y = (x + 1) * 3
    >>> explain(y).steps[1].value
    array(3., dtype=float32)
    """
    stack: list[Call] = []

    def keep(node: Node, value: Any) -> None:
        if not values:
            copied = None
        elif isinstance(value, tuple):
            copied = tuple(v.copy() for v in value)  # an array may be written in place later
        else:
            copied = value.copy()
        _records[node] = Record(copied, user_line(), tuple(stack))

    with ExitStack() as undo:
        if module is not None:
            for name, parameter in module.named_parameters():
                if parameter._node is not None:
                    _names[parameter._node] = name
            for path, inner in module.named_modules():
                _watch(inner, path, stack, undo)
        with observe(keep):
            yield


def _watch(module: Modular, path: str, stack: list[Call], undo: ExitStack) -> None:
    """Push each call of a module on the stack while it runs."""
    number = 0

    def enter(*_: Any) -> None:
        nonlocal number
        number += 1
        stack.append(Call(path, number, type(module).__name__))

    def leave(*_: Any) -> None:
        stack.pop()

    undo.callback(module.register_forward_pre_hook(enter))
    undo.callback(module.register_forward_hook(leave))


def captured(node: Node) -> Record | None:
    """What was captured of a step; None where nothing was."""
    return _records.get(node)


def name_of(node: Node) -> str | None:
    """The tensor's own name, or that of a captured module's parameter."""
    return node.name or _names.get(node)
