"""Interruptions of a training: what must not be cut in two, and how to go back to the last
update."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigrad import mark_mutated, random
from minigrad.devices import follow

from ..distributed.signals import ENDING, STOP, handled

if TYPE_CHECKING:
    from .trainer import Trainer

__all__ = ["Mark", "uninterrupted"]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C, and other signals that Python code handles, wait for the end of the block.

    >>> try:
    ...     with uninterrupted():
    ...         signal.raise_signal(signal.SIGINT)
    ...         whole = True
    ... except KeyboardInterrupt:
    ...     print("interrupted after the block:", whole)
    interrupted after the block: True
    """
    arrived: list[Any] = []
    try:
        with handled((*ENDING, STOP), lambda *which: arrived.append(which), callable):
            yield
    finally:
        if arrived:
            signal.getsignal(arrived[0][0])(*arrived[0])  # type: ignore[misc, operator]


#: Buffers of so many bytes or fewer are copied at each update; that takes microseconds.
SMALL = 1 << 16


class Copy(NamedTuple):
    """The values of a buffer, and the array that they were copied from.

    Attributes:
        constant: whether the batches of the epoch's first update left it alone; None before that.
    """

    values: Any
    source: Any
    constant: bool | None = None


class Mark:
    """Where a training stands after an update: all that the batches after it change before the
    next one.

    Those are the place in the data, the running loss, the random generator, and buffers such as
    the statistics of BatchNorm.  Gradients are not kept, since an update has just used them up.

    A large buffer that the first update of an epoch leaves alone, a mask say, is not copied again
    in that epoch: for 64 MB a copy at each update took 8 ms (measured).

    Args:
        last: the mark of the update before, in the same epoch.
    """

    def __init__(self, trainer: Trainer, batches: Any, last: Mark | None = None) -> None:
        state_dict = getattr(batches, "state_dict", None)
        self.place = None if state_dict is None else state_dict()
        self.batches, self.running = trainer.batches, trainer.running
        self.random = random.get_state()
        before = {} if last is None else last.buffers
        self.buffers: dict[str, Copy] = {
            name: _copy(x.data, before.get(name)) for name, x in trainer.model.named_buffers()
        }

    def restore(self, trainer: Trainer) -> Any:
        """Go back; returns the place in the data."""
        trainer.batches, trainer.running = self.batches, self.running
        trainer.optimizer.zero_grad()
        random.set_state(self.random)
        for name, buffer in trainer.model.named_buffers():
            kept = self.buffers.get(name)
            if kept is None or np.shape(kept.values) != buffer.shape:
                continue
            if not _put_back(buffer.data, kept):
                warnings.warn(
                    f"Trainer: the large buffer {name!r} was changed after updates that left it "
                    "alone; it stays as it is, and is not put back to the last update",
                    stacklevel=2,
                )
        return self.place


@follow
def _put_back(array: Any, kept: Copy) -> bool:
    """Write the values that were kept into a buffer; False, and nothing, where it was taken for constant."""
    if kept.constant and not np.array_equal(kept.values, array):
        return False
    array[...] = kept.values
    mark_mutated(array)
    return True


@follow
def _copy(array: Any, last: Copy | None) -> Copy:
    """A copy of a buffer, or the last one where the buffer is large and constant."""
    if last is None or array is not last.source or array.nbytes <= SMALL:
        return Copy(array.copy(), array)
    constant = last.constant
    if constant is None:
        constant = bool(np.array_equal(last.values, array))
    return last._replace(constant=True) if constant else Copy(array.copy(), array, False)
