"""Pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad import Tensor

from .. import functional as F
from ..module import Module

__all__ = ["MaxPool1d", "MaxPool2d", "MaxPool3d"]


class _MaxPool(Module):
    pool: Callable[..., Tensor]

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
    ) -> None:
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation, self.ceil_mode = padding, dilation, ceil_mode

    def forward(self, x: Any) -> Tensor:
        return type(self).pool(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxPool1d(_MaxPool):
    """The maximum of each window, (N, C, L) -> (N, C, L').

    >>> MaxPool1d(2)(Tensor([[[1.0, 3.0, 2.0, 0.0]]])).tolist()
    [[[3.0, 2.0]]]
    """

    pool = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """The maximum of each window, (N, C, H, W) -> (N, C, H', W').

    >>> MaxPool2d(2)(Tensor([[[[1.0, 3.0], [2.0, 0.0]]]])).tolist()
    [[[[3.0]]]]
    """

    pool = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """The maximum of each window, (N, C, D, H, W) -> (N, C, D', H', W').

    >>> MaxPool3d(2)(Tensor([[[[[1.0, 3.0]] * 2] * 2]])).tolist()
    [[[[[3.0]]]]]
    """

    pool = staticmethod(F.max_pool3d)
