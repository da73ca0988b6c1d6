"""Resampling layers; what they do is in `nn.functional.interpolation`."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from ..module import Module

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]


class Upsample(Module):
    """Resample the spatial axes of (N, C, *S) to a size, or by a factor.

    Args:
        size: the lengths of the result's spatial axes; a number is that of each. Either it or scale_factor is given.
        scale_factor: how many times as long the spatial axes become, a number for all or one for each; lengths are rounded down.
        mode: "nearest", "nearest-exact" (whose pixels lie where those of other libraries lie), "area" (means), "linear" (1-d),
            "bilinear" (2-d), "trilinear" (3-d) or "bicubic" (2-d).
        align_corners: whether the centres of the corner pixels meet; None or False: their outer edges do. With "nearest",
            "nearest-exact" and "area" it must be None.
        recompute_scale_factor: use the factor for the size alone; pixels then lie as the lengths say.

    >>> Upsample(scale_factor=2)(Tensor([[[1.0, 2.0]]])).tolist()
    [[[1.0, 1.0, 2.0, 2.0]]]
    """

    def __init__(
        self, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:  # fmt: skip
        self.size, self.scale_factor, self.mode, self.align_corners = size, scale_factor, mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, x: Any) -> Any:
        options = (self.mode, self.align_corners, self.recompute_scale_factor)
        return F.interpolate(x, self.size, self.scale_factor, *options)

    def extra_repr(self) -> str:
        return f"size={self.size}, scale_factor={self.scale_factor}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Upsample images by repeating pixels.

    Args:
        size: height and width of the result; a number is both. Either it or scale_factor is given.
        scale_factor: how many times as long they become, a number for both or one for each.
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """Upsample images bilinearly, corners aligned.

    Args:
        size: height and width of the result; a number is both. Either it or scale_factor is given.
        scale_factor: how many times as long they become, a number for both or one for each.
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "bilinear", True)
