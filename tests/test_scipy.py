"""minigrad.scipy: distributions, signals, differential equations, optimisation, sparse factors."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.special
import scipy.stats

import minigrad
import nn
from minigrad import Tensor, grad, gradcheck, gradgradcheck, hessian, jacobian
from minigrad.scipy import integrate, linalg, optimize, signal, sparse, special, stats
from nn.functional import gelu

from .samples import between

# ---------------------------------------------------------------------------------- stats

X, LOC, SCALE = between(0.2, 2.0, 2, 3), np.array([0.05, -0.1, 0.1]), np.array([[0.9], [1.4]])
SHAPES: dict[str, tuple[Any, ...]] = {
    "norm": (), "laplace": (), "logistic": (), "expon": (), "uniform": (),
    "gamma": (between(0.7, 3, 3),), "chi2": (between(1.2, 5, 3),), "t": (between(1.5, 6, 3),),
    "beta": (between(0.8, 3, 3), between(0.8, 3, 2, 1)),
    "lognorm": (between(0.5, 2, 3),), "cauchy": (), "halfcauchy": (), "halfnorm": (), "gumbel_r": (), "gumbel_l": (),
    "weibull_min": (between(0.8, 3, 3),), "rayleigh": (), "pareto": (between(0.8, 3, 3),), "invgamma": (between(0.8, 3, 3),),
    "f": (between(1.5, 5, 3), between(1.5, 5, 2, 1)), "truncnorm": (between(-1, -0.2, 3), between(2.5, 3, 2, 1)),
}  # fmt: skip


@pytest.mark.parametrize("function", ["logpdf", "pdf", "cdf", "sf", "logcdf", "logsf"])
@pytest.mark.parametrize("name", SHAPES)
def test_densities_and_distribution_functions(name: str, function: str) -> None:
    """Values are SciPy's; derivatives by the point and all parameters agree with finite differences, twice."""
    ours, theirs = getattr(getattr(stats, name), function), getattr(getattr(scipy.stats, name), function)
    x = {"beta": X * 0.35, "uniform": X * 0.35, "pareto": X + 2}.get(name, X)
    args = (x, *SHAPES[name], LOC, SCALE)
    with np.errstate(divide="ignore"):
        expected = theirs(*args)
        np.testing.assert_allclose(ours(*args), expected, rtol=1e-10, atol=1e-13)
    inside = tuple(a[:1, :1] if a.ndim == 2 else a[:1] for a in args)
    assert gradcheck(ours, *inside)
    assert gradgradcheck(ours, *inside)


def test_outside_of_the_support() -> None:
    x = np.array([-1.0, 0.0, 0.5, 2.0, 4.0])
    with np.errstate(divide="ignore"):
        for name in SHAPES:
            shapes = tuple(np.ravel(s)[0] for s in SHAPES[name])
            for function in ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf"):
                ours, theirs = getattr(getattr(stats, name), function), getattr(getattr(scipy.stats, name), function)
                np.testing.assert_allclose(ours(x, *shapes), theirs(x, *shapes), rtol=1e-10, atol=1e-15)
    assert jacobian(stats.expon.pdf)(x)[0, 0] == 0


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("function", ["ppf", "isf"])
def test_quantiles(name: str, function: str) -> None:
    q, shapes = np.array([0.2, 0.7]), tuple(np.ravel(s)[0] for s in SHAPES[name])
    ours, theirs = getattr(getattr(stats, name), function), getattr(getattr(scipy.stats, name), function)
    np.testing.assert_allclose(ours(q, *shapes, 0.5, 2.0), theirs(q, *shapes, 0.5, 2.0), rtol=1e-9)
    assert gradcheck(ours, q, *shapes, 0.5, 2.0)
    assert gradcheck(ours, np.array([0.5]), *shapes, 0.5, 2.0)  # at the median too
    if function == "isf" and name not in ("beta", "uniform", "truncnorm"):  # the tail keeps its digits
        np.testing.assert_allclose(getattr(scipy.stats, name).sf(ours(1e-14, *shapes), *shapes), 1e-14, rtol=1e-6)


def test_a_kink_of_its_parts_is_none_of_laplaces() -> None:
    """At loc the density has a kink, the distribution function, its logarithm and the quantile have none."""
    slopes = {"cdf": 0.25, "sf": -0.25, "logcdf": 0.5, "logsf": -0.5}
    for name, slope in slopes.items():
        f = getattr(stats.laplace, name)
        assert grad(f)(1.0, 1.0, 2.0) == slope
        assert grad(f, 1)(1.0, 1.0, 2.0) == -slope
    assert grad(stats.laplace.ppf)(0.5, 0.0, 2.0) == 4.0
    assert grad(stats.laplace.isf)(0.5, 0.0, 2.0) == -4.0
    law = lambda loc, x: nn.distributions.Laplace(loc, 2.0).cdf(x)
    assert grad(law, 1)(1.0, 1.0) == 0.25
    assert grad(law)(1.0, 1.0) == -0.25
    assert grad(nn.distributions.Laplace(0.0, 2.0).icdf)(0.5) == 4.0


