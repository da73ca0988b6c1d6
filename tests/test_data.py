"""Data sets, samplers, the DataLoader: order, workers, resuming, errors."""

from __future__ import annotations

import pickle
import random
import time
from collections.abc import Callable
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
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    get_worker_info,
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
    mask = np.arange(10) % 4 == 1
    for given in (mask, mask.tolist(), Tensor(mask)):
        assert next(iter(DataLoader(Subset(rows, given), 3)))[0].tolist() == [1.0, 5.0, 9.0]
    with pytest.raises(ValueError, match=r"a mask of shape \(3,\) for a data set of 10 items"):
        Subset(rows, [True, False, True])
    with pytest.raises(TypeError, match="flatnonzero"):
        SubsetRandomSampler(mask)


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
    with pytest.raises(ValueError, match="batch_size must be a whole number of at least 1"):
        DataLoader(Squares(), 0)


# --------------------------------------------------------------------------- iterations


@pytest.mark.parametrize("num_workers", [0, 2])
def test_each_iteration_has_a_place_of_its_own(num_workers: int) -> None:
    """Peeking, nested loops and zip: each sees every batch."""
    loader = DataLoader(Squares(6), 2, num_workers=num_workers)
    whole = [[0, 1], [2, 3], [4, 5]]
    assert next(iter(loader))["y"].tolist() == [0, 1]
    assert read(loader) == whole
    pairs = [(a["y"].tolist(), b["y"].tolist()) for a in loader for b in loader]
    assert pairs == [(a, b) for a in whole for b in whole]
    assert [a["y"].tolist() for a, _ in zip(loader, loader, strict=True)] == whole
    first, second = iter(loader), iter(loader)
    assert [next(first)["y"].tolist() for _ in range(2)] == whole[:2]
    assert next(second)["y"].tolist() == whole[0]
    assert next(first)["y"].tolist() == whole[2]
    assert next(first, None) is next(first, None) is None


def test_each_iteration_is_an_epoch_with_an_order_of_its_own() -> None:
    """Also one that is broken off: training on the first batches alone would go unseen."""
    loader = DataLoader(Squares(50), 10, shuffle=True, seed=0)
    looks = [next(iter(loader))["y"].tolist() for _ in range(3)]
    assert looks[0] != looks[1] != looks[2] != looks[0]
    pairs = [(a["y"].tolist(), b["y"].tolist()) for a, b in zip(loader, loader, strict=True)]
    assert all(a != b for a, b in pairs)
    assert sorted(sum((a for a, _ in pairs), [])) == sorted(sum((b for _, b in pairs), [])) == list(range(50))


def test_a_state_is_used_once_and_by_the_next_iteration() -> None:
    loader, undisturbed = (DataLoader(Squares(8), 2, shuffle=True, seed=3) for _ in range(2))
    epochs = [read(undisturbed) for _ in range(3)]
    loader.load_state_dict({"seed": 3, "epoch": 1, "position": 2})
    assert read(loader) == epochs[1][2:]
    assert read(loader) == epochs[2]
    batches = iter(loader)
    next(batches)
    state = batches.state_dict()
    next(iter(loader))
    assert state != loader.state_dict()
    loader.load_state_dict(state)
    assert read(loader) == [batch["y"].tolist() for batch in batches]


def test_a_state_that_is_none_changes_nothing() -> None:
    loader = DataLoader(Squares(8), 2, shuffle=True, seed=3)
    before = loader.state_dict()
    bad: Any
    for bad in (
        {"epoch": 0, "position": 0}, {"seed": -1, "epoch": 0, "position": 0}, {"seed": 1, "epoch": "a", "position": 0},
        {"seed": 1, "epoch": 0, "position": 5}, {"seed": 1, "epoch": 0, "position": True},
        {"seed": 1, "epoch": 0.5, "position": 0},
        {"seed": 1, "epoch": 0, "position": 0, "sampler": None},
        {"seed": 1, "epoch": 0, "position": 0, "samplers": 3}, {"seed": 2**128, "epoch": 0, "position": 0},
        ["seed", "epoch", "position"], None, 3,
    ):  # fmt: skip
        with pytest.raises(ValueError, match="DataLoader"):
            loader.load_state_dict(bad)
    assert loader.state_dict() == before
    assert read(loader) == read(DataLoader(Squares(8), 2, shuffle=True, seed=3))


