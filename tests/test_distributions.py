"""nn.distributions against torch.distributions (values, gradients), SciPy (samples), and finite differences."""

from __future__ import annotations

import contextlib
import copy
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.stats

import minigrad
from minigrad import Tensor, autograd, gradcheck, gradgradcheck, jacobian, vmap
from nn import distributions as D

rng = np.random.default_rng(0)


def spread(low: float, high: float, *shape: int) -> np.ndarray:
    return rng.uniform(low, high, shape)


def simplex(*shape: int) -> np.ndarray:
    x = rng.uniform(0.2, 1.0, shape)
    return x / x.sum(-1, keepdims=True)


A, B, LOC = spread(1.2, 3.0, 2, 3), spread(0.6, 2.0, 3), spread(-1, 1, 2, 3)
P, LOGITS = spread(0.1, 0.9, 2, 3), spread(-2, 2, 2, 3)
FACTOR = np.tril(spread(-1, 1, 2, 3, 3), -1) + np.eye(3) * spread(0.6, 1.5, 2, 1, 3)
SPD = FACTOR @ np.swapaxes(FACTOR, -1, -2)
HEAVY = np.array([[0.5, 1.5, 2.5], [0.7, 1.9, 4.5]])
HALF = np.array([[0.5, 0.4995, 0.7], [0.3, 0.5, 0.5002]])
COUNT = np.array([[0.0, 1.0, 4.0], [2.0, 3.0, 5.0]])
BITS = (COUNT % 2).astype(float)
UNIT = spread(0.1, 0.9, 2, 3)
ONE_HOT = np.eye(3)[[2, 0]]

#: Name -> parameters by name, and a value.
CASES: dict[str, tuple[str, dict[str, Any], np.ndarray]] = {
    "Normal": ("Normal", {"loc": LOC, "scale": B}, LOC + 0.3),
    "Laplace": ("Laplace", {"loc": LOC, "scale": B}, LOC * 2 + 0.3),
    "Cauchy": ("Cauchy", {"loc": LOC, "scale": B}, LOC + 0.3),
    "Gumbel": ("Gumbel", {"loc": LOC, "scale": B}, LOC + 0.3),
    "StudentT": ("StudentT", {"df": A + 2, "loc": LOC, "scale": B}, LOC + 0.3),
    "StudentT-wide": ("StudentT", {"df": HEAVY, "loc": LOC, "scale": B}, LOC + 0.3),
    "Exponential": ("Exponential", {"rate": A}, UNIT),
    "Gamma": ("Gamma", {"concentration": A, "rate": B}, UNIT + 0.5),
    "Chi2": ("Chi2", {"df": A}, UNIT + 0.5),
    "InverseGamma": ("InverseGamma", {"concentration": A + 1.5, "rate": B}, UNIT + 0.5),
    "InverseGamma-heavy": ("InverseGamma", {"concentration": HEAVY, "rate": B}, UNIT + 0.5),
    "HalfNormal": ("HalfNormal", {"scale": A}, UNIT),
    "HalfCauchy": ("HalfCauchy", {"scale": A}, UNIT),
    "Weibull": ("Weibull", {"scale": A, "concentration": B + 0.7}, UNIT + 0.5),
    "Pareto": ("Pareto", {"scale": A, "alpha": B + 2}, A + UNIT),
    "Pareto-heavy": ("Pareto", {"scale": A, "alpha": HEAVY}, A + UNIT),
    "FisherSnedecor": ("FisherSnedecor", {"df1": A + 2, "df2": B + 5}, UNIT + 0.5),
    "FisherSnedecor-heavy": ("FisherSnedecor", {"df1": A, "df2": HEAVY}, UNIT + 0.5),
    "Uniform": ("Uniform", {"low": LOC, "high": LOC + A}, LOC + UNIT),
    "Beta": ("Beta", {"concentration1": A, "concentration0": B}, UNIT),
    "Kumaraswamy": ("Kumaraswamy", {"concentration1": A, "concentration0": B}, UNIT),
    "ContinuousBernoulli": ("ContinuousBernoulli", {"probs": P}, UNIT),
    "ContinuousBernoulli-half": ("ContinuousBernoulli", {"probs": HALF}, UNIT),
    "ContinuousBernoulli-logits": ("ContinuousBernoulli", {"logits": LOGITS}, UNIT),
    "VonMises": ("VonMises", {"loc": LOC, "concentration": A}, LOC + 0.3),
    "LogNormal": ("LogNormal", {"loc": LOC, "scale": B}, UNIT + 0.5),
    "Bernoulli": ("Bernoulli", {"probs": P}, BITS),
    "Bernoulli-logits": ("Bernoulli", {"logits": LOGITS}, BITS),
    "Binomial": ("Binomial", {"total_count": np.full((2, 3), 6.0), "probs": P}, COUNT),
    "Binomial-logits": ("Binomial", {"total_count": np.full((2, 3), 6.0), "logits": LOGITS}, COUNT),
    "Geometric": ("Geometric", {"probs": P}, COUNT),
    "Geometric-logits": ("Geometric", {"logits": LOGITS}, COUNT),
    "NegativeBinomial": ("NegativeBinomial", {"total_count": A, "probs": P}, COUNT),
    "NegativeBinomial-logits": ("NegativeBinomial", {"total_count": A, "logits": LOGITS}, COUNT),
    "Poisson": ("Poisson", {"rate": A}, COUNT),
    "Categorical": ("Categorical", {"probs": simplex(2, 3)}, np.array([2, 0])),
    "Categorical-logits": ("Categorical", {"logits": LOGITS}, np.array([1, 2])),
    "OneHotCategorical": ("OneHotCategorical", {"probs": simplex(2, 3)}, ONE_HOT),
    "OneHotCategorical-logits": ("OneHotCategorical", {"logits": LOGITS}, ONE_HOT),
    "Multinomial": ("Multinomial", {"total_count": 5, "probs": simplex(2, 3)}, np.array([[5.0, 0, 0], [1, 2, 2]])),
    "Multinomial-logits": ("Multinomial", {"total_count": 5, "logits": LOGITS}, np.array([[5.0, 0, 0], [1, 2, 2]])),
    "MultivariateNormal": ("MultivariateNormal", {"loc": LOC, "covariance_matrix": SPD}, LOC + UNIT),
    "MultivariateNormal-one": ("MultivariateNormal", {"loc": LOC, "covariance_matrix": SPD[0]}, LOC + UNIT),
    "MultivariateNormal-precision": ("MultivariateNormal", {"loc": LOC, "precision_matrix": SPD}, LOC + UNIT),
    "MultivariateNormal-tril": ("MultivariateNormal", {"loc": LOC[0], "scale_tril": FACTOR}, LOC + UNIT),
    "LowRankMultivariateNormal": (
        "LowRankMultivariateNormal", {"loc": LOC, "cov_factor": spread(-1, 1, 2, 3, 2), "cov_diag": A}, LOC + UNIT,
    ),
    "Dirichlet": ("Dirichlet", {"concentration": A}, simplex(2, 3)),
    "Dirichlet-flat": ("Dirichlet", {"concentration": np.array([[0.3, 0.9, 0.5], [0.5, 1.5, 1.2]])}, simplex(2, 3)),
    "RelaxedBernoulli": ("RelaxedBernoulli", {"temperature": 0.7, "probs": P}, UNIT),
    "RelaxedBernoulli-logits": ("RelaxedBernoulli", {"temperature": 0.7, "logits": LOGITS}, UNIT),
    "RelaxedOneHotCategorical": ("RelaxedOneHotCategorical", {"temperature": 0.7, "probs": simplex(2, 3)}, simplex(2, 3)),
    "RelaxedOneHotCategorical-logits": ("RelaxedOneHotCategorical", {"temperature": 0.7, "logits": LOGITS}, simplex(2, 3)),
    "LogisticNormal": ("LogisticNormal", {"loc": LOC, "scale": A}, simplex(2, 4)),
}  # fmt: skip
every_case = pytest.mark.parametrize("case", CASES)
#: Modes of which PyTorch has another one: NaN, and the first corner of the simplex.
OWN_MODES = {("Kumaraswamy", "mode"), ("Dirichlet-flat", "mode")}
#: What is not differentiated: counts of trials, and values of discrete distributions.
WHOLE = {"Bernoulli", "Binomial", "Geometric", "NegativeBinomial", "Poisson", "Categorical", "OneHotCategorical", "Multinomial"}


