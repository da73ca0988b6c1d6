"""Losses between values, and losses that ask for a margin, under torch.nn.functional's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor, beside, clip, getitem, raw, relu, take_along_axis, where
from minigrad.arrays import all_examples
from minigrad.backend import device_of
from minigrad.devices import apart, follow
from minigrad.hints import explain_options
from minigrad.later import check_later, in_range, refuse_later

from ..values import as_constant
from .loss import check_same_shape, difference, reduced, weighted

__all__ = [
    "cosine_embedding_loss", "cosine_similarity", "hinge_embedding_loss", "huber_loss", "l1_loss", "margin_ranking_loss",
    "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", "pairwise_distance", "pdist", "smooth_l1_loss",
    "soft_margin_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss",
]  # fmt: skip


@follow
def l1_loss(input: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Any:  # noqa: A002
    """Mean absolute error.

    out    = |input - target|
    dinput = g sign(input - target)

    Args:
        input, target: of one shape; integers count as floating numbers.
        reduction: "mean", "sum" or "none".
        weight: of each element, of the shape of the input; the mean is the weighted one.

    >>> l1_loss(np.array([1.0, 2.0]), np.array([0.0, 0.0])).item()
    1.5
    """
    return weighted("l1_loss", np.abs(difference("l1_loss", input, target)), weight, reduction)


@follow
def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:  # noqa: A002
    """Absolute error whose corner is rounded by a parabola (Girshick, 2015).

    out    = d^2 / (2 beta) where |d| < beta, else |d| - beta / 2,  d = input - target
    dinput = g d / beta where |d| < beta, else g sign(d)

    Args:
        input, target: of one shape; d is their difference.
        reduction: "mean", "sum" or "none".
        beta: where the parabola ends; 0: there is none, as in `l1_loss`.

    >>> smooth_l1_loss(np.array([0.5, 2.0]), np.array([0.0, 0.0]), "none")
    array([0.125, 1.5  ])
    """
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    d = difference("smooth_l1_loss", input, target)
    size = np.abs(d)
    return reduced(size if beta == 0 else where(raw(size) < beta, d * d / (2 * beta), size - beta / 2), reduction)


@follow
def huber_loss(
    input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None  # noqa: A002
) -> Any:  # fmt: skip
    """Squared error that goes on as a straight line, so that outliers count less (Huber, 1964).

    out    = d^2 / 2 where |d| < delta, else delta (|d| - delta / 2),  d = input - target
    dinput = g d where |d| < delta, else g delta sign(d)

    Args:
        input, target: of one shape; d is their difference.
        reduction: "mean", "sum" or "none".
        delta: where the parabola ends, larger than 0.
        weight: of each element, of the shape of the input; the mean is that over the elements.
    """
    if delta <= 0:
        raise ValueError(f"huber_loss: delta must be positive, got {delta}")
    d = difference("huber_loss", input, target)
    size = np.abs(d)
    loss = where(raw(size) < delta, d * d / 2, delta * (size - delta / 2))
    return weighted("huber_loss", loss, weight, reduction, by_weight=False)


@follow
def soft_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:  # noqa: A002
    """The logistic loss of labels 1 and -1.

    out    = log(1 + e^{-target input})
    dinput = -g target / (1 + e^{target input})

    Args:
        input: scores, of any shape.
        target: the labels, of the shape of the input.
        reduction: "mean", "sum" or "none".
    """
    check_same_shape("soft_margin_loss", input, target)
    return reduced(np.logaddexp(np.negative(target) * input, 0.0), reduction)


@follow
def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Any:  # noqa: A002
    """A distance for labels of 1, what it lacks to the margin for labels of -1.

    out    = input where target = 1, else max(0, margin - input)
    dinput = g where target = 1, else -g where input < margin, else 0

    Args:
        input: distances of pairs, say.
        target: the labels, in a shape that broadcasts to the input's.
        margin: the x from which on a label of -1 costs nothing.
        reduction: "mean", "sum" or "none".
    """
    _check_labels("hinge_embedding_loss", target)
    return reduced(where(_classes(target, input) == 1, input, clip(margin - input, 0.0, None)), reduction)


def _check_labels(name: str, target: Any) -> None:
    """Labels are 1 and -1."""
    given = all_examples(np.asarray(target) if isinstance(target, (int, float)) else raw(target))
    wrong = ~((given == 1) | (given == -1))
    words = f"{name}: labels must be 1 and -1, got some from"
    refuse_later(
        wrong, lambda least, most: ValueError(f"{words} {least:g} to {most:g}"), lambda: given.min(), lambda: given.max()
    )


@follow
def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """A loss of pairs in the wrong order: for a label of 1 the first is to be the larger one, for -1 the second.

    out = max(0, margin - target (input1 - input2))

    Args:
        input1, input2: scores, which broadcast.
        target: the labels, which broadcast to them.
        margin: by how much the right one must be larger, for a loss of 0.
        reduction: "mean", "sum" or "none".

    >>> margin_ranking_loss(np.array([1.0]), np.array([3.0]), np.array([1.0])).item()
    2.0
    """
    return reduced(clip(margin - target * np.subtract(input1, input2), 0.0, None), reduction)


def _classes(target: Any, x: Any) -> Any:
    """The array of classes or labels; of NumPy's arrays, lists and numbers beside the input.

    Raises:
        RuntimeError: a Tensor of classes is on another device.
    """
    if not isinstance(target, Tensor):
        return as_constant(target, x)
    different = apart({"input": device_of(x), "target": target.device}, "the loss")
    if different is not None:
        raise different
    return raw(target)


def _check_range(name: str, target: Any, low: int, classes: int) -> None:
    given = all_examples(target)
    if given.dtype.kind not in "iu":
        raise TypeError(f"{name}: class indices must be integers, got {given.dtype}")

    def wrong(least: Any, most: Any) -> IndexError:
        return IndexError(f"{name}: targets from {least} to {most}, but there are {classes} classes")

    if given.size:
        check_later(in_range(low, classes, wrong), given.min(), given.max())


@follow
def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"  # noqa: A002
) -> Any:  # fmt: skip
    """The multi-class hinge loss, of C classes (Crammer and Singer, 2001).

    out = 1 / C sum_{i != target} max(0, margin - input_target + input_i)^p

    Args:
        input: scores, (N, C), or (C,) for a single sample.
        target: class indices (N,), or one.
        p: the power; PyTorch takes 1 and 2 alone.
        margin: by how much the score of the target is to exceed the others.
        weight: of each class, (C,): a sample counts as much as its target does.
        reduction: "mean" over the samples, without the weights; "sum" or "none".
    """
    y = _classes(target, input)
    x, y = (input, y) if np.ndim(input) == 2 else (input[None], np.reshape(y, 1))
    classes = np.shape(x)[1]
    _check_range("multi_margin_loss", y, 0, classes)
    if weight is not None and np.shape(weight) != (classes,):
        raise ValueError(f"multi_margin_loss: weight has shape {np.shape(weight)}, the input {classes} classes")
    own = take_along_axis(x, np.expand_dims(y, 1), axis=1)  # (N, 1)
    terms = relu(margin - own + x) ** p
    if weight is not None:
        terms = terms * getitem(weight, y)[:, None]
    others = beside(np.arange(classes), y) != y[:, None]
    loss = np.sum(where(others, terms, 0.0), axis=1) / classes
    return reduced(loss if np.ndim(input) == 2 else loss[0], reduction)


@follow
def multilabel_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:  # noqa: A002
    """The hinge loss of several labels a row, of C classes; the labels end at the first -1.

    out = 1 / C sum_{y,i} max(0, 1 - input_y + input_i)    (y: the labels, i: the other classes)

    Args:
        input: scores, (N, C), or (C,) for a single sample.
        target: class indices, (N, C) or (C,), filled up with -1.
        reduction: "mean" over the samples, "sum" or "none".
    """
    y = _classes(target, input)
    x, y = (input, y) if np.ndim(input) == 2 else (input[None], y[None])
    classes = np.shape(x)[1]
    _check_range("multilabel_margin_loss", y, -1, classes)
    given = np.cumsum(y < 0, axis=1) == 0
    equal = y[:, :, None] == beside(np.arange(classes), y)  # (N, labels, C)
    is_label = np.any(equal & given[:, :, None], axis=1)
    own = take_along_axis(x, np.where(given, y, 0), axis=1)  # (N, labels)
    terms = relu(1 - own[:, :, None] + x[:, None, :])
    counted = given[:, :, None] & ~is_label[:, None, :]
    loss = np.sum(where(counted, terms, 0.0), axis=(1, 2)) / classes
    return reduced(loss if np.ndim(input) == 2 else loss[0], reduction)


@follow
def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:  # noqa: A002
    """The mean over C classes of the logistic losses of labels 0 and 1.

    out      = 1 / C sum_c (log(1 + e^{input_c}) - target_c input_c)
    dinput_c = g (sigmoid(input_c) - target_c) / C

    Args:
        input: logits, (..., C).
        target: the labels, of the shape of the input.
        weight: of each class, (C,); the mean over classes is without it.
        reduction: "mean" over the samples, "sum" or "none".
    """
    check_same_shape("multilabel_soft_margin_loss", input, target)
    loss = np.logaddexp(0.0, input) - target * input
    return reduced(np.mean(loss if weight is None else loss * weight, axis=-1), reduction)


@follow
@explain_options
def cosine_similarity(x1: Any, x2: Any, axis: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along an axis; lengths are at least eps.

    out = x1^T x2 / (|x1| |x2|)

    Args:
        x1, x2: the vectors; the other axes broadcast.
        axis: the axis of the vectors; the result is without it.
        eps: the least length.

    >>> cosine_similarity(np.array([[1.0, 0.0]]), np.array([[3.0, 4.0]]))
    array([0.6])
    """
    x1, x2 = np.broadcast_arrays(_as_row(x1), _as_row(x2))
    lengths = [np.maximum(np.linalg.norm(x, axis=axis), eps) for x in (x1, x2)]
    return np.sum(x1 * x2, axis=axis) / (lengths[0] * lengths[1])


