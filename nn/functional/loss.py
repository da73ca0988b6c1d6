"""Losses: as functions here, as modules in `nn.layers.loss`.

Formulas are those of one element, or of one example where they are about classes: what reduction="none" gives.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad import Tensor, log_softmax, primitive, raw, take_along_axis
from minigrad.arrays import all_examples
from minigrad.devices import follow
from minigrad.hints import explain_options
from minigrad.kernels import accelerated
from minigrad.later import check_later, in_range, perhaps_any
from minigrad.ops.select import overwritten

from ..values import as_tensor

__all__ = ["cross_entropy", "linear_cross_entropy", "mse_loss", "nll_loss"]


def reduced(loss: Any, reduction: str, weight: Any = None) -> Any:
    """Losses of single elements as their mean (weighted), their sum, or as they are.

    The mean of none is NaN, without NumPy's warning: a rank may have none of the examples of a step.
    """
    if reduction == "none":
        return loss
    if reduction == "sum":
        return np.sum(loss)
    if reduction == "mean":
        if not prod(np.shape(loss)):
            return np.sum(loss) + np.nan
        return np.mean(loss) if weight is None else np.sum(loss) / np.sum(weight)
    raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


def check_same_shape(name: str, x: Any, target: Any) -> None:
    """An error where a loss compares an input with a target of another shape."""
    if np.shape(x) != np.shape(target):
        shapes = f"input has shape {np.shape(x)}, target {np.shape(target)}"
        raise ValueError(f"{name}: {shapes}; they must be the same")


def difference(name: str, x: Any, target: Any) -> Any:
    """x - target, of one shape; integers as floating numbers, since differences of them may overflow."""
    check_same_shape(name, x, target)
    return np.subtract(*(floating(v) for v in (x, target)))


def floating(x: Any) -> Any:
    """x, integers and booleans as float64."""
    x = x if hasattr(x, "dtype") else np.asarray(x)
    return x.astype(np.float64) if x.dtype.kind in "iub" else x


def weighted(name: str, loss: Any, weight: Any, reduction: str, by_weight: bool = True) -> Any:
    """Losses of single elements times their weights, reduced; the mean is that of the weights, or of the elements."""
    if weight is None:
        return reduced(loss, reduction)
    if np.shape(weight) != np.shape(loss):
        raise ValueError(f"{name}: weight has shape {np.shape(weight)}, the input {np.shape(loss)}; they must be the same")
    return reduced(loss * weight, reduction, weight if by_weight else None)


@follow
@explain_options
def mse_loss(input: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Tensor:  # noqa: A002
    """Mean squared error; the shapes must agree.

    out    = (input - target)^2
    dinput = 2 g (input - target)

    Args:
        input, target: of one shape; integers count as floating numbers.
        reduction: "mean", "sum" or "none".
        weight: of each element, of the shape of the input; the mean is the weighted one.

    >>> mse_loss(Tensor([1.0, 2.0]), Tensor([0.0, 0.0])).item()
    2.5
    """
    return weighted("mse_loss", np.square(difference("mse_loss", input, target)), weight, reduction)


def _class_weights(target: Any, weight: Any, ignore_index: int, dtype: Any) -> Any:
    """The weight of each target's class, 0 for ignored ones; (N, ...)."""
    ignored = target == ignore_index
    if weight is None:
        return (~ignored).astype(dtype)
    return np.where(ignored, 0.0, weight[np.where(ignored, 0, target)])


def _counted(ignored: Any, values: Any) -> Any:
    """Values, 0 for ignored targets, also where they are NaN or infinite."""
    return np.where(ignored, 0.0, values)


def _by_log_softmax(
    logits: Any, target: Any, weight: Any, ignore_index: int, reduction: str, label_smoothing: float = 0.0
) -> Any:
    """The readable form: -(1 - s) w_y log p_y - s / C sum_c w_c log p_c."""
    ignored = raw(target) == ignore_index
    logits = overwritten(logits, np.expand_dims(ignored, 1), 0.0)  # no gradient of a row that does not count, NaN neither
    log_p = log_softmax(logits, axis=1)
    safe = np.where(ignored, 0, target)
    each = _class_weights(target, weight, ignore_index, log_p.dtype)
    own = np.squeeze(take_along_axis(log_p, np.expand_dims(safe, 1), axis=1), 1)
    loss = _counted(ignored, -each * own)
    if label_smoothing:
        weighted = log_p if weight is None else log_p * _per_class(weight, log_p.ndim)
        spread = _counted(ignored, -np.sum(weighted, axis=1))
        loss = (1 - label_smoothing) * loss + label_smoothing / log_p.shape[1] * spread
    return reduced(loss, reduction, each)