def test_the_state_of_a_sampler_with_a_seed_of_its_own() -> None:
    def make(seed: int) -> DataLoader:
        return DataLoader(Squares(8), 2, sampler=RandomSampler(Squares(8), seed=seed), seed=1)

    loader, again = make(5), make(6)
    batches = iter(loader)
    next(batches)
    again.load_state_dict(loader.state_dict())
    assert read(again) == [batch["y"].tolist() for batch in batches]


def test_an_empty_data_set_gives_no_batches() -> None:
    for options in ({}, {"shuffle": True}, {"num_workers": 2}, {"drop_last": True}):
        loader = DataLoader(Squares(0), 2, **options)
        assert len(loader) == 0
        assert read(loader) == read(loader) == []
    short = DataLoader(Squares(3), 4, drop_last=True)
    assert len(short) == 0 and read(short) == []


def test_a_huge_order_needs_no_memory() -> None:
    class Huge(Dataset):
        def __len__(self) -> int:
            return 10**12

        def __getitem__(self, index: int) -> int:
            return index

    many = 10**10
    for sampler in (
        RandomSampler(Squares(5), replacement=True, num_samples=many),
        RandomSampler(Squares(5), num_samples=many),
        WeightedRandomSampler([1.0, 2.0], many),
    ):
        assert len(DataLoader(Squares(), 4, sampler=sampler)) == many // 4
        assert len(next(iter(DataLoader(Squares(), 4, sampler=sampler)))["y"]) == 4
        assert next(iter(sampler)) < 5
        assert next(iter(BatchSampler(sampler, 3, False)))[0] < 5
    assert next(iter(DataLoader(Huge(), 2))).tolist() == [0, 1]
    assert next(iter(DataLoader(Huge(), None))) == 0


def test_pieces_of_an_order_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from nn.data import sampler as module

    for make in (
        lambda: RandomSampler(Squares(7), replacement=True, num_samples=40, seed=1),
        lambda: RandomSampler(Squares(7), num_samples=40, seed=1),
        lambda: WeightedRandomSampler([1.0, 2.0, 0.5], 40, seed=1),
    ):
        whole = make().indices(3).tolist()
        monkeypatch.setattr(module, "PIECE", 6)
        assert [i for piece in make().pieces(3) for i in piece] == whole
        cut = [list(b) for b in BatchSampler(make(), 9, False).batches(3)]
        monkeypatch.undo()
        assert cut == [whole[i : i + 9] for i in range(0, 40, 9)]


def test_orders_of_your_own() -> None:
    class Backwards(Sampler):
        def __iter__(self) -> Any:
            return iter([3, 2, 1])

        def __len__(self) -> int:
            return 3

    class ByEpoch(Sampler):
        def indices(self, epoch: int) -> list[int]:
            return [epoch, 5]

    assert read(DataLoader(Squares(), 2, sampler=Backwards())) == [[3, 2], [1]]
    assert len(DataLoader(Squares(), 2, sampler=Backwards())) == 2
    by_epoch = DataLoader(Squares(), 2, sampler=ByEpoch())
    assert [read(by_epoch), read(by_epoch)] == [[[0, 5]], [[1, 5]]]
    assert read(DataLoader(Squares(), batch_sampler=[[1, 2], [3]])) == [[1, 2], [3]]
    assert read(DataLoader(Squares(), 2, sampler=[7, 8, 9], drop_last=True)) == [[7, 8]]
    named = DataLoader({"a": 1.0, "b": 2.0}, 2, sampler=["b", "a"])
    assert [x.tolist() for x in named] == [[2.0, 1.0]]
    rows = TensorDataset(np.arange(10.0))
    assert next(iter(DataLoader(rows, 3, sampler=iter([4, 5, 6, 7]))))[0].tolist() == [4.0, 5.0, 6.0]


