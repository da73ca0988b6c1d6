"""The same values in another dtype or on another device."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import backend
from ..primitive import method, primitive
from ..tensor import Tensor, wrap

__all__ = ["astype", "clone", "to_device"]


def alike(*values: Any) -> tuple[Any, ...]:
    """Arrays and numbers, lists as arrays; all of them as Tensors where one is a Tensor.

    Beside a Tensor an array must be one before it is indexed: NumPy's `array[index]` asks the index
    for its values, which under `vmap` are many.

    >>> alike([1.0, 2.0], Tensor(1))[0]
    Tensor([1., 2.], dtype=float64)
    """
    found = tuple(map(backend.as_operand, values))
    if not any(isinstance(x, Tensor) for x in found):
        return found
    return tuple(x if isinstance(x, Tensor) else wrap(x, None) for x in found)


@primitive(np.astype, method=False, x=lambda g: g)
def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: str | None = None) -> Any:
    """The values in another dtype; to integers or bools the result is a constant.

    out = x
    dx  = g in the dtype of x

    >>> astype(np.array([1.5, 2.5]), "float32")
    array([1.5, 2.5], dtype=float32)
    """
    if device not in (None, backend.device_of(x)):
        raise ValueError(
            f"astype: x is on {backend.device_of(x)}; to_device(x, {device!r}) moves it"
        )
    return x.astype(dtype, copy=copy)


@primitive(method=False, name="to_device", x=lambda g, x_device: to_device(g, x_device))
def _to_device(x: Any, device: str, x_device: str) -> Any:
    """A copy on another device.

    out = x
    dx  = g, copied back
    """
    return backend.transfer(x, device)


def to_device(x: Tensor, device: str) -> Tensor:
    """The tensor on another device, "cpu" or "cuda:0"; itself where it is there already.

    >>> to_device(Tensor(1.0), "cpu").device
    'cpu'
    """
    here = x.device if isinstance(x, Tensor) else backend.device_of(x)
    number = backend.parse_device(device)
    there = "cpu" if number is None else f"cuda:{number}"
    return x if here == there else _to_device(x, there, here)


@method
def to(self: Tensor, target: Any) -> Tensor:
    """The tensor on a device ("cpu", "cuda:0") or in a dtype; part of the graph.

    >>> Tensor(1.0).to("float64").dtype
    dtype('float64')
    """
    if isinstance(target, Tensor):
        return self.to(target.device).astype(target.dtype)
    if isinstance(target, str) and target.partition(":")[0] in ("cpu", "cuda"):
        return to_device(self, target)
    return self if self.dtype == np.dtype(target) else self.astype(target)


@method
def cpu(self: Tensor) -> Tensor:
    """The tensor in main memory."""
    return to_device(self, "cpu")


@method
def cuda(self: Tensor, device: int = 0) -> Tensor:
    """The tensor on a GPU."""
    return to_device(self, f"cuda:{device}")


@method
def float(self: Tensor) -> Tensor:  # noqa: A001
    """The tensor in float32."""
    return self.to(np.float32)


@method
def double(self: Tensor) -> Tensor:
    """The tensor in float64."""
    return self.to(np.float64)


@method
def half(self: Tensor) -> Tensor:
    """The tensor in float16."""
    return self.to(np.float16)


@primitive(np.copy, a=lambda g: g)
def clone(a: Any, order: str = "K", subok: bool = False) -> Any:
    """A copy that is part of the graph; also the method `copy`.

    out = a
    da  = g

    >>> clone(np.array([1.0, 2.0]))
    array([1., 2.])
    """
    return a.copy() if hasattr(a, "copy") else np.positive(a)


Tensor.copy = clone  # type: ignore[attr-defined]
