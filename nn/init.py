"""Initial values, written into tensors in place (names and formulas as torch.nn.init)."""

from __future__ import annotations

from contextvars import ContextVar
from math import ceil, prod, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import Tensor, beside, mark_mutated, random
from minigrad.devices import follow
from minigrad.hints import missing

__all__ = [
    "calculate_gain", "constant_", "dirac_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_", "orthogonal_",
    "sparse_", "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_",
]  # fmt: skip

if not TYPE_CHECKING:  # to checkers a module with this function has every name

    def __getattr__(name: str) -> Any:
        raise missing("nn.init", name, __all__)


#: Whether `nn.utils.skip_init` makes a module, whose parameters stay as they are in memory.
skipped: ContextVar[bool] = ContextVar("skipped", default=False)


def _write(tensor: Tensor, values: Any) -> Tensor:
    tensor.data[...] = values
    mark_mutated(tensor.data)
    return tensor


@follow
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Uniform in [a, b).

    Args:
        tensor: what is filled, in place, and returned.
        a, b: the bounds.
    """
    if skipped.get():
        return tensor
    return _write(tensor, a + (b - a) * random.generator(tensor.device).random(tensor.shape))


@follow
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Normal.

    Args:
        tensor: what is filled, in place, and returned.
        mean, std: of the distribution.
    """
    if skipped.get():
        return tensor
    return _write(tensor, mean + std * random.generator(tensor.device).standard_normal(tensor.shape))


@follow
def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere.

    Args:
        tensor: what is filled, in place, and returned.
        val: the value.
    """
    return _write(tensor, val)


@follow
def zeros_(tensor: Tensor) -> Tensor:
    """Zeros.

    Args:
        tensor: what is filled, in place, and returned.
    """
    return _write(tensor, 0.0)


@follow
def ones_(tensor: Tensor) -> Tensor:
    """Ones.

    Args:
        tensor: what is filled, in place, and returned.
    """
    return _write(tensor, 1.0)


@follow
def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0) -> Tensor:
    """Normal, drawn again where it lies outside of [a, b].

    Args:
        tensor: what is filled, in place, and returned.
        mean, std: of the distribution before it is cut off.
        a, b: the bounds, numbers like the mean, not multiples of std.
    """
    if not a < b or not a - 8 * std < mean < b + 8 * std:
        raise ValueError(f"trunc_normal_: a normal of mean {mean} and std {std} is hardly ever in [{a}, {b}]")
    generator = random.generator(tensor.device)
    values = mean + std * generator.standard_normal(tensor.shape)
    while (outside := (values < a) | (values > b)).any():
        values[outside] = mean + std * generator.standard_normal(int(outside.sum()))
    return _write(tensor, values)


@follow
def eye_(tensor: Tensor) -> Tensor:
    """The identity, for a matrix of any shape.

    Args:
        tensor: what is filled, in place, and returned; of two axes.
    """
    if tensor.ndim != 2:
        raise ValueError(f"eye_ needs 2 axes, got shape {tensor.shape}")
    return _write(tensor, beside(np.eye(tensor.shape[0], tensor.shape[1]), tensor))


@follow
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution that passes its input on: weights (O, C / groups, *size), 1 in the middle where output and input agree.

    Args:
        tensor: the weights, filled in place and returned; of three to five axes.
        groups: of the convolution; it divides O.
    """
    if not 3 <= tensor.ndim <= 5 or tensor.shape[0] % groups:
        raise ValueError(f"dirac_ needs 3 to 5 axes, the first a multiple of groups = {groups}, got shape {tensor.shape}")
    values, outputs = np.zeros(tensor.shape), tensor.shape[0] // groups
    middle = tuple(k // 2 for k in tensor.shape[2:])
    for group in range(groups):
        for channel in range(min(outputs, tensor.shape[1])):
            values[(group * outputs + channel, channel, *middle)] = 1.0
    return _write(tensor, beside(values, tensor))


@follow
def orthogonal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Orthonormal rows, or columns where there are fewer of them, times gain (Saxe et al., 2014).

    The axes after the first count as one.

    Args:
        tensor: what is filled, in place, and returned; of two axes or more.
        gain: what the matrix is multiplied by.
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_ needs at least 2 axes, got shape {tensor.shape}")
    rows, columns = len(tensor), prod(tensor.shape[1:])
    drawn = random.generator(tensor.device).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(drawn)
    q = q * np.sign(np.diagonal(r))  # so that every orthogonal matrix is as likely as any other
    return _write(tensor, gain * np.reshape(q if rows >= columns else q.T, tensor.shape))


@follow
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01) -> Tensor:
    """Normal, but this share of each column zero (Martens, 2010).

    Args:
        tensor: what is filled, in place, and returned; of two axes.
        sparsity: the share of zeros, 0 to 1; their number in a column is rounded up.
        std: of the others, whose mean is 0.
    """
    if tensor.ndim != 2:
        raise ValueError(f"sparse_ needs 2 axes, got shape {tensor.shape}")
    generator = random.generator(tensor.device)
    values = std * generator.standard_normal(tensor.shape)
    order = np.argsort(generator.random(tensor.shape), axis=0)
    values[order < ceil(sparsity * len(tensor))] = 0.0
    return _write(tensor, values)


