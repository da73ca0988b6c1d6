"""The losses of regression and classification as modules; what they compute is in `nn.functional.loss`."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad import Tensor

from .. import functional as F
from ..module import Buffer, Module
from ..settings import settings
from ..values import as_input
from .linear import Linear

__all__ = ["CrossEntropyLoss", "LinearCrossEntropyLoss", "MSELoss", "NLLLoss"]


class Loss(Module):
    """What the losses share: the repr shows their options; weights are buffers, as in PyTorch.

    >>> CrossEntropyLoss(label_smoothing=0.1)
    CrossEntropyLoss(weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.1)
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if np.ndim(value) and hasattr(value, "dtype") and name not in ("weight", "pos_weight"):
            kind = type(self).__name__
            raise TypeError(
                f"{kind}: {name} is no array, got one of shape {np.shape(value)}. A loss module is made first and "
                f"called then: nn.{kind}()(input, target)"
            )
        super().__setattr__(name, value)

    def extra_repr(self) -> str:
        return settings(self, "training")


def constant(weight: Any) -> Buffer | None:
    """A weight as part of the module's state that is not learned."""
    if weight is None:
        return None
    if isinstance(weight, Tensor) and weight.requires_grad:
        raise TypeError(
            "a loss module keeps its weight as a constant, so the gradient would be lost: give it "
            "weight.detach(), or call the function in nn.functional, which differentiates its weight"
        )
    return Buffer(weight.data if isinstance(weight, Tensor) else weight)


class MSELoss(Loss):
    """Mean squared error.

    Args:
        reduction: "mean" of all elements, their "sum", or "none": a loss for each element.

    >>> MSELoss(reduction="sum")(Tensor([1.0, 2.0]), Tensor([0.0, 0.0])).item()
    5.0
    """

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """Compare predictions with what they should be.

        Args:
            input, target: of the same shape, whatever that is.
        """
        return F.mse_loss(input, target, reduction=self.reduction)


class CrossEntropyLoss(Loss):
    """Cross-entropy of logits (N, C, ...) with class indices (N, ...) or probabilities.

    Args:
        weight: by how much each class counts, (C,), without a gradient; None: all the same.
        ignore_index: a class index whose targets do not count.
        reduction: "mean" over the targets that count, weighted by their classes; "sum"; or "none": a loss for each target.
        label_smoothing: how much of the target is spread over all classes, 0 to 1.

    >>> round(CrossEntropyLoss()(Tensor([[0.0, 0.0]]), Tensor([1])).item(), 4)
    0.6931
    """

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:  # fmt: skip
        self.weight = constant(weight)
        self.ignore_index, self.reduction = ignore_index, reduction
        self.label_smoothing = label_smoothing

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """Compare logits with classes.

        Args:
            input: the logits, (N, C), (N, C, ...), or (C,) for a single sample.
            target: class indices, integers (N, ...) from 0 to C - 1; or floating probabilities, of the shape of the input: then
                ignore_index has no effect, and the mean is over all targets, whatever their weights.
        """
        return F.cross_entropy(
            input, target, weight=self.weight, ignore_index=self.ignore_index,
            reduction=self.reduction, label_smoothing=self.label_smoothing,
        )  # fmt: skip


class LinearCrossEntropyLoss(Loss):
    """A linear map and the cross-entropy of its logits, (N, in_features) -> a number.

    Args:
        in_features: length of the inputs.
        num_classes: how many classes there are.
        out_features: further axes of the logits, (N, num_classes, *out_features), for targets (N, *out_features).
        bias: whether the linear map has one.
        device: where its parameters are, "cpu" or "cuda"; None: the default device.
        dtype: of its parameters; None: the default dtype, float32 at first.
        reduction: "mean", "sum" or "none", as in `CrossEntropyLoss`.
        weight: by how much each class counts, (num_classes,), without a gradient; None: all the same.
        ignore_index: a class index whose targets do not count; None: -100.
        label_smoothing: how much of the target is spread over all classes, 0 to 1.

    Attributes:
        linear: the map, a `Linear`.

    >>> LinearCrossEntropyLoss(3, 5)(Tensor([[1.0, 2.0, 3.0]]), Tensor([4])).shape
    ()
    """

    def __init__(
        self, in_features: int, num_classes: int, *, out_features: tuple[int, ...] = (), bias: bool = False,
        device: str | None = None, dtype: Any = None, reduction: str = "mean", weight: Any = None,
        ignore_index: int | None = None, label_smoothing: float = 0.0,
    ) -> None:  # fmt: skip
        self.weight = constant(weight)
        self.num_classes, self.out_features, self.reduction = num_classes, tuple(out_features), reduction
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing
        self.linear = Linear(in_features, prod((num_classes, *out_features)), bias, device, dtype)

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """Compare the logits of inputs with classes.

        Args:
            input: (N, in_features), or (in_features,) for a single sample.
            target: class indices, integers (N, *out_features); or probabilities, (N, num_classes, *out_features).
        """
        shape = (self.num_classes, *self.out_features)
        bias = None if self.linear.bias is None else self.linear.bias.reshape(shape)
        return F.linear_cross_entropy(
            as_input(input, self.linear.weight), self.linear.weight.reshape((*shape, self.linear.in_features)), target,
            linear_bias=bias, weight=self.weight, reduction=self.reduction, ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
        )  # fmt: skip


class NLLLoss(Loss):
    """Negative log-likelihood of class indices, from log-probabilities (N, C, ...).

    Args:
        weight: by how much each class counts, (C,), without a gradient; None: all the same.
        ignore_index: a class index whose targets do not count.
        reduction: "mean" over the targets that count, weighted by their classes; "sum"; or "none": a loss for each target.
    """

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean",
    ) -> None:  # fmt: skip
        self.weight = constant(weight)
        self.ignore_index, self.reduction = ignore_index, reduction

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """Compare log-probabilities with classes.

        Args:
            input: log-probabilities, of `LogSoftmax` say, (N, C), (N, C, ...), or (C,) for a single sample.
            target: class indices, integers (N, ...) from 0 to C - 1.
        """
        return F.nll_loss(
            input, target, weight=self.weight, ignore_index=self.ignore_index,
            reduction=self.reduction,
        )  # fmt: skip