@follow
def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Any:  # fmt: skip
    """A loss of pairs (N, D) or (D,) that are to point the same way for labels of 1, and not for labels of -1.

    out = 1 - c where target = 1, else max(0, c - margin),  c = input1^T input2 / (|input1| |input2|)

    Args:
        input1, input2: the vectors, along the last axis.
        target: the labels, (N,) or ().
        margin: the cosine up to which a label of -1 costs nothing.
        reduction: "mean", "sum" or "none".
    """
    _check_labels("cosine_embedding_loss", target)
    dot = np.sum(input1 * input2, axis=-1)
    tiny = 1e-12
    squares = [np.sum(x * x, axis=-1) + tiny for x in (input1, input2)]
    cosine = dot / np.sqrt(squares[0] * squares[1])
    return reduced(where(_classes(target, cosine) == 1, 1 - cosine, clip(cosine - margin, 0.0, None)), reduction)


@follow
@explain_options
def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdims: bool = False) -> Any:
    """The p-norm of differences along the last axis.

    out = (sum_i |x1_i - x2_i + eps|^p)^{1 / p}

    Args:
        x1, x2: vectors, (..., D); the other axes broadcast.
        p: which norm: 1 adds the absolute values, 2 is Euclid's length, inf takes the largest one.
        eps: added to every difference, so that equal vectors have a gradient.
        keepdims: the last axis stays, with length 1 (PyTorch's keepdim).

    >>> pairwise_distance(np.array([[3.0, 4.0]]), np.zeros((1, 2))).round(4)
    array([5.])
    """
    return np.linalg.norm(_as_row(np.subtract(x1, x2)) + eps, ord=p, axis=-1, keepdims=keepdims)


