"""Padding and rearranging layers; what they do is in `nn.functional.resample`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import functional as F
from ..module import Module

__all__ = [
    "ChannelShuffle", "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d",
    "ConstantPad2d", "ConstantPad3d", "Fold", "PixelShuffle", "PixelUnshuffle", "ReflectionPad1d",
    "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d",
    "ReplicationPad3d", "Unfold", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]  # fmt: skip


class Pad(Module):
    """Pad the spatial axes of (N, C, ...) or (C, ...); a subclass says how many there are, and with what.

    >>> ZeroPad1d((1, 2))(Tensor([[[5.0]]])).tolist()
    [[[0.0, 5.0, 0.0, 0.0]]]
    """

    dimensions: int
    mode: str
    value = 0.0

    def __init__(self, padding: Any) -> None:
        """The result is longer than the input by both paddings of each axis.

        Args:
            padding: how many elements are added: a number for all sides, or (before, after) of the last axis, then of the one
                before it, and so on; a negative number cuts off.
        """
        self.padding = (padding,) * (2 * self.dimensions) if isinstance(padding, int) else tuple(padding)

    def forward(self, x: Any) -> Any:
        if self.mode != "constant" and np.ndim(x) not in (self.dimensions + 1, self.dimensions + 2):
            axes = f"{self.dimensions + 2} axes (N, C, ...) or {self.dimensions + 1}"
            raise ValueError(f"{type(self).__name__}: expected {axes}, got shape {np.shape(x)}")
        return F.pad(x, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(Pad):
    def __init__(self, padding: Any, value: float) -> None:
        """The result is longer than the input by both paddings of each axis.

        Args:
            padding: how many elements are added: a number for all sides, or (before, after) of the last axis, then of the one
                before it, and so on; a negative number cuts off.
            value: what is added.
        """
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


#: The spatial axes of so many dimensions.
_AXES = {1: "the last axis of (N, C, L)", 2: "the last two axes of (N, C, H, W)", 3: "the last three of (N, C, D, H, W)"}


def _pads(name: str, mode: str, added: str, base: type[Pad] = Pad) -> Iterator[type[Pad]]:
    """The layers for one, two and three spatial axes."""
    for n, axes in _AXES.items():
        doc = f"Pad {axes} with {added}."
        yield type(f"{name}Pad{n}d", (base,), {"dimensions": n, "mode": mode, "__module__": __name__, "__doc__": doc})


ZeroPad1d, ZeroPad2d, ZeroPad3d = _pads("Zero", "constant", "zeros")
ConstantPad1d, ConstantPad2d, ConstantPad3d = _pads("Constant", "constant", "a value", _ConstantPad)
ReflectionPad1d, ReflectionPad2d, ReflectionPad3d = _pads("Reflection", "reflect", "its mirror image, the edge once")
ReplicationPad1d, ReplicationPad2d, ReplicationPad3d = _pads("Replication", "replicate", "the elements at its edge")
CircularPad1d, CircularPad2d, CircularPad3d = _pads("Circular", "circular", "the elements of its other end")


class ChannelShuffle(Module):
    """The channels of (N, C, ...) dealt out over groups (Zhang et al., 2018).

    Args:
        groups: how many there are; it divides the channels.

    >>> ChannelShuffle(2)(Tensor([[[0.0], [1.0], [2.0], [3.0]]])).tolist()
    [[[0.0], [2.0], [1.0], [3.0]]]
    """

    def __init__(self, groups: int) -> None:
        self.groups = groups

    def forward(self, x: Any) -> Any:
        return F.channel_shuffle(x, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


class PixelShuffle(Module):
    """Channels spread over space, (*, C r^2, H, W) -> (*, C, H r, W r).

    Args:
        upscale_factor: the r by which height and width grow; r^2 divides the channels.

    >>> PixelShuffle(2)(Tensor([[[1.0]], [[2.0]], [[3.0]], [[4.0]]])).tolist()
    [[[1.0, 2.0], [3.0, 4.0]]]
    """

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = upscale_factor

    def forward(self, x: Any) -> Any:
        return F.pixel_shuffle(x, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Undo PixelShuffle.

    Args:
        downscale_factor: the r by which height and width shrink, which divides both.
    """

    def __init__(self, downscale_factor: int) -> None:
        self.downscale_factor = downscale_factor

    def forward(self, x: Any) -> Any:
        return F.pixel_unshuffle(x, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class Unfold(Module):
    """The windows of images as columns, (N, C, H, W) -> (N, C kh kw, L).

    Args:
        kernel_size: (kh, kw), how wide the window is; this and the others are a number, or one for each spatial axis.
        dilation: the distance between the elements of the window; 1: they are neighbours.
        padding: how many zeros are added at both ends.
        stride: how far the window moves.

    >>> Unfold(2)(Tensor([[[[1.0, 2.0], [3.0, 4.0]]]])).tolist()
    [[[1.0], [2.0], [3.0], [4.0]]]
    """

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, x: Any) -> Any:
        return F.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(Module):
    """Columns added back to images, (N, C kh kw, L) -> (N, C, *output_size).

    Args:
        output_size: height and width of the images; a number is both.
        kernel_size: (kh, kw), how wide the window is; this and the others are a number, or one for each spatial axis.
        dilation: the distance between the elements of the window; 1: they are neighbours.
        padding: how many zeros were added at both ends of the images before windows were taken.
        stride: how far the window moves.
    """

    def __init__(self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, x: Any) -> Any:
        return F.fold(x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)