def _per_class(weight: Any, ndim: int) -> Any:
    return np.reshape(weight, (-1, *(1,) * (ndim - 2)))


def _fused_rule(g: Any, needs: Any, logits: Any, target: Any, weight: Any, lse: Any, ignore_index: int, reduction: str) -> Any:
    return [_slope(logits, target, weight, lse, g, ignore_index, reduction)]


@accelerated("cross_entropy_slope")
def _slope(logits: Any, target: Any, weight: Any, lse: Any, g: Any, ignore_index: int, reduction: str) -> Any:
    """softmax - one-hot, scaled: the reason for the fused op."""
    each = _class_weights(target, weight, ignore_index, logits.dtype)
    ignored = target == ignore_index
    if reduction == "mean":
        total = np.sum(each)
        g = g / (total + np.all(ignored))  # where nothing counts, 1 in place of 0
    scale = np.expand_dims(each * g, 1)
    p = np.exp(logits - lse)
    p *= scale
    at = np.expand_dims(np.where(ignored, 0, target), 1)
    np.put_along_axis(p, at, np.take_along_axis(p, at, 1) - scale, 1)
    return _counted(np.expand_dims(ignored, 1), p) if perhaps_any(all_examples(ignored)) else p


def _ignores_some(target: Any, ignore_index: int) -> bool:
    """Whether the op is a masking one (see `minigrad.masked`)."""
    return bool(np.any(all_examples(target == ignore_index)))


@primitive(
    method=False, joint=_fused_rule, masks=_ignores_some, inputs=("logits",), extras=("lse",), composite=_by_log_softmax,
    name="cross_entropy",
)  # fmt: skip
@accelerated("cross_entropy")
def _cross_entropy(logits: Any, target: Any, weight: Any, ignore_index: int, reduction: str) -> Any:
    """Softmax and negative log-likelihood in one.

    out     = w (log sum_c e^{logits_c} - logits_target)
    dlogits = g w (softmax(logits) - onehot(target)),  w = the weight of the row

    The weight of a row is that of its class, for "mean" divided by the sum of all of them.
    """
    top = np.max(logits, axis=1, keepdims=True)
    lse = np.log(np.sum(np.exp(logits - top), axis=1, keepdims=True)) + top
    each = _class_weights(target, weight, ignore_index, logits.dtype)
    ignored = target == ignore_index
    at = np.expand_dims(np.where(ignored, 0, target), 1)
    loss = _counted(ignored, each * np.squeeze(lse - np.take_along_axis(logits, at, axis=1), 1))
    return reduced(loss, reduction, each), lse


