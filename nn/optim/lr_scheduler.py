"""Learning rates over time, under torch.optim.lr_scheduler's names.

A schedule is a function of the number of steps so far: `lr_at(t, base_lr)`.  `step()` writes its value into the groups of the
optimizer; sequences and chains of schedules are made of the same functions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from math import cos, inf, pi
from typing import Any

from ..settings import brief, settings
from .optimizer import Optimizer

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR",
    "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip


class LRScheduler:
    """The base of all schedules; a subclass writes `lr_at(t, base_lr)`.

    Attributes:
        last_epoch: how often `step()` was called.
        base_lrs: the learning rates of the groups at the beginning.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer, self.last_epoch = optimizer, 0
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self._write()

    def lr_at(self, t: int, base_lr: float) -> float:
        """The learning rate after t steps, of a group that began with base_lr."""
        raise NotImplementedError

    def _write(self) -> None:
        for i, (group, base_lr) in enumerate(zip(self.optimizer.param_groups, self.base_lrs, strict=True)):
            self.group_number = i
            group["lr"] = self.lr_at(self.last_epoch, base_lr)

    def step(self) -> None:
        """Go on to the next learning rate; call it after `optimizer.step()`."""
        self.last_epoch += 1
        self._write()

    def get_last_lr(self) -> list[float]:
        """The present learning rates of the groups."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def __repr__(self) -> str:
        options = settings(self, "optimizer", "last_epoch", "base_lrs", "group_number")
        return f"{type(self).__name__}({options}; step {self.last_epoch}, lr {brief(self.get_last_lr())})"

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule is."""
        return {"last_epoch": self.last_epoch, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was called."""
        self.last_epoch, self.base_lrs = state["last_epoch"], list(state["base_lrs"])
        self._write()


class LambdaLR(LRScheduler):
    """base_lr f(t); one function, or one for each group.

    >>> from nn.optim import SGD
    >>> schedule = LambdaLR(SGD([Tensor([1.0], requires_grad=True)], lr=2.0), lambda t: 1 / (1 + t))
    >>> schedule.step(); schedule.get_last_lr()
    [1.0]
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]]) -> None:
        groups = len(optimizer.param_groups)
        self.lr_lambdas = [lr_lambda] * groups if callable(lr_lambda) else list(lr_lambda)
        if len(self.lr_lambdas) != groups:
            raise ValueError(f"LambdaLR: {len(self.lr_lambdas)} functions for {groups} groups")
        super().__init__(optimizer)

    def lr_at(self, t: int, base_lr: float) -> float:
        return base_lr * self.lr_lambdas[self.group_number](t)


class MultiplicativeLR(LambdaLR):
    """base_lr f(1) f(2) ... f(t)."""

    def lr_at(self, t: int, base_lr: float) -> float:
        for k in range(1, t + 1):
            base_lr *= self.lr_lambdas[self.group_number](k)
        return base_lr


class StepLR(LRScheduler):
    """base_lr gamma^(t // step_size).

    >>> from nn.optim import SGD
    >>> StepLR(SGD([Tensor([1.0], requires_grad=True)], lr=0.5), 7)
    StepLR(step_size=7, gamma=0.1; step 0, lr [0.5])
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def lr_at(self, t: int, base_lr: float) -> float:
        return base_lr * self.gamma ** (t // self.step_size)


class MultiStepLR(LRScheduler):
    """base_lr gamma^(number of milestones passed)."""

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer)

    def lr_at(self, t: int, base_lr: float) -> float:
        return base_lr * self.gamma ** bisect_right(self.milestones, t)


class ExponentialLR(LRScheduler):
    """base_lr gamma^t."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = gamma
        super().__init__(optimizer)

    def lr_at(self, t: int, base_lr: float) -> float:
        return base_lr * self.gamma**t


class ConstantLR(LRScheduler):
    """base_lr factor for the first total_iters steps, then base_lr."""

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5) -> None:
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer)

    def lr_at(self, t: int, base_lr: float) -> float:
        return base_lr * (self.factor if t < self.total_iters else 1.0)


class LinearLR(LRScheduler):
    """base_lr times a factor that goes from start_factor to end_factor in total_iters steps: a warm-up."""

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:  # fmt: skip
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer)

    def lr_at(self, t: int, base_lr: float) -> float:
        part = min(t, self.total_iters) / self.total_iters
        return base_lr * (self.start_factor + (self.end_factor - self.start_factor) * part)


