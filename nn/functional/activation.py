"""Activation functions, under torch.nn.functional's names; the modules are in `nn.layers.activation`."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from minigrad import clip, log_softmax, primitive, random, raw, relu, softmax, tanh, where
from minigrad import expit as sigmoid
from minigrad import log_expit as logsigmoid
from minigrad.kernels import accelerated
from minigrad.ops.special import erf

__all__ = [
    "celu", "elu", "gelu", "glu", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu",
    "log_softmax", "logsigmoid", "mish", "prelu", "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softmax", "softmin",
    "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold",
]  # fmt: skip


def threshold(x: Any, threshold: float, value: float) -> Any:
    """x above a threshold, another value elsewhere.

    >>> threshold(np.array([-1.0, 2.0]), 1.0, 5.0)
    array([5., 2.])
    """
    return where(raw(x) > threshold, x, value)


def hardtanh(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """x between two bounds; flat on and beyond them.

    >>> hardtanh(np.array([-3.0, 0.5]))
    array([-1. ,  0.5])
    """
    values = raw(x)
    return where((values > min_val) & (values < max_val), x, np.clip(values, min_val, max_val))


def relu6(x: Any) -> Any:
    """min(max(x, 0), 6)."""
    return hardtanh(x, 0.0, 6.0)


def hardsigmoid(x: Any) -> Any:
    """min(max(x / 6 + 1/2, 0), 1).

    >>> hardsigmoid(np.array([-4.0, 0.0]))
    array([0. , 0.5])
    """
    return hardtanh(x / 6 + 0.5, 0.0, 1.0)


def hardswish(x: Any) -> Any:
    """x hardsigmoid(x) (Howard et al., 2019)."""
    return x * clip(x / 6 + 0.5, 0.0, 1.0)


def silu(x: Any) -> Any:
    """x sigmoid(x), the swish (Ramachandran et al., 2017)."""
    return x * sigmoid(x)


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + e^(beta x)) / beta; x itself where beta x is above the threshold.

    >>> softplus(np.array([0.0])).round(4)
    array([0.6931])
    """
    scaled = x * beta
    linear = raw(scaled) > threshold
    return where(linear, x, np.logaddexp(where(linear, 0.0, scaled), 0.0) / beta)


def mish(x: Any) -> Any:
    """x tanh(softplus(x)) (Misra, 2019)."""
    return x * tanh(np.logaddexp(x, 0.0))


