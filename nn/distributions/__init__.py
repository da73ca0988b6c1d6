"""Probability distributions, under the names of `torch.distributions`: sample, rsample, log_prob, entropy, kl_divergence.

>>> p, q = Normal(0.0, 1.0), Normal(Tensor(1.0, requires_grad=True), 1.0)
>>> kl_divergence(p, q).backward()
>>> q.loc.grad
Tensor(1., dtype=float32)

| file | distributions |
|---|---|
| real_line | Normal, Laplace, Cauchy, Gumbel, StudentT |
| gamma | Exponential, Gamma, Chi2, InverseGamma, FisherSnedecor |
| tails | HalfNormal, HalfCauchy, Weibull, Pareto |
| bounded | Uniform, Beta, Kumaraswamy, ContinuousBernoulli, VonMises |
| discrete | Bernoulli, Binomial, Geometric, NegativeBinomial, Poisson |
| categorical | Categorical, OneHotCategorical, OneHotCategoricalStraightThrough, Multinomial |
| multivariate | MultivariateNormal, LowRankMultivariateNormal, Dirichlet |
| compound | Independent, MixtureSameFamily |
| transformed | TransformedDistribution, LogNormal, LogisticNormal, RelaxedBernoulli, RelaxedOneHotCategorical |

Parameters are numbers, lists, arrays or Tensors.  What a distribution computes is a differentiable function of all of them, and
of the value.
"""

from . import constraints, transforms
from .bounded import Beta, ContinuousBernoulli, Kumaraswamy, Uniform, VonMises
from .categorical import Categorical, Multinomial, OneHotCategorical, OneHotCategoricalStraightThrough
from .compound import Independent, MixtureSameFamily
from .discrete import Bernoulli, Binomial, Geometric, NegativeBinomial, Poisson
from .distribution import Distribution
from .divergence import kl_divergence, register_kl
from .gamma import Chi2, Exponential, FisherSnedecor, Gamma, InverseGamma
from .multivariate import Dirichlet, LowRankMultivariateNormal, MultivariateNormal
from .real_line import Cauchy, Gumbel, Laplace, Normal, StudentT
from .tails import HalfCauchy, HalfNormal, Pareto, Weibull
from .transformed import LogisticNormal, LogNormal, RelaxedBernoulli, RelaxedOneHotCategorical, TransformedDistribution
from .transforms import (
    AbsTransform,
    AffineTransform,
    ComposeTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)

__all__ = [
    "AbsTransform", "AffineTransform", "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2",
    "ComposeTransform", "ContinuousBernoulli", "CumulativeDistributionTransform", "Dirichlet", "Distribution",
    "ExpTransform", "Exponential", "FisherSnedecor", "Gamma", "Geometric", "Gumbel", "HalfCauchy",
    "HalfNormal", "Independent", "IndependentTransform", "InverseGamma", "Kumaraswamy", "Laplace",
    "LogNormal", "LogisticNormal", "LowRankMultivariateNormal", "LowerCholeskyTransform", "MixtureSameFamily",
    "Multinomial", "MultivariateNormal", "NegativeBinomial", "Normal", "OneHotCategorical",
    "OneHotCategoricalStraightThrough", "Pareto", "Poisson", "PowerTransform", "RelaxedBernoulli",
    "RelaxedOneHotCategorical", "ReshapeTransform", "SigmoidTransform", "SoftmaxTransform",
    "SoftplusTransform", "StickBreakingTransform", "StudentT", "TanhTransform", "Transform",
    "TransformedDistribution", "Uniform", "VonMises", "Weibull", "constraints", "identity_transform",
    "kl_divergence", "register_kl", "transforms",
]  # fmt: skip
