"""What all schedules share: counting steps, writing learning rates, and their state."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any, ClassVar

import numpy as np

from minigrad import Tensor

from ...checks import FLAG, NUMBER, number
from ...settings import brief, settings
from ..optimizer import Optimizer
from ..options import RULES

__all__ = ["LRScheduler", "for_each_group"]


class LRScheduler:
    """The base of all schedules.

    A subclass writes `lr_at(t, base_lr)`, the rate after t steps of a group that began with base_lr; and
    `next_lr(t, lr, base_lr)` where the rate shall be found from the present one, lr. `self.group` is the number of
    the group. Or it writes `get_lr()`, which returns the rates of all groups, as in PyTorch.

    Attributes:
        last_epoch: how often `step()` was called.
        base_lrs: the learning rates of the groups at the beginning.

    Raises:
        TypeError: the first argument is no optimizer.
        KeyError: last_epoch is not -1, and a group has no "initial_lr".

    >>> from nn.optim import SGD
    >>> class InverseLR(LRScheduler):
    ...     def lr_at(self, t, base_lr):
    ...         return base_lr / (1 + t)
    >>> schedule = InverseLR(SGD([Tensor([1.0], requires_grad=True)], lr=1.0))
    >>> schedule.step(); schedule.get_last_lr()
    [0.5]
    """

    #: Attributes that hold one value for each group.
    per_group: ClassVar[tuple[str, ...]] = ("base_lrs", "_last_lr")
    #: Attributes that count, and the least that each may be in a state.
    counters: ClassVar[Mapping[str, int]] = {"_step_count": 0}
    #: Attributes that no state holds.
    not_saved: ClassVar[tuple[str, ...]] = ("optimizer", "group", "is_initial")
    #: Whether `lr_at` gives the rate of any step; `step(epoch)` goes on from the present rate otherwise.
    closed_form: ClassVar[bool] = True

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        """What the schedules share.

        Args:
            optimizer: whose learning rates are set, those of all its groups.
            last_epoch: where there is one, the number of the last step, for going on without a state; -1 for a beginning.
        """
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__} takes an optimizer, got {type(optimizer).__name__}")
        self.check()
        self.optimizer, self.last_epoch, self._step_count, self.group = optimizer, last_epoch, 0, 0
        self.base_lrs = self.initial_rates()
        self._last_lr = [number(group["lr"]) for group in optimizer.param_groups]
        self.is_initial = True
        self.begin()
        self.is_initial = False

    def initial_rates(self) -> list[float]:
        """The rates that the groups began with, which they remember as "initial_lr"."""
        groups = self.optimizer.param_groups
        for i, group in enumerate(groups):
            if self.last_epoch != -1 and "initial_lr" not in group:
                raise KeyError(f"last_epoch={self.last_epoch} needs an 'initial_lr' in group {i} of the optimizer")
        return [number(group.setdefault("initial_lr", number(group["lr"]))) for group in groups]

    def check(self) -> None:
        """Raise ValueError where a setting is out of range."""

    def begin(self) -> None:
        """The step to the first learning rate."""
        LRScheduler.step(self)

    def lr_at(self, t: float, base_lr: float) -> float:
        """The learning rate after t steps, of a group that began with base_lr."""
        raise NotImplementedError(f"{type(self).__name__} defines neither lr_at nor get_lr")

    def next_lr(self, t: float, lr: float, base_lr: float) -> float:
        """The learning rate after t steps, found from the present one.

        While `self.is_initial`, the schedule is being made; a factor for a step is not due then.
        """
        return self.lr_at(t, base_lr)

    def get_lr(self) -> list[float]:
        """The learning rates of the groups at step `last_epoch`."""
        rates = []
        for i, (group, base_lr) in enumerate(zip(self.optimizer.param_groups, self.base_lrs, strict=True)):
            self.group = i
            rates.append(self.next_lr(self.last_epoch, number(group["lr"]), base_lr))
        return rates

    def step(self, epoch: float | None = None) -> None:
        """Go on to the next learning rate; call it after `optimizer.step()`.

        Args:
            epoch: go to this step instead.
        """
        self._take_up_new_groups()
        self._step_count += 1
        if epoch is None:
            self.last_epoch += 1
            self._write(self.get_lr())
        else:
            self.last_epoch = int(epoch)
            self._write(self._rates_at(epoch) if self.closed_form else self.get_lr())

    def _rates_at(self, t: float) -> list[float]:
        rates = []
        for i, base_lr in enumerate(self.base_lrs):
            self.group = i
            rates.append(self.lr_at(t, base_lr))
        return rates

    def _write(self, rates: Sequence[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            write(group, "lr", number(rate))
        self._last_lr = [number(group["lr"]) for group in self.optimizer.param_groups]

    def _take_up_new_groups(self) -> None:
        """Groups that the optimizer was given after this schedule was made."""
        for group in self.optimizer.param_groups[len(self.base_lrs) :]:
            self.add_group(group)

    def add_group(self, group: dict[str, Any]) -> None:
        """Schedule a group that was added to the optimizer; it begins with the rate that it has."""
        self.base_lrs.append(number(group.setdefault("initial_lr", number(group["lr"]))))

    def get_last_lr(self) -> list[float]:
        """The learning rates of the groups that this schedule found last."""
        return list(self._last_lr)

    def __repr__(self) -> str:
        options = settings(self, "last_epoch", *self.not_saved, *self.per_group)
        return f"{type(self).__name__}({options}; step {self.last_epoch}, lr {brief(self.get_last_lr())})"

    # ---------------------------------------------------------------------------------- state

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule is, its settings, and the present rates ("lr"); functions are not in it."""
        state = {name: value for name, value in vars(self).items() if name not in self.not_saved}
        return {**copy.deepcopy(state), "lr": [number(group["lr"]) for group in self.optimizer.param_groups]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was called; the optimizer gets the rates that it had then.

        Raises:
            ValueError: a name, a type or a value does not fit; nothing is changed then.
        """
        self.take_state(self.accepted_state(state))

    def accepted_state(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """What of a state is this schedule's, checked."""
        kind = type(self).__name__
        if not isinstance(state, Mapping):
            raise ValueError(f"{kind}: a state is a dict, got {type(state).__name__}")
        own = {name: value for name, value in vars(self).items() if name not in self.not_saved}
        known: dict[str, Any] = {}
        for name, value in state.items():
            if name in own or name == "lr":
                known[name] = self._checked_value(name, value, own.get(name, self._last_lr))
            elif not str(name).startswith("_") and name not in self.not_saved:
                raise ValueError(f"{kind} has no {name!r}: the state is another schedule's")
        if "last_epoch" not in known:
            raise ValueError(f"{kind}: the state has no 'last_epoch'")
        trial = copy.copy(self)
        vars(trial).update({name: value for name, value in known.items() if name != "lr"})
        trial.check()
        return known

    def _checked_value(self, name: str, value: Any, own: Any) -> Any:
        """A loaded value of the kind that the schedule has."""
        where = f"{type(self).__name__}: {name} of the state"
        if name in (*self.per_group, "lr"):
            return _checked_rates(where, value, len(self.optimizer.param_groups))
        low = self.counters.get(name)
        if low is not None and not (_is_whole(value) and value >= low):
            raise ValueError(
                f"{where} must be a whole number of at least {low}, got {brief(value)}"
            )
        if not _alike(value, own):
            raise ValueError(f"{where} must be like {brief(own)}, got {brief(value)}")
        return _as_own(value, own)

    def take_state(self, known: dict[str, Any]) -> None:
        """Go on with a state that `accepted_state` returned."""
        rates = known.pop("lr", None)
        vars(self).update(known)
        for group, rate in zip(self.optimizer.param_groups, rates or (), strict=bool(rates)):
            write(group, "lr", rate)


def write(group: dict[str, Any], name: str, value: float) -> None:
    """Set an option of a group; one that was a Tensor is a new Tensor then, since groups may share the old one."""
    present = group.get(name)
    group[name] = Tensor(np.full(present.shape, value, present.dtype)) if isinstance(present, Tensor) else value


def for_each_group(value: Any, optimizer: Optimizer, kind: str, name: str) -> list[float]:
    """A setting for each group: the same number, or a list of as many.

    Raises:
        ValueError: the list has another length.

    >>> from nn.optim import SGD
    >>> for_each_group(0.5, SGD([Tensor([1.0], requires_grad=True)]), "CyclicLR", "max_lr")
    [0.5]
    """
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [number(value)] * groups
    if len(value) != groups:
        raise ValueError(f"{kind}: {len(value)} values of {name} for {groups} groups")
    return [number(v) for v in value]


def _checked_rates(what: str, value: Any, groups: int) -> list[float]:
    """A loaded rate for each group, each one that an optimizer takes."""
    rate = RULES["lr"]
    is_list = isinstance(value, (list, tuple)) and len(value) == groups
    if not is_list or not all(map(rate.holds, value)):
        found = brief(value)
        raise ValueError(f"{what} must be a list of {groups}, each {rate.words}, got {found}")
    return [number(v) for v in value]


def _alike(value: Any, own: Any) -> bool:
    """Whether a loaded value is of the kind of the one that it replaces."""
    if isinstance(own, (list, tuple)):
        return isinstance(value, (list, tuple)) and all(_alike(v, own[0] if own else 0.0) for v in value)
    if isinstance(own, (bool, np.bool_)):
        return FLAG.holds(value)
    if own is None:
        return value is None or _is_number(value)
    if isinstance(own, (int, np.integer)):
        return _is_whole(value)
    return _is_number(value) if isinstance(own, (float, np.floating)) else type(value) is type(own)


def _as_own(value: Any, own: Any) -> Any:
    """A loaded value as Python's, in a list or tuple where its own is one."""
    if isinstance(own, (list, tuple)):
        return type(own)(_as_own(v, own[0] if own else 0.0) for v in value)
    if isinstance(own, (int, np.integer)) and not isinstance(own, bool):
        return int(value)
    return value.item() if isinstance(value, np.generic) else value


def _is_number(value: Any) -> bool:
    return NUMBER.holds(value) and not isnan(value)


def _is_whole(value: Any) -> bool:
    """Whether this is a whole number below 2^63; PyTorch writes some as floats."""
    return _is_number(value) and abs(value) < 2**63 and value == int(value)
