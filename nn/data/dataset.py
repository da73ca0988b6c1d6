"""Data sets: anything with a length and items by number, or streams of items."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from minigrad import Tensor

from ..settings import settings
from ..values import host
from .sampler import seed_of

__all__ = [
    "ChainDataset", "ConcatDataset", "Dataset", "IterableDataset", "Subset", "TensorDataset",
    "draws_nothing", "random_split",
]  # fmt: skip


class Dataset:
    """The base of data sets; a subclass writes `__len__` and `__getitem__`.

    One that can fetch many items at once better than one by one writes `__getitems__(indices)`
    too, which returns a list of the items, or a whole batch (in anything but a list), or
    NotImplemented.
    """

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} defines no __len__")

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no __getitem__")

    def __repr__(self) -> str:
        options = settings(self)
        try:
            length = f"{len(self)} items" + ": " * bool(options)
        except (NotImplementedError, TypeError):  # a stream may have none
            length = ""
        return f"{type(self).__name__}({length}{options})"

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """The base of data sets that are streams: a subclass writes `__iter__`; a `__len__` is
    optional.

    With workers each of them reads a stream of its own: `get_worker_info()` says which part to
        read.

    >>> class Count(IterableDataset):
    ...     def __iter__(self):
    ...         return iter(range(3))
    >>> list(Count() + Count())
    [0, 1, 2, 0, 1, 2]
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} defines no __iter__")

    def __len__(self) -> int:
        raise TypeError(f"{type(self).__name__} is a stream that defines no __len__")

    def __getitem__(self, index: int) -> Any:
        raise TypeError(f"{type(self).__name__} is a stream, which has no items by number")

    def __add__(self, other: Any) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class ChainDataset(IterableDataset):
    """Streams one after the other.

    Args:
        datasets: the IterableDatasets, in the order in which they are read.

    Raises:
        TypeError: one of them is no IterableDataset.

    >>> list(ChainDataset([ChainDataset([]), ChainDataset([])]))
    []
    """

    def __init__(self, datasets: Iterable[IterableDataset]) -> None:
        self.datasets = list(datasets)
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise TypeError(
                    f"ChainDataset takes IterableDatasets, got {type(dataset).__name__}; "
                    "ConcatDataset takes data sets that have items by number"
                )

    def __iter__(self) -> Iterator[Any]:
        for dataset in self.datasets:
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)


class TensorDataset(Dataset):
    """Arrays or Tensors side by side: item i is a tuple of their rows i.

    Args:
        tensors: arrays, Tensors or lists, all of one length: inputs and targets, say.
        transform: called with the first element of each item, which its result replaces; None:
            items are taken as they are, many at once.

    Raises:
        ValueError: there are none, or their lengths differ.

    >>> data = TensorDataset(np.array([1.0, 2.0]), np.array([0, 1]))
    >>> len(data), data[1]
    (2, (np.float64(2.0), np.int64(1)))
    >>> data
    TensorDataset(2 items: tensors=(float64 (2,), int64 (2,)), transform=None)
    """

    def __init__(self, *tensors: Any, transform: Callable[[Any], Any] | None = None) -> None:
        lengths = [len(t) for t in tensors]
        if not lengths:
            raise ValueError("TensorDataset: give at least one array")
        if len(set(lengths)) != 1:
            raise ValueError(f"TensorDataset: all must be equally long, got lengths {lengths}")
        self.tensors, self.transform = tensors, transform

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> Any:
        item = tuple(t[index] for t in self.tensors)
        return item if self.transform is None else (self.transform(item[0]), *item[1:])

    def __getitems__(self, indices: Sequence[int]) -> Any:
        """A batch at once; without this where items are transformed one by one."""
        if self.transform is not None:
            return NotImplemented
        rows = np.asarray(indices)
        return tuple(
            t[rows] if isinstance(t, Tensor) else Tensor(_with_rows(t)[rows]) for t in self.tensors
        )


def _with_rows(values: Any) -> Any:
    """An array as it is, of any device; a list as an array."""
    return values if hasattr(values, "dtype") else np.asanyarray(values)