def test_a_distribution_with_its_parameters() -> None:
    q = np.array([0.2, 0.7])
    for name, shapes in SHAPES.items():
        parameters = (*(np.ravel(s)[0] for s in shapes), 0.1, 1.5)
        ours, theirs = getattr(stats, name), getattr(scipy.stats, name)(*parameters)
        for function in ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf", "ppf", "isf"):
            x = q if function in ("ppf", "isf") else theirs.ppf(q)
            np.testing.assert_allclose(getattr(ours(*parameters), function)(x), getattr(theirs, function)(x), rtol=1e-9)
    assert grad(lambda m: stats.norm(m, scale=2.0).logpdf(1.0))(0.0) == 0.25
    with pytest.raises(TypeError, match="norm: expected loc, scale; got"):
        stats.norm(0.0, 1.0, 2.0)


@pytest.mark.parametrize("function", ["logpdf", "pdf", "cdf", "sf", "logcdf", "logsf", "ppf"])
def test_a_normal_variable_cut_far_out_or_on_one_side(function: str) -> None:
    """The tail keeps its digits, and an infinite bound has a gradient of 0, not NaN."""
    ours, theirs = getattr(stats.truncnorm, function), getattr(scipy.stats.truncnorm, function)
    for a, b, x in ((8.0, 9.0, 8.3), (-9.0, -8.0, -8.3), (-np.inf, 1.0, -0.5), (0.5, np.inf, 0.9), (-np.inf, np.inf, 0.2)):
        point = 0.3 if function == "ppf" else x
        np.testing.assert_allclose(ours(point, a, b), theirs(point, a, b), rtol=1e-9)
        slopes = [grad(ours, i)(point, a, b) for i in range(3)]
        assert np.isfinite(slopes).all()
        assert all(s == 0 for s, bound in zip(slopes[1:], (a, b), strict=True) if np.isinf(bound))
        if np.isfinite(a) and np.isfinite(b):
            assert gradcheck(ours, np.float64(point), np.float64(a), np.float64(b))


def test_counts_and_vectors() -> None:
    k, mu = np.array([0.0, 1.0, 4.0, -1.0, 1.5]), np.array([0.5, 1.0, 2.0, 2.0, 2.0])
    with np.errstate(divide="ignore"):
        for function in ("logpmf", "pmf", "cdf", "sf", "logcdf"):
            ours = getattr(stats.poisson, function)
            np.testing.assert_allclose(ours(k, mu), getattr(scipy.stats.poisson, function)(k, mu), rtol=1e-10, atol=1e-15)
            assert gradgradcheck(lambda m, ours=ours: ours(k[:3], m), mu[:3])
    alpha, p = np.array([0.8, 1.5, 2.0]), np.array([0.2, 0.3, 0.5])
    mean, a = between(-1, 1, 3), between(-1, 1, 3, 3)
    points, cov = between(-1, 1, 4, 3), a @ a.T + np.eye(3)
    for function in ("logpdf", "pdf"):
        ours = getattr(stats.dirichlet, function)
        np.testing.assert_allclose(ours(p, alpha), getattr(scipy.stats.dirichlet, function)(p, alpha))
        assert gradgradcheck(ours, p, alpha)
        ours = getattr(stats.multivariate_normal, function)
        np.testing.assert_allclose(ours(points, mean, cov), getattr(scipy.stats.multivariate_normal, function)(points, mean, cov))
        assert gradgradcheck(lambda x, m, c, ours=ours: ours(x, m, c @ np.swapaxes(c, 0, 1) + np.eye(3)), points, mean, a)
    np.testing.assert_allclose(stats.multivariate_normal.entropy(mean, cov), scipy.stats.multivariate_normal.entropy(mean, cov))
    assert gradcheck(lambda c: stats.multivariate_normal.entropy(None, c), cov)


