"""Data sets, samplers, the DataLoader: order, workers, resuming, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from nn.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    random_split,
)


class Squares(Dataset):
    def __init__(self, n: int = 10, bad: int | None = None) -> None:
        self.n, self.bad = n, bad

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> Any:
        if index == self.bad:
            raise RuntimeError(f"item {index} is broken")
        return {"x": np.array([index, index**2], dtype=np.float32), "y": index}


def read(loader: DataLoader) -> list[list[int]]:
    return [batch["y"].tolist() for batch in loader]


@pytest.mark.parametrize(
    "options", [{}, {"num_workers": 2}, {"num_workers": 3, "prefetch_factor": 1}, {"num_workers": 2, "workers": "processes"}]
)
def test_every_item_once_in_an_order_that_the_seed_decides(options: dict[str, Any]) -> None:
    loader = DataLoader(Squares(), batch_size=3, shuffle=True, seed=7, **options)
    first, second = read(loader), read(loader)
    assert sorted(sum(first, [])) == list(range(10))
    assert first != second
    assert [len(b) for b in first] == [3, 3, 3, 1]
    assert len(loader) == 4
    assert [first, second] == [read(again) for again in [DataLoader(Squares(), 3, shuffle=True, seed=7)] for _ in range(2)]


def test_the_default_seed_is_minigrads() -> None:
    orders = []
    for _ in range(2):
        mg.random.manual_seed(3)
        orders.append(read(DataLoader(Squares(), 4, shuffle=True)))
    assert orders[0] == orders[1]


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("stop", [0, 1, 3, 4, 6])
def test_resuming_in_the_middle(num_workers: int, stop: int) -> None:
    """A loader that goes on from a saved position sees what an undisturbed one would have seen."""
    make = lambda seed: DataLoader(Squares(), 3, shuffle=True, seed=seed, num_workers=num_workers)
    undisturbed, loader = make(5), make(5)
    expected = read(undisturbed) + read(undisturbed) + read(undisturbed)
    seen: list[list[int]] = []
    while len(seen) < stop:
        for batch in loader:
            seen.append(batch["y"].tolist())
            if len(seen) == stop:
                break
    again = make(99)
    again.load_state_dict(loader.state_dict())
    while len(seen) < len(expected):
        seen += read(again)
    assert seen[: len(expected)] == expected


def test_an_error_of_an_item_arrives() -> None:
    for options in ({}, {"num_workers": 2}, {"num_workers": 1, "workers": "processes"}):
        with pytest.raises(RuntimeError, match="item 4 is broken"):
            read(DataLoader(Squares(bad=4), 3, **options))


def test_collating_nested_items() -> None:
    batch = default_collate([{"a": (np.ones(2), 1.5), "b": ["x", True]}, {"a": (np.zeros(2), 2.5), "b": ["y", False]}])
    assert batch["a"][0].tolist() == [[1.0, 1.0], [0.0, 0.0]]
    assert batch["a"][1].dtype == np.float32
    assert batch["b"][0] == ["x", "y"]
    assert batch["b"][1].tolist() == [True, False]
    assert default_collate([Tensor([1.0]), Tensor([2.0])]).shape == (2, 1)
    with pytest.raises(ValueError, match=r"different shapes \[\(2,\), \(3,\)\].*collate_fn"):
        default_collate([np.ones(2), np.ones(3)])
    lists = DataLoader([np.ones(1), np.ones(2)], batch_size=2, collate_fn=lambda items: [len(x) for x in items])
    assert list(lists) == [[1, 2]]


def test_tensor_datasets() -> None:
    x, y = np.arange(12.0).reshape(6, 2), np.arange(6)
    batches = list(DataLoader(TensorDataset(Tensor(x), y), batch_size=4, drop_last=True))
    assert len(batches) == 1
    assert batches[0][0].tolist() == x[:4].tolist()
    assert batches[0][1].tolist() == [0, 1, 2, 3]
    doubled = TensorDataset(x, y, transform=lambda row: row * 2)
    assert next(iter(DataLoader(doubled, 2)))[0].tolist() == (x[:2] * 2).tolist()
    with pytest.raises(ValueError, match=r"lengths \[6, 5\]"):
        TensorDataset(x, y[:5])


def test_subsets_and_concatenations() -> None:
    parts = random_split(Squares(11), [0.5, 0.3, 0.2], seed=1)
    assert [len(p) for p in parts] == [6, 3, 2]
    assert sorted(item["y"] for p in parts for item in (p[i] for i in range(len(p)))) == list(range(11))
    assert [len(p) for p in random_split(Squares(), [7, 3])] == [7, 3]
    with pytest.raises(ValueError, match="do not add up to the 10 items"):
        random_split(Squares(), [7, 4])
    both = Squares(3) + Squares(2)
    assert isinstance(both, ConcatDataset)
    assert [both[i]["y"] for i in (0, 3, -1)] == [0, 0, 1]
    with pytest.raises(IndexError):
        both[5]
    rows = TensorDataset(np.arange(10.0))
    assert next(iter(DataLoader(Subset(rows, [9, 3]), 2)))[0].tolist() == [9.0, 3.0]


def test_samplers() -> None:
    assert list(SequentialSampler(Squares(3))) == [0, 1, 2]
    assert len(RandomSampler(Squares(3), num_samples=7)) == 7
    assert set(RandomSampler(Squares(3), replacement=True, num_samples=50)) == {0, 1, 2}
    subset = SubsetRandomSampler([4, 5, 6], seed=2)
    assert sorted(subset.indices(0)) == [4, 5, 6]
    drawn = WeightedRandomSampler([1.0, 0.0, 3.0], 4000).indices(0)
    assert np.bincount(drawn, minlength=3)[1] == 0
    assert (drawn == 2).mean() == pytest.approx(0.75, abs=0.03)
    assert read(DataLoader(Squares(), batch_sampler=BatchSampler(subset, 2, drop_last=True)))[0][0] in (4, 5, 6)
    with pytest.raises(ValueError, match="must not be negative"):
        WeightedRandomSampler([-1.0], 1)
    with pytest.raises(ValueError, match="exclude each other"):
        DataLoader(Squares(), shuffle=True, sampler=subset)
    with pytest.raises(ValueError, match="'threads' or 'processes'"):
        DataLoader(Squares(), workers="fibers")
    with pytest.raises(ValueError, match="batch size must be positive"):
        DataLoader(Squares(), 0)
