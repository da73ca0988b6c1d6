"""Stochastic weight averaging (Izmailov et al., 2018) and moving averages, under torch.optim.swa_utils' names."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from minigrad import Tensor, mark_mutated, no_grad, raw, to_device
from minigrad.devices import on_gpu_of
from minigrad.tracing import is_traced

from ..checks import number
from ..layers import BatchNorm1d, BatchNorm2d, BatchNorm3d
from ..modes import in_mode
from ..module import Buffer, Module
from ..utils.together import change_all
from .lr_scheduler.base import LRScheduler, for_each_group
from .lr_scheduler.cyclic import between
from .optimizer import Optimizer

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn",
    "update_bn",
]  # fmt: skip


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Any, Any, Any], Any]:
    """decay average + (1 - decay) parameter, as a function of (average, parameter, number averaged).

    Args:
        decay: how much of the average stays, 0 to 1.

    Raises:
        ValueError: decay does not lie between 0 and 1.

    >>> get_ema_avg_fn(0.9)(1.0, 2.0, 5)
    1.1
    """
    _check_decay(decay)
    return lambda average, parameter, count: decay * average + (1 - decay) * parameter


def get_swa_avg_fn() -> Callable[[Any, Any, Any], Any]:
    """The mean of all parameters so far, as a function of (average, parameter, number averaged).

    >>> get_swa_avg_fn()(1.0, 4.0, 2)
    2.0
    """
    return lambda average, parameter, count: average + (parameter - average) / (_count(count) + 1)


def _count(count: Any) -> Any:
    """A count as a number; where `compile` traces, it is another one at each call."""
    return raw(count) if is_traced(raw(count)) else number(count)


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]:
    """`get_ema_avg_fn` in place, for lists of averages and of parameters.

    Args:
        decay: how much of the average stays, 0 to 1.
    """
    return _OnLists(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]:
    """`get_swa_avg_fn` in place, for lists of averages and of parameters."""
    return _OnLists(get_swa_avg_fn())


def _check_decay(decay: float) -> None:
    if not 0 <= decay <= 1:
        raise ValueError(f"decay must lie between 0 and 1, got {decay}")


class _OnLists:
    """A function of (average, parameter, number averaged), in place, for lists of tensors."""

    def __init__(self, average: Callable[[Any, Any, Any], Any]) -> None:
        self.average = average

    def __call__(self, averages: Sequence[Tensor], parameters: Sequence[Tensor], count: Any) -> None:
        times = _count(count)  # read once: it may be on a GPU

        def change(ours: Any, theirs: Any) -> None:
            ours[...] = self.average(ours, theirs, times).astype(ours.dtype)

        change_all(averages, change, parameters)


def _write(target: Tensor, value: Any) -> None:
    """Write a value into a tensor's own array; whole numbers are cut off."""
    array = np.asarray(raw(value)) if not hasattr(raw(value), "astype") else raw(value)
    here = to_device(Tensor(array), target.device).data
    with on_gpu_of(target):
        target.data[...] = here.astype(target.dtype)
    mark_mutated(target.data)


