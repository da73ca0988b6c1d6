"""Convolutions."""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt
from typing import Any

from minigrad import Tensor, empty

from .. import functional as F
from .. import init
from ..module import Module, Parameter, as_input

__all__ = ["Conv1d", "Conv2d", "Conv3d"]


class _Conv(Module):
    """What the convolutions share; a subclass says in how many dimensions.

    Attributes:
        weight: (out_channels, in_channels / groups, *kernel_size), uniform in ±1/sqrt(fan_in) at first.
        bias: (out_channels,), likewise; None with bias=False.
    """

    dimensions: int
    convolve: Callable[..., Tensor]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | str | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        if in_channels % groups or out_channels % groups:
            raise ValueError(f"{in_channels} and {out_channels} channels do not divide into {groups} groups")
        size = (kernel_size,) * self.dimensions if isinstance(kernel_size, int) else tuple(kernel_size)
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, size
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.weight = Parameter(empty((out_channels, in_channels // groups, *size), dtype=dtype, device=device))
        self.bias = Parameter(empty(out_channels, dtype=dtype, device=device)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1 / sqrt(prod(self.weight.shape[1:]))
        for parameter in (self.weight, self.bias):
            if parameter is not None:
                init.uniform_(parameter, -bound, bound)

    def forward(self, x: Any) -> Tensor:
        x = as_input(x, self.weight)
        return type(self).convolve(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        for name, default in (("padding", 0), ("dilation", 1), ("groups", 1)):
            if (value := getattr(self, name)) != default:
                text += f", {name}={value}"
        return text + ("" if self.bias is not None else ", bias=False")


class Conv1d(_Conv):
    """1-d convolution (cross-correlation), (N, C, L) -> (N, O, L').

    >>> Conv1d(2, 4, 3, padding=1)(Tensor([[[0.0] * 5] * 2])).shape
    (1, 4, 5)
    """

    dimensions, convolve = 1, staticmethod(F.conv1d)


class Conv2d(_Conv):
    """2-d convolution (cross-correlation), (N, C, H, W) -> (N, O, H', W').

    >>> Conv2d(1, 4, 3, padding="same")(Tensor([[[[0.0] * 5] * 5]])).shape
    (1, 4, 5, 5)
    """

    dimensions, convolve = 2, staticmethod(F.conv2d)


class Conv3d(_Conv):
    """3-d convolution (cross-correlation), (N, C, D, H, W) -> (N, O, D', H', W').

    >>> Conv3d(1, 2, 2)(Tensor([[[[[0.0] * 3] * 3] * 3]])).shape
    (1, 2, 2, 2, 2)
    """

    dimensions, convolve = 3, staticmethod(F.conv3d)