class PolynomialLR(LRScheduler):
    """base_lr (1 - t / total_iters)^power."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer)

    def lr_at(self, t: int, base_lr: float) -> float:
        return base_lr * (1 - min(t, self.total_iters) / self.total_iters) ** self.power


class CosineAnnealingLR(LRScheduler):
    """eta_min + (base_lr - eta_min) (1 + cos(pi t / T_max)) / 2 (Loshchilov and Hutter, 2017)."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def lr_at(self, t: int, base_lr: float) -> float:
        return self.eta_min + (base_lr - self.eta_min) * (1 + cos(pi * t / self.T_max)) / 2


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosine annealing that begins anew after T_0 steps, then after T_0 T_mult, and so on (Loshchilov and Hutter, 2017)."""

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> None:
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        super().__init__(optimizer)

    def lr_at(self, t: int, base_lr: float) -> float:
        length = self.T_0
        while t >= length:
            t -= length
            length *= self.T_mult
        return self.eta_min + (base_lr - self.eta_min) * (1 + cos(pi * t / length)) / 2


def _between(kind: str) -> Callable[[float, float, float], float]:
    """From one value to another as a part goes from 0 to 1."""
    if kind == "cos":
        return lambda start, end, part: end + (start - end) * (1 + cos(pi * part)) / 2
    if kind == "linear":
        return lambda start, end, part: start + (end - start) * part
    raise ValueError(f"anneal_strategy must be 'cos' or 'linear', got {kind!r}")


class OneCycleLR(LRScheduler):
    """Up to max_lr, then down to almost nothing, in one cycle (Smith and Topin, 2018); momentum goes the other way.

    Args:
        total_steps: of the cycle; or `epochs` and `steps_per_epoch`.
        pct_start: the part of the cycle that goes up.
        div_factor, final_div_factor: it begins at max_lr / div_factor and ends at that / final_div_factor.
        three_phase: down as it went up first, then to the end.
    """

    def __init__(
        self, optimizer: Optimizer, max_lr: float | Sequence[float], total_steps: int | None = None, epochs: int | None = None,
        steps_per_epoch: int | None = None, pct_start: float = 0.3, anneal_strategy: str = "cos", cycle_momentum: bool = True,
        base_momentum: float = 0.85, max_momentum: float = 0.95, div_factor: float = 25.0, final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:  # fmt: skip
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("OneCycleLR: give total_steps, or both epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        groups = optimizer.param_groups
        self.total_steps, self.anneal_strategy = total_steps, anneal_strategy
        self._anneal = _between(anneal_strategy)
        self.max_lrs = [max_lr] * len(groups) if isinstance(max_lr, (int, float)) else list(max_lr)
        self.div_factor, self.final_div_factor = div_factor, final_div_factor
        self.momenta = (max_momentum, base_momentum) if cycle_momentum else None
        if cycle_momentum and not any(key in groups[0] for key in ("momentum", "betas")):
            raise ValueError("OneCycleLR: the optimizer has no momentum to cycle; pass cycle_momentum=False")
        up = pct_start * total_steps - 1
        # (end, lr from, lr to, momentum from, momentum to) of each phase: 0 the first, 1 the largest, 2 the last value.
        self._phases = [(up, 0, 1, 0, 1), (total_steps - 1, 1, 2, 1, 0)]
        if three_phase:
            self._phases = [(up, 0, 1, 0, 1), (2 * up, 1, 0, 1, 0), (total_steps - 1, 0, 2, 0, 0)]
        super().__init__(optimizer)

    def lr_at(self, t: int, base_lr: float) -> float:
        if t >= self.total_steps:
            raise ValueError(f"OneCycleLR: step {t} of a cycle of {self.total_steps} steps")
        top = self.max_lrs[self.group_number]
        low = top / self.div_factor
        levels, start = (low, top, low / self.final_div_factor), 0.0
        for end, lr_from, lr_to, momentum_from, momentum_to in self._phases:
            if t <= end or end == self.total_steps - 1:
                part = (t - start) / (end - start)
                if self.momenta is not None:
                    value = self._anneal(self.momenta[momentum_from], self.momenta[momentum_to], part)
                    group = self.optimizer.param_groups[self.group_number]
                    if "betas" in group:
                        group["betas"] = (value, *group["betas"][1:])
                    else:
                        group["momentum"] = value
                return self._anneal(levels[lr_from], levels[lr_to], part)
            start = end
        raise AssertionError


class CyclicLR(LRScheduler):
    """Up and down between base_lr and max_lr (Smith, 2017); mode "triangular", "triangular2" (halved each cycle), "exp_range"."""

    def __init__(
        self, optimizer: Optimizer, base_lr: float, max_lr: float, step_size_up: int = 2000, step_size_down: int | None = None,
        mode: str = "triangular", gamma: float = 1.0,
    ) -> None:  # fmt: skip
        scales: dict[str, Callable[[int, int], float]] = {
            "triangular": lambda t, cycle: 1.0, "triangular2": lambda t, cycle: 0.5 ** (cycle - 1),
            "exp_range": lambda t, cycle: gamma**t,
        }  # fmt: skip
        if mode not in scales:
            raise ValueError(f"CyclicLR: mode must be one of {', '.join(scales)}, got {mode!r}")
        self.base_lr, self.max_lr, self.mode, self.gamma = base_lr, max_lr, mode, gamma
        self._scale = scales[mode]
        self.step_size_up = step_size_up
        self.step_size_down = step_size_up if step_size_down is None else step_size_down
        super().__init__(optimizer)

    def lr_at(self, t: int, base_lr: float) -> float:
        up, down = self.step_size_up, self.step_size_down
        cycle, place = divmod(t, up + down)
        part = place / up if place <= up else 1 - (place - up) / down
        return self.base_lr + (self.max_lr - self.base_lr) * part * self._scale(t, cycle + 1)


class SequentialLR(LRScheduler):
    """One schedule after the other: the next begins, at its own step 0, at each milestone.

    >>> from nn.optim import SGD
    >>> optimizer = SGD([Tensor([1.0], requires_grad=True)], lr=1.0)
    >>> warm_up, decay = LinearLR(optimizer, 0.5, total_iters=2), ExponentialLR(optimizer, 0.5)
    >>> schedule = SequentialLR(optimizer, [warm_up, decay], [2])
    >>> for _ in range(3): schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]) -> None:
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedules need {len(schedulers) - 1} milestones, got {len(milestones)}"
            )
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        super().__init__(optimizer)

    def lr_at(self, t: int, base_lr: float) -> float:
        number = bisect_right(self.milestones, t)
        current = self.schedulers[number]
        current.group_number = self.group_number
        return current.lr_at(t - (self.milestones[number - 1] if number else 0), base_lr)


