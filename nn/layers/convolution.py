"""Convolutions."""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt
from typing import Any

from minigrad import Tensor, empty

from .. import functional as F
from .. import init
from ..functional.convolution import output_padding_for, pad_each
from ..module import Module, Parameter
from ..values import as_input

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


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
        padding_mode: str = "zeros",
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        """Each spatial axis of length L becomes floor((L + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1 long.

        Args:
            in_channels: channels of the input, C.
            out_channels: channels of the result, O: how many kernels there are.
            kernel_size: how wide the window is; this and the next three are a number, or one for each spatial axis.
            stride: how far the window moves.
            padding: how many elements are added at both ends; "same": a result as long as the input (stride 1); "valid": none.
            dilation: the distance between the elements of the window; 1: they are neighbours.
            groups: into how many groups the channels are divided, each with kernels of its own; it divides both numbers.
            bias: whether a learned number is added to each channel of the result.
            padding_mode: what is added: "zeros", "reflect" (mirrored, the edge once), "replicate" (the edge), "circular" (the
                other end).
            device: where the parameters are, "cpu" or "cuda"; None: the default device.
            dtype: of the parameters; None: the default dtype, float32 at first.

        Raises:
            ValueError: another padding_mode, or channels that do not divide into the groups.
        """
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ValueError(f"padding_mode must be 'zeros', 'reflect', 'replicate' or 'circular', got {padding_mode!r}")
        if in_channels % groups or out_channels % groups:
            raise ValueError(f"{in_channels} and {out_channels} channels do not divide into {groups} groups")
        size = (kernel_size,) * self.dimensions if isinstance(kernel_size, int) else tuple(kernel_size)
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, size
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.padding_mode = padding_mode
        self.weight = Parameter(empty(self._weight_shape(), dtype=dtype, device=device))
        self.bias = Parameter(empty(out_channels, dtype=dtype, device=device)) if bias else None
        self.reset_parameters()

    def _weight_shape(self) -> tuple[int, ...]:
        return (self.out_channels, self.in_channels // self.groups, *self.kernel_size)

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1 / sqrt(prod(self.weight.shape[1:]))
        for parameter in (self.weight, self.bias):
            if parameter is not None:
                init.uniform_(parameter, -bound, bound)

    def forward(self, x: Any) -> Tensor:
        x, padding = as_input(x, self.weight), self.padding
        if self.padding_mode != "zeros":
            each = pad_each(padding, self.kernel_size, self.stride, self.dilation)
            x = F.pad(x, [p for pair in reversed(each) for p in pair], self.padding_mode)
            padding = 0
        return type(self).convolve(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

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


class _ConvTranspose(_Conv):
    """What the transposed convolutions share.

    Attributes:
        weight: (in_channels, out_channels / groups, *kernel_size).
        bias: (out_channels,); None with bias=False.
    """

    outputs_axis = 1  # of the weight; other layers have their outputs along axis 0

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
        groups: int = 1, bias: bool = True, dilation: Any = 1, padding_mode: str = "zeros", device: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        """An axis of length L becomes (L - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1 long.

        Args:
            in_channels: channels of the input, C.
            out_channels: channels of the result, O.
            kernel_size: how wide the window is; it, stride, padding, output_padding and dilation are a number, or one for
                each spatial axis.
            stride: how far apart the windows of two neighbours of the input lie in the result.
            padding: how many elements are cut off at both ends of the result.
            output_padding: by how many elements the result is longer at its end; less than the stride or the dilation.
            groups: into how many groups the channels are divided, each with kernels of its own.
            bias: whether a learned number is added to each channel of the result.
            dilation: the distance between the elements of the window.
            padding_mode: "zeros" alone.
            device: where the parameters are, "cpu" or "cuda"; None: the default device.
            dtype: of the parameters; None: the default dtype, float32 at first.

        Raises:
            ValueError: another padding_mode, or channels that do not divide into the groups.
        """
        if padding_mode != "zeros":
            raise ValueError(f"{type(self).__name__}: padding_mode must be 'zeros', got {padding_mode!r}")
        self.output_padding = output_padding
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, "zeros", device, dtype)

    def _weight_shape(self) -> tuple[int, ...]:
        return (self.in_channels, self.out_channels // self.groups, *self.kernel_size)

    def forward(self, x: Any, output_size: Any = None) -> Tensor:
        """The transposed convolution of x.

        Args:
            x: (N, C, ...), or (C, ...) for a single sample.
            output_size: the shape of the result, or its spatial axes; None: what the layer's output_padding gives.

        Raises:
            ValueError: no output_padding gives this output_size; the message says which sizes can be reached.
        """
        x = as_input(x, self.weight)
        extra = self.output_padding
        if output_size is not None:
            extra = output_padding_for(x.shape, output_size, self.kernel_size, self.stride, self.padding, self.dilation)
        return type(self).convolve(x, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)


class ConvTranspose1d(_ConvTranspose):
    """1-d transposed convolution, (N, C, L) -> (N, O, L').

    >>> ConvTranspose1d(2, 4, 3, stride=2)(Tensor([[[0.0] * 5] * 2])).shape
    (1, 4, 11)
    """

    dimensions, convolve = 1, staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """2-d transposed convolution, (N, C, H, W) -> (N, O, H', W')."""

    dimensions, convolve = 2, staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose):
    """3-d transposed convolution, (N, C, D, H, W) -> (N, O, D', H', W')."""

    dimensions, convolve = 3, staticmethod(F.conv_transpose3d)