def test_logsumexp_with_factors() -> None:
    a, b = between(-2, 2, 2, 3), between(0.5, 2, 2, 3)
    for axis, keepdims in ((None, False), (0, True), (1, False)):
        f = partial(special.logsumexp, axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(f(a, b=b), scipy.special.logsumexp(a, axis=axis, b=b, keepdims=keepdims))
        assert gradgradcheck(lambda a, b, f=f: f(a, b=b), a, b)
    out, sign = special.logsumexp(a, axis=1, b=-b, return_sign=True)
    np.testing.assert_allclose((out, sign), scipy.special.logsumexp(a, axis=1, b=-b, return_sign=True))
    assert gradcheck(lambda a: special.logsumexp(a, axis=1, b=-b, return_sign=True)[0], a)


# --------------------------------------------------------------------------------- linalg


def test_signatures_of_scipy_linalg() -> None:
    a, b = between(-1, 1, 3, 3) + 2 * np.eye(3), between(-1, 1, 3, 2)
    spd = a @ a.T + np.eye(3)
    np.testing.assert_allclose(linalg.cholesky(spd), scipy.linalg.cholesky(spd))
    np.testing.assert_allclose(linalg.cholesky(spd, lower=True), scipy.linalg.cholesky(spd, lower=True))
    for matrix, options in (
        (spd, {"assume_a": "pos"}), (spd, {"assume_a": "pos", "lower": True}), (a, {}), (a, {"transposed": True}),
        (np.triu(a), {"assume_a": "upper triangular"}), (np.tril(a), {"assume_a": "lower triangular"}),
    ):  # fmt: skip
        np.testing.assert_allclose(linalg.solve(matrix, b, **options), scipy.linalg.solve(matrix, b, **options))
        assert gradcheck(lambda m, y, o=options: linalg.solve(m + np.swapaxes(m, 0, 1) if "pos" in o.values() else m, y, **o),
                         matrix, b)  # fmt: skip
    for mode, parts in (("full", 2), ("economic", 2), ("r", 1)):
        ours, theirs = linalg.qr(b, mode=mode), scipy.linalg.qr(b, mode=mode)
        assert len(ours) == len(theirs) == parts
        for x, y in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(x, y, atol=1e-14)
    np.testing.assert_allclose(linalg.lstsq(a[:, :2], b)[0], scipy.linalg.lstsq(a[:, :2], b)[0])


def test_lu_has_scipys_other_forms() -> None:
    a = between(-1, 1, 4, 3)
    for options in ({"permute_l": True}, {"p_indices": True}):
        for x, y in zip(linalg.lu(a, **options), scipy.linalg.lu(a, **options), strict=True):
            np.testing.assert_allclose(x, y, atol=1e-14)
    p, lower, upper = linalg.lu(a, p_indices=True)
    np.testing.assert_allclose(lower[p] @ upper, a, atol=1e-14)
    np.testing.assert_array_equal(linalg.lu_factor(a[:3])[1], scipy.linalg.lu_factor(a[:3])[1])
    with pytest.raises(ValueError, match="expected one square matrix"):
        linalg.lu_solve(linalg.lu_factor(a), a)


def test_bases_of_a_range_and_of_what_goes_to_zero() -> None:
    """Values are SciPy's up to rotation; what depends on the space alone has the right derivatives, twice."""
    wide, thin = between(-1, 1, 2, 4), between(-1, 1, 4, 2)
    low = thin @ between(-1, 1, 2, 3)
    for a in (wide, thin, low, low.T):
        for ours, theirs in ((linalg.null_space, scipy.linalg.null_space), (linalg.orth, scipy.linalg.orth)):
            x, y = ours(a), theirs(a)
            assert x.shape == y.shape
            np.testing.assert_allclose(x @ x.T, y @ y.T, atol=1e-13)
            np.testing.assert_allclose(x.T @ x, np.eye(x.shape[1]), atol=1e-13)
    projector = lambda basis: lambda a: basis(a) @ np.swapaxes(basis(a), 0, 1)
    for a, basis in ((wide, linalg.null_space), (thin, linalg.orth)):
        assert gradcheck(projector(basis), a)
        assert gradgradcheck(projector(basis), a)
    z = scipy.linalg.null_space(wide)
    turned = np.tensordot(z.T, jacobian(linalg.null_space)(wide), 1)
    np.testing.assert_allclose(turned, 0, atol=1e-12)


def test_what_has_no_derivative_says_so() -> None:
    a = between(-1, 1, 3, 3)
    for x, y in zip(linalg.schur(a, "complex"), scipy.linalg.schur(a, "complex"), strict=True):
        np.testing.assert_array_equal(x, y)
    with pytest.raises(NotImplementedError, match="Z and T are not unique"):
        grad(lambda x: linalg.schur(x)[0].sum())(a)
    with pytest.raises(NotImplementedError, match="use side='left'"):
        grad(lambda x: linalg.polar(x)[1].sum())(a[:2])
    with pytest.raises(np.linalg.LinAlgError, match="without full rank"):
        grad(lambda x: linalg.polar(x)[1].sum())(np.ones((2, 2)))
    np.testing.assert_allclose(linalg.polar(a[:2])[1], scipy.linalg.polar(a[:2])[1])


def test_the_logarithm_undoes_the_exponential() -> None:
    x = between(-0.5, 0.5, 3, 3)
    np.testing.assert_allclose(jacobian(lambda x: linalg.logm(linalg.expm(x)))(x).reshape(9, 9), np.eye(9), atol=1e-10)


# --------------------------------------------------------------------------------- signal


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("function", ["convolve", "fftconvolve", "correlate"])
def test_convolution(function: str, mode: str) -> None:
    ours, theirs = partial(getattr(signal, function), mode=mode), partial(getattr(scipy.signal, function), mode=mode)
    for x, y in (
        (between(-1, 1, 6), between(-1, 1, 3)), (between(-1, 1, 4, 5), between(-1, 1, 2, 3)),
        (between(-1, 1, 2), between(-1, 1, 4)),
        (between(-1, 1, 5) + 1j, between(-1, 1, 3) * 1j),
    ):  # fmt: skip
        np.testing.assert_allclose(ours(x, y), theirs(x, y), atol=1e-13)
        assert gradgradcheck(ours, x, y)
    if function == "fftconvolve":
        x, y = between(-1, 1, 4, 6), between(-1, 1, 4, 3)
        np.testing.assert_allclose(ours(x, y, axes=1), theirs(x, y, axes=1), atol=1e-13)
    with pytest.raises(ValueError, match="equally many axes"):
        ours(x, y[0])


def test_short_time_transforms_are_undone_and_have_scipys_axes() -> None:
    x = between(-1, 1, 2, 20)
    for ours, theirs in zip(signal.stft(x, 2.0, nperseg=8), scipy.signal.stft(x, 2.0, nperseg=8), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-14)
    t, back = signal.istft(signal.stft(x, 2.0, nperseg=8)[2], 2.0)
    np.testing.assert_allclose(back[:, :20], x, atol=1e-13)
    np.testing.assert_allclose(t, np.arange(back.shape[-1]) / 2.0)  # SciPy counts along the first axis of many signals
    with pytest.warns(UserWarning, match="in no window"):
        signal.istft(signal.stft(x, nperseg=8, boundary=None)[2], boundary=False)


def test_options_of_signals_that_are_not_there_are_named() -> None:
    x = between(-1, 1, 8)
    for call, error, message in (
        (lambda: signal.lfilter([1.0], [1.0], x, zi=x[:1]), NotImplementedError, "zi is not supported"),
        (lambda: signal.lfilter([1.0], [0.0, 1.0], x), ValueError, r"a\[0\] must not be 0"),
        (lambda: signal.stft(x, nperseg=4, detrend="linear"), NotImplementedError, "detrend is not supported"),
        (lambda: signal.stft(x, nperseg=4, noverlap=4), ValueError, "noverlap < nperseg"),
        (lambda: signal.stft(x, nperseg=4, boundary="mirror"), ValueError, "boundary must be"),
        (lambda: signal.detrend(x, bp=[0, 4]), NotImplementedError, "breaks bp"),
        (lambda: signal.convolve2d(x, x), ValueError, "two axes"),
        (lambda: signal.convolve2d(x[None], x[None], boundary="mirror"), ValueError, "boundary must be"),
        (lambda: signal.hilbert(x + 0j), ValueError, "must be real"),
    ):
        with pytest.raises(error, match=message):
            call()


def test_long_convolutions_go_through_fourier_transforms() -> None:
    x, y = between(-1, 1, 700), between(-1, 1, 300)
    np.testing.assert_allclose(signal.convolve(x, y), np.convolve(x, y), atol=1e-12)


# ------------------------------------------------------------------------------ integrate


def pendulum(y: Any, t: Any, g: Any, damping: Any) -> Any:
    return [y[1], -g * np.sin(y[0]) - damping["c"] * y[1] + 0.1 * t]


T = np.array([0.0, 0.3, 0.3, 1.1, 2.0])
TIGHT = {"rtol": 1e-10, "atol": 1e-10}


def by_odeint(y0: Any, t: Any, g: Any, c: Any) -> Any:
    return integrate.odeint(pendulum, y0, t, (g, {"c": c}), **TIGHT)


def by_solve_ivp(y0: Any, t: Any, g: Any, c: Any) -> Any:
    flipped = lambda t, y, g, d: pendulum(y, t, g, d)
    return integrate.solve_ivp(flipped, (t[0], t[-1]), y0, "DOP853", t, args=(g, {"c": c}), **TIGHT).y.T


@pytest.mark.parametrize("solution", [by_odeint, by_solve_ivp])
def test_initial_value_problems(solution: Any) -> None:
    y0 = np.array([0.7, -0.2])
    expected = scipy.integrate.odeint(pendulum, y0, T, (9.0, {"c": 0.2}), **TIGHT)
    np.testing.assert_allclose(solution(y0, T, 9.0, 0.2), expected, atol=1e-7)
    assert gradcheck(solution, y0, T[[0, 1, 3]], 9.0, 0.2, eps=1e-4, atol=1e-5)


def test_second_derivatives_of_an_initial_value_problem() -> None:
    """y' = -k y^2 from y0 is y0 / (1 + k y0 t): its Hessian in (k, y0, t) by hand."""

    def end(p: Any) -> Any:
        k, y0, t = p[0], p[1], p[2]
        times = np.stack([0.0 * t, t])
        return integrate.odeint(lambda y, t, k: -k * y**2, np.reshape(y0, 1), times, (k,), **TIGHT)[1, 0]

    k, y0, t = point = np.array([0.5, 1.2, 0.8])
    n = 1 + k * y0 * t
    by_hand = np.array([
        [2 * y0**3 * t**2 / n**3, -2 * y0 * t / n**3, -(y0**2) * (1 - k * y0 * t) / n**3],
        [-2 * y0 * t / n**3, -2 * k * t / n**3, -2 * k * y0 / n**3],
        [-(y0**2) * (1 - k * y0 * t) / n**3, -2 * k * y0 / n**3, 2 * k**2 * y0**3 / n**3],
    ])  # fmt: skip
    np.testing.assert_allclose(hessian(end)(point), by_hand, rtol=1e-5, atol=1e-6)


def test_the_solvers_own_steps_and_backward_time() -> None:
    out = integrate.solve_ivp(lambda t, y: -y, (0.0, 1.0), np.array([1.0]))
    expected = scipy.integrate.solve_ivp(lambda t, y: -y, (0.0, 1.0), [1.0])
    np.testing.assert_allclose(out.t, expected.t)
    np.testing.assert_allclose(out.y, expected.y)
    back = lambda y: integrate.odeint(lambda y, t: -y, y, np.array([1.0, 0.0]), **TIGHT)[1].sum()
    np.testing.assert_allclose(grad(back)(np.array([2.0])), [np.e], rtol=1e-6)
    by_end = lambda end: integrate.solve_ivp(lambda t, y: -y, (0.0, end), np.array([1.0]), rtol=1e-9, atol=1e-9).y[0, -1]
    np.testing.assert_allclose(grad(by_end)(1.0), -np.exp(-1), rtol=1e-6)


def test_a_parameter_that_is_closed_over_is_an_error() -> None:
    k = Tensor(2.0, requires_grad=True)
    with pytest.raises(TypeError, match="odeint.*pass it through args"):
        integrate.odeint(lambda y, t: -k * y, 1.0, T)
    with pytest.raises(TypeError, match="implicit_root.*pass it through args"):
        optimize.implicit_root(lambda x, a: x - k.detach() + (k - 2.0) * a, 1.0, (1.0,))
    with pytest.raises(RuntimeError, match="solve_ivp"):
        integrate.solve_ivp(lambda t, y: y**2, (0.0, 2.0), 1.0, t_eval=[2.0])


# ------------------------------------------------------------------------------- optimize


@pytest.mark.parametrize("method", [None, "BFGS", "L-BFGS-B", "Newton-CG", "trust-ncg", "trust-exact", "SLSQP"])
def test_minimize_finds_the_minimum_of_rosenbrocks_function(method: str | None) -> None:
    rosenbrock = lambda x, a: np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (a - x[:-1]) ** 2)
    result = optimize.minimize(rosenbrock, np.zeros(4), (1.0,), method=method, tol=1e-10)
    np.testing.assert_allclose(result.x, np.ones(4), atol=1e-4)
    by_differences = scipy.optimize.minimize(rosenbrock, np.zeros(4), (1.0,), method="BFGS")
    assert result.nfev < by_differences.nfev / 2


