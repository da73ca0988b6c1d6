"""DataLoader: batches of a data set, fetched ahead by threads or processes, in an order that a seed decides."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import Tensor, random, stack
from minigrad.trees import sequence_like

from ..settings import settings
from ..states import COUNT, checked_state
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["DataLoader", "default_collate"]


def default_collate(items: Sequence[Any]) -> Any:
    """Items as one batch: arrays and numbers stacked into Tensors, in tuples, lists and dicts as they are nested.

    >>> default_collate([(np.array([1.0, 2.0]), 0), (np.array([3.0, 4.0]), 1)])
    (Tensor([[1., 2.],
            [3., 4.]], dtype=float64), Tensor([0, 1], dtype=int64))
    """
    first = items[0]
    if isinstance(first, Tensor):
        return stack(list(items))
    if isinstance(first, (np.ndarray, np.generic)):
        shapes = {np.shape(x) for x in items}
        if len(shapes) > 1:
            raise ValueError(f"items of different shapes {sorted(shapes)} cannot be stacked: pad them, or pass a collate_fn")
        return Tensor(np.stack(items))
    if isinstance(first, (bool, int, float, complex)):
        return Tensor(list(items))
    if isinstance(first, Mapping):
        return {key: default_collate([item[key] for item in items]) for key in first}
    if isinstance(first, (tuple, list)):
        return sequence_like(first, [default_collate(column) for column in zip(*items, strict=True)])
    return list(items)


class DataLoader:
    """Iterates over batches.

    Args:
        dataset: has a length and items by number; `__getitems__(indices)`, where it has that, fetches a batch at once.
        shuffle: a new order for each epoch, by the seed.
        sampler, batch_sampler: orders of your own.
        num_workers: how many threads (or processes) fetch batches ahead; 0: none.
        workers: "threads", for data that NumPy or files provide; "processes", for Python work (everything must be picklable).
        collate_fn: makes a batch of a list of items.
        drop_last: leave out a last batch that is smaller.
        prefetch_factor: how many batches each worker is ahead.
        seed: decides the order of all epochs; by default drawn from minigrad's generator.

    The order depends on the seed and the number of the epoch alone, not on the workers.  `state_dict()` is where the loader
    is, also in the middle of an epoch; after `load_state_dict` the next iteration begins there.

    >>> from nn.data import TensorDataset
    >>> [x.tolist() for (x,) in DataLoader(TensorDataset(np.arange(5)), batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self, dataset: Any, batch_size: int = 1, shuffle: bool = False, sampler: Sampler | None = None,
        batch_sampler: BatchSampler | None = None, num_workers: int = 0, collate_fn: Callable[[list[Any]], Any] | None = None,
        drop_last: bool = False, prefetch_factor: int = 2, workers: str = "threads", seed: int | None = None,
    ) -> None:  # fmt: skip
        if workers not in ("threads", "processes"):
            raise ValueError(f"DataLoader: workers must be 'threads' or 'processes', got {workers!r}")
        if (shuffle and sampler is not None) or (batch_sampler is not None and (shuffle or sampler is not None)):
            raise ValueError("DataLoader: shuffle, sampler and batch_sampler exclude each other")
        self.dataset, self.num_workers, self.workers, self.prefetch_factor = dataset, num_workers, workers, prefetch_factor
        self.collate_fn = collate_fn
        self.seed = int(random.randint(2**31 - 1).item()) if seed is None else seed
        if batch_sampler is None:
            order = sampler or (RandomSampler(dataset, seed=self.seed) if shuffle else SequentialSampler(dataset))
            batch_sampler = BatchSampler(order, batch_size, drop_last)
        self.batch_sampler = batch_sampler
        self.epoch, self.position = 0, 0

    def __len__(self) -> int:
        return len(self.batch_sampler)

    def __repr__(self) -> str:
        options = settings(self, "epoch", "position")
        return f"DataLoader({options}; {len(self)} batches, epoch {self.epoch}, batch {self.position})"

    def __iter__(self) -> Iterator[Any]:
        batches = self.batch_sampler.batches(self.epoch)[self.position :]
        for batch in self._fetched(batches):
            self.position += 1
            if self.position == len(self):  # before the caller sees the last batch, so that a state saved then is the next epoch
                self.epoch, self.position = self.epoch + 1, 0
            yield batch

    def _fetched(self, batches: list[np.ndarray]) -> Iterator[Any]:
        if not self.num_workers:
            for indices in batches:
                yield _fetch(self.dataset, indices, self.collate_fn)
            return
        with self._executor() as executor:
            waiting: deque[Any] = deque()
            try:
                for indices in batches:
                    waiting.append(self._submit(executor, indices))
                    if len(waiting) > self.num_workers * self.prefetch_factor:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                executor.shutdown(wait=True, cancel_futures=True)

    def _executor(self) -> Executor:
        import multiprocessing  # these two take 8 ms, which loaders without workers do not need
        from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

        if self.workers == "threads":
            return ThreadPoolExecutor(self.num_workers, thread_name_prefix="minigrad-data")
        context = multiprocessing.get_context("spawn")  # forking a process that has threads can lock it up
        return ProcessPoolExecutor(self.num_workers, context, _keep, (self.dataset, self.collate_fn))

    def _submit(self, executor: Executor, indices: np.ndarray) -> Any:
        if self.workers == "threads":
            return executor.submit(_fetch, self.dataset, indices, self.collate_fn)
        return executor.submit(_fetch_kept, indices)

    def state_dict(self) -> dict[str, int]:
        """Where the loader is."""
        return {"seed": self.seed, "epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on where `state_dict` was called.

        Raises:
            ValueError: where this is no state of such a loader; nothing is changed then.
        """
        state = checked_state("DataLoader", state, seed=COUNT, epoch=COUNT, position=COUNT)
        if state["position"] > len(self):
            raise ValueError(
                f"DataLoader.load_state_dict: position {state['position']} "
                f"in an epoch of {len(self)} batches"
            )
        self.seed, self.epoch, self.position = state["seed"], state["epoch"], state["position"]
        sampler = getattr(self.batch_sampler, "sampler", None)
        if isinstance(sampler, RandomSampler):
            sampler.seed = self.seed


def _fetch(dataset: Any, indices: np.ndarray, collate_fn: Callable[[list[Any]], Any] | None) -> Any:
    fetch = getattr(dataset, "__getitems__", None)
    if fetch is not None and collate_fn is None:
        batch = fetch(indices)
        if batch is not NotImplemented:
            return batch
    return (collate_fn or default_collate)([dataset[int(i)] for i in indices])


_kept: list[Any] = []


def _keep(dataset: Any, collate_fn: Any) -> None:
    """In a worker process: the data set, sent once."""
    _kept[:] = [dataset, collate_fn]


def _fetch_kept(indices: np.ndarray) -> Any:
    return _fetch(_kept[0], indices, _kept[1])
