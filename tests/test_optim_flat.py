"""Steps of many parameters at once, in flat buffers: the same numbers as one by one (on the stand-in for a GPU)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor
from minigrad.arrays import RowSparse

from .flat_samples import (
    KINDS,
    both,
    buffer,
    check_same,
    give_gradients,
    host,
    parameters,
    sizes_of_updates,
    there,
    train,
)

pytestmark = pytest.mark.usefixtures("stand_in")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("name", "options"), KINDS)
def test_one_step_of_all_is_a_step_of_each(name: str, options: dict[str, Any], dtype: str) -> None:
    (a, ours), (b, theirs) = both(name, lambda: parameters(dtype=dtype), **options)
    sizes = []
    kept = a._change
    a._change = lambda p, *args: (sizes.append(p.size), kept(p, *args))[1]
    for step in range(12):
        train(a, ours, 1, step)
        train(b, theirs, 1, step)
        check_same(a, ours, b, theirs)
    assert sizes[: 12 : 2 if dtype == "float16" else 1] == [buffer(len(ours))] * (6 if dtype == "float16" else 12)


def test_every_optimizer_says_whether_it_steps_all_at_once() -> None:
    kinds = {n: k for n in nn.optim.__all__ if isinstance(k := getattr(nn.optim, n), type)}
    kinds = {n: k for n, k in kinds.items() if issubclass(k, nn.optim.Optimizer)}
    together = {n for n, k in kinds.items() if k.together}
    assert together == {name for name, _ in KINDS}
    assert kinds.keys() - together == {"Optimizer", "Adafactor", "LBFGS", "Muon", "SparseAdam"}


def test_an_optimizer_with_its_own_update_is_asked_for_each_parameter() -> None:
    class Layerwise(nn.optim.Adam):
        """A step as long as the parameter: it does not change each number by itself."""

        def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
            sizes.append(p.size)
            p -= group["lr"] * np.linalg.norm(p) * g

    sizes: list[int] = []
    params = parameters([(2, 3), (4,)])
    train(Layerwise(params), params, 2)
    assert sizes == [6, 4, 6, 4]

    class Plain(nn.optim.Adam):
        pass

    assert Plain.together
    assert not Layerwise.together


def _normed(self: Any, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
    """A step of the length lr: all numbers of a parameter count for each of them."""
    p -= group["lr"] * g / np.linalg.norm(g)


class _Mixin:
    update = _normed


class _Above(_Mixin, nn.optim.SGD):
    pass


class _Below(_Above):
    pass


class _Claims(_Mixin):
    together = True


class _NotItsOwn(_Claims, nn.optim.SGD):
    pass


@pytest.mark.parametrize("kind", [_Above, _Below, _NotItsOwn, "instance", "class", "late"])
def test_an_update_from_elsewhere_is_asked_for_each_parameter(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mixin's, the instance's, one that was put into the class before or after the optimizer was made."""
    if kind == "class":
        monkeypatch.setattr(nn.optim.SGD, "update", _normed)
    params = [Tensor([0.0, 0.0], device="cuda", requires_grad=True) for _ in range(2)]
    optimizer = (nn.optim.SGD if isinstance(kind, str) else kind)(params, lr=1.0)
    if kind == "instance":
        optimizer.update = _normed.__get__(optimizer)
    if kind == "late":
        monkeypatch.setattr(nn.optim.SGD, "update", _normed)
    for k, p in enumerate(params):
        p.grad = Tensor([10.0**k] * 2, device="cuda")
    optimizer.step()
    for p in params:
        np.testing.assert_allclose(host(p), [-(0.5**0.5)] * 2, rtol=1e-6)


