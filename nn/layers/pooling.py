"""Pooling layers; what they do is in `nn.functional.pooling`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import raw

from .. import functional as F
from ..module import Buffer, Module

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d",
    "FractionalMaxPool2d", "FractionalMaxPool3d", "LPPool1d", "LPPool2d", "LPPool3d", "MaxPool1d",
    "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d",
]  # fmt: skip


class _Pool(Module):
    """A pooling function of n spatial axes with its options kept; `family` is the function's name without "1d"."""

    family: str
    dimensions: int
    options: dict[str, Any]

    def forward(self, x: Any) -> Any:
        return getattr(F, f"{self.family}{self.dimensions}d")(x, **self.options)

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.options.items())


class _MaxPool(_Pool):
    """What the layers share that take the maximum of each window; a subclass says in how many dimensions."""

    family = "max_pool"

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        """Each spatial axis of length L becomes floor((L + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1 long.

        Args:
            kernel_size: how wide the window is; this and the next three are a number, or one for each spatial axis.
            stride: how far the window moves; None: kernel_size, so that windows stand side by side.
            padding: how many elements of -inf are added at both ends; at most half of kernel_size.
            dilation: the distance between the elements of the window; 1: they are neighbours.
            return_indices: whether the result is a pair (maxima, indices): where each stands in the flattened spatial axes, for
                `MaxUnpool1d` to `MaxUnpool3d`.
            ceil_mode: whether a last window that reaches over the border counts: ceil in place of floor.
        """
        self.options = {
            "kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode,
            "return_indices": return_indices,
        }  # fmt: skip


class MaxPool1d(_MaxPool):
    """The maximum of each window, (N, C, L) -> (N, C, L').

    >>> MaxPool1d(2)(Tensor([[[1.0, 3.0, 2.0, 0.0]]])).tolist()
    [[[3.0, 2.0]]]
    """

    dimensions = 1


class MaxPool2d(_MaxPool):
    """The maximum of each window, (N, C, H, W) -> (N, C, H', W').

    >>> MaxPool2d(2)(Tensor([[[[1.0, 3.0], [2.0, 0.0]]]])).tolist()
    [[[[3.0]]]]
    """

    dimensions = 2


class MaxPool3d(_MaxPool):
    """The maximum of each window, (N, C, D, H, W) -> (N, C, D', H', W').

    >>> MaxPool3d(2)(Tensor([[[[[1.0, 3.0]] * 2] * 2]])).tolist()
    [[[[[3.0]]]]]
    """

    dimensions = 3


class _AvgPool(_Pool):
    """What the layers share that take the mean of each window; a subclass says in how many dimensions."""

    family = "avg_pool"

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:  # fmt: skip
        """Each spatial axis of length L becomes floor((L + 2 padding - kernel_size) / stride) + 1 long.

        Args:
            kernel_size: how wide the window is; this and the next two are a number, or one for each spatial axis.
            stride: how far the window moves; None: kernel_size, so that windows stand side by side.
            padding: how many zeros are added at both ends; at most half of kernel_size.
            ceil_mode: whether a last window that reaches over the border counts: ceil in place of floor.
            count_include_pad: whether the zeros of the padding count; False: the mean is that of the input's own elements.
            divisor_override: what the sums are divided by, not 0; None: the number of elements that count.
        """
        self.options = {
            "kernel_size": kernel_size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode,
            "count_include_pad": count_include_pad, "divisor_override": divisor_override,
        }  # fmt: skip


class AvgPool1d(_AvgPool):
    """The mean of each window, (N, C, L) -> (N, C, L').

    >>> AvgPool1d(2)(Tensor([[[1.0, 3.0, 2.0, 0.0]]])).tolist()
    [[[2.0, 1.0]]]
    """

    dimensions = 1


class AvgPool2d(_AvgPool):
    """The mean of each window, (N, C, H, W) -> (N, C, H', W')."""

    dimensions = 2


class AvgPool3d(_AvgPool):
    """The mean of each window, (N, C, D, H, W) -> (N, C, D', H', W')."""

    dimensions = 3


class _LPPool(_Pool):
    """What the layers share that take the p-norm of each window; a subclass says in how many dimensions."""

    family = "lp_pool"

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        """Each spatial axis of length L becomes floor((L - kernel_size) / stride) + 1 long.

        Args:
            norm_type: the p of (sum x^p)^(1/p), over x itself, not |x|: a negative sum gives NaN, as in PyTorch. 1: the sum.
            kernel_size: how wide the window is; it and stride are a number, or one for each spatial axis.
            stride: how far the window moves; None: kernel_size, so that windows stand side by side.
            ceil_mode: whether a last window that reaches over the border counts: ceil in place of floor.
        """
        self.options = {"norm_type": norm_type, "kernel_size": kernel_size, "stride": stride, "ceil_mode": ceil_mode}


class LPPool1d(_LPPool):
    """The p-norm of each window, (N, C, L) -> (N, C, L').

    >>> LPPool1d(2.0, 2)(Tensor([[[3.0, 4.0]]])).tolist()
    [[[5.0]]]
    """

    dimensions = 1


class LPPool2d(_LPPool):
    """The p-norm of each window, (N, C, H, W) -> (N, C, H', W')."""

    dimensions = 2


class LPPool3d(_LPPool):
    """The p-norm of each window, (N, C, D, H, W) -> (N, C, D', H', W')."""

    dimensions = 3


class _Adaptive(_Pool):
    """What the layers share that take the mean of windows chosen by the size of the result."""

    def __init__(self, output_size: Any) -> None:
        """Window i of an axis of length L goes from floor(i L / size) to ceil((i + 1) L / size): windows may overlap.

        Args:
            output_size: the lengths of the result's spatial axes, a number for all or one for each; None: that of the input.
        """
        self.options = {"output_size": output_size}


