"""Connectionist temporal classification: the likelihood of a label sequence whose alignment in time is unknown."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor, beside, raw, stack, where
from minigrad.devices import follow
from minigrad.ops.batching import one_by_one

from ..values import host
from .loss import reduced

__all__ = ["ctc_loss"]


@follow
@one_by_one("with labels or lengths of each example's own")
def ctc_loss(
    log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int = 0, reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:  # fmt: skip
    """The negative log-likelihood of labels, summed over all alignments (Graves et al., 2006).

    out = -log sum_a e^{sum_t log_probs[t, a_t]}    (a_t: the class at time t, in each alignment a of the labels)

    Args:
        log_probs: (T, N, C) or (T, C), log-probabilities of the classes at each time.
        targets: (N, S), padded, or all labels one after the other, (sum of lengths,).
        input_lengths, target_lengths: (N,), or a number each for (T, C).
        blank: the class that stands between labels.
        reduction: "mean", which divides each loss by the length of its target first; "sum" or "none".
        zero_infinity: losses of targets that do not fit into the input count as 0.

    The forward variable alpha_t(s) is the log-probability of all ways to have reached symbol s of the labels with blanks
    between them after t steps: from s itself, from s - 1, and, past a blank between different labels, from s - 2.
    """
    if np.ndim(log_probs) == 2:
        losses = ctc_loss(
            log_probs[:, None], np.reshape(raw(targets), (1, -1)), np.reshape(raw(input_lengths), 1),
            np.reshape(raw(target_lengths), 1), blank, "none", zero_infinity,
        )  # fmt: skip
        length = max(int(np.reshape(raw(target_lengths), ())), 1)
        return reduced(losses[0] / length if reduction == "mean" else losses[0], reduction)
    log_probs = log_probs if isinstance(log_probs, Tensor) else Tensor(log_probs)
    times, lengths = host(input_lengths), host(target_lengths)
    targets = host(targets)
    if targets.dtype.kind not in "iu":
        raise TypeError(f"ctc_loss: labels must be integers, got {targets.dtype}: write targets.astype(int)")
    _check_lengths(lengths, targets, log_probs.shape[1])
    labels = _padded(targets, lengths)
    _check(log_probs.shape, times, labels)
    steps = np.arange(log_probs.shape[0])[:, None]
    if (times < log_probs.shape[0]).any():  # what is beyond an input's length has no influence
        log_probs = where(beside(steps < times, log_probs)[..., None], log_probs, 0.0)
    history, never = _forward_variables(log_probs, labels, blank)
    each = np.arange(log_probs.shape[1])
    last = history[times, each]  # (N, 2S + 1), each at the end of its input
    at_blank = last[each, 2 * lengths]
    at_label = last[each, np.maximum(2 * lengths - 1, 0)]
    at_label = where(beside(lengths > 0, last), at_label, never)
    loss = -np.logaddexp(at_blank, at_label)
    impossible = raw(loss) > -never / 2
    loss = where(impossible, 0.0 if zero_infinity else np.inf, loss)
    if reduction == "mean":
        loss = loss / beside(np.maximum(lengths, 1).astype(loss.dtype), loss)
    return reduced(loss, reduction)


def _check_lengths(lengths: np.ndarray, targets: np.ndarray, batch: int) -> None:
    """Refuse target lengths that are not those of the targets."""
    if targets.dtype.kind not in "iu" or lengths.dtype.kind not in "iu":
        raise TypeError(f"ctc_loss: targets and lengths must be integers, got {targets.dtype} and {lengths.dtype}")
    if lengths.shape != (batch,) or lengths.min(initial=0) < 0:
        raise ValueError(f"ctc_loss: target lengths {lengths} for {batch} sequences")
    if targets.ndim == 2 and (len(targets) != batch or lengths.max(initial=0) > targets.shape[1]):
        raise ValueError(f"ctc_loss: target lengths {lengths} do not fit targets of shape {targets.shape}")
    if targets.ndim == 1 and lengths.sum() != len(targets):
        raise ValueError(f"ctc_loss: target lengths {lengths} sum to {lengths.sum()}, but there are {len(targets)} labels")


def _check(shape: tuple[int, ...], times: np.ndarray, labels: np.ndarray) -> None:
    """Refuse labels that are no classes, and inputs longer than there are."""
    steps, batch, classes = shape
    if len(labels) != batch:
        raise ValueError(f"ctc_loss: labels for {len(labels)} sequences, but there are {batch}")
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise IndexError(f"ctc_loss: labels from {labels.min()} to {labels.max()}, but there are {classes} classes")
    if times.shape != (batch,) or times.min(initial=0) < 0 or times.max(initial=0) > steps:
        raise ValueError(f"ctc_loss: input lengths {times} do not fit {batch} inputs of {steps} steps")


def _forward_variables(log_probs: Any, labels: np.ndarray, blank: int) -> tuple[Any, float]:
    """alpha after 0 to T steps, (T + 1, N, 2S + 1), and the number that stands there for the logarithm of 0."""
    symbols = np.full_like(labels, blank, int, shape=(len(labels), 2 * labels.shape[1] + 1))
    symbols[:, 1::2] = labels
    may_skip = np.zeros_like(symbols, bool)
    may_skip[:, 3::2] = labels[:, 1:] != labels[:, :-1]
    never = np.finfo(log_probs.dtype).min / 4  # a probability of 0 whose arithmetic stays finite
    emitted = log_probs[:, np.arange(len(labels))[:, None], symbols]  # (T, N, 2S + 1)
    may_skip = beside(may_skip, emitted)
    none = np.where(np.arange(symbols.shape[1]) < 1, 0.0, never).astype(log_probs.dtype)
    alpha: Any = beside(np.broadcast_to(none, symbols.shape), emitted)  # without a step only no label is possible
    history = [alpha]
    for t in range(len(emitted)):
        one = np.pad(alpha, ((0, 0), (1, 0)), constant_values=never)[:, :-1]
        two = np.pad(alpha, ((0, 0), (2, 0)), constant_values=never)[:, :-2]
        alpha = np.logaddexp(np.logaddexp(alpha, one), where(may_skip, two, never)) + emitted[t]
        history.append(alpha)
    return stack(history), never


def _padded(targets: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Targets as rows of equal length; what is beyond each one's own length does not matter."""
    if targets.ndim == 2:
        within = np.arange(targets.shape[1]) < lengths[:, None]
        return np.where(within, targets, 0)[:, : lengths.max(initial=0)]
    rows = np.zeros_like(targets, shape=(len(lengths), int(lengths.max(initial=0))))
    rows[np.arange(rows.shape[1]) < lengths[:, None]] = targets
    return rows
