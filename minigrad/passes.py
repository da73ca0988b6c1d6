"""What may go on around backward passes: who wants to know that one begins and ends, and what one will reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar

from . import graph
from .tensor import Tensor

__all__ = ["around", "around_backward", "depends_on", "entered"]

#: Makes what is entered around the backward pass of a tensor.
Enter = Callable[[Tensor], AbstractContextManager[object]]

#: All that are to be entered, by the order in which they came.
around: dict[int, Enter] = {}
_inside: ContextVar[bool] = ContextVar("inside_of_backward", default=False)


def around_backward(enter: Enter) -> Callable[[], None]:
    """Enter a context around each backward pass: `with enter(loss): ...`.

    It begins before the first gradient is computed, and ends when the gradients of all leaves are there, or with the error of
    the pass.  A pass that a rule begins, inside of another one, does not count.

    Args:
        enter: is called with the tensor whose `backward()` was called; returns a context manager.

    Returns a function that ends this.

    >>> from contextlib import contextmanager
    >>> @contextmanager
    ... def say(loss):
    ...     print("begins at", loss.item())
    ...     yield
    ...     print("has ended with", x.grad.item())
    >>> remove = around_backward(say)
    >>> x = Tensor(2.0, requires_grad=True)
    >>> (3 * x).backward()
    begins at 6.0
    has ended with 3.0
    >>> remove()
    """
    key = next(graph.clock)
    around[key] = enter
    return lambda: around.pop(key, None) and None


@contextmanager
def entered(tensor: Tensor) -> Iterator[None]:
    """What was given to `around_backward`, around a backward pass of this tensor."""
    if _inside.get():
        yield
        return
    token = _inside.set(True)
    try:
        with ExitStack() as stack:
            for enter in list(around.values()):
                stack.enter_context(enter(tensor))
            yield
    finally:
        _inside.reset(token)


def depends_on(output: Tensor, inputs: Iterable[Tensor]) -> bool:
    """Whether a gradient flows from a tensor to any of the others.

    Args:
        output: the tensor where a backward pass would begin.
        inputs: the others.

    >>> x, y = Tensor(1.0, requires_grad=True), Tensor(2.0, requires_grad=True)
    >>> depends_on(3 * x, [x, y]), depends_on(3 * x, [y])
    (True, False)
    """
    wanted = {x._node for x in inputs} - {None}
    stack = [] if output._node is None else [output._node]
    seen = set(stack)
    while stack:
        node = stack.pop()
        if node in wanted:
            return True
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return False
