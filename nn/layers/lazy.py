"""Layers that find the number of their inputs in the first input, and become ordinary ones.

Until then their parameters have no shape (`nn.parameter.UninitializedParameter`): an optimizer may
hold them, and weights may be loaded into them, but whoever asks for a shape or a value gets an
error that says what to do.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minigrad import raw
from minigrad.tracing import is_traced

from .. import init
from ..module import Module
from ..parameter import UninitializedBuffer, UninitializedError, UninitializedParameter, is_lazy
from .convolution import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    _Conv,
)
from .linear import Linear
from .normalization import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    _Norm,
)

__all__ = [
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d",
    "LazyConv1d", "LazyConv2d", "LazyConv3d",
    "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
    "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyInstanceNorm3d",
    "LazyLinear",
]  # fmt: skip


class _Lazy(Module):
    """What lazy layers share: the first forward makes them ordinary layers.

    Attributes:
        becomes: the class of the ordinary layer.
    """

    becomes: ClassVar[type[Module]]

    def _postpone(self, *names: str) -> None:
        """Put uninitialised parameters and buffers in the place of those that are there."""
        for name in names:
            old = getattr(self, name)
            if old is None:
                continue
            kind = UninitializedParameter if old.requires_grad else UninitializedBuffer
            setattr(self, name, kind(dtype=old.dtype, device=old.device))

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer has no shape yet."""
        return any(is_lazy(x) for x in vars(self).values())

    def _settle(self, x: Any) -> None:
        """Give the parameters the shapes that an input asks for, and become an ordinary layer."""
        shapes = self._shapes(x)
        unset = [name for name in shapes if is_lazy(getattr(self, name))]
        given = {name: getattr(self, name) for name in shapes if name not in unset}
        for name, value in given.items():  # that were loaded
            if value.shape != shapes[name]:
                raise ValueError(
                    f"{type(self).__name__}: the {name} that was loaded has shape {value.shape}, "
                    f"but input of shape {np.shape(x)} needs {shapes[name]}"
                )
        for name in unset:
            getattr(self, name).materialize(shapes[name])
        if unset:
            kept = {name: value.detach().clone().data for name, value in given.items()}
            self._first_values()
            for name, values in kept.items():  # the first values are for the others alone
                given[name].data = values
        self.__class__ = self.becomes  # type: ignore[assignment]

    def _shapes(self, x: Any) -> dict[str, tuple[int, ...]]:
        """Note the number of inputs, and say which shapes follow for parameters that are there."""
        raise NotImplementedError

    def _first_values(self) -> None:
        raise NotImplementedError

    def forward(self, x: Any, *args: Any) -> Any:
        if is_traced(raw(x)):
            raise UninitializedError(
                f"{type(self).__name__} finds its shapes in its first input, and a compiled function "
                "must find its parameters there: call the model once on an example before"
            )
        self._settle(x)
        return self.forward(x, *args)  # now that of the ordinary layer


class LazyLinear(_Lazy, Linear):
    """A Linear whose `in_features` are those of the first input.

    Args:
        out_features: length of the result's last axis.
        bias: whether b is added.
        device: where the parameters are, "cpu" or "cuda"; None: the default device.
        dtype: of the parameters; None: the default dtype, float32 at first.

    >>> import nn
    >>> layer = nn.LazyLinear(2)
    >>> layer(Tensor([[1.0, 2.0, 3.0]])).shape, layer
    ((1, 2), Linear(in_features=3, out_features=2, bias=True))
    """

    becomes = Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: str | None = None, dtype: Any = None
    ) -> None:
        Linear.__init__(self, 0, out_features, bias, device, dtype)
        self._postpone("weight", "bias")

    def _shapes(self, x: Any) -> dict[str, tuple[int, ...]]:
        shape = np.shape(x)
        if not shape:
            raise ValueError("LazyLinear: expected input (..., in_features), got a number")
        self.in_features = shape[-1]
        shapes = {"weight": (self.out_features, self.in_features), "bias": (self.out_features,)}
        return {name: shape for name, shape in shapes.items() if getattr(self, name) is not None}

    def _first_values(self) -> None:
        Linear.reset_parameters(self)

    def reset_parameters(self) -> None:
        """Draw the parameters anew; before the first input there are none."""
        if not self.has_uninitialized_params() and self.in_features:
            super().reset_parameters()