def test_arrays_of_any_shape() -> None:
    target = between(-1, 1, 2, 3)
    np.testing.assert_allclose(optimize.minimize(lambda x: ((x - target) ** 2).sum(), np.zeros((2, 3))).x, target, atol=1e-6)
    np.testing.assert_allclose(optimize.root(lambda x: (x - target) ** 3 + x - target, np.zeros((2, 3))).x, target, atol=1e-8)
    result = optimize.root(lambda x: [x[0] + x[1] - 3.0, x[0] * x[1] - 2.0], np.array([0.0, 5.0]))
    np.testing.assert_allclose(result.x, [1.0, 2.0])
    t = np.linspace(0, 2, 9)
    fitted = optimize.least_squares(lambda p: p[0] * np.exp(-p[1] * t) - 3 * np.exp(-0.7 * t), np.ones(2))
    np.testing.assert_allclose(fitted.x, [3.0, 0.7])


def test_solutions_are_differentiable_in_what_defines_them() -> None:
    def intersection(a: Any, b: Any) -> Any:
        return optimize.implicit_root(lambda x, a, b: np.stack([x[0] ** 2 + x[1] - a, x[1] - b * x[0]]), np.ones(2), (a, b))

    root = (-0.7 + np.sqrt(0.49 + 4 * 3)) / 2
    np.testing.assert_allclose(intersection(3.0, 0.7), [root, 0.7 * root])
    assert gradcheck(intersection, 3.0, 0.7)
    assert gradgradcheck(intersection, 3.0, 0.7)
    fixed = lambda a: optimize.fixed_point(lambda x, a: np.cos(a * x), np.array([0.7, 0.7]), (a,))
    np.testing.assert_allclose(
        fixed(np.array([1.0, 0.8])), scipy.optimize.fixed_point(lambda x: np.cos([1.0, 0.8] * x), [0.7, 0.7])
    )
    assert gradgradcheck(fixed, np.array([1.0, 0.8]))
    with pytest.raises(RuntimeError, match="no root found"):
        optimize.implicit_root(lambda x, a: x**2 + a, 1.0, (1.0,))


