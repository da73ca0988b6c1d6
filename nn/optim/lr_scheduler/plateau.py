"""A schedule that waits for a metric to stop improving."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any, ClassVar

from ...checks import number
from ...settings import brief, settings
from ..optimizer import Optimizer
from .base import LRScheduler, for_each_group, write

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """Multiply the learning rates by a factor when a metric has not improved for `patience` steps.

    Args:
        mode: "min" or "max", which way is better.
        factor: what the rates are multiplied by, below 1.
        patience: after how many steps without an improvement the next one reduces the rates.
        threshold, threshold_mode: how much better counts: "rel" as a part of the best value, "abs" as a difference.
        cooldown: steps after a reduction in which nothing is counted.
        min_lr: the rates do not fall below it; one number, or one for each group.
        eps: a reduction by less than this is left out.

    >>> from nn.optim import SGD
    >>> schedule = ReduceLROnPlateau(SGD([Tensor([1.0], requires_grad=True)], lr=1.0), patience=1)
    >>> for loss in (1.0, 1.0, 1.0): schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.1]
    """

    per_group: ClassVar = (*LRScheduler.per_group, "min_lrs")
    counters: ClassVar = {**LRScheduler.counters, "num_bad_epochs": 0, "cooldown_counter": 0}

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10, threshold: float = 1e-4,
        threshold_mode: str = "rel", cooldown: int = 0, min_lr: float | Sequence[float] = 0.0, eps: float = 1e-8,
    ) -> None:  # fmt: skip
        self.mode, self.factor, self.patience, self.eps = mode, factor, patience, eps
        self.threshold, self.threshold_mode, self.cooldown = threshold, threshold_mode, cooldown
        self.best, self.num_bad_epochs, self.cooldown_counter = inf if mode == "min" else -inf, 0, 0
        self._one_minimum = not isinstance(min_lr, (list, tuple))
        super().__init__(optimizer)
        self.min_lrs = for_each_group(min_lr, optimizer, "ReduceLROnPlateau", "min_lr")

    def check(self) -> None:
        if self.mode not in ("min", "max") or self.threshold_mode not in ("rel", "abs") or not self.factor < 1:
            raise ValueError(
                f"ReduceLROnPlateau: mode 'min' or 'max', threshold_mode 'rel' or 'abs', factor < 1; got {self.mode!r}, "
                f"{self.threshold_mode!r}, {self.factor}"
            )

    def initial_rates(self) -> list[float]:
        """The present ones; the groups need not remember them."""
        return [number(group["lr"]) for group in self.optimizer.param_groups]

    def begin(self) -> None:
        """There is no metric yet."""
        self.last_epoch = 0

    def add_group(self, group: dict[str, Any]) -> None:
        if not self._one_minimum:
            groups = len(self.optimizer.param_groups)
            raise ValueError(f"ReduceLROnPlateau: {len(self.min_lrs)} values of min_lr for {groups} groups")
        self.min_lrs.append(self.min_lrs[0] if self.min_lrs else 0.0)
        self.base_lrs.append(number(group["lr"]))

    def _is_better(self, value: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "abs" or self.best in (inf, -inf):
            return sign * value < sign * self.best - (self.threshold if self.threshold_mode == "abs" else 0.0)
        return sign * value < sign * self.best * (1 - sign * self.threshold)

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]  # PyTorch's
        """Take up the metric of an epoch."""
        value = number(metrics)
        self._take_up_new_groups()
        self._step_count += 1
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(value):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = [number(group["lr"]) for group in self.optimizer.param_groups]

    def _reduce(self) -> None:
        for group, least in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
            present = number(group["lr"])
            lr = max(present * self.factor, least)
            if present - lr > self.eps:
                write(group, "lr", lr)

    def __repr__(self) -> str:
        hidden = ("last_epoch", "best", "num_bad_epochs", "cooldown_counter")
        options = settings(self, *hidden, *self.not_saved, *(n for n in self.per_group if n != "min_lrs"))
        seen = f"step {self.last_epoch}, best {self.best}, lr {brief(self.get_last_lr())}"
        return f"ReduceLROnPlateau({options}; {seen})"
