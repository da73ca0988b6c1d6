"""The Kullback-Leibler divergence: how much more is written where p comes and q was expected.

KL(p || q) = E_p[log p(x) - log q(x)], in closed form for the pairs that are registered here; `register_kl` adds others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from minigrad import Tensor, clip, where
from minigrad.scipy.special import betaln, digamma, gammaln, i0e, i1e

from .bounded import Beta, ContinuousBernoulli, Uniform, VonMises
from .categorical import Categorical, Classes, OneHotCategorical
from .compound import Independent, sum_last
from .discrete import Bernoulli, Binomial, Geometric, Poisson, log_odds_loss
from .distribution import Distribution
from .gamma import Exponential, Gamma
from .multivariate import Dirichlet, LowRankMultivariateNormal, MultivariateNormal
from .real_line import Cauchy, Gumbel, Laplace, Normal
from .tails import HalfNormal, Pareto
from .transformed import TransformedDistribution

__all__ = ["kl_divergence", "register_kl"]

Rule = TypeVar("Rule", bound=Callable[..., Any])
_rules: dict[tuple[type, type], Callable[..., Any]] = {}


def register_kl(type_p: type[Distribution], type_q: type[Distribution]) -> Callable[[Rule], Rule]:
    """Say how the divergence of two types of distributions, and of their subclasses, is computed.

    Args:
        type_p, type_q: the types; the function that is decorated is called with a distribution of each, and returns KL(p || q).

    >>> class Wide(Normal): ...
    >>> @register_kl(Wide, Wide)
    ... def _(p, q):
    ...     return p.scale * 0.0
    >>> kl_divergence(Wide(0.0, 1.0), Wide(1.0, 1.0))
    Tensor(0., dtype=float32)
    """
    for given in (type_p, type_q):
        if not (isinstance(given, type) and issubclass(given, Distribution)):
            raise TypeError(f"register_kl: expected types of distributions, got {given!r}")

    def register(rule: Rule) -> Rule:
        _rules[type_p, type_q] = rule
        return rule

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p || q), of the shape of the batches together.

    Args:
        p, q: the distributions: the mean over x of p of log p(x) - log q(x).

    Raises:
        NotImplementedError: no rule is known for the two types.

    >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
    Tensor(0.5, dtype=float32)
    """
    found = [pair for pair in _rules if isinstance(p, pair[0]) and isinstance(q, pair[1])]
    if not found:
        raise NotImplementedError(
            f"no divergence of {type(p).__name__} from {type(q).__name__} is known: add one with register_kl, or average "
            "p.log_prob(x) - q.log_prob(x) over x = p.rsample((n,))"
        )
    nearest = min(found, key=lambda pair: (type(p).__mro__.index(pair[0]), type(q).__mro__.index(pair[1])))
    return _rules[nearest](p, q)


# -------------------------------------------------------------------- the same family twice


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Any:
    """((s_p / s_q)^2 + ((m_p - m_q) / s_q)^2 - 1) / 2 - log(s_p / s_q)."""
    square = (p.scale / q.scale) ** 2
    return 0.5 * (square + ((p.loc - q.loc) / q.scale) ** 2 - 1 - np.log(square))


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Any:
    ratio, off = p.scale / q.scale, abs(p.loc - q.loc)
    return -np.log(ratio) + off / q.scale + ratio * np.exp(-off / p.scale) - 1


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Any:
    return np.log((p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2) - np.log(4 * p.scale * q.scale)


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Gumbel, q: Gumbel) -> Any:
    ratio, off, start = p.scale / q.scale, q.loc / q.scale, p.loc / q.scale
    return -np.log(ratio) - off + start + ratio * np.euler_gamma + np.exp(off - start + gammaln(1 + ratio)) - (1 + np.euler_gamma)


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Any:
    ratio = q.rate / p.rate
    return ratio - 1 - np.log(ratio)


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Any:
    powers = q.concentration * np.log(p.rate / q.rate) + gammaln(q.concentration) - gammaln(p.concentration)
    shapes = (p.concentration - q.concentration) * digamma(p.concentration)
    return powers + shapes + (q.rate - p.rate) * p.concentration / p.rate


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: HalfNormal, q: HalfNormal) -> Any:
    square = (p.scale / q.scale) ** 2
    return 0.5 * (square - 1 - np.log(square))