class Drawn(Sampler):
    """An order that is drawn from a generator, at once or number by number."""

    def __init__(self, permutation: Any, at_once: bool = True) -> None:
        self.permutation, self.at_once = permutation, at_once

    def __iter__(self) -> Any:
        if self.at_once:
            return iter(np.asarray(self.permutation(24)).tolist())
        left = list(range(24))
        return (left.pop(int(self.permutation(len(left))[0])) for _ in range(24))

    def __len__(self) -> int:
        return 24


class DrawnIndices(Drawn):
    __iter__ = Sampler.__iter__

    def indices(self, epoch: int) -> Any:
        return np.asarray(self.permutation(24))


class DrawnBatches(Drawn):
    def __iter__(self) -> Any:
        return iter(np.asarray(self.permutation(24)).reshape(-1, 4).tolist())

    def __len__(self) -> int:
        return 6


DRAWN = {
    "minigrad's": lambda: Drawn(lambda n: mg.random.generator().permutation(n)),
    "NumPy's": lambda: Drawn(np.random.permutation, at_once=False),
    "Python's": lambda: Drawn(lambda n: random.sample(range(n), n)),
    "of its own": lambda: Drawn(np.random.default_rng(3).permutation, at_once=False),
    "indices": lambda: DrawnIndices(np.random.permutation),
    "batches": lambda: DrawnBatches(np.random.RandomState(3).permutation),
}


@pytest.mark.parametrize("made", DRAWN.values(), ids=DRAWN)
@pytest.mark.parametrize("workers", [0, 2])
def test_an_order_of_your_own_follows_from_seed_and_epoch_and_resumes(made: Callable[[], Sampler], workers: int) -> None:
    def make(seed: int = 5) -> DataLoader:
        order = made()
        options = {"batch_sampler": order} if isinstance(order, DrawnBatches) else {"sampler": order}
        size = {} if isinstance(order, DrawnBatches) else {"batch_size": 4}
        return DataLoader(TensorDataset(np.arange(24)), seed=seed, num_workers=workers, **options, **size)

    loader = make()
    before = [pickle.dumps(s) for s in (np.random.get_state(), random.getstate())]
    first, second = ([x.tolist() for (x,) in loader] for _ in range(2))
    assert before == [pickle.dumps(s) for s in (np.random.get_state(), random.getstate())]
    assert first != second and sorted(sum(first, [])) == list(range(24))
    assert first != [x.tolist() for (x,) in make(6)]
    stopped = make()
    batches = iter(stopped)
    for _ in range(2):
        next(batches)
        np.random.rand(), random.random(), mg.random.rand()  # others' draws change nothing
    resumed = make()
    resumed.load_state_dict(stopped.state_dict())
    assert [x.tolist() for (x,) in resumed] == first[2:]
    assert [x.tolist() for (x,) in resumed] == second


@pytest.mark.parametrize(
    "options",
    [
        lambda: {"sampler": iter([1, 2])},
        lambda: {"sampler": (i for i in (1, 2)), "batch_size": 2},
        lambda: {"batch_sampler": map(list, [[1], [2]])},
        lambda: {"batch_sampler": BatchSampler(iter([1, 2]), 2, False)},
    ],
)
def test_an_order_that_can_be_read_once_is_no_second_epoch(options: Any) -> None:
    loader = DataLoader(Squares(), **options())
    assert sum(read(loader), []) == [1, 2]
    with pytest.raises(RuntimeError, match="can be read once only"):
        iter(loader)