@follow
def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much an activation shrinks the standard deviation, inverted (He et al., 2015, for relu).

    Args:
        nonlinearity: "linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu", or a convolution, "conv2d" say, which is linear.
        param: the slope below 0 of "leaky_relu", 0.01 by default; nothing for the others.

    >>> calculate_gain("tanh")
    1.6666666666666667
    """
    gains = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": sqrt(2), "selu": 3 / 4}
    if nonlinearity == "leaky_relu":
        return sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity.startswith("conv"):
        return 1.0
    if nonlinearity not in gains:
        raise ValueError(f"no gain is known for {nonlinearity!r}; there is one for leaky_relu, {', '.join(gains)}")
    return gains[nonlinearity]


def fans(tensor: Tensor) -> tuple[int, int]:
    """How many inputs and outputs meet in a weight of shape (out, in, *kernel)."""
    if tensor.ndim < 2:
        raise ValueError(f"fan-in and fan-out need at least 2 axes, got shape {tensor.shape}")
    field = prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


@follow
def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Uniform in ±gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    Args:
        tensor: what is filled, in place, and returned: weights (out, in, *kernel).  fan_in is in * kernel, fan_out is
            out * kernel.
        gain: that of the activation, see `calculate_gain`.
    """
    bound = gain * sqrt(6 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound)


@follow
def xavier_normal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Normal with std gain sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    Args:
        tensor: what is filled, in place, and returned: weights (out, in, *kernel).  fan_in is in * kernel, fan_out is
            out * kernel.
        gain: that of the activation, see `calculate_gain`.
    """
    return normal_(tensor, 0.0, gain * sqrt(2 / sum(fans(tensor))))


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    return calculate_gain(nonlinearity, a) / sqrt(fans(tensor)[mode == "fan_out"])


@follow
def kaiming_uniform_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Tensor:
    """Uniform in ±gain sqrt(3 / fan) (He et al., 2015).

    Args:
        tensor: what is filled, in place, and returned: weights (out, in, *kernel).
        a: the slope below 0 of "leaky_relu"; 0 is that of relu.
        mode: "fan_in", in * kernel, keeps the variance on the way forward; "fan_out", out * kernel, that of the gradients.
        nonlinearity: the activation whose gain is taken, see `calculate_gain`.
    """
    bound = sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound)


@follow
def kaiming_normal_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Tensor:
    """Normal with std gain / sqrt(fan) (He et al., 2015).

    Args:
        tensor: what is filled, in place, and returned: weights (out, in, *kernel).
        a: the slope below 0 of "leaky_relu"; 0 is that of relu.
        mode: "fan_in", in * kernel, keeps the variance on the way forward; "fan_out", out * kernel, that of the gradients.
        nonlinearity: the activation whose gain is taken, see `calculate_gain`.
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity))