class AveragedModel(Module):
    """A copy of a module whose parameters are averages of those that the module had at each `update_parameters`.

    Args:
        model: what is copied.
        device: where the copy lives; that of the module by default.
        avg_fn: (average, parameter, number averaged) -> new average, on tensors; by default the mean of all.
        multi_avg_fn: the same in place on lists of tensors; one of the two can be given.
        use_buffers: whether buffers are averaged too; otherwise they are copied.

    Attributes:
        module: the copy.
        n_averaged: how often it was updated.

    >>> from nn import Linear
    >>> model = Linear(1, 1)
    >>> average = AveragedModel(model)
    >>> average.update_parameters(model)
    >>> model.weight.data += 1.0
    >>> average.update_parameters(model)
    >>> round((model.weight - average.module.weight).item(), 4), average.n_averaged.item()
    (0.5, 2)
    """

    def __init__(
        self, model: Module, device: str | None = None, avg_fn: Callable[[Any, Any, Any], Any] | None = None,
        multi_avg_fn: Callable[[Any, Any, Any], None] | None = None, use_buffers: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("AveragedModel: give avg_fn or multi_avg_fn, not both")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module.to(device)
        self.n_averaged = Buffer(np.array(0))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The output of the averaged module."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take up the module's present parameters; the first time they are copied.

        Raises:
            ValueError: the module has other parameters than the one that was averaged; nothing is changed then.
        """
        ours, theirs = self._averaged(self.module), self._averaged(model)
        shapes, others = [t.shape for t in ours], [t.shape for t in theirs]
        if shapes != others:
            raise ValueError(f"AveragedModel: parameters of shapes {shapes} cannot take up those of {others}")
        with no_grad():
            self._average(ours, [t.detach().to(own.device) for t, own in zip(theirs, ours, strict=True)])
            if not self.use_buffers:
                for mine, other in zip(self.module.buffers(), model.buffers(), strict=True):
                    _write(mine, other.detach().to(mine.device))
        self.n_averaged.data += 1

    def _averaged(self, model: Module) -> list[Tensor]:
        return [*model.parameters(), *(model.buffers() if self.use_buffers else ())]

    def _average(self, ours: list[Tensor], theirs: list[Tensor]) -> None:
        if bool(self.n_averaged.data == 0):
            for own, other in zip(ours, theirs, strict=True):
                _write(own, other)
        elif self.avg_fn is not None:
            for own, other in zip(ours, theirs, strict=True):
                _write(own, self.avg_fn(own.detach(), other, self.n_averaged.detach()))
        else:
            multi = self.multi_avg_fn or get_swa_multi_avg_fn()
            averages = ours if isinstance(multi, _OnLists) else [t.detach() for t in ours]
            multi(averages, theirs, self.n_averaged.detach())
            for t in ours:
                mark_mutated(t.data)


def update_bn(loader: Iterable[Any], model: Module, device: str | None = None) -> None:
    """Find the running means and variances of a model's BatchNorms anew: plain means over the batches of a loader.

    The model is in training mode meanwhile; at the end each module has its own mode again.

    Args:
        loader: batches; of a tuple or list the first item goes into the model.
        model: whose BatchNorms they are.
        device: where the batches are moved to.

    >>> from nn import BatchNorm1d
    >>> model = BatchNorm1d(1)
    >>> update_bn([np.array([[1.0], [3.0]]), np.array([[5.0], [7.0]])], model)
    >>> model.running_mean.item()
    4.0
    """
    kinds = (BatchNorm1d, BatchNorm2d, BatchNorm3d)
    norms = [m for m in model.modules() if isinstance(m, kinds) and m.running_mean is not None]
    if not norms:
        return
    momenta = [m.momentum for m in norms]
    for m in norms:
        for statistic, start in ((m.running_mean, 0.0), (m.running_var, 1.0), (m.num_batches_tracked, 0)):
            if statistic is not None:
                _write(statistic, start)
        m.momentum = None
    try:
        with no_grad(), in_mode(model, training=True):
            for batch in loader:
                x = batch[0] if isinstance(batch, (tuple, list)) else batch
                model(x if device is None else Tensor(x).to(device))
    finally:
        for m, momentum in zip(norms, momenta, strict=True):
            m.momentum = momentum


class SWALR(LRScheduler):
    """From the present rate to swa_lr in anneal_epochs steps, then constant.

    Args:
        swa_lr: the rate at the end; one number, or one for each group.
        anneal_epochs: in how many steps it is reached; 0: it holds at once.
        anneal_strategy: "cos" or "linear", along which it is reached.

    >>> from nn.optim import SGD
    >>> schedule = SWALR(SGD([Tensor([1.0], requires_grad=True)], lr=1.0), 0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> schedule.step(); schedule.get_last_lr()
    [0.75]
    """

    closed_form: ClassVar = False

    def __init__(
        self, optimizer: Optimizer, swa_lr: float | Sequence[float], anneal_epochs: int = 10,
        anneal_strategy: str = "cos", last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.anneal_epochs, self.anneal_strategy = anneal_epochs, anneal_strategy
        self.check()
        for group, target in zip(
            optimizer.param_groups, for_each_group(swa_lr, optimizer, "SWALR", "swa_lr"), strict=True
        ):  # fmt: skip
            group["swa_lr"] = target
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        if self.anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"SWALR: anneal_strategy must be 'cos' or 'linear', got {self.anneal_strategy!r}")
        if self.anneal_epochs < 0 or self.anneal_epochs != int(self.anneal_epochs):
            raise ValueError(f"SWALR: anneal_epochs must be a whole number of at least 0, got {self.anneal_epochs}")

    def add_group(self, group: dict[str, Any]) -> None:
        group.setdefault("swa_lr", self.optimizer.param_groups[0]["swa_lr"])
        super().add_group(group)

    def _share(self, t: float) -> float:
        """How much of swa_lr the rate has at step t."""
        part = max(0.0, min(1.0, t / max(1, self.anneal_epochs)))
        return between(self.anneal_strategy, 0.0, 1.0, part)

    def next_lr(self, t: float, lr: float, base_lr: float) -> float:
        target = number(self.optimizer.param_groups[self.group]["swa_lr"])
        t = max(1, t) if self.anneal_epochs == 0 else t
        before, now = self._share(t - 1), self._share(t)
        begin = (lr - before * target) / (1 - before) if before != 1 else target
        return target * now + begin * (1 - now)
