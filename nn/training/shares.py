"""Shares of batches: what each of several processes takes of the batches that one loader gives."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import numpy as np

from minigrad import Tensor, tree_map

from ..data.dataset import IterableDataset
from ..data.fetching import Job
from ..data.iterator import LoaderIterator
from ..data.loader import DataLoader
from ..distributed import DistributedBatchSampler, DistributedSampler
from ..distributed.collectives import share_of

__all__ = ["Shares"]


class Shares:
    """A loader of whole batches, of which each process gets its share.

    A DataLoader of items by number fetches the items of the share alone, and seeds what they draw by
    their places in the whole batch.  Of another loader each process reads every batch, and cuts its
    share out of it.  Places, and so the states, are those of the loader.

    A process whose share of a small batch is empty gets arrays of no rows.  A DataLoader with a
    `DistributedBatchSampler` gives shares already, which are taken as they are.

    Raises:
        ValueError: the loader gives single items, or has a `DistributedSampler`.

    >>> [share.tolist() for share in Shares([np.arange(5), np.arange(2)], rank=0, size=2)]
    [[0, 1, 2], [0]]
    """

    def __init__(self, loader: Any, rank: int, size: int) -> None:
        self.loader, self.rank, self.size = loader, rank, size
        if isinstance(loader, DataLoader):
            _check(loader)
        for name in ("state_dict", "load_state_dict", "next_state"):
            if hasattr(loader, name):
                setattr(self, name, getattr(loader, name))

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        loader = self.loader
        if isinstance(loader, DataLoader) and isinstance(loader.batch_sampler, DistributedBatchSampler):
            return _Cut(loader, 0, 1)
        fetches = isinstance(loader, DataLoader) and not isinstance(loader.dataset, IterableDataset)
        return _Fetched(loader, self.rank, self.size) if fetches else _Cut(loader, self.rank, self.size)


def _check(loader: DataLoader) -> None:
    """Raise ValueError for a loader whose batches cannot be shared out."""
    if loader.batch_size is None and loader.batch_sampler is None:
        raise ValueError(
            "Trainer: a DataLoader with batch_size=None gives single items, which cannot be shared out among processes: "
            "give it the batch_size of all processes together"
        )
    if isinstance(loader.sampler, DistributedSampler):
        raise ValueError(
            "Trainer: with distributed=True each batch is shared out already, so that a DistributedSampler would leave out "
            "data: pass the loader that one process would have, with the batch_size of all processes together, "
            "DataLoader(data, batch_size, shuffle=True)"
        )


class _Sharing(Iterator[Any]):
    """One pass over a loader, of whose batches a process gets its shares.

    Attributes:
        rows: how many examples the last share had.
        whole: a number that is the same in all processes where they have shares of the same batch.
    """

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size, self.rows, self.whole = rank, size, 0, 0


class _Cut(_Sharing):
    """Shares of batches that are there as a whole."""

    def __init__(self, loader: Any, rank: int, size: int) -> None:
        super().__init__(rank, size)
        self._batches = iter(loader)
        if hasattr(self._batches, "state_dict"):
            self.state_dict = self._batches.state_dict

    def __next__(self) -> Any:
        batch = next(self._batches)
        count = _rows(batch)
        part = share_of(count, self.rank, self.size)
        self.rows, self.whole = part.stop - part.start, count if self.size > 1 else 0
        return _cut(batch, part)

    def close(self) -> None:
        if hasattr(self._batches, "close"):
            self._batches.close()


class _Fetched(_Sharing):
    """Shares of batches of which nothing else is fetched."""

    def __init__(self, loader: DataLoader, rank: int, size: int) -> None:
        super().__init__(rank, size)
        self._coming: deque[tuple[int, int]] = deque()  # rows and whole of the shares that are on their way
        self._batches = LoaderIterator(loader, self._share)
        self.state_dict, self.close = self._batches.state_dict, self._batches.close

    def _share(self, job: Job) -> Job:
        assert job.indices is not None
        part = share_of(len(job.indices), self.rank, self.size)
        self._coming.append((part.stop - part.start, _number_of(job.indices)))
        if part.stop == part.start:  # one item, so that there are arrays that can be cut
            part = slice(0, 1)
        return job._replace(place=job.place + part.start, indices=job.indices[part])

    def __next__(self) -> Any:
        batch = next(self._batches)
        self.rows, self.whole = self._coming.popleft()
        return batch if self.rows else _cut(batch, slice(0, 0))


def _number_of(indices: Any) -> int:
    """A number that follows from the items of a batch and their order."""
    array = np.asarray(indices)
    return crc32(repr(indices).encode() if array.dtype.hasobject else array.tobytes())


def _rows(batch: Any) -> int:
    """How many examples a batch has.

    Raises:
        ValueError: its arrays have different lengths, or there are none.
    """
    lengths: set[int] = set()
    tree_map(lambda x: lengths.add(len(x)) if _has_rows(x) else None, batch)
    if len(lengths) != 1:
        raise ValueError(
            "Trainer: a batch is shared out among processes by the first axis of its arrays, which have the lengths "
            f"{sorted(lengths)}: pass a DataLoader of a data set with items by number, which shares out the items"
        )
    return lengths.pop()


def _cut(batch: Any, part: slice) -> Any:
    return tree_map(lambda x: x[part] if _has_rows(x) else x, batch)


def _has_rows(value: Any) -> bool:
    return isinstance(value, (Tensor, np.ndarray)) and value.ndim > 0
