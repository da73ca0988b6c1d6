"""Losses over large vocabularies that look at a few sampled classes only."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor, concatenate, getitem, log_expit, logsumexp
from minigrad.devices import follow

from ..values import as_constant
from .embedding import embedding
from .loss import reduced

__all__ = ["negative_sampling_loss", "sampled_softmax_loss"]


@follow
def negative_sampling_loss(center: Any, context: Any, negatives: Any, reduction: str = "mean") -> Any:
    """The loss of word2vec's skip-gram with negative sampling (Mikolov et al., 2013).

    out = -log sigmoid(center^T context) - sum_k log sigmoid(-center^T negatives_k)

    Args:
        center: (N, D).
        context: (N, D).
        negatives: (N, K, D), of words that were drawn at random.
        reduction: "mean" over the rows, "sum" or "none".

    >>> negative_sampling_loss(np.zeros((1, 2)), np.ones((1, 2)), np.ones((1, 3, 2))).round(4)    # 4 log 2
    np.float64(2.7726)
    """
    positive = log_expit(np.sum(center * context, axis=-1))
    negative = np.sum(log_expit(-np.squeeze(negatives @ center[..., None], -1)), axis=-1)
    return reduced(-(positive + negative), reduction)


@follow
def sampled_softmax_loss(
    hidden: Any, weight: Any, bias: Any, target: Any, sampled: Any, log_expected: Any = None, reduction: str = "mean",
    sparse: bool = True,
) -> Any:  # fmt: skip
    """Cross-entropy over the target and some sampled classes in place of all of them (Jean et al., 2015).

    out = -log p_target,  p = softmax(hidden @ weight^T + bias - log_expected)    (over these classes alone)

    Args:
        hidden: (N, D), what the logits are computed of: hidden @ weight^T + bias.
        weight, bias: of all classes, (C, D), and (C,) or None.
        target: (N,), class indices.
        sampled: (S,), classes; one that is the target of a row does not count there.
        log_expected: (C,), the logarithm of how often each class is expected among the sampled ones; it is subtracted.
        reduction: "mean" over the rows, "sum" or "none".
        sparse: the gradient of the weight holds only the rows that were used.
    """
    targets, classes = as_constant(target, hidden), as_constant(sampled, hidden)
    own = np.sum(hidden * embedding(targets, weight, sparse=sparse), axis=-1)
    others = hidden @ np.swapaxes(embedding(classes, weight, sparse=sparse), 0, 1)
    if bias is not None:
        own, others = own + getitem(bias, targets), others + getitem(bias, classes)
    if log_expected is not None:
        if not isinstance(log_expected, Tensor):
            log_expected = as_constant(log_expected, hidden)
        own = own - getitem(log_expected, targets)
        others = others - getitem(log_expected, classes)
    others = np.where(targets[:, None] == classes, -np.inf, others)
    return reduced(logsumexp(concatenate([own[:, None], others], axis=1), axis=1) - own, reduction)
