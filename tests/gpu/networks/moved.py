"""What the cases of nn share: modules and values that are moved, derivatives, results that are brought back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Tensor

from .. import add as add_case


def case(f: Callable[[str], Any]) -> Callable[[str], Any]:
    """Note a function of a device as a case, under its own name."""
    return add(f.__name__, f)


def add(name: str, f: Callable[[str], Any]) -> Callable[[str], Any]:
    """Note a function of a device as a case."""
    add_case(f"nn: {name}", partial(results, f))
    return f


def results(f: Callable[[str], Any], device: str) -> list[Any]:
    """What a case gives from one seed, in main memory; Tensors must be on the device."""
    mg.random.manual_seed(0)
    return in_memory(f(device), device)


def on(device: str, values: Any, requires_grad: bool = False) -> Tensor:
    """Values as a Tensor on a device."""
    return Tensor(np.asarray(values), device=device, requires_grad=requires_grad)


def ramp(*shape: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    """Numbers that are all different and in no order, in float32."""
    size = int(np.prod(shape))
    order = (np.arange(size) * 7919) % max(size, 1) if size % 7919 else np.arange(size)
    return (low + (high - low) * (order + 0.5) / max(size, 1)).reshape(shape).astype(np.float32)


def made(device: str, module: Any, train: bool = True) -> Any:
    """A copy of a module on a device, with first values that follow from the seed."""
    return copy.deepcopy(module).to(device).train(train)


def with_gradients(out: Any, *tensors: Any) -> list[Any]:
    """A result and the gradients of the sum of its squares, for tensors that may be unused."""
    outs = list(out) if isinstance(out, (tuple, list)) else [out]
    loss = sum((y * y).sum() for y in outs)
    if not getattr(loss, "requires_grad", False):  # of constants
        return outs
    grads = mg.autograd.grad(loss, list(tensors), allow_unused=True, retain_graph=True)
    return [*outs, *(g for g in grads if g is not None)]


def to_second_order(out: Any, *tensors: Any) -> list[Any]:
    """A result, the gradients of the sum of its squares, and those of the sum of their squares."""
    first = mg.autograd.grad((out * out).sum(), list(tensors), create_graph=True)
    second = mg.autograd.grad(sum((g * g).sum() for g in first), list(tensors), allow_unused=True)
    return [out, *first, *(g for g in second if g is not None)]


def in_memory(result: Any, device: str) -> list[Any]:
    """All values of a result in main memory; a Tensor among them must be on the device.

    Python's floats, and what was computed in main memory of a GPU's numbers, are compared as float32.
    """
    if isinstance(result, (tuple, list)):
        return [value for item in result for value in in_memory(item, device)]
    if isinstance(result, dict):
        return in_memory(list(result.values()), device)
    if isinstance(result, Tensor):
        assert result.device.startswith(device), f"a result is on {result.device}"
        return [result.detach().cpu().numpy()]
    if hasattr(result, "get") and hasattr(result, "dtype"):
        return [result.get()]
    if isinstance(result, float) or (isinstance(result, np.ndarray) and result.dtype == np.float64):
        return [np.asarray(result, np.float32)]
    return [] if result is None else [result]
