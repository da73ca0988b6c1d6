"""Checks that three ranks run together, one after the other; each prints its name when a rank has passed it."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

import minigrad
import nn
from minigrad import Tensor, autograd, grad, random
from nn import distributed
from nn.data import DataLoader, TensorDataset
from nn.distributed import DataParallel, DistributedError, SyncBatchNorm
from nn.utils import functional_call
from tests import stand_in

RANKS = 3
CHECKS: list[Callable[[], None]] = []


def check(function: Callable[[], None]) -> Callable[[], None]:
    """Add a check."""
    CHECKS.append(function)
    return function


@contextmanager
def raises(kind: type[Exception], *words: str) -> Iterator[None]:
    """The error of this kind, whose message has all these words."""
    try:
        yield
    except kind as error:
        missing = [word for word in words if word not in str(error)]
    else:
        missing = [kind.__name__]
    if missing:
        raise AssertionError(f"not in the error: {missing}")


def mine(rows: Any) -> Any:
    """This rank's part of an array."""
    return np.array_split(rows, RANKS)[distributed.rank()]


def same_everywhere(*arrays: Any) -> None:
    """The same bits on all ranks."""
    for x in arrays:
        found = distributed.all_gather(x)
        assert all(np.array_equal(other, found[0], equal_nan=True) for other in found), found


def linear(seed: int = 0, inputs: int = 3, outputs: int = 2) -> nn.Module:
    """A small network with weights by a seed."""
    random.manual_seed(seed)
    return nn.Sequential(nn.Linear(inputs, 4), nn.Tanh(), nn.Linear(4, outputs)).double()


def rows(n: int, columns: int = 3, seed: int = 0) -> np.ndarray:
    """Random numbers."""
    return np.random.default_rng(seed).normal(size=(n, columns))


def loss_of(model: Any, x: Any) -> Tensor:
    """The mean over rows of something that is not linear; NaN without rows."""
    out = model(x if isinstance(x, Tensor) else Tensor(x))
    return nn.functional.mse_loss(out, np.zeros_like(out))


def expect_gradients(model: Any, plain: nn.Module, rtol: float = 1e-12) -> None:
    """The gradients of the one model, the same on all ranks, are those of the other."""
    for (name, p), q in zip(plain.named_parameters(), model.module.parameters(), strict=True):
        if p.grad is None or q.grad is None:
            assert p.grad is q.grad, name
            continue
        same_everywhere(q.grad.data)
        np.testing.assert_allclose(q.grad.data, p.grad.data, rtol=rtol, atol=1e-13, err_msg=name)


# -------------------------------------------------------------------------------- communication


@check
def reductions_are_numpys() -> None:
    rng = np.random.default_rng(5)
    for kind in ("bool", "int8", "uint32", "int64", "float16", "float32", "float64", "complex64"):
        for shape in ((), (0, 2), (3, 2)):
            parts = [np.asarray(rng.integers(0, 3, shape)).astype(kind) for _ in range(RANKS)]
            for op, by in {"sum": np.sum, "mean": np.mean, "prod": np.prod, "max": np.max, "min": np.min}.items():
                found, want = distributed.all_reduce(parts[distributed.rank()], op), by(parts, axis=0)
                np.testing.assert_allclose(found, want, rtol=1e-3 if kind == "float16" else 1e-6)
                assert found.shape == shape and found.dtype == want.dtype, (op, kind, found.dtype)


@check
def a_nan_of_one_rank_is_the_maximum_of_all() -> None:
    x = np.array([1.0, np.nan if distributed.rank() == 1 else 2.0])
    np.testing.assert_array_equal(distributed.all_reduce(x, "max"), [1, np.nan])
    np.testing.assert_array_equal(distributed.all_reduce(x, "min"), [1, np.nan])


@check
def results_are_of_the_kinds_that_were_given() -> None:
    rank = distributed.rank()
    tree = {"number": rank, "truth": rank == 1, "tensor": Tensor([1.0, 2.0]), "rest": [np.float32(rank), None, 0.5]}
    total = distributed.all_reduce(tree)
    assert total["number"] == 3 and type(total["number"]) is int and total["truth"] == 1
    assert type(total["tensor"]) is Tensor and total["tensor"].tolist() == [3.0, 6.0]
    assert type(total["rest"][0]) is np.float32 and total["rest"][0] == 3 and total["rest"][1:] == [None, 1.5]
    x = np.arange(12.0).reshape(3, 4).T[::2]
    np.testing.assert_array_equal(distributed.all_reduce(x), RANKS * x)
    assert x[1, 1] == 6  # what was given stays as it is


