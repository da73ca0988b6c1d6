"""Samplers: in which order a data set is read.  `indices(epoch)` is the whole order of an epoch, by seed and epoch alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..settings import settings

__all__ = ["BatchSampler", "RandomSampler", "Sampler", "SequentialSampler", "SubsetRandomSampler", "WeightedRandomSampler"]


class Sampler:
    """The base of samplers; a subclass writes `indices(epoch)`."""

    def indices(self, epoch: int) -> Sequence[int] | np.ndarray:
        """The numbers of the items in the order of an epoch."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({settings(self, 'dataset')})"

    def __iter__(self) -> Iterator[int]:
        return iter(int(i) for i in self.indices(0))

    def __len__(self) -> int:
        return len(self.indices(0))


def _generator(seed: int, epoch: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed, counter=epoch << 128))


class SequentialSampler(Sampler):
    """0, 1, 2 ...

    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def indices(self, epoch: int) -> np.ndarray:
        return np.arange(len(self.dataset))


class RandomSampler(Sampler):
    """A permutation for each epoch; with replacement, draws.

    >>> sorted(RandomSampler("abc", seed=1))
    [0, 1, 2]
    """

    def __init__(self, dataset: Any, replacement: bool = False, num_samples: int | None = None, seed: int = 0) -> None:
        self.dataset, self.replacement, self.seed = dataset, replacement, seed
        self.num_samples = len(dataset) if num_samples is None else num_samples

    def indices(self, epoch: int) -> np.ndarray:
        generator, n = _generator(self.seed, epoch), len(self.dataset)
        if self.replacement:
            return generator.integers(0, n, self.num_samples)
        rounds = [generator.permutation(n) for _ in range(-(-self.num_samples // max(n, 1)))]
        return np.concatenate(rounds)[: self.num_samples] if rounds else np.arange(0)


class SubsetRandomSampler(Sampler):
    """Given numbers in a random order."""

    def __init__(self, indices: Sequence[int], seed: int = 0) -> None:
        self.subset, self.seed = np.asarray(indices), seed

    def indices(self, epoch: int) -> np.ndarray:
        return self.subset[_generator(self.seed, epoch).permutation(len(self.subset))]


class WeightedRandomSampler(Sampler):
    """Draws with probabilities proportional to weights: rare classes as often as common ones, say."""

    def __init__(self, weights: Sequence[float], num_samples: int, replacement: bool = True, seed: int = 0) -> None:
        p = np.asarray(weights, dtype=np.float64)
        if (p < 0).any() or not p.sum() > 0:
            raise ValueError("WeightedRandomSampler: weights must not be negative, and not all be 0")
        self.p, self.num_samples, self.replacement, self.seed = p / p.sum(), num_samples, replacement, seed

    def indices(self, epoch: int) -> np.ndarray:
        return _generator(self.seed, epoch).choice(len(self.p), self.num_samples, self.replacement, self.p)


class BatchSampler:
    """The order of a sampler, cut into batches.

    >>> [batch.tolist() for batch in BatchSampler(SequentialSampler("abcde"), 2, drop_last=False).batches(0)]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Sampler, batch_size: int, drop_last: bool) -> None:
        if batch_size < 1:
            raise ValueError(f"the batch size must be positive, got {batch_size}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The numbers of the items of each batch of an epoch."""
        order = np.asarray(self.sampler.indices(epoch))
        end = len(order) - len(order) % self.batch_size if self.drop_last else len(order)
        return [order[i : min(i + self.batch_size, end)] for i in range(0, end, self.batch_size)]

    def __len__(self) -> int:
        n = len(self.sampler)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({settings(self)})"