class ChainedScheduler(LRScheduler):
    """Schedules at the same time: their factors multiply."""

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.schedulers = list(schedulers)
        super().__init__(optimizer or schedulers[0].optimizer)

    def lr_at(self, t: int, base_lr: float) -> float:
        lr = base_lr
        for schedule in self.schedulers:
            schedule.group_number = self.group_number
            lr *= schedule.lr_at(t, base_lr) / base_lr
        return lr


class ReduceLROnPlateau:
    """Multiply the learning rates by a factor when a metric has not improved for `patience` steps.

    Args:
        mode: "min" or "max", which way is better.
        threshold, threshold_mode: how much better counts: "rel" as a part of the best value, "abs" as a difference.
        cooldown: steps after a reduction in which nothing is counted.

    >>> from nn.optim import SGD
    >>> schedule = ReduceLROnPlateau(SGD([Tensor([1.0], requires_grad=True)], lr=1.0), patience=1)
    >>> for loss in (1.0, 1.0, 1.0): schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.1]
    """

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10, threshold: float = 1e-4,
        threshold_mode: str = "rel", cooldown: int = 0, min_lr: float | Sequence[float] = 0.0, eps: float = 1e-8,
    ) -> None:  # fmt: skip
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs") or not factor < 1:
            raise ValueError(
                f"ReduceLROnPlateau: mode 'min' or 'max', threshold_mode 'rel' or 'abs', factor < 1; got {mode!r}, "
                f"{threshold_mode!r}, {factor}"
            )
        self.optimizer, self.mode, self.factor, self.patience, self.eps = optimizer, mode, factor, patience, eps
        self.threshold, self.threshold_mode, self.cooldown = threshold, threshold_mode, cooldown
        groups = len(optimizer.param_groups)
        self.min_lrs = [min_lr] * groups if isinstance(min_lr, (int, float)) else list(min_lr)
        self.best, self.num_bad_epochs, self.cooldown_counter, self.last_epoch = inf if mode == "min" else -inf, 0, 0, 0

    def _is_better(self, value: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "abs" or self.best in (inf, -inf):
            return sign * value < sign * self.best - (self.threshold if self.threshold_mode == "abs" else 0.0)
        return sign * value < sign * self.best * (1 - sign * self.threshold)

    def step(self, metrics: Any) -> None:
        """Take up the metric of an epoch."""
        value = float(metrics)
        self.last_epoch += 1
        if self._is_better(value):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group, least in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
                lr = max(group["lr"] * self.factor, least)
                if group["lr"] - lr > self.eps:
                    group["lr"] = lr
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def get_last_lr(self) -> list[float]:
        """The present learning rates of the groups."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def __repr__(self) -> str:
        options = settings(self, "optimizer", "last_epoch", "best", "num_bad_epochs", "cooldown_counter")
        seen = f"step {self.last_epoch}, best {self.best}, lr {brief(self.get_last_lr())}"
        return f"ReduceLROnPlateau({options}; {seen})"

    def state_dict(self) -> dict[str, Any]:
        """What was seen so far."""
        return {name: getattr(self, name) for name in ("best", "num_bad_epochs", "cooldown_counter", "last_epoch")}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was called."""
        for name in self.state_dict():
            setattr(self, name, state[name])