def _exponential_below(x: Any, above: Any, below: Any) -> Any:
    """One thing for x > 0, another elsewhere; e^x does not overflow on the side that is not taken."""
    positive = raw(x) > 0
    return where(positive, above(x), below(where(positive, 0.0, x)))


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x, but alpha (e^x - 1) below 0 (Clevert et al., 2015).

    >>> elu(np.array([2.0, -50.0])).round(6)
    array([ 2., -1.])
    """
    return _exponential_below(x, lambda x: x, lambda x: alpha * np.expm1(x))


def celu(x: Any, alpha: float = 1.0) -> Any:
    """x, but alpha (e^(x / alpha) - 1) below 0: smooth for every alpha."""
    return _exponential_below(x, lambda x: x, lambda x: alpha * np.expm1(x / alpha))


def selu(x: Any) -> Any:
    """scale elu(x) with the constants that keep mean 0 and variance 1 (Klambauer et al., 2017)."""
    return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717)


def _normal_distribution(x: Any) -> Any:
    return (1 + erf(x * sqrt(0.5))) / 2


@accelerated("gelu_rule")
def gelu_rule(g: Any, x: Any) -> Any:
    return g * (_normal_distribution(x) + x * np.exp(-x * x / 2) * (1 / sqrt(2 * np.pi)))


@primitive(method=False, x=gelu_rule)
@accelerated("gelu_exact")
def gelu_exact(x: Any) -> Any:
    """x times the normal distribution function Phi of x.

    out = x Phi(x)
    dx  = g (Phi(x) + x e^(-x^2 / 2) / sqrt(2 pi))

    >>> gelu_exact(np.array([1.0])).round(4)
    array([0.8413])
    """
    return x * _normal_distribution(x)


def gelu(x: Any, approximate: str = "none") -> Any:
    """x times the normal distribution function of x (Hendrycks and Gimpel, 2016).

    Args:
        approximate: "none", or "tanh" for x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2.

    >>> gelu(np.array([1.0])).round(4), gelu(np.array([1.0]), "tanh").round(4)
    (array([0.8413]), array([0.8412]))
    """
    if approximate == "tanh":
        return x * (1 + tanh(sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2
    if approximate != "none":
        raise ValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    return gelu_exact(x)


def glu(x: Any, axis: int = -1) -> Any:
    """The first half along an axis, gated by the sigmoid of the second (Dauphin et al., 2016).

    >>> glu(np.array([3.0, 0.0]))
    array([1.5])
    """
    length = np.shape(x)[axis]
    if length % 2:
        raise ValueError(f"glu: axis {axis} must have an even length to be halved, got {length}")
    value, gate = np.split(x, 2, axis=axis)
    return value * sigmoid(gate)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """x, but a small slope below 0.

    >>> leaky_relu(np.array([-1.0, 2.0]), 0.1)
    array([-0.1,  2. ])
    """
    return where(raw(x) > 0, x, negative_slope * x)


def prelu(x: Any, weight: Any) -> Any:
    """x, but a learned slope below 0: one for all, or one for each channel (axis 1).

    Raises:
        ValueError: there are neither one slope nor as many as channels.

    >>> prelu(np.array([-1.0, 2.0]), np.array([0.5]))
    array([-0.5,  2. ])
    """
    shape, slopes = np.shape(x), np.size(weight)
    if slopes == 1:
        weight = np.reshape(weight, ())
    elif len(shape) < 2 or shape[1] != slopes:
        raise ValueError(f"prelu: {slopes} slopes need an input (N, C={slopes}, ...), got shape {shape}")
    else:
        weight = np.reshape(weight, (slopes, *(1,) * (len(shape) - 2)))
    return where(raw(x) > 0, x, weight * x)


def rrelu(x: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Any:
    """x, but below 0 a slope that is random in training, and the mean slope otherwise."""
    if not training:
        return leaky_relu(x, (lower + upper) / 2)
    values = raw(x)
    slope = lower + (upper - lower) * random.rand(*values.shape, dtype=values.dtype, device=getattr(x, "device", "cpu")).data
    return where(values >= 0, x, slope * x)


def hardshrink(x: Any, lambd: float = 0.5) -> Any:
    """x, but 0 between -lambd and lambd."""
    return where(np.abs(raw(x)) > lambd, x, 0.0)


def softshrink(x: Any, lambd: float = 0.5) -> Any:
    """x moved towards 0 by lambd, 0 where it would pass it.

    >>> softshrink(np.array([-2.0, 0.1]))
    array([-1.5,  0. ])
    """
    values = raw(x)
    return where(np.abs(values) > lambd, x - lambd * np.sign(values), 0.0)


def softsign(x: Any) -> Any:
    """x / (1 + |x|)."""
    return x / (1 + np.abs(x))


def tanhshrink(x: Any) -> Any:
    """x - tanh(x)."""
    return x - tanh(x)


def gumbel_softmax(logits: Any, tau: float = 1.0, hard: bool = False, axis: int = -1) -> Any:
    """A draw from a categorical distribution that has a gradient (Jang et al., 2017; Maddison et al., 2017).

    Args:
        tau: the temperature; the lower, the closer to one-hot.
        hard: the output is one-hot, its gradient that of the soft draw.
    """
    values = raw(logits)
    drawn = random.generator(getattr(logits, "device", "cpu")).standard_exponential(values.shape)
    soft = softmax((logits - np.log(drawn).astype(values.dtype)) / tau, axis=axis)
    if not hard:
        return soft
    shares = raw(soft)
    one_hot = (shares == np.max(shares, axis=axis, keepdims=True)).astype(shares.dtype)
    return soft + (one_hot - shares)


def softmin(x: Any, axis: int = -1) -> Any:
    """The softmax of -x."""
    return softmax(-x, axis=axis)