class _LazyConv(_Lazy, _Conv):
    """What lazy convolutions share: `in_channels` are those of the first input."""

    def __init__(
        self, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: int = 1,
        bias: bool = True, padding_mode: str = "zeros", device: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        """The arguments are those of the ordinary layer, without `in_channels`.

        Args:
            out_channels: channels of the result, O.
            kernel_size, stride, padding, dilation: of the windows, a number or one for each spatial axis.
            groups: into how many groups the channels are divided; it divides those of the first input, too.
            bias: whether a learned number is added to each channel of the result.
            padding_mode: "zeros", "reflect", "replicate" or "circular", as in `Conv1d`.
            device: where the parameters are, "cpu" or "cuda"; None: the default device.
            dtype: of the parameters; None: the default dtype, float32 at first.
        """
        _Conv.__init__(
            self, 0, out_channels, kernel_size, stride, padding, dilation, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip
        self._postpone("weight", "bias")

    def _shapes(self, x: Any) -> dict[str, tuple[int, ...]]:
        shape, name = np.shape(x), type(self).__name__
        if len(shape) not in (self.dimensions + 1, self.dimensions + 2):
            wanted = f"(N, C, {self.dimensions} more axes), or without N"
            raise ValueError(f"{name}: expected input {wanted}, got shape {shape}")
        channels = shape[-self.dimensions - 1]
        if channels % self.groups:
            raise ValueError(f"{name}: {channels} channels do not divide into {self.groups} groups")
        self.in_channels = channels
        shapes = {"weight": self._weight_shape(), "bias": (self.out_channels,)}
        return {name: shape for name, shape in shapes.items() if getattr(self, name) is not None}

    def _first_values(self) -> None:
        _Conv.reset_parameters(self)

    def reset_parameters(self) -> None:
        """Draw the parameters anew; before the first input there are none."""
        if not is_lazy(self.weight) and self.in_channels:
            super().reset_parameters()


class _LazyConvTranspose(_LazyConv):
    """What lazy transposed convolutions share."""

    def __init__(
        self, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
        output_padding: Any = 0, groups: int = 1, bias: bool = True, dilation: Any = 1,
        padding_mode: str = "zeros", device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        """The arguments are those of the ordinary layer, without `in_channels`.

        Args:
            out_channels: channels of the result, O.
            kernel_size, stride, padding, dilation: of the windows, a number or one for each spatial axis.
            output_padding: how many elements are added at the far end of each spatial axis of the result, likewise.
            groups: into how many groups the channels are divided; it divides those of the first input, too.
            bias: whether a learned number is added to each channel of the result.
            padding_mode: "zeros" alone.
            device: where the parameters are, "cpu" or "cuda"; None: the default device.
            dtype: of the parameters; None: the default dtype, float32 at first.
        """
        if padding_mode != "zeros":
            raise ValueError(
                f"{type(self).__name__}: padding_mode must be 'zeros', got {padding_mode!r}"
            )
        self.output_padding = output_padding
        super().__init__(
            out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip


class LazyConv1d(_LazyConv, Conv1d):
    """A Conv1d whose `in_channels` are those of the first input."""

    becomes = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A Conv2d whose `in_channels` are those of the first input.

    >>> import nn
    >>> layer = nn.LazyConv2d(4, 3)
    >>> layer(np.zeros((1, 2, 5, 5))).shape, layer.weight.shape
    ((1, 4, 3, 3), (4, 2, 3, 3))
    """

    becomes = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A Conv3d whose `in_channels` are those of the first input."""

    becomes = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A ConvTranspose1d whose `in_channels` are those of the first input."""

    becomes = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A ConvTranspose2d whose `in_channels` are those of the first input."""

    becomes = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """A ConvTranspose3d whose `in_channels` are those of the first input."""

    becomes = ConvTranspose3d


class _LazyNorm(_Lazy, _Norm):
    """What lazy normalisations share: `num_features` are the channels of the first input."""

    def __init__(
        self, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True,
        device: str | None = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        """The arguments are those of the ordinary layer, without `num_features`.

        Args:
            eps: added to the variance before its root is taken.
            momentum: as of the ordinary layer.
            affine: whether each channel is then scaled and shifted by learned numbers; by default it is, as in PyTorch, though
                not in the ordinary `InstanceNorm1d`.
            track_running_stats: whether there are running values; by default there are, likewise.
            device: where the parameters are, "cpu" or "cuda"; None: the default device.
            dtype: of the parameters; None: the default dtype, float32 at first.
            bias: whether affine also shifts; False: it only scales.
        """
        _Norm.__init__(self, 0, eps, momentum, affine, track_running_stats, device, dtype, bias)
        self._postpone("weight", "bias", "running_mean", "running_var")

    def _shapes(self, x: Any) -> dict[str, tuple[int, ...]]:
        shape = np.shape(x)
        if len(shape) < 2:
            raise ValueError(
                f"{type(self).__name__}: expected input (N, C, ...), got shape {shape}"
            )
        self.num_features = shape[1]
        names = ("weight", "bias", "running_mean", "running_var")
        return {name: (shape[1],) for name in names if getattr(self, name) is not None}

    def _first_values(self) -> None:
        values = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
        for name, value in values.items():
            if getattr(self, name) is not None:
                init.constant_(getattr(self, name), value)


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """A BatchNorm1d whose `num_features` are the channels of the first input.

    >>> import nn
    >>> layer = nn.LazyBatchNorm1d()
    >>> layer(Tensor([[1.0, 2.0], [3.0, 6.0]])).shape, layer.num_features
    ((2, 2), 2)
    """

    becomes = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """A BatchNorm2d whose `num_features` are the channels of the first input."""

    becomes = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """A BatchNorm3d whose `num_features` are the channels of the first input."""

    becomes = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """An InstanceNorm1d whose `num_features` are the channels of the first input."""

    becomes = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """An InstanceNorm2d whose `num_features` are the channels of the first input."""

    becomes = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """An InstanceNorm3d whose `num_features` are the channels of the first input."""

    becomes = InstanceNorm3d
