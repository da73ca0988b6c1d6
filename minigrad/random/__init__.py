"""Random tensors from one default generator per device: one seed, one result.

NumPy's Philox on the cpu, CuPy's generator on a GPU.  The names, arguments and their order are those of
numpy.random.  The files: `state` (generators and seeds), `continuous` (differentiable in the parameters),
`discrete` (constants), `sampling` (choice, shuffle, permutation).
"""

from __future__ import annotations

from typing import Any

from ..hints import missing
from ..spellings import FUNCTIONS, INSTEAD
from . import continuous, discrete, sampling, state
from .continuous import (
    beta,
    chisquare,
    dirichlet,
    exponential,
    f,
    gamma,
    gumbel,
    laplace,
    logistic,
    lognormal,
    multivariate_normal,
    normal,
    pareto,
    power,
    rand,
    randn,
    random,
    rayleigh,
    standard_cauchy,
    standard_exponential,
    standard_gamma,
    standard_normal,
    standard_t,
    triangular,
    uniform,
    weibull,
)
from .discrete import (
    bernoulli,
    binomial,
    categorical,
    geometric,
    hypergeometric,
    integers,
    logseries,
    multinomial,
    negative_binomial,
    noncentral_chisquare,
    noncentral_f,
    poisson,
    randint,
    vonmises,
    wald,
    zipf,
)
from .sampling import choice, permutation, shuffle
from .state import bytes, generator, get_state, manual_seed, seed, seeded, set_state

random_sample = ranf = sample = random  # NumPy's other names of it

__all__ = [
    "bernoulli", "beta", "binomial", "bytes", "categorical", "chisquare", "choice", "continuous", "dirichlet", "discrete",
    "exponential", "f", "gamma", "generator", "geometric", "get_state", "gumbel", "hypergeometric", "integers", "laplace",
    "logistic", "lognormal", "logseries", "manual_seed", "multinomial", "multivariate_normal", "negative_binomial",
    "noncentral_chisquare", "noncentral_f", "normal", "pareto", "permutation", "poisson", "power", "rand", "randint", "randn",
    "random", "random_sample", "ranf", "rayleigh", "sample", "sampling", "seed", "seeded", "set_state", "shuffle",
    "standard_cauchy",
    "standard_exponential", "standard_gamma", "standard_normal", "standard_t", "state", "triangular", "uniform", "vonmises",
    "wald", "weibull", "zipf",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    raise missing("minigrad.random", name, __all__, INSTEAD, FUNCTIONS)
