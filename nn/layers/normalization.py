"""Normalisation layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor, ones, zeros

from .. import functional as F
from ..module import Buffer, Module, Parameter
from ..values import as_input

__all__ = [
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LayerNorm",
    "LocalResponseNorm", "RMSNorm",
]  # fmt: skip


class _Norm(Module):
    """What batch and instance normalisation share.

    Attributes:
        weight, bias: (num_features,), 1 and 0 at first; None with affine=False (bias with bias=False).
        running_mean, running_var, num_batches_tracked: buffers; None with track_running_stats=False.
    """

    ndims: tuple[int, ...]

    def __init__(
        self, num_features: int, eps: float, momentum: float | None, affine: bool, track_running_stats: bool,
        device: str | None, dtype: Any, bias: bool,
    ) -> None:  # fmt: skip
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        options = {"dtype": dtype, "device": device}
        self.weight = Parameter(ones(num_features, **options)) if affine else None
        self.bias = Parameter(zeros(num_features, **options)) if affine and bias else None
        self.running_mean = Buffer(zeros(num_features, **options)) if track_running_stats else None
        self.running_var = Buffer(ones(num_features, **options)) if track_running_stats else None
        self.num_batches_tracked = Buffer(np.array(0), device=device) if track_running_stats else None

    def _input(self, x: Any) -> Tensor:
        reference = self.weight if self.weight is not None else self.running_mean
        if reference is not None:
            x = as_input(x, reference)
        elif not isinstance(x, Tensor):
            x = Tensor(x)
        if x.ndim not in self.ndims or x.shape[1] != self.num_features:
            wanted = " or ".join(str(n) for n in self.ndims)
            name = type(self).__name__
            raise ValueError(f"{name}: expected {wanted} axes (N, C={self.num_features}, ...), got input of shape {x.shape}")
        return x

    def _share(self) -> Any:
        """How far the running values move to those of this batch; with momentum=None they are plain averages.

        The share of an average is a number of the device, so that nothing waits for it.
        """
        tracked, mean = self.num_batches_tracked, self.running_mean
        if self.momentum is not None or tracked is None or mean is None:
            return self.momentum or 0.0
        return (1.0 / (tracked.data + 1)).astype(mean.dtype)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}"


class _BatchNorm(_Norm):
    """What the batch normalisations share; a subclass says in how many dimensions."""

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: str | None = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        """Each channel to mean 0 and variance 1: over the batch in training, by the running values in evaluation; same shape.

        Args:
            num_features: channels, C.
            eps: added to the variance before its root is taken.
            momentum: the share of the way that the running values go to those of each batch; None: they are plain averages.
            affine: whether each channel is then scaled and shifted by learned numbers.
            track_running_stats: whether there are running values; False: evaluation uses the batch, too.
            device: where the parameters are, "cpu" or "cuda"; None: the default device.
            dtype: of the parameters; None: the default dtype, float32 at first.
            bias: whether affine also shifts; False: it only scales.
        """
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, x: Any) -> Tensor:
        x = self._input(x)
        by_batch = self.training or self.running_mean is None
        share = self._share() if self.training else 0.0
        mean, var = (self.running_mean, self.running_var) if not by_batch or self.training else (None, None)
        out = F.batch_norm(x, mean, var, self.weight, self.bias, by_batch, share, self.eps)
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.data += 1  # last, so that a refused batch is not counted
        return out


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L).

    >>> BatchNorm1d(3)(Tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])).shape
    (2, 3)
    """

    ndims: tuple[int, ...] = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of images, (N, C, H, W)."""

    ndims = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of volumes, (N, C, D, H, W)."""

    ndims = (5,)


