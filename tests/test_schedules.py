"""Learning rate schedules: each equals PyTorch's at every step, alone, together and from a state."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import Tensor
from nn.optim import SGD, Adam, RMSprop, lr_scheduler, swa_utils

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of schedules that step without the optimizer

#: Schedules by name with their options, for two groups.
SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 7, "gamma": 0.5}),
    ("StepLR", {"step_size": 1}),
    ("MultiStepLR", {"milestones": [3, 9, 20], "gamma": 0.3}),
    ("MultiStepLR", {"milestones": [9, 3, 3], "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [0, 2]}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("ConstantLR", {"factor": 0.4, "total_iters": 6}),
    ("ConstantLR", {"total_iters": 0}),
    ("LinearLR", {"start_factor": 0.2, "end_factor": 0.8, "total_iters": 8}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 5}),
    ("LinearLR", {"start_factor": 0.5, "total_iters": 0}),
    ("PolynomialLR", {"total_iters": 12, "power": 2.0}),
    ("PolynomialLR", {"total_iters": 4}),
    ("CosineAnnealingLR", {"T_max": 10, "eta_min": 0.01}),
    ("CosineAnnealingLR", {"T_max": 7}),
    ("CosineAnnealingLR", {"T_max": 1, "eta_min": 0.001}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 1}),
    ("CosineAnnealingWarmRestarts", {"T_0": 4}),
    ("LambdaLR", {"lr_lambda": lambda t: 1 / (1 + t)}),
    ("LambdaLR", {"lr_lambda": [lambda t: 0.9**t, lambda t: 1.0 if t < 5 else 0.1]}),
    ("MultiplicativeLR", {"lr_lambda": lambda t: 0.9 if t % 2 else 1.0}),
    ("MultiplicativeLR", {"lr_lambda": [lambda t: 0.9, lambda t: 2 / (1 + t)]}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 40}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 40, "cycle_momentum": False, "pct_start": 0.5, "div_factor": 4.0}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 40, "base_momentum": [0.7, 0.8], "max_momentum": 0.9}),
    ("OneCycleLR", {"max_lr": [0.5, 0.2], "epochs": 5, "steps_per_epoch": 8, "anneal_strategy": "linear", "three_phase": True}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "step_size_down": 6}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "mode": "triangular2"}),
    ("CyclicLR", {"base_lr": [0.01, 0.02], "max_lr": [0.1, 0.3], "step_size_up": 4, "mode": "exp_range", "gamma": 0.95}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "cycle_momentum": False}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "base_momentum": [0.5, 0.6], "max_momentum": 0.95}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "scale_fn": lambda c: 1 / c}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "scale_fn": lambda t: 0.9**t, "scale_mode": "iterations"}),
    ("SWALR", {"swa_lr": 0.05, "anneal_epochs": 4}),
    ("SWALR", {"swa_lr": [0.5, 0.001], "anneal_epochs": 6, "anneal_strategy": "linear"}),
    ("SWALR", {"swa_lr": 0.3, "anneal_epochs": 0}),
]
NAMES = [f"{name}-{i}" for i, (name, _) in enumerate(SCHEDULES)]


def made(place: Any, name: str, optimizer: Any, options: dict[str, Any], **more: Any) -> Any:
    """A schedule of ours or of torch's."""
    swa = swa_utils if place is lr_scheduler else place.swa_utils
    kind = swa.SWALR if name == "SWALR" else getattr(lr_scheduler if place is lr_scheduler else place.lr_scheduler, name)
    return kind(optimizer, **options, **more)


class Pair:
    """The same optimizer here and in torch, and what must agree of the two."""

    def __init__(self, kind: str = "SGD", lr: float = 0.1, **options: Any) -> None:
        self.torch = pytest.importorskip("torch", reason="PyTorch is not installed")
        if kind == "SGD":
            options = {"momentum": 0.9, **options}
        tensors = [Tensor([1.0], requires_grad=True) for _ in range(2)]
        others = [self.torch.nn.Parameter(self.torch.ones(1)) for _ in range(2)]
        groups, theirs = ([{"params": [p]}, {"params": [q], "lr": lr / 5}] for p, q in (tensors, others))
        self.ours = {"SGD": SGD, "Adam": Adam, "RMSprop": RMSprop}[kind](groups, lr=lr, **options)
        self.theirs = getattr(self.torch.optim, kind)(theirs, lr=lr, **options)

    def make(self, name: str, options: dict[str, Any], **more: Any) -> tuple[Any, Any]:
        optim = self.torch.optim
        return made(lr_scheduler, name, self.ours, options, **more), made(optim, name, self.theirs, options, **more)

    def agree(self, *schedules: tuple[Any, Any]) -> None:
        for name in ("lr", "momentum", "betas", "initial_lr", "max_lr", "min_lr", "swa_lr", "base_momentum"):
            ours, theirs = ([g.get(name, -1.0) for g in o.param_groups] for o in (self.ours, self.theirs))
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12, err_msg=name)
        for a, b in schedules:
            np.testing.assert_allclose(a.get_last_lr(), b.get_last_lr(), rtol=1e-9, atol=1e-12)
            assert a.last_epoch == b.last_epoch

    def step(self, *schedules: tuple[Any, Any]) -> None:
        self.theirs.step()
        for a, b in schedules:
            a.step()
            b.step()