@check
def collectives_go_on_while_others_begin() -> None:
    works = [distributed.all_reduce(np.full(1000, float(i)), async_op=True) for i in range(5)]
    works.append(distributed.broadcast(distributed.rank(), 2, async_op=True))
    assert works[-1].wait() == 2 and all(work.is_done for work in works)
    assert [work.wait()[0] for work in works[4::-1]] == [12, 9, 6, 3, 0]


@check
def what_is_gathered_may_be_ragged() -> None:
    rank = distributed.rank()
    x = {"rows": np.full((rank, 2), rank, np.float32), "rank": rank}
    for found in (distributed.all_gather(x), distributed.gather(x, dst=1)):
        if found is None:
            assert rank != 1
            continue
        assert [tree["rank"] for tree in found] == [0, 1, 2] and [tree["rows"].shape for tree in found] == [
            (0, 2),
            (1, 2),
            (2, 2),
        ]
        assert all((tree["rows"] == i).all() for i, tree in enumerate(found))


@check
def scattered_parts_are_those_of_the_sum() -> None:
    for dtype in (np.float32, np.float16, np.int64):
        x = (np.arange(14).reshape(7, 2) * (distributed.rank() + 1)).astype(dtype)
        part = distributed.reduce_scatter(x)
        np.testing.assert_array_equal(part, mine(np.arange(14).reshape(7, 2) * 6))
        assert part.dtype == dtype
        np.testing.assert_array_equal(np.concatenate(distributed.all_gather(part)), distributed.all_reduce(x))
    np.testing.assert_array_equal(distributed.reduce_scatter(np.arange(2.0), "mean"), mine(np.arange(2.0)))


@check
def messages_arrive_by_their_tags() -> None:
    rank = distributed.rank()
    left, right = (rank - 1) % RANKS, (rank + 1) % RANKS
    sent = [Tensor(np.full((2, rank), 1.5)), np.array(True), np.arange(1 << 17)]
    works = [distributed.send(x, right, tag, async_op=True) for tag, x in enumerate(sent)]
    coming = distributed.recv(left, 2, async_op=True)
    assert distributed.recv(left, 1).tolist() is True
    first = distributed.recv(left)
    assert type(first) is Tensor and first.shape == (2, left) and (first.numpy() == 1.5).all()
    np.testing.assert_array_equal(coming.wait(), sent[2])
    for work in works:
        work.wait()
    with raises(ValueError, "this rank itself"):
        distributed.send(1, rank)


@check
def messages_of_one_tag_keep_their_order() -> None:
    rank = distributed.rank()
    for x in (1.0, 2.0, 3.0):
        distributed.send(np.full(1 << 15, x), (rank + 1) % RANKS, async_op=True)
    works = [distributed.recv((rank - 1) % RANKS, async_op=True) for _ in range(3)]
    assert [work.wait()[-1] for work in works[::-1]] == [3.0, 2.0, 1.0]


@check
def messages_of_several_threads_do_not_mix() -> None:
    rank = distributed.rank()

    def swap(tag: int) -> list[float]:
        found = []
        for i in range(20):
            distributed.send(100.0 * tag + i, (rank + 1) % RANKS, tag, async_op=True)
            found.append(float(distributed.recv((rank - 1) % RANKS, tag)))
        return found

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(swap, range(6))) == [[100.0 * tag + i for i in range(20)] for tag in range(6)]


@check
def ranks_and_tags_are_whole_numbers() -> None:
    other = (distributed.rank() + 1) % RANKS
    for call in (lambda: distributed.send(1, other, tag=0.5), lambda: distributed.recv(other, tag=1 << 14)):
        with raises(ValueError, "tag must be a whole number from 0 to 16383"):
            call()
    with raises(ValueError, "src must be a whole number"):
        distributed.broadcast(1, src=1.0)


@check
def what_slow_ranks_are_told_is_read_and_forgotten() -> None:
    group = distributed.communication.group()
    for _ in range(20):
        group.tell(0, "a check")
    for _ in range(100):
        if not distributed.all_reduce(int(group._notes.Iprobe()), "max"):
            break
    else:
        raise AssertionError("notes are not read")
    group.tell(0, "a check")
    assert len(group._sent) == RANKS - 1


