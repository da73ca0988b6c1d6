"""Linear maps."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from minigrad import Tensor, empty

from .. import functional as F
from .. import init
from ..module import Module, Parameter
from ..values import as_input

__all__ = ["Bilinear", "Linear"]


class Linear(Module):
    """A linear map of the last axis, (..., in_features) -> (..., out_features).

    Args:
        in_features: length of the input's last axis.
        out_features: that of the result's.
        bias: whether b is added.
        device: where the parameters are, "cpu" or "cuda"; None: the default device.
        dtype: of the parameters; None: the default dtype, float32 at first.

    Attributes:
        weight: (out_features, in_features), uniform in ±1/sqrt(in_features) at first.
        bias: (out_features,), likewise; None with bias=False.

    >>> Linear(3, 2)(Tensor([[1.0, 2.0, 3.0]])).shape
    (1, 2)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: str | None = None, dtype: Any = None
    ) -> None:
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(empty((out_features, in_features), dtype=dtype, device=device))
        self.bias = Parameter(empty(out_features, dtype=dtype, device=device)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1 / sqrt(self.in_features) if self.in_features else 0.0
        for parameter in (self.weight, self.bias):
            if parameter is not None:
                init.uniform_(parameter, -bound, bound)

    def forward(self, x: Any) -> Tensor:
        shape = np.shape(x)
        if not shape or shape[-1] != self.in_features:
            advice = f"; a layer for this input has in_features={shape[-1]}" if shape else ""
            if int(np.prod(shape[1:])) == self.in_features:
                advice = "; flatten it first (nn.Flatten())"
            raise ValueError(f"Linear: expected last axis {self.in_features}, got input of shape {shape}{advice}")
        return F.linear(as_input(x, self.weight), self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """A bilinear map of the last axes, (..., in1_features), (..., in2_features) -> (..., out_features).

    Args:
        in1_features: length of the last axis of x1.
        in2_features: that of x2's.
        out_features: that of the result's.
        bias: whether b is added.
        device: where the parameters are, "cpu" or "cuda"; None: the default device.
        dtype: of the parameters; None: the default dtype, float32 at first.

    Attributes:
        weight: (out_features, in1_features, in2_features), uniform in ±1/sqrt(in1_features) at first.
        bias: (out_features,), likewise; None with bias=False.

    >>> Bilinear(2, 3, 4)(Tensor([[1.0, 2.0]]), Tensor([[1.0, 2.0, 3.0]])).shape
    (1, 4)
    """

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, device: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = Parameter(empty((out_features, in1_features, in2_features), dtype=dtype, device=device))
        self.bias = Parameter(empty(out_features, dtype=dtype, device=device)) if bias else None
        bound = 1 / sqrt(in1_features)
        for parameter in (self.weight, self.bias):
            if parameter is not None:
                init.uniform_(parameter, -bound, bound)

    def forward(self, x1: Any, x2: Any) -> Tensor:
        """x1^T W x2 + b for each pair of rows.

        Args:
            x1: (..., in1_features).
            x2: (..., in2_features), the other axes as those of x1.
        """
        return F.bilinear(as_input(x1, self.weight), as_input(x2, self.weight), self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"{self.in1_features}, {self.in2_features}, {self.out_features}, bias={self.bias is not None}"