def arrays(parameters: dict[str, Any], fixed: tuple[str, ...] = ("total_count",)) -> list[str]:
    return [name for name, value in parameters.items() if isinstance(value, np.ndarray) and name not in fixed]


def made(case: str, **changed: Any) -> Any:
    name, parameters, _ = CASES[case]
    return getattr(D, name)(**{**parameters, **changed})


def compare(ours: Any, theirs: Any, xs: list[Tensor], ts: list[Any]) -> None:
    """The same values, and the same gradients with respect to all that both depend on."""
    import torch

    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-6, atol=1e-7)
    if not theirs.requires_grad:
        return
    seed = np.random.default_rng(1).uniform(0.5, 1.5, ours.shape)
    finite = np.isfinite(ours.detach().numpy())
    seed = np.where(finite, seed, 0.0)
    ours_g = autograd.grad([ours], xs, [seed], allow_unused=True, retain_graph=True) if ours.requires_grad else [None] * len(xs)
    theirs_g = torch.autograd.grad([theirs], ts, [torch.tensor(seed)], allow_unused=True, retain_graph=True)
    for a, b in zip(ours_g, theirs_g, strict=True):
        a = np.zeros(()) if a is None else a.detach().numpy()
        b = np.zeros(()) if b is None else b.numpy()
        np.testing.assert_allclose(np.where(np.isfinite(b), a, 0), np.where(np.isfinite(b), b, 0), rtol=1e-5, atol=1e-6)


def beside_torch(case: str) -> tuple[Any, Any, list[Tensor], list[Any], Any, Any]:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    name, parameters, value = CASES[case]
    names = arrays(parameters)
    xs = {n: Tensor(parameters[n], requires_grad=True) for n in names}
    ts = {n: torch.tensor(parameters[n], requires_grad=True) for n in names}
    rest = {n: torch.tensor(v) if isinstance(v, np.ndarray) else v for n, v in parameters.items() if n not in names}
    if "temperature" in rest:
        rest["temperature"] = torch.tensor(rest["temperature"], dtype=torch.float64)
    ours = getattr(D, name)(**{**parameters, **xs})
    theirs = getattr(torch.distributions, name)(**{**rest, **ts})
    whole = name in WHOLE
    x = Tensor(value, requires_grad=not whole)
    t = torch.tensor(value, requires_grad=not whole)
    return ours, theirs, [*xs.values()], [*ts.values()], x, t