@check
def ranks_that_disagree_get_the_same_error_and_go_on() -> None:
    one = distributed.rank() == 1
    with raises(
        DistributedError, "rank 0 calls all_reduce(sum) of x: float64 (3,)", "rank 1 calls all_reduce(sum) of x: float64 (4,)"
    ):
        distributed.all_reduce(np.ones(3 + one))
    with raises(DistributedError, "float64 (2,)", "float32 (2,)"):
        distributed.all_reduce(np.ones(2, np.float32 if one else np.float64))
    with raises(DistributedError, "all_reduce(sum)", "all_reduce(max)"):
        distributed.all_reduce(1.0, "max" if one else "sum")
    with raises(DistributedError, "barrier()", "broadcast(src=0)"):
        distributed.broadcast(1.0) if one else distributed.barrier()
    long = {f"parameter {i:03}": np.ones(i) for i in range(200)}
    with raises(DistributedError, "x['parameter 150']: float64 (150,)", "x['parameter 150']: int64 (1,)"):
        distributed.all_reduce(long | {"parameter 150": np.array([1])} if one else long)
    assert distributed.all_reduce(1) == RANKS


@check
def a_gradient_is_not_lost_in_silence() -> None:
    x = Tensor([1.0], requires_grad=True)
    for call in (
        distributed.all_reduce,
        distributed.broadcast,
        distributed.all_gather,
        lambda x: distributed.send(x, 0 if distributed.rank() else 1),
    ):
        with raises(TypeError, "x requires a gradient", "sum_over_ranks(x)"):
            call(x)
    with raises(TypeError, "must be a number, an array or a Tensor, got str"):
        distributed.all_reduce("text")
    with raises(TypeError, "inside of vmap"):
        minigrad.vmap(distributed.all_reduce)(np.ones((2, 2)))


