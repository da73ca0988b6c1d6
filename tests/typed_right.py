"""Right uses: no checker finds an error here, and all of it runs (tests/test_types.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_type

import numpy as np

import minigrad
import nn
from minigrad import Tensor


def methods_and_operators(x: Tensor) -> None:
    assert_type(x.sum(), Tensor)
    assert_type(x.mean(axis=0, keepdims=True), Tensor)
    assert_type(x.reshape(1, -1).T, Tensor)
    assert_type(-x + 1, Tensor)
    assert_type(2 * x**2 / 3, Tensor)
    assert_type(x == 1, Tensor)
    assert_type(x[0], Tensor)
    assert_type(x.shape, tuple[int, ...])
    assert_type(x.requires_grad, bool)
    assert_type([row for row in x], list[Tensor])  # noqa: C416
    assert_type(x.detach().split(1), list[Tensor])
    assert_type(x.grad, Tensor | None)
    x.grad = None


def functions(x: Tensor) -> None:
    assert_type(minigrad.sin(x), Tensor)
    assert_type(minigrad.multiply(2.0, x), Tensor)
    assert_type(minigrad.concatenate([x, x]), Tensor)
    assert_type(minigrad.where(x > 0, x, 0.0), Tensor)
    assert_type(minigrad.zeros((2, 3), requires_grad=True), Tensor)
    assert_type(minigrad.linalg.norm(x), Tensor)
    assert_type(minigrad.fft.rfft(x), Tensor)
    assert_type(minigrad.random.randn(2, 3), Tensor)
    array: np.ndarray = minigrad.sin(np.ones(3))  # arrays give arrays
    assert array.shape == (3,)


def numpy_functions(x: Tensor, a: np.ndarray) -> None:
    np.sin(x).sum().backward()
    np.sum(np.exp(-np.sin(x))).backward()
    np.mean((a * x - 1.0) ** 2).backward()
    np.maximum(x, 0.0).sum().backward()
    np.matmul(a, x).sum().backward()
    wants_a_tensor(a @ x)
    wants_a_tensor(np.float64(2.0) * x)
    wants_a_tensor(np.max(x))


def wants_a_tensor(x: Tensor) -> Tensor:
    return x


def cost(w: np.ndarray, scale: float = 1.0) -> Tensor:
    return scale * minigrad.sum(w)


def transforms(w: np.ndarray) -> None:
    minigrad.grad(cost)(w, scale=2.0)
    value, gradient = minigrad.value_and_grad(cost)(w)
    assert gradient.shape == w.shape
    assert value.shape == ()
    minigrad.jacobian(cost)(w, 3.0)
    minigrad.egrad(np.tanh)(w)
    minigrad.egrad(minigrad.egrad(np.tanh))(w)
    minigrad.jacobian(np.tanh)(w)
    minigrad.grad(np.tanh)(0.5)
    minigrad.grad(np.tanh)(w[:1])
    minigrad.value_and_grad(np.sin)(0.5)
    minigrad.hessian(np.sin)(0.5)
    assert_type(minigrad.checkpoint(cost)(w), Tensor)
    x = Tensor(w, requires_grad=True)
    gradients = minigrad.autograd.grad(x.sum(), x)
    assert_type(gradients, tuple[Tensor | None, ...])


class Twice(nn.Module):
    def __init__(self) -> None:
        self.inner = nn.Linear(3, 3)

    def forward(self, x: Tensor, times: int = 2) -> tuple[Tensor, int]:
        return self.inner(x) * times, times


def modules(x: Tensor) -> None:
    assert_type(nn.Linear(3, 1)(x), Tensor)
    assert_type(Twice()(x, times=3), tuple[Tensor, int])
    model: nn.Module = nn.Linear(3, 1)
    loss: Tensor = nn.functional.mse_loss(model(x), np.ones((3, 1), np.float32))
    loss.backward()


def called_later() -> Callable[[Tensor], Tensor]:
    return nn.Linear(3, 1)
