"""compile: every layer and every optimizer of nn, compiled and as it is."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor

from .layers_table import LAYERS

#: Optimizers, and with what options; SparseAdam takes row-sparse gradients alone, Muon matrices.
OPTIONS: dict[str, dict[str, Any]] = {
    "SGD": {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, "Adam": {"amsgrad": True, "weight_decay": 0.01},
    "AdamW": {}, "RMSprop": {"centered": True, "momentum": 0.5}, "Adagrad": {"lr_decay": 0.1}, "Adadelta": {}, "Adamax": {},
    "NAdam": {}, "RAdam": {}, "ASGD": {}, "Rprop": {}, "Adafactor": {}, "Muon": {}, "SparseAdam": {},
}  # fmt: skip
#: LBFGS decides by values how often it evaluates its closure.
REFUSED = {"LBFGS"}


def test_every_optimizer_is_here() -> None:
    found = {n for n in nn.optim.__all__ if inspect.isclass(k := getattr(nn.optim, n)) and issubclass(k, nn.optim.Optimizer)}
    assert {*OPTIONS, *REFUSED} == found - {"Optimizer"}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_optimizer_compiled(name: str) -> None:
    x = np.random.default_rng(0).normal(size=(6, 5)).astype("f4")
    words = np.array([1, 3, 3, 0, 2, 1])
    found = []
    for compiled in (False, True):
        mg.random.manual_seed(0)
        net: Any = nn.Embedding(5, 4, sparse=True) if name == "SparseAdam" else nn.Linear(5, 4, bias=name != "Muon")
        optimizer = getattr(nn.optim, name)(net.parameters(), lr=0.05, **OPTIONS[name])

        def step(x: Any, net: Any = net, optimizer: Any = optimizer) -> Any:
            loss = (net(x) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.detach()

        run = mg.compile(step) if compiled else step
        given = words if name == "SparseAdam" else Tensor(x)
        losses = [run(given).item() for _ in range(14)]
        found.append([losses, *(p.detach().numpy() for p in net.parameters())])
        if compiled:
            assert len(run.versions) <= 2
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(b, a, rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "args", "options", "shape"), LAYERS)
def test_a_layer_compiled(name: str, args: tuple, options: dict, shape: tuple[int, ...]) -> None:
    layer = getattr(nn, name)(*args, **options)
    x = np.random.default_rng(0).normal(size=shape).astype("f4")
    direction = None

    def both_ways(x: Any) -> Any:
        given = x.detach().requires_grad_()
        for p in layer.parameters():
            p.grad = None
        out = layer(given)
        out = out[0] if isinstance(out, tuple) else out
        (out * direction).sum().backward()
        return [out.detach(), given.grad, *(p.grad for p in layer.parameters())]

    mg.random.manual_seed(0)
    out = layer(Tensor(x))
    out = out[0] if isinstance(out, tuple) else out
    direction = np.random.default_rng(1).normal(size=out.shape).astype("f4")
    run = mg.compile(both_ways)
    for _ in range(3):
        mg.random.manual_seed(0)
        want = both_ways(Tensor(x))
        mg.random.manual_seed(0)
        got = run(Tensor(x))
        for a, b in zip(got, want, strict=True):
            if b is not None:
                np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-4, atol=2e-5)
    assert len(run.versions) <= 2
