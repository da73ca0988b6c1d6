"""Compiled functions whose arguments belong to a graph: every gradient arrives where it arrives without `compile`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import CompileWarning, Tensor, compile

F = nn.functional
RNG = np.random.default_rng(0)
XS = RNG.normal(size=(2, 5, 3)).astype("f4")


def leaf(decorate: Any) -> Any:
    """The gradient of an argument is accumulated."""

    def f(x: Tensor) -> Tensor:
        loss = (x**2).sum()
        loss.backward()
        return loss.detach()

    run, x = decorate(f), Tensor(np.ones(2), requires_grad=True)
    for _ in range(4):
        run(x)
        yield x.grad


def parameters(decorate: Any) -> Any:
    """Parameters in a list, and an update that reads their gradients."""

    def update(parameters: list[Tensor]) -> None:
        for p in parameters:
            if p.grad is not None:
                with mg.no_grad():
                    p -= 0.1 * p.grad

    run, ps = decorate(update), [Tensor(np.ones(2), requires_grad=True) for _ in range(2)]
    for _ in range(3):
        for p in ps:
            p.grad = None
        (ps[0] ** 2 + ps[1] ** 3).sum().backward()
        run(ps)
        yield from [p.detach() for p in ps]


def generator(decorate: Any) -> Any:
    """What made the argument gets its gradient."""
    mg.random.seed(0)
    made, judged = nn.Linear(2, 2), nn.Linear(2, 1)

    def step(fake: Tensor) -> Tensor:
        loss = (judged(fake) ** 2).mean()
        loss.backward()
        return loss.detach()

    run = decorate(step)
    for _ in range(3):
        yield run(made(np.ones((3, 2), "f4")))
        yield made.weight.grad


def attack(decorate: Any) -> Any:
    """The function reads the gradient of its argument."""
    mg.random.seed(0)
    model = nn.Linear(3, 2)

    def step(x: Tensor) -> Tensor:
        F.cross_entropy(model(x), np.array([0, 1])).backward()
        return (x + 0.1 * np.sign(x.grad)).detach()

    run = decorate(step)
    for _ in range(3):
        yield run(Tensor(np.ones((2, 3), "f4"), requires_grad=True))


def state(decorate: Any) -> Any:
    """A state that was not detached: the gradient goes on through the steps before."""
    mg.random.seed(0)
    layer = nn.LSTM(3, 4, batch_first=True)
    optimizer = nn.optim.SGD(layer.parameters(), lr=0.1)

    def step(x: Tensor, h: Any) -> Any:
        out, h = layer(x, h)
        loss = (out**2).mean()
        optimizer.zero_grad()
        loss.backward(retain_graph=True)
        return loss, h

    run, h = decorate(step), None
    for _ in range(3):
        loss, h = run(Tensor(XS), h)
        yield loss.detach()
        yield layer.weight_ih_l0.grad


def graph_around(decorate: Any) -> Any:
    """A tensor of another graph that the function reads by its name."""
    w = Tensor(np.ones(2), requires_grad=True)
    z = w * 3

    def f() -> Tensor:
        loss = (z**2).sum()
        loss.backward(retain_graph=True)
        return loss.detach()

    run = decorate(f)
    for _ in range(3):
        run()
        yield w.grad


@pytest.mark.parametrize("make", [leaf, parameters, generator, attack, state, graph_around])
def test_gradients_arrive_beyond_the_function_and_a_warning_says_that_it_is_not_compiled(make: Any) -> None:
    expected = [x.numpy() for x in make(lambda f: f)]
    with pytest.warns(CompileWarning, match="is not compiled: .* argument|goes on in a graph that was there before"):
        found = list(make(compile))
    assert all(type(x._array) is np.ndarray for x in found)
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_array_equal(x.numpy(), y)


def test_a_gradient_that_the_function_asks_for_needs_no_such_way() -> None:
    def f(x: Tensor) -> Tensor:
        (g,) = mg.autograd.grad((x**3).sum(), [x])
        return g

    run, x = compile(f), Tensor(np.ones(3), requires_grad=True)
    for _ in range(3):
        assert run(x).tolist() == [3.0, 3.0, 3.0]
    assert x.grad is None
    assert len(run.versions) == 1


def test_a_result_whose_graph_was_gone_back_through_says_so_as_without_compile() -> None:
    layer = nn.RNN(3, 4, batch_first=True)

    def step(x: Tensor, h: Any) -> Any:
        out, h = layer(x, h)
        loss = (out**2).mean()
        loss.backward()
        return loss, h

    for run in (step, compile(step), compile(step)):
        for _ in range(2):
            loss, h = run(Tensor(XS), None)
            assert loss.requires_grad
            assert h.requires_grad
        with pytest.raises(RuntimeError, match="freed by a backward pass"):
            h.sum().backward()
    with pytest.warns(CompileWarning), pytest.raises(RuntimeError, match="freed by a backward pass"):
        run(Tensor(XS), h)


def test_results_that_are_not_spent_stay_in_the_graph_beside_one_that_is() -> None:
    w = Tensor(np.ones(2), requires_grad=True)

    def f(x: Any) -> Any:
        loss = (w**2 * x).sum()
        loss.backward()
        return loss, (w**3 * x).sum()

    run = compile(f)
    for _ in range(3):
        w.grad = None
        _, cubes = run(np.ones(2))
        cubes.backward()
        assert w.grad.tolist() == [5.0, 5.0]


def numbers() -> dict[str, tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Functions of arrays and Python's floats, and arguments."""
    u = np.linspace(0.5, 1.5, 3)
    return {
        "factor": (lambda u, h: (u * u * h).sum(), (u, 0.3)),
        "step": (lambda u, h: np.sum((u + h * np.sin(u)) ** 2), (u, 0.1)),
        "temperature": (lambda u, t: np.exp(u / t).sum(), (u, 2.0)),
        "computed": (lambda u, h: (u * (h + 1.0) ** 2).sum() + (u**2 * (h + 1.0)).sum(), (u, 0.5)),
        "in a dict": (lambda u, p: (u**3 * p["k"]).sum(), (u, {"k": 0.7})),
        "power": (lambda u, k: (u**k).sum(), (u, 1.7)),
    }