class AdaptiveAvgPool1d(_Adaptive):
    """Means over windows so that the output has a size, (N, C, L) -> (N, C, output_size).

    >>> AdaptiveAvgPool1d(1)(Tensor([[[1.0, 2.0, 6.0]]])).tolist()
    [[[3.0]]]
    """

    family, dimensions = "adaptive_avg_pool", 1


class AdaptiveAvgPool2d(_Adaptive):
    """Means over windows, (N, C, H, W) -> (N, C, *output_size); None keeps an axis as long as it is."""

    family, dimensions = "adaptive_avg_pool", 2


class AdaptiveAvgPool3d(_Adaptive):
    """Means over windows, (N, C, D, H, W) -> (N, C, *output_size)."""

    family, dimensions = "adaptive_avg_pool", 3


class _AdaptiveMax(_Pool):
    """What the layers share that take the maximum of windows chosen by the size of the result."""

    family = "adaptive_max_pool"

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        """Window i of an axis of length L goes from floor(i L / size) to ceil((i + 1) L / size): windows may overlap.

        Args:
            output_size: the lengths of the result's spatial axes, a number for all or one for each; None: that of the input.
            return_indices: whether the result is a pair (maxima, indices): where each stands in the flattened spatial axes.
        """
        self.options = {"output_size": output_size, "return_indices": return_indices}


class AdaptiveMaxPool1d(_AdaptiveMax):
    """Maxima over windows so that the output has a size, (N, C, L) -> (N, C, output_size)."""

    dimensions = 1


class AdaptiveMaxPool2d(_AdaptiveMax):
    """Maxima over windows, (N, C, H, W) -> (N, C, *output_size)."""

    dimensions = 2


class AdaptiveMaxPool3d(_AdaptiveMax):
    """Maxima over windows, (N, C, D, H, W) -> (N, C, *output_size)."""

    dimensions = 3


class _FractionalMaxPool(_Pool):
    """What the layers share that take the maximum of windows at random places."""

    family = "fractional_max_pool"

    def __init__(
        self, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
        _random_samples: Any = None,
    ) -> None:  # fmt: skip
        """Windows move by one of two neighbouring numbers, drawn anew at each call, also in evaluation.

        Args:
            kernel_size: how wide the window is, a number or one for each spatial axis.
            output_size: the lengths of the result's spatial axes, a number for all or one for each.
                Either it or output_ratio is given.
            output_ratio: those lengths as parts of the input's, above 0 and below 1; a number for all or one for each.
            return_indices: whether the result is a pair (maxima, indices): where each stands in the flattened spatial axes.

        Raises:
            ValueError: both or neither of output_size and output_ratio are given, or a ratio is not between 0 and 1.
        """
        if (output_size is None) == (output_ratio is None):
            raise ValueError(f"{type(self).__name__}: give either output_size or output_ratio")
        if output_ratio is not None and not np.all((np.asarray(output_ratio) > 0) & (np.asarray(output_ratio) < 1)):
            raise ValueError(f"{type(self).__name__}: output_ratio must lie between 0 and 1, got {output_ratio}")
        self.options = {
            "kernel_size": kernel_size, "output_size": output_size, "output_ratio": output_ratio,
            "return_indices": return_indices,
        }  # fmt: skip
        self._random_samples = None if _random_samples is None else Buffer(raw(_random_samples))

    def forward(self, x: Any) -> Any:
        return getattr(F, f"{self.family}{self.dimensions}d")(x, **self.options, _random_samples=self._random_samples)


class FractionalMaxPool2d(_FractionalMaxPool):
    """Maxima over windows whose places are drawn at random, (N, C, H, W) -> (N, C, *output_size) (Graham, 2014).

    >>> FractionalMaxPool2d(2, output_ratio=0.7)(Tensor(np.ones((1, 1, 10, 10)))).shape
    (1, 1, 7, 7)
    """

    dimensions = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """Maxima over windows whose places are drawn at random, (N, C, D, H, W) -> (N, C, *output_size) (Graham, 2014)."""

    dimensions = 3


class _MaxUnpool(_Pool):
    """What the layers share that undo a max pooling."""

    family = "max_unpool"

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        """The options are those of the pooling that is undone.

        Args:
            kernel_size: how wide its window is; it, stride and padding are a number, or one for each spatial axis.
            stride: how far its window moves; None: kernel_size.
            padding: how many elements it adds at both ends.
        """
        self.options = {"kernel_size": kernel_size, "stride": stride, "padding": padding}

    def forward(self, x: Any, indices: Any, output_size: Any = None) -> Any:  # type: ignore[override]
        """Put values back in their places.

        Args:
            x: the maxima, (N, C, ...), or (C, ...) for a single sample.
            indices: where each was, of the same shape: what the pooling gives with return_indices=True.
            output_size: the shape of the pooling's input, or its spatial axes; None: the least that gives results of this shape.
        """
        return getattr(F, f"{self.family}{self.dimensions}d")(x, indices, output_size=output_size, **self.options)


class MaxUnpool1d(_MaxUnpool):
    """Undo MaxPool1d: values at the places that `return_indices` gave, zeros elsewhere.

    >>> MaxUnpool1d(2)(Tensor([[[3.0, 2.0]]]), Tensor([[[1, 2]]])).tolist()
    [[[0.0, 3.0, 2.0, 0.0]]]
    """

    dimensions = 1


class MaxUnpool2d(_MaxUnpool):
    """Undo MaxPool2d."""

    dimensions = 2


class MaxUnpool3d(_MaxUnpool):
    """Undo MaxPool3d."""

    dimensions = 3
