"""Activation functions, under torch.nn.functional's names; the modules are in `nn.layers.activation`.

With `inplace` the result is written into x, and a graph records it as any other write; a name that ends with "_" means
that. It saves no memory here.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

import minigrad
from minigrad import clip, primitive, random, raw, tanh, where
from minigrad import expit as sigmoid
from minigrad import log_expit as logsigmoid
from minigrad.backend import device_of
from minigrad.devices import follow
from minigrad.hints import explain_options
from minigrad.kernels import accelerated
from minigrad.ops.special import erf

__all__ = [
    "celu", "celu_", "elu", "elu_", "gelu", "glu", "gumbel_softmax", "hardshrink", "hardsigmoid",
    "hardswish", "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_", "log_softmax", "logsigmoid",
    "mish", "prelu", "relu", "relu6", "relu_", "rrelu", "rrelu_", "selu", "selu_", "sigmoid",
    "silu", "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh", "tanhshrink",
    "threshold", "threshold_",
]  # fmt: skip


def _result(x: Any, out: Any, inplace: bool) -> Any:
    """What has been computed of x; in place it is written into x."""
    if not inplace:
        return out
    x[...] = out
    return x


@follow
def relu(x: Any, inplace: bool = False) -> Any:
    """The rectifier: what is negative becomes 0.

    out = max(x, 0)
    dx  = g where x > 0, else 0

    Args:
        inplace: write the result into x, and return x; it saves no memory.

    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return _result(x, minigrad.relu(x), inplace)


@follow
@explain_options
def softmax(x: Any, axis: int = -1, dtype: Any = None) -> Any:
    """Positive numbers that sum to 1 along an axis.

    out_i = e^{x_i} / sum_j e^{x_j}
    dx_i  = out_i (g_i - sum_j g_j out_j)

    Args:
        axis: the axis along which the result sums to 1.
        dtype: what x is converted to first; None: it keeps its own.

    >>> softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    return minigrad.softmax(x if dtype is None else x.astype(dtype), axis=axis)


@follow
@explain_options
def log_softmax(x: Any, axis: int = -1, dtype: Any = None) -> Any:
    """The logarithm of the softmax, exact where that is 0.

    out_i = x_i - log sum_j e^{x_j}
    dx_i  = g_i - e^{out_i} sum_j g_j

    Args:
        axis: the axis along which the softmax sums to 1.
        dtype: what x is converted to first; None: it keeps its own.
    """
    return minigrad.log_softmax(x if dtype is None else x.astype(dtype), axis=axis)


@follow
def threshold(x: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """x above a threshold, another value elsewhere.

    out = x where x > threshold, else value
    dx  = g where x > threshold, else 0

    Args:
        threshold: what is larger stays as it is.
        value: what stands in the place of the rest.
        inplace: write the result into x, and return x; it saves no memory.

    >>> threshold(np.array([-1.0, 2.0]), 1.0, 5.0)
    array([5., 2.])
    """
    return _result(x, where(raw(x) <= threshold, value, x), inplace)


@follow
def hardtanh(x: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """x between two bounds; flat on and beyond them.

    out = min(max(x, min_val), max_val)
    dx  = g where min_val < x < max_val, else 0

    Args:
        min_val, max_val: the bounds.
        inplace: write the result into x, and return x; it saves no memory.

    >>> hardtanh(np.array([-3.0, 0.5]))
    array([-1. ,  0.5])
    """
    values = raw(x)
    return _result(x, where((values > min_val) & (values < max_val), x, np.clip(values, min_val, max_val)), inplace)


@follow
def relu6(x: Any, inplace: bool = False) -> Any:
    """The rectifier that ends at 6.

    out = min(max(x, 0), 6)
    dx  = g where 0 < x < 6, else 0

    Args:
        inplace: write the result into x, and return x; it saves no memory.
    """
    return _result(x, hardtanh(x, 0.0, 6.0), inplace)


@follow
def hardsigmoid(x: Any, inplace: bool = False) -> Any:
    """The sigmoid made of three straight lines.

    out = min(max(x / 6 + 1 / 2, 0), 1)
    dx  = g / 6 where -3 < x < 3, else 0

    Args:
        inplace: write the result into x, and return x; it saves no memory.

    >>> hardsigmoid(np.array([-4.0, 0.0]))
    array([0. , 0.5])
    """
    return _result(x, hardtanh(x / 6 + 0.5, 0.0, 1.0), inplace)


@follow
def hardswish(x: Any, inplace: bool = False) -> Any:
    """x gated by its hard sigmoid (Howard et al., 2019).

    out = x min(max(x / 6 + 1 / 2, 0), 1)
    dx  = g where x > 3, else g (x / 3 + 1 / 2) where x > -3, else 0

    Args:
        inplace: write the result into x, and return x; it saves no memory.
    """
    return _result(x, x * clip(x / 6 + 0.5, 0.0, 1.0), inplace)


@follow
def silu(x: Any, inplace: bool = False) -> Any:
    """x gated by its sigmoid, the swish (Ramachandran et al., 2017).

    out = x s,  s = sigmoid(x)
    dx  = g s (1 + x (1 - s))

    Args:
        inplace: write the result into x, and return x; it saves no memory.
    """
    return _result(x, x * sigmoid(x), inplace)


@follow
def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """A smooth rectifier; x itself where beta x is above the threshold.

    out = log(1 + e^{beta x}) / beta
    dx  = g / (1 + e^{-beta x})

    Args:
        beta: how sharp the bend at 0 is; the larger, the closer to relu.
        threshold: where beta x is larger, the result is x: an error of less than e^-threshold / beta.

    >>> softplus(np.array([0.0])).round(4)
    array([0.6931])
    """
    scaled = x * beta
    linear = raw(scaled) > threshold
    return where(linear, x, np.logaddexp(where(linear, 0.0, scaled), 0.0) / beta)


@follow
def mish(x: Any, inplace: bool = False) -> Any:
    """x gated by the tanh of its softplus (Misra, 2019).

    out = x tanh(log(1 + e^x))

    Args:
        inplace: write the result into x, and return x; it saves no memory.
    """
    return _result(x, x * tanh(np.logaddexp(x, 0.0)), inplace)


def _exponential_below(x: Any, above: Any, below: Any) -> Any:
    """One thing for x > 0, another elsewhere; e^x does not overflow on the side that is not taken."""
    positive = raw(x) > 0
    return where(positive, above(x), below(where(positive, 0.0, x)))


@follow
def elu(x: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x, but below 0 an exponential that tends to -alpha (Clevert et al., 2015).

    out = x where x > 0, else alpha (e^x - 1)
    dx  = g where x > 0, else g alpha e^x

    Args:
        alpha: far below 0 the result tends to -alpha.
        inplace: write the result into x, and return x; it saves no memory.

    >>> elu(np.array([2.0, -50.0])).round(6)
    array([ 2., -1.])
    """
    return _result(x, _exponential_below(x, lambda x: x, lambda x: alpha * np.expm1(x)), inplace)