@pytest.mark.torch
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=NAMES)
def test_schedule_equals_torchs_at_every_step(name: str, options: dict[str, Any], kind: str) -> None:
    pair = Pair(kind)
    both = pair.make(name, options)
    for _ in range(40):
        pair.agree(both)
        pair.step(both)
    pair.agree(both)


@pytest.mark.torch
@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=NAMES)
def test_a_rate_set_by_hand_is_treated_as_torch_treats_it(name: str, options: dict[str, Any]) -> None:
    pair = Pair()
    both = pair.make(name, options)
    for i in range(25):
        if i in (3, 11):
            for optimizer in (pair.ours, pair.theirs):
                optimizer.param_groups[0]["lr"] = 0.03 * i
        pair.step(both)
        pair.agree(both)


@pytest.mark.torch
@pytest.mark.parametrize("second", range(0, len(SCHEDULES), 5))
@pytest.mark.parametrize("first", range(len(SCHEDULES)))
def test_two_schedules_on_one_optimizer_act_as_torchs(first: int, second: int) -> None:
    pair = Pair(lr=0.2)
    schedules = [pair.make(*SCHEDULES[first]), pair.make(*SCHEDULES[second])]
    for _ in range(20):
        pair.agree(*schedules)
        pair.step(*schedules)
    pair.agree(*schedules)


CHAINABLE = [(n, o) for n, o in SCHEDULES if n not in ("OneCycleLR", "CyclicLR", "SWALR")]


@pytest.mark.torch
@pytest.mark.parametrize("first", range(0, len(CHAINABLE), 2))
@pytest.mark.parametrize("second", range(0, len(CHAINABLE), 3))
def test_one_schedule_after_the_other_is_torchs(first: int, second: int) -> None:
    pair = Pair()
    parts = [pair.make(*CHAINABLE[first]), pair.make(*CHAINABLE[second]), pair.make("ExponentialLR", {"gamma": 0.7})]
    a = lr_scheduler.SequentialLR(pair.ours, [p[0] for p in parts], [4, 11])
    b = pair.torch.optim.lr_scheduler.SequentialLR(pair.theirs, [p[1] for p in parts], [4, 11])
    for _ in range(16):
        pair.agree((a, b))
        pair.step((a, b))
    pair.agree((a, b))


@pytest.mark.torch
@pytest.mark.parametrize("first", range(0, len(SCHEDULES), 2))
@pytest.mark.parametrize("second", range(0, len(SCHEDULES), 7))
def test_chained_schedules_are_torchs(first: int, second: int) -> None:
    pair = Pair()
    parts = [pair.make(*SCHEDULES[first]), pair.make(*SCHEDULES[second])]
    a = lr_scheduler.ChainedScheduler([p[0] for p in parts])
    b = pair.torch.optim.lr_scheduler.ChainedScheduler([p[1] for p in parts])
    for _ in range(16):
        np.testing.assert_allclose(a.get_last_lr(), b.get_last_lr(), rtol=1e-9, atol=1e-12)
        pair.agree()
        pair.step((a, b))
    pair.agree()


@pytest.mark.torch
def test_chains_inside_of_a_sequence_begin_anew() -> None:
    pair = Pair()
    S, T = lr_scheduler, pair.torch.optim.lr_scheduler
    a = S.SequentialLR(
        pair.ours,
        [S.ChainedScheduler([S.ConstantLR(pair.ours, 0.5, 2), S.ExponentialLR(pair.ours, 0.9)]), S.StepLR(pair.ours, 2)],
        [5],
    )
    b = T.SequentialLR(
        pair.theirs,
        [T.ChainedScheduler([T.ConstantLR(pair.theirs, 0.5, 2), T.ExponentialLR(pair.theirs, 0.9)]), T.StepLR(pair.theirs, 2)],
        [5],
    )
    for _ in range(10):
        pair.agree((a, b))
        pair.step((a, b))


