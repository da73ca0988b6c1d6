"""How few launches optimizers, averages and vectors of parameters take on a GPU, and that they wait for nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad
import nn
from minigrad import Tensor

from .flat_samples import (
    KINDS,
    backward,
    host,
    network,
    parameters,
    train,
)

#: How many launches a step takes where the gradients are joined by one.
LAUNCHES: list[tuple[str, dict[str, Any], int]] = [
    ("Adam", {}, 2),
    ("Adam", {"weight_decay": 0.1}, 4),
    ("Adam", {"maximize": True}, 3),
    ("AdamW", {}, 3),
    ("AdamW", {"amsgrad": True}, 3),
    ("SGD", {"lr": 0.1}, 3),
    ("SGD", {"lr": 0.1, "momentum": 0.9}, 5),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True}, 9),
    ("RMSprop", {}, 10),
    ("RMSprop", {"momentum": 0.9, "centered": True}, 18),
    ("ASGD", {}, 7),
    ("Adagrad", {}, 8),
    ("Adadelta", {}, 16),
    ("Rprop", {}, 15),
    ("Adamax", {}, 11),
    ("NAdam", {}, 16),
    ("RAdam", {}, 13),
]


@pytest.mark.parametrize(("name", "options", "launches"), LAUNCHES)
@pytest.mark.parametrize("layers", [2, 20])
def test_a_step_takes_as_many_launches_for_few_parameters_as_for_many(
    name: str, options: dict[str, Any], launches: int, layers: int, stand_in: Any
) -> None:
    gpu, cpu = network(layers), network(layers, "cpu")
    ours, theirs = (getattr(nn.optim, name)(m.parameters(), **options) for m in (gpu, cpu))
    theirs.param_groups[0]["foreach"] = False
    counts = []
    for _ in range(8):
        for model, optimizer in ((gpu, ours), (cpu, theirs)):
            backward(model)
            with stand_in.counting() as count:
                optimizer.step()
            if optimizer is ours:
                assert not count.syncs, count
                assert count.uploads <= 1, count  # the numbers of Adam's step, which is compiled
                counts.append(count.launches)
    joined = 8 if layers == 2 else 1  # CuPy joins up to eight pieces by a launch each; here they are 4 gradients and 4 gaps
    assert max(counts[1:]) == launches - 1 + joined
    assert counts[0] <= launches + 8 + joined  # the parameters and the first state are moved
    for p, q in zip(gpu.parameters(), cpu.parameters(), strict=True):
        np.testing.assert_allclose(p.data.get(), q.data, rtol=1e-4, atol=1e-6)


def test_a_whole_training_step_waits_for_nothing(stand_in: Any) -> None:
    model = network(10)
    rate = Tensor(np.float32(0.1))
    optimizer = nn.optim.Adam([{"params": model[:5].parameters(), "lr": rate}, {"params": model[5:].parameters()}])
    for i in range(3):
        with stand_in.counting() as count:
            backward(model)
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            nn.utils.clip_grad_value_(model.parameters(), 0.01)
            optimizer.step()
            optimizer.zero_grad()
        assert not count.syncs, (i, count)


@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_steps_one_by_one_wait_for_nothing(name: str, stand_in: Any) -> None:
    ours, theirs = parameters([(3, 4), (4, 2)]), parameters([(3, 4), (4, 2)], device="cpu")
    a, b = (getattr(nn.optim, name)(ps, lr=0.1, weight_decay=0.01) for ps in (ours, theirs))
    for i in range(4):
        train(b, theirs, 1, i)
        for p, q in zip(ours, theirs, strict=True):
            p.grad = q.grad.to("cuda")
        with stand_in.counting() as count:
            a.step()
        assert not count.syncs, count
        assert not count.uploads, count
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data.get(), q.data, rtol=1e-4, atol=1e-6)


def test_a_rate_on_the_gpu_is_read_once_for_a_group(stand_in: Any) -> None:
    model = network(10)
    optimizer = nn.optim.Adam(model.parameters(), lr=Tensor(np.float32(0.1), device="cuda"))
    for _ in range(3):
        backward(model)
        with stand_in.counting() as count:
            optimizer.step()
    assert count.syncs == 1, count


def test_gradients_are_forgotten_without_a_launch(stand_in: Any) -> None:
    model = network(3)
    backward(model)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.1)
    with stand_in.counting() as count:
        optimizer.zero_grad()
    assert not count.launches, count


@pytest.mark.parametrize("kind", ["EMA", "mean", "ema"])
def test_averages_take_as_many_launches_for_few_parameters_as_for_many(kind: str, stand_in: Any) -> None:
    launches, ends = [], []
    for layers, device in ((2, "cuda"), (10, "cuda"), (10, "cpu")):
        model = network(layers, device)
        if kind == "EMA":
            average: Any = nn.optim.EMA(model, 0.9)
            update = average.update
        else:
            multi = nn.optim.swa_utils.get_ema_multi_avg_fn(0.9) if kind == "ema" else None
            average = nn.optim.swa_utils.AveragedModel(model, multi_avg_fn=multi)
            update = average.update_parameters
        for i in range(3):
            for p in model.parameters():
                p.data[...] = p.data + i
            with stand_in.counting() as count:
                update(model)
        assert not count.syncs, count
        launches.append(count.launches)
        ends.append([host(p.data) for p in average.module.parameters()])
    assert launches[1] <= 7
    assert launches[0] <= launches[1] + 2 * 7  # up to eight pieces are joined by a launch each
    for x, y in zip(*ends[1:], strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5)


@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_a_vector_is_written_into_parameters_anywhere(device: str, stand_in: Any) -> None:
    model = network(5)
    params = list(model.parameters())
    vector = Tensor(np.arange(150.0), device=device)
    seen = params[0].data
    with stand_in.counting() as count:
        nn.utils.vector_to_parameters(vector, params)
    assert not count.syncs
    assert device == "cpu" or count.launches <= 5, count
    assert params[0].data is seen
    np.testing.assert_array_equal(nn.utils.parameters_to_vector(params).data.get(), np.arange(150.0))


# ---------------------------------------------------------------------------------- on a real one


@pytest.mark.gpu
@pytest.mark.skipif(not minigrad.cuda_is_available(), reason="needs CuPy and a GPU")
@pytest.mark.parametrize(("name", "options"), KINDS)
def test_a_real_gpu_steps_all_at_once_and_shares_what_was_shared(name: str, options: dict[str, Any]) -> None:
    ours, theirs = parameters(), parameters(device="cpu")
    a, b = (getattr(nn.optim, name)(ps, **options) for ps in (ours, theirs))
    b.param_groups[0]["foreach"] = False
    seen = None
    for i in range(4):
        train(b, theirs, 1, i)
        for p, q in zip(ours, theirs, strict=True):
            p.grad = q.grad.to("cuda")
        nn.utils.clip_grad_norm_(ours, 1e6)
        a.step()
        seen = ours[0].data if seen is None else seen
    places = [p.data.data.ptr for p in ours]
    assert max(places) - min(places) < 4 * 128 * 4
    assert {(x - places[0]) % 512 for x in places} == {0}
    np.testing.assert_array_equal(seen.get(), ours[0].data.get())
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data.get(), q.data, rtol=1e-4, atol=1e-6)
