"""Reduction: whether the loss of a batch is the mean over its examples or their sum, of which processes have shares."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor, no_grad, raw, tree_map

from .. import distributed

__all__ = ["Reduction"]

SAY = 'say Trainer(..., reduction="mean"), or "sum"'


class Reduction:
    """How the losses of shares make the loss of the whole batch.

    Args:
        said: "mean" or "sum", which counts where the losses are neither; None: that is an error.
        looks: compare the first loss of each pass over the data with that of the whole batch.

    Attributes:
        is_sum: whether the losses of shares are added up.
    """

    def __init__(self, said: str | None, looks: bool) -> None:
        self.said, self.looks, self.is_due = said, looks, looks
        self.is_sum = said == "sum"
        self._is_found = said is not None
        self._last: Any = None

    def loss(self, function: Any, out: Any, target: Any) -> Any:
        """The loss of a share, which all processes compute.

        Raises:
            ValueError: it is neither a mean over examples nor their sum, or no longer what it was; in all processes.
        """
        self._last = function(out, target)
        if self.is_due:
            self._look(function, out, target)
        return self._last

    def check(self, loss: Any) -> None:
        """Raise ValueError for a loss that was not looked at.

        Raises:
            ValueError: it is another one.
        """
        if self.looks and loss is not self._last:
            raise ValueError(
                "Trainer: training_step returns another loss than the Trainer's training_step, so that it is not known whether "
                f"it is a mean over the examples of a batch: {SAY}"
            )

    def whole(self, counts: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The losses of whole batches, and their examples, from those of this process; all processes call it."""
        parts = losses if self.is_sum else counts * losses
        total, rows = distributed.all_reduce(np.stack([np.where(counts, parts, 0.0), counts]))  # a mean of nothing is NaN
        return total if self.is_sum else total / np.maximum(rows, 1), rows

    @no_grad()
    def _look(self, function: Any, out: Any, target: Any) -> None:
        own = tree_map(lambda x: x.detach() if isinstance(x, Tensor) else x, [out, target])
        try:
            loss = float(function(*tree_map(_joined, *distributed.all_gather(own))))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"Trainer: outputs and targets of the processes cannot be put together along their first axis ({error}), so that "
                f"it is not known whether the loss is a mean over the examples of a batch: {SAY}"
            ) from error
        every = distributed.all_gather(np.array([len(target), float(self._last)]))
        counts, parts = np.array([pair for pair in every if pair[0]]).T
        found = {"mean": (counts * parts).sum() / counts.sum(), "sum": parts.sum()}
        fits = [name for name, value in found.items() if np.isclose(value, loss, 2e-3, 1e-6)]
        fits = [name for name in found if distributed.broadcast(name in fits)]  # as the first process rounds
        self.is_due = False
        if len(fits) == 2 or not np.isfinite(loss):  # one process has all examples, say: both are right
            return
        kind = fits[0] if fits else self.said
        if kind is None or (self._is_found and self.is_sum != (kind == "sum")):
            raise ValueError(
                f"Trainer: the loss of a whole batch is {loss:.6g}, but those of the processes' shares, with "
                f"{counts.astype(int).tolist()} examples, have the mean {found['mean']:.6g} and the sum {found['sum']:.6g}. With "
                "distributed=True a loss is a mean over examples, or their sum: one over something else (class weights, tokens "
                "that are not padding) trains as a sum, divided by a number that all batches share. Where the loss draws "
                f"random numbers, {SAY}"
            )
        self.is_sum, self._is_found = kind == "sum", True


def _joined(*parts: Any) -> Any:
    """Shares of an array as the whole."""
    return Tensor(np.concatenate([raw(x) for x in parts])) if isinstance(parts[0], Tensor) else np.concatenate(parts)
