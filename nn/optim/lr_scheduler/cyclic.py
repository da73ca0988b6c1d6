"""Schedules that go up and down: cosines and cycles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import cos, floor, pi
from typing import Any, ClassVar

from ...checks import number
from ..optimizer import Optimizer
from .base import LRScheduler, for_each_group, write

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR", "between"]


class CosineAnnealingLR(LRScheduler):
    """eta_min + (base_lr - eta_min) (1 + cos(pi t / T_max)) / 2 (Loshchilov and Hutter, 2017).

    Args:
        T_max: the number of steps down to eta_min; after it the rate goes up again.
        eta_min: the least rate.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        if not self.T_max > 0:
            raise ValueError(f"CosineAnnealingLR: T_max must be above 0, got {self.T_max}")

    def _height(self, t: float) -> float:
        return (1 + cos(pi * t / self.T_max)) / 2

    def lr_at(self, t: float, base_lr: float) -> float:
        return self.eta_min + (base_lr - self.eta_min) * self._height(t)

    def next_lr(self, t: float, lr: float, base_lr: float) -> float:
        if self.is_initial:
            return lr
        if (t - 1 - self.T_max) % (2 * self.T_max) == 0:  # at the bottom there is nothing to multiply
            return lr + (base_lr - self.eta_min) * self._height(self.T_max - 1)
        return self.eta_min + (lr - self.eta_min) * self._height(t) / self._height(t - 1)


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosine annealing that begins anew after T_0 steps, then after T_0 T_mult, and so on (Loshchilov and Hutter, 2017).

    `step(epoch)` takes fractions too: `schedule.step(epoch + batch / batches)`.

    Args:
        T_0: the length of the first round, in steps.
        T_mult: how many times as long as the one before it each round is, a whole number.
        eta_min: the rate towards which each round goes.

    Attributes:
        T_cur, T_i: how far the present round is, and its length.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:  # fmt: skip
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        self.T_i, self.T_cur = float(T_0), float(last_epoch)
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        if not (self.T_0 >= 1 and self.T_mult >= 1 and int(self.T_0) == self.T_0 and self.T_mult == int(self.T_mult)):
            raise ValueError(
                f"CosineAnnealingWarmRestarts: T_0 and T_mult must be whole numbers of at least 1, "
                f"got {self.T_0} and {self.T_mult}"
            )

    def begin(self) -> None:
        self.step()

    def step(self, epoch: float | None = None) -> None:
        """Go on to the next learning rate, or to that of an epoch, which may be a fraction."""
        if epoch is None and self.last_epoch >= 0:
            place, length = self.T_cur + 1, self.T_i
            if place >= length:
                place, length = place - length, length * self.T_mult
            epoch = self.last_epoch + 1
        else:
            epoch = self.last_epoch + 1 if epoch is None else epoch
            place, length = self._round(epoch)
        self.T_cur, self.T_i = place, length
        self._take_up_new_groups()
        self._step_count += 1
        self.last_epoch = floor(epoch)
        self._write(self.get_lr())

    def _round(self, t: float) -> tuple[float, float]:
        """How far the round at t is, and its length."""
        if t < 0:
            raise ValueError(f"CosineAnnealingWarmRestarts: an epoch is at least 0, got {t}")
        length = float(self.T_0)
        if self.T_mult == 1:
            return t % length, length
        while t >= length:
            t -= length
            length *= self.T_mult
        return t, length

    def lr_at(self, t: float, base_lr: float) -> float:
        place, length = self._round(t)
        return self.eta_min + (base_lr - self.eta_min) * (1 + cos(pi * place / length)) / 2

    def next_lr(self, t: float, lr: float, base_lr: float) -> float:
        return self.eta_min + (base_lr - self.eta_min) * (1 + cos(pi * self.T_cur / self.T_i)) / 2

    def __repr__(self) -> str:
        settings = f"T_0={self.T_0}, T_mult={self.T_mult}, eta_min={self.eta_min}"
        return f"{type(self).__name__}({settings}; step {self.last_epoch}, lr {self.get_last_lr()})"


def between(strategy: str, start: float, end: float, part: float) -> float:
    """A value from start to end as part goes from 0 to 1, along a cosine or a line.

    >>> between("linear", 1.0, 3.0, 0.5), between("cos", 1.0, 3.0, 0.0)
    (2.0, 1.0)
    """
    if strategy == "cos":
        return end + (start - end) * (1 + cos(pi * part)) / 2
    return start + (end - start) * part


