"""Who trains together: one process alone, or all that mpiexec has started."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import random

from .. import distributed
from ..data.loader import DataLoader
from ..distributed.communication import group
from ..distributed.signals import stoppable
from ..layers.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d
from ..module import Module
from .alike import compare, facts_of_loader, same_batch
from .reduction import Reduction
from .shares import Shares

__all__ = ["Alone", "Team"]

#: How many seconds after an interruption the others wait for the first process, which writes a checkpoint.
WRITTEN = 30.0
#: The tag of the message that it is written.
HERE = 16383
CONVERT = (
    "nn.distributed.SyncBatchNorm.convert_sync_batchnorm(model) reads those of all, as one process does; make the optimizer "
    "after it"
)


class Alone:
    """One process that does everything.

    Attributes:
        rank: the number of this process; the first one writes files.
    """

    rank = 0

    def begin(self, loader: Any, accumulate: int) -> Any:
        """Before a training: what gives this process its share of each batch of a loader.

        Args:
            accumulate: how many batches make one update.
        """
        return loader

    def compare(self, what: str, facts: dict[str, Any]) -> None:
        """Raise an error where processes differ in facts about something, by their names."""

    def training(self) -> AbstractContextManager[Any]:
        """Inside of it a model is trained; an interruption leaves it when the first process has written its checkpoint."""
        return nullcontext()

    def shares(self, loader: Any) -> Any:
        """What gives this process its share of each batch."""
        return loader

    def step(self, batches: Any) -> AbstractContextManager[Any]:
        """Inside of it the loss of a batch is computed.

        Args:
            batches: the iterator that gave the batch.
        """
        return nullcontext()

    def share(self, rows: int) -> AbstractContextManager[Any]:
        """Inside of it a model computes a share of so many examples."""
        return nullcontext()

    def loss(self, function: Any, out: Any, target: Any) -> Any:
        """The loss of this process's share."""
        return function(out, target)

    def begin_pass(self, training: bool) -> None:
        """A pass over data begins: all processes have the same statistics, and the next loss is looked at."""

    def losses(self, found: list[tuple[int, float]]) -> float:
        """The sum of the losses of whole batches, each times its examples.

        Args:
            found: for each batch how many examples this process had, and their loss.
        """
        return sum(rows * loss for rows, loss in found if rows)

    def backward(self, loss: Any, batches: Any, divided: int, last: bool) -> float:
        """Add the gradients of a batch to those that are there; returns the loss of the whole batch.

        Args:
            loss: of this process's share.
            batches: the iterator that gave the batch.
            divided: how many batches make one update.
            last: whether this is the last of them.
        """
        (loss / divided if divided > 1 else loss).backward()
        return float(loss.item())

    def summed(self, totals: list[float]) -> list[float]:
        """Sums over all processes."""
        return totals

    def told(self, value: Any) -> Any:
        """What the value is in the first process: a number, text, None, or such in lists, arrays and dicts."""
        return value

    def content(self, path: Path) -> Any:
        """A file as `read_checkpoint` takes it; None where there is none."""
        return path if path.exists() else None


