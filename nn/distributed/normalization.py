"""Batch normalisation by the mean and variance of all ranks' examples together."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad import Tensor, checkpoint_notes, mark_mutated, raw

from ..layers.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d
from ..module import Module
from .communication import all_reduce, group
from .gradients import sum_over_ranks

__all__ = ["SyncBatchNorm"]


class SyncBatchNorm(BatchNorm1d):
    """Batch normalisation of (N, C, ...) whose batch is that of all ranks together, of which each has a part.

        out = (x - mean) / sqrt(var + eps) weight + bias

    Mean and variance are those of all ranks' examples, and gradients flow through them to all ranks' inputs, as in one process
    with the whole batch.  The running values are the same on all ranks.  A rank's part may be empty.

    The arguments are those of `BatchNorm1d`.

    >>> SyncBatchNorm(2)(Tensor([[1.0, 2.0], [3.0, 6.0]])).round(3).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    """

    ndims = (2, 3, 4, 5)

    def forward(self, x: Any) -> Tensor:
        """All ranks must call it where it normalises by the batch: in training, and without running values."""
        if group().size == 1 or not (self.training or self.running_mean is None):
            return super().forward(x)
        x = self._input(x)
        axes = (0, *range(2, x.ndim))
        share = self._share() if self.training else 0.0
        total = all_reduce(prod(x.shape[a] for a in axes))
        if total == 1:
            raise ValueError("SyncBatchNorm: training needs more than one value for each channel, on all ranks together")
        out, mean, var = standardize_over_ranks(x, axes, max(total, 1), self.eps)
        again = checkpoint_notes()
        if self.training and self.running_mean is not None and total and not (again is not None and again.again):
            self._move(raw(mean), raw(var) * (total / (total - 1)), share)
        shape = (1, -1, *(1,) * (x.ndim - 2))
        out = out if self.weight is None else out * self.weight.reshape(shape)
        return out if self.bias is None else out + self.bias.reshape(shape)

    def _move(self, mean: Any, var: Any, share: Any) -> None:
        """Move the running values towards those of this batch."""
        for running, new in ((self.running_mean, mean), (self.running_var, var)):
            running.data += (share * (new - running.data)).astype(running.dtype)  # type: ignore[union-attr]
            mark_mutated(running.data)  # type: ignore[union-attr]
        self.num_batches_tracked.data += 1  # type: ignore[union-attr]

    @classmethod
    def convert_sync_batchnorm(cls, module: Module) -> Module:
        """Put a SyncBatchNorm, with the same parameters and buffers, in the place of every BatchNorm in a model.

        Returns the model; where it is a BatchNorm itself, what stands in its place.

        >>> import nn
        >>> model = SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))
        >>> type(model[1]).__name__
        'SyncBatchNorm'
        """
        made: dict[int, SyncBatchNorm] = {}
        for path, layer in list(module.named_modules(remove_duplicate=False)):
            if not isinstance(layer, (BatchNorm1d, BatchNorm2d, BatchNorm3d)) or isinstance(layer, cls):
                continue
            new = made.setdefault(id(layer), cls.__new__(cls))
            vars(new).update(vars(layer))
            if not path:
                return new
            module.set_submodule(path, new)
        return module


def standardize_over_ranks(x: Any, axes: tuple[int, ...], total: int, eps: float) -> tuple[Any, Any, Any]:
    """x with mean 0 and variance 1 over axes and ranks, where `total` values are; and the mean and variance before."""
    wide = np.float32 if x.dtype == np.float16 else x.dtype
    shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    mean = sum_over_ranks(np.sum(x, axis=axes, dtype=wide)) / total
    centred = x - np.reshape(mean, shape)
    var = sum_over_ranks(np.sum(centred * centred, axis=axes, dtype=wide)) / total
    return (centred / np.sqrt(np.reshape(var, shape) + eps)).astype(x.dtype), mean, var