@register_kl(Pareto, Pareto)
def _pareto(p: Pareto, q: Pareto) -> Any:
    """Infinite where p reaches below q."""
    ratio, alpha = p.scale / q.scale, q.alpha / p.alpha
    out = q.alpha * np.log(ratio) - np.log(alpha) + alpha - 1
    return where(p.scale < q.scale, np.inf, out)


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Any:
    a, b, c, d = p.concentration1, p.concentration0, q.concentration1, q.concentration0
    out = betaln(c, d) - betaln(a, b) + (a - c) * digamma(a) + (b - d) * digamma(b)
    return out + (c + d - a - b) * digamma(a + b)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Any:
    a, b = p.concentration, q.concentration
    total, other = np.sum(a, axis=-1), np.sum(b, axis=-1)
    normalisers = gammaln(total) - gammaln(other) - np.sum(gammaln(a) - gammaln(b), axis=-1)
    return normalisers + np.sum((a - b) * (digamma(a) - digamma(total)[..., None]), axis=-1)


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Any:
    """Infinite where p reaches outside of q."""
    out = np.log((q.high - q.low) / (p.high - p.low))
    return where((q.low > p.low) | (q.high < p.high), np.inf, out)


@register_kl(VonMises, VonMises)
def _von_mises(p: VonMises, q: VonMises) -> Any:
    k, other = p.concentration, q.concentration
    length = i1e(k) / i0e(k)
    normalisers = np.log(i0e(other)) + other - np.log(i0e(k)) - k
    return normalisers + length * (k - other * np.cos(p.loc - q.loc))


# -------------------------------------------------------------------------- counts and classes


def _weighted(weight: Any, log_ratio: Any) -> Any:
    """weight times log_ratio, 0 where the weight is 0."""
    return where(weight == 0, 0.0, weight * where(weight == 0, 0.0, log_ratio))


def _odds(p: Any, q: Any) -> Any:
    """Of one trial: p log(p / q) + (1 - p) log((1 - p) / (1 - q)); infinite where q rules out what p does not."""
    out = log_odds_loss(q.logits, p.probs) - log_odds_loss(p.logits, p.probs)
    impossible = ((q.probs == 0) & (p.probs > 0)) | ((q.probs == 1) & (p.probs < 1))
    return where(impossible, np.inf, out)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Any:
    return _odds(p, q)


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Any:
    """Infinite where p has more trials; with fewer there is no closed form."""
    more, fewer = p.total_count > q.total_count, p.total_count < q.total_count
    if bool(np.any(fewer)):
        raise NotImplementedError("no divergence of Binomials is known where q has more trials than p")
    return where(more, np.inf, p.total_count * _odds(p, q))


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Any:
    return -p.entropy() - np.log1p(-q.probs) / p.probs - q.logits


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Any:
    return _weighted(p.rate, np.log(where(p.rate > 0, p.rate, 1.0)) - np.log(q.rate)) - (p.rate - q.rate)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: ContinuousBernoulli, q: ContinuousBernoulli) -> Any:
    slopes = p.mean * (p.logits - q.logits)
    a, b = clip(p.probs, 1e-7, 1 - 1e-7), clip(q.probs, 1e-7, 1 - 1e-7)
    return slopes + np.log1p(-a) - np.log1p(-b) + p._log_constant() - q._log_constant()


@register_kl(Categorical, Categorical)
@register_kl(OneHotCategorical, OneHotCategorical)
def _classes(p: Classes, q: Classes) -> Any:
    """sum_i p_i log(p_i / q_i)."""
    each = _weighted(p.probs, p.logits - q.logits)
    return np.sum(where((q.probs == 0) & (p.probs > 0), np.inf, each), axis=-1)


# ---------------------------------------------------------------------------- normal vectors


