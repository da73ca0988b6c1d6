"""What a Trainer is made of, looked at before it begins: mistakes are named where they are made."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.files import exclusive

from ..module import Module
from ..safetensors import NAMES

__all__ = ["check_batches", "check_parts", "check_writable", "split"]

OPTIMIZER = ("step", "zero_grad", "param_groups")


def check_parts(
    model: Any, optimizer: Any, loss: Any, metrics: Any, scheduler: Any, callbacks: Any
) -> None:
    """Raise TypeError for what is no model, optimizer, loss ...; warn of parts of other models."""
    if not isinstance(model, Module):
        raise TypeError(f"Trainer: model must be an nn.Module, got {_named(model)}")
    if isinstance(optimizer, type) or not all(hasattr(optimizer, name) for name in OPTIMIZER):
        raise TypeError(
            f"Trainer: optimizer must be an optimizer, got {_named(optimizer)}: "
            "Trainer(model, nn.optim.SGD(model.parameters(), lr=0.1), loss)"
        )
    _check_call("loss", loss, "a function of output and target, nn.MSELoss() say")
    if metrics is not None and not isinstance(metrics, Mapping):
        raise TypeError(
            "Trainer: metrics must be a dict of functions by name, got "
            f"{_named(metrics)}: metrics={{'accuracy': accuracy}}"
        )
    for name, metric in (metrics or {}).items():
        if not isinstance(name, str):
            raise TypeError(f"Trainer: the names of metrics must be text, got {name!r:.60}")
        _check_call(f"metrics[{name!r}]", metric, "a function of output and target")
    if scheduler is not None and (isinstance(scheduler, type) or not hasattr(scheduler, "step")):
        raise TypeError(f"Trainer: scheduler must have step(), got {_named(scheduler)}")
    if not isinstance(callbacks, Sequence):
        raise TypeError(
            f"Trainer: callbacks must be a list, got {_named(callbacks)}: callbacks=[callback]"
        )
    for i, callback in enumerate(callbacks):
        _check_call(f"callbacks[{i}]", callback, "a function of the trainer, EarlyStopping() say")
    _warn_of_others(model, optimizer, loss, scheduler)


def _check_call(name: str, value: Any, words: str) -> None:
    if isinstance(value, type):
        raise TypeError(
            f"Trainer: {name} must be {words}, got the class {value.__name__}: make one of it, "
            f"{value.__name__}()"
        )
    if not callable(value):
        raise TypeError(f"Trainer: {name} must be {words}, got {_named(value)}")


def _warn_of_others(model: Module, optimizer: Any, loss: Any, scheduler: Any) -> None:
    """Warn where the optimizer changes nothing of the model, or the schedule nothing of it."""
    own = {id(p) for module in (model, loss) if isinstance(module, Module) for p in module.parameters()}
    stepped = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if own and not own & stepped:
        warnings.warn(
            "Trainer: the optimizer holds none of the model's parameters, so that it trains "
            "another model: make it of model.parameters()",
            stacklevel=4,
        )
    if getattr(scheduler, "optimizer", optimizer) is not optimizer:
        warnings.warn(
            "Trainer: the scheduler changes the learning rate of another optimizer", stacklevel=4
        )


def check_batches(name: str, loader: Any, epochs: int) -> None:
    """Raise TypeError for what gives no batches, or gives them once and is read again."""
    if isinstance(loader, (Tensor, np.ndarray)) or not (
        hasattr(loader, "__iter__") or hasattr(loader, "__getitem__")
    ):
        raise TypeError(
            f"Trainer: {name} must give batches (input, target), got {_named(loader)}: "
            "DataLoader(TensorDataset(x, y), batch_size=32)"
        )
    if epochs > 1 and isinstance(loader, Iterator):
        raise TypeError(
            f"Trainer: {name} is read {epochs} times, but a {type(loader).__name__} gives its "
            "batches once: pass a DataLoader or a list"
        )


def split(batch: Any) -> tuple[list[Any], Any]:
    """The inputs and the target of a batch.

    Raises:
        TypeError: it is no tuple or list of two or more.
    """
    if not isinstance(batch, (tuple, list)):
        raise TypeError(
            f"Trainer: a batch must be (input, target), got {_named(batch)}: give the data set "
            "pairs, TensorDataset(x, y), or override training_step"
        )
    if len(batch) < 2:
        raise TypeError(
            f"Trainer: a batch must be (input, target), got {len(batch)} of them: give the data "
            "set pairs, TensorDataset(x, y), or override training_step"
        )
    return list(batch[:-1]), batch[-1]


def check_writable(path: Path, model: Module) -> None:
    """Look whether a checkpoint can be written, before a training begins.

    Raises:
        TypeError: a parameter or buffer is of a type that files cannot hold.
        OSError: the path cannot be written to.
    """
    for name, tensor in model._state():
        if tensor.dtype.name not in NAMES:
            raise TypeError(
                f"Trainer: {name!r} is of {tensor.dtype}, which a checkpoint cannot hold: "
                f"it holds {', '.join(NAMES)}"
            )
    target = Path(os.path.realpath(path))
    try:
        if target.is_dir():
            raise IsADirectoryError("it is a folder")
        if target.exists() and not target.is_file():
            return  # a pipe, which is not replaced
        handle, temporary = exclusive(target)
        os.close(handle)
        temporary.unlink()
    except OSError as error:
        raise OSError(f"Trainer: the checkpoint {path} cannot be written: {error}") from error


def _named(value: Any) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    shape = f" of shape {value.shape}" if isinstance(value, (Tensor, np.ndarray)) else ""
    return f"a {type(value).__name__}{shape}"
