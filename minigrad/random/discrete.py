"""Distributions whose draws are constants: counts, choices among categories, and some continuous ones.

A count does not move with a parameter, so no gradient reaches the parameters.  Names, arguments and their
order are those of numpy.random.  The numbers are drawn where the parameters are, or on `device`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import backend
from ..devices import follow
from ..later import refuse_later
from ..tensor import Tensor, raw
from .philox import shape_of
from .state import check_probabilities, device_of, drawing, generator, on_device

__all__ = [
    "bernoulli", "binomial", "categorical", "geometric", "hypergeometric", "integers", "logseries", "multinomial",
    "negative_binomial", "noncentral_chisquare", "noncentral_f", "poisson", "randint", "vonmises", "wald", "zipf",
]  # fmt: skip

#: So many numbers are shown in an error, at most.
_SHOWN = 64


def _drawn(name: str, parameters: tuple[Any, ...], size: Any, device: Any) -> Tensor:
    """What the generator draws for these parameters."""
    home = device_of(*parameters, device=device)
    draw = drawing(name, home)
    return Tensor(backend.as_array(draw(*(on_device(p, home) for p in parameters), shape_of(size))))


@follow
def integers(
    low: Any, high: Any = None, size: Any = None, dtype: Any = np.int64, endpoint: bool = False, *, device: Any = None
) -> Tensor:
    """Integers from low to high, which is left out unless `endpoint`; with one bound from 0.

    Args:
        dtype: of the result, an integer one.
        endpoint: whether `high` itself may be drawn.

    >>> 1 <= integers(1, 6, endpoint=True).item() <= 6
    True
    """
    low, high = (0, low) if high is None else (low, high)
    draw = generator(device_of(low, high, device=device)).integers
    low, high, size = backend.as_numbers(low), backend.as_numbers(high), backend.as_sizes(size)
    if size is None and np.ndim(low) == 0 and np.ndim(high) == 0:
        size = ()
    return Tensor(backend.as_array(draw(low, high, size, dtype, endpoint)))


@follow
def randint(
    low: Any, high: Any = None, size: Any = None, dtype: Any = np.int64, *, device: Any = None
) -> Tensor:
    """Integers from low (inclusive) to high (exclusive); with one bound from 0.

    Args:
        dtype: of the result, an integer one.

    >>> 0 <= randint(10).item() < 10
    True
    """
    return integers(low, high, size, dtype, device=device)


@follow
def bernoulli(p: Any, dtype: Any = None) -> Tensor:
    """1 with probability p, else 0, for each element of p (a Tensor or an array).

    Args:
        dtype: of the result. None: that of p.

    >>> bernoulli(Tensor([0.0, 1.0])).tolist()
    [0.0, 1.0]
    """
    p = p if isinstance(p, Tensor) else Tensor(p)
    check_probabilities("bernoulli", p=p)
    drawn = generator(p.device).random(p.shape) < p._array
    return Tensor(backend.as_array(drawn).astype(dtype or p.dtype))


@follow
def categorical(p: Any, size: Any = None) -> Tensor:
    """The number of a category, with the probabilities p, (..., n), along the last axis.

    Of logits it is `categorical(minigrad.softmax(logits))`.  The p of a row are divided by their sum.

    Args:
        size: the shape of the result; its last axes are those of p but the last.

    >>> categorical(Tensor([[0.0, 1.0], [1.0, 0.0]])).tolist()
    [1, 0]
    """
    p = raw(p) if isinstance(p, Tensor) or backend.is_array(p) else np.asarray(p)
    ends = np.cumsum(p.astype(np.float64), axis=-1)
    words = "categorical: p must be probabilities of at least one category, got"
    wrong = np.logical_not((p >= 0) & (ends[..., -1:] > 0)) if p.size else True

    def first() -> Any:
        return p.copy() if p.size <= _SHOWN else p.reshape(-1)[:_SHOWN].copy()

    refuse_later(wrong, lambda given: ValueError(f"{words} {given!r:.200}"), first)
    shape = p.shape[:-1] if size is None else tuple(np.atleast_1d(size).tolist())
    u = generator(backend.device_of(p)).random(shape)
    return Tensor(np.sum(ends <= np.expand_dims(u, -1) * ends[..., -1:], axis=-1))


@follow
def multinomial(n: Any, pvals: Any, size: Any = None, *, device: Any = None) -> Tensor:
    """How often each category came up in n draws with the probabilities pvals, (..., k).

    Where the pvals of a row sum to less than 1, the last category gets the rest, as in NumPy.

    Args:
        size: the shape of the stack of vectors; the result is (*size, k).

    Raises:
        ValueError: n is negative, an element of pvals is no probability, or they sum to more than 1.

    >>> multinomial(10, [0.5, 0.5]).sum().item()
    10
    """
    home = device_of(n, pvals, device=device)
    draw = drawing("multinomial", home)
    p = on_device(pvals, home)
    p = np.asarray(p, np.float64) if backend.device_of(p) == "cpu" else p
    total = p.sum(axis=-1, keepdims=True)
    words = "multinomial: pvals must not sum to more than 1, they sum to"
    wrong = total > 1.0 + 1e-5
    refuse_later(wrong, lambda most: ValueError(f"{words} {float(most):.6g}"), lambda: total.max())
    if bool((abs(total - 1.0) < 1e-5).all()):  # NumPy refuses what only single precision has rounded
        p = p / total
    return Tensor(backend.as_array(draw(on_device(n, home), p, size)))


@follow
def binomial(n: Any, p: Any, size: Any = None, *, device: Any = None) -> Tensor:
    """The number of successes in n trials of probability p.

    >>> binomial(10, 1.0).item()
    10
    """
    return _drawn("binomial", (n, p), size, device)


@follow
def poisson(lam: Any = 1.0, size: Any = None, *, device: Any = None) -> Tensor:
    """A count with the mean lam.

    >>> poisson(0.0, size=2).tolist()
    [0, 0]
    """
    return _drawn("poisson", (lam,), size, device)


@follow
def geometric(p: Any, size: Any = None, *, device: Any = None) -> Tensor:
    """The number of trials up to the first success of probability p.

    >>> geometric(1.0).item()
    1
    """
    return _drawn("geometric", (p,), size, device)


@follow
def negative_binomial(n: Any, p: Any, size: Any = None, *, device: Any = None) -> Tensor:
    """The number of failures before n successes of probability p.

    >>> negative_binomial(3, 1.0).item()
    0
    """
    return _drawn("negative_binomial", (n, p), size, device)


@follow
def hypergeometric(
    ngood: Any, nbad: Any, nsample: Any, size: Any = None, *, device: Any = None
) -> Tensor:
    """The number of good ones among nsample that are taken from ngood and nbad.

    >>> hypergeometric(3, 4, 7).item()
    3
    """
    return _drawn("hypergeometric", (ngood, nbad, nsample), size, device)


@follow
def logseries(p: Any, size: Any = None, *, device: Any = None) -> Tensor:
    """Counts k = 1, 2 ... with probabilities -p^k / (k log(1 - p)).

    >>> bool((logseries(0.5, size=5) >= 1).all())
    True
    """
    return _drawn("logseries", (p,), size, device)


@follow
def zipf(a: Any, size: Any = None, *, device: Any = None) -> Tensor:
    """Counts k = 1, 2 ... with probabilities that fall as k^-a.

    >>> bool((zipf(3.0, size=5) >= 1).all())
    True
    """
    return _drawn("zipf", (a,), size, device)


# ----------------------------------------------------------- continuous, without a gradient


def _continuous(name: str, parameters: dict[str, Any], size: Any, device: Any) -> Tensor:
    """A draw of a continuous distribution, refused where a parameter would lose its gradient."""
    for parameter, value in parameters.items():
        if isinstance(value, Tensor) and value.requires_grad:
            raise NotImplementedError(
                f"random.{name} has no gradient with respect to {parameter}: write {parameter}.detach()"
            )
    values = tuple(parameters.values())
    drawn = _drawn(name, values, size, device)
    known = [v.dtype for v in values if isinstance(v, Tensor) or backend.is_array(v)]
    return drawn.astype(np.result_type(*known) if known else backend.get_default_dtype())


@follow
def vonmises(mu: Any, kappa: Any, size: Any = None, *, device: Any = None) -> Tensor:
    """Angles around mu, the closer the larger kappa.

    >>> bool((abs(vonmises(0.0, 1.0, size=5)) <= np.pi + 1e-6).all())
    True
    """
    return _continuous("vonmises", {"mu": mu, "kappa": kappa}, size, device)


@follow
def wald(mean: Any, scale: Any, size: Any = None, *, device: Any = None) -> Tensor:
    """Wald, or inverse Gaussian: when a particle with drift first comes to a point.

    Args:
        mean: of the result.
        scale: the larger, the closer to the mean.

    >>> bool((wald(1.0, 1.0, size=5) > 0).all())
    True
    """
    return _continuous("wald", {"mean": mean, "scale": scale}, size, device)


@follow
def noncentral_chisquare(df: Any, nonc: Any, size: Any = None, *, device: Any = None) -> Tensor:
    """Sum of the squares of df normal variables whose squared means sum to nonc.

    >>> bool((noncentral_chisquare(2.0, 1.0, size=5) > 0).all())
    True
    """
    return _continuous("noncentral_chisquare", {"df": df, "nonc": nonc}, size, device)


@follow
def noncentral_f(
    dfnum: Any, dfden: Any, nonc: Any, size: Any = None, *, device: Any = None
) -> Tensor:
    """`f` with a `noncentral_chisquare` above the line.

    Args:
        dfnum, dfden: degrees of freedom above and below the line.
        nonc: that of the `noncentral_chisquare`.

    >>> bool((noncentral_f(2.0, 3.0, 1.0, size=5) > 0).all())
    True
    """
    parameters = {"dfnum": dfnum, "dfden": dfden, "nonc": nonc}
    return _continuous("noncentral_f", parameters, size, device)