def test_seeds_of_samplers_and_generators() -> None:
    make = lambda **options: list(RandomSampler(range(20), **options))
    mg.random.manual_seed(1)
    first, second = make(), make()
    mg.random.manual_seed(1)
    assert [make(), make()] == [first, second] and first != second
    assert make(generator=np.random.default_rng(3)) == make(generator=np.random.default_rng(3))
    assert make(generator=4) == make(seed=4) != make(seed=5)
    orders = [read(DataLoader(Squares(), 3, True, generator=np.random.default_rng(3))) for _ in range(2)]
    assert orders[0] == orders[1]
    with pytest.raises(ValueError, match="generator and seed exclude each other"):
        DataLoader(Squares(), generator=1, seed=1)
    with pytest.raises(TypeError, match="integer or a numpy.random.Generator, got str"):
        RandomSampler(Squares(), seed="a")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seed must be a whole number from 0 to"):
        DataLoader(Squares(), seed=-1)


def test_many_items_at_once() -> None:
    """__getitems__ may give a list of items, as in PyTorch, a batch, or NotImplemented."""

    class Many(Squares):
        answer: Any = None

        def __getitems__(self, indices: Any) -> Any:
            return self.answer(list(indices))

    data = Many()
    data.answer = lambda indices: [{"y": 10 * i} for i in indices]
    assert read(DataLoader(data, 4))[0] == [0, 10, 20, 30]
    data.answer = lambda indices: {"y": np.array(indices) + 1}
    assert read(DataLoader(data, 4))[0] == [1, 2, 3, 4]
    data.answer = lambda indices: NotImplemented
    assert read(DataLoader(data, 4))[0] == [0, 1, 2, 3]


def test_no_batches_but_items() -> None:
    data = [(np.ones(2), "a"), (np.zeros(2), "b")]
    items = list(DataLoader(data, None, num_workers=2))
    assert len(items) == len(DataLoader(data, None)) == 2
    assert isinstance(items[0][0], Tensor) and items[0][1] == "a"
    assert list(DataLoader([3, 4], batch_size=None, collate_fn=lambda x: -x)) == [-3, -4]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"num_workers": -1}, "num_workers must be a whole number of at least 0, got -1"),
    ({"timeout": -1}, "timeout must be a number of at least 0, got -1"),
    ({"prefetch_factor": 0, "num_workers": 1}, "prefetch_factor must be .* at least 1, got 0"),
    ({"prefetch_factor": 2}, "need num_workers > 0"),
    ({"persistent_workers": True}, "need num_workers > 0"),
    ({"batch_size": None, "drop_last": True}, "batch_size=None makes no batches"),
    ({"batch_sampler": [[0]], "batch_size": 3}, "batch_size and drop_last exclude it"),
    ({"batch_sampler": [[0]], "drop_last": True}, "batch_size and drop_last exclude it"),
    ({"batch_size": 2.5}, "batch_size must be a whole number of at least 1, got 2.5"),
    ({"multiprocessing_context": "fork"}, "need num_workers > 0"),
    ({"multiprocessing_context": "thread", "num_workers": 1}, "must be one of"),
    ({"sampler": [0], "batch_sampler": [[0]]}, "exclude each other"),
    ({"sampler": [0], "shuffle": True}, "exclude each other"),
]

FLAGS: list[tuple[dict[str, Any], str]] = [
    ({"shuffle": "yes"}, "shuffle must be True or False, got 'yes'"),
    ({"drop_last": "no"}, "drop_last must be True or False, got 'no'"),
    ({"persistent_workers": 2, "num_workers": 1}, "persistent_workers must be True or False, got 2"),
]


@pytest.mark.parametrize(("options", "message"), [*WRONG, *FLAGS])
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataLoader(Squares(), **options)


