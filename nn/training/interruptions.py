"""Interruptions of a training: what must not be cut in two, and how to go back to the last
update."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import mark_mutated, random

if TYPE_CHECKING:
    from .trainer import Trainer

__all__ = ["Mark", "uninterrupted"]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits for the end of the block (in the main thread, where Python handles it).

    >>> from os import kill, getpid
    >>> try:
    ...     with uninterrupted():
    ...         kill(getpid(), signal.SIGINT)
    ...         whole = True
    ... except KeyboardInterrupt:
    ...     print("interrupted after the block:", whole)
    interrupted after the block: True
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    arrived: list[Any] = []
    signal.signal(signal.SIGINT, lambda *which: arrived.append(which))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if arrived:
            handler(*arrived[0])


class Mark:
    """Where a training stands after an update: all that the batches after it change before the
    next one.

    Those are the place in the data, the running loss, the random generator, and buffers such as
    the statistics of BatchNorm.  Gradients are none, since an update has just used them up.
    """

    def __init__(self, trainer: Trainer, batches: Any) -> None:
        state_dict = getattr(batches, "state_dict", None)
        self.place = None if state_dict is None else state_dict()
        self.batches, self.running = trainer.batches, trainer.running
        self.random = random.get_state()
        self.buffers = {name: x.data.copy() for name, x in trainer.model.named_buffers()}

    def restore(self, trainer: Trainer) -> Any:
        """Go back; returns the place in the data."""
        trainer.batches, trainer.running = self.batches, self.running
        trainer.optimizer.zero_grad()
        random.set_state(self.random)
        for name, buffer in trainer.model.named_buffers():
            kept = self.buffers.get(name)
            if kept is not None and np.shape(kept) == buffer.shape:
                buffer.data[...] = kept
                mark_mutated(buffer.data)
        return self.place
