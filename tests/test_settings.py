"""What help() and a printed object show of nn's classes: real parameters, and the settings they were made with."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import nn
from nn.optim import lr_scheduler

#: Their parameters are as many as a user likes.
MANY = {"Identity", "Sequential", "TensorDataset"}


def classes() -> list[tuple[str, type]]:
    modules = (nn.layers, nn.optim, lr_scheduler, nn.data, nn.inspect, nn.training, nn.text)
    named = ((name, getattr(module, name)) for module in modules for name in module.__all__)
    return [(name, value) for name, value in named if isinstance(value, type)]


@pytest.mark.parametrize(("name", "kind"), classes())
def test_signatures_name_every_parameter(name: str, kind: type) -> None:
    kinds = [p.kind for p in inspect.signature(kind).parameters.values()]
    hides = inspect.Parameter.VAR_POSITIONAL in kinds or inspect.Parameter.VAR_KEYWORD in kinds
    assert hides == (name in MANY)


def optimizer(**options: Any) -> nn.optim.SGD:
    return nn.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.25, **options)


def test_an_optimizer_shows_each_group_on_its_line() -> None:
    layer = nn.Linear(2, 1)
    groups = nn.optim.SGD([{"params": layer.weight, "lr": 0.5}, {"params": layer.bias}], lr=0.25, momentum=0.9)
    lines = repr(groups).splitlines()
    assert lines[0] == "SGD("
    assert lines[1].startswith("  lr=0.5, momentum=0.9, ")
    assert lines[1].endswith("1 parameter of 2 numbers")
    assert lines[2].startswith("  lr=0.25, ")
    assert lines[2].endswith("1 parameter of 1 number")


SCHEDULES = {
    "StepLR(step_size=7, gamma=0.1; step 1, lr [0.25])": lambda: lr_scheduler.StepLR(optimizer(), 7),
    "MultiStepLR(milestones=[1, 3], gamma=0.5; step 1, lr [0.125])": lambda: lr_scheduler.MultiStepLR(optimizer(), [1, 3], 0.5),
    "LambdaLR(lr_lambdas=[<lambda>]; step 1, lr [0.25])": lambda: lr_scheduler.LambdaLR(optimizer(), lambda t: 1.0),
    "CyclicLR(base_lr=0.1, max_lr=0.3, mode='triangular', gamma=1.0, step_size_up=2, step_size_down=2; step 1, lr [0.2])": (
        lambda: lr_scheduler.CyclicLR(optimizer(), 0.1, 0.3, 2)
    ),
}


@pytest.mark.parametrize("text", SCHEDULES)
def test_a_schedule_shows_its_settings_and_where_it_is(text: str) -> None:
    schedule = SCHEDULES[text]()
    schedule.step()
    assert repr(schedule) == text


def test_every_schedule_loader_and_sampler_has_a_repr_of_its_own() -> None:
    base, momentum = optimizer(), optimizer(momentum=0.9)
    data = nn.data.TensorDataset(np.ones((30, 2)), np.ones(30))
    things: list[Any] = [
        lr_scheduler.OneCycleLR(momentum, 0.1, 10), lr_scheduler.ReduceLROnPlateau(base), nn.optim.EMA(nn.Linear(1, 1)),
        lr_scheduler.SequentialLR(base, [lr_scheduler.ConstantLR(base), lr_scheduler.LinearLR(base)], [3]),
        lr_scheduler.ChainedScheduler([lr_scheduler.ConstantLR(base)]), nn.data.DataLoader(data, 3, shuffle=True),
        data, data + data, nn.data.Subset(data, [1]), nn.data.WeightedRandomSampler([1, 2], 3), nn.data.Dataset(),
    ]  # fmt: skip
    for thing in things:
        assert " at 0x" not in repr(thing)
        assert repr(thing).startswith(f"{type(thing).__name__}(")


def test_a_loader_shows_data_batches_and_where_it_is() -> None:
    loader = nn.data.DataLoader(nn.data.TensorDataset(np.ones((5, 2), np.float32)), 2, seed=1)
    next(iter(loader))
    for part in ("TensorDataset(5 items", "float32 (5, 2)", "batch_size=2", "3 batches, epoch 0, batch 1"):
        assert part in repr(loader)