@pytest.mark.parametrize(("name", "value"), [("num_workers", 1.5), ("timeout", float("nan"))])
def test_a_number_that_is_none_is_named_when_the_loader_is_made(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a .*number of at least 0, got {value}"):
        DataLoader(Squares(), **{name: value})


@pytest.mark.torch
def test_pytorch_refuses_the_same_options() -> None:
    data = pytest.importorskip("torch", reason="PyTorch is not installed").utils.data
    for options, _ in WRONG:
        if options != {"prefetch_factor": 0, "num_workers": 1}:
            with pytest.raises((ValueError, TypeError)):
                data.DataLoader([1, 2], **options)


def test_items_that_cannot_be_collated_are_named() -> None:
    collate = default_collate
    for items, message in (
        ([None, None], "item 0 of the batch is None"),
        ([{"a": 1}, {"a": None}], r"item 1\['a'\] of the batch is None"),
        ([(1, object())], r"item 0\[1\] of the batch is of type object"),
        ([1.0, "a"], "item 0 is a number, item 1 is text"),
        ([np.array(["a"])], "arrays of <U1"),
    ):
        with pytest.raises(TypeError, match=message):
            collate(items)
    for items, message in (
        ([[1, 2], [3]], r"different lengths \[1, 2\]"),
        ([{"a": 1}, {"b": 1}], r"keys \['a'\] and \['b'\]"),
        ([], "no items"),
    ):
        with pytest.raises(ValueError, match=message):
            collate(items)
    with pytest.raises(TypeError, match="item 1 of the list is None"):
        list(DataLoader([1.0, None], 2))
    with pytest.raises(ValueError, match="different shapes") as caught:
        list(DataLoader([np.ones(1), np.ones(2)], 2))
    assert "batch of items 0, 1" in "".join(caught.value.__notes__)


def test_splits_of_one_item_and_of_wrong_lengths() -> None:
    assert [len(part) for part in random_split([1], [0.5, 0.5])] == [1, 0]
    assert [len(part) for part in random_split([1], [1])] == [1]
    assert random_split(range(9), [4, 5], np.random.default_rng(1))[0].indices.tolist() != [0, 1, 2, 3]
    with pytest.raises(ValueError, match="must not be negative"):
        random_split(range(3), [4, -1])


@pytest.mark.torch
def test_lengths_order_and_batches_are_pytorchs() -> None:
    """Of samplers, splits, collated batches and loaders over streams, wherever no draw decides."""
    theirs = pytest.importorskip("torch", reason="PyTorch is not installed").utils.data
    import nn.data as ours

    def both(make: Callable[[Any], Any]) -> None:
        assert make(ours) == make(theirs)

    for n, size, drop in ((7, 3, False), (7, 3, True), (6, 3, True), (2, 5, True), (0, 2, False)):
        both(lambda m, n=n, s=size, d=drop: list(m.BatchSampler(m.SequentialSampler(range(n)), s, d)))
        both(lambda m, n=n, s=size, d=drop: len(m.BatchSampler(m.SequentialSampler(range(n)), s, d)))
        both(lambda m, n=n, s=size, d=drop: [b.tolist() for b in m.DataLoader(list(range(n)), s, drop_last=d)])
    both(lambda m: len(m.RandomSampler(range(4), num_samples=9)))
    both(lambda m: sorted(m.RandomSampler(range(4), num_samples=8)))
    both(lambda m: sorted(m.SubsetRandomSampler([2, 5, 5])))
    both(lambda m: sorted(m.WeightedRandomSampler([0.0, 1.0, 2.0], 2, replacement=False)))
    for lengths in ([0.5, 0.25, 0.25], [0.3, 0.3, 0.4], [0.1, 0.9], [1.0], [3, 4, 4]):
        both(lambda m, lengths=lengths: [len(part) for part in m.random_split(range(11), lengths)])
    both(lambda m: m.ConcatDataset([[1, 2], [3]]).cumulative_sizes)
    both(lambda m: [m.ConcatDataset([[1, 2], [3]])[i] for i in (0, 2, -1)])
    both(lambda m: [len(b) for b in m.DataLoader(stream_of_seven(m), 3)])
    both(lambda m: [len(b) for b in m.DataLoader(stream_of_seven(m), 3, drop_last=True)])
    both(lambda m: list(stream_of_seven(m) + stream_of_seven(m)))
    both(lambda m: m.get_worker_info())
    for items in ([1, 2], [True, False], [(1, 2.5), (3, 4.5)], ["a", "b"], [b"a"], [{"a": [1, "x"]}, {"a": [2, "y"]}]):
        both(lambda m, items=items: plain(m.default_collate(items)))
    both(lambda m: plain(m.default_convert((np.ones(2), "a", {"b": np.int64(3)}))))


def stream_of_seven(module: Any) -> Any:
    class Seven(module.IterableDataset):  # type: ignore[misc]
        def __iter__(self) -> Any:
            return iter(range(7))

    return Seven()


def plain(batch: Any) -> Any:
    if isinstance(batch, dict):
        return {key: plain(value) for key, value in batch.items()}
    if isinstance(batch, (list, tuple)):
        return [plain(value) for value in batch]
    return batch.tolist() if hasattr(batch, "tolist") else batch


def test_a_state_of_other_batches_is_refused() -> None:
    loader = DataLoader(Squares(), 2, shuffle=True, seed=3)
    next(iter(loader))
    state = loader.state_dict()
    for options in ({"batch_size": 5}, {"batch_size": None}, {"batch_sampler": [[0], [1, 2]]}):
        other = DataLoader(Squares(), **options)
        before = other.state_dict()
        with pytest.raises(ValueError, match="batch_size=2, this one has batch_size="):
            other.load_state_dict(state)
        assert other.state_dict() == before
    DataLoader(Squares(), np.int64(2), shuffle=True).load_state_dict(state)


def test_a_place_in_a_stream_is_one_of_its_workers() -> None:
    class Stream(IterableDataset):
        def __iter__(self) -> Any:
            info = get_worker_info()
            return iter(range(12) if info is None else range(info.id, 12, info.num_workers))

    loader = DataLoader(Stream(), 2, num_workers=2)
    next(iter(loader))
    with pytest.raises(ValueError, match="num_workers=2, this one has num_workers=3"):
        DataLoader(Stream(), 2, num_workers=3).load_state_dict(loader.state_dict())
    again = DataLoader(Stream(), 2, num_workers=2)
    again.load_state_dict(loader.state_dict())
    assert [x.tolist() for x in again] == [x.tolist() for x in DataLoader(Stream(), 2, num_workers=2)][1:]


class Seeds(Dataset):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        info = get_worker_info()
        assert info is not None
        return info.seed


@pytest.mark.parametrize("workers", ["threads", "processes"])
def test_persistent_workers_have_the_seed_of_each_epoch(workers: str) -> None:
    def epochs(persistent: bool) -> Any:
        loader = DataLoader(Seeds(), 2, num_workers=2, seed=1, workers=workers, persistent_workers=persistent)
        return [[x.tolist() for x in loader] for _ in range(2)]

    first, second = epochs(True)
    assert first != second
    assert [first, second] == epochs(False)


class LateRandom(Dataset):
    """Items that take a while, and draw from the 120th on."""

    def __len__(self) -> int:
        return 200

    def __getitem__(self, index: int) -> Any:
        time.sleep(0.001)
        return np.random.random() if index >= 120 else float(index)


def test_items_that_draw_late_beside_a_loop_that_draws_are_those_of_the_seed() -> None:
    expected = [x.tolist() for x in DataLoader(LateRandom(), 4, seed=1)]
    found = []

    def read_and_draw() -> None:
        for batch in DataLoader(LateRandom(), 4, seed=1, num_workers=2):
            found.append(batch.tolist())
            for _ in range(8):  # as a training step that draws, while threads fetch ahead
                np.random.random()
                time.sleep(0.0005)

    with pytest.warns(UserWarning, match="something draws from numpy.random or random again and"):
        read_and_draw()
    assert found == expected