@pytest.mark.torch
@every_case
def test_log_prob_and_its_gradients_are_pytorchs(case: str) -> None:
    ours, theirs, xs, ts, x, t = beside_torch(case)
    assert (ours.batch_shape, ours.event_shape) == (tuple(theirs.batch_shape), tuple(theirs.event_shape))
    with_value = x.requires_grad and case.partition("-")[0] != "Uniform"
    compare(ours.log_prob(x), theirs.log_prob(t), [*xs, *([x] * with_value)], [*ts, *([t] * with_value)])


#: What PyTorch's distributions do not say; what ours do not say either, but for those in BEYOND.
_RELAXED = {"RelaxedBernoulli", "RelaxedOneHotCategorical", "LogisticNormal"}
_WITHOUT_CDF = _RELAXED | WHOLE | {
    "StudentT", "FisherSnedecor", "Beta", "VonMises", "MultivariateNormal",
    "LowRankMultivariateNormal", "Dirichlet",
}  # fmt: skip
THEY_LACK: dict[str, set[str]] = {
    "mean": _RELAXED,
    "variance": _RELAXED,
    "stddev": _RELAXED,
    "mode": _RELAXED | {"ContinuousBernoulli", "Multinomial"},
    "entropy": _RELAXED | {"FisherSnedecor", "VonMises", "NegativeBinomial", "Poisson"},
    "cdf": _WITHOUT_CDF,
    "icdf": _WITHOUT_CDF | {"Gamma", "Chi2", "InverseGamma"},
}
BEYOND = {
    "cdf": {"StudentT", "FisherSnedecor", "Beta"},
    "icdf": {"Beta", "Gamma", "Chi2"},
}


