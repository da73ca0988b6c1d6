"""DataLoader: batches of a data set, fetched ahead by threads or processes, in an order that a
seed decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from minigrad.hints import explain_options

from ..checks import COUNT, POSITIVE, Kind, at_least, check, checked_state, number
from ..settings import settings
from .dataset import IterableDataset
from .fetching import ORDER, Fetcher, Findings, Job, WorkerInfo, worker_info
from .iterator import LoaderIterator
from .processes import Processes
from .sampler import (
    SEED,
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    batches_of,
    counted,
    draws_by_seed,
    seed_of,
    stream_of,
)
from .seeding import SharedGenerators, key_seed, with_draws_of_its_own
from .threads import Careful, Threads
from .workers import Caller, Workers

__all__ = ["DataLoader"]

#: Attributes that the repr leaves out while they are as they are by default.
_DEFAULTS: dict[str, Any] = {
    "collate_fn": None, "pin_memory": False, "drop_last": False, "timeout": 0.0,
    "worker_init_fn": None, "multiprocessing_context": None, "persistent_workers": False, "batch_size": None,
}  # fmt: skip

#: A batch size in a state; None where batches have no common one.
SIZE = Kind(
    f"None or {POSITIVE.words}",
    lambda value: value is None or POSITIVE.holds(value),
    needed=False,
)


class DataLoader:
    """Iterates over batches.

    Each iteration is a new epoch, with an order of its own, and begins with the first batch of it;
    several may run at the same time.  The order, and what items draw from `minigrad.random`,
    `numpy.random` and `random`, follow from the seed, the number of the epoch and the place in it,
    whoever fetches them; the caller's own generators do not move.  An IterableDataset
    is read by each worker from its beginning: let it share the work by `get_worker_info()`.

    `state_dict()` is where the iteration is that went on last, also in the middle of an epoch;
    after `load_state_dict` the next iteration begins there.

    Args:
        dataset: has a length and items by number (`__getitems__(indices)`, where it has that,
            fetches many at once), or is an IterableDataset.
        batch_size: None gives single items, as Tensors.
        shuffle: a new order for each epoch, by the seed.
        sampler, batch_sampler: orders of your own: samplers, or iterables of numbers and of lists
            of numbers.  What they draw follows from the seed and the epoch, too.
        num_workers: how many threads (or processes) fetch batches ahead; 0: none.
        collate_fn: makes a batch of a list of items.
        pin_memory, pin_memory_device, in_order: without effect: memory is not pinned, batches
            always come in order.
        drop_last: leave out a last batch that is smaller.
        timeout: how many seconds to wait for a batch of a worker; 0: for ever.
        worker_init_fn: called with the number of each worker before its first item: in a worker
            process, or, for threads, in the caller's thread.
        multiprocessing_context: how processes are started: "spawn" (the default), "forkserver",
            "fork", or a context of `multiprocessing`.
        generator: an integer or a numpy.random.Generator that gives the seed.
        prefetch_factor: how many batches each worker is ahead; 2 by default.
        persistent_workers: keep the workers from one epoch to the next.
        workers: "threads" (the default), for data that NumPy or files provide; "processes" (the
            default where a multiprocessing_context is given), for Python work; everything must be
            picklable then.
        seed: decides the order and the draws of all epochs; by default drawn from minigrad's
            generator.

    Attributes:
        epoch, position: which batch comes next, from 0, and of which epoch; at the last batch of an
            epoch already the first of the next one.  Of several iterations that which went on last.

    Raises:
        ValueError: options that exclude each other, or are out of their range.
        RuntimeError: a second epoch of an order that is an iterator, which can be read once only.

    >>> from nn.data import TensorDataset
    >>> [x.tolist() for (x,) in DataLoader(TensorDataset(np.arange(5)), batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

    @explain_options
    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = False,
        sampler: Sampler | Iterable[Any] | None = None,
        batch_sampler: BatchSampler | Iterable[Any] | None = None, num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None, pin_memory: bool = False,
        drop_last: bool = False, timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None, multiprocessing_context: Any = None,
        generator: Any = None, *, prefetch_factor: int | None = None,
        persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True,
        workers: str | None = None, seed: int | None = None,
    ) -> None:  # fmt: skip
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.num_workers, self.pin_memory = num_workers, pin_memory
        self.timeout = number(check("DataLoader", "timeout", timeout, at_least(0)))
        default = "threads" if multiprocessing_context is None else "processes"
        self.workers = default if workers is None else workers
        self.prefetch_factor = 2 if prefetch_factor is None else prefetch_factor
        self.collate_fn, self.worker_init_fn = collate_fn, worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.persistent_workers = persistent_workers
        flags = {"shuffle": shuffle, "drop_last": drop_last, "persistent_workers": persistent_workers}
        for name, value in flags.items():
            if not isinstance(value, (bool, np.bool_)) and not (name == "shuffle" and value is None):
                raise ValueError(f"DataLoader: {name} must be True or False, got {value!r:.60}")
        self._check_orders(bool(shuffle), sampler, batch_sampler)
        self._check_workers(prefetch_factor)
        self.seed = seed_of("DataLoader", generator, seed)
        self.sampler, self.batch_sampler = self._orders(bool(shuffle), sampler, batch_sampler)
        self.epoch, self.position = 0, 0
        self._next, self._resume, self._iterations = 0, False, 0
        self._idle: Workers | None = None  # persistent workers that wait for the next epoch
        self._findings = Findings()

    def _check_orders(self, shuffle: bool, sampler: Any, batch_sampler: Any) -> None:
        stream = isinstance(self.dataset, IterableDataset)
        own = sampler is not None or batch_sampler is not None
        wrong = {
            "shuffle, sampler and batch_sampler exclude each other": (
                shuffle and own or (sampler is not None and batch_sampler is not None)
            ),
            "batch_sampler makes the batches, so that batch_size and drop_last exclude it": (
                batch_sampler is not None and (self.batch_size != 1 or self.drop_last)
            ),
            "batch_size=None makes no batches, so that there is none to drop": (
                self.batch_size is None and self.drop_last
            ),
            "an IterableDataset decides its order itself: no shuffle, sampler or batch_sampler": (
                stream and (shuffle or own)
            ),
        }
        for message, found in wrong.items():
            if found:
                raise ValueError(f"DataLoader: {message}")
        if not stream and not own and not hasattr(self.dataset, "__len__"):
            kind = type(self.dataset).__name__
            raise TypeError(f"DataLoader: {kind} has no length; a stream is an IterableDataset")

    def _check_workers(self, prefetch_factor: int | None) -> None:
        context = self.multiprocessing_context
        check("DataLoader", "num_workers", self.num_workers, COUNT)
        check("DataLoader", "prefetch_factor", self.prefetch_factor, POSITIVE)
        needs = self.persistent_workers or prefetch_factor is not None or context is not None
        wrong = {
            f"workers must be 'threads' or 'processes', got {self.workers!r}": (
                self.workers not in ("threads", "processes")
            ),
            "persistent_workers, prefetch_factor and multiprocessing_context need num_workers > 0": (
                not self.num_workers and needs
            ),
            "multiprocessing_context needs workers='processes'": (
                context is not None and self.workers == "threads"
            ),
        }
        for message, found in wrong.items():
            if found:
                raise ValueError(f"DataLoader: {message}")
        if isinstance(context, str):
            self._context()  # an unknown name is an error

    def _orders(self, shuffle: bool, sampler: Any, batch_sampler: Any) -> tuple[Any, Any]:
        if isinstance(self.dataset, IterableDataset):
            if self.batch_size is not None:
                BatchSampler([], self.batch_size, self.drop_last)  # which looks at the batch size
            return None, None
        if batch_sampler is not None:
            self.batch_size = None  # which the batch sampler decides
            return getattr(batch_sampler, "sampler", None), batch_sampler
        if sampler is None:
            sampler = (
                RandomSampler(self.dataset, seed=self.seed)
                if shuffle
                else SequentialSampler(self.dataset)
            )
        if self.batch_size is None:
            return sampler, None
        return sampler, BatchSampler(sampler, self.batch_size, self.drop_last)

    def __len__(self) -> int:
        if isinstance(self.dataset, IterableDataset):
            n, size = len(self.dataset), self.batch_size or 1
            return n // size if self.drop_last else -(-n // size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def __repr__(self) -> str:
        hidden = [
            name
            for name, value in _DEFAULTS.items()
            if getattr(self, name) is value or getattr(self, name) == value
        ]
        options = settings(self, "epoch", "position", "sampler", *hidden)
        try:
            length = f"{len(self)} batches, "
        except TypeError:
            length = ""
        return f"DataLoader({options}; {length}epoch {self.epoch}, batch {self.position})"

    def __iter__(self) -> LoaderIterator:
        return LoaderIterator(self)

    def __getstate__(self) -> dict[str, Any]:
        """A copy has the same settings and place, and starts workers of its own."""
        return {**vars(self), "_idle": None}

    def state_dict(self) -> dict[str, Any]:
        """Where the iteration is that went on last."""
        return self._state(self.epoch, self.position)

    def next_state(self) -> dict[str, Any]:
        """Where the next iteration begins, in the form of `state_dict`.

        That is another place after a look at a batch: the next iteration begins a new epoch then.
        """
        return self._state(*self._beginning())

    def _beginning(self) -> tuple[int, int]:
        """The epoch and the first batch of the next iteration."""
        return (self.epoch, self.position) if self._resume else (self._next, 0)

    def _state(self, epoch: int, position: int) -> dict[str, Any]:
        state = {"seed": self.seed, "epoch": epoch, "position": position, **self._units()}
        seed = getattr(self.sampler, "seed", None)
        return state | ({"sampler": seed} if isinstance(seed, int) else {})

    def _units(self) -> dict[str, Any]:
        """What a position counts: batches of this size, of so many streams."""
        size: Any = self.batch_size
        if size is None and self.batch_sampler is not None:
            size = getattr(self.batch_sampler, "batch_size", None)
        units: dict[str, Any] = {"batch_size": int(size) if POSITIVE.holds(size) else None}
        if isinstance(self.dataset, IterableDataset):
            units["num_workers"] = max(self.num_workers, 1)
        return units

    def _check_units(self, state: Mapping[str, Any]) -> None:
        """A position that counts other batches would skip data, or give some twice."""
        for name, own in self._units().items():
            if name in state and state[name] != own:
                raise ValueError(
                    f"DataLoader: the state is one of a loader with {name}={state[name]}, this "
                    f"one has {name}={own}, so that its batches are others: make the loader as it "
                    "was, or begin a new epoch with a loader that takes up no state"
                )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The next iteration begins where `state_dict` was called.

        Raises:
            ValueError: it is no state of a loader, or that of one with more batches, with another
                batch size or, for streams, another number of workers; nothing is changed then.
        """
        state = checked_state(
            "DataLoader", state, seed=SEED, epoch=COUNT, position=COUNT,
            sampler=replace(SEED, needed=False), batch_size=SIZE,
            num_workers=replace(POSITIVE, needed=False),
        )  # fmt: skip
        self._check_units(state)
        known = {name: int(value) for name, value in state.items() if value is not None}
        sampler = self.sampler
        reseeds = isinstance(getattr(sampler, "seed", None), int)
        try:
            length = len(self)
        except TypeError:
            length = None
        if length is not None and known["position"] > length:
            raise ValueError(
                f"DataLoader: the state is at batch {known['position']}, "
                f"but there are {length} batches"
            )
        self.seed, self.epoch, self.position = known["seed"], known["epoch"], known["position"]
        self._next, self._resume = self.epoch, True
        if reseeds:
            sampler.seed = known.get("sampler", self.seed)

    # ------------------------------------------------------------------- for the iterators

    def _begin(self) -> tuple[int, int, int]:
        """The number of a new iteration, its epoch and its first batch."""
        once = [o for o in (self.sampler, self.batch_sampler) if isinstance(o, Iterator)]
        if once and self._iterations:
            raise RuntimeError(
                f"DataLoader: the order is a {type(once[0]).__name__}, which can be read once only, "
                "in the first epoch: pass a list of it, or an object whose __iter__ begins anew"
            )
        epoch, start = self._beginning()
        self._next, self._resume = epoch + 1, False
        self._iterations += 1
        return self._iterations, epoch, start

    def _jobs(self, iteration: int, epoch: int, start: int) -> Iterator[Job]:
        """What there is to fetch, from batch `start` on; all of it where the data set is a
        stream."""
        key = (self.seed, epoch)
        if isinstance(self.dataset, IterableDataset):
            while True:
                yield Job(iteration, key, 0, None)
        for place, indices in islice(self._batches(epoch), start, None):
            yield Job(iteration, key, place, indices)

    def _batches(self, epoch: int) -> Iterator[tuple[int, Any]]:
        """The place and the numbers of the items of each batch; samplers draw by the seed and the
        epoch."""

        def batches() -> Iterator[tuple[int, Any]]:
            if self.batch_sampler is None:
                items = ([index] for index in stream_of(self.sampler, epoch))
                return counted(items, getattr(self.sampler, "first_place", 0))
            return batches_of(self.batch_sampler, epoch)

        order = self.sampler if self.batch_sampler is None else self.batch_sampler
        if draws_by_seed(order):
            return batches()
        return with_draws_of_its_own(batches, (order,), self.seed, epoch, ORDER)

    def _fetchers(self) -> list[Fetcher]:
        size = self.batch_size if self.batch_sampler is None else 1
        count = max(self.num_workers, 1)
        return [
            Fetcher(self.dataset, self.collate_fn, size, self.drop_last, number, self._findings)
            for number in range(count)
        ]

    def _infos(self, epoch: int) -> list[WorkerInfo]:
        seeds = [key_seed(self.seed, epoch, number) for number in range(self.num_workers)]
        return [
            WorkerInfo(number, self.num_workers, seed, self.dataset)
            for number, seed in enumerate(seeds)
        ]

    def _take_workers(self, epoch: int) -> Workers:
        """Who fetches for an iteration: workers that are there already, or new ones."""
        idle, self._idle = self._idle, None
        if idle is not None and idle.ours():
            try:
                idle.forget()
            except Exception:  # one hangs, or has ended: new ones begin with nothing to do
                idle.close(wait=False)
            else:
                return idle
        fetchers, infos = self._fetchers(), self._infos(epoch)
        if not self.num_workers:
            return Caller(fetchers, [None])
        if self.workers == "processes":
            return Processes(fetchers, infos, self.worker_init_fn, self.timeout, self._context())
        if self.worker_init_fn is not None:
            self._initialize(infos)
        if fetchers[0].plain:
            return Threads(fetchers, infos, self.timeout)
        return Careful(fetchers, infos, self.timeout, self._findings)

    def _give_back(self, workers: Workers) -> None:
        """Take workers back at the end of an iteration."""
        if self.persistent_workers and self._idle is None:
            self._idle = workers
        else:
            workers.close()

    def _initialize(self, infos: list[WorkerInfo]) -> None:
        assert self.worker_init_fn is not None
        shared = SharedGenerators()
        for info in infos:
            token = worker_info.set(info)
            try:
                with shared.isolated(), shared.seeded(info.seed):
                    self.worker_init_fn(info.id)
            finally:
                worker_info.reset(token)

    def _context(self) -> Any:
        """How processes are started; forking a process that has threads can lock it up, so that
        spawning is the default."""
        import multiprocessing  # takes 8 ms, which loaders without processes do not need

        context = self.multiprocessing_context
        if context is not None and not isinstance(context, str):
            return context
        methods = multiprocessing.get_all_start_methods()
        if context is not None and context not in methods:
            raise ValueError(
                f"DataLoader: multiprocessing_context must be one of {methods}, got {context!r}"
            )
        return multiprocessing.get_context(context or "spawn")

    def __del__(self) -> None:
        idle = getattr(self, "_idle", None)
        if idle is not None and idle.ours():
            idle.close()

