"""Losses that are negative log-likelihoods or divergences, as modules; what they compute is in `nn.functional.likelihood`."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from .loss import Loss, constant

__all__ = ["BCELoss", "BCEWithLogitsLoss", "GaussianNLLLoss", "KLDivLoss", "PoissonNLLLoss"]


class BCELoss(Loss):
    """Binary cross-entropy of probabilities.

    Args:
        weight: by how much each element counts, broadcast to the input, without a gradient; the mean is over the elements.
        reduction: "mean" of all elements, their "sum", or "none": a loss for each element.
    """

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        self.weight = constant(weight)
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """Compare probabilities with what they should be.

        Args:
            input: probabilities, of any shape, from 0 to 1; others are an error.
            target: of the same shape: 0 and 1, or between them.
        """
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Loss):
    """Binary cross-entropy of logits, exact for large ones.

    Args:
        weight: by how much each element counts, broadcast to the input, without a gradient; the mean is over the elements.
        reduction: "mean" of all elements, their "sum", or "none": a loss for each element.
        pos_weight: how many times as much a target of 1 counts, broadcast to the input, (C,) for the classes along its last
            axis, without a gradient.

    >>> round(BCEWithLogitsLoss()(Tensor([0.0]), Tensor([1.0])).item(), 4)
    0.6931
    """

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        self.weight = constant(weight)
        self.pos_weight = constant(pos_weight)
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """Compare logits with what their sigmoids should be.

        Args:
            input: logits, of any shape.
            target: of the same shape: 0 and 1, or between them.
        """
        return F.binary_cross_entropy_with_logits(
            input, target, weight=self.weight, reduction=self.reduction,
            pos_weight=self.pos_weight,
        )  # fmt: skip


class KLDivLoss(Loss):
    """The Kullback-Leibler divergence of a target from log-probabilities.

    Args:
        reduction: "batchmean" divides the sum by the length of the first axis, which gives the divergence; "mean" by the number
            of elements; "sum"; or "none": a loss for each element.
        log_target: whether the target is a logarithm.
    """

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        self.reduction, self.log_target = reduction, log_target

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """Compare distributions.

        Args:
            input: log-probabilities.
            target: probabilities of the same shape, or with log_target their logarithms.
        """
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(Loss):
    """Negative log-likelihood of counts, given log-rates or rates, without the term of the counts alone.

    Args:
        log_input: whether the inputs are log-rates; False: they are rates, and the loss is input - target log(input + eps).
        full: add Stirling's approximation of that term.
        eps: keeps the logarithm of a rate of 0 finite.
        reduction: "mean" of all elements, their "sum", or "none": a loss for each element.
    """

    def __init__(
        self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str =
        "mean",
    ) -> None:  # fmt: skip
        self.log_input, self.full, self.eps, self.reduction = log_input, full, eps, reduction

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """Compare rates with counts.

        Args:
            input: log-rates, or rates.
            target: counts, of the same shape.
        """
        return F.poisson_nll_loss(
            input, target, log_input=self.log_input, full=self.full, eps=self.eps,
            reduction=self.reduction,
        )  # fmt: skip


class GaussianNLLLoss(Loss):
    """Negative log-likelihood of normal distributions; variances are at least eps.

    Args:
        full: add log(2 pi) / 2.
        eps: the least variance; a smaller one counts as that.
        reduction: "mean" of all elements, their "sum", or "none": a loss for each element.
    """

    def __init__(self, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        self.full, self.eps, self.reduction = full, eps, reduction

    def forward(self, input: Any, target: Any, var: Any) -> Any:  # noqa: A002
        """Compare means and variances with what came.

        Args:
            input: the means.
            target: values, of the same shape.
            var: the variances, of a shape that broadcasts to the input's, or (N,) for (N, D), one for each row; not negative.
        """
        return F.gaussian_nll_loss(
            input, target, var, full=self.full, eps=self.eps, reduction=self.reduction,
        )  # fmt: skip
