"""Losses that are negative log-likelihoods or divergences, under torch.nn.functional's names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import primitive, raw, where, xlogy
from minigrad.arrays import all_examples
from minigrad.devices import follow
from minigrad.later import Condition, check_later, refuse_later

from .loss import check_same_shape, reduced

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "gaussian_nll_loss", "kl_div", "poisson_nll_loss",
]  # fmt: skip


@primitive(method=False, x=lambda g, x: g / np.maximum(x, 1e-12))
def bounded_log(x: Any) -> Any:
    """The logarithm of a probability, at least -100; its slope ends at 1e12, and is not 0 where the bound holds.

    out = max(log(x), -100)
    dx  = g / max(x, 1e-12)

    >>> bounded_log(np.array([0.0, 1.0]))
    array([-100.,    0.])
    """
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(x), -100.0)


@follow
def binary_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:  # noqa: A002
    """Binary cross-entropy of probabilities; the logarithms are at least -100.

    out    = -(target log(input) + (1 - target) log(1 - input))
    dinput = g (input - target) / (input (1 - input))

    Args:
        input: probabilities, from 0 to 1.
        target: from 0 to 1, of the shape of the input.
        weight: of each element, in a shape that broadcasts to the input's.
        reduction: "mean" over the elements, "sum" or "none".

    >>> binary_cross_entropy(np.array([0.5]), np.array([1.0])).round(4)
    np.float64(0.6931)
    """
    check_same_shape("binary_cross_entropy", input, target)
    values = raw(input)

    def wrong(low: Any, high: Any) -> ValueError:
        return ValueError(
            f"binary_cross_entropy: probabilities must lie between 0 and 1, got {low} to {high}; "
            "for logits there is binary_cross_entropy_with_logits"
        )

    if values.size:
        check_later(Condition(lambda low, high: (low >= 0) & (high <= 1), wrong), values.min(), values.max())
    loss = -(target * bounded_log(input) + (1 - target) * bounded_log(1 - input))
    return reduced(loss if weight is None else loss * weight, reduction)


@follow
def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None  # noqa: A002
) -> Any:  # fmt: skip
    """Binary cross-entropy of logits, exact for large ones.

    out    = -(target log s + (1 - target) log(1 - s)),  s = sigmoid(input)
    dinput = g (s - target)

    Args:
        input: logits.
        target: from 0 to 1, of the shape of the input.
        weight: of each element, in a shape that broadcasts to the input's.
        reduction: "mean" over the elements, "sum" or "none".
        pos_weight: how many times as much a positive example of each class counts; it broadcasts to the input.

    >>> binary_cross_entropy_with_logits(np.array([0.0]), np.array([1.0])).round(4)
    np.float64(0.6931)
    """
    check_same_shape("binary_cross_entropy_with_logits", input, target)
    softplus = np.logaddexp(0.0, -input)  # -log sigmoid
    if pos_weight is None:
        loss = (1 - target) * input + softplus
    else:
        loss = (1 - target) * input + (1 + (pos_weight - 1) * target) * softplus
    return reduced(loss if weight is None else loss * weight, reduction)


@follow
def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:  # noqa: A002
    """The terms of the Kullback-Leibler divergence of a target from log-probabilities; their sum is the divergence.

    out    = target (log target - input)
    dinput = -g target

    Args:
        input: log-probabilities.
        target: probabilities, of the shape of the input.
        reduction: "batchmean" divides the sum by the length of the first axis, which gives the divergence; "mean" by the number
            of elements; "sum" or "none".
        log_target: the target is a logarithm.

    >>> kl_div(np.log([[0.5, 0.5]]), np.array([[1.0, 0.0]]), "batchmean").round(4)
    np.float64(0.6931)
    """
    loss = np.exp(target) * (target - input) if log_target else xlogy(target, target) - target * input
    examples = np.shape(input)[0] if np.ndim(input) else 1
    if reduction != "batchmean" or not examples:
        return reduced(loss, "mean" if reduction == "batchmean" else reduction)  # NaN for none
    return np.sum(loss) / examples


@follow
def poisson_nll_loss(
    input: Any, target: Any, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"  # noqa: A002
) -> Any:  # fmt: skip
    """Negative log-likelihood of counts, given log-rates or rates, without the term of the counts alone.

    out    = e^input - target input    (log_input=False: input - target log(input + eps))
    dinput = g (e^input - target)

    Args:
        input: log-rates, or rates.
        target: the counts.
        log_input: whether inputs are log-rates; False: rates.
        full: add Stirling's approximation of that term, t log t - t + log(2 pi t) / 2 for targets t > 1.
        eps: added to a rate whose logarithm is taken.
        reduction: "mean" over the elements, "sum" or "none".
    """
    loss = np.exp(input) - target * input if log_input else input - target * np.log(input + eps)
    if full:
        counts = raw(target) > 1
        y = where(counts, target, 1.0)
        loss = loss + where(counts, y * np.log(y) - y + np.log(2 * math.pi * y) / 2, 0.0)
    return reduced(loss, reduction)


@follow
def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"  # noqa: A002
) -> Any:  # fmt: skip
    """Negative log-likelihood of normal distributions; variances are at least eps, without a gradient there.

    out    = (log(var) + (input - target)^2 / var) / 2
    dinput = g (input - target) / var
    dvar   = g (1 - (input - target)^2 / var) / (2 var)

    Args:
        input: the means.
        target: of the shape of the input.
        var: the variances, of a shape that broadcasts to the input's; (N,) for an input (N, D): one for each row.
        full: add log(2 pi) / 2.
        eps: the least variance.
        reduction: "mean" over the elements, "sum" or "none".
    """
    if np.ndim(var) and np.shape(var) == np.shape(input)[:-1]:
        var = np.expand_dims(var, -1)
    refuse_later(all_examples(raw(var) < 0), lambda: ValueError("gaussian_nll_loss: variances must not be negative"))
    values = raw(var)
    var = var + np.where(values < eps, eps - values, 0.0)
    loss = (np.log(var) + np.square(np.subtract(input, target)) / var) / 2
    return reduced(loss + math.log(2 * math.pi) / 2 if full else loss, reduction)
