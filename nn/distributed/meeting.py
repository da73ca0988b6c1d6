"""Where the ranks' backward passes meet: weights at their beginning, sums of gradients during and after them."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.autograd import around_backward, depends_on

from .buckets import Named, Reducer
from .communication import group
from .examples import Examples

__all__ = ["Meeting"]

_numbers = itertools.count()
#: All meetings, in the order in which they were made, which is the same on all ranks.
_all: weakref.WeakValueDictionary[int, Meeting] = weakref.WeakValueDictionary()


class Meeting:
    """The parameters of a model, and what is known of the ranks' examples.

    The gradients of all ranks' losses, each times its rank's share of the examples, are added up.  The share is in the gradient
    that a backward pass begins with, so that it also counts where a rank's loss reaches other ranks' inputs.

    Args:
        weight: of all ranks' gradients, as long as nobody says how many examples they have; None: that must be said.
    """

    def __init__(self, named: Sequence[Named], bucket_bytes: int, weight: float | None) -> None:
        self.parameters, self.kinds = [p for _, p in named], _kinds(named)
        self.reducer, self.examples = Reducer(group(), named, bucket_bytes), Examples(group(), weight)
        _be_called()
        _all[next(_numbers)] = self
        # Without the DataParallel its parameters are ordinary ones again.
        self.end = weakref.finalize(self, self.reducer.end)
        self.end.atexit = False

    def is_of(self, named: Sequence[Named]) -> bool:
        """Whether these parameters are those whose gradients are taken."""
        return self.kinds == _kinds(named)


@cache
def _be_called() -> None:
    """Be called around backward passes, from the first meeting on."""
    around_backward(_backward)


def _kinds(named: Sequence[Named]) -> list[tuple[int, Any, Any, str]]:
    return [(id(p), p.shape, p.dtype, p.device) for _, p in named]


@contextmanager
def _backward(loss: Tensor) -> Iterator[None]:
    """Around a backward pass."""
    meetings = list(_all.values())
    weight = _weight(loss, meetings)
    remove = None if weight == 1 else loss.register_hook(lambda g: g * weight)
    for meeting in meetings:
        meeting.reducer.counts = weight != 0
    try:
        yield
    except BaseException:
        for meeting in meetings:
            meeting.reducer.give_up()
        raise
    finally:
        if remove is not None:
            remove()
    for meeting in meetings:
        if meeting.reducer.is_concerned:
            meeting.examples.clear()
            meeting.reducer.finish()


def _weight(loss: Tensor, meetings: list[Meeting]) -> float:
    """This rank's share of the examples that a loss is a mean over, times the number of ranks.

    Raises:
        RuntimeError: a model that it depends on has not been called.
        ValueError: the models that it depends on were called with examples that are divided among the ranks differently.
    """
    if all(meeting.examples.are_equal() for meeting in meetings):
        return 1.0  # no need to look at the graph
    found = [meeting.examples.take() for meeting in meetings if depends_on(loss, meeting.parameters)]
    known = [weights for weights in found if weights is not None]
    if len(known) < len(found):
        raise RuntimeError(
            "DataParallel: the loss depends on the model's parameters, but how many examples the ranks have is not known: "
            "compute it by model(x), not by the module inside, or call set_examples(number) before backward()"
        )
    for weights in known[1:]:
        if not np.allclose(weights, known[0], rtol=1e-12):
            raise ValueError(
                f"DataParallel: two models had different shares of their examples on the ranks, {known[0].round(3).tolist()} and "
                f"{weights.round(3).tolist()} times those of equal ones, so the weights of the ranks' losses are not clear: call "
                "set_examples(number) of both before backward()"
            )
    return float(known[0][group().rank]) if known else 1.0