@pytest.mark.torch
@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=NAMES)
def test_a_schedule_goes_on_from_its_state_as_torchs(name: str, options: dict[str, Any]) -> None:
    pair, again = Pair(), Pair()
    both = pair.make(name, options)
    for _ in range(9):
        pair.step(both)
    other = again.make(name, options)
    again.ours.load_state_dict(pair.ours.state_dict())
    again.theirs.load_state_dict(pair.theirs.state_dict())
    for new, old in zip(other, both, strict=True):
        new.load_state_dict(copy.deepcopy(old.state_dict()))
    for _ in range(9):
        again.agree(other)
        again.step(other)


@pytest.mark.torch
@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=NAMES)
def test_torchs_state_is_understood(name: str, options: dict[str, Any]) -> None:
    pair = Pair()
    both = pair.make(name, options)
    for _ in range(9):
        pair.step(both)
    ours = Pair().make(name, options)[0]
    ours.optimizer.load_state_dict(pair.theirs.state_dict())
    ours.load_state_dict(both[1].state_dict())
    for _ in range(5):
        ours.step()
        both[0].step()
        np.testing.assert_allclose(ours.get_last_lr(), both[0].get_last_lr(), rtol=1e-9)


@pytest.mark.torch
@pytest.mark.parametrize("chained", [False, True])
def test_combined_schedules_go_on_from_their_states_and_torchs(chained: bool) -> None:
    def combined(place: Any, optimizer: Any) -> Any:
        parts = [place.LinearLR(optimizer, total_iters=3), place.StepLR(optimizer, 2, 0.5)]
        return place.ChainedScheduler(parts) if chained else place.SequentialLR(optimizer, parts, [4])

    pair = Pair()
    theirs = combined(pair.torch.optim.lr_scheduler, pair.theirs)
    ours = combined(lr_scheduler, pair.ours)
    for _ in range(3):
        pair.step((ours, theirs))
    for source, optimizer in ((ours, pair.ours), (theirs, pair.theirs)):
        again = combined(lr_scheduler, Pair().ours)
        again.optimizer.load_state_dict(optimizer.state_dict())
        again.load_state_dict(source.state_dict())
        reference = copy.deepcopy(ours)
        assert rates(again, 5) == pytest.approx(rates(reference, 5))


@pytest.mark.torch
@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=NAMES)
def test_last_epoch_resumes_as_torchs(name: str, options: dict[str, Any]) -> None:
    if name in ("OneCycleLR", "CyclicLR") and options.get("cycle_momentum", True):
        options = {**options, "cycle_momentum": False}
    pair = Pair()
    both = pair.make(name, options)
    for _ in range(6):
        pair.step(both)
    again = pair.make(name, options, last_epoch=both[0].last_epoch)
    for _ in range(6):
        pair.agree(again)
        pair.step(again)


@pytest.mark.torch
@pytest.mark.parametrize(("name", "options"), [(n, o) for n, o in CHAINABLE if o.get("total_iters") != 0])  # 0 / 0 in torch
def test_a_step_to_an_epoch_is_torchs(name: str, options: dict[str, Any]) -> None:
    pair = Pair()
    both = pair.make(name, options)
    for epoch in (3, 3, 8, 0, 2):
        for schedule in both:
            schedule.step(epoch)
        pair.agree(both)
        pair.step(both)
        pair.agree(both)


@pytest.mark.torch
def test_warm_restarts_take_fractions() -> None:
    pair = Pair()
    both = pair.make("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 2})
    for epoch in np.arange(0, 12, 0.25).tolist():
        for schedule in both:
            schedule.step(epoch)
        pair.agree(both)
    pair.step(both)
    pair.agree(both)


@pytest.mark.torch
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"patience": 1, "factor": 0.5, "cooldown": 2},
        {"mode": "max", "patience": 2, "threshold_mode": "abs", "min_lr": 0.01},
        {"patience": 0, "min_lr": [0.05, 0.001]},
        {"patience": 0, "eps": 0.01},
        {"mode": "max", "patience": 1, "threshold": 0.1},
    ],
)
def test_reduction_on_plateaus_is_torchs(options: dict[str, Any]) -> None:
    pair = Pair()
    a, b = pair.make("ReduceLROnPlateau", options)
    losses = np.abs(np.random.default_rng(1).normal(size=60)) + np.linspace(1, 0.9, 60)
    losses[[7, 20]] = math.nan, -3.0
    for i, loss in enumerate(losses.tolist()):
        if i == 30:  # goes on from a state
            state, theirs = a.state_dict(), b.state_dict()
            a, b = pair.make("ReduceLROnPlateau", options)
            a.load_state_dict(state)
            b.load_state_dict(theirs)
        a.step(loss)
        b.step(loss)
        pair.agree((a, b))
        assert (a.best, a.num_bad_epochs, a.cooldown_counter) == (b.best, b.num_bad_epochs, b.cooldown_counter)


