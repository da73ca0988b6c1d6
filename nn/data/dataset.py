"""Data sets: anything with a length and items by number."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from minigrad import Tensor, raw

from ..settings import settings

__all__ = ["ConcatDataset", "Dataset", "Subset", "TensorDataset", "random_split"]


class Dataset:
    """The base of data sets; a subclass writes `__len__` and `__getitem__`.

    One that can fetch many items at once better than one by one writes `__getitems__(indices)` too, which returns a batch.
    """

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} defines no __len__")

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no __getitem__")

    def __repr__(self) -> str:
        options = settings(self)
        length = "" if type(self).__len__ is Dataset.__len__ else f"{len(self)} items" + ": " * bool(options)
        return f"{type(self).__name__}({length}{options})"

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class TensorDataset(Dataset):
    """Arrays or Tensors side by side: item i is a tuple of their rows i.

    >>> data = TensorDataset(np.array([1.0, 2.0]), np.array([0, 1]))
    >>> len(data), data[1]
    (2, (np.float64(2.0), np.int64(1)))
    >>> data
    TensorDataset(2 items: tensors=(float64 (2,), int64 (2,)), transform=None)
    """

    def __init__(self, *tensors: Any, transform: Callable[[Any], Any] | None = None) -> None:
        lengths = [len(t) for t in tensors]
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
        return tuple(t[rows] if isinstance(t, Tensor) else Tensor(np.asarray(t)[rows]) for t in self.tensors)


class Subset(Dataset):
    """Some items of a data set.

    >>> Subset([10, 20, 30], [2, 0])[0]
    30
    """

    def __init__(self, dataset: Any, indices: Any) -> None:
        self.dataset, self.indices = dataset, np.asarray(raw(indices))

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[int(self.indices[index])]

    def __getitems__(self, indices: Sequence[int]) -> Any:
        fetch = getattr(self.dataset, "__getitems__", None)
        return NotImplemented if fetch is None else fetch(self.indices[np.asarray(indices)])


class ConcatDataset(Dataset):
    """Data sets one after the other.

    >>> len(ConcatDataset([[1, 2], [3]])), ConcatDataset([[1, 2], [3]])[2]
    (3, 3)
    """

    def __init__(self, datasets: Sequence[Any]) -> None:
        self.datasets = list(datasets)
        self._ends = list(accumulate(len(d) for d in self.datasets))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> Any:
        index = range(len(self))[index]
        number = bisect_right(self._ends, index)
        return self.datasets[number][index - (self._ends[number - 1] if number else 0)]


def random_split(dataset: Any, lengths: Sequence[float], seed: int = 0) -> list[Subset]:
    """Parts of a data set, drawn at random by a seed.

    Args:
        lengths: numbers of items, or fractions that add up to 1 (what rounding leaves goes to the first parts).

    >>> [len(part) for part in random_split(range(10), [0.75, 0.25])]
    [8, 2]
    """
    n = len(dataset)
    if abs(sum(lengths) - 1) < 1e-9 and n != 1:
        sizes = [int(n * part) for part in lengths]
        for i in range(n - sum(sizes)):
            sizes[i % len(sizes)] += 1
    else:
        sizes = [int(length) for length in lengths]
    if sum(sizes) != n:
        raise ValueError(f"random_split: lengths {list(lengths)} do not add up to the {n} items (or to 1)")
    order = np.random.Generator(np.random.Philox(seed)).permutation(n)
    return [Subset(dataset, part) for part in np.split(order, np.cumsum(sizes)[:-1])]
