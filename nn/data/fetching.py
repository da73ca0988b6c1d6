"""What makes a batch of some items, in the caller's thread, in another thread or in a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from minigrad import random

from .collate import default_collate, default_convert
from .dataset import draws_nothing
from .sampler import Indices
from .seeding import SharedGenerators, key_seed

__all__ = ["END", "ORDER", "Fetcher", "Findings", "Job", "WorkerInfo", "get_worker_info", "worker_info"]


class _End(Enum):
    END = 0


#: What a worker answers when its stream has no more items.
END = _End.END


@dataclass(frozen=True)
class WorkerInfo:
    """Which worker this is.

    Attributes:
        id: from 0 to num_workers - 1.
        num_workers: how many workers the loader has.
        seed: of this worker and epoch, for generators of your own.
        dataset: the data set as this worker has it; a copy in a process.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


worker_info: ContextVar[WorkerInfo | None] = ContextVar("minigrad worker", default=None)


def get_worker_info() -> WorkerInfo | None:
    """Inside of a worker of a DataLoader: which one it is; None anywhere else.

    >>> get_worker_info() is None
    True
    """
    return worker_info.get()


class Job(NamedTuple):
    """One batch to fetch.

    Attributes:
        iteration: the number of the iteration over the loader, by which a worker sees that a
            stream begins anew.
        key: the loader's seed and the epoch.
        place: how many items of the epoch come before.
        indices: the items' numbers; None where the data set is a stream.
    """

    iteration: int
    key: tuple[int, int]
    place: int
    indices: Indices | None


#: What the draws of an item, of collate_fn, of a stream's item and of a sampler are told apart by.
_ITEM, _COLLATE, _STREAM, ORDER = range(4)


#: Seeds what an item draws, by a key.
Draws = Callable[..., AbstractContextManager[None]]


def _no_draws(*key: int) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass
class Findings:
    """What a loader knows of its items' draws from generators that all threads share.

    Attributes:
        looked: whether somebody looked.
        draw: whether an item drew.
        false_alarms: how often somebody else drew while a thread fetched.
    """

    looked: bool = False
    draw: bool = False
    false_alarms: int = 0