@pytest.mark.parametrize("name", ["brentq", "brenth", "bisect", "ridder", "toms748"])
def test_a_solver_of_scipys_that_would_lose_the_gradient_is_refused_by_name(name):
    solver = getattr(scipy.optimize, name)
    with pytest.raises((TypeError, RuntimeError), match=r"lose (its|the) gradient.*minigrad\.scipy"):
        grad(lambda a: solver(lambda x: x * x - a, 0.0, 3.0))(2.0)


@pytest.mark.parametrize(
    ("lost", "instead"),
    [
        (lambda a: scipy.special.logsumexp(a * np.ones(2)), r"minigrad\.scipy\.special\.logsumexp\(\.\.\.\)"),
        (lambda a: scipy.special.softmax(a * np.ones(2))[0], r"minigrad\.scipy\.special\.softmax\(\.\.\.\)"),
        (lambda a: scipy.stats.norm.logpdf(0.3, a), r"minigrad\.scipy\.stats\.norm\.logpdf\(\.\.\.\)"),
        (lambda a: scipy.stats.gamma.cdf(0.3, a), r"minigrad\.scipy\.stats\.gamma\.cdf\(\.\.\.\)"),
        (lambda a: scipy.linalg.cholesky(a * np.eye(2)).sum(), r"minigrad\.scipy\.linalg\.cholesky\(\.\.\.\)"),
        (lambda a: scipy.signal.convolve(a * np.ones(2), np.ones(2)).sum(), r"minigrad\.scipy\.signal\.convolve"),
        (lambda a: scipy.optimize.minimize(lambda x: x @ x, a).fun, r"minigrad\.scipy\.optimize\.implicit_root\(f"),
        (lambda a: scipy.stats.nbinom.pmf(1, 2, a), r"minigrad has none of scipy\.stats\.nbinom\.pmf"),
    ],
)
def test_a_function_of_scipy_that_loses_a_gradient_is_named(lost: Any, instead: str) -> None:
    with pytest.raises(RuntimeError, match=instead):
        grad(lost)(0.5)
    with pytest.raises(RuntimeError, match=instead):
        lost(Tensor(0.5, requires_grad=True))


