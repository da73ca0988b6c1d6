"""Which examples are whose: each rank's share of the order in which one process would read the data."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import numpy as np

from ..checks import COUNT, POSITIVE, check
from ..data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, counted
from .collectives import share_of
from .communication import group
from .failures import DistributedError

__all__ = ["DistributedBatchSampler", "DistributedSampler"]


def _ranks(owner: str, num_replicas: int | None, rank: int | None) -> tuple[int, int]:
    """How many ranks there are, and which one this is, by default of the job."""
    size = group().size if num_replicas is None else int(check(owner, "num_replicas", num_replicas, POSITIVE))
    number = group().rank if rank is None else int(check(owner, "rank", rank, COUNT))
    if number >= size:
        raise ValueError(f"{owner}: rank must be below num_replicas, got rank {number} of {size}")
    return size, number


def _order(dataset: Any, shuffle: bool, seed: int) -> Sampler:
    """The order of one process; a number stands for a data set of that length."""
    if hasattr(dataset, "__index__"):
        dataset = range(operator.index(dataset))
    return RandomSampler(dataset, seed=seed) if shuffle else SequentialSampler(dataset)


class _Epochs:
    """What the samplers share: an epoch that is set."""

    _given: int | None = None

    def set_epoch(self, epoch: int) -> None:
        """Take the order of this epoch from now on; without a call, each iteration takes that of the next one."""
        self._given = int(check("set_epoch", "epoch", epoch, COUNT))

    def _chosen(self, epoch: int) -> int:
        return epoch if self._given is None else self._given


class DistributedSampler(_Epochs, Sampler):
    """Every num_replicas-th item of the order of one process, from this rank's on, as in PyTorch.

    With a batch size b on each rank, batches with equal numbers on all ranks are together a batch of b num_replicas of the
    `RandomSampler` with the same seed.  No item comes twice, so ranks may differ by one item, and then by one batch:
    where that must not be, take `DistributedBatchSampler`, or pad=True or drop_last=True.

    Args:
        dataset: has a length; or its length.
        num_replicas, rank: by default world_size() and rank().
        shuffle: a new order for each epoch, by the seed; False: that of the data.
        seed: decides the orders of all epochs; it must be the same on all ranks.
        drop_last: leave out the last items, so that all ranks have as many.
        pad: repeat the first items, so that all ranks have as many; PyTorch's default.

    >>> sampler = DistributedSampler(7, num_replicas=3, rank=1, shuffle=False)
    >>> list(sampler), len(sampler)
    ([1, 4], 2)
    """

    def __init__(
        self, dataset: Any, num_replicas: int | None = None, rank: int | None = None, shuffle: bool = True, seed: int = 0,
        drop_last: bool = False, pad: bool = False,
    ) -> None:  # fmt: skip
        if pad and drop_last:
            raise ValueError("DistributedSampler: pad and drop_last exclude each other")
        self.num_replicas, self.rank = _ranks("DistributedSampler", num_replicas, rank)
        self.order, self.shuffle = _order(dataset, shuffle, seed), shuffle
        self.drop_last, self.pad = drop_last, pad
        self.seed = seed
        if num_replicas is None:
            _check_same("DistributedSampler", self.order, f", drop_last={drop_last}, pad={pad}")

    @property
    def seed(self) -> int:
        """What decides the order of all epochs."""
        return self._seed

    @seed.setter
    def seed(self, seed: int) -> None:
        self._seed = seed
        if isinstance(self.order, RandomSampler):
            self.order.seed = seed

    @property
    def first_place(self) -> int:
        """Places that no other rank has, so that items of different ranks draw different numbers by one seed."""
        return self.rank * -(-len(self.order) // self.num_replicas)

    def indices(self, epoch: int) -> np.ndarray:
        order = np.asarray(self.order.indices(self._chosen(epoch)))
        n, ranks = len(order), self.num_replicas
        if self.drop_last:
            order = order[: n - n % ranks]
        elif self.pad and n:
            order = np.resize(order, n + -n % ranks)
        return order[self.rank :: ranks]

    def __len__(self) -> int:
        n, ranks = len(self.order), self.num_replicas
        if self.drop_last:
            return n // ranks
        return -(-n // ranks) if self.pad and n else len(range(self.rank, n, ranks))


class DistributedBatchSampler(_Epochs, BatchSampler):
    """This rank's part of each batch of one process: the batches together are those of a `BatchSampler`.

    Parts differ by one item at most; where a batch has fewer items than there are ranks, some are empty (`DataLoader`'s
    default `collate_fn` needs an item, so give it a data set that fetches many at once, such as `TensorDataset`).
    All ranks have as many batches, whatever the number of ranks, which may be another one when a training goes on.
    Items draw what they draw in one process, where the DataLoaders of all ranks have one seed.

    Args:
        dataset: has a length; or its length; or a Sampler, the same on all ranks.
        batch_size: of all ranks together.
        shuffle: a new order for each epoch, by the seed; False: that of the data.  A Sampler has an order of its own.
        seed: decides the orders of all epochs; it must be the same on all ranks.
        drop_last: leave out a last batch that is smaller.
        num_replicas, rank: by default world_size() and rank().

    >>> for rank in range(3):
    ...     list(DistributedBatchSampler(8, 4, shuffle=False, num_replicas=3, rank=rank))
    [[0, 1], [4, 5]]
    [[2], [6]]
    [[3], [7]]
    """

    def __init__(
        self, dataset: Any, batch_size: int, shuffle: bool = True, seed: int = 0, drop_last: bool = False,
        num_replicas: int | None = None, rank: int | None = None,
    ) -> None:  # fmt: skip
        self.num_replicas, self.rank = _ranks("DistributedBatchSampler", num_replicas, rank)
        sampler = dataset if isinstance(dataset, Sampler) else _order(dataset, shuffle, seed)
        super().__init__(sampler, batch_size, drop_last)
        if num_replicas is None:
            _check_same("DistributedBatchSampler", sampler, f", batch_size={batch_size}, drop_last={drop_last}")

    def iterate(self, epoch: int) -> Iterator[Any]:
        """This rank's parts of the batches of an epoch."""
        return (part for _, part in self.placed(epoch))

    def placed(self, epoch: int) -> Iterator[tuple[int, Any]]:
        """This rank's parts, each after the number of items that come before it, those of other ranks among them.

        So an item draws what it draws in one process, where the loaders of all ranks have the same seed.
        """
        for place, batch in counted(super().iterate(self._chosen(epoch))):
            part = share_of(len(batch), self.rank, self.num_replicas)
            yield place + part.start, np.asarray(batch)[part]


def _check_same(owner: str, order: Sampler, options: str) -> None:
    """Orders that differ between the ranks would give some items twice, and others never."""
    if group().size == 1:
        return
    seed = f" with the seed {order.seed}" if hasattr(order, "seed") else ""
    begin = np.asarray(next(iter(order.pieces(0)), ()))  # in one piece, but for draws with replacement
    seed += f" (order {blake2b(begin.tobytes(), digest_size=3).hexdigest()})"
    texts = group().start(owner, group().texts(f"a {type(order).__name__} of {len(order)} items{seed}{options}")).wait()
    for rank, other in enumerate(texts):
        if other != texts[0]:
            raise DistributedError(
                f"{owner}: rank 0 has {texts[0]}, but rank {rank} has {other}; give all ranks the same data, seed and options"
            )