def optimizer(lr: Any = 0.1, groups: int = 1, **options: Any) -> SGD:
    params = [{"params": [Tensor([1.0], requires_grad=True)]} for _ in range(groups)]
    return SGD(params, lr=lr, **options)


def rates(schedule: Any, steps: int) -> list[float]:
    found = []
    for _ in range(steps):
        schedule.step()
        found.append(float(schedule.optimizer.param_groups[0]["lr"]))
    return found


@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=NAMES)
def test_copies_go_on_by_themselves(name: str, options: dict[str, Any]) -> None:
    own = optimizer(groups=2, momentum=0.9)
    schedule = made(lr_scheduler, name, own, options)
    rates(schedule, 4)
    copied, copied_schedule = copy.deepcopy((own, schedule))
    assert copied_schedule.optimizer is copied
    assert rates(copied_schedule, 6) == rates(schedule, 6)
    if not any(callable(v) or (isinstance(v, list) and callable(v[0])) for v in options.values()):
        again = pickle.loads(pickle.dumps(schedule))
        assert rates(again, 6) == rates(schedule, 6)


@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=NAMES)
def test_a_rate_that_is_a_tensor_stays_one(name: str, options: dict[str, Any]) -> None:
    plain, tensor = optimizer(groups=2, momentum=0.9), optimizer(Tensor(0.1), groups=2, momentum=0.9)
    schedules = [made(lr_scheduler, name, o, options) for o in (plain, tensor)]
    np.testing.assert_allclose(rates(schedules[1], 12), rates(schedules[0], 12), rtol=1e-5, atol=1e-7)
    assert isinstance(tensor.param_groups[0]["lr"], Tensor)
    assert type(schedules[1].get_last_lr()[0]) is float


@pytest.mark.parametrize(("name", "options"), [(n, o) for n, o in SCHEDULES if n != "MultiplicativeLR"])
def test_a_group_added_later_is_scheduled(name: str, options: dict[str, Any]) -> None:
    if any(isinstance(v, list) and callable(v[0]) for v in options.values()):
        with pytest.raises(ValueError, match="2 functions for 3 groups"):
            refuse_a_third_group(name, options)
        return
    own = optimizer(groups=2, momentum=0.9)
    schedule = made(lr_scheduler, name, own, options)
    own.add_param_group({"params": [Tensor([1.0], requires_grad=True)], "lr": 0.1})
    for _ in range(5):
        schedule.step()
    first, last = own.param_groups[0]["lr"], own.param_groups[2]["lr"]
    assert len(schedule.get_last_lr()) == 3
    if name in ("StepLR", "ExponentialLR", "LambdaLR", "CyclicLR", "OneCycleLR"):
        assert last == pytest.approx(first)


def refuse_a_third_group(name: str, options: dict[str, Any]) -> None:
    own = optimizer(groups=2, momentum=0.9)
    schedule = made(lr_scheduler, name, own, options)
    own.add_param_group({"params": [Tensor([1.0], requires_grad=True)]})
    schedule.step()


def test_rates_of_zero_stay_zero() -> None:
    own = optimizer(0.0)
    parts = [lr_scheduler.ConstantLR(own), lr_scheduler.LinearLR(own), lr_scheduler.CosineAnnealingLR(own, 3)]
    assert rates(lr_scheduler.ChainedScheduler(parts), 8) == [0.0] * 8


def test_a_constant_factor_of_zero_ends() -> None:
    assert rates(lr_scheduler.ConstantLR(optimizer(), 0.0, 2), 3) == [0.0, 0.1, 0.1]


