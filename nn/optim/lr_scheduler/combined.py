"""Schedules made of schedules: one after the other, or several at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...checks import number
from ..optimizer import Optimizer
from .base import LRScheduler, write
from .plateau import ReduceLROnPlateau

__all__ = ["ChainedScheduler", "SequentialLR"]


class _Combined(LRScheduler):
    """What both share: the schedules, and their states within its own."""

    not_saved: ClassVar = (*LRScheduler.not_saved, "schedulers")
    schedulers: list[LRScheduler]

    def _take(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> Optimizer:
        """Remember the schedules; the optimizer of them all."""
        kind, self.schedulers = type(self).__name__, list(schedulers)
        if not self.schedulers:
            raise ValueError(f"{kind} needs at least one schedule")
        optimizer = self.schedulers[0].optimizer if optimizer is None else optimizer
        for i, schedule in enumerate(self.schedulers):
            if schedule.optimizer is not optimizer:
                raise ValueError(f"{kind}: schedule {i} is of another optimizer")
            if isinstance(schedule, ReduceLROnPlateau):
                raise ValueError(f"{kind}: ReduceLROnPlateau needs a metric in each step; call its step() yourself")
        return optimizer

    def __repr__(self) -> str:
        inner = ", ".join(map(repr, self.schedulers))
        return f"{type(self).__name__}([{inner}]; step {self.last_epoch}, lr {self.get_last_lr()})"

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "_schedulers": [schedule.state_dict() for schedule in self.schedulers]}

    def accepted_state(self, state: Mapping[str, Any]) -> dict[str, Any]:
        known = super().accepted_state(state)
        inner = state.get("_schedulers")
        if not isinstance(inner, (list, tuple)) or len(inner) != len(self.schedulers):
            raise ValueError(f"{type(self).__name__}: the state must have {len(self.schedulers)} of '_schedulers'")
        known["_schedulers"] = [s.accepted_state(part) for s, part in zip(self.schedulers, inner, strict=True)]
        return known

    def take_state(self, known: dict[str, Any]) -> None:
        for schedule, part in zip(self.schedulers, known.pop("_schedulers"), strict=True):
            schedule.take_state(part)
        super().take_state(known)


class SequentialLR(_Combined):
    """One schedule after the other: the next begins, at its own step 0, at each milestone.

    Args:
        schedulers: the schedules, all of this optimizer.
        milestones: the steps at which the second one begins, the third one ..., one fewer than schedules.

    >>> from nn.optim import SGD
    >>> from nn.optim.lr_scheduler import ExponentialLR, LinearLR
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> warm_up, decay = LinearLR(optimizer, 0.5, total_iters=2), ExponentialLR(optimizer, 0.5)
    >>> schedule = SequentialLR(optimizer, [warm_up, decay], [2])
    >>> for _ in range(3): schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:  # fmt: skip
        self._take(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedules need {len(schedulers) - 1} milestones, got {len(milestones)}"
            )
        self.milestones = list(milestones)
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        if self.milestones != sorted(self.milestones):
            raise ValueError(f"SequentialLR: milestones must grow, got {self.milestones}")

    def begin(self) -> None:
        """Take back the steps that the schedules did when they were made; the first one does its own again."""
        for group in self.optimizer.param_groups:
            write(group, "lr", number(group["initial_lr"]))
        for schedule in self.schedulers:
            _take_back(schedule)
        first = self.schedulers[0]
        first.is_initial = True
        first.step()
        first.is_initial = False
        self.last_epoch += 1
        self._step_count += 1
        self._last_lr = self.schedulers[0].get_last_lr()

    def step(self, epoch: float | None = None) -> None:
        """Go on to the next learning rate."""
        if epoch is not None:
            self._jump(int(epoch))
            return
        self._take_up_new_groups()
        self.last_epoch += 1
        self._step_count += 1
        i = bisect_right(self.milestones, self.last_epoch)
        current = self.schedulers[i]
        if i > 0 and self.milestones[i - 1] == self.last_epoch:
            current.step(0)
        else:
            current.step()
        self._last_lr = current.get_last_lr()

    def _jump(self, epoch: int) -> None:
        self._take_up_new_groups()
        i = bisect_right(self.milestones, epoch)
        self.last_epoch = epoch
        self._step_count += 1
        self.schedulers[i].step(epoch - (self.milestones[i - 1] if i else 0))
        self._last_lr = self.schedulers[i].get_last_lr()


def _take_back(schedule: LRScheduler) -> None:
    """Make a schedule begin anew with its next step."""
    schedule.last_epoch -= 1
    for inner in getattr(schedule, "schedulers", ()):
        _take_back(inner)


class ChainedScheduler(_Combined):
    """Schedules at the same time: each changes what the one before it left, so their factors multiply.

    Args:
        schedulers: the schedules, all of one optimizer.
        optimizer: that one; None: that of the first schedule.
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        super().__init__(self._take(schedulers, optimizer))

    def accepted_state(self, state: Mapping[str, Any]) -> dict[str, Any]:
        inner = state.get("_schedulers") if isinstance(state, Mapping) else None
        if inner and "last_epoch" not in state and isinstance(inner[0], Mapping):  # PyTorch's does not count
            state = {**state, "last_epoch": inner[0].get("last_epoch")}
        return super().accepted_state(state)

    def begin(self) -> None:
        """The schedules did their first steps when they were made."""
        self.last_epoch += 1
        self._step_count += 1

    def step(self, epoch: float | None = None) -> None:
        """A step of each."""
        self._take_up_new_groups()
        for schedule in self.schedulers:
            schedule.step(epoch)
        self.last_epoch = self.last_epoch + 1 if epoch is None else int(epoch)
        self._step_count += 1
        self._last_lr = self.schedulers[-1].get_last_lr()
