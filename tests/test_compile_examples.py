"""compile under vmap: all examples at once are programs, also of the gradient of each example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, grad, hessian, jacobian, vmap
from minigrad.compiler.compiled import Compiled

RNG = np.random.default_rng(0)
W, XS = RNG.normal(size=(3, 3)), RNG.normal(size=(5, 3))


def same(a: Any, b: Any) -> None:
    for x, y in zip(a, b, strict=True) if isinstance(b, tuple) else [(a, b)]:
        assert type(x) is type(y) and x.shape == y.shape and x.dtype == y.dtype
        np.testing.assert_allclose(x.detach().numpy() if isinstance(x, Tensor) else x, np.asarray(y), rtol=1e-9, atol=1e-12)


def programs(fast: Compiled) -> list[int]:
    """How many programs there are for many examples, for each kind of arguments; 0 where the function runs as it is."""
    own, gradients = fast._examples.known.values(), fast._examples.gradients.values()
    return [0 if found is None else len(found.versions) for found in own] + [n for g in gradients for n in programs(g)]


def loss(w: Any, x: Any) -> Any:
    return np.sum(np.tanh(w @ x) ** 2)


WAYS: dict[str, Callable[[Any], Any]] = {
    "values": lambda f: vmap(f, in_axes=(None, 0))(W, XS),
    "another axis": lambda f: vmap(f, in_axes=(None, 1))(W, XS.T),
    "Tensors": lambda f: vmap(f, in_axes=(None, 0))(Tensor(W), Tensor(XS)).numpy(),
    "all arguments": lambda f: vmap(f)(np.stack([W, 2 * W]), XS[:2]),
    "gradients of what is shared": lambda f: vmap(grad(f), in_axes=(None, 0))(W, XS),
    "gradients of both": lambda f: vmap(grad(f, (0, 1)), in_axes=(None, 0))(W, XS),
    "gradients of the sum": lambda f: grad(lambda w, x: vmap(f, in_axes=(None, 0))(w, x).sum(), (0, 1))(W, XS),
    "values and gradients": lambda f: vmap(mg.value_and_grad(f, 1), in_axes=(None, 0))(W, XS),
}


@pytest.mark.parametrize("way", WAYS)
def test_all_examples_are_one_program(way: str) -> None:
    fast = mg.compile(loss)
    for _ in range(3):
        same(WAYS[way](fast), WAYS[way](loss))
    made = programs(fast)
    assert made == [1] * (2 if "gradient" in way else 1)


FURTHER: dict[str, Callable[[Any], Any]] = {
    "second derivatives of each": lambda f: vmap(hessian(f, 1), in_axes=(None, 0))(W, XS),
    "second derivatives of the sum": lambda f: hessian(lambda x: vmap(f, in_axes=(None, 0))(W, x).sum())(XS),
    "gradients of gradients": lambda f: vmap(grad(lambda w, x: grad(f)(w, x).sum()), in_axes=(None, 0))(W, XS),
    "a Jacobian of all": lambda f: jacobian(vmap(f, in_axes=(None, 0)))(W, XS),
    "each of each": lambda f: vmap(vmap(f, in_axes=(None, 0)), in_axes=(0, None))(np.stack([W, 2 * W]), XS),
    "compiled once more": lambda f: mg.compile(vmap(grad(f), in_axes=(None, 0)))(W, XS),
}


@pytest.mark.parametrize("way", FURTHER)
def test_what_has_no_program_of_its_own_is_right_all_the_same(way: str) -> None:
    fast = mg.compile(loss)
    for _ in range(2):
        same(FURTHER[way](fast), FURTHER[way](loss))


def test_gradients_of_each_example_of_a_network() -> None:
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def f(parameters: Any, x: Any, y: Any) -> Any:
        return ((nn.utils.stateless.functional_call(model, parameters, (x,)) - y) ** 2).sum()

    fast, xs = mg.compile(f), Tensor(XS.astype("f4"))
    for _ in range(2):
        found = vmap(grad(fast), in_axes=(None, 0, 0))(parameters, xs, xs[:, :1])
        expected = vmap(grad(f), in_axes=(None, 0, 0))(parameters, xs, xs[:, :1])
        for name, g in expected.items():
            np.testing.assert_allclose(found[name].detach(), g.detach(), rtol=1e-4, atol=1e-6)


def test_numbers_containers_and_other_results() -> None:
    def f(given: Any, k: float, n: int) -> Any:
        return {"a": given["x"] * k, "n": np.argmax(given["x"]) + n, "pair": (given["x"].sum(), given["x"][0] / k)}

    fast = mg.compile(f)
    for k in (2.0, 3.0):
        found, expected = (vmap(g, in_axes=({"x": 0}, None, None))({"x": XS}, k, 1) for g in (fast, f))
        same((found["a"], found["n"], *found["pair"]), (expected["a"], expected["n"], *expected["pair"]))
    assert programs(fast) == [1]


def counted(box: dict[str, Any]) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        box["calls"] = box["calls"] + 1.0
        return x * box["calls"]

    return f


def test_a_function_that_changes_something_runs_as_it_is() -> None:
    slow, fast = {"calls": np.zeros(())}, {"calls": np.zeros(())}
    f, g = counted(slow), mg.compile(counted(fast))
    for _ in range(3):
        same(vmap(g)(XS), vmap(f)(XS))
        same(vmap(grad(lambda x: g(x).sum()))(XS), vmap(grad(lambda x: f(x).sum()))(XS))
    assert slow["calls"] == fast["calls"] == 6 and set(programs(g)) == {0}


def test_dropout_draws_for_each_example() -> None:
    fast = mg.compile(lambda x: nn.functional.dropout(x, 0.5))
    found = []
    for f in (fast, fast.function):
        mg.random.seed(0)
        found.append([vmap(f, randomness="different")(XS) for _ in range(3)])
    np.testing.assert_array_equal(*found)
    with pytest.raises(RuntimeError, match="randomness"):
        vmap(fast)(XS)


def test_a_parameter_that_is_closed_over_gets_its_gradient() -> None:
    w = Tensor(W, requires_grad=True)
    fast = mg.compile(lambda x: np.sum(w @ x))
    for _ in range(2):
        w.grad = None
        vmap(fast)(XS).sum().backward()
        np.testing.assert_allclose(w.grad, np.broadcast_to(XS.sum(axis=0), (3, 3)))
        with mg.no_grad():
            same(vmap(fast)(XS), np.sum(XS @ W.T, axis=1))


def test_a_batch_that_is_closed_over_is_another_one_at_each_call() -> None:
    box: dict[str, Any] = {"x": Tensor(XS[0])}
    fast = mg.compile(lambda y: y * box["x"])
    same(vmap(fast)(XS), XS * XS[0])

    def f(x: Any, y: Any) -> Any:
        box["x"] = y
        return fast(x)

    for k in range(3):
        same(vmap(f)(XS, XS + k), XS * (XS + k))
        same(vmap(f)(Tensor(XS), Tensor(XS + k)), Tensor(XS * (XS + k)))


def test_a_decision_by_the_value_of_an_example_is_vmaps_error() -> None:
    fast = mg.compile(lambda x: x if x.sum() > 0 else -x)
    for _ in range(2):
        with pytest.raises(TypeError, match="np.where"):
            vmap(fast)(XS)


def test_a_write_into_what_a_gradient_reads_is_seen() -> None:
    fast, x = mg.compile(lambda x: np.sum(np.sin(x))), Tensor(XS, requires_grad=True)
    y = vmap(fast)(x).sum()
    with mg.no_grad():
        x[0] = 1.0
    with pytest.raises(RuntimeError):
        y.backward()
