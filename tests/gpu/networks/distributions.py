"""Distributions, divergences and transforms with parameters on the device."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
from nn import distributions as D

from .moved import add, case, on, ramp, with_gradients

POSITIVE, REAL = ramp(3, low=0.5, high=2.0), ramp(3)
ROWS = ramp(2, 3, low=0.2, high=1.0)
MATRIX = np.array([[2.0, 0.3], [0.3, 1.0]], np.float32)

#: Name, parameters by name, a value that is possible.
DISTRIBUTIONS: list[tuple[str, dict[str, Any], Any]] = [
    ("Normal", {"loc": REAL, "scale": POSITIVE}, REAL),
    ("Laplace", {"loc": REAL, "scale": POSITIVE}, REAL),
    ("Cauchy", {"loc": REAL, "scale": POSITIVE}, REAL),
    ("Gumbel", {"loc": REAL, "scale": POSITIVE}, REAL),
    ("StudentT", {"df": POSITIVE + 3, "loc": REAL, "scale": POSITIVE}, REAL),
    ("LogNormal", {"loc": REAL, "scale": POSITIVE}, POSITIVE),
    ("HalfNormal", {"scale": POSITIVE}, POSITIVE),
    ("HalfCauchy", {"scale": POSITIVE}, POSITIVE),
    ("Uniform", {"low": REAL, "high": REAL + 2}, REAL + 0.5),
    ("Exponential", {"rate": POSITIVE}, POSITIVE),
    ("Gamma", {"concentration": POSITIVE, "rate": POSITIVE}, POSITIVE),
    ("InverseGamma", {"concentration": POSITIVE + 3, "rate": POSITIVE}, POSITIVE),
    ("Chi2", {"df": POSITIVE}, POSITIVE),
    ("FisherSnedecor", {"df1": POSITIVE + 1, "df2": POSITIVE + 5}, POSITIVE),
    ("Beta", {"concentration1": POSITIVE, "concentration0": POSITIVE}, ramp(3, low=0.1, high=0.9)),
    ("Kumaraswamy", {"concentration1": POSITIVE, "concentration0": POSITIVE}, ramp(3, low=0.1, high=0.9)),
    ("Pareto", {"scale": POSITIVE, "alpha": POSITIVE + 2}, POSITIVE + 2),
    ("Weibull", {"scale": POSITIVE, "concentration": POSITIVE}, POSITIVE),
    ("VonMises", {"loc": REAL, "concentration": POSITIVE}, REAL),
    ("Dirichlet", {"concentration": ROWS}, ROWS / ROWS.sum(1, keepdims=True)),
    ("Bernoulli", {"probs": ramp(3, low=0.1, high=0.9)}, np.array([0.0, 1, 1], "f")),
    ("Bernoulli", {"logits": REAL}, np.array([0.0, 1, 1], "f")),
    ("ContinuousBernoulli", {"probs": ramp(3, low=0.1, high=0.9)}, ramp(3, low=0.1, high=0.9)),
    ("Binomial", {"total_count": 5, "probs": ramp(3, low=0.1, high=0.9)}, np.array([0.0, 5, 2], "f")),
    ("NegativeBinomial", {"total_count": 5, "logits": REAL - 2}, np.array([0.0, 5, 2], "f")),
    ("Geometric", {"probs": ramp(3, low=0.1, high=0.9)}, np.array([0.0, 5, 2], "f")),
    ("Poisson", {"rate": POSITIVE}, np.array([0.0, 5, 2], "f")),
    ("Categorical", {"probs": ROWS}, np.array([0, 2])),
    ("Categorical", {"logits": ROWS}, np.array([0, 2])),
    ("OneHotCategorical", {"probs": ROWS}, np.eye(3, dtype="f")[:2]),
    ("OneHotCategoricalStraightThrough", {"logits": ROWS}, np.eye(3, dtype="f")[:2]),
    ("Multinomial", {"total_count": 4, "probs": ROWS}, np.array([[1.0, 2, 1], [4, 0, 0]], "f")),
    ("RelaxedBernoulli", {"temperature": np.float32(0.7), "logits": REAL}, ramp(3, low=0.1, high=0.9)),
    ("RelaxedOneHotCategorical", {"temperature": np.float32(0.7), "logits": ROWS}, ROWS / ROWS.sum(1, keepdims=True)),
    ("LogisticNormal", {"loc": REAL[:2], "scale": POSITIVE[:2]}, np.array([0.2, 0.3, 0.5], "f")),
    ("MultivariateNormal", {"loc": REAL[:2], "covariance_matrix": MATRIX}, REAL[1:]),
    ("MultivariateNormal", {"loc": REAL[:2], "scale_tril": np.linalg.cholesky(MATRIX)}, REAL[1:]),
    ("MultivariateNormal", {"loc": REAL[:2], "precision_matrix": MATRIX}, REAL[1:]),
    ("LowRankMultivariateNormal", {"loc": REAL[:2], "cov_factor": MATRIX[:, :1], "cov_diag": POSITIVE[:2]}, REAL[1:]),
]  # fmt: skip

#: What CuPy's generator, or cupyx, has not: there it is an error that says so.
CPU_ONLY = {("StudentT", "cdf"), ("VonMises", "sample")}


def known(name: str, what: str, compute: Any, device: str) -> list[Any]:
    """What a function gives; nothing where the distribution has none, or has it on the CPU alone."""
    try:
        result = compute()
    except NotImplementedError as error:
        if "on the cpu" in str(error) and (device == "cpu" or (name, what) not in CPU_ONLY):
            raise
        return []
    return [] if (name, what) in CPU_ONLY else [result]


def distribution(row: tuple[str, dict[str, Any], Any], device: str) -> Any:
    """Densities and all that follows from the parameters, with gradients; the shapes of draws."""
    name, given, value = row
    tensors = {k: on(device, v, True) for k, v in given.items() if isinstance(v, (np.ndarray, np.floating))}
    d = getattr(D, name)(**{**given, **tensors})
    found: list[Any] = with_gradients(d.log_prob(on(device, value)), *tensors.values())
    found.append(d.log_prob(value))  # NumPy's array goes where the parameters are
    for what in ("mean", "variance", "mode"):
        found += known(name, what, partial(getattr, d, what), device)
    third = on(device, np.full(3, 0.3, np.float32))
    for what, arguments in (("entropy", ()), ("cdf", (on(device, value),)), ("icdf", (third,))):
        for result in known(name, what, partial(getattr(d, what), *arguments), device):
            found += with_gradients(result, *tensors.values()) if result.requires_grad else [result]
    for what in ("sample", "rsample"):
        for drawn in known(name, what, partial(getattr(d, what), (2,)), device):
            inside = bool(d.support.check(drawn.detach()).all())
            found += [drawn.shape, drawn.dtype.name, inside, drawn.device.startswith(device)]
    if d.has_enumerate_support:
        found.append(d.enumerate_support())
    return [*found, repr(d), d.expand((4, *d.batch_shape)).log_prob(on(device, value))]


for number, row in enumerate(DISTRIBUTIONS):
    add(f"distribution {number} {row[0]}", partial(distribution, row))


@case
def divergences(device: str) -> Any:
    made = [
        (D.Normal, (REAL, POSITIVE), (REAL[::-1].copy(), POSITIVE + 1)),
        (D.Gamma, (POSITIVE, POSITIVE), (POSITIVE + 1, POSITIVE)),
        (D.Beta, (POSITIVE, POSITIVE), (POSITIVE + 1, POSITIVE)),
        (D.Dirichlet, (ROWS,), (ROWS + 1,)),
        (D.Bernoulli, (ramp(3, low=0.1, high=0.9),), (np.full(3, 0.5, "f"),)),
        (D.Categorical, (ROWS,), (ROWS[::-1].copy(),)),
        (D.Poisson, (POSITIVE,), (POSITIVE + 1,)),
        (D.Laplace, (REAL, POSITIVE), (REAL[::-1].copy(), POSITIVE + 1)),
        (D.MultivariateNormal, (REAL[:2], MATRIX), (REAL[1:], np.eye(2, dtype="f"))),
        (D.Uniform, (REAL, REAL + 1), (REAL - 1, REAL + 3)),
    ]
    found = []
    for kind, first, second in made:
        p, q = [on(device, a, True) for a in first], [on(device, a, True) for a in second]
        found += with_gradients(D.kl_divergence(kind(*p), kind(*q)), *p, *q)
    binomials = [D.Binomial(n, on(device, np.float32(p), True)) for n, p in ((4, 0.2), (4, 0.5))]
    return [*found, D.kl_divergence(*binomials)]


@case
def transforms(device: str) -> Any:
    x = on(device, REAL, requires_grad=True)
    found: list[Any] = []
    for t in (
        D.ExpTransform(), D.SigmoidTransform(), D.TanhTransform(), D.SoftplusTransform(), D.AbsTransform(),
        D.AffineTransform(on(device, REAL), on(device, POSITIVE)), D.StickBreakingTransform(),
        D.ComposeTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)]), D.ReshapeTransform((3,), (3, 1)),
    ):  # fmt: skip
        y = t(x)
        found += with_gradients(y, x)
        if t.bijective:
            found += [t.inv(y), *with_gradients(t.log_abs_det_jacobian(x, y), x)]
    found += with_gradients(D.PowerTransform(on(device, np.float32(2.0)))(np.exp(x)), x)
    square = on(device, ramp(3, 3), requires_grad=True)
    return [*found, *with_gradients(D.LowerCholeskyTransform()(square), square), D.SoftmaxTransform()(x)]


@case
def compound_distributions(device: str) -> Any:
    loc, scale = on(device, ROWS, True), on(device, ROWS, True)
    mixture = D.MixtureSameFamily(D.Categorical(logits=on(device, ramp(2, 3), True)), D.Normal(loc, scale))
    apart = D.Independent(D.Normal(loc, scale), 1)
    moved = D.TransformedDistribution(D.Normal(loc, scale), [D.ExpTransform()])
    value = on(device, ROWS)
    return [
        with_gradients(mixture.log_prob(value[:, 0]), loc, scale),
        mixture.sample((4,)).shape,
        mixture.mean,
        with_gradients(apart.log_prob(value), loc, scale),
        apart.entropy(),
        with_gradients(moved.log_prob(value), loc, scale),
        moved.rsample((2,)).shape,
    ]


@case
def values_are_checked(device: str) -> Any:
    """Parameters and values that are not possible are refused; at once where anomalies are looked for."""
    found = []
    for wrong in (
        lambda: D.Normal(on(device, REAL), on(device, -POSITIVE)),
        lambda: D.Bernoulli(on(device, np.array([0.5, 1.5], "f"))),
        lambda: D.Gamma(on(device, POSITIVE), 1.0).log_prob(on(device, -POSITIVE)),
        lambda: D.Categorical(on(device, ROWS)).log_prob(on(device, np.array([0, 3]))),
        lambda: D.Uniform(on(device, REAL), on(device, REAL)),
    ):
        try:
            with mg.detect_anomaly():
                wrong()
        except ValueError as error:
            found.append(str(error))
    return found