@follow
@explain_options
def cross_entropy(
    input: Any,  # noqa: A002
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of logits, as torch.nn.functional.cross_entropy.

    out    = -log p_target,  p = softmax(input)
    dinput = g (p - onehot(target))
    out    = -sum_c target_c log p_c    (a target of probabilities)

    Args:
        input: logits (N, C), (N, C, d1, ...) or (C,) for a single sample.
        target: class indices (N, d1, ...), or probabilities of the shape of the input.
        weight: of each class, (C,); it has a gradient too.
        ignore_index: a target that does not count.  Where no target counts the mean is NaN, its gradient 0.
        reduction: "mean" (weighted by the classes of the targets), "sum" or "none".
        label_smoothing: how much of the target is spread over all classes, 0 to 1.

    >>> round(cross_entropy(Tensor([[0.0, 0.0]]), Tensor([1])).item(), 4)
    0.6931
    """
    if not 0 <= raw(label_smoothing) <= 1:
        raise ValueError(f"cross_entropy: label_smoothing must lie between 0 and 1, got {label_smoothing}")
    logits = _tensor(input)
    target = as_tensor(target, logits)
    if logits.ndim == 1:
        loss = cross_entropy(logits[None], target[None], weight, ignore_index, reduction, label_smoothing)
        return loss[0] if reduction == "none" else loss
    weight = _weight_of_classes("cross_entropy", weight, logits)
    if target.dtype.kind == "f":
        if target.shape != logits.shape:
            raise ValueError(
                f"cross_entropy: a floating target is one probability for each class, of the shape {logits.shape} of the "
                f"logits; this one has shape {target.shape}. Class labels are integers: write target.astype(int)"
            )
        target = target * (1 - label_smoothing) + label_smoothing / logits.shape[1]
        log_p = log_softmax(logits, axis=1) * target
        loss = -np.sum(log_p if weight is None else log_p * _per_class(weight, logits.ndim), axis=1)
        return reduced(loss, reduction)
    _check_classes("cross_entropy", logits, target, ignore_index)
    if label_smoothing or (weight is not None and weight.requires_grad):
        return _by_log_softmax(logits, target, weight, ignore_index, reduction, label_smoothing)
    return _cross_entropy(logits, target, weight, ignore_index, reduction)


@follow
def linear_cross_entropy(
    input: Any, linear_weight: Any, target: Any, *, linear_bias: Any = None, weight: Any = None,  # noqa: A002
    reduction: str = "mean", ignore_index: int | None = None, label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """Cross-entropy of the logits that a linear map gives.

    out = -log p_target,  p = softmax(input @ linear_weight^T + linear_bias)

    Args:
        input: (N, D), or (D,) for a single sample.
        linear_weight, linear_bias: of the map, (C, D) and (C,); or (C, d1, ..., D) and (C, d1, ...), for targets (N, d1, ...).
        target: class indices, or probabilities of the shape of the logits.
        weight: of each class, (C,).
        reduction: "mean" (weighted by the classes of the targets), "sum" or "none".
        ignore_index: a class index that does not count; -100 by default.
        label_smoothing: how much of the target is spread over all classes, 0 to 1.

    >>> round(linear_cross_entropy(Tensor([[1.0, 2.0]]), Tensor([[1.0, 0.0], [1.0, 0.0]]), Tensor([1])).item(), 4)
    0.6931
    """
    x = _tensor(input)
    weights = as_tensor(linear_weight, x)
    shape = weights.shape
    if x.ndim not in (1, 2) or len(shape) < 2 or x.shape[-1] != shape[-1] or (len(shape) > 2 and x.ndim == 1):
        raise ValueError(f"linear_cross_entropy: input of shape {x.shape} and linear_weight of shape {shape} do not fit")
    logits = np.reshape(x @ np.reshape(weights, (prod(shape[:-1]), shape[-1])).T, (*x.shape[:-1], *shape[:-1]))
    logits = logits if linear_bias is None else logits + linear_bias
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(logits, target, weight, ignored, reduction, label_smoothing)


@follow
@explain_options
def nll_loss(input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Tensor:  # noqa: A002
    """Negative log-likelihood of class indices.

    out    = -input_target
    dinput = -g onehot(target)

    Args:
        input: log-probabilities, (N, C, ...), or (C,) for a single sample.
        target: class indices from 0 to C - 1, (N, ...) or ().
        weight: of each class, (C,).
        ignore_index: a target that does not count.
        reduction: "mean" (weighted by the classes of the targets), "sum" or "none".

    >>> nll_loss(Tensor([[-0.5, -1.0]]), Tensor([1])).item()
    1.0
    """
    log_p = _tensor(input)
    target = as_tensor(target, log_p)
    if log_p.ndim == 1:
        loss = nll_loss(log_p[None], target[None], weight, ignore_index, reduction)
        return loss[0] if reduction == "none" else loss
    _check_classes("nll_loss", log_p, target, ignore_index)
    weight = _weight_of_classes("nll_loss", weight, log_p)
    each = _class_weights(target, weight, ignore_index, log_p.dtype)
    ignored = target.data == ignore_index
    at = np.expand_dims(np.where(ignored, 0, target), 1)
    own = np.squeeze(take_along_axis(log_p, at, axis=1), 1)
    return reduced(_counted(ignored, -each * own), reduction, each)


def _tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else Tensor(x)


def _weight_of_classes(name: str, weight: Any, logits: Tensor) -> Tensor | None:
    """The weights of the classes as a Tensor, (C,)."""
    if weight is None:
        return None
    weight, classes = as_tensor(weight, logits), logits.shape[1]
    if weight.shape != (classes,):
        raise ValueError(f"{name}: weight has shape {weight.shape}, the input {classes} classes: expected ({classes},)")
    return weight


def _check_classes(name: str, logits: Tensor, target: Tensor, ignore_index: int) -> None:
    """Complain about targets of a wrong shape, dtype or range."""
    if target.dtype.kind not in "iu":
        raise TypeError(f"{name}: class indices must be integers, got {target.dtype}: write target.astype(int)")
    expected = (logits.shape[0], *logits.shape[2:])
    if target.shape != expected:
        raise ValueError(f"{name}: input of shape {logits.shape} needs targets of shape {expected}, got {target.shape}")
    classes = logits.shape[1]
    given = all_examples(target.data)
    if not given.size or (isinstance(given, np.ndarray) and given.min() >= 0 and given.max() < classes):
        return
    counted = np.where(given == ignore_index, 0, given)

    def wrong(low: Any, high: Any) -> IndexError:
        return IndexError(f"{name}: target {int(low if low < 0 else high)} is out of range for {classes} classes")

    check_later(in_range(0, classes, wrong), counted.min(), counted.max())
