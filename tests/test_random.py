"""Random numbers: distributions, seeds, and gradients along the path of a draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

import minigrad as mg
from minigrad import Tensor, grad, gradcheck, random

DISTRIBUTIONS: dict[str, tuple[tuple[float, ...], Any]] = {
    "uniform": ((-1.0, 2.5), scipy.stats.uniform(-1.0, 3.5)),
    "normal": ((0.5, 1.7), scipy.stats.norm(0.5, 1.7)),
    "lognormal": ((0.2, 0.4), scipy.stats.lognorm(0.4, scale=np.exp(0.2))),
    "exponential": ((1.3,), scipy.stats.expon(scale=1.3)),
    "laplace": ((0.5, 1.7), scipy.stats.laplace(0.5, 1.7)),
    "logistic": ((0.5, 1.7), scipy.stats.logistic(0.5, 1.7)),
    "gumbel": ((0.5, 1.7), scipy.stats.gumbel_r(0.5, 1.7)),
    "gamma": ((2.3, 0.7), scipy.stats.gamma(2.3, scale=0.7)),
    "chisquare": ((3.5,), scipy.stats.chi2(3.5)),
    "beta": ((2.3, 0.7), scipy.stats.beta(2.3, 0.7)),
    "standard_t": ((4.0,), scipy.stats.t(4.0)),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_draws_follow_their_distribution(name: str) -> None:
    parameters, distribution = DISTRIBUTIONS[name]
    x = getattr(random, name)(*(Tensor(np.array(p)) for p in parameters), size=20_000)
    assert x.dtype == np.float64
    assert scipy.stats.kstest(x.numpy(), distribution.cdf).pvalue > 1e-3
    assert getattr(random, name)(*parameters, size=(2, 3)).dtype == np.float32


@pytest.mark.parametrize("name", ["uniform", "normal", "lognormal", "exponential", "laplace", "logistic", "gumbel"])
def test_gradients_follow_the_draw(name: str) -> None:
    """With one seed a draw is a function of the parameters, which finite differences can see."""
    parameters, _ = DISTRIBUTIONS[name]

    def draw(*args: Any) -> Any:
        random.manual_seed(5)
        return getattr(random, name)(*args, size=4)

    assert gradcheck(draw, *parameters)


@pytest.mark.parametrize("shape", [0.05, 0.6, 1.0, 2.5, 40.0, 900.0])
def test_gradient_of_a_gamma_variable(shape: float) -> None:
    """At a fixed probability, the gradient is the slope of SciPy's quantile in the shape."""
    a = Tensor(np.full(8, shape), requires_grad=True)
    x = random.standard_gamma(a)
    x.sum().backward()
    u, h = scipy.stats.gamma.cdf(x.detach().numpy(), shape), 1e-5 * shape
    clear = (u > 1e-3) & (u < 1 - 1e-3)
    expected = (scipy.stats.gamma.ppf(u, shape + h) - scipy.stats.gamma.ppf(u, shape - h)) / (2 * h)
    assert clear.any()
    np.testing.assert_allclose(a.grad.numpy()[clear], expected[clear], rtol=2e-4)


def test_means_move_with_the_parameters() -> None:
    """E beta(a, b) = a / (a + b), E dirichlet = alpha / sum, E chisquare = df: so do their mean gradients."""
    n = 20_000
    a, b = Tensor(np.array(2.0), requires_grad=True), Tensor(np.array(3.0), requires_grad=True)
    random.beta(a, b, n).mean().backward()
    np.testing.assert_allclose([a.grad.item(), b.grad.item()], [3 / 25, -2 / 25], atol=4e-3)
    df = Tensor(np.array(3.0), requires_grad=True)
    random.chisquare(df, n).mean().backward()
    np.testing.assert_allclose(df.grad.item(), 1.0, atol=0.03)
    alpha = np.array([1.0, 2.0, 3.0])
    slope = grad(lambda alpha: random.dirichlet(alpha, n)[:, 0].mean())(alpha)
    np.testing.assert_allclose(slope, [5 / 36, -1 / 36, -1 / 36], atol=4e-3)
    samples = random.dirichlet(Tensor(alpha), n)
    np.testing.assert_allclose(samples.mean(axis=0).numpy(), alpha / 6, atol=5e-3)


def test_second_derivative_of_a_gamma_variable() -> None:
    def draw(a: Any) -> Any:
        random.manual_seed(3)
        return random.standard_gamma(a)

    a = Tensor(np.array(2.5), requires_grad=True)
    x = draw(a)
    (first,) = mg.autograd.grad([x], [a], create_graph=True)
    (second,) = mg.autograd.grad([first], [a])
    u, h = scipy.stats.gamma.cdf(x.item(), 2.5), 1e-3
    q = scipy.stats.gamma.ppf(u, [2.5 - h, 2.5, 2.5 + h])
    np.testing.assert_allclose(second.item(), (q[0] - 2 * q[1] + q[2]) / h**2, rtol=1e-3)


def test_dtype_and_size() -> None:
    assert random.normal(size=3, dtype="float64").dtype == np.float64
    assert random.uniform(Tensor([0.0, 1.0]), 2.0).shape == (2,)
    assert random.normal(np.zeros((2, 1)), np.ones(3)).shape == (2, 3)
    assert random.gamma(2.0).shape == ()