class _Cycle(LRScheduler):
    """What schedules share that move the momentum against the learning rate."""

    cycle_momentum: bool

    def _set_momentum(self, optimizer: Optimizer, base: Any, top: Any) -> None:
        """Remember the momenta of the groups and begin with the largest."""
        kind = type(self).__name__
        self.use_beta1 = "betas" in optimizer.defaults
        if not self.use_beta1 and "momentum" not in optimizer.defaults:
            raise ValueError(f"{kind}: the optimizer has no momentum to cycle; pass cycle_momentum=False")
        lows = for_each_group(base, optimizer, kind, "base_momentum")
        tops = for_each_group(top, optimizer, kind, "max_momentum")
        for group, low, high in zip(optimizer.param_groups, lows, tops, strict=True):
            group["base_momentum"], group["max_momentum"] = low, high
            self._write_momentum(group, high)

    def _write_momentum(self, group: dict[str, Any], value: float) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            write(group, "momentum", value)

    def add_group(self, group: dict[str, Any]) -> None:
        """A new group has the limits of the first one."""
        first = self.optimizer.param_groups[0]
        for name in ("initial_lr", "max_lr", "min_lr", "base_momentum", "max_momentum"):
            if name in first:
                group.setdefault(name, first[name])
        super().add_group(group)