@register_kl(MultivariateNormal, MultivariateNormal)
@register_kl(MultivariateNormal, LowRankMultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _normal_vectors(p: Any, q: Any) -> Any:
    """(tr(C_q^-1 C_p) + (m_q - m_p)^T C_q^-1 (m_q - m_p) - d) / 2 + log det L_q - log det L_p."""
    if p.event_shape != q.event_shape:
        raise ValueError(f"kl_divergence: vectors of different sizes, {p.event_shape} and {q.event_shape}")
    left, right = p.scale_tril, q.scale_tril
    logs = [np.sum(np.log(np.diagonal(f, axis1=-2, axis2=-1)), axis=-1) for f in (left, right)]
    trace = np.sum(np.linalg.solve(right, left) ** 2, axis=(-2, -1))
    off = np.squeeze(np.linalg.solve(right, (q.loc - p.loc)[..., None]), -1)
    return (trace + np.sum(off**2, axis=-1) - p.event_shape[0]) / 2 + logs[1] - logs[0]


# ------------------------------------------------------------------------- of others


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Any:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("no divergence of Independent distributions with different numbers of axes is known")
    return sum_last(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Any:
    """That of the bases, where both go through the same transforms: a function that can be undone hides nothing."""
    same = p.transforms == q.transforms or (
        [type(t) for t in p.transforms] == [type(t) for t in q.transforms] and not any(vars(t) for t in p.transforms)
    )
    if not same or p.event_shape != q.event_shape:
        raise NotImplementedError("no divergence of distributions that were transformed in different ways is known")
    more = len(p.event_shape) - len(p.base_dist.event_shape)
    return sum_last(kl_divergence(p.base_dist, q.base_dist), max(more, 0))


# -------------------------------------------------------------------- two different families


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Exponential, q: Gamma) -> Any:
    ratio, a = q.rate / p.rate, q.concentration
    return -a * np.log(ratio) + ratio + gammaln(a) + a * np.euler_gamma - (1 + np.euler_gamma)


@register_kl(Gamma, Exponential)
def _gamma_exponential(p: Gamma, q: Exponential) -> Any:
    return -p.entropy() - np.log(q.rate) + q.rate * p.concentration / p.rate


@register_kl(Normal, Laplace)
def _normal_laplace(p: Normal, q: Laplace) -> Any:
    off = p.loc - q.loc
    ratio = off / p.scale
    from_error = math.sqrt(2 / math.pi) * p.scale * np.exp(-0.5 * ratio**2)
    within = off * (1 - 2 * Normal(0.0, 1.0, validate_args=False).cdf(-ratio))
    return -p.entropy() + np.log(2 * q.scale) + (from_error + within) / q.scale


@register_kl(Laplace, Normal)
def _laplace_normal(p: Laplace, q: Normal) -> Any:
    return -p.entropy() + np.log(q.scale) + 0.5 * math.log(2 * math.pi) + _square(p, q)


@register_kl(Uniform, Normal)
@register_kl(Exponential, Normal)
@register_kl(Gamma, Normal)
@register_kl(Gumbel, Normal)
@register_kl(Beta, Normal)
def _any_normal(p: Any, q: Normal) -> Any:
    """Minus the entropy of p, and the mean of -log q, which needs the mean and the variance of p only."""
    return -p.entropy() + np.log(q.scale) + 0.5 * math.log(2 * math.pi) + _square(p, q)


def _square(p: Any, q: Normal) -> Any:
    return (p.variance + (p.mean - q.loc) ** 2) / (2 * q.scale**2)


@register_kl(Normal, Gumbel)
def _normal_gumbel(p: Normal, q: Gumbel) -> Any:
    off, ratio = (p.loc - q.loc) / q.scale, p.scale / q.scale
    return -p.entropy() + np.log(q.scale) + off + np.exp(-off + ratio**2 / 2)


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Bernoulli, q: Poisson) -> Any:
    return -p.entropy() - (p.probs * np.log(q.rate) - q.rate)


@register_kl(Beta, Uniform)
def _beta_uniform(p: Beta, q: Uniform) -> Any:
    return where((q.low > 0) | (q.high < 1), np.inf, -p.entropy() + np.log(q.high - q.low))