def _as_row(x: Any) -> Any:
    """A number as a row of one."""
    return x if np.ndim(x) else np.reshape(x, 1)


@follow
def pdist(x: Any, p: float = 2.0) -> Any:
    """The p-norms of the differences of all pairs of rows, (N, M) -> (N (N - 1) / 2,): 0 and 1, 0 and 2 ... 1 and 2 ...

    out_{i,j} = (sum_k |x_ik - x_jk|^p)^{1 / p}    (i < j)

    Args:
        x: the rows, (N, M).
        p: which norm, at least 0: 0 counts the numbers that differ, inf takes the largest difference.

    >>> pdist(np.array([[0.0], [1.0], [3.0]]))
    array([1., 3., 2.])
    """
    shape = np.shape(x)
    if len(shape) != 2 or p < 0:
        raise ValueError(f"pdist: expected rows (N, M) and p >= 0, got shape {shape} and p = {p}")
    first, second = (beside(index, x) for index in np.triu_indices(shape[0], 1))
    return np.linalg.norm(x[first] - x[second], ord=p, axis=-1)


@follow
def triplet_margin_loss(
    anchor: Any, positive: Any, negative: Any, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    """A loss of triplets whose negative is to be farther from the anchor than the positive (Balntas et al., 2016).

    out = max(0, d(anchor, positive) - d(anchor, negative) + margin)    (d: `pairwise_distance`)

    Args:
        anchor, positive, negative: (N, D) or (D,): a vector, one that is to be near it, one that is to be far.
        margin: by how much farther the negative one is to be.
        p, eps: of the distance, see `pairwise_distance`.
        swap: take the distance of the positive to the negative in place of the anchor's where it is smaller.
        reduction: "mean", "sum" or "none".
    """
    return triplet_margin_with_distance_loss(
        anchor, positive, negative, lambda a, b: pairwise_distance(a, b, p, eps), margin, swap, reduction
    )


@follow
def triplet_margin_with_distance_loss(
    anchor: Any, positive: Any, negative: Any, distance_function: Any = None, margin: float = 1.0, swap: bool = False,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    """`triplet_margin_loss` with a distance of your own.

    Args:
        anchor, positive, negative: what the distance takes: something, what is to be near it, and what is to be far.
        distance_function: called with two of them, it returns their distances; None: `pairwise_distance`.
        margin: by how much farther the negative one is to be.
        swap: take the distance of the positive to the negative in place of the anchor's where it is smaller.
        reduction: "mean", "sum" or "none".
    """
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = np.minimum(far, distance(positive, negative))
    return reduced(clip(near - far + margin, 0.0, None), reduction)
