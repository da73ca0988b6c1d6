"""Connectionist temporal classification as a module; what it computes is in `nn.functional.ctc`."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from .loss import Loss

__all__ = ["CTCLoss"]


class CTCLoss(Loss):
    """The negative log-likelihood of labels, summed over all alignments (Graves et al., 2006).

    Args:
        blank: the class that stands between labels.
        reduction: "mean" of the sequences, each loss divided by the length of its target first; "sum"; or "none": a loss for
            each sequence.
        zero_infinity: whether losses of targets that do not fit into the input count as 0; otherwise they are infinite.
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False,
    ) -> None:  # fmt: skip
        self.blank, self.reduction, self.zero_infinity = blank, reduction, zero_infinity

    def forward(self, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any) -> Any:
        """Compare log-probabilities with labels.

        Args:
            log_probs: (T, N, C), or (T, C) for a single sequence: log-probabilities of the classes at each time.
            targets: integers, (N, S), those beyond a length do not count; or all labels one after the other, (sum of lengths,).
            input_lengths: (N,), how many of the T times each sequence has; a number for a single one.
            target_lengths: (N,), how many labels each has; likewise.
        """
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, blank=self.blank,
            reduction=self.reduction, zero_infinity=self.zero_infinity,
        )  # fmt: skip
