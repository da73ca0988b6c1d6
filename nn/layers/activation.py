"""Activations as modules.  A table says which function each is and which options it keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad import full

from .. import functional as F
from ..module import Module, Parameter, as_input

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "SELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid",
    "LogSoftmax", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SiLU", "Sigmoid", "Softmax", "Softmax2d", "Softmin",
    "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold",
]  # fmt: skip


class Activation(Module):
    """A function of one input with the options it was made with; `inplace` is taken for PyTorch's sake and does nothing.

    >>> LeakyReLU(0.1)(Tensor([-1.0, 2.0])).tolist()
    [-0.10000000149011612, 2.0]
    """

    function: Callable[..., Any]
    defaults: dict[str, Any]

    def __init__(self, *args: Any, inplace: bool = False, **kwargs: Any) -> None:
        names = tuple(self.defaults)
        if len(args) > len(names) or (unknown := set(kwargs) - set(names)):
            wrong = f"an argument {sorted(unknown)[0]!r}" if len(args) <= len(names) else f"{len(args)} arguments"
            raise TypeError(f"{type(self).__name__} does not take {wrong}; it takes {', '.join(names) or 'none'}")
        options = {**self.defaults, **dict(zip(names, args, strict=False)), **kwargs}
        for name, value in options.items():
            if value is ...:
                raise TypeError(f"{type(self).__name__} needs the argument {name!r}")
            setattr(self, name, value)

    def forward(self, x: Any) -> Any:
        return type(self).function(x, **{name: getattr(self, name) for name in self.defaults})

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)}" for name in self.defaults)


def _activation(name: str, function: Callable[..., Any], **defaults: Any) -> type[Activation]:
    """The module of a function; `...` marks an option without a default."""
    doc = f"The module of `nn.functional.{function.__name__}`: {(function.__doc__ or '').splitlines()[0]}"
    members = {"function": staticmethod(function), "defaults": defaults, "__doc__": doc, "__module__": __name__}
    return type(name, (Activation,), members)


ReLU = _activation("ReLU", F.relu)
ReLU6 = _activation("ReLU6", F.relu6)
LeakyReLU = _activation("LeakyReLU", F.leaky_relu, negative_slope=0.01)
ELU = _activation("ELU", F.elu, alpha=1.0)
CELU = _activation("CELU", F.celu, alpha=1.0)
SELU = _activation("SELU", F.selu)
GELU = _activation("GELU", F.gelu, approximate="none")
SiLU = _activation("SiLU", F.silu)
Mish = _activation("Mish", F.mish)
Sigmoid = _activation("Sigmoid", F.sigmoid)
LogSigmoid = _activation("LogSigmoid", F.logsigmoid)
Tanh = _activation("Tanh", F.tanh)
Softplus = _activation("Softplus", F.softplus, beta=1.0, threshold=20.0)
Softsign = _activation("Softsign", F.softsign)
Softshrink = _activation("Softshrink", F.softshrink, lambd=0.5)
Tanhshrink = _activation("Tanhshrink", F.tanhshrink)
Hardtanh = _activation("Hardtanh", F.hardtanh, min_val=-1.0, max_val=1.0)
Hardsigmoid = _activation("Hardsigmoid", F.hardsigmoid)
Hardswish = _activation("Hardswish", F.hardswish)
Hardshrink = _activation("Hardshrink", F.hardshrink, lambd=0.5)
Threshold = _activation("Threshold", F.threshold, threshold=..., value=...)
GLU = _activation("GLU", F.glu, axis=-1)
Softmax = _activation("Softmax", F.softmax, axis=-1)
Softmin = _activation("Softmin", F.softmin, axis=-1)
LogSoftmax = _activation("LogSoftmax", F.log_softmax, axis=-1)


class Softmax2d(Module):
    """Softmax over the channels of images, (N, C, H, W)."""

    def forward(self, x: Any) -> Any:
        return F.softmax(x, axis=-3)


class RReLU(Module):
    """Below 0 a slope drawn anew for each element in training, the mean slope in evaluation."""

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        self.lower, self.upper = lower, upper

    def forward(self, x: Any) -> Any:
        return F.rrelu(x, self.lower, self.upper, self.training)


class PReLU(Module):
    """Below 0 a learned slope (He et al., 2015).

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