@pytest.mark.parametrize("name", numbers())
def test_gradients_of_compiled_functions_with_floats_among_the_arguments(name: str) -> None:
    f, (u, *rest) = numbers()[name]
    run = compile(f)
    slope, fast = mg.grad(f), mg.grad(run)
    second, twice = mg.grad(lambda *a: np.sum(slope(*a))), mg.grad(lambda *a: np.sum(fast(*a)))
    for k in (1.0, 1.0, 0.5, 2.0):
        args = (k * u, *({"k": k * a["k"]} if isinstance(a, dict) else k * a for a in rest))
        np.testing.assert_allclose(fast(*args), slope(*args), rtol=1e-12)
        np.testing.assert_allclose(twice(*args), second(*args), rtol=1e-12)
    if name != "power":  # rules may look at an exponent
        assert len(run.versions) == 1


def test_a_models_float_argument_and_its_backward() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3, 1)

        def forward(self, x: Any, factor: float) -> Any:
            return np.tanh(self.inner(x) * factor)

    model = Scaled()
    fast, x = compile(model), Tensor(XS[0])
    for factor in (0.5, 0.5, 2.0):
        grads = []
        for m in (model, fast):
            model.inner.weight.grad = None
            m(x, factor).sum().backward()
            grads.append(model.inner.weight.grad.numpy())
        np.testing.assert_allclose(grads[1], grads[0], rtol=1e-5)


W = RNG.normal(size=(3, 3))
LOOPS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "fori": (lambda w: mg.fori(3, lambda i, u: u * w, 1.0), (2.0,)),
    "scan": (lambda w, xs: (mg.scan(lambda h, x: (np.tanh(w @ h + x), None), np.zeros(3), xs)[0] ** 2).sum(), (W, XS[0])),
    "ys": (lambda w, xs: (mg.scan(lambda h, x: (np.tanh(w @ h + x), h.sum()), np.zeros(3), xs)[1] ** 2).sum(), (W, XS[0])),
    "a dict": (
        lambda p, xs: (mg.scan(lambda h, x: (np.tanh(p["w"] @ h + p["b"] * x), None), np.zeros(3), xs)[0] ** 2).sum(),
        ({"w": W, "b": np.ones(3)}, XS[0]),
    ),
}


@pytest.mark.parametrize("name", LOOPS)
def test_the_body_of_a_loop_uses_an_argument_that_needs_a_gradient(name: str) -> None:
    f, args = LOOPS[name]
    expected = mg.grad(f)(*args)
    fast = mg.grad(compile(f))
    for _ in range(3):
        found = fast(*args)
        for key in expected if isinstance(expected, dict) else [...]:
            np.testing.assert_allclose(found[key] if key is not ... else found, expected[key] if key is not ... else expected)
