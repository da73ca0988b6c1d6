"""Activations as modules; what they compute is in `nn.functional.activation`.

`inplace` is taken for PyTorch's sake and does nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import full

from .. import functional as F
from ..module import Module, Parameter
from ..settings import settings
from ..values import as_input

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "SELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid",
    "LogSoftmax", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SiLU", "Sigmoid", "Softmax", "Softmax2d", "Softmin",
    "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold",
]  # fmt: skip


class Activation(Module):
    """A function of one input with the options that it was made with; the repr shows them.

    >>> LeakyReLU(0.2)
    LeakyReLU(negative_slope=0.2)
    """

    def extra_repr(self) -> str:
        return settings(self, "training")


class Unparametrised(Activation):
    """A function without options but PyTorch's `inplace`."""

    def __init__(self, inplace: bool = False) -> None:
        """It has no options of its own.

        Args:
            inplace: taken for PyTorch's sake; it does nothing, the input stays as it is.
        """


class ReLU(Unparametrised):
    """The rectifier: what is negative becomes 0."""

    def forward(self, x: Any) -> Any:
        return F.relu(x)


class ReLU6(Unparametrised):
    """The rectifier that ends at 6."""

    def forward(self, x: Any) -> Any:
        return F.relu6(x)


class LeakyReLU(Activation):
    """x, but a small slope below 0.

    Args:
        negative_slope: the slope below 0.
        inplace: taken for PyTorch's sake; it does nothing, the input stays as it is.

    >>> LeakyReLU(0.5)(Tensor([-1.0, 2.0])).tolist()
    [-0.5, 2.0]
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        return F.leaky_relu(x, self.negative_slope)


class ELU(Activation):
    """x, but below 0 an exponential that tends to -alpha (Clevert et al., 2015).

    Args:
        alpha: how steep it is just below 0; far below 0 the result tends to -alpha.
        inplace: taken for PyTorch's sake; it does nothing, the input stays as it is.
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        return F.elu(x, self.alpha)


class CELU(Activation):
    """x, but below 0 an exponential that tends to -alpha; smooth for every alpha (Barron, 2017).

    Args:
        alpha: not 0; where it is positive, the result tends to -alpha far below 0.
        inplace: taken for PyTorch's sake; it does nothing, the input stays as it is.
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        return F.celu(x, self.alpha)


class SELU(Unparametrised):
    """A scaled ELU that keeps mean 0 and variance 1 (Klambauer et al., 2017)."""

    def forward(self, x: Any) -> Any:
        return F.selu(x)


class GELU(Activation):
    """x gated by the normal distribution function Phi of x (Hendrycks and Gimpel, 2016).

    Args:
        approximate: "none", or "tanh" for a formula with tanh, which differs from it by less than 0.001.
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        return F.gelu(x, self.approximate)


class SiLU(Unparametrised):
    """x gated by its sigmoid, the swish (Ramachandran et al., 2017)."""

    def forward(self, x: Any) -> Any:
        return F.silu(x)


class Mish(Unparametrised):
    """x gated by the tanh of its softplus (Misra, 2019)."""

    def forward(self, x: Any) -> Any:
        return F.mish(x)


class Sigmoid(Activation):
    """The logistic sigmoid, from 0 to 1."""

    def forward(self, x: Any) -> Any:
        return F.sigmoid(x)


class LogSigmoid(Activation):
    """The logarithm of the sigmoid, exact where that is 0."""

    def forward(self, x: Any) -> Any:
        return F.logsigmoid(x)


class Tanh(Activation):
    """The hyperbolic tangent, from -1 to 1."""

    def forward(self, x: Any) -> Any:
        return F.tanh(x)


class Softplus(Activation):
    """A smooth rectifier; x itself where beta x is above the threshold.

    Args:
        beta: how sharp the bend at 0 is; not 0.
        threshold: beta x above which the result is x itself.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Any) -> Any:
        return F.softplus(x, self.beta, self.threshold)


class Softsign(Activation):
    """A sigmoid from -1 to 1 that comes to its ends slowly."""

    def forward(self, x: Any) -> Any:
        return F.softsign(x)


class Softshrink(Activation):
    """x moved towards 0 by lambd, 0 where it would pass it.

    Args:
        lambd: how far x is moved; where |x| is at most that, the result is 0.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, x: Any) -> Any:
        return F.softshrink(x, self.lambd)


