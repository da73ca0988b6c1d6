"""Samplers: in which order a data set is read.

`indices(epoch)` is the whole order of an epoch, by seed and epoch alone.  `pieces(epoch)` is the
same order piece by piece, so that an order of any length needs little memory.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeGuard

import numpy as np

from minigrad import random

from ..checks import POSITIVE, Kind, check, whole
from ..settings import settings
from ..values import host

__all__ = [
    "BatchSampler", "RandomSampler", "Sampler", "SequentialSampler", "SubsetRandomSampler", "WeightedRandomSampler",
    "batches_of", "counted", "draws_by_seed", "seed_of", "stream_of",
]  # fmt: skip

#: How many numbers samplers with replacement draw at once.
PIECE = 1 << 16

#: What a seed may be: the key of a Philox generator.
SEED = Kind("a whole number from 0 to 2^128 - 1", whole(0, 2**128 - 1).test)

Indices = Sequence[Any] | np.ndarray


def seed_of(owner: str, generator: Any, seed: int | None) -> int:
    """The seed that `generator=` and `seed=` name: a number, or one drawn from a generator;
    minigrad's where there is none."""
    if generator is not None and seed is not None:
        raise ValueError(f"{owner}: generator and seed exclude each other")
    if generator is None and seed is None:
        return int(random.randint(2**31 - 1).item())
    draw = getattr(generator, "integers", None) or getattr(generator, "randint", None)
    if draw is not None:
        return int(draw(2**31 - 1))
    given: Any = seed if generator is None else generator
    try:
        number = operator.index(given)
    except TypeError:
        raise TypeError(
            f"{owner}: the seed must be an integer or a numpy.random.Generator, "
            f"got {type(given).__name__}"
        ) from None
    return int(check(owner, "the seed", number, SEED))


def _generator(seed: int, epoch: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed, counter=epoch << 128))


class Sampler:
    """The base of samplers; a subclass writes `indices(epoch)`, or `__iter__` and `__len__` as in
    PyTorch.

    An epoch is a number from 0: `indices` and `pieces` give the same order for the same one.
    """

    _epoch = 0  # of the next iteration

    @property
    def first_place(self) -> int:
        """What the places of an epoch's items, by which they draw, are counted from."""
        return 0

    def indices(self, epoch: int) -> Indices:
        """The numbers of the items in the order of an epoch."""
        raise NotImplementedError(
            f"{type(self).__name__} defines neither indices(epoch) nor __iter__"
        )

    def pieces(self, epoch: int) -> Iterator[Indices]:
        """The order of an epoch, piece by piece."""
        yield self.indices(epoch)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({settings(self, 'data_source')})"

    def __iter__(self) -> Iterator[Any]:
        """The order of the next epoch: each iteration is a new one."""
        epoch, self._epoch = self._epoch, self._epoch + 1
        return (_plain(i) for piece in self.pieces(epoch) for i in piece)

    def __len__(self) -> int:
        return len(self.indices(0))


