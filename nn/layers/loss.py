"""The losses as modules."""

from __future__ import annotations

from typing import Any

from minigrad import Tensor

from .. import losses
from ..module import Module

__all__ = ["CrossEntropyLoss", "MSELoss"]


class CrossEntropyLoss(Module):
    """`nn.functional.cross_entropy` with its options kept.

    >>> round(CrossEntropyLoss()(Tensor([[0.0, 0.0]]), Tensor([1])).item(), 4)
    0.6931
    """

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        self.weight, self.ignore_index, self.reduction, self.label_smoothing = weight, ignore_index, reduction, label_smoothing

    def forward(self, input: Any, target: Any) -> Tensor:  # noqa: A002
        return losses.cross_entropy(input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing)


class MSELoss(Module):
    """Mean squared error.

    >>> MSELoss()(Tensor([1.0, 2.0]), Tensor([0.0, 0.0])).item()
    2.5
    """

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Tensor:  # noqa: A002
        return losses.mse_loss(input, target, self.reduction)