class OneCycleLR(_Cycle):
    """Up to max_lr, then down to almost nothing, in one cycle (Smith and Topin, 2018); momentum goes the other way.

    Args:
        max_lr: the largest rate; one number, or one for each group.
        total_steps: of the cycle; or `epochs` and `steps_per_epoch`.
        epochs, steps_per_epoch: whose product is total_steps, where that is None.
        pct_start: the part of the cycle that goes up.
        anneal_strategy: "cos" or "linear", along which the rates go.
        cycle_momentum: whether the momentum (or the first of the betas) goes the other way; an optimizer without one needs False.
        base_momentum, max_momentum: where it is at the largest rate, and where it begins and ends; one number, or one for
            each group.
        div_factor, final_div_factor: it begins at max_lr / div_factor and ends at that / final_div_factor.
        three_phase: down as it went up first, then to the end.

    Raises:
        ValueError: a setting is out of range; `step` is called more than total_steps times.
    """

    def __init__(
        self, optimizer: Optimizer, max_lr: float | Sequence[float], total_steps: int | None = None,
        epochs: int | None = None, steps_per_epoch: int | None = None, pct_start: float = 0.3,
        anneal_strategy: str = "cos", cycle_momentum: bool = True, base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95, div_factor: float = 25.0, final_div_factor: float = 1e4,
        three_phase: bool = False, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("OneCycleLR: give total_steps, or both epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        self.total_steps, self.pct_start, self.anneal_strategy = total_steps, pct_start, anneal_strategy
        self.cycle_momentum, self.three_phase, self.use_beta1 = cycle_momentum, three_phase, False
        self.check()
        tops = for_each_group(max_lr, optimizer, "OneCycleLR", "max_lr")
        if last_epoch == -1:
            for group, top in zip(optimizer.param_groups, tops, strict=True):
                low = top / div_factor
                group.update(initial_lr=low, max_lr=top, min_lr=low / final_div_factor)
        if cycle_momentum:
            self._set_momentum(optimizer, base_momentum, max_momentum)
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        if self.total_steps < 1 or self.total_steps != int(self.total_steps):
            raise ValueError(f"OneCycleLR: total_steps must be a whole number of at least 1, got {self.total_steps}")
        if not 0 <= self.pct_start <= 1:
            raise ValueError(f"OneCycleLR: pct_start must lie between 0 and 1, got {self.pct_start}")
        if self.anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', got {self.anneal_strategy!r}")

    def _phases(self) -> list[tuple[float, str, str, str, str]]:
        """The end of each phase, and from where to where the rate and the momentum go in it."""
        up, last = self.pct_start * self.total_steps - 1, self.total_steps - 1
        rise = (up, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        if not self.three_phase:
            return [rise, (last, "max_lr", "min_lr", "base_momentum", "max_momentum")]
        fall = (2 * self.pct_start * self.total_steps - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum")
        return [rise, fall, (last, "initial_lr", "min_lr", "max_momentum", "max_momentum")]

    def lr_at(self, t: float, base_lr: float) -> float:
        if t > self.total_steps:
            raise ValueError(f"OneCycleLR: step {t} of a cycle of {self.total_steps} steps")
        group, phases = self.optimizer.param_groups[self.group], self._phases()
        number_of_phase = next((i for i, phase in enumerate(phases) if t <= phase[0]), len(phases) - 1)
        start = phases[number_of_phase - 1][0] if number_of_phase else 0.0
        end, lr_from, lr_to, momentum_from, momentum_to = phases[number_of_phase]
        part = (t - start) / (end - start) if end != start else 1.0
        if self.cycle_momentum:
            limits = number(group[momentum_from]), number(group[momentum_to])
            self._write_momentum(group, between(self.anneal_strategy, *limits, part))
        return between(self.anneal_strategy, number(group[lr_from]), number(group[lr_to]), part)


class CyclicLR(_Cycle):
    """Up and down between base_lr and max_lr (Smith, 2017); momentum goes the other way.

    Args:
        base_lr, max_lr: one number, or one for each group.
        step_size_up, step_size_down: steps of the way up, and of the way down (as many by default).
        mode: "triangular"; "triangular2", whose height is halved in each cycle; "exp_range", height gamma^t.
        gamma: of mode "exp_range".
        scale_fn: the height as a function of one's own, in place of mode.
        scale_mode: what scale_fn is a function of: "cycle", counted from 1, or "iterations".
        cycle_momentum: whether the momentum goes between base_momentum and max_momentum; an optimizer without one
            needs False.
        base_momentum, max_momentum: the momentum (or the first of the betas) at max_lr and at base_lr; one number, or one
            for each group.
    """

    per_group: ClassVar = (*LRScheduler.per_group, "max_lrs")
    not_saved: ClassVar = (*LRScheduler.not_saved, "scale_fn")

    def __init__(
        self, optimizer: Optimizer, base_lr: float | Sequence[float], max_lr: float | Sequence[float],
        step_size_up: int = 2000, step_size_down: int | None = None, mode: str = "triangular", gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None, scale_mode: str = "cycle", cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8, max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.mode, self.gamma, self.scale_fn, self.scale_mode = mode, gamma, scale_fn, scale_mode
        self.step_size_up = step_size_up
        self.step_size_down = step_size_up if step_size_down is None else step_size_down
        self.cycle_momentum, self.use_beta1 = cycle_momentum, False
        self.check()
        base_lrs = for_each_group(base_lr, optimizer, "CyclicLR", "base_lr")
        self.max_lrs = for_each_group(max_lr, optimizer, "CyclicLR", "max_lr")
        if last_epoch == -1:
            for group, low in zip(optimizer.param_groups, base_lrs, strict=True):
                write(group, "lr", low)
        if cycle_momentum:
            self._set_momentum(optimizer, base_momentum, max_momentum)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def check(self) -> None:
        modes = ("triangular", "triangular2", "exp_range")
        if self.scale_fn is None and self.mode not in modes:
            raise ValueError(f"CyclicLR: mode must be one of {', '.join(modes)}, got {self.mode!r}")
        if self.scale_mode not in ("cycle", "iterations"):
            raise ValueError(f"CyclicLR: scale_mode must be 'cycle' or 'iterations', got {self.scale_mode!r}")
        if not (self.step_size_up > 0 and self.step_size_down > 0):
            raise ValueError(f"CyclicLR: step sizes must be above 0, got {self.step_size_up} and {self.step_size_down}")

    def add_group(self, group: dict[str, Any]) -> None:
        self.max_lrs.append(self.max_lrs[0])
        super().add_group(group)

    def accepted_state(self, state: Any) -> dict[str, Any]:
        if isinstance(state, Mapping) and {"total_size", "step_ratio"} <= state.keys():  # PyTorch's
            total, up = state["total_size"], round(state["total_size"] * state["step_ratio"], 9)
            other = ("total_size", "step_ratio", "base_momentums", "max_momentums")  # the momenta stand in the groups too
            state = {name: value for name, value in state.items() if name not in other}
            state.update(step_size_up=up, step_size_down=round(total - up, 9))
        return super().accepted_state(state)

    def _height(self, t: float, cycle: int) -> float:
        """The height of the triangle at step t of a cycle, counted from 1."""
        if self.scale_fn is not None:
            return number(self.scale_fn(cycle if self.scale_mode == "cycle" else t))
        if self.mode == "triangular2":
            return 0.5 ** (cycle - 1)
        return self.gamma**t if self.mode == "exp_range" else 1.0

    def lr_at(self, t: float, base_lr: float) -> float:
        up, down = self.step_size_up, self.step_size_down
        cycle, place = divmod(t, up + down)
        part = place / up if place <= up else 1 - (place - up) / down
        height = part * self._height(t, int(cycle) + 1)
        if self.cycle_momentum:
            group = self.optimizer.param_groups[self.group]
            low, top = number(group["base_momentum"]), number(group["max_momentum"])
            self._write_momentum(group, top - (top - low) * height)
        return base_lr + (self.max_lrs[self.group] - base_lr) * height

    def __repr__(self) -> str:
        low, top = (v[0] if len(set(v)) == 1 else v for v in (self.base_lrs, self.max_lrs))
        steps = f"step_size_up={self.step_size_up}, step_size_down={self.step_size_down}"
        mode = f"mode={self.mode!r}, gamma={self.gamma}"
        return f"CyclicLR(base_lr={low}, max_lr={top}, {mode}, {steps}; step {self.last_epoch}, lr {self.get_last_lr()})"