@pytest.mark.parametrize("how", ["mixin", "instance", "class"])
def test_a_state_from_elsewhere_is_made_for_each_parameter(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fresh_state(p: Any, group: dict[str, Any]) -> dict[str, Any]:
        sizes.append(p.size)
        return {"exp_avg": np.full_like(p, p.size), "exp_avg_sq": np.ones_like(p), "step": 0}

    sizes: list[int] = []
    mixin = type("Mixin", (), {"fresh_state": staticmethod(fresh_state)})
    kind = type("Own", (mixin, nn.optim.Adam), {}) if how == "mixin" else nn.optim.Adam
    params = parameters([(2, 3), (4,)])
    optimizer = kind(params)
    if how == "instance":
        optimizer.fresh_state = fresh_state
    if how == "class":
        monkeypatch.setattr(nn.optim.Adam, "fresh_state", staticmethod(fresh_state))
    train(optimizer, params, 1)
    assert sizes[-2:] == [6, 4]


def test_foreach_false_steps_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = sizes_of_updates(monkeypatch)
    for foreach, want in ((None, [buffer(4)]), (True, [buffer(4)]), (False, [12, 4, 1, 6])):
        params = parameters()
        calls.clear()
        train(nn.optim.Adam(params, foreach=foreach), params, 1)
        assert calls == want


@pytest.mark.torch
def test_all_at_once_is_torchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ours = parameters(dtype="float64")
    theirs = [torch.tensor(host(p), requires_grad=True) for p in ours]
    a, b = nn.optim.AdamW(ours, lr=0.1), torch.optim.AdamW(theirs, lr=0.1)
    for i in range(5):
        give_gradients(ours, i)
        for p, q in zip(ours, theirs, strict=True):
            q.grad = torch.tensor(host(p.grad))
        a.step()
        b.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(host(p), q.detach().numpy(), rtol=1e-12)


# ------------------------------------------------------------------ which parameters go together


def test_parameters_without_a_gradient_stay_and_come_back_later(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = sizes_of_updates(monkeypatch)
    runs = list(both(lr=0.1))
    for optimizer, params in runs:
        calls.clear()
        train(optimizer, params, 2)
        before = host(params[1])
        for i in range(2):
            give_gradients(params, 10 + i)
            params[1].grad = None
            optimizer.step()
        np.testing.assert_array_equal(host(params[1]), before)
        train(optimizer, params, 2, 20)
        if optimizer is runs[0][0]:  # then it is two steps behind the others, and is stepped by itself
            assert calls == [buffer(4)] * 2 + [buffer(3)] * 2 + [buffer(3), 4] * 2
    check_same(*runs[0], *runs[1])


def test_two_halves_in_turn_keep_their_buffers() -> None:
    """As the two networks of a GAN do that share an optimizer."""
    runs = list(both(lr=0.1))
    kept: list[Any] = []
    for optimizer, params in runs:
        for i in range(6):
            half = params[:2] if i % 2 else params[2:]
            give_gradients(half, i)
            optimizer.step()
            for p in params:
                p.grad = None
            kept.append([p.data for p in params])
    assert all(x is y for x, y in zip(kept[1], kept[5], strict=True))
    check_same(*runs[0], *runs[1])


def test_groups_with_their_own_options(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = sizes_of_updates(monkeypatch)
    runs = []
    for foreach in (None, False):
        params = parameters()
        groups = [{"params": params[:2], "lr": 0.1}, {"params": params[2:], "betas": (0.5, 0.9)}]
        optimizer = nn.optim.Adam(groups, foreach=foreach)
        train(optimizer, params, 2)
        more = parameters([(3,), (2,)], seed=5)
        optimizer.add_param_group({"params": more, "lr": 0.3})
        train(optimizer, params + more, 2, 5)
        runs.append((optimizer, params + more))
    check_same(*runs[0], *runs[1])
    assert calls[:10] == [buffer(2)] * 10


def test_a_parameter_that_is_added_to_a_group_is_stepped_with_the_others_or_by_itself() -> None:
    runs = list(both("SGD", lr=0.1))
    for optimizer, params in runs:
        train(optimizer, params, 2)
        params += parameters([(3,)], seed=5)
        optimizer.param_groups[0]["params"].append(params[-1])
        train(optimizer, params, 2, 5)
    check_same(*runs[0], *runs[1])


def test_kinds_are_not_mixed() -> None:
    def mixed() -> list[Tensor]:
        more = parameters([(3,), (2, 2)], "float64", 1) + parameters([(3,), (2,)], "float16", 2)
        return (
            parameters([(2, 3), (4,), (0, 3), (0,)])
            + more
            + [
                Tensor(np.array([1 + 2j, 3]), device="cuda", requires_grad=True),
                Tensor(np.array([2j, 1]), device="cuda", requires_grad=True),
            ]
        )

    runs = list(both(params=mixed, lr=0.1))
    for optimizer, params in runs:
        train(optimizer, params)
    check_same(*runs[0], *runs[1])


def test_row_sparse_gradients_change_their_rows_alone() -> None:
    runs = list(both("SGD", momentum=0.9, lr=0.1))
    for optimizer, params in runs:
        for i in range(4):
            give_gradients(params, i)
            if i != 2:
                params[0].grad = Tensor(RowSparse(there(np.ones((2, 3)), "float32"), there([1, 1]), (4, 3)))
            optimizer.step()
    check_same(*runs[0], *runs[1])


def test_gradients_of_another_precision_are_computed_with_as_they_are() -> None:
    runs = list(both(lr=0.1))
    for optimizer, params in runs:
        for i in range(3):
            give_gradients(params, i)
            params[0].grad = Tensor(np.full((4, 3), 1 / 3), device="cuda")
            optimizer.step()
    check_same(*runs[0], *runs[1])


def test_parameters_of_any_order_in_memory() -> None:
    def transposed() -> list[Tensor]:
        return [Tensor(there(np.arange(6.0)).reshape(2, 3).T, requires_grad=True) for _ in range(2)]

    runs = list(both(params=transposed, lr=0.1))
    for optimizer, params in runs:
        for i in range(3):
            give_gradients(params, i)
            params[1].grad = Tensor(np.asfortranarray(host(params[1].grad)), device="cuda")
            optimizer.step()
    check_same(*runs[0], *runs[1])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("name", "options"), KINDS)
def test_a_step_on_a_gpu_is_that_of_the_cpu(name: str, options: dict[str, Any], dtype: str) -> None:
    ours, theirs = parameters(dtype=dtype), parameters(dtype=dtype, device="cpu")
    a, b = (getattr(nn.optim, name)(ps, **options) for ps in (ours, theirs))
    b.param_groups[0]["foreach"] = False
    for i in range(4):
        train(b, theirs, 1, i)
        for p, q in zip(ours, theirs, strict=True):
            p.grad = q.grad.to("cuda")
        a.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(p.data.get(), q.data)
        for key, value in b.state[q].items():
            np.testing.assert_array_equal(host(a.state[p][key]), value)
    places = [p.data.data.ptr for p in ours]
    assert {(x - places[0]) % (128 * ours[0].dtype.itemsize) for x in places} == {0}
    assert len({id(p.data.data.mem) for p in ours}) == 1