def test_a_number_that_scipy_takes_inside_of_a_transform_is_explained() -> None:
    with pytest.raises((TypeError, ValueError), match=r"minigrad\.scipy\.optimize\.implicit_root\(f"):
        grad(lambda a: scipy.optimize.brentq(lambda x: x - a, 0.0, 1.0))(0.5)


def quartic(x: Any, a: float) -> Any:
    return np.sum((x - a) ** 4)


def its_gradient(x: Any, a: float) -> Any:
    return 4 * (x - a) ** 3


def its_hessian(x: Any, a: float) -> Any:
    return np.diag(12 * np.ravel(x - a) ** 2)


def both(f: Any, derivative: Any) -> Any:
    return lambda x, a: (f(x, a), derivative(x, a))


GIVEN: dict[str, Any] = {
    "gradient": lambda x0: optimize.minimize(quartic, x0, 2.0, jac=its_gradient),
    "number and gradient": lambda x0: optimize.minimize(both(quartic, its_gradient), x0, 2.0, "trust-ncg", jac=True),
    "Hessian": lambda x0: optimize.minimize(quartic, x0, 2.0, "trust-exact", hess=its_hessian),
    "product": lambda x0: optimize.minimize(quartic, x0, 2.0, "newton-cg", hessp=lambda x, p, a: 12 * (x - a) ** 2 * p),
    "Jacobian": lambda x0: optimize.root(its_gradient, x0, 2.0, jac=its_hessian),
    "value and Jacobian": lambda x0: optimize.root(both(its_gradient, its_hessian), x0, 2.0, jac=True),
    "of residuals": lambda x0: optimize.least_squares(its_gradient, x0, args=2.0, jac=its_hessian),
}


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
@pytest.mark.parametrize("solve", GIVEN.values(), ids=GIVEN)
def test_derivatives_of_ones_own_get_what_the_function_gets(solve: Any, shape: tuple[int, ...]) -> None:
    result = solve(np.ones(shape))
    assert result.x.shape == shape
    np.testing.assert_allclose(result.x, 2.0, atol=0.03)


@pytest.mark.parametrize(
    "solve",
    [
        lambda a: optimize.root(lambda x: x - a, np.ones(1)).x[0],
        lambda a: optimize.minimize(lambda x: np.sum((x - a) ** 2), np.ones(1)).x[0],
        lambda a: optimize.least_squares(lambda x: x - a, np.ones(1)).x[0],
    ],
)
def test_a_solution_that_would_be_a_constant_names_implicit_root(solve: Any) -> None:
    with pytest.raises(TypeError, match=r"its result is a constant.*implicit_root\("):
        grad(solve)(8.0)
    with pytest.raises(TypeError, match=r"its result is a constant.*implicit_root\("):
        solve(Tensor(8.0, requires_grad=True))
    with minigrad.no_grad():
        assert abs(solve(Tensor(8.0, requires_grad=True)) - 8.0) < 1e-4


def test_where_a_search_begins_has_no_influence() -> None:
    for solve in (optimize.root, optimize.least_squares):
        with pytest.raises(TypeError, match=r"x0 is where the search begins.*x0\.detach\(\)"):
            grad(lambda a, solve=solve: solve(lambda x: x - 2.0, a).x[0])(np.ones(1))


# --------------------------------------------------------------------------------- sparse


@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.csc_array, scipy.sparse.coo_array])
def test_sparse_matrices_are_constant_factors(make: Any) -> None:
    dense = between(-1, 1, 3, 4) * (np.arange(12).reshape(3, 4) % 3 == 0)
    a = make(dense)
    for x in (between(-1, 1, 4), between(-1, 1, 4, 2)):
        y = sparse.matmul(a, Tensor(x))
        assert isinstance(y, Tensor)
        np.testing.assert_allclose(y.numpy(), dense @ x, atol=1e-12)
        assert gradgradcheck(lambda t: sparse.matmul(a, t), x)
    for x in (between(-1, 1, 3), between(-1, 1, 2, 3)):
        for f in (lambda t: t @ a, lambda t: sparse.matmul(t, a)):
            np.testing.assert_allclose(f(Tensor(x)).numpy(), x @ dense)
            assert gradgradcheck(f, x)


def test_operands_that_nobody_knows_get_their_turn() -> None:
    class Foreign:
        __array_ufunc__ = None

        def __matmul__(self, other: Any) -> str:
            return NotImplemented

        def __rmatmul__(self, other: Any) -> str:
            return "rmatmul"

    assert Tensor([1.0]) @ Foreign() == "rmatmul"
    with pytest.raises(TypeError, match="unsupported operand"):
        Foreign() @ Tensor([1.0])


# ------------------------------------------------------------------- SciPy itself


def test_scipy_is_imported_when_it_is_needed_and_named_when_it_is_missing() -> None:
    code = (
        "import sys, minigrad, numpy as np; assert not any(m.split('.')[0] == 'scipy' for m in sys.modules)\n"
        "sys.modules['scipy'] = None\n"
        "try: minigrad.scipy.special.gammaln(2.0)\n"
        "except ImportError as error: print(error)"
    )
    out = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert 'pip install ".[scipy]"' in out