class Team(Alone):
    """All processes that mpiexec has started; each works on its share of every batch.

    Args:
        model: its parameters and buffers become those of the first process.
        reduction: "mean" or "sum" of the examples' losses; None: the first loss of each epoch is compared with that of
            the whole batch.
        own_step: whether the loss of an evaluation may be another than that of the training.
    """

    def __init__(self, model: Module, reduction: str | None = None, own_step: bool = False) -> None:
        self.rank, self.size = distributed.rank(), distributed.world_size()
        self.parallel: distributed.DataParallel = (
            model if isinstance(model, distributed.DataParallel) else distributed.DataParallel(model)
        )
        if self.parallel.reduction == "sum":
            if reduction == "mean":
                raise ValueError('Trainer: reduction="mean", but the model is a DataParallel with reduction="sum": say the same')
            reduction = "sum"
        self._training = self._now = Reduction(reduction, looks=reduction is None)
        self._evaluation = Reduction(None if own_step else reduction, looks=self.size > 1)

    def begin(self, loader: Any, accumulate: int) -> Any:
        if accumulate > 1 and not hasattr(loader, "__len__"):
            raise ValueError(
                f"Trainer: accumulate={accumulate} with distributed=True needs a loader that tells its length, so that all "
                f"processes know which batch is the last; a {type(loader).__name__} does not"
            )
        if self.size > 1:
            random.set_state(self.told(random.get_state()))
            if self.rank == 0 and (name := _own_statistics(self.parallel.module)):
                warnings.warn(f"Trainer: {name} normalises by the examples of each process alone: {CONVERT}", stacklevel=4)
        return self.shares(loader)

    @contextmanager
    def training(self) -> Iterator[None]:
        if self.size == 1:
            yield
            return
        with stoppable():
            try:
                yield
            except KeyboardInterrupt:
                with suppress(distributed.DistributedError):  # the others may be anywhere
                    wait_for_first(WRITTEN)
                raise

    def compare(self, what: str, facts: dict[str, Any]) -> None:
        if self.size > 1:
            compare(what, facts)

    def shares(self, loader: Any) -> Any:
        self.compare("their data", facts_of_loader(loader))
        if isinstance(loader, DataLoader):  # without a seed each process has drawn its own
            loader.load_state_dict(self.told(loader.next_state()))
        return Shares(loader, self.rank, self.size)

    @contextmanager
    def step(self, batches: Any) -> Iterator[None]:
        if self.size == 1:
            yield
            return
        key = int(random.randint(2**31 - 1).item())  # the same in all processes, whose draws must differ
        wait = same_batch(batches.whole)
        with random.seeded(key, self.rank), self.share(batches.rows):
            yield
        wait()

    @contextmanager
    def share(self, rows: int) -> Iterator[None]:
        # Of nothing a mean warns, and does not count.  Elsewhere filters stay, or a warning would be said again at each batch.
        with nullcontext() if rows else warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            try:
                yield
            except ValueError as error:
                if rows < 2 and self.size > 1 and (name := _own_statistics(self.parallel.module)):
                    raise ValueError(
                        f"Trainer: rank {self.rank} of {self.size} has {rows} examples of this batch, and {name} normalises by "
                        f"them alone: {CONVERT} ({error})"
                    ) from error
                raise

    def loss(self, function: Any, out: Any, target: Any) -> Any:
        return function(out, target) if self.size == 1 else self._now.loss(function, out, target)

    def begin_pass(self, training: bool) -> None:
        self._now = self._training if training else self._evaluation
        self._now.is_due = self._now.looks
        if self.size > 1:
            self.parallel.sync_buffers()

    def backward(self, loss: Any, batches: Any, divided: int, last: bool) -> float:
        if self.size == 1:
            return super().backward(loss, batches, divided, last)
        self._training.check(loss)
        rows, scaled = batches.rows, loss
        if self.parallel.reduction == "mean":
            self.parallel.set_examples(1 if self._training.is_sum else rows)
            scaled = loss * self.size if self._training.is_sum else loss  # a sum is the mean of the shares' times their number
        with nullcontext() if last else self.parallel.no_sync():
            super().backward(scaled, batches, divided, last)
        whole, _ = self._training.whole(np.array([rows]), np.array([float(loss.item())]))
        return float(whole[0])

    def losses(self, found: list[tuple[int, float]]) -> float:
        counts, losses = np.reshape(np.array(found, np.float64), (-1, 2)).T
        whole, rows = self._evaluation.whole(counts, losses)
        return float((rows * whole).sum())

    def summed(self, totals: list[float]) -> list[float]:
        return distributed.all_reduce(np.array(totals, np.float64)).tolist()

    def told(self, value: Any) -> Any:
        return json.loads(self._bytes(json.dumps(value, default=_as_json).encode()), object_hook=_from_json)

    def content(self, path: Path) -> Any:
        if not self.told(path.exists()):
            return None
        return Received(self._bytes(path.read_bytes() if self.rank == 0 else b""), path)

    def _bytes(self, content: bytes) -> bytes:
        """The bytes that the first process has."""
        length = distributed.broadcast(len(content))
        mine = content if self.rank == 0 else bytes(length)
        return distributed.broadcast(np.frombuffer(mine, np.uint8)).tobytes()


def _as_json(array: np.ndarray) -> dict[str, Any]:
    """An array with its dtype, which the numbers of a random state need: they do not fit into NumPy's default one."""
    return {"dtype": array.dtype.str, "values": array.tolist()}


def _from_json(value: dict[str, Any]) -> Any:
    return np.array(value["values"], value["dtype"]) if value.keys() == {"dtype", "values"} else value


def wait_for_first(seconds: float) -> None:
    """Wait until the first process is here too, which waits for nobody; or so many seconds."""
    if distributed.rank() == 0:
        for other in range(1, distributed.world_size()):
            distributed.send(0, other, HERE, async_op=True)
    else:
        group().wait(distributed.recv(0, HERE, async_op=True), seconds)


def _own_statistics(model: Module) -> str | None:
    """A layer that reads the statistics of a process's own examples, in words."""
    for path, layer in model.named_modules():
        is_plain = isinstance(layer, (BatchNorm1d, BatchNorm2d, BatchNorm3d)) and not isinstance(layer, distributed.SyncBatchNorm)
        if is_plain and (layer.training or not model.training):
            return f"the {type(layer).__name__} {path!r}"
    return None


class Received(io.BytesIO):
    """The content of a file of the first process; messages call it by its path there."""

    def __init__(self, content: bytes, path: Path) -> None:
        super().__init__(content)
        self.name = str(path)

    def __str__(self) -> str:
        return self.name
