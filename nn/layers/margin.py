"""Losses between values, and losses that ask for a margin, as modules; what they compute is in `nn.functional.margin`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import functional as F
from .loss import Loss, constant

__all__ = [
    "CosineEmbeddingLoss", "CosineSimilarity", "HingeEmbeddingLoss", "HuberLoss", "L1Loss",
    "MarginRankingLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss",
    "PairwiseDistance", "SmoothL1Loss", "SoftMarginLoss", "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]  # fmt: skip


class L1Loss(Loss):
    """Mean absolute error.

    Args:
        reduction: "mean" of all elements, their "sum", or "none": a loss for each element.
    """

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """Compare predictions with what they should be.

        Args:
            input, target: of the same shape, whatever that is.
        """
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(Loss):
    """Absolute error whose corner is rounded by a parabola (Girshick, 2015).

    Args:
        reduction: "mean" of all elements, their "sum", or "none": a loss for each element.
        beta: the |d| at which the square goes over into the absolute value; 0: the absolute value alone.
    """

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        self.reduction, self.beta = reduction, beta

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """The loss of the differences d = input - target.

        Args:
            input, target: of the same shape, whatever that is.
        """
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Loss):
    """Squared error that goes on as a straight line, so that outliers count less (Huber, 1964).

    Args:
        reduction: "mean" of all elements, their "sum", or "none": a loss for each element.
        delta: the |d| at which the square goes over into a straight line; positive.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        self.reduction, self.delta = reduction, delta

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """The loss of the differences d = input - target.

        Args:
            input, target: of the same shape, whatever that is.
        """
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class SoftMarginLoss(Loss):
    """The logistic loss of labels 1 and -1.

    Args:
        reduction: "mean" of all elements, their "sum", or "none": a loss for each element.
    """

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """Compare scores with labels.

        Args:
            input: scores, of any shape.
            target: the labels, 1 or -1, of the same shape.
        """
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class HingeEmbeddingLoss(Loss):
    """A distance for labels of 1, what it lacks to the margin for labels of -1.

    Args:
        margin: the distance from which on a label of -1 costs nothing.
        reduction: "mean" of all elements, their "sum", or "none": a loss for each element.
    """

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        self.margin, self.reduction = margin, reduction

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """Compare distances with labels.

        Args:
            input: distances, of any shape.
            target: the labels, 1 or -1, of the same shape.
        """
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(Loss):
    """A loss of pairs in the wrong order: for a label of 1 the first is to be the larger one, for -1 the second.

    Args:
        margin: by how much the right one must be larger, for a loss of 0.
        reduction: "mean" of all elements, their "sum", or "none": a loss for each element.
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        self.margin, self.reduction = margin, reduction

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:
        """Compare an order with what it should be.

        Args:
            input1, input2: the x1 and x2, of the same shape.
            target: 1 where input1 is to be the larger one, -1 where input2 is.
        """
        return F.margin_ranking_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction,
        )  # fmt: skip


class MultiMarginLoss(Loss):
    """The multi-class hinge loss, of C classes (Crammer and Singer, 2001).

    Args:
        p: the power of each term; PyTorch knows 1 and 2 alone.
        margin: by how much the score of the class must be above the others, for a loss of 0.
        weight: by how much each class counts, (C,), without a gradient; None: all the same.
        reduction: "mean" of the rows, their "sum", or "none": a loss for each row.
    """

    def __init__(
        self, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean",
    ) -> None:  # fmt: skip
        self.weight = constant(weight)
        self.p, self.margin, self.reduction = p, margin, reduction

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """Compare scores with classes.

        Args:
            input: scores, (N, C), or (C,) for a single row.
            target: the classes, integers (N,), or () for a single one.
        """
        return F.multi_margin_loss(
            input, target, p=self.p, margin=self.margin, weight=self.weight,
            reduction=self.reduction,
        )  # fmt: skip


class MultiLabelMarginLoss(Loss):
    """The hinge loss of several labels a row; they end at the first -1.

    Args:
        reduction: "mean" of the rows, their "sum", or "none": a loss for each row.
    """

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """Compare scores with labels.

        Args:
            input: the scores, (N, C), or (C,) for a single row.
            target: the labels of each row, integers of the same shape; what follows on the first -1 does not count.
        """
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(Loss):
    """The mean over classes of the logistic losses of labels 0 and 1.

    Args:
        weight: by how much each class counts, (C,), without a gradient; None: all the same.
        reduction: "mean" of the rows, their "sum", or "none": a loss for each row.
    """

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        self.weight = constant(weight)
        self.reduction = reduction

    def forward(self, input: Any, target: Any) -> Any:  # noqa: A002
        """Compare logits with labels.

        Args:
            input: the logits, (N, C), or (C,) for a single row.
            target: 1 for each class that is there, 0 for others; of the same shape.
        """
        return F.multilabel_soft_margin_loss(
            input, target, weight=self.weight, reduction=self.reduction,
        )  # fmt: skip


class CosineEmbeddingLoss(Loss):
    """A loss of pairs that are to point the same way for labels of 1, and not for labels of -1.

    Args:
        margin: the cosine up to which a label of -1 costs nothing, from -1 to 1.
        reduction: "mean" of the pairs, their "sum", or "none": a loss for each pair.
    """

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        self.margin, self.reduction = margin, reduction

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:
        """Compare vectors pair by pair.

        Args:
            input1, input2: (N, D), or (D,) for a single pair.
            target: (N,), or (): 1 where the two are to be alike, -1 where not.
        """
        return F.cosine_embedding_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction,
        )  # fmt: skip


class TripletMarginLoss(Loss):
    """A loss of triplets whose negative is to be farther from the anchor than the positive (Balntas et al., 2016).

    Args:
        margin: by how much farther the negative must be than the positive, for a loss of 0.
        p, eps: of the distance, see `PairwiseDistance`.
        swap: take the distance of the positive to the negative in place of the anchor's where it is smaller.
        reduction: "mean" of the triplets, their "sum", or "none": a loss for each.
    """

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False,
        reduction: str = "mean",
    ) -> None:  # fmt: skip
        self.margin, self.p, self.eps, self.swap, self.reduction = margin, p, eps, swap, reduction

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        """Compare distances.

        Args:
            anchor, positive, negative: (N, D), or (D,) for a single triplet.
        """
        return F.triplet_margin_loss(
            anchor, positive, negative, margin=self.margin, p=self.p, eps=self.eps,
            swap=self.swap, reduction=self.reduction,
        )  # fmt: skip


class TripletMarginWithDistanceLoss(Loss):
    """`TripletMarginLoss` with a distance of your own.

    Args:
        distance_function: (a, b) -> their distances; None: `PairwiseDistance()`.
        margin: by how much farther the negative must be than the positive, for a loss of 0.
        swap: take the distance of the positive to the negative in place of the anchor's where it is smaller.
        reduction: "mean" of the triplets, their "sum", or "none": a loss for each.
    """

    def __init__(
        self, distance_function: Callable[[Any, Any], Any] | None = None, margin: float = 1.0,
        swap: bool = False, reduction: str = "mean",
    ) -> None:  # fmt: skip
        self.distance_function, self.margin = distance_function, margin
        self.swap, self.reduction = swap, reduction

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        """Compare distances.

        Args:
            anchor, positive, negative: what the distance function takes, (N, D) by default.
        """
        return F.triplet_margin_with_distance_loss(
            anchor, positive, negative, distance_function=self.distance_function,
            margin=self.margin, swap=self.swap, reduction=self.reduction,
        )  # fmt: skip


class CosineSimilarity(Loss):
    """The cosine of the angle between vectors along an axis.

    Args:
        axis: the axis of the vectors (PyTorch's `dim`).
        eps: the least length of a vector, so that nothing is divided by 0.
    """

    def __init__(self, axis: int = 1, eps: float = 1e-8) -> None:
        self.axis, self.eps = axis, eps

    def forward(self, x1: Any, x2: Any) -> Any:
        """The cosines, without the axis of the vectors.

        Args:
            x1, x2: arrays that broadcast to each other.
        """
        return F.cosine_similarity(x1, x2, axis=self.axis, eps=self.eps)


class PairwiseDistance(Loss):
    """The p-norm of differences along the last axis.

    Args:
        p: which norm: 1 adds the absolute values, 2 is Euclid's length, inf takes the largest one.
        eps: added to each difference, so that the norm has a gradient where x1 is x2.
        keepdims: whether the last axis stays, of length 1 (PyTorch's `keepdim`).
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdims: bool = False) -> None:
        self.p, self.eps, self.keepdims = p, eps, keepdims

    def forward(self, x1: Any, x2: Any) -> Any:
        """The distances, (N, D), (N, D) -> (N,).

        Args:
            x1, x2: arrays that broadcast to each other.
        """
        return F.pairwise_distance(x1, x2, p=self.p, eps=self.eps, keepdims=self.keepdims)