def test_functions_that_cannot_be_caught_name_the_one_that_can_be_used() -> None:
    x = Tensor(np.eye(2), requires_grad=True)
    with pytest.raises(RuntimeError, match=r"would lose the gradient.*minigrad\.scipy"):
        scipy.linalg.expm(x)
    with pytest.raises(RuntimeError, match=r"would lose the gradient.*minigrad\.scipy"):
        scipy.special.polygamma(1, x)
    assert minigrad.scipy.special.polygamma(1, x).requires_grad


def test_erf_and_gelu_do_without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.concatenate([np.linspace(-7, 7, 10_001), [np.inf, -np.inf, -0.0]])
    expected = scipy.special.erf(x)
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    found = minigrad.ops.special.erf(x)
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    assert found.dtype == np.float64 and minigrad.ops.special.erf(x.astype(np.float32)).dtype == np.float32
    assert minigrad.ops.special.erf(0.5) == pytest.approx(0.5204998778130465, rel=1e-15)
    assert np.isnan(minigrad.ops.special.erf(np.nan))
    t = Tensor([0.5, -1.0], dtype=np.float64, requires_grad=True)
    gelu(t).sum().backward()
    assert t.grad is not None
    np.testing.assert_allclose(t.grad.numpy(), [0.8674951246561629, -0.08331547058768635], rtol=1e-12)  # PyTorch's


EDGES = np.array([0.0, -0.0, 1, -1, 0.5, -0.5, 2, -3, 7.3, 30, -40.2, 500, 1e-10, 1e10, np.inf, -np.inf, np.nan])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize(
    "name",
    ["bdtr", "bdtrc", "chdtr", "chdtrc", "chdtri", "fdtr", "fdtrc", "fdtri", "gdtr", "gdtrc", "nbdtr", "nbdtrc",
     "pdtr", "pdtrc", "xlogy", "xlog1py", "rel_entr", "kl_div"],
)  # fmt: skip
def test_at_the_edges_of_its_domain_a_function_has_scipys_value_and_dtype(name, dtype):
    count = getattr(scipy.special, name).nin
    values = EDGES if dtype is not np.int64 else np.array([0, 1, 2, 3, -1])
    grids = [grid.reshape(-1).astype(dtype) for grid in np.meshgrid(*[values] * count)]
    expected = getattr(scipy.special, name)(*grids)
    result = getattr(special, name)(*map(Tensor, grids)).numpy()
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_certain_numbers_of_successes_have_no_slope():
    assert special.bdtr(3, 3, 0.4) == 1 and special.bdtrc(3, 3, 0.4) == 0
    assert grad(lambda p: special.bdtr(3, 3, p))(0.4) == 0
    np.testing.assert_allclose(grad(lambda p: special.bdtr(2, 3, p))(0.4), -3 * 0.4**2)  # of 1 - p^3


@pytest.mark.filterwarnings("ignore")
def test_where_there_is_no_distribution_the_slope_is_not_a_number_either():
    assert np.isnan(grad(lambda m: special.pdtr(-1, m))(2.0))
    assert np.isnan(grad(lambda x: special.gdtr(-3.0, 2.0, x))(-40.2))
    assert np.isnan(grad(lambda x: special.fdtr(2.0, 3.0, x))(-0.5))
    assert np.isnan(grad(lambda p: special.bdtr(4, 3, p))(0.5))


def test_slopes_of_fdtri_are_known_where_its_beta_variable_is_1_but_for_rounding():
    for at, x in enumerate(args := (0.5, 0.1, 0.97)):

        def along(z, function=scipy.special.fdtri, at=at):
            return np.log(function(*args[:at], z, *args[at + 1 :]))

        h = 1e-6 * x
        difference = (along(x + h) - along(x - h)) / (2 * h)
        np.testing.assert_allclose(grad(partial(along, function=special.fdtri))(x), difference, rtol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_hyp1f1_of_infinite_numbers_invents_no_limit_and_keeps_the_dtype():
    assert np.isnan(special.hyp1f1(np.inf, 30.0, -np.inf))
    x = np.array([1.0, np.inf, -np.inf], np.float32)
    result = special.hyp1f1(np.float32(1), np.float32(2), x)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, [np.e - 1, np.inf, 0.0], rtol=1e-6)


# ------------------------------------------------------------------------- SciPy's options

SPD = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -0.7], [0.5, -0.7, 2.0]])
GENERAL = SPD + np.array([[0.0, 0.3, 0.1], [0.2, 0.0, 0.4], [0.9, 0.0, 0.0]])
COLUMN = np.array([1.0, 2.0, 3.0])