class Subset(Dataset):
    """Some items of a data set.

    Args:
        dataset: has items by number.
        indices: the numbers of the items, (N,), in the order that they have here; or a mask, one truth value for each
            item of the data set.

    Raises:
        ValueError: a mask has another length than the data set.

    >>> Subset([10, 20, 30], [2, 0])[0]
    30
    >>> list(Subset([10, 20, 30], [True, False, True]))
    [10, 30]
    """

    def __init__(self, dataset: Any, indices: Any) -> None:
        self.dataset, self.indices = dataset, host(indices)
        if self.indices.dtype == bool:
            if self.indices.shape != (len(dataset),):
                raise ValueError(f"Subset: a mask of shape {self.indices.shape} for a data set of {len(dataset)} items")
            self.indices = np.flatnonzero(self.indices)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        chosen = self.indices[index]
        if np.ndim(chosen):
            raise TypeError(
                f"Subset: an index is one number, got {index!r}; Subset(subset, indices) takes several"
            )
        return self.dataset[chosen.item()]

    def __getitems__(self, indices: Sequence[int]) -> Any:
        fetch = getattr(self.dataset, "__getitems__", None)
        return NotImplemented if fetch is None else fetch(self.indices[np.asarray(indices)])


class ConcatDataset(Dataset):
    """Data sets one after the other.

    Args:
        datasets: each has a length and items by number.

    Raises:
        TypeError: one of them is a stream, which `ChainDataset` takes.

    >>> len(ConcatDataset([[1, 2], [3]])), ConcatDataset([[1, 2], [3]])[2]
    (3, 3)
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise TypeError(
                "ConcatDataset: a stream has no items by number; ChainDataset takes streams"
            )
        self._ends = list(accumulate(len(d) for d in self.datasets))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> Any:
        index = range(len(self))[index]
        number = bisect_right(self._ends, index)
        return self.datasets[number][index - (self._ends[number - 1] if number else 0)]

    @property
    def cumulative_sizes(self) -> list[int]:
        """Where each data set ends."""
        return list(self._ends)


def draws_nothing(dataset: Any) -> bool:
    """Whether no item of a data set can be drawn at random, since no code of the user's makes
    it."""
    if type(dataset) is TensorDataset:
        return dataset.transform is None and all(
            isinstance(t, (Tensor, np.ndarray, list, tuple)) for t in dataset.tensors
        )
    if type(dataset) is Subset:
        return draws_nothing(dataset.dataset)
    if type(dataset) is ConcatDataset:
        return all(map(draws_nothing, dataset.datasets))
    return type(dataset) in (list, tuple, range, str, Tensor, np.ndarray)


def random_split(
    dataset: Any, lengths: Sequence[float], generator: Any = None, seed: int | None = None
) -> list[Subset]:
    """Parts of a data set, drawn at random by a seed.

    Args:
        dataset: has a length and items by number; the parts read their items from it.
        lengths: numbers of items, or fractions that add up to 1 (what rounding leaves goes to the
            first parts).
        generator: an integer or a numpy.random.Generator that gives the seed, in place of `seed`.
        seed: by default 0, so that a split is the same in every run.

    Raises:
        ValueError: the lengths do not add up, or one is negative.

    >>> [len(part) for part in random_split(range(10), [0.75, 0.25])]
    [8, 2]
    """
    n = len(dataset)
    if any(length < 0 for length in lengths):
        raise ValueError(f"random_split: lengths must not be negative, got {list(lengths)}")
    if abs(sum(lengths) - 1) < 1e-9:
        sizes = [int(n * part) for part in lengths]
        for i in range(n - sum(sizes)):
            sizes[i % len(sizes)] += 1
    else:
        sizes = [int(length) for length in lengths]
    if sum(sizes) != n:
        raise ValueError(
            f"random_split: lengths {list(lengths)} do not add up to the {n} items (or to 1)"
        )
    start = 0 if generator is None and seed is None else seed_of("random_split", generator, seed)
    order = np.random.Generator(np.random.Philox(start)).permutation(n)
    return [Subset(dataset, part) for part in np.split(order, np.cumsum(sizes)[:-1])]
