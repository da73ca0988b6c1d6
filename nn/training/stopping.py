"""EarlyStopping: the end of a training that gets no better."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import Tensor

from ..checks import COUNT, NUMBER, Kind, checked_state

if TYPE_CHECKING:
    from .trainer import Trainer

__all__ = ["EarlyStopping"]


def _are_weights(value: Any) -> bool:
    return value is None or (
        isinstance(value, dict) and all(isinstance(v, Tensor) for v in value.values())
    )


def _shapes(weights: Any) -> dict[str, tuple[int, ...]]:
    return {name: np.shape(w) for name, w in weights.items()} if isinstance(weights, dict) else {}


WEIGHTS = Kind("None or a dict of Tensors", _are_weights)


class EarlyStopping:
    """Stop when a value of the history has not improved for `patience` epochs.

    Its state is part of a checkpoint.

    Args:
        monitor: the name of the value, "val_loss" say.
        patience: after how many epochs in a row without a better value the training ends.
        mode: "min" or "max", which way is better.
        restore_best: put the weights of the best epoch back at the end.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 5,
        mode: str = "min",
        restore_best: bool = True,
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"EarlyStopping: mode must be 'min' or 'max', got {mode!r}")
        self.monitor, self.patience, self.restore_best = monitor, patience, restore_best
        self.sign = 1 if mode == "min" else -1
        self.best, self.bad_epochs = inf, 0
        self.weights: dict[str, Tensor] | None = None

    def __call__(self, trainer: Trainer) -> bool:
        """After each epoch: whether to stop."""
        row = trainer.history[-1]
        if self.monitor not in row:
            found = ", ".join(row)
            raise KeyError(f"EarlyStopping watches {self.monitor!r}, but the history has {found}")
        value = self.sign * row[self.monitor]
        if value < self.best:
            self.best, self.bad_epochs = value, 0
            if self.restore_best:
                self.weights = {k: v.clone() for k, v in trainer.model.state_dict().items()}
            return False
        self.bad_epochs += 1
        if self.bad_epochs < self.patience:
            return False
        if self.weights is not None:
            trainer.model.load_state_dict(self.weights)
        return True

    def state_dict(self) -> dict[str, Any]:
        """The best value and weights, and the count of epochs since."""
        return {"best": self.best, "bad_epochs": self.bad_epochs, "weights": self.weights}

    def check_state(self, state: Any, checkpoint: Mapping[str, Any]) -> None:
        """Look whether the best weights of a state are those of the model in its checkpoint.

        Raises:
            ValueError: they are not.
        """
        best = state.get("weights") if isinstance(state, dict) else None
        if best is not None and _shapes(best) != _shapes(checkpoint.get("model")):
            raise ValueError("the best weights of EarlyStopping are those of another network")

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was called.

        Raises:
            ValueError: where this is no state of an EarlyStopping; nothing is changed then.
        """
        kinds = {"best": NUMBER, "bad_epochs": COUNT, "weights": WEIGHTS}
        vars(self).update(checked_state("EarlyStopping", state, **kinds))
