"""Learning rate schedules, L-BFGS, averages of weights; optimizers step for step with PyTorch's."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import nn
from minigrad import Tensor
from nn.optim import EMA, LBFGS, SGD, Adam, lr_scheduler

SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 7, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [3, 9, 20], "gamma": 0.3}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("ConstantLR", {"factor": 0.4, "total_iters": 6}),
    ("LinearLR", {"start_factor": 0.2, "end_factor": 0.8, "total_iters": 8}),
    ("PolynomialLR", {"total_iters": 12, "power": 2.0}),
    ("CosineAnnealingLR", {"T_max": 10, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2, "eta_min": 0.01}),
    ("LambdaLR", {"lr_lambda": lambda t: 1 / (1 + t)}),
    ("LambdaLR", {"lr_lambda": [lambda t: 0.9**t, lambda t: 1.0 if t < 5 else 0.1]}),
    ("MultiplicativeLR", {"lr_lambda": lambda t: 0.9 if t % 2 else 1.0}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 31}),
    ("OneCycleLR", {"max_lr": [0.5, 0.2], "epochs": 5, "steps_per_epoch": 7, "anneal_strategy": "linear", "three_phase": True}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "step_size_down": 6}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "mode": "triangular2"}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "mode": "exp_range", "gamma": 0.95}),
]


def optimizers(momentum: float = 0.9) -> tuple[Any, Any, Any]:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ours = SGD(
        [{"params": Tensor([1.0], requires_grad=True)}, {"params": Tensor([1.0], requires_grad=True), "lr": 0.02}],
        lr=0.1,
        momentum=momentum,
    )
    p, q = torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.ones(1))
    return torch, ours, torch.optim.SGD([{"params": p}, {"params": q, "lr": 0.02}], lr=0.1, momentum=momentum)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of schedules that step without the optimizer
@pytest.mark.parametrize(("name", "options"), SCHEDULES)
def test_schedule_equals_torchs(name: str, options: dict[str, Any]) -> None:
    torch, ours, theirs = optimizers()
    extra = {"cycle_momentum": False} if name == "CyclicLR" else {}
    a = getattr(lr_scheduler, name)(ours, **options)
    b = getattr(torch.optim.lr_scheduler, name)(theirs, **options, **extra)
    for _ in range(30):
        np.testing.assert_allclose(
            [g["lr"] for g in ours.param_groups], [g["lr"] for g in theirs.param_groups], rtol=1e-9, atol=1e-12
        )
        np.testing.assert_allclose([g["momentum"] for g in ours.param_groups], [g["momentum"] for g in theirs.param_groups])
        theirs.step()
        a.step()
        b.step()


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_sequences_and_chains_equal_torchs() -> None:
    torch, ours, theirs = optimizers()
    S, their = lr_scheduler, torch.optim.lr_scheduler
    a = S.SequentialLR(ours, [S.LinearLR(ours, 0.1, total_iters=4), S.ExponentialLR(ours, 0.8)], [4])
    b = their.SequentialLR(theirs, [their.LinearLR(theirs, 0.1, total_iters=4), their.ExponentialLR(theirs, 0.8)], [4])
    for _ in range(12):
        np.testing.assert_allclose(a.get_last_lr(), [g["lr"] for g in theirs.param_groups])
        theirs.step()
        a.step()
        b.step()
    torch, ours, theirs = optimizers()
    c = S.ChainedScheduler([S.ConstantLR(ours, 0.3, 4), S.ExponentialLR(ours, 0.8)])
    d = their.ChainedScheduler([their.ConstantLR(theirs, 0.3, 4), their.ExponentialLR(theirs, 0.8)])
    for _ in range(12):
        np.testing.assert_allclose(c.get_last_lr(), [g["lr"] for g in theirs.param_groups])
        theirs.step()
        c.step()
        d.step()


@pytest.mark.torch
@pytest.mark.parametrize(
    "options",
    [{}, {"patience": 1, "factor": 0.5, "cooldown": 2}, {"mode": "max", "patience": 2, "threshold_mode": "abs", "min_lr": 0.01}],
)
def test_reduction_on_plateaus_equals_torchs(options: dict[str, Any]) -> None:
    torch, ours, theirs = optimizers()
    a = lr_scheduler.ReduceLROnPlateau(ours, **options)
    b = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **options)
    for loss in np.abs(np.random.default_rng(1).normal(size=60)) + np.linspace(1, 0.9, 60):
        a.step(loss)
        b.step(loss)
        np.testing.assert_allclose(a.get_last_lr(), [g["lr"] for g in theirs.param_groups])
    state = a.state_dict()
    a.step(-9.0)
    a.load_state_dict(state)
    assert a.best == state["best"]


def test_a_schedule_goes_on_where_it_was() -> None:
    optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    schedule = lr_scheduler.CosineAnnealingLR(optimizer, 10)
    for _ in range(4):
        schedule.step()
    state, rate = schedule.state_dict(), schedule.get_last_lr()
    again = lr_scheduler.CosineAnnealingLR(SGD([Tensor([1.0], requires_grad=True)], lr=5.0), 10)
    again.load_state_dict(state)
    assert again.get_last_lr() == rate


def test_errors_of_schedules() -> None:
    optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    with pytest.raises(ValueError, match="2 functions for 1 groups"):
        lr_scheduler.LambdaLR(optimizer, [abs, abs])
    with pytest.raises(ValueError, match="needs? 0 milestones|need 0 milestones"):
        lr_scheduler.SequentialLR(optimizer, [lr_scheduler.ExponentialLR(optimizer, 0.5)], [3])
    with pytest.raises(ValueError, match="give total_steps"):
        lr_scheduler.OneCycleLR(optimizer, 1.0)
    short = lr_scheduler.OneCycleLR(Adam([Tensor([1.0], requires_grad=True)]), 1.0, total_steps=2)
    short.step()
    with pytest.raises(ValueError, match="step 2 of a cycle of 2 steps"):
        short.step()


@pytest.mark.torch
@pytest.mark.parametrize("options", [{"lr": 0.1}, {"lr": 0.5, "history_size": 3, "max_iter": 5}])
def test_lbfgs_equals_torchs(options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    rng = np.random.default_rng(0)
    start, a = rng.normal(size=(2, 3)), rng.normal(size=(6, 6))
    a = a @ a.T + np.eye(6)
    x, t = Tensor(start.copy(), requires_grad=True), torch.tensor(start, requires_grad=True)
    ours, theirs = LBFGS([x], **options), torch.optim.LBFGS([t], **options)

    def closure() -> Any:
        ours.zero_grad()
        flat = x.reshape(-1)
        loss = flat @ a @ flat / 2 + (flat**4).sum()
        loss.backward()
        return loss

    def their_closure() -> Any:
        theirs.zero_grad()
        flat = t.reshape(-1)
        loss = flat @ torch.tensor(a) @ flat / 2 + (flat**4).sum()
        loss.backward()
        return loss

    for _ in range(5):
        np.testing.assert_allclose(float(ours.step(closure)), float(theirs.step(their_closure)), rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose(x.detach().numpy(), t.detach().numpy(), rtol=1e-6, atol=1e-9)


def test_lbfgs_with_a_line_search_finds_the_minimum_of_rosenbrocks_function() -> None:
    p = Tensor(np.array([-1.2, 1.0]), requires_grad=True)
    optimizer = LBFGS([p], max_iter=100, line_search_fn="armijo", max_eval=500)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = 100 * (p[1] - p[0] ** 2) ** 2 + (1 - p[0]) ** 2
        loss.backward()
        return loss

    optimizer.step(closure)
    np.testing.assert_allclose(p.detach().numpy(), [1.0, 1.0], atol=1e-4)
    with pytest.raises(TypeError, match="needs a closure"):
        optimizer.step()


def test_a_closure_is_called_by_every_optimizer() -> None:
    p = Tensor([1.0], requires_grad=True)
    optimizer = SGD([p], lr=0.1)

    def closure() -> Any:
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 1.0
    assert p.item() == pytest.approx(0.8)


def test_averages_of_weights() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = EMA(model, 0.5)
    before = model[0].weight.detach().numpy().copy()
    model[0].weight.data += 1.0
    model(np.random.default_rng(0).normal(size=(4, 2)))
    average.update(model)
    np.testing.assert_allclose(average.module[0].weight.detach().numpy(), before + 0.5, rtol=1e-6)
    np.testing.assert_array_equal(average.module[1].running_mean.numpy(), model[1].running_mean.numpy())
    other = EMA(model, 0.5)
    other.load_state_dict(average.state_dict())
    np.testing.assert_array_equal(other.module[0].weight.detach().numpy(), average.module[0].weight.detach().numpy())
    with pytest.raises(ValueError, match="between 0 and 1"):
        EMA(model, 2.0)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": 0.1}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "maximize": True}),
        ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
        ("Adam", {"lr": 0.1}),
        ("Adam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
        ("Adam", {"lr": 0.1, "amsgrad": True}),
        ("Adam", {"lr": 0.01, "maximize": True}),
        ("AdamW", {"lr": 0.1, "weight_decay": 0.2}),
        ("AdamW", {"lr": 0.1, "amsgrad": True}),
        ("Adagrad", {"lr": 0.1}),
        ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}),
        ("RMSprop", {"lr": 0.01}),
        ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True, "weight_decay": 0.1}),
        ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "maximize": True}),
        ("Adadelta", {"lr": 1.0}),
        ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.1}),
        ("Adamax", {"lr": 0.1}),
        ("Adamax", {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.1}),
        ("NAdam", {"lr": 0.1}),
        ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "momentum_decay": 0.1}),
        ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
        ("RAdam", {"lr": 0.1}),
        ("RAdam", {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1}),
        ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
        ("Rprop", {"lr": 0.1}),
        ("Rprop", {"lr": 0.1, "etas": (0.4, 1.5), "step_sizes": (1e-3, 0.5)}),
    ],
)
def test_optimizer_equals_torchs_over_50_steps(name: str, options: dict, request: pytest.FixtureRequest) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.set_default_dtype(torch.float64)  # torch keeps scalar states, such as NAdam's, in it
    request.addfinalizer(lambda: torch.set_default_dtype(torch.float32))
    starts = [np.random.default_rng(0).normal(size=shape) for shape in ((3, 4), (70, 300))]
    ours = [Tensor(a.copy(), requires_grad=True) for a in starts]
    theirs = [torch.tensor(a, requires_grad=True) for a in starts]
    group = {"lr": options["lr"] / 2}
    optimizer = getattr(nn.optim, name)([{"params": ours[0]}, {"params": ours[1:], **group}], **options)
    expected = getattr(torch.optim, name)([{"params": theirs[0]}, {"params": theirs[1:], **group}], **options)
    for _ in range(50):
        for parameters, opt in ((ours, optimizer), (theirs, expected)):
            opt.zero_grad()
            loss = sum((p * p + 1).sqrt().sum() for p in parameters)
            loss.backward()
            opt.step()
    # Rounding grows where a step is divided by a gradient that has almost vanished.
    slack = 1e-7 if name in ("Adamax", "NAdam") or options.get("centered") else 1e-13
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=slack)


def test_optimizer_state_travels() -> None:
    def run(steps: int, reload_at: int | None) -> list[float]:
        p = nn.Parameter([1.0, -2.0])
        optimizer = nn.optim.Adam([p], lr=0.1)
        for i in range(steps):
            if i == reload_at:
                state = copy.deepcopy(optimizer.state_dict())
                optimizer = nn.optim.Adam([p], lr=99.0)
                optimizer.load_state_dict(state)
            p.grad = None
            (p**4).sum().backward()
            optimizer.step()
        return p.tolist()

    assert run(10, None) == run(10, 5)
    with pytest.raises(ValueError, match="groups of"):
        nn.optim.SGD([nn.Parameter([1.0])]).load_state_dict({"state": {}, "param_groups": [{"params": [0, 1]}]})