class SequentialSampler(Sampler):
    """0, 1, 2 ...

    Args:
        data_source: has a length; nothing else of it is read.

    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def indices(self, epoch: int) -> range:
        return range(len(self.data_source))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """A permutation for each epoch; with replacement, draws.

    Args:
        data_source: has a length; nothing else of it is read.
        replacement: draw each item by itself, so that one may come several times, another never.
        num_samples: how many items an epoch has; by default as many as the data.  With replacement
            it may be huge; without, one permutation follows another where it is more than the data.
        generator: an integer or a numpy.random.Generator that gives the seed.
        seed: decides the order of all epochs; by default drawn from minigrad's generator.

    >>> sorted(RandomSampler("abc", seed=1))
    [0, 1, 2]
    """

    def __init__(
        self, data_source: Any, replacement: bool = False, num_samples: int | None = None, generator: Any = None,
        seed: int | None = None,
    ) -> None:  # fmt: skip
        self.data_source, self.replacement = data_source, replacement
        self._given: int | None = None
        if num_samples is not None:
            self._given = int(check("RandomSampler", "num_samples", num_samples, POSITIVE))
        self.seed = seed_of("RandomSampler", generator, seed)
        if self._given and not len(data_source):
            raise ValueError(
                f"RandomSampler: cannot draw {num_samples} items from an empty data set"
            )

    @property
    def num_samples(self) -> int:
        """How many items an epoch has."""
        return len(self.data_source) if self._given is None else self._given

    def indices(self, epoch: int) -> np.ndarray:
        return np.concatenate([np.arange(0), *self.pieces(epoch)])

    def pieces(self, epoch: int) -> Iterator[np.ndarray]:
        generator, n, left = _generator(self.seed, epoch), len(self.data_source), self.num_samples
        while left:
            if self.replacement:
                piece = generator.integers(0, n, min(left, PIECE))
            else:
                piece = generator.permutation(n)[:left]
            left -= len(piece)
            yield piece

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """Given numbers in a random order.

    Args:
        indices: the numbers, (N,), each of which comes once in an epoch.
        generator: an integer or a numpy.random.Generator that gives the seed.
        seed: decides the order of all epochs; by default drawn from minigrad's generator.

    Raises:
        TypeError: a mask is given.

    >>> sorted(SubsetRandomSampler([4, 7], seed=0))
    [4, 7]
    """

    def __init__(
        self, indices: Sequence[int], generator: Any = None, seed: int | None = None
    ) -> None:
        self.subset = host(indices)
        if self.subset.dtype == bool:
            raise TypeError("SubsetRandomSampler takes the numbers of items, not a mask: write np.flatnonzero(mask)")
        self.seed = seed_of("SubsetRandomSampler", generator, seed)

    def indices(self, epoch: int) -> np.ndarray:
        return self.subset[_generator(self.seed, epoch).permutation(len(self.subset))]

    def __len__(self) -> int:
        return len(self.subset)


class WeightedRandomSampler(Sampler):
    """Draws with probabilities proportional to weights: rare classes as often as common ones, say.

    Args:
        weights: a number for each item, (N,); they need not add up to 1.
        num_samples: how many items an epoch has.
        replacement: whether an item may come several times; False: no item comes twice, and each
            draw is among those that are left.
        generator: an integer or a numpy.random.Generator that gives the seed.
        seed: decides the draws of all epochs; by default drawn from minigrad's generator.

    Raises:
        ValueError: weights that are negative, not finite, or all 0; or fewer of them are above 0
            than items are drawn without replacement.

    >>> set(WeightedRandomSampler([0.0, 1.0, 1.0], 50, seed=0)) == {1, 2}
    True
    """

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator: Any = None,
        seed: int | None = None,
    ) -> None:  # fmt: skip
        p = host(weights).astype(np.float64)
        if p.ndim != 1:
            raise ValueError(
                f"WeightedRandomSampler: weights must be one number for each item, got shape {p.shape}"
            )
        if not np.isfinite(p).all() or (p < 0).any() or not p.sum() > 0:
            raise ValueError(
                "WeightedRandomSampler: weights must be finite, must not be negative, and not all be 0"
            )
        kind = "WeightedRandomSampler"
        self.num_samples = int(check(kind, "num_samples", num_samples, POSITIVE))
        self.replacement = replacement
        if not replacement and num_samples > np.count_nonzero(p):
            raise ValueError(
                f"WeightedRandomSampler: {num_samples} items without replacement, "
                f"but only {np.count_nonzero(p)} weights are not 0"
            )
        self.p, self.seed = p / p.sum(), seed_of("WeightedRandomSampler", generator, seed)

    def indices(self, epoch: int) -> np.ndarray:
        return np.concatenate(list(self.pieces(epoch)))

    def pieces(self, epoch: int) -> Iterator[np.ndarray]:
        generator, left = _generator(self.seed, epoch), self.num_samples
        while left:
            count = min(left, PIECE) if self.replacement else left
            yield generator.choice(len(self.p), count, self.replacement, self.p)
            left -= count

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler:
    """The order of a sampler, cut into batches.

    Args:
        sampler: a Sampler, or anything that gives the numbers (or keys) of items when it is
            iterated.
        batch_size: how many items a batch has.
        drop_last: leave out a last batch that is smaller.

    >>> list(BatchSampler(SequentialSampler("abcde"), 2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Sampler | Iterable[Any], batch_size: int, drop_last: bool) -> None:
        size = check(type(self).__name__, "batch_size", batch_size, POSITIVE)
        self.sampler, self.batch_size, self.drop_last = sampler, int(size), drop_last

    def batches(self, epoch: int) -> list[Indices]:
        """The numbers of the items of each batch of an epoch."""
        return list(self.iterate(epoch))

    def iterate(self, epoch: int) -> Iterator[Indices]:
        """The batches of an epoch, made when they are asked for."""
        size = self.batch_size
        if not _in_pieces(self.sampler):
            items = iter(self.sampler)
            while len(batch := list(islice(items, size))) == size:
                yield batch
            if batch and not self.drop_last:
                yield batch
            return
        left: Indices = []
        for piece in self.sampler.pieces(epoch):
            rows = np.concatenate([left, piece]) if len(left) else piece
            end = len(rows) - len(rows) % size
            for i in range(0, end, size):
                yield rows[i : i + size]
            left = rows[end:]
        if len(left) and not self.drop_last:
            yield left

    def placed(self, epoch: int) -> Iterator[tuple[int, Indices]]:
        """The batches of an epoch, each after the number of items that come before it."""
        return counted(self.iterate(epoch), getattr(self.sampler, "first_place", 0))

    _epoch = 0  # of the next iteration

    def __iter__(self) -> Iterator[list[Any]]:
        """The batches of the next epoch, as lists."""
        epoch, self._epoch = self._epoch, self._epoch + 1
        return ([_plain(i) for i in batch] for batch in self.iterate(epoch))

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({settings(self)})"


def _plain(index: Any) -> Any:
    """A number as Python's; another key as it is."""
    return index.item() if isinstance(index, np.generic) else index


def _in_pieces(sampler: Any) -> TypeGuard[Sampler]:
    """Whether a sampler is one of ours; PyTorch's kind writes `__iter__`."""
    return isinstance(sampler, Sampler) and type(sampler).__iter__ is Sampler.__iter__


def counted(batches: Iterable[Indices], place: int = 0) -> Iterator[tuple[int, Indices]]:
    """Batches, each after the number of items in those before it, counted from a place on.

    >>> list(counted([[7, 8], [9]]))
    [(0, [7, 8]), (2, [9])]
    """
    for batch in batches:
        yield place, batch
        place += len(batch)


def batches_of(sampler: Any, epoch: int) -> Iterator[tuple[int, Indices]]:
    """The batches that a batch sampler gives in an epoch, one of ours or any iterable of lists of
    numbers; each after the number of items that come before it."""
    kind = type(sampler)
    if (
        isinstance(sampler, BatchSampler)
        and kind.batches is BatchSampler.batches
        and kind.__iter__ is BatchSampler.__iter__
    ):
        return sampler.placed(epoch)
    overridden = not isinstance(sampler, BatchSampler) or kind.batches is not BatchSampler.batches
    if hasattr(sampler, "batches") and overridden:
        return counted(sampler.batches(epoch))
    return counted(sampler)


def stream_of(sampler: Any, epoch: int) -> Iterator[Any]:
    """The numbers that a sampler gives in an epoch, one by one."""
    if _in_pieces(sampler):
        return (i for piece in sampler.pieces(epoch) for i in piece)
    return iter(sampler)


def draws_by_seed(sampler: Any) -> bool:
    """Whether an order follows from a seed already: of our samplers, and of lists and the like."""
    if type(sampler) is BatchSampler:
        return draws_by_seed(sampler.sampler)
    ours = (SequentialSampler, RandomSampler, SubsetRandomSampler, WeightedRandomSampler)
    return type(sampler) in (*ours, list, tuple, range, np.ndarray)