@follow
def celu(x: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x, but below 0 an exponential that tends to -alpha; smooth for every alpha (Barron, 2017).

    out = x where x > 0, else alpha (e^{x / alpha} - 1)
    dx  = g where x > 0, else g e^{x / alpha}

    Args:
        alpha: not 0; where it is positive, the result tends to -alpha far below 0.
        inplace: write the result into x, and return x; it saves no memory.
    """
    return _result(x, _exponential_below(x, lambda x: x, lambda x: alpha * np.expm1(x / alpha)), inplace)


@follow
def selu(x: Any, inplace: bool = False) -> Any:
    """A scaled ELU, with the constants that keep mean 0 and variance 1 (Klambauer et al., 2017).

    out = lambda x where x > 0, else lambda alpha (e^x - 1),  lambda = 1.05070099,  alpha = 1.67326324
    dx  = lambda g where x > 0, else lambda alpha g e^x

    Args:
        inplace: write the result into x, and return x; it saves no memory.
    """
    return _result(x, 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717), inplace)


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


@follow
def gelu(x: Any, approximate: str = "none") -> Any:
    """x gated by the normal distribution function Phi of x (Hendrycks and Gimpel, 2016).

    out = x Phi(x)
    dx  = g (Phi(x) + x e^{-x^2 / 2} / sqrt(2 pi))

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


@follow
@explain_options
def glu(x: Any, axis: int = -1) -> Any:
    """The first half along an axis, gated by the sigmoid of the second (Dauphin et al., 2016).

    out = a sigmoid(b)    (a and b are the halves of x)

    Args:
        axis: the axis that is halved; its length must be even.

    >>> glu(np.array([3.0, 0.0]))
    array([1.5])
    """
    length = np.shape(x)[axis]
    if length % 2:
        raise ValueError(f"glu: axis {axis} must have an even length to be halved, got {length}")
    value, gate = np.split(x, 2, axis=axis)
    return value * sigmoid(gate)


@follow
def leaky_relu(x: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """x, but a small slope below 0.

    out = x where x > 0, else negative_slope x
    dx  = g where x > 0, else negative_slope g

    Args:
        negative_slope: the slope below 0.
        inplace: write the result into x, and return x; it saves no memory.

    >>> leaky_relu(np.array([-1.0, 2.0]), 0.1)
    array([-0.1,  2. ])
    """
    return _result(x, where(raw(x) > 0, x, negative_slope * x), inplace)


@follow
def prelu(x: Any, weight: Any) -> Any:
    """x, but a learned slope below 0.

    out     = x where x > 0, else weight x
    dx      = g where x > 0, else weight g
    dweight = 0 where x > 0, else g x    (added up over what shares a slope)

    Args:
        weight: one slope for all, or (C,), one for each channel of x (N, C, ...).

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


@follow
def rrelu(
    x: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Any:  # fmt: skip
    """x, but below 0 a slope that is random in training, and the mean slope otherwise.

    out = x where x > 0, else a x,  a = (lower + upper) / 2    (in training a is drawn for each element)
    dx  = g where x > 0, else a g

    Args:
        lower, upper: the slope of each element is drawn uniformly between them.
        training: whether slopes are drawn; otherwise all are (lower + upper) / 2.
        inplace: write the result into x, and return x; it saves no memory.
    """
    if not training:
        return leaky_relu(x, (lower + upper) / 2, inplace)
    values = raw(x)
    slope = lower + (upper - lower) * random.rand(*values.shape, dtype=values.dtype, device=device_of(x)).data
    return _result(x, where(values > 0, x, slope * x), inplace)


@follow
def hardshrink(x: Any, lambd: float = 0.5) -> Any:
    """x, but 0 between -lambd and lambd.

    out = x where |x| > lambd, else 0
    dx  = g where |x| > lambd, else 0

    Args:
        lambd: where |x| is at most that, the result is 0.
    """
    return where(np.abs(raw(x)) <= lambd, 0.0, x)


@follow
def softshrink(x: Any, lambd: float = 0.5) -> Any:
    """x moved towards 0 by lambd, 0 where it would pass it.

    out = x - lambd sign(x) where |x| > lambd, else 0
    dx  = g where |x| > lambd, else 0

    Args:
        lambd: how far x is moved.

    >>> softshrink(np.array([-2.0, 0.1]))
    array([-1.5,  0. ])
    """
    values = raw(x)
    return where(np.abs(values) <= lambd, 0.0, x - lambd * np.sign(values))


@follow
def softsign(x: Any) -> Any:
    """A sigmoid from -1 to 1 that comes to its ends slowly.

    out = x / (1 + |x|)
    dx  = g / (1 + |x|)^2
    """
    return x / (1 + np.abs(x))


@follow
def tanhshrink(x: Any) -> Any:
    """What is left of x without its tanh.

    out = x - tanh(x)
    dx  = g tanh^2 x
    """
    return x - tanh(x)


@follow
@explain_options
def gumbel_softmax(
    logits: Any, tau: float = 1.0, hard: bool = False, eps: float = 1e-10, axis: int = -1
) -> Any:
    """A draw from a categorical distribution that has a gradient (Jang et al., 2017; Maddison et al., 2017).

    out = softmax((logits - log w) / tau)    (w is drawn from the exponential distribution)

    Args:
        logits: log-probabilities of the classes along an axis, up to a constant.
        tau: the temperature; the lower, the closer to one-hot.
        hard: the output is one-hot, its gradient that of the soft draw.
        eps: taken for PyTorch's sake; it has no effect there either.
        axis: the axis of the classes.
    """
    values = raw(logits)
    drawn = random.generator(device_of(logits)).standard_exponential(values.shape)
    soft = softmax((logits - np.log(drawn).astype(values.dtype)) / tau, axis=axis)
    if not hard:
        return soft
    shares = raw(soft)
    one_hot = (shares == np.max(shares, axis=axis, keepdims=True)).astype(shares.dtype)
    return soft + (one_hot - shares)


@follow
@explain_options
def softmin(x: Any, axis: int = -1, dtype: Any = None) -> Any:
    """The softmax of -x.

    out_i = e^{-x_i} / sum_j e^{-x_j}
    dx_i  = out_i (sum_j g_j out_j - g_i)

    Args:
        axis: the axis along which the result sums to 1.
        dtype: what x is converted to first; None: it keeps its own.
    """
    return softmax(-x, axis, dtype)


@follow
def threshold_(x: Any, threshold: float, value: float) -> Any:
    """`threshold` in place.

    Args:
        threshold: what is larger stays as it is.
        value: what stands in the place of the rest.
    """
    x[...] = where(raw(x) <= threshold, value, x)
    return x


@follow
def relu_(x: Any) -> Any:
    """`relu` in place.

    >>> x = np.array([-1.0, 2.0])
    >>> relu_(x) is x, x
    (True, array([0., 2.]))
    """
    return relu(x, inplace=True)


@follow
def hardtanh_(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """`hardtanh` in place.

    Args:
        min_val, max_val: the bounds.
    """
    return hardtanh(x, min_val, max_val, inplace=True)


@follow
def elu_(x: Any, alpha: float = 1.0) -> Any:
    """`elu` in place.

    Args:
        alpha: far below 0 the result tends to -alpha.
    """
    return elu(x, alpha, inplace=True)


@follow
def celu_(x: Any, alpha: float = 1.0) -> Any:
    """`celu` in place.

    Args:
        alpha: not 0; where it is positive, the result tends to -alpha far below 0.
    """
    return celu(x, alpha, inplace=True)


@follow
def selu_(x: Any) -> Any:
    """`selu` in place."""
    return selu(x, inplace=True)


@follow
def leaky_relu_(x: Any, negative_slope: float = 0.01) -> Any:
    """`leaky_relu` in place.

    Args:
        negative_slope: the slope below 0.
    """
    return leaky_relu(x, negative_slope, inplace=True)


@follow
def rrelu_(x: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Any:
    """`rrelu` in place.

    Args:
        lower, upper: the slope of each element is drawn uniformly between them.
        training: whether slopes are drawn; otherwise all are (lower + upper) / 2.
    """
    return rrelu(x, lower, upper, training, inplace=True)