class Tanhshrink(Activation):
    """What is left of x without its tanh."""

    def forward(self, x: Any) -> Any:
        return F.tanhshrink(x)


class Hardtanh(Activation):
    """x between two bounds.

    Args:
        min_val: the lower bound.
        max_val: the upper bound.
        inplace: taken for PyTorch's sake; it does nothing, the input stays as it is.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        self.min_val, self.max_val = min_val, max_val

    def forward(self, x: Any) -> Any:
        return F.hardtanh(x, self.min_val, self.max_val)


class Hardsigmoid(Unparametrised):
    """The sigmoid made of three straight lines."""

    def forward(self, x: Any) -> Any:
        return F.hardsigmoid(x)


class Hardswish(Unparametrised):
    """x gated by its hard sigmoid (Howard et al., 2019)."""

    def forward(self, x: Any) -> Any:
        return F.hardswish(x)


class Hardshrink(Activation):
    """x, but 0 between -lambd and lambd.

    Args:
        lambd: where |x| is at most that, the result is 0.
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, x: Any) -> Any:
        return F.hardshrink(x, self.lambd)


class Threshold(Activation):
    """x above a threshold, another value elsewhere.

    Args:
        threshold: x must be larger than that to stay.
        value: what stands elsewhere.
        inplace: taken for PyTorch's sake; it does nothing, the input stays as it is.

    >>> Threshold(1.0, 5.0)(Tensor([-1.0, 2.0])).tolist()
    [5.0, 2.0]
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        self.threshold, self.value = threshold, value

    def forward(self, x: Any) -> Any:
        return F.threshold(x, self.threshold, self.value)


class GLU(Activation):
    """The first half along an axis, gated by the sigmoid of the second (Dauphin et al., 2016).

    Args:
        axis: the axis that is halved, of an even length (PyTorch's `dim`).
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return F.glu(x, axis=self.axis)


class Softmax(Activation):
    """Positive numbers that sum to 1 along an axis.

    Args:
        axis: the axis along which the result sums to 1 (PyTorch's `dim`).
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return F.softmax(x, axis=self.axis)


class Softmin(Activation):
    """The softmax of -x.

    Args:
        axis: the axis along which the result sums to 1.
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return F.softmin(x, axis=self.axis)


class LogSoftmax(Activation):
    """The logarithm of the softmax, exact where that is 0.

    Args:
        axis: the axis along which the softmax sums to 1.
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return F.log_softmax(x, axis=self.axis)


class Softmax2d(Module):
    """Softmax over the channels of images, (N, C, H, W)."""

    def forward(self, x: Any) -> Any:
        if np.ndim(x) not in (3, 4):
            raise ValueError(f"Softmax2d: expected (N, C, H, W) or (C, H, W), got shape {np.shape(x)}")
        return F.softmax(x, axis=-3)


class RReLU(Module):
    """Below 0 a slope drawn anew for each element in training, the mean slope in evaluation.

    Args:
        lower, upper: slopes are drawn between them, uniformly; in evaluation the slope is (lower + upper) / 2.
        inplace: taken for PyTorch's sake; it does nothing, the input stays as it is.
    """

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        self.lower, self.upper = lower, upper

    def forward(self, x: Any) -> Any:
        return F.rrelu(x, self.lower, self.upper, self.training)


class PReLU(Module):
    """Below 0 a learned slope (He et al., 2015).

    Args:
        num_parameters: 1: one slope for all channels; C: one for each, of inputs (N, C, ...).
        init: the slopes at first.
        device: where the parameters are, "cpu" or "cuda"; None: the default device.
        dtype: of the parameters; None: the default dtype, float32 at first.

    Attributes:
        weight: (num_parameters,), one slope or one for each channel.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: str | None = None, dtype: Any = None) -> None:
        self.num_parameters = num_parameters
        self.weight = Parameter(full(num_parameters, init, dtype=dtype, device=device))

    def forward(self, x: Any) -> Any:
        return F.prelu(as_input(x, self.weight), self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"