class _InstanceNorm(_Norm):
    """What the instance normalisations share; a subclass says in how many dimensions."""

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False,
        track_running_stats: bool = False, device: str | None = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        """Each channel of each sample to mean 0 and variance 1, over its own elements; same shape.

        Args:
            num_features: channels, C.
            eps: added to the variance before its root is taken.
            momentum: the share of the way that the running values go to those of each batch; None: they stay as they are.
            affine: whether each channel is then scaled and shifted by learned numbers.
            track_running_stats: whether there are running values, by which evaluation then normalises.
            device: where the parameters are, "cpu" or "cuda"; None: the default device.
            dtype: of the parameters; None: the default dtype, float32 at first.
            bias: whether affine also shifts; False: it only scales.
        """
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, x: Any) -> Tensor:
        single = np.ndim(x) == self.ndims[0] - 1  # (C, ...) without a batch axis
        x = self._input(x[None] if single else x)
        own = self.training or self.running_mean is None
        mean, var = (self.running_mean, self.running_var) if not own or self.training else (None, None)
        out = F.instance_norm(x, mean, var, self.weight, self.bias, own, self.momentum or 0.0, self.eps)
        return out[0] if single else out


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of (N, C, L) or (C, L)."""

    ndims = (3,)


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of images, (N, C, H, W) or (C, H, W)."""

    ndims = (4,)


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of volumes, (N, C, D, H, W) or (C, D, H, W)."""

    ndims = (5,)


class LayerNorm(Module):
    """Normalise over the last axes (Ba et al., 2016).

    Args:
        normalized_shape: the lengths of the last axes, over which mean and variance are taken; a number is that of the last one.
        eps: added to the variance before its root is taken.
        elementwise_affine: whether each element is then scaled and shifted by learned numbers.
        bias: whether elementwise_affine also shifts; False: it only scales.
        device: where the parameters are, "cpu" or "cuda"; None: the default device.
        dtype: of the parameters; None: the default dtype, float32 at first.

    Attributes:
        weight, bias: of the normalised shape, 1 and 0 at first; None with elementwise_affine=False (bias with bias=False).

    >>> LayerNorm(2)(Tensor([[1.0, 3.0]])).round(3).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self, normalized_shape: int | tuple[int, ...], eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True,
        device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.weight = Parameter(ones(self.normalized_shape, dtype=dtype, device=device)) if elementwise_affine else None
        self.bias = Parameter(zeros(self.normalized_shape, dtype=dtype, device=device)) if elementwise_affine and bias else None

    def forward(self, x: Any) -> Tensor:
        x = as_input(x, self.weight) if self.weight is not None else x
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}"


class RMSNorm(Module):
    """Bring the mean square over the last axes to 1; then scale (Zhang and Sennrich, 2019).

    Args:
        normalized_shape: the lengths of the last axes, over which the mean is taken; a number is that of the last one.
        eps: added to the mean square before its root is taken; None: that of the input's dtype, 1.2e-7 for float32.
        elementwise_affine: whether each element is then scaled by a learned number.
        device: where the parameters are, "cpu" or "cuda"; None: the default device.
        dtype: of the parameters; None: the default dtype, float32 at first.

    Attributes:
        weight: of the normalised shape, 1 at first; None with elementwise_affine=False.

    >>> RMSNorm(2)(Tensor([3.0, -3.0])).round(3).tolist()
    [1.0, -1.0]
    """

    def __init__(
        self, normalized_shape: int | tuple[int, ...], eps: float | None = None, elementwise_affine: bool = True,
        device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.weight = Parameter(ones(self.normalized_shape, dtype=dtype, device=device)) if elementwise_affine else None

    def forward(self, x: Any) -> Tensor:
        x = as_input(x, self.weight) if self.weight is not None else x
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}"


class GroupNorm(Module):
    """Normalise groups of channels of each sample (Wu and He, 2018).

    Args:
        num_groups: into how many groups the channels are divided; it divides num_channels. 1: all channels together.
        num_channels: channels of the inputs (N, C, ...).
        eps: added to the variance before its root is taken.
        affine: whether each channel is then scaled and shifted by learned numbers.
        device: where the parameters are, "cpu" or "cuda"; None: the default device.
        dtype: of the parameters; None: the default dtype, float32 at first.
        bias: whether affine also shifts; False: it only scales.

    Attributes:
        weight, bias: (num_channels,), 1 and 0 at first; None with affine=False (bias with bias=False).

    >>> GroupNorm(2, 4)(Tensor([[[1.0], [3.0], [1.0], [3.0]]])).round(3).tolist()
    [[[-1.0], [1.0], [-1.0], [1.0]]]
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, device: str | None = None,
        dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: {num_channels} channels do not divide into {num_groups} groups")
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self.weight = Parameter(ones(num_channels, dtype=dtype, device=device)) if affine else None
        self.bias = Parameter(zeros(num_channels, dtype=dtype, device=device)) if affine and bias else None

    def forward(self, x: Any) -> Tensor:
        x = as_input(x, self.weight) if self.weight is not None else x
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}"


class LocalResponseNorm(Module):
    """Divide by what neighbouring channels show at the same place, of (N, C, ...) (Krizhevsky et al., 2012).

        out = x / (k + alpha / size sum_c x_c^2)^beta,  c the size channels around

    Args:
        size: over how many neighbouring channels the sum goes, the one itself in the middle; if even, one more before it.
        alpha: how much they count.
        beta: the power of the divisor.
        k: what the divisor is at least, before the power.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Any) -> Tensor:
        return F.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