@check
def what_would_lose_its_value_is_refused() -> None:
    with raises(TypeError, "x['a'] is a masked array, whose mask would be lost; pass x['a'].filled(value)"):
        distributed.all_reduce({"a": np.ma.masked_equal([1.0, 2.0], 2)})
    with raises(ValueError, "x, a number of 65 bits, does not fit into int64"):
        distributed.broadcast(1 << 64)
    for op, number in (("sum", 1 << 62), ("prod", 1 << 21)):
        with raises(ValueError, f"the {op} of {number} on 3 ranks may leave int64"):
            distributed.all_reduce(number, op)
        assert distributed.all_reduce(number // 2, op) == (number // 2 * 3 if op == "sum" else (number // 2) ** 3)
    big = np.arange(3.0).astype(">f8")
    assert distributed.all_reduce(big).tolist() == [0.0, 3.0, 6.0] and distributed.all_gather(big)[1].tolist() == [0.0, 1.0, 2.0]


@check
def one_thread_speaks_for_a_rank() -> None:
    with ThreadPoolExecutor(1) as threads:
        with raises(RuntimeError, "all_reduce(sum) of x: int64 (): the thread 'ThreadPoolExecutor", "'MainThread' has called"):
            threads.submit(distributed.all_reduce, 1).result()
        assert threads.submit(lambda: (distributed.init(), distributed.all_reduce(1))[1]).result() == RANKS
        with raises(RuntimeError, "the thread 'MainThread' calls it"):
            distributed.barrier()
    distributed.barrier()  # that thread has ended


@check
def sums_over_ranks_have_derivatives_of_all_orders() -> None:
    parts = rows(RANKS)
    x = parts[distributed.rank()]

    def loss(x: Any) -> Any:
        return np.sum(distributed.sum_over_ranks(x**2) ** 2)

    total = np.sum(parts**2, axis=0)
    np.testing.assert_allclose(grad(loss)(x), RANKS * 4 * total * x)  # each rank has the loss, and all are added up
    step = minigrad.compile(lambda x: distributed.sum_over_ranks(x * 2) + 1)
    for number in range(3):
        np.testing.assert_array_equal(step(np.full(2, float(number))), 2 * RANKS * number + 1)
    np.testing.assert_array_equal(minigrad.vmap(distributed.sum_over_ranks)(np.eye(2)), RANKS * np.eye(2))  # one by one
    assert distributed.sum_over_ranks(np.full(2, 100, np.int8)).tolist() == [300, 300]
    assert distributed.sum_over_ranks(Tensor([True, distributed.rank() == 1])).tolist() == [3, 1]
    second = grad(lambda x: np.sum(grad(loss)(x)))(x)
    np.testing.assert_allclose(second, RANKS * (8 * x * np.sum(parts, axis=0) + 4 * total))


# --------------------------------------------------------------------------------- DataParallel


@check
def all_ranks_begin_with_the_first_one() -> None:
    inner = nn.Sequential(linear(distributed.rank()), nn.BatchNorm1d(2))
    inner[1].running_mean.data[...] = distributed.rank()
    model = DataParallel(inner)
    for p, q in zip(model.module[0].parameters(), linear(0).parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    assert inner[1].running_mean.tolist() == [0, 0]
    inner[1].running_mean.data[...] = distributed.rank() + 5
    model.sync_buffers()
    assert inner[1].running_mean.tolist() == [5, 5]


@check
def models_that_differ_are_an_error_on_all_ranks() -> None:
    two = distributed.rank() == 2
    with raises(DistributedError, "rank 0 has 0.weight: float64 (4, 3), learns", "rank 2 has 0.weight: float64 (4, 5), learns"):
        DataParallel(linear(inputs=5 if two else 3))
    with raises(DistributedError, "0.weight: float64", "0.weight: float32"):
        DataParallel(linear().float() if two else linear())
    with raises(DistributedError, "nothing more", "rank 2 has 2.weight"):
        DataParallel(nn.Sequential(nn.Linear(1, 1), nn.Tanh(), *[nn.Linear(1, 1)] * two))
    frozen = linear()
    frozen[2].bias.requires_grad = not two
    with raises(DistributedError, "2.bias: float64 (2,), learns", "rank 2 has 2.bias: float64 (2,)."):
        DataParallel(frozen)


@check
def gradients_are_those_of_the_whole_batch() -> None:
    for size in (1, 100, 1 << 20):
        model, plain = DataParallel(linear(), bucket_bytes=size), linear()
        for n in (9, 7, 2, 1):
            for module, x in ((model, mine(rows(n))), (plain, rows(n))):
                module.zero_grad()
                scale = 1 + next(module.parameters()).sum()  # the loss, which may be NaN, is a factor of its gradient
                (loss_of(module, x) * scale + 0.1 * sum((p**2).sum() for p in module.parameters())).backward()
            expect_gradients(model, plain)


@check
def losses_of_no_examples_are_nan_without_a_warning() -> None:
    def signs(out: Tensor) -> np.ndarray:
        return np.ones(len(out))

    def classes(out: Tensor) -> np.ndarray:
        return np.ones(len(out), int)

    F = nn.functional
    losses: dict[str, Callable[[Tensor], Tensor]] = {
        "mse": lambda out: F.mse_loss(out, np.zeros(out.shape)),
        "weighted mse": lambda out: F.mse_loss(out, np.zeros(out.shape), weight=np.full(out.shape, 2.0)),
        "cross entropy": lambda out: F.cross_entropy(out, classes(out)),
        "weighted": lambda out: F.cross_entropy(out, classes(out), weight=np.array([2.0, 1.0])),
        "smoothed": lambda out: F.cross_entropy(out, classes(out), label_smoothing=0.1),
        "probabilities": lambda out: F.cross_entropy(out, np.full(out.shape, 0.5)),
        "nll": lambda out: F.nll_loss(F.log_softmax(out, 1), classes(out)),
        "logistic": lambda out: F.binary_cross_entropy_with_logits(out, np.full(out.shape, 0.5)),
        "divergence": lambda out: F.kl_div(F.log_softmax(out, 1), np.full(out.shape, 0.5), reduction="batchmean"),
        "huber": lambda out: F.huber_loss(out, np.zeros(out.shape)),
        "margin": lambda out: F.multi_margin_loss(out, classes(out)),
        "labels": lambda out: F.multilabel_soft_margin_loss(out, np.ones(out.shape)),
        "cosine": lambda out: F.cosine_embedding_loss(out, np.ones(out.shape), signs(out)),
    }
    for name, loss in losses.items():
        model, plain = DataParallel(linear()), linear()
        found = loss(model(Tensor(mine(rows(2)))))  # rank 2 has none
        assert bool(np.isnan(found.item())) == (distributed.rank() == 2), name
        found.backward()
        loss(plain(Tensor(rows(2)))).backward()
        expect_gradients(model, plain)


@check
def gradients_travel_during_the_backward_pass() -> None:
    model = DataParallel(linear(), bucket_bytes=1)
    begun = []
    group = distributed.communication.group()
    model.module[0].weight.register_hook(lambda g: begun.append(group.calls))
    loss = loss_of(model, mine(rows(6)))
    before = group.calls
    loss.backward()
    assert begun == [before + 3] and group.calls == before + 4  # one bucket for each parameter; the first weight is the last


@check
def several_backward_passes_add_up() -> None:
    model, plain = DataParallel(linear()), linear()
    for module, part in ((model, mine), (plain, lambda x: x)):
        loss_of(module, part(rows(5))).backward()
        again = loss_of(module, part(rows(4, seed=1)))
        again.backward(retain_graph=True)
        again.backward()
    expect_gradients(model, plain)


@check
def without_sync_gradients_wait_for_the_next_pass() -> None:
    model, plain = DataParallel(linear()), linear()
    for n in (5, 2, 7):
        loss_of(plain, rows(n, seed=n)).backward()
    with model.no_sync():
        loss_of(model, mine(rows(5, seed=5))).backward()
        loss_of(model, mine(rows(2, seed=2))).backward()
    assert all(p.grad is None for p in model.parameters())
    model.module[0].weight.requires_grad = False
    with raises(RuntimeError, "gradients of no_sync() wait"):
        loss_of(model, rows(2))
    model.module[0].weight.requires_grad = True
    loss_of(model, mine(rows(7, seed=7))).backward()
    expect_gradients(model, plain)


@check
def what_waits_without_sync_is_forgotten_by_zero_grad_alone() -> None:
    model, plain = DataParallel(linear(), bucket_bytes=100), linear()
    optimizer = nn.optim.SGD(model.parameters(), 0.1)
    loss_of(plain, rows(6)).backward()
    for forget in (model.zero_grad, model.module.zero_grad, optimizer.zero_grad, lambda: optimizer.zero_grad(set_to_none=False)):
        for n in (5, 4):
            with model.no_sync():
                loss_of(model, mine(rows(n))).backward()
        forget()
        loss_of(model, mine(rows(6))).backward()
        expect_gradients(model, plain)
        model.module.zero_grad(set_to_none=False)
    with model.no_sync():
        loss_of(model, mine(rows(6))).backward()
    for p in model.parameters():
        p.grad = p.grad * 2  # is not what waits
    model.module[0].weight.grad = None
    loss_of(plain, rows(5)).backward()
    loss_of(model, mine(rows(5))).backward()
    only = linear()
    loss_of(only, rows(5)).backward()
    plain.get_parameter("0.weight").grad = only.get_parameter("0.weight").grad
    expect_gradients(model, plain)


@check
def a_pass_that_fails_leaves_what_waits_of_others() -> None:
    model, plain = DataParallel(linear(), bucket_bytes=1), linear()
    for _ in range(3):
        loss_of(plain, rows(6)).backward()
    for fails in (False, True, False):
        with model.no_sync():
            loss = loss_of(model, mine(rows(6)))
            handle = model.module[0].weight.register_hook(lambda g: [].pop()) if fails else None
            try:
                loss.backward()
            except IndexError:
                assert handle is not None
                handle()
    loss_of(model, mine(rows(6))).backward()
    expect_gradients(model, plain)


class Branches(nn.Module):
    """Three parameters, of which a call uses those that it is asked for."""

    def __init__(self) -> None:
        self.a, self.b, self.c = (nn.Parameter(np.array([2.0, 3.0])) for _ in range(3))

    def forward(self, x: Any, names: str) -> Any:
        return sum((getattr(self, name) * x).sum(axis=1) for name in names)


@check
def parameters_without_a_gradient_take_part() -> None:
    model = DataParallel(Branches(), bucket_bytes=1)
    for names in ("ac", "a" + "b" * (distributed.rank() == 1), "c"):
        model.zero_grad()
        model(Tensor(np.ones((2, 2))), names).mean().backward()
        for name in "abc":
            g = getattr(model.module, name).grad
            want = 1.0 if name in names or (names[0] == "a" and name == "b") else None
            if name == "b" and "a" in names and "c" not in names:
                want = 1 / RANKS  # of one rank alone
            elif name == "b":
                want = None
            assert (g is None) == (want is None), (names, name, g)
            if g is not None:
                np.testing.assert_allclose(g.data, [want, want])


@check
def weights_are_those_that_are_given() -> None:
    counts = [4, 0, 6]
    x = rows(10)
    part = np.split(x, np.cumsum(counts)[:-1])[distributed.rank()]
    model, plain = DataParallel(linear(), batch_axis=None), linear()
    loss_of(plain, x).backward()
    model.set_examples(len(part))
    loss_of(model, part).backward()
    expect_gradients(model, plain)
    model, plain = DataParallel(linear(), reduction="sum"), linear()
    (plain(Tensor(x)) ** 2).sum().backward()
    (model(Tensor(part)) ** 2).sum().backward()
    with raises(ValueError, "losses count fully"):
        model.set_examples(3)
    expect_gradients(model, plain)
    model, plain = DataParallel(nn.RNN(3, 2).double(), batch_axis=1), nn.RNN(3, 2).double()
    plain.load_state_dict(model.module.state_dict())
    x = np.random.default_rng(1).normal(size=(4, 5, 3))
    part = np.split(x, [3, 4], axis=1)[distributed.rank()]
    for module, values in ((model, part), (plain, x)):
        (module(Tensor(values))[0] ** 2).mean().backward()
    expect_gradients(model, plain)


@check
def shares_that_are_not_clear_are_an_error() -> None:
    model = DataParallel(linear())
    model(Tensor(rows(3)))
    loss = loss_of(model, mine(rows(4)))
    with raises(ValueError, "[3, 3, 3] and [2, 1, 1] examples", "set_examples(number)"):
        loss.backward()
    with minigrad.no_grad():
        model(Tensor(rows(distributed.rank())))  # the ranks do not meet here
    with raises(TypeError, "batch_axis=None"):
        model([1.0, 2.0])
    with raises(TypeError, "vmap the model inside"):
        minigrad.vmap(model)(Tensor(rows(2)))
    with raises(ValueError, "of shapes (5, 5), (4, 3), has different lengths", "batch_axis=None, and call set_examples"):
        model({"x": rows(4), "mask": np.ones((5, 5))})
    for number in (np.inf, np.nan, -1):
        with raises(ValueError, "set_examples: number must be a number of at least 0, got"):
            model.set_examples(number)


@check
def two_models_learn_from_one_loss_and_apart() -> None:
    both = [(DataParallel(linear(1, 3, 3)), DataParallel(linear(2))), (linear(1, 3, 3), linear(2))]
    other = nn.Linear(3, 1).double()  # of this rank alone
    other.weight.data[...] = 1.0
    for (first, second), x in zip(both, (mine(rows(5)), rows(5)), strict=True):
        inner = first(Tensor(x))
        second_loss = loss_of(second, inner.data)
        other.zero_grad()
        other(Tensor(np.ones((2, 3)))).mean().backward()
        second_loss.backward()
        (second(inner) ** 2).mean().backward()
    assert other.weight.grad.tolist() == [[1.0, 1.0, 1.0]]
    for model, plain in zip(*both, strict=True):
        expect_gradients(model, plain)


@check
def parameters_of_many_kinds() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            random.manual_seed(4)
            self.table = nn.Embedding(6, 3, sparse=True)
            self.short = nn.Parameter(np.ones(3, np.float16))
            self.wave = nn.Parameter(np.ones(3, np.complex128) * 1j)
            self.twin = self.short

        def forward(self, i: Any) -> Any:
            x = self.table(i) * self.short.astype("float32") * self.twin.astype("float32")
            return abs(x * self.wave).sum(axis=1) + (x * self.wave).real.sum(axis=1)

    indices = np.array([0, 3, 3, 5])
    model, plain = DataParallel(Mixed()), Mixed()
    model(Tensor(mine(indices))).mean().backward()
    plain(Tensor(indices)).mean().backward()
    plain.table.weight.grad = Tensor(plain.table.weight.grad.data.dense())
    expect_gradients(model, plain, rtol=2e-3)


@check
def what_learns_may_change() -> None:
    model, plain = DataParallel(linear()), linear()
    for learns in (False, True):
        for module, x in ((model, mine(rows(4))), (plain, rows(4))):
            module.zero_grad()
            for p in (module.module if module is model else module)[2].parameters():
                p.requires_grad = learns
            loss_of(module, x).backward()
        expect_gradients(model, plain)
    for module, x in ((model, mine(rows(4))), (plain, rows(4))):
        inner = module.module if module is model else module
        inner[2] = linear(9)[2]
        module.zero_grad()
        loss_of(module, x).backward()
    expect_gradients(model, plain)


@check
def copies_and_what_was_inside_stand_for_themselves() -> None:
    model = DataParallel(linear())
    loss_of(model, mine(rows(4))).backward()
    twin = copy.deepcopy(model)
    twin.zero_grad()
    loss_of(twin, mine(rows(4))).backward()
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_array_equal(p.grad.data, q.grad.data)
    inner = model.module
    del model
    inner.zero_grad()
    loss_of(inner, mine(rows(4))).backward()
    plain = linear()
    loss_of(plain, mine(rows(4))).backward()
    for p, q in zip(inner.parameters(), plain.parameters(), strict=True):
        np.testing.assert_array_equal(p.grad.data, q.grad.data)


@check
def the_model_inside_does_not_count_examples() -> None:
    model, plain = DataParallel(linear()), linear()
    with raises(RuntimeError, "by model(x), not by the module inside"):
        loss_of(model.module, mine(rows(4))).backward()
    assert all(p.grad is None for p in model.parameters())
    model.set_examples(len(mine(rows(4))))
    loss_of(model.module, mine(rows(4))).backward()
    loss_of(plain, rows(4)).backward()
    expect_gradients(model, plain)


@check
def gradients_of_one_rank_alone_are_refused() -> None:
    model, plain = DataParallel(linear()), linear()
    x = mine(rows(6))
    with raises(RuntimeError, "Call backward() and read .grad"):
        autograd.grad(loss_of(model, x), list(model.parameters()))
    as_tensors = dict(model.named_parameters())
    for values in ({name: p.data for name, p in as_tensors.items()}, as_tensors):
        for transform in (grad, minigrad.jacobian):
            with raises(RuntimeError, "functional_call(model.module, ...)"):
                transform(lambda p: loss_of(lambda x: functional_call(model, p, x), x))(values)
    inputs = Tensor(x, requires_grad=True)  # are this rank's own
    autograd.grad(loss_of(model, inputs), inputs)
    own = grad(lambda p: loss_of(lambda x: functional_call(model.module, p, x), x))(
        {name: p.data for name, p in model.module.named_parameters()}
    )
    loss_of(plain, rows(6)).backward()
    for (name, p), q in zip(plain.named_parameters(), distributed.all_reduce(own, "mean").values(), strict=True):
        np.testing.assert_allclose(q, p.grad.data, err_msg=name)
    loss_of(model, x).backward()
    expect_gradients(model, plain)


@check
def what_cannot_be_done_is_refused() -> None:
    model = DataParallel(linear())
    done = subprocess.run([sys.executable, "-c", "import nn; nn.distributed.rank()"], capture_output=True, text=True)
    assert "has started this one, which is no rank itself" in done.stderr
    with raises(RuntimeError, "create_graph=True"):
        loss_of(model, rows(3)).backward(create_graph=True)
    with raises(ValueError, "'weight' has no shape yet"):
        DataParallel(nn.LazyLinear(3))
    with raises(ValueError, 'must be "mean" or "sum"'):
        DataParallel(linear(), reduction="none")
    for model in (DataParallel(linear()), DataParallel(linear(), batch_axis=None)):
        with raises(TypeError, "compile the model inside"):
            minigrad.compile(lambda x, model=model: loss_of(model, x).backward())(rows(2))


# ------------------------------------------------------------------- normalisation and the rest


@check
def synchronised_statistics_are_those_of_the_whole_batch() -> None:
    for momentum in (0.1, None):
        for shape in ((8, 3), (2, 3, 4), (7, 3, 2, 2), (5, 3, 1, 2, 2)):
            x = np.random.default_rng(2).normal(2.0, 3.0, shape)
            kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}[len(shape)]
            plain = kind(3, momentum=momentum).double()
            plain.weight.data[...] = [1.0, 2.0, -1.0]
            both = SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(plain))
            for _ in range(2):
                whole, part = Tensor(x, requires_grad=True), Tensor(mine(x), requires_grad=True)
                out, own = plain(whole), both(part)
                np.testing.assert_allclose(own.data, mine(out.data), atol=1e-12)
                (out**3).sum().backward()
                (own**3).sum().backward()
                np.testing.assert_allclose(part.grad.data, mine(whole.grad.data), atol=1e-10)
            for (name, a), b in zip(plain.named_buffers(), both.buffers(), strict=True):
                np.testing.assert_allclose(b.data, a.data, rtol=1e-12, err_msg=name)
                same_everywhere(b.data)
            np.testing.assert_allclose(both.eval()(Tensor(mine(x))).data, mine(plain.eval()(Tensor(x)).data))
    with raises(ValueError, "more than one value"):
        SyncBatchNorm(2)(Tensor(np.ones((int(distributed.rank() == 1), 2))))