class Fetcher:
    """Fetches batches for one worker.

    Args:
        findings: what is known of the items, shared with the other fetchers of the process.
        size: the length of a batch; None for single items.
        worker: the worker's number, by which streams are told apart.
    """

    def __init__(
        self,
        dataset: Any,
        collate_fn: Callable[[Any], Any] | None,
        size: int | None,
        drop_last: bool,
        worker: int,
        findings: Findings,
    ) -> None:
        self.dataset, self.collate_fn, self.worker = dataset, collate_fn, worker
        self.size, self.drop_last, self.findings = size, drop_last, findings
        self.shared = SharedGenerators(dataset, collate_fn)
        self.plain = collate_fn is None and draws_nothing(dataset)
        self._iteration: int | None = None
        self._stream: Iterator[Any] = iter(())
        self._taken = 0

    def alone(self, job: Job) -> Any:
        """A batch, while nobody else draws from the generators that threads share.

        Seeding these for each item costs more than many an item.  So the first batch shows
        whether items draw.  If none does, the next ones are not seeded, and one that draws after
        all is fetched once more, with seeds.
        """
        if self.plain:
            return self._fetch(job, _no_draws)
        if not self.findings.looked:
            return self.look(job)[0]
        if not self.findings.draw and job.indices is not None:
            batch, undrawn = self._undrawn(job)
            if undrawn:
                return batch
        with self.shared.isolated():
            return self._fetch(job, self.shared.seeded)

    def _undrawn(self, job: Job) -> tuple[Any, bool]:
        """A batch, and whether nobody drew for it; nothing is left of the draws."""
        before, batch, failure = self.shared.states(), None, None
        try:
            batch = self.beside_others(job)
        except Exception as error:
            failure = error
        if self.shared.moved(before):
            self.shared.put_back(before)
            self.findings.draw = True
            return None, False
        if failure is not None:
            raise failure
        return batch, True

    def look(self, job: Job) -> tuple[Any, bool]:
        """A batch as `alone`, and whether its items drew from the generators that threads share."""
        found = False

        @contextmanager
        def watched(*key: int) -> Iterator[None]:
            nonlocal found
            with self.shared.seeded(*key):
                before = self.shared.states()
                yield
                found = found or self.shared.moved(before)

        with self.shared.isolated():
            batch = self._fetch(job, watched)
        self.findings.looked, self.findings.draw = True, self.findings.draw or found
        return batch, found

    def beside_others(self, job: Job) -> Any:
        """A batch, while other threads draw: only minigrad's draws are seeded."""
        return self._fetch(job, _no_draws if self.plain else random.seeded)

    def _fetch(self, job: Job, draws: Draws) -> Any:
        info = worker_info.get()
        if info is not None and info.dataset is self.dataset:  # a worker may stay for many epochs
            worker_info.set(replace(info, seed=key_seed(*job.key, info.id)))
        if job.indices is None:
            return self._next_of_stream(job, draws)
        return self._of_indices(job, job.indices, draws)

    def _of_indices(self, job: Job, indices: Indices, draws: Draws) -> Any:
        if self.size is not None and self.collate_fn is None:
            fetch = getattr(self.dataset, "__getitems__", None)
            if fetch is not None:
                with draws(*job.key, _ITEM, job.place), _Named(indices, self.dataset):
                    batch = fetch(indices)
                if isinstance(batch, list):
                    return self._collated(job, indices, batch, draws)
                if batch is not NotImplemented:
                    return batch
        items = []
        with _Named(None, self.dataset) as named:
            for number, index in enumerate(indices):
                named.index = index
                with draws(*job.key, _ITEM, job.place + number):
                    items.append(
                        self.dataset[index.item() if isinstance(index, np.generic) else index]
                    )
        return self._collated(job, indices, items, draws)

    def _next_of_stream(self, job: Job, draws: Draws) -> Any:
        if job.iteration != self._iteration:
            self._iteration, self._taken = job.iteration, 0
            with draws(*job.key, _STREAM, self.worker, 0):
                self._stream = iter(self.dataset)
        items: list[Any] = []
        wanted = 1 if self.size is None else self.size
        while len(items) < wanted:
            self._taken += 1
            with (
                draws(*job.key, _STREAM, self.worker, self._taken),
                _Named(self._taken - 1, self.dataset),
            ):
                item = next(self._stream, END)
            if item is END:
                break
            items.append(item)
        if not items or (self.drop_last and len(items) < wanted):
            return END
        return self._collated(job, range(self._taken - len(items), self._taken), items, draws)

    def _collated(self, job: Job, indices: Any, items: list[Any], draws: Draws) -> Any:
        if self.size is not None and self.collate_fn is None:
            for index, item in zip(indices, items, strict=True):
                if item is None:
                    raise TypeError(
                        f"DataLoader: {_item(index, self.dataset)} is None; "
                        "does the data set return its items?"
                    )
        collate = self.collate_fn or (default_convert if self.size is None else default_collate)
        place = (job.place,) if job.indices is not None else (self.worker, self._taken)
        with draws(*job.key, _COLLATE, *place), _Named(indices, self.dataset):
            return collate(items[0] if self.size is None else items)


def _item(index: Any, dataset: Any) -> str:
    """How messages call an item, or several."""
    owner = f"of the {type(dataset).__name__}"
    if isinstance(index, (list, range, np.ndarray)):
        numbers = np.asarray(index).tolist() if not isinstance(index, list) else index
        shown = ", ".join(map(str, numbers[:8])) + ", ..." * (len(numbers) > 8)
        return f"the batch of items {shown} {owner}"
    return f"item {index} {owner}"


class _Named:
    """An error says which item it comes from."""

    def __init__(self, index: Any, dataset: Any) -> None:
        self.index, self.dataset = index, dataset

    def __enter__(self) -> _Named:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, StopIteration):  # would end the caller's loop as if that were all
            raise RuntimeError(f"{_item(self.index, self.dataset)} raised StopIteration") from error
        if isinstance(error, Exception):
            error.add_note(f"while fetching {_item(self.index, self.dataset)}")
