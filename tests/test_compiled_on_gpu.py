"""Accelerated functions as kernels for a GPU: the same numbers as on the CPU, in few launches, on the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor
from minigrad.kernels import compiled_on_gpu

from . import stand_in
from .gpu import CASES, compare, loops, networks, training, windows  # noqa: F401  (these four note their cases)
from .stand_in.raw import compiler

if compiler() is None:
    pytest.skip("there is no C++ compiler to build the kernels for the CPU", allow_module_level=True)


def given(device: str, *shape: int) -> Tensor:
    return Tensor(np.random.default_rng(1).normal(size=shape).astype("f4"), device=device, requires_grad=True)


def softmax(device: str) -> Callable[[], Any]:
    x = given(device, 40, 30)

    def run() -> Any:
        y = mg.softmax(x, axis=-1)
        return y.detach(), mg.autograd.grad([y], [x], [x.detach()])

    return run


def cross_entropy(device: str) -> Callable[[], Any]:
    x, target = given(device, 40, 30), Tensor(np.arange(40) % 30, device=device)

    def run() -> Any:
        loss = nn.functional.cross_entropy(x, target, ignore_index=3)
        return loss.detach(), mg.autograd.grad([loss], [x])

    return run


def layer_norm(device: str) -> Callable[[], Any]:
    layer, x = nn.LayerNorm(30).to(device), given(device, 40, 30)

    def run() -> Any:
        y = layer(x)
        return y.detach(), mg.autograd.grad([y], [x, layer.weight, layer.bias], [x.detach()])

    return run


def gelu(device: str) -> Callable[[], Any]:
    x = given(device, 40, 30)

    def run() -> Any:
        y = nn.functional.gelu(x)
        return y.detach(), mg.autograd.grad([y], [x], [x.detach()])

    return run


def adam(device: str) -> Callable[[], Any]:
    params = [nn.Parameter(given(device, n, 3).detach()) for n in (5, 40, 1)]
    for p in params:
        p.grad = p.detach() * 2
    optimizer = nn.optim.Adam(params, lr=0.1)

    def run() -> Any:
        optimizer.step()
        return [p.detach().copy() for p in params]

    return run


def lstm(device: str) -> Callable[[], Any]:
    mg.random.manual_seed(0)
    layer, x = nn.LSTM(5, 8), given(device, 6, 4, 5)
    layer.to(device)

    def run() -> Any:
        y = layer(x)[0]
        return y.detach(), mg.autograd.grad([y], [x, *layer.parameters()], [y.detach()])

    return run


#: Launches of a call that is compiled: of both ways, with the checks of classes, and the copies of Adam's result here.
LAUNCHES = {softmax: 2, cross_entropy: 13, layer_norm: 2, gelu: 2, adam: 10, lstm: 60}


@pytest.mark.parametrize("make", LAUNCHES, ids=lambda f: f.__name__)
def test_what_is_accelerated_is_compiled(make: Callable[[str], Callable[[], Any]], stand_in: Any) -> None:
    here, there = make("cpu"), make("cuda")
    launches = []
    for _ in range(3):
        want = here()
        with stand_in.counting() as count:
            found = there()
        for a, b in zip(leaves(found), leaves(want), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
        launches.append(count.launches)
    assert launches[-1] <= LAUNCHES[make], (launches, count)


def leaves(x: Any) -> list[np.ndarray]:
    return [a for part in x for a in leaves(part)] if isinstance(x, (list, tuple)) else [x.detach().cpu().numpy()]


@pytest.mark.parametrize("name", [n for i, n in enumerate(n for n in CASES if not n.startswith("loop ")) if i % 8 == 0])
def test_whole_networks_with_all_of_it_compiled(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with stand_in.installed(lenient=True):
        compare(CASES[name])


def test_what_no_kernel_takes_is_cupys(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays that are written and have gaps, or share memory; another stream; more kinds of arguments than are kept."""
    import cupy

    def swap(x: Any, y: Any, factor: float) -> None:
        y += x * factor

    kernel, x = compiled_on_gpu.Kernel(swap), cupy.ones((4, 6), dtype=np.float32)
    y = cupy.zeros((4, 6), dtype=np.float32)
    assert kernel(x[:, ::2], y[:, :3].copy(), 2.0) is None
    assert kernel(x, y, 2.0) is None and (y.get() == 2).all()
    assert kernel(x, y, 3.0) is None and (y.get() == 5).all()
    assert kernel(x[:, :3].copy(), y[:, :3], 2.0) is NotImplemented
    assert kernel(y, y, 2.0) is NotImplemented
    with cupy.cuda.Stream():
        assert kernel(x, y, 2.0) is NotImplemented
    assert kernel(x, y, [2.0]) is NotImplemented
    monkeypatch.setattr(compiled_on_gpu, "MOST", 2)
    assert kernel(x[:2], y[:2], 2.0) is None and len(kernel.versions) == 2  # the oldest have made room
    assert (y.get()[2:] == 5).all()
