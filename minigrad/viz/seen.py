"""What is shown of a target: its tensors, the steps that lead to them, and what is marked; the same for all who show it."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..tensor import Tensor
from .failure import Failure
from .gradients import DERIVATIVES, with_gradients
from .highlight import FAILED, Marked, mark
from .target import failed, steps_of, tensors_of
from .walk import Step

__all__ = ["Seen", "seen"]


class Seen(NamedTuple):
    """What is shown; of a computation that failed there are no tensors.

    Attributes:
        tensors: whose gradients are shown: the result, or with derivatives the last of these.
        notes: what is to be said of the gradients.
    """

    tensors: list[Tensor]
    steps: list[Step]
    marked: Marked
    failure: Failure | None
    notes: list[str]


def seen(
    target: Any, inputs: tuple[Any, ...], names: Any, highlight: Any = None, derivative: int = 0, values: bool = True
) -> Seen:  # fmt: skip
    """Run what is to be shown, go back as often as is asked for, and mark what is asked for.

    Args:
        values: whether all numbers are wanted.

    Raises:
        ValueError: `derivative` is no number of times; of a computation that failed there is nothing to mark or differentiate.

    >>> found = seen(lambda x: x**3, (2.0,), None, derivative=1)
    >>> found.tensors[0].item(), found.notes
    (12.0, ['Gradients in numbers are those of the gradient, not of the result'])
    """
    if not isinstance(derivative, int) or derivative < 0:
        raise ValueError(f"derivative must be 0, 1, 2, ..., got {derivative!r}")
    failure = failed(target)
    if failure is not None and (derivative or highlight is not None):
        option = "derivative" if derivative else "highlight"
        raise ValueError(f"{option}= needs a result, and there is none: {failure.title}")
    tensors, names = tensors_of(target, inputs, names, values or highlight is not None)
    steps = steps_of(target, tensors, names)
    if failure is not None:
        return Seen(tensors, steps, _of_failure(failure, steps), failure, [])
    if not derivative:
        return Seen(tensors, steps, mark(highlight, tensors, steps), None, [])
    steps, tensors = with_gradients(tensors, steps, names, derivative, values or highlight is not None)
    note = f"Gradients in numbers are those of the {DERIVATIVES[min(derivative, len(DERIVATIVES)) - 1]}, not of the result"
    return Seen(tensors, steps, mark(highlight, tensors, steps), None, [note] if values else [])


def _of_failure(failure: Failure, steps: list[Step]) -> Marked:
    """The op that failed in red, and in words what it was."""
    number = next(step.id for step in steps if step.node is failure.node)
    return Marked({number: FAILED}, notes=[f"{failure.title}. {failure.kind}: {failure.message}"])
