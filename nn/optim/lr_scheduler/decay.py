"""Schedules that multiply by a factor: steps, powers, lines, functions of one's own."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ...checks import number
from ..optimizer import Optimizer
from .base import LRScheduler

__all__ = [
    "ConstantLR", "ExponentialLR", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "PolynomialLR", "StepLR",
]  # fmt: skip


class LambdaLR(LRScheduler):
    """base_lr f(t); one function, or one for each group.

    The functions are not in the state: give the same ones to a schedule that goes on.

    Args:
        lr_lambda: f, a function of the number of steps; or a list of as many as there are groups.

    >>> from nn.optim import SGD
    >>> schedule = LambdaLR(SGD([Tensor([1.0], requires_grad=True)], lr=2.0), lambda t: 1 / (1 + t))
    >>> schedule.step(); schedule.get_last_lr()
    [1.0]
    """

    not_saved: ClassVar = (*LRScheduler.not_saved, "lr_lambdas")

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        groups = len(optimizer.param_groups)
        self._one_for_all = callable(lr_lambda)
        self.lr_lambdas = [lr_lambda] * groups if callable(lr_lambda) else list(lr_lambda)
        if len(self.lr_lambdas) != groups:
            raise ValueError(f"{type(self).__name__}: {len(self.lr_lambdas)} functions for {groups} groups")
        super().__init__(optimizer, last_epoch)

    def add_group(self, group: dict[str, Any]) -> None:
        if not self._one_for_all:
            groups = len(self.optimizer.param_groups)
            raise ValueError(f"{type(self).__name__}: {len(self.lr_lambdas)} functions for {groups} groups")
        self.lr_lambdas.append(self.lr_lambdas[0])
        super().add_group(group)

    def lr_at(self, t: float, base_lr: float) -> float:
        return base_lr * number(self.lr_lambdas[self.group](int(t)))

    def __repr__(self) -> str:
        shown = ", ".join(getattr(f, "__name__", type(f).__name__) for f in self.lr_lambdas)
        return f"{type(self).__name__}(lr_lambdas=[{shown}]; step {self.last_epoch}, lr {self.get_last_lr()})"


class MultiplicativeLR(LambdaLR):
    """lr f(t): base_lr f(1) f(2) ... f(t).

    Args:
        lr_lambda: f, a function of the number of steps; or a list of as many as there are groups.
    """

    closed_form = False

    def next_lr(self, t: float, lr: float, base_lr: float) -> float:
        return lr if self.is_initial else lr * number(self.lr_lambdas[self.group](int(t)))


class StepLR(LRScheduler):
    """base_lr gamma^(t // step_size).

    Args:
        step_size: after how many steps the rate is multiplied, at least 1.
        gamma: by what.

    >>> from nn.optim import SGD
    >>> StepLR(SGD([Tensor([1.0], requires_grad=True)], lr=0.5), 7)
    StepLR(step_size=7, gamma=0.1; step 0, lr [0.5])
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        if self.step_size < 1:
            raise ValueError(f"StepLR: step_size must be at least 1, got {self.step_size}")

    def lr_at(self, t: float, base_lr: float) -> float:
        return base_lr * self.gamma ** (t // self.step_size)

    def next_lr(self, t: float, lr: float, base_lr: float) -> float:
        return lr if t == 0 or t % self.step_size else lr * self.gamma


class MultiStepLR(LRScheduler):
    """base_lr gamma^(number of milestones passed).

    Args:
        milestones: the steps at which the rate is multiplied.
        gamma: by what.

    >>> from nn.optim import SGD
    >>> schedule = MultiStepLR(SGD([Tensor([1.0], requires_grad=True)], lr=1.0), [1, 3], gamma=0.5)
    >>> for _ in range(3): schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:  # fmt: skip
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def lr_at(self, t: float, base_lr: float) -> float:
        return base_lr * self.gamma ** bisect_right(self.milestones, t)

    def next_lr(self, t: float, lr: float, base_lr: float) -> float:
        times = bisect_right(self.milestones, t) - bisect_left(self.milestones, t)
        return lr * self.gamma**times if times else lr

    def accepted_state(self, state: Any) -> dict[str, Any]:
        if isinstance(state, Mapping) and isinstance(state.get("milestones"), Counter):  # PyTorch counts them
            state = {**state, "milestones": sorted(state["milestones"].elements())}
        return super().accepted_state(state)


class ExponentialLR(LRScheduler):
    """base_lr gamma^t.

    Args:
        gamma: what each step multiplies the rate by.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def lr_at(self, t: float, base_lr: float) -> float:
        return base_lr * self.gamma**t

    def next_lr(self, t: float, lr: float, base_lr: float) -> float:
        return lr if self.is_initial else lr * self.gamma


class ConstantLR(LRScheduler):
    """base_lr factor for the first total_iters steps, then base_lr.

    Args:
        factor: from 0 to 1.
        total_iters: how many steps it lasts.
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:  # fmt: skip
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        if not 0 <= self.factor <= 1:
            raise ValueError(f"ConstantLR: factor must lie between 0 and 1, got {self.factor}")

    def lr_at(self, t: float, base_lr: float) -> float:
        return base_lr * (self.factor if t < self.total_iters else 1.0)

    def next_lr(self, t: float, lr: float, base_lr: float) -> float:
        if t == 0:
            return lr * self.factor
        if t != self.total_iters:
            return lr
        return lr / self.factor if self.factor else base_lr  # what was multiplied by 0 is gone


class LinearLR(LRScheduler):
    """base_lr times a factor that goes from start_factor to end_factor in total_iters steps: a warm-up.

    Args:
        start_factor: the factor at first, above 0 and at most 1.
        end_factor: that at the end, from 0 to 1.
        total_iters: how many steps lie between them.
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        if not 0 < self.start_factor <= 1:
            raise ValueError(f"LinearLR: start_factor must be above 0 and at most 1, got {self.start_factor}")
        if not 0 <= self.end_factor <= 1:
            raise ValueError(f"LinearLR: end_factor must lie between 0 and 1, got {self.end_factor}")

    def _factor(self, t: float) -> float:
        part = min(t / self.total_iters, 1.0) if self.total_iters else 0.0
        return self.start_factor + (self.end_factor - self.start_factor) * part

    def lr_at(self, t: float, base_lr: float) -> float:
        return base_lr * self._factor(t)

    def next_lr(self, t: float, lr: float, base_lr: float) -> float:
        if t == 0:
            return lr * self.start_factor
        if self.is_initial or t > self.total_iters:
            return lr
        return lr * self._factor(t) / self._factor(t - 1)


class PolynomialLR(LRScheduler):
    """base_lr (1 - t / total_iters)^power.

    Args:
        total_iters: after how many steps the rate is 0, where it stays.
        power: how it falls: 1, on a line; 2, on a parabola that ends level.
    """

    def __init__(
        self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:  # fmt: skip
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def _left(self, t: float) -> float:
        return 1 - min(t / self.total_iters, 1.0) if self.total_iters else 1.0

    def lr_at(self, t: float, base_lr: float) -> float:
        return base_lr * self._left(t) ** self.power

    def next_lr(self, t: float, lr: float, base_lr: float) -> float:
        if self.is_initial or t > self.total_iters:
            return lr
        return lr * (self._left(t) / self._left(t - 1)) ** self.power