OPTIONS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *(
        (name, args, {"assume_a": assumed, "lower": lower})
        for name, args in (("inv", (GENERAL,)), ("solve", (GENERAL, COLUMN)))
        for assumed in ("sym", "her", "pos", "diagonal", "upper triangular", "lower triangular", None)
        for lower in (False, True)
        if (name, assumed) != ("inv", "diagonal")  # SciPy 1.17 leaves the entries beside the diagonal as they are
    ),
    ("solve", (GENERAL, COLUMN), {"transposed": True}),
    ("cholesky", (GENERAL,), {}),
    ("cholesky", (GENERAL,), {"lower": True}),
    ("eig", (GENERAL,), {"right": False}),
    ("eigvals", (GENERAL,), {}),
    ("eigvalsh", (GENERAL,), {"lower": False}),
    ("eigvalsh", (SPD,), {"subset_by_index": (1, 2)}),
    ("eigh", (SPD,), {"eigvals_only": True, "subset_by_value": (2.0, 9.0)}),
    ("pinv", (GENERAL[:2],), {"atol": 0.1, "rtol": 0.2, "return_rank": True}),
    ("pinv", (np.zeros((2, 3)),), {}),
    ("svd", (GENERAL,), {"compute_uv": False}),
    ("svdvals", (GENERAL,), {"check_finite": False}),
    ("qr", (GENERAL,), {"mode": "r"}),
    ("qr", (GENERAL[:, :2], False, None, "economic"), {}),
    ("det", (GENERAL,), {"overwrite_a": False}),
    ("norm", (GENERAL,), {"ord": "nuc"}),
    ("lstsq", (GENERAL[:, :2], COLUMN), {}),
    ("lstsq", (GENERAL[:, :2], np.stack([COLUMN, -COLUMN], 1)), {"cond": 1e-3}),
    ("solve_discrete_lyapunov", (GENERAL / 9, SPD), {"method": "direct"}),
]


@pytest.mark.filterwarnings("ignore:Matrix is singular")
@pytest.mark.parametrize(("name", "args", "options"), OPTIONS)
def test_linalg_takes_scipys_options(name: str, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    tensors = [Tensor(a) if isinstance(a, np.ndarray) else a for a in args]
    got = getattr(linalg, name)(*tensors, **options)
    expected = getattr(scipy.linalg, name)(*args, **options)
    assert isinstance(got, tuple) == isinstance(expected, tuple)
    if not isinstance(expected, tuple):
        got, expected = (got,), (expected,)
    assert len(got) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        ours = np.asarray(getattr(ours, "data", ours))
        assert ours.shape == np.shape(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: linalg.eig(SPD, SPD), "eig: the option b"),
        (lambda: linalg.eigh(SPD, SPD), "eigh: the option b"),
        (lambda: linalg.eig(SPD, left=True), "eig: the option left"),
        (lambda: linalg.qr(SPD, pivoting=True), "qr: the option pivoting"),
        (lambda: linalg.inv(SPD, assume_a="banded"), "assume_a='banded'"),
        (lambda: linalg.det(SPD * np.nan), "infs or NaNs"),
        (lambda: linalg.solve_triangular(SPD, COLUMN * np.inf), "infs or NaNs"),
        (lambda: integrate.odeint(lambda y, t: -y, 1.0, T, full_output=True), "full_output"),
        (lambda: integrate.solve_ivp(lambda t, y: -y, (0.0, 1.0), 1.0, events=len), "events"),
    ],
)
def test_options_that_are_not_supported_are_named(call: Any, match: str) -> None:
    with pytest.raises((NotImplementedError, ValueError), match=match):
        call()


def test_softmax_is_over_all_elements_unless_told_otherwise() -> None:
    x = np.arange(6.0).reshape(2, 3)
    for name in ("softmax", "log_softmax", "logsumexp"):
        for options in ({}, {"axis": 0}, {"axis": (0, 1)}):
            ours = getattr(special, name)(Tensor(x), **options).numpy()
            np.testing.assert_allclose(ours, getattr(scipy.special, name)(x, **options), rtol=1e-14)
        assert gradcheck(getattr(special, name), x)
    np.testing.assert_allclose(special.zeta(-1.0), -1 / 12)


def test_shape_parameters_by_name() -> None:
    x = np.array([0.2, 0.7])
    np.testing.assert_allclose(stats.gamma.pdf(x, a=2.0, scale=3.0), scipy.stats.gamma.pdf(x, a=2.0, scale=3.0))
    np.testing.assert_allclose(stats.beta.cdf(x, 2.0, b=3.0), scipy.stats.beta.cdf(x, 2.0, b=3.0))
    for wrong in ({}, {"a": 1.0, "mu": 2.0}):
        with pytest.raises(TypeError, match="expected a, loc, scale"):
            stats.gamma.pdf(x, **wrong)
    with pytest.raises(TypeError, match="expected a, loc, scale"):
        stats.gamma.pdf(x, 1.0, a=2.0)


def test_optimizers_take_scipys_arguments_in_scipys_order() -> None:
    f = lambda x, a: np.sum((x - a) ** 4)
    slope = lambda x: 4 * (x - 2.0) ** 3
    np.testing.assert_allclose(optimize.minimize(f, np.zeros(2), (2.0,), "BFGS", None).x, 2.0, atol=0.03)
    np.testing.assert_allclose(optimize.minimize(lambda x: f(x, 2.0), np.zeros(2), (), "BFGS", slope, tol=1e-9).x, 2.0, atol=0.03)
    bounded = optimize.least_squares(lambda x, a: x - a, np.zeros(2), None, (-1.0, 1.5), args=(2.0,))
    np.testing.assert_allclose(bounded.x, 1.5, atol=1e-6)
    np.testing.assert_allclose(optimize.root(lambda x: x**2 - 2.0, np.ones(1), (), "lm", None, 1e-12).x, np.sqrt(2))