def said_by_both(case: str, what: str, ours: Any, theirs: Any, *args: Any) -> tuple[Any, Any] | None:
    """What both say of the arguments; None where PyTorch lacks it, and then we do too."""
    name = case.partition("-")[0]
    is_function = what not in ("mean", "mode", "variance", "stddev")

    def asked(distribution: Any, *given: Any) -> Any:
        found = getattr(distribution, what)
        return found(*given) if is_function else found

    of_ours, of_theirs = args[: len(args) // 2], args[len(args) // 2 :]
    if name not in THEY_LACK[what]:
        return asked(ours, *of_ours), asked(theirs, *of_theirs)
    with pytest.raises(NotImplementedError):
        asked(theirs, *of_theirs)
    if name not in BEYOND.get(what, ()):
        with pytest.raises(NotImplementedError):
            asked(ours, *of_ours)
    return None


@pytest.mark.torch
@pytest.mark.parametrize("what", ["mean", "mode", "variance", "stddev", "entropy"])
@every_case
def test_moments_and_entropies_are_pytorchs(case: str, what: str) -> None:
    ours, theirs, xs, ts, _, _ = beside_torch(case)
    if case.startswith("Weibull") and what == "mode":
        assert (CASES[case][1]["concentration"] > 1).all()
    if (case, what) not in OWN_MODES and (both := said_by_both(case, what, ours, theirs)):
        compare(*both, xs, ts)


@pytest.mark.torch
@every_case
def test_distribution_functions_are_pytorchs(case: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    ours, theirs, xs, ts, x, t = beside_torch(case)
    if case.partition("-")[0] in {"Gamma", "Chi2", "InverseGamma"}:  # no derivative there by the shape: checked below
        np.testing.assert_allclose(ours.cdf(x).detach().numpy(), theirs.cdf(t).detach().numpy(), rtol=1e-9)
    elif both := said_by_both(case, "cdf", ours, theirs, x, t):
        compare(*both, xs, ts)
    q = np.array([0.2, 0.5, 0.9])
    if both := said_by_both(case, "icdf", ours, theirs, q, torch.tensor(q)):
        compare(*both, xs, ts)


def test_most_distributions_are_compared() -> None:
    names = {case.partition("-")[0] for case in CASES}
    assert all(lacking <= names for lacking in THEY_LACK.values())
    assert len(names - THEY_LACK["entropy"]) >= 25
    assert len(names - THEY_LACK["icdf"]) >= 12


@every_case
def test_log_prob_agrees_with_finite_differences_twice(case: str) -> None:
    name, parameters, value = CASES[case]
    names = arrays(parameters)

    def log_prob(*xs: Any) -> Any:
        given = dict(zip(names, xs, strict=True))
        for key in ("covariance_matrix", "precision_matrix"):
            if key in given:
                given[key] = (given[key] + np.swapaxes(given[key], -1, -2)) / 2
        if "scale_tril" in given:
            given["scale_tril"] = np.tril(given["scale_tril"])
        return getattr(D, name)(**{**parameters, **given}, validate_args=False).log_prob(value)

    xs = [parameters[n] for n in names]
    assert gradcheck(log_prob, *xs)
    assert gradgradcheck(log_prob, *xs)


@every_case
def test_vmap_is_one_after_the_other(case: str) -> None:
    name, parameters, value = CASES[case]
    names = arrays(parameters)
    stacked = [np.stack([parameters[n], parameters[n][..., ::-1] if n == "loc" else parameters[n]]) for n in names]

    def log_prob(*xs: Any) -> Any:
        return getattr(D, name)(**{**parameters, **dict(zip(names, xs, strict=True))}).log_prob(value)

    expected = np.stack([np.asarray(log_prob(*row).numpy()) for row in zip(*stacked, strict=True)])
    np.testing.assert_allclose(np.asarray(vmap(log_prob)(*stacked)), expected, rtol=1e-9)
    drawn = vmap(lambda *xs: getattr(D, name)(**{**parameters, **dict(zip(names, xs, strict=True))}).sample((4,)),
                 randomness="different")(*stacked)  # fmt: skip
    assert drawn.shape[0] == 2 and not np.array_equal(drawn[0], drawn[1])


@every_case
def test_shapes_and_dtypes_of_samples(case: str) -> None:
    d = made(case)
    shape = d.batch_shape + d.event_shape
    for asked, front in (((), ()), ((4,), (4,)), (5, (5,)), ((2, 0), (2, 0))):
        x = d.sample(asked)
        assert x.shape == (*front, *shape) and not x.requires_grad
        assert x.dtype == (np.int64 if case.startswith("Categorical") else np.float64)
    assert constraints_hold(d, d.sample((50,)))
    wide = d.expand((4, *d.batch_shape))
    assert wide.batch_shape == (4, *d.batch_shape) and wide.sample().shape == (4, *shape)
    value = CASES[case][2]
    np.testing.assert_allclose(wide.log_prob(value).numpy(), np.broadcast_to(d.log_prob(value).numpy(), wide.batch_shape))
    assert d.log_prob(d.sample((7,))).shape == (7, *d.batch_shape)
    assert repr(d).startswith(type(d).__name__)


@every_case
def test_float32_stays_float32(case: str) -> None:
    name, parameters, value = CASES[case]
    given = {n: v.astype(np.float32) if isinstance(v, np.ndarray) else v for n, v in parameters.items()}
    d = getattr(D, name)(**given)
    value = value.astype(np.float32) if value.dtype.kind == "f" else value
    if name == "Dirichlet":
        value = value / value.sum(-1, keepdims=True)
    found = [d.log_prob(value), d.sample((2,))]
    for what in ("mean", "variance", "stddev"):
        with contextlib.suppress(NotImplementedError):
            found.append(getattr(d, what))
    with contextlib.suppress(NotImplementedError):
        found.append(d.entropy())
    assert {x.dtype for x in found} <= {np.dtype("f4"), *([np.dtype("i8")] if name == "Categorical" else [])}


def constraints_hold(d: Any, x: Tensor) -> bool:
    return d.support.holds(x)


@every_case
def test_rsample_is_differentiable_in_every_parameter(case: str) -> None:
    name, parameters, _ = CASES[case]
    names = arrays(parameters)
    xs = {n: Tensor(parameters[n], requires_grad=True) for n in names}
    d = getattr(D, name)(**{**parameters, **xs}, validate_args=False)
    if not d.has_rsample:
        with pytest.raises(NotImplementedError, match="no rsample"):
            d.rsample()
        return
    minigrad.random.manual_seed(3)
    plain = d.sample((6,)).numpy()
    minigrad.random.manual_seed(3)
    drawn = d.rsample((6,))
    np.testing.assert_array_equal(plain, drawn.detach().numpy())
    found = autograd.grad([drawn], [*xs.values()], [rng.normal(size=drawn.shape)], allow_unused=True)
    for n, g in zip(names, found, strict=True):
        assert g is not None and np.isfinite(g.numpy()).all() and np.abs(g.numpy()).max() > 1e-8, n


#: SciPy's distributions, for the first element of each batch.
SCIPY = {
    "Normal": lambda p: scipy.stats.norm(p["loc"], p["scale"]),
    "Laplace": lambda p: scipy.stats.laplace(p["loc"], p["scale"]),
    "Cauchy": lambda p: scipy.stats.cauchy(p["loc"], p["scale"]),
    "Gumbel": lambda p: scipy.stats.gumbel_r(p["loc"], p["scale"]),
    "StudentT": lambda p: scipy.stats.t(p["df"], p["loc"], p["scale"]),
    "Exponential": lambda p: scipy.stats.expon(scale=1 / p["rate"]),
    "Gamma": lambda p: scipy.stats.gamma(p["concentration"], scale=1 / p["rate"]),
    "Chi2": lambda p: scipy.stats.chi2(p["df"]),
    "InverseGamma": lambda p: scipy.stats.invgamma(p["concentration"], scale=p["rate"]),
    "HalfNormal": lambda p: scipy.stats.halfnorm(scale=p["scale"]),
    "HalfCauchy": lambda p: scipy.stats.halfcauchy(scale=p["scale"]),
    "Weibull": lambda p: scipy.stats.weibull_min(p["concentration"], scale=p["scale"]),
    "Pareto": lambda p: scipy.stats.pareto(p["alpha"], scale=p["scale"]),
    "FisherSnedecor": lambda p: scipy.stats.f(p["df1"], p["df2"]),
    "Uniform": lambda p: scipy.stats.uniform(p["low"], p["high"] - p["low"]),
    "Beta": lambda p: scipy.stats.beta(p["concentration1"], p["concentration0"]),
    "VonMises": lambda p: scipy.stats.vonmises(p["concentration"], p["loc"]),
    "LogNormal": lambda p: scipy.stats.lognorm(p["scale"], scale=np.exp(p["loc"])),
}


@pytest.mark.parametrize("name", SCIPY)
def test_samples_pass_kolmogorov_and_smirnov(name: str) -> None:
    first = {n: np.broadcast_to(v, (2, 3))[0, 0] for n, v in CASES[name][1].items()}
    known = SCIPY[name](first)
    d = getattr(D, name)(**first)
    x = d.sample((4000,)).numpy()
    assert scipy.stats.kstest(x, known.cdf).pvalue > 1e-3
    values = known.ppf([0.1, 0.5, 0.9])
    np.testing.assert_allclose(d.log_prob(values).numpy(), known.logpdf(values), rtol=1e-9, atol=1e-10)
    try:
        got = d.cdf(values).numpy()
    except NotImplementedError:
        return
    np.testing.assert_allclose(got, [0.1, 0.5, 0.9], rtol=1e-8)


MOMENTS = [
    "Bernoulli", "Binomial", "Geometric", "NegativeBinomial", "Poisson", "OneHotCategorical", "Multinomial", "Dirichlet",
    "MultivariateNormal", "MultivariateNormal-precision", "LowRankMultivariateNormal", "Kumaraswamy", "ContinuousBernoulli",
]  # fmt: skip


@pytest.mark.parametrize("case", MOMENTS)
def test_samples_have_the_moments(case: str) -> None:
    d, n = made(case), 20000
    x = d.sample((n,)).numpy()
    spread_of_mean = np.sqrt(x.var(0) / n)
    assert (np.abs(x.mean(0) - d.mean.numpy()) < 4.5 * spread_of_mean + 1e-12).all()
    np.testing.assert_allclose(x.var(0), d.variance.numpy(), rtol=0.08, atol=1e-12)
    if hasattr(d, "covariance_matrix"):
        np.testing.assert_allclose(np.cov(x[:, 0].T), d.covariance_matrix.numpy()[0], rtol=0.1, atol=0.05)


def test_counts_of_classes_come_as_often_as_they_should() -> None:
    p = np.array([0.5, 0.0, 0.3, 0.2])
    x = D.Categorical(probs=p).sample((10000,)).numpy()
    counts = np.bincount(x, minlength=4)
    assert counts[1] == 0 and scipy.stats.chisquare(counts[p > 0], 10000 * p[p > 0]).pvalue > 1e-3


@pytest.mark.parametrize(
    "case", ["Bernoulli", "Binomial", "Categorical", "Categorical-logits", "OneHotCategorical", "OneHotCategorical-logits"]
)
def test_probabilities_of_all_values_sum_to_one(case: str) -> None:
    d = made(case)
    assert d.has_enumerate_support
    for expand in (True, False):
        values = d.enumerate_support(expand=expand)
        assert values.shape[1:] == (d.batch_shape if expand else (1,) * len(d.batch_shape)) + d.event_shape
        np.testing.assert_allclose(np.exp(d.log_prob(values).numpy()).sum(0), np.ones(d.batch_shape))


@pytest.mark.parametrize(
    "case", ["Normal", "Laplace", "Gumbel", "Exponential", "Gamma", "Weibull", "Uniform", "Pareto", "LogNormal", "Kumaraswamy"]
)
def test_the_gradient_of_draws_is_that_of_the_quantile(case: str) -> None:
    """A draw keeps its probability when a parameter moves: dx/dp = -(dP/dp) / (dP/dx)."""
    name, parameters, _ = CASES[case]
    for n in parameters:
        first = {k: np.broadcast_to(v, (2, 3))[0, 0] for k, v in parameters.items()}
        theta = Tensor(first[n], requires_grad=True)
        x = getattr(D, name)(**{**first, n: theta}).rsample()
        x.backward()
        point = x.detach().numpy()
        slope = lambda f, at: (f(at + 1e-6) - f(at - 1e-6)) / 2e-6
        by_parameter = slope(lambda v, n=n, f=first, at=point: getattr(D, name)(**{**f, n: v}).cdf(at).numpy(), first[n])
        by_value = slope(lambda v, f=first: getattr(D, name)(**f).cdf(v).numpy(), point)
        np.testing.assert_allclose(theta.grad.numpy(), -by_parameter / by_value, rtol=1e-4, atol=1e-7)


def test_modes_are_where_the_density_is_highest() -> None:
    around = np.linspace(0.01, 0.99, 99)
    for d in (D.Kumaraswamy(2.5, 1.8), D.Beta(2.5, 1.8), D.Weibull(0.4, 2.5), D.Gamma(3.0, 8.0)):
        assert (d.log_prob(d.mode).numpy() >= d.log_prob(around).numpy() - 1e-6).all()
    np.testing.assert_array_equal(D.Dirichlet([0.3, 0.9, 0.5]).mode.numpy(), [0, 1, 0])
    assert np.isnan(D.Kumaraswamy(0.5, 2.0).mode.numpy()) and np.isnan(D.Beta(1.0, 1.0).mode.numpy())


@pytest.mark.parametrize("name", ["Gamma", "Chi2", "InverseGamma", "Beta", "StudentT", "FisherSnedecor"])
def test_distribution_functions_agree_with_finite_differences(name: str) -> None:
    _, parameters, value = CASES[name]
    first = [np.broadcast_to(v, value.shape)[:1] for v in parameters.values()]
    make = lambda xs: getattr(D, name)(**dict(zip(parameters, xs, strict=True)))
    assert gradcheck(lambda *xs: make(xs).cdf(value[:1]), *first)


# ------------------------------------------------------------------------------- divergences


def pairs() -> list[Any]:
    turned = lambda n, v: v if n == "scale_tril" else v[..., ::-1].copy()
    flipped = {name: {n: turned(n, v) for n, v in p.items() if isinstance(v, np.ndarray)} for name, (_, p, _) in CASES.items()}
    same = [
        "Normal", "Laplace", "Cauchy", "Gumbel", "Exponential", "Gamma", "Chi2", "HalfNormal", "Beta", "Dirichlet", "Bernoulli",
        "Bernoulli-logits", "Binomial", "Geometric", "Poisson", "ContinuousBernoulli", "Categorical", "Categorical-logits",
        "OneHotCategorical", "MultivariateNormal-tril", "LowRankMultivariateNormal", "LogNormal", "Pareto", "Uniform",
    ]  # fmt: skip
    mixed = [
        ("Exponential", "Gamma"), ("Gamma", "Exponential"), ("Normal", "Laplace"), ("Laplace", "Normal"), ("Uniform", "Normal"),
        ("Exponential", "Normal"), ("Gamma", "Normal"), ("Gumbel", "Normal"), ("Beta", "Normal"), ("Normal", "Gumbel"),
        ("Bernoulli", "Poisson"), ("MultivariateNormal", "LowRankMultivariateNormal"), ("Beta", "Uniform"),
        ("LowRankMultivariateNormal", "MultivariateNormal"),
    ]  # fmt: skip
    out = [(a, CASES[a][1], {**CASES[a][1], **flipped[a]}, a) for a in same]
    return [*out, *((a, CASES[a][1], CASES[b][1], b) for a, b in mixed)]


@pytest.mark.torch
@pytest.mark.parametrize(("a", "first", "second", "b"), pairs(), ids=[f"{a}-{b}" for a, _, _, b in pairs()])
def test_divergences_are_pytorchs(a: str, first: Any, second: Any, b: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    xs = [{n: Tensor(v, requires_grad=True) for n, v in p.items()} for p in (first, second)]
    ts = [{n: torch.tensor(v, requires_grad=True) for n, v in p.items()} for p in (first, second)]
    ours = D.kl_divergence(*(getattr(D, CASES[n][0])(**x) for n, x in zip((a, b), xs, strict=True)))
    theirs = torch.distributions.kl_divergence(
        *(
            getattr(torch.distributions, CASES[name][0])(**{n: v.tril() if n == "scale_tril" else v for n, v in t.items()})
            for name, t in zip((a, b), ts, strict=True)
        )
    )
    keep = [(i, n) for i in (0, 1) for n in xs[i] if n != "total_count"]
    compare(ours, theirs, [xs[i][n] for i, n in keep], [ts[i][n] for i, n in keep])


@pytest.mark.parametrize("name", ["Normal", "Gamma", "Beta", "VonMises", "Bernoulli", "Dirichlet", "Categorical"])
def test_divergences_are_means_over_draws(name: str) -> None:
    p = made(name)
    other = {n: v[..., ::-1] for n, v in CASES[name][1].items()}
    q = getattr(D, name)(**other)
    x = p.sample((20000,))
    each = p.log_prob(x).numpy() - q.log_prob(x).numpy()
    off = np.abs(each.mean(0) - D.kl_divergence(p, q).numpy())
    assert (off <= 5 * each.std(0) / np.sqrt(len(each)) + 1e-9).all()
    np.testing.assert_allclose(D.kl_divergence(p, p).numpy(), 0.0, atol=1e-9)


def test_unknown_divergences_are_refused_and_can_be_added() -> None:
    p, q = D.Cauchy(0.0, 1.0), D.Poisson(1.0)
    with pytest.raises(NotImplementedError, match="Cauchy from Poisson .* register_kl"):
        D.kl_divergence(p, q)

    class Mine(D.Cauchy):
        pass

    @D.register_kl(Mine, D.Poisson)
    def _(p: Any, q: Any) -> Any:
        return p.scale + q.rate

    assert D.kl_divergence(Mine(0.0, 1.0), q).item() == 2.0
    with pytest.raises(TypeError, match="types of distributions"):
        D.register_kl(int, D.Normal)


# ------------------------------------------------------------------ compound and transformed


def affine_then(t: Any) -> list[Any]:
    return [D.AffineTransform(0.3, 0.5), t]


TRANSFORMS = {
    "AffineTransform": D.AffineTransform(LOC, B), "ExpTransform": D.ExpTransform(), "SigmoidTransform": D.SigmoidTransform(),
    "TanhTransform": D.TanhTransform(), "SoftplusTransform": D.SoftplusTransform(), "PowerTransform": D.PowerTransform(1.7),
    "falling": D.AffineTransform(1.0, -2.0), "inverse": D.ExpTransform().inv,
    "StickBreakingTransform": D.StickBreakingTransform(),
    "IndependentTransform": D.IndependentTransform(D.ExpTransform(), 1), "ReshapeTransform": D.ReshapeTransform((3,), (3, 1)),
    "ComposeTransform": D.ComposeTransform([*affine_then(D.ExpTransform()), D.PowerTransform(2.0)]),
    "CumulativeDistributionTransform": D.CumulativeDistributionTransform(D.Normal(0.2, 1.3)),
    "mixed": D.ComposeTransform([D.AffineTransform(0.3, 0.5), D.StickBreakingTransform()]),
}  # fmt: skip


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_are_undone_and_their_slopes_are_right(name: str) -> None:
    t, x = TRANSFORMS[name], UNIT + 0.1
    y = t(x)
    back = t.inv(y)
    np.testing.assert_allclose(np.asarray(back), x, rtol=1e-9)
    assert t.forward_shape((2, 3)) == np.shape(y) and t.inverse_shape(np.shape(y)) == (2, 3)
    assert t.codomain.holds(y) and t.domain.holds(x)
    found = np.asarray(t.log_abs_det_jacobian(x, y))
    assert found.shape == x.shape[: 2 - t.domain.event_dim]
    np.testing.assert_allclose(t.inv.log_abs_det_jacobian(y, x), -found)
    row = jacobian(lambda x: np.reshape(t(x), (2, -1))[:, :3])(x)
    rows = np.stack([row[i, :, i, :] for i in (0, 1)])
    np.testing.assert_allclose(np.sum(np.reshape(found, (2, -1)), -1), np.log(np.abs(np.linalg.det(rows))), rtol=1e-6)
    assert gradgradcheck(lambda x: t(x), x[:1]) if name != "AffineTransform" else True


@pytest.mark.torch
@pytest.mark.parametrize("chain", ["exp", "affine", "stick", "reshape", "matrix", "wide"])
def test_transformed_distributions_are_pytorchs(chain: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    def build(space: Any, tensor: Any, x: Any) -> Any:
        base = space.Normal(x, tensor(B))
        chains = {
            "exp": [space.ExpTransform()],
            "affine": [space.AffineTransform(tensor(LOC), -2.0), space.SigmoidTransform()],
            "stick": [space.AffineTransform(0.5, 2.0), space.StickBreakingTransform()],
            "reshape": [space.ExpTransform(), space.ReshapeTransform((3,), (3, 1))],
            "matrix": [space.AffineTransform(0.5, 2.0, event_dim=1)],
            "wide": [space.AffineTransform(tensor(spread_fixed), 2.0)],
        }
        return space.TransformedDistribution(base, chains[chain])

    spread_fixed = np.linspace(-1, 1, 24).reshape(4, 2, 3)
    x, t = Tensor(LOC, requires_grad=True), torch.tensor(LOC, requires_grad=True)
    ours, theirs = build(D, Tensor, x), build(torch.distributions, torch.tensor, t)
    assert (ours.batch_shape, ours.event_shape) == (tuple(theirs.batch_shape), tuple(theirs.event_shape))
    assert ours.rsample((5,)).shape == tuple(theirs.rsample((5,)).shape)
    value = theirs.sample((2,))
    compare(ours.log_prob(value.numpy()), theirs.log_prob(value), [x], [t])
    if chain in ("exp", "affine"):
        compare(ours.cdf(value.numpy()), theirs.cdf(value), [x], [t])
        compare(ours.icdf(UNIT), theirs.icdf(torch.tensor(UNIT)), [x], [t])
    wide = ours.expand((3, *ours.batch_shape))
    np.testing.assert_allclose(
        wide.log_prob(value[0].numpy()).detach().numpy(), np.broadcast_to(theirs.log_prob(value[0]).detach(), wide.batch_shape)
    )


@pytest.mark.torch
def test_independent_and_mixtures_are_pytorchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    def build(space: Any, x: Any, scale: Any, logits: Any) -> list[Any]:
        return [
            space.Independent(space.Normal(x, scale), 1),
            space.MixtureSameFamily(space.Categorical(logits=logits), space.Normal(x, scale)),
            space.MixtureSameFamily(space.Categorical(logits=logits[:, 0]), space.Independent(space.Normal(x, scale), 1)),
        ]

    xs = [Tensor(a, requires_grad=True) for a in (LOC, B, LOGITS)]
    ts = [torch.tensor(a, requires_grad=True) for a in (LOC, B, LOGITS)]
    for ours, theirs in zip(build(D, *xs), build(torch.distributions, *ts), strict=True):
        assert (ours.batch_shape, ours.event_shape) == (tuple(theirs.batch_shape), tuple(theirs.event_shape))
        value = theirs.sample((4,))
        compare(ours.log_prob(value.numpy()), theirs.log_prob(value), xs, ts)
        compare(ours.mean, theirs.mean, xs, ts)
        compare(ours.variance, theirs.variance, xs, ts)
        assert ours.sample((4,)).shape == tuple(value.shape)
        assert ours.expand((5, *ours.batch_shape)).sample().shape == (5, *value.shape[1:])
    value = np.array([0.1, 0.4])
    compare(build(D, *xs)[1].cdf(value), build(torch.distributions, *ts)[1].cdf(torch.tensor(value)), xs, ts)


def test_a_mixture_of_intervals_knows_which_part_is_possible() -> None:
    parts = D.Uniform(np.array([0.0, 2.0]), np.array([1.0, 3.0]))
    mixture = D.MixtureSameFamily(D.Categorical(probs=[0.25, 0.75]), parts)
    np.testing.assert_allclose(np.exp(mixture.log_prob([0.5, 2.5]).numpy()), [0.25, 0.75])
    with pytest.raises(ValueError, match="for a component at least"):
        mixture.log_prob(1.5)
    x = mixture.sample((4000,)).numpy()
    assert abs((x > 1.5).mean() - 0.75) < 0.03
    np.testing.assert_allclose(mixture.cdf([1.0, 3.0]).numpy(), [0.25, 1.0])


# ------------------------------------------------------------------------------ what is said


def test_parameters_are_numbers_lists_arrays_or_tensors() -> None:
    assert D.Normal(0, 1).log_prob(0).dtype == np.float32
    assert D.Normal([0, 1], 2).loc.dtype == np.float32
    assert D.Normal(np.float64(0), 1).scale.dtype == np.float64
    assert D.Normal(np.zeros(3), 1).scale.shape == (3,)
    assert D.Poisson(Tensor([1.0, 2.0])).log_prob(np.array([1, 2])).dtype == np.float32
    a = Tensor(2.0, requires_grad=True)
    D.Normal([a, 1.0], 1.0).log_prob([0.0, a * 2]).sum().backward()
    assert a.grad.item() == -2 - (4 - 1) * 2
    exact = D.Normal(np.zeros(2), 1.0).log_prob(0.1).numpy()
    np.testing.assert_allclose(exact, scipy.stats.norm.logpdf(0.1), rtol=1e-15)


BAD = [
    (lambda: D.Normal(0.0, [1.0, -1.0, 0.0]), r"Normal: scale must be greater than 0, got -1 \(2 of 3 in shape \(3,\)\)"),
    (lambda: D.Normal(np.nan, 1.0), "Normal: loc must be a number that is not NaN"),
    (lambda: D.Bernoulli(1.5), r"Bernoulli: probs must be in the interval \[0, 1\], got 1.5"),
    (lambda: D.Bernoulli(), "give exactly one of probs, logits; got none"),
    (lambda: D.Bernoulli(0.5, 0.5), "got probs and logits"),
    (lambda: D.Uniform(1.0, 1.0), "low must be less than high"),
    (lambda: D.Binomial(2.5, 0.5), "total_count must be whole numbers from 0 on"),
    (lambda: D.Categorical(probs=[0.5, -0.5]), "probs must be not negative"),
    (lambda: D.Categorical(probs=0.5), "must have a last axis of classes"),
    (lambda: D.Geometric(0.0), "probs must be greater than 0"),
    (lambda: D.Multinomial(2.5, [0.5, 0.5]), "one whole number"),
    (lambda: D.MultivariateNormal(np.zeros(2), np.array([[1.0, 2.0], [2.0, 1.0]])), "symmetric positive definite"),
    (lambda: D.MultivariateNormal(np.zeros(2), scale_tril=np.ones((2, 2))), "lower triangular"),
    (lambda: D.MultivariateNormal(np.zeros(3), np.eye(2)), r"got \(3,\) and \(2, 2\)"),
    (lambda: D.Dirichlet(1.0), "must have a last axis"),
    (lambda: D.Independent(D.Normal(0.0, 1.0), 1), "has no 1 last axes"),
    (lambda: D.RelaxedBernoulli(0.0, 0.5), "temperature must be greater than 0"),
    (lambda: D.MixtureSameFamily(D.Categorical(probs=[0.5, 0.5]), D.Normal(0.0, 1.0)), r"batch shape \(\.\.\., 2\), got \(\)"),
    (lambda: D.Exponential(1.0).log_prob(-1.0), "Exponential: values must be not negative, got -1"),
    (lambda: D.Uniform(0.0, 1.0).log_prob(2.0), r"values must be in the interval \[0, 1\], got 2"),
    (lambda: D.Poisson(1.0).log_prob(0.5), "whole numbers from 0 on, got 0.5"),
    (lambda: D.Categorical(probs=[0.5, 0.5]).log_prob(2), "whole numbers from 0 to 1, got 2"),
    (lambda: D.Categorical(probs=[0.5, 0.5], validate_args=False).log_prob(-1), "whole numbers from 0 to 1"),
    (lambda: D.Dirichlet([1.0, 1.0]).log_prob([0.5, 0.6]), "sum to 1"),
    (lambda: D.Dirichlet([1.0, 1.0]).log_prob([0.5, 0.3, 0.2]), r"expected values of shape \(\.\.\., 2,\), got \(3,\)"),
    (lambda: D.Normal(np.zeros(3), 1.0).log_prob(np.zeros(2)), r"values of shape \(2,\) do not fit the batch of shape \(3,\)"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), BAD, ids=[m[:30] for _, m in BAD])
def test_bad_parameters_and_values_are_named(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_checks_can_be_left_out() -> None:
    assert D.Normal(0.0, -1.0, validate_args=False).scale.item() == -1
    assert D.Uniform(0.0, 1.0, validate_args=False).log_prob(2.0).item() == -np.inf
    assert D.Pareto(1.0, 2.0, validate_args=False).log_prob(0.5).item() == -np.inf
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)


def test_what_a_distribution_has_not_is_named() -> None:
    with pytest.raises(NotImplementedError, match="VonMises has no entropy"):
        D.VonMises(0.0, 1.0).entropy()
    with pytest.raises(NotImplementedError, match="Poisson has no rsample"):
        D.Poisson(1.0).rsample()
    with pytest.raises(NotImplementedError, match="one total_count"):
        D.Binomial([1, 2], 0.5).entropy()


def test_one_seed_one_sample_and_copies_are_equal() -> None:
    d = D.Gamma(np.array([1.0, 2.0]), 1.5)
    drawn = []
    for made in (d, copy.deepcopy(d), pickle.loads(pickle.dumps(d)), copy.copy(d)):
        minigrad.random.manual_seed(5)
        drawn.append(made.sample((3,)).numpy())
    for x in drawn[1:]:
        np.testing.assert_array_equal(x, drawn[0])


def test_what_was_computed_without_gradients_is_not_kept() -> None:
    logits = Tensor([0.3, -0.2], requires_grad=True)
    d = D.Bernoulli(logits=logits)
    d.sample((2,))
    with minigrad.no_grad():
        d.mean
    d.mean.sum().backward()
    assert np.abs(logits.grad.numpy()).min() > 0.1


def test_a_policy_learns_by_the_score_function() -> None:
    """REINFORCE: the gradient of E[r] is E[r grad log p]; the arm that pays is found."""
    logits = Tensor(np.zeros(3), requires_grad=True)
    for _ in range(60):
        policy = D.Categorical(logits=logits)
        action = policy.sample((64,))
        reward = (action.numpy() == 1) - 1 / 3
        loss = -(policy.log_prob(action) * reward).mean()
        logits.grad = None
        loss.backward()
        logits.data[...] -= 1.0 * logits.grad.numpy()
        minigrad.mark_mutated(logits.data)
    assert D.Categorical(logits=logits).probs.detach().numpy()[1] > 0.9
