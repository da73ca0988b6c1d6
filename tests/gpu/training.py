"""Whole trainings: the losses of some steps, and the weights after them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
import nn
from minigrad import Tensor
from nn import functional as F

from . import add, case, normal, on

STEPS = 5


def trained(device: str, make: Callable[[], Any], loss: Callable[..., Tensor], x: np.ndarray, optimizer: Any) -> list[Any]:
    """Losses of some steps with clipping, then the weights."""
    mg.random.manual_seed(0)
    model = make().to(device)
    parameters, inputs, losses = list(model.parameters()), on(device, x, requires_grad=False), []
    update = optimizer(parameters)
    for _ in range(STEPS):
        value = loss(model, inputs)
        update.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        update.step()
        losses.append(np.float32(value.item()))
    return [losses, parameters]


def classified(model: Any, x: Tensor) -> Tensor:
    """Cross-entropy with classes that the number of the example gives."""
    targets = Tensor(np.arange(len(x)) % 10, device=x.device)
    return F.cross_entropy(model(x), targets, label_smoothing=0.1)


def cnn() -> Any:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def squares(model: Any, x: Tensor) -> Tensor:
    out = model(x)
    out = out[0] if isinstance(out, tuple) else out
    return (out**2).mean()


def adam(parameters: Any) -> Any:
    return nn.optim.Adam(parameters, lr=1e-3)


def momentum(parameters: Any) -> Any:
    """For a network with a gradient of zero (the bias of attention's keys), whose rounding errors Adam would make large."""
    return nn.optim.SGD(parameters, lr=0.1, momentum=0.9)


NETWORKS: dict[str, tuple[Callable[[], Any], Callable[..., Tensor], np.ndarray, Any]] = {
    "CNN": (cnn, classified, normal(12, 3, 8, 8), adam),
    "LSTM": (partial(nn.LSTM, 6, 8, num_layers=2), squares, normal(7, 3, 6), adam),
    "GRU": (partial(nn.GRU, 6, 8, bidirectional=True), squares, normal(7, 3, 6), adam),
    "transformer": (partial(nn.TransformerEncoderLayer, 8, 2, 16, dropout=0.0), squares, normal(5, 2, 8), momentum),
}
for name, (make, loss, x, optimizer) in NETWORKS.items():
    add(f"training of a {name}", partial(trained, make=make, loss=loss, x=x, optimizer=optimizer))

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    "Adam": {"lr": 0.01, "weight_decay": 0.01, "amsgrad": True},
    "AdamW": {"lr": 0.01},
    "NAdam": {"lr": 0.01},
    "RAdam": {"lr": 0.01},
    "Adamax": {"lr": 0.01},
    "Adagrad": {"lr": 0.05},
    "Adadelta": {},
    "RMSprop": {"lr": 0.01, "momentum": 0.9, "centered": True},
    "Rprop": {"lr": 0.01},
    "ASGD": {"lr": 0.05},
    "Adafactor": {"lr": 0.01},
}


def many_shapes(name: str, options: dict[str, Any], device: str) -> list[Any]:
    """Two groups of parameters of many shapes, one of them without a gradient at first; the state goes by way of the CPU."""
    shapes = [(3, 4), (5,), (), (2, 3, 1), (0,), (7, 2)]
    parameters = [on(device, normal(*shape, seed=i)) for i, shape in enumerate(shapes)]
    groups = [{"params": parameters[:3]}, {"params": parameters[3:], "lr": 0.02}]
    optimizer = getattr(nn.optim, name)(groups, **options)
    for step in range(STEPS):
        optimizer.zero_grad()
        used = parameters if step > 1 else parameters[1:]
        sum(((p - i) ** 2).sum() for i, p in enumerate(used)).backward()
        optimizer.step()
        if step == 2:
            optimizer.load_state_dict(optimizer.state_dict())
    return parameters


for name, options in OPTIMIZERS.items():
    add(f"{name} of many shapes", partial(many_shapes, name, options))


@case
def state_moves_between_devices(device: str) -> list[Any]:
    """A training that began on the CPU goes on where the model is moved, and a checkpoint of it comes back."""
    mg.random.manual_seed(0)
    model = nn.Linear(6, 3)
    optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
    for where in ("cpu", device, "cpu"):
        state = optimizer.state_dict()
        model.to(where)
        optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
        optimizer.load_state_dict(state)
        optimizer.zero_grad()
        (model(on(where, normal(4, 6), requires_grad=False)) ** 2).sum().backward()
        optimizer.step()
    return list(model.parameters())


@case
def one_seed_gives_one_result(device: str) -> list[Any]:
    """What is drawn twice from a seed is the same, on each device by its own generator."""
    draws = []
    for _ in range(2):
        mg.random.manual_seed(3)
        x = on(device, np.ones((50, 20), np.float32), requires_grad=False)
        draws.append([mg.random.randn(4, device=device), mg.random.rand(4, device=device), F.dropout(x, 0.5)])
    return [np.array_equal(a, b) for a, b in zip(*([*map(_host, d)] for d in draws), strict=True)]


def _host(x: Tensor) -> np.ndarray:
    return x.detach().cpu().numpy()