@check
def arrays_of_a_gpu_without_nccl_go_through_main_memory() -> None:
    with stand_in.installed():
        model, plain = DataParallel(linear().to("cuda"), bucket_bytes=1), linear().to("cuda")
        loss_of(model, Tensor(mine(rows(5)), device="cuda")).backward()
        loss_of(plain, Tensor(rows(5), device="cuda")).backward()
        for p, q in zip(plain.parameters(), model.parameters(), strict=True):
            assert q.grad.device == "cuda:0"
            np.testing.assert_allclose(q.grad.cpu().data, p.grad.cpu().data)
        x = Tensor(np.full(2, float(distributed.rank())), device="cuda")
        for found, want in (
            (distributed.all_reduce(x, "max"), 2.0),
            (distributed.broadcast(x, 1), 1.0),
            (distributed.sum_over_ranks(x), 3.0),
        ):
            assert found.device == "cuda:0" and found.tolist() == [want, want]


@check
def norms_are_those_of_all_ranks() -> None:
    p = Tensor(np.zeros(2), requires_grad=True)
    p.grad = Tensor([3.0, float(distributed.rank())], dtype=np.float64)
    total = distributed.clip_grad_norm_([p] if distributed.rank() < 2 else [], 1.0)
    np.testing.assert_allclose(total.item(), np.sqrt(19))
    want = np.array([3.0, float(distributed.rank())]) / (np.sqrt(19) if distributed.rank() < 2 else 1.0)
    np.testing.assert_allclose(p.grad.data, want, rtol=1e-5)
    for kind, norm in ((-np.inf, 0.0), (-1, 0.0), (0, 2), (np.inf, 3.0)):
        p.grad = Tensor([3.0, float(distributed.rank())])
        own = [p] if distributed.rank() < 2 else []
        with np.errstate(divide="ignore"):  # 0 to the power of -1
            np.testing.assert_allclose(distributed.clip_grad_norm_(own, 10.0, kind).item(), norm, err_msg=str(kind))
    p.grad = Tensor([3.0, 4.0])
    total = distributed.clip_grad_norm_([p] if distributed.rank() else [], 10.0, -np.inf)
    assert total.item() == 3  # without what a rank that has no parameters does not have