def test_one_cycle_runs_to_its_end_and_not_further() -> None:
    schedule = lr_scheduler.OneCycleLR(optimizer(momentum=0.9), 1.0, epochs=2, steps_per_epoch=3)
    found = rates(schedule, 6)
    assert found[4] == min(found[:5])
    with pytest.raises(ValueError, match="step 7 of a cycle of 6 steps"):
        schedule.step()


def test_multiplying_takes_the_same_time_at_every_step() -> None:
    calls: list[int] = []
    schedule = lr_scheduler.MultiplicativeLR(optimizer(), lambda t: calls.append(t) or 0.999)  # type: ignore[func-returns-value]
    rates(schedule, 50)
    assert calls == list(range(1, 51))


def test_the_state_has_the_rate_that_was_set_by_hand() -> None:
    own = optimizer()
    schedule = lr_scheduler.ExponentialLR(own, 0.5)
    rates(schedule, 2)
    own.param_groups[0]["lr"] = 0.7
    state = schedule.state_dict()
    again = lr_scheduler.ExponentialLR(optimizer(), 0.5)
    again.load_state_dict(state)
    assert again.optimizer.param_groups[0]["lr"] == 0.7
    assert rates(again, 1) == [0.35]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("last_epoch", "3", "last_epoch"),
        ("last_epoch", 2.5, "last_epoch"),
        ("base_lrs", [0.1, 0.2], "base_lrs"),
        ("base_lrs", ["0.1"], "base_lrs"),
        ("lr", [math.nan], "lr"),
        ("lr", None, "lr"),
        ("step_size", 0, "step_size must be at least 1"),
        ("gamma", "x", "gamma"),
        ("optimiser", 1, "another schedule's"),
        ("last_epoch", None, "last_epoch"),
        ("last_epoch", math.inf, "last_epoch"),
        ("last_epoch", 10**400, "last_epoch"),
        ("_step_count", -1, "_step_count"),
        ("_step_count", None, "_step_count"),
        ("base_lrs", [-5.0], "base_lrs .* a number of at least 0"),
        ("base_lrs", None, "base_lrs"),
        ("lr", [-1.0], "lr .* a number of at least 0"),
        ("lr", [math.inf], "lr"),
        ("lr", [10**400], "lr"),
        ("lr", [None], "lr"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(name: str, value: Any, message: str) -> None:
    schedule = lr_scheduler.StepLR(optimizer(), 3)
    rates(schedule, 4)
    before, rate = schedule.state_dict(), schedule.optimizer.param_groups[0]["lr"]
    with pytest.raises(ValueError, match=message):
        schedule.load_state_dict({**before, "last_epoch": 1, "gamma": 0.9, name: value})
    assert schedule.state_dict() == before
    assert schedule.optimizer.param_groups[0]["lr"] == rate


@pytest.mark.parametrize("name", ["best", "patience", "num_bad_epochs", "min_lrs", "factor"])
def test_a_number_of_a_state_is_not_none(name: str) -> None:
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer())
    with pytest.raises(ValueError, match=name):
        schedule.load_state_dict({**schedule.state_dict(), name: None})


def test_numbers_of_numpy_in_a_state_are_those_of_python() -> None:
    schedule = lr_scheduler.StepLR(optimizer(), 3)
    state = schedule.state_dict()
    numpys = {"last_epoch": np.int64(7), "gamma": np.float32(0.5), "base_lrs": [np.float64(0.25)]}
    schedule.load_state_dict({**state, **numpys})
    assert {n: schedule.state_dict()[n] for n in numpys} == {
        "last_epoch": 7, "gamma": 0.5, "base_lrs": [0.25],
    }  # fmt: skip
    assert type(schedule.last_epoch) is int and type(schedule.base_lrs[0]) is float


def test_a_combined_state_that_does_not_fit_changes_nothing() -> None:
    own = optimizer()
    schedule = lr_scheduler.SequentialLR(own, [lr_scheduler.LinearLR(own), lr_scheduler.StepLR(own, 2)], [3])
    rates(schedule, 4)
    before = schedule.state_dict()
    for parts in ([], [before["_schedulers"][0], {**before["_schedulers"][1], "step_size": -1}]):
        changed = copy.deepcopy({**before, "_schedulers": parts})
        if parts:
            changed["_schedulers"][0]["last_epoch"] = 77
        with pytest.raises(ValueError, match=r"_schedulers|step_size"):
            schedule.load_state_dict(changed)
        assert schedule.state_dict() == before


