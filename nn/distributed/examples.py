"""How many of the examples of a step each rank has, by which its gradients are weighted."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import raw
from minigrad.tracing import is_traced
from minigrad.trees import flatten

from . import collectives
from .group import ProcessGroup
from .work import Work

__all__ = ["Examples", "examples_in"]


class Examples:
    """The ranks' shares of the examples in what a backward pass goes through.

    Args:
        weight: of all ranks, as long as nothing is said; None: not known.

    >>> from nn.distributed.communication import group
    >>> examples = Examples(group())
    >>> examples.note(5)
    >>> examples.take()
    array([1.])
    """

    def __init__(self, group: ProcessGroup, weight: float | None = None) -> None:
        self.group = group
        self._counts: list[np.ndarray] = []  # of the ranks, for forward passes that differ
        self._work: Work | None = None
        self._last: list[float] | None = None if weight is None else [weight] * group.size
        self._is_given = False

    def note(self, examples: float) -> None:
        """A forward pass has so many examples on this rank."""
        self._collect()
        if not self._is_given:
            counts = np.zeros(self.group.size)
            counts[self.group.rank] = examples
            steps = collectives.all_reduce(self.group, counts, "sum")
            self._work = self.group.start("the numbers of examples of the ranks", steps)

    def give(self, examples: float) -> None:
        """The number for the next backward pass, whatever forward passes have."""
        self._is_given = False
        self._collect()
        self._counts.clear()
        self.note(examples)
        self._is_given = True

    def are_equal(self) -> bool:
        """Whether all weights are 1, as far as is known: all ranks have as many examples, and their mean is wanted."""
        self._collect()
        if not self._counts:
            return self._last is not None and all(weight == 1 for weight in self._last)
        return all((counts == counts[0]).all() for counts in self._counts)

    def take(self) -> np.ndarray | None:
        """All ranks' shares, times the number of ranks: 1 where all have as many; None where nothing is known.

        Raises:
            ValueError: the forward passes since the last time were divided among the ranks differently.
        """
        self._collect()
        if not self._counts:
            return None if self._last is None else np.array(self._last)
        weights = [counts * (self.group.size / (counts.sum() or 1)) for counts in self._counts]
        if any(not np.allclose(other, weights[0], rtol=1e-12) for other in weights):
            told = " and ".join(str(counts.astype(int).tolist()) for counts in self._counts[:2])
            raise ValueError(
                f"DataParallel: forward passes before one backward pass had {told} examples on the ranks, so the weights of "
                "ranks are not clear: call set_examples(number) before backward(), or run in no_grad() what needs no gradient"
            )
        return weights[0]

    def clear(self) -> None:
        """A backward pass has been made; one that follows without a forward pass counts alike."""
        weights = self.take()
        self._last, self._is_given = None if weights is None else weights.tolist(), False
        self._counts.clear()

    def _collect(self) -> None:
        if self._work is not None:
            work, self._work = self._work, None
            counts = work.wait()
            if not any(np.array_equal(counts, known) for known in self._counts):
                self._counts.append(counts)


def examples_in(arguments: Any, axis: int) -> int:
    """The length of an axis of the arrays in a tree.

    Raises:
        TypeError: there is no array with this axis; or it is one of a function that is compiled, or of vmap.
        ValueError: arrays have different lengths.

    >>> examples_in(((np.zeros((5, 3)),), {}), 0)
    5
    """
    shapes = []
    for x in flatten(arguments):
        if is_traced(raw(x)):
            raise TypeError("DataParallel: ranks cannot meet inside of minigrad.compile; compile the model inside instead")
        if hasattr(raw(x), "level"):
            raise TypeError("DataParallel: under vmap there is no axis of examples to count along; vmap the model inside")
        if getattr(x, "ndim", 0) > axis:
            shapes.append(tuple(x.shape))
    lengths = {shape[axis] for shape in shapes}
    if len(lengths) > 1:
        raise ValueError(
            f"DataParallel: axis {axis} of the arguments, of shapes {', '.join(map(str, shapes))}, has different lengths, so "
            "how many examples there are is not clear: pass the batch_axis of examples, or batch_axis=None, and call "
            "set_examples(number)"
        )
    if lengths:
        return int(lengths.pop())
    raise TypeError(
        f"DataParallel: no argument is an array with an axis {axis}, along which examples could be counted; pass arrays or "
        "Tensors, or make it with batch_axis=None, where all ranks have as many examples"
    )
