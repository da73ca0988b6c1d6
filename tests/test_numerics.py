"""The numerical corners that users trip over, with PyTorch's answer where it has one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import Tensor, autograd, grad, gradcheck, gradgradcheck
from minigrad.ops.exponential import expit, log_expit, xlogy
from minigrad.ops.reduce import logsumexp

inf, nan = np.inf, np.nan


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: np.where(x > 0, np.sqrt(x), 0.0), [0.0, 4.0], [0.0, 0.25]),
        (lambda x: np.where(x > 0, np.log(x + (x <= 0)), 0.0), [0.0, 4.0], [0.0, 0.25]),
        (lambda x: np.where(x > 0, xlogy(x, x), 0.0), [0.0, 1.0], [0.0, 1.0]),
        (lambda x: np.where(x > 0, 1 / x, 0.0), [0.0, 2.0], [0.0, -0.25]),
        (lambda x: np.where(x > 0, x**0.5, 0.0), [0.0, 4.0], [0.0, 0.25]),
        (lambda x: np.where(x > 0, x**-1, 0.0), [0.0, 2.0], [0.0, -0.25]),
        (lambda x: np.where(x < 1, np.arcsin(x), 0.0), [1.0, 0.0], [0.0, 1.0]),
        (lambda x: np.where(x < 1, np.log1p(-x), 0.0), [1.0, 0.0], [0.0, -1.0]),
        (np.sqrt, [4.0], [0.25]),
        (np.sqrt, [0.0], [inf]),
        (np.abs, [0.0, -2.0], [0.0, -1.0]),
        (lambda x: x**0, [0.0, 2.0], [0.0, 0.0]),
        (lambda x: x ** np.array([0.0, 1.0, 2.0]), [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]),
        (lambda y: 0.0**y, [2.0, 1.0], [0.0, 0.0]),
        (np.linalg.norm, [0.0, 0.0], [0.0, 0.0]),
        (lambda x: np.linalg.norm(x, 3), [3.0, 0.0], [1.0, 0.0]),
        (np.std, [2.0, 2.0, 2.0], [0.0, 0.0, 0.0]),
        (np.var, [2.0, 2.0], [0.0, 0.0]),
        (np.prod, [0.0, 3.0, 4.0], [12.0, 0.0, 0.0]),
        (np.prod, [0.0, 0.0, 4.0], [0.0, 0.0, 0.0]),
        (np.max, [1.0, 3.0, 3.0], [0.0, 0.5, 0.5]),
        (np.min, [1.0, 1.0], [0.5, 0.5]),
        (lambda x: np.maximum(x, 1.0), [1.0, 2.0], [0.5, 1.0]),
        (lambda x: np.hypot(x, 0.0), [0.0, -2.0], [0.0, -1.0]),
        (lambda x: np.arctan2(x, 0.0), [0.0], [0.0]),
        (lambda x: np.logaddexp(x, -inf), [-inf, 0.0], [0.0, 1.0]),
        (lambda x: np.logaddexp(x, 0.0), [1000.0, -1000.0, 0.0], [1.0, 0.0, 0.5]),  # softplus
        (logsumexp, [1000.0, 1000.0], [0.5, 0.5]),
        (logsumexp, [-inf, 0.0], [0.0, 1.0]),
        (logsumexp, [-inf, -inf], [0.0, 0.0]),
        (expit, [1000.0, -1000.0, 0.0], [0.0, 0.0, 0.25]),
        (log_expit, [1000.0, -1000.0], [0.0, 1.0]),
        (lambda x: np.clip(x, 0.0, 1.0), [0.0, 0.5, 1.0, 2.0], [1.0, 1.0, 1.0, 0.0]),
        (lambda x: np.sort(x), [2.0, 1.0, 1.0], [1.0, 1.0, 1.0]),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_gradient_at_an_edge(f: Callable, x: list[float], expected: list[float]) -> None:
    got = grad(lambda x: np.sum(f(x)))(np.array(x))
    np.testing.assert_allclose(got, expected)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.torch
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("x", [0.0, -0.0])
@pytest.mark.parametrize(
    "f",
    [
        *(lambda x, n=n: x**n for n in (-6, -4, -3, -2, -1, 0, 0.5, 1, 2, 3, -1.5)), lambda x: 1 / x,
        lambda x: 1 / (x * x), lambda m: m.sqrt(), lambda m: 1 / m.sqrt(), lambda m: m.log(), lambda m: m.log2(),
        lambda m: m.log10(), lambda m: m.reciprocal(),
    ],
)  # fmt: skip
def test_an_infinite_slope_at_a_zero_has_the_sign_of_torchs(f: Callable[[Any], Any], x: float) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    f(theirs).backward()
    ours = Tensor(np.array(x), requires_grad=True)
    f(ours).backward()
    np.testing.assert_array_equal(ours.grad.numpy(), theirs.grad.numpy())


def test_a_masked_singularity_does_not_disturb_second_derivatives() -> None:
    x = np.array([0.0, 4.0])
    second = grad(lambda x: np.sum(grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x + (x == 0)), 0.0)))(x)))(x)
    np.testing.assert_allclose(second, [0.0, -0.25 * 4.0**-1.5])
    # A cotangent that is 0 by chance must not change the derivative with respect to itself.
    g = Tensor(np.zeros(1), requires_grad=True)
    y = Tensor(np.array([4.0]), requires_grad=True)
    (first,) = autograd.grad(np.log(y), y, g, create_graph=True)
    assert autograd.grad(first, g, np.ones(1))[0].tolist() == [0.25]


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("ours", "theirs", "x"),
    [
        (np.abs, "abs", [0.0, -1.0]),
        (lambda x: np.max(x), "amax", [1.0, 2.0, 2.0]),
        (lambda x: np.min(x, axis=0), "amin", [1.0, 1.0]),
        (lambda x: np.linalg.norm(x), "norm", [0.0, 0.0]),
        (lambda x: np.std(x, ddof=1), "std", [2.0, 2.0]),
        (np.prod, "prod", [0.0, 2.0, 0.0]),
        (np.prod, "prod", [0.0, 2.0, 3.0]),
        (np.cumprod, "cumprod", [2.0, 0.0, 3.0, 0.0]),
        (lambda x: np.clip(x, -1, 1), "clip", [-1.0, 1.0, 2.0]),
        (lambda x: x**0, "zeroth", [0.0, 1.0]),
        (lambda x: x**2, "square", [0.0, 1.0]),
        (logsumexp, "logsumexp", [1000.0, -inf, 3.0]),
    ],
)
def test_edges_agree_with_torch(ours: Callable, theirs: str, x: list[float]) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    functions = {
        "clip": lambda t: torch.clamp(t, -1, 1),
        "cumprod": lambda t: torch.cumprod(t, 0),
        "logsumexp": lambda t: torch.logsumexp(t, 0),
        "zeroth": lambda t: t**0,
    }
    t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    functions.get(theirs, getattr(torch, theirs, None))(t).sum().backward()
    np.testing.assert_allclose(grad(lambda x: np.sum(ours(x)))(np.array(x)), t.grad.numpy())


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_empty_and_0d() -> None:
    for f in (np.sum, np.mean, np.prod, np.linalg.norm):
        assert grad(f)(np.zeros((0, 3))).shape == (0, 3)
    assert grad(lambda x: np.max(x, axis=1).sum())(np.zeros((0, 3))).shape == (0, 3)
    assert grad(np.max)(np.array(3.0)) == 1.0
    assert grad(lambda x: np.concatenate([x, x[:0]]).sum())(np.ones(2)).tolist() == [1.0, 1.0]


def test_power_with_complex_and_vanishing_exponents() -> None:
    assert gradcheck(lambda x: np.real(x ** (1 + 1j)), np.array([2.0, 0.5]))
    assert gradgradcheck(lambda x: np.imag(x ** (1 + 1j)), np.array([2.0, 0.5]))
    slope = grad(lambda x: np.sum(x ** np.zeros(4)))(np.array([0.0, 2.0, np.inf, np.nan]))
    np.testing.assert_array_equal(slope, np.zeros(4))
    mixed = grad(lambda y: grad(np.power)(2.0, y))(0.0)  # d/dy (y x^(y-1)) = 1 / x at y = 0
    np.testing.assert_allclose(mixed, 0.5)


def test_a_python_integer_may_be_as_large_as_it_likes() -> None:
    np.testing.assert_allclose(grad(lambda x: x / 10**30)(1.0), 1e-30)
    np.testing.assert_allclose(grad(lambda x: 10**30 / x)(2.0), -0.25e30)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of the values
def test_reductions_of_nothing_and_of_single_numbers() -> None:
    np.testing.assert_array_equal(grad(lambda x: np.var(x[:0]))(np.ones(2)), [0.0, 0.0])
    np.testing.assert_array_equal(grad(lambda x: np.prod(x[0], axis=-1))(np.array([2.0, 3.0])), [1.0, 0.0])
    assert np.isnan(grad(lambda x: np.var(x, ddof=1))(np.ones(1))).all()