REFUSED: dict[str, Callable[[], Any]] = {
    "2 functions for 1 groups": lambda: lr_scheduler.LambdaLR(optimizer(), [abs, abs]),
    "takes an optimizer, got list": lambda: lr_scheduler.StepLR([0.1], 3),  # type: ignore[arg-type]
    "need 0 milestones": lambda: sequence([3]),
    "give total_steps": lambda: lr_scheduler.OneCycleLR(optimizer(), 1.0),
    "no momentum to cycle": lambda: lr_scheduler.OneCycleLR(nothing_to_cycle(), 1.0, 10),
    "no momentum to cycle;": lambda: lr_scheduler.CyclicLR(nothing_to_cycle(), 0.1, 1.0),
    "pct_start must lie": lambda: lr_scheduler.OneCycleLR(optimizer(), 1.0, 10, pct_start=2.0),
    "'cos' or 'linear', got 'sin'": lambda: lr_scheduler.OneCycleLR(optimizer(), 1.0, 10, anneal_strategy="sin"),
    "2 values of max_lr for 1 groups": lambda: lr_scheduler.OneCycleLR(optimizer(), [1.0, 2.0], 10),
    "T_0 and T_mult": lambda: lr_scheduler.CosineAnnealingWarmRestarts(optimizer(), 0),
    "T_max must be above 0": lambda: lr_scheduler.CosineAnnealingLR(optimizer(), 0),
    "start_factor must be": lambda: lr_scheduler.LinearLR(optimizer(), 0.0),
    "end_factor must": lambda: lr_scheduler.LinearLR(optimizer(), 0.5, 1.5),
    "factor must lie": lambda: lr_scheduler.ConstantLR(optimizer(), 2.0),
    "step_size must be": lambda: lr_scheduler.StepLR(optimizer(), 0),
    "mode must be one of": lambda: lr_scheduler.CyclicLR(optimizer(), 0.1, 1.0, mode="square"),
    "step sizes must be above 0": lambda: lr_scheduler.CyclicLR(optimizer(), 0.1, 1.0, 0),
    "mode 'min' or 'max'": lambda: lr_scheduler.ReduceLROnPlateau(optimizer(), "least"),
    "of another optimizer": lambda: lr_scheduler.ChainedScheduler([lr_scheduler.StepLR(optimizer(), 3)], optimizer()),
    "needs a metric in each step": lambda: lr_scheduler.ChainedScheduler([lr_scheduler.ReduceLROnPlateau(optimizer())]),
    "needs an 'initial_lr'": lambda: lr_scheduler.StepLR(optimizer(), 3, last_epoch=4),
    "swa_lr": lambda: swa_utils.SWALR(optimizer(), [0.1, 0.2]),
}


def sequence(milestones: list[int]) -> Any:
    own = optimizer()
    return lr_scheduler.SequentialLR(own, [lr_scheduler.ExponentialLR(own, 0.5)], milestones)


def nothing_to_cycle() -> Any:
    from nn.optim import Adagrad

    return Adagrad([Tensor([1.0], requires_grad=True)])


@pytest.mark.parametrize("message", REFUSED)
def test_settings_that_make_no_sense_are_refused(message: str) -> None:
    with pytest.raises((ValueError, TypeError, KeyError), match=message.rstrip(";")):
        REFUSED[message]()


def test_a_refused_schedule_leaves_the_optimizer_alone() -> None:
    own = optimizer(0.5)
    with pytest.raises(ValueError, match="T_max"):
        lr_scheduler.CosineAnnealingLR(own, -1)
    with pytest.raises(ValueError, match="mode"):
        lr_scheduler.CyclicLR(own, 0.1, 1.0, mode="square")
    assert own.param_groups[0]["lr"] == 0.5
    assert "initial_lr" not in own.param_groups[0]


def test_a_schedule_of_ones_own_needs_one_method() -> None:
    class Inverse(lr_scheduler.LRScheduler):
        def lr_at(self, t: float, base_lr: float) -> float:
            return base_lr / (1 + t)

    class Halved(lr_scheduler.LRScheduler):
        def get_lr(self) -> list[float]:
            return [g["lr"] * (0.5 if self.last_epoch else 1.0) for g in self.optimizer.param_groups]

    assert rates(Inverse(optimizer(1.0)), 3) == pytest.approx([1 / 2, 1 / 3, 1 / 4])
    assert rates(Halved(optimizer(1.0)), 3) == pytest.approx([1 / 2, 1 / 4, 1 / 8])
    with pytest.raises(NotImplementedError, match="neither lr_at nor get_lr"):
        lr_scheduler.LRScheduler(optimizer())