@check
def loaders_of_the_ranks_have_each_batch_together() -> None:
    dataset = TensorDataset(np.arange(20))
    sampler = distributed.DistributedBatchSampler(dataset, 9, seed=4)
    order = nn.data.RandomSampler(dataset, seed=4)
    alone = DataLoader(dataset, batch_sampler=nn.data.BatchSampler(order, 9, False))
    several = DataLoader(dataset, batch_sampler=sampler)
    for _ in range(2):
        for (own,), (whole,) in zip(several, alone, strict=True):
            np.testing.assert_array_equal(np.concatenate(distributed.all_gather(own.data)), whole.data)
    rank = distributed.rank()
    seeded = "rank 1 has a RandomSampler of 20 items with the seed 1"
    subset = nn.data.SubsetRandomSampler([rank, 3], seed=0)
    for words, make in (
        (seeded, lambda: distributed.DistributedBatchSampler(nn.data.RandomSampler(dataset, seed=rank), 9)),
        (seeded, lambda: distributed.DistributedBatchSampler(dataset, 9, seed=rank)),
        (seeded, lambda: distributed.DistributedSampler(dataset, seed=rank)),
        ("batch_size=10", lambda: distributed.DistributedBatchSampler(dataset, 9 + rank)),
        ("rank 1 has a SequentialSampler of 21 items", lambda: distributed.DistributedSampler(20 + rank, shuffle=False)),
        ("rank 1 has a SubsetRandomSampler of 2 items with the seed 0 (", lambda: distributed.DistributedBatchSampler(subset, 9)),
    ):
        with raises(DistributedError, words):
            make()


def main() -> None:
    """Run all checks, or those whose names match an expression."""
    distributed.init(timeout=60)
    warnings.simplefilter("error")
    for function in CHECKS:
        if re.search(sys.argv[1] if sys.argv[1:] else "", function.__name__):
            function()
            sys.stdout.write(f"passed {function.__name__}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
