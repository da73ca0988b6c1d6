"""One iteration over a DataLoader: it knows its own place, and who fetches for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .dataset import IterableDataset
from .fetching import END, Job
from .workers import Workers

if TYPE_CHECKING:
    from .loader import DataLoader

__all__ = ["LoaderIterator"]


class LoaderIterator:
    """What `iter(loader)` gives.

    Workers take turns, so that batches come in their order.  They are `prefetch_factor` batches
    ahead.  They end with the iteration: at its last batch, after an error, or when nobody holds
    the iterator any more.

    Args:
        changed: what is fetched in the place of each batch of a data set with items by number.

    Attributes:
        epoch, position: where the next batch stands; after the last batch of an epoch that is the
            beginning of the next.
    """

    def __init__(self, loader: DataLoader, changed: Callable[[Job], Job] | None = None) -> None:
        self._loader = loader
        self._workers: Workers | None = None  # until the first batch is asked for
        iteration, self.epoch, self.position = loader._begin()
        jobs = loader._jobs(iteration, self.epoch, self.position)
        self._jobs = jobs if changed is None else map(changed, jobs)
        self._skip = self.position if isinstance(loader.dataset, IterableDataset) else 0
        self._ahead = max(loader.num_workers * loader.prefetch_factor, 1)
        self._open = deque(range(max(loader.num_workers, 1)))  # who has more to do, in turn
        self._waiting: deque[int] = deque()  # who fetches the next batch, the one after that ...
        self._over = False

    def __iter__(self) -> LoaderIterator:
        return self

    def __len__(self) -> int:
        return len(self._loader)

    def __next__(self) -> Any:
        if self._over:
            raise StopIteration
        try:
            if self._workers is None:
                self._workers = self._loader._take_workers(self.epoch)
            elif not self._workers.ours():
                raise RuntimeError(
                    "DataLoader: an iteration with workers does not go on in a forked process, "
                    "which has none of its parent's workers: begin a new one"
                )
            batch = self._next_batch(self._workers)
        except BaseException as error:
            self._end(keep=False, wait=isinstance(error, Exception))
            raise
        if batch is END:
            raise StopIteration
        return batch

    def _next_batch(self, workers: Workers) -> Any:
        self._hand_out(workers)
        while self._waiting:
            worker = self._waiting.popleft()
            batch = workers.collect(worker)
            if batch is END and worker in self._open:
                self._open.remove(worker)
            self._hand_out(workers)
            if batch is END:
                continue
            if self._skip:
                self._skip -= 1
                continue
            self.position += 1
            if self._waiting:
                self._tell()
            else:  # before the caller sees the last batch: a state saved then is the next epoch
                self._finish()
            return batch
        self._finish()
        return END

    def _hand_out(self, workers: Workers) -> None:
        """Keep the workers busy."""
        while self._open and len(self._waiting) < self._ahead:
            job = next(self._jobs, None)
            if job is None:
                self._open.clear()
                return
            worker = self._open[0]
            self._open.rotate(-1)
            workers.submit(worker, job)
            self._waiting.append(worker)

    def _tell(self) -> None:
        """The loader's place is that of the iteration that went on last."""
        self._loader.epoch, self._loader.position = self.epoch, self.position

    def _finish(self) -> None:
        self.epoch, self.position = self.epoch + 1, 0
        self._tell()
        self._end(keep=True)

    def state_dict(self) -> dict[str, Any]:
        """Where this iteration is, for `DataLoader.load_state_dict`."""
        return self._loader._state(self.epoch, self.position)

    def close(self) -> None:
        """End the iteration and its workers."""
        self._end(keep=True)

    def _end(self, keep: bool, wait: bool = True) -> None:
        self._over = True
        workers, self._workers = self._workers, None
        if workers is None or not workers.ours():
            return
        if keep:
            self._loader._give_back(workers)
        else:
            workers.close(wait)

    def __del__(self) -> None:
        if getattr(self, "_workers", None) is not None:
            self.close()
