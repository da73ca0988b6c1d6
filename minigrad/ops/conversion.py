"""The same values in another dtype or on another device."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import backend
from ..hints import check_dtype
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
    found = tuple(map(backend.as_operand, backend.side_by_side(*values)))
    if not any(isinstance(x, Tensor) for x in found):
        return found
    return tuple(x if isinstance(x, Tensor) else wrap(x, None) for x in found)


@primitive(np.astype, method=False, x=lambda g: g)
def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """The values in another dtype; to integers or bools the result is a constant.

    out = x
    dx  = g                 (in the dtype of x)

    Args:
        dtype: the new one.
        copy: whether to copy where the dtype is the same already.
        device: where x is; another one is an error (`to_device` moves it).

    >>> astype(np.array([1.5, 2.5]), "float32")
    array([1.5, 2.5], dtype=float32)
    """
    if device is not None and backend.device_name(device) != backend.device_of(x):
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


def to_device(x: Tensor, device: Any) -> Tensor:
    """The tensor on another device, "cpu" or "cuda:0"; itself where it is there already.

    "cuda" is the current GPU (`minigrad.cuda.current_device`).

    Args:
        device: "cpu", "cuda" or "cuda:1", a GPU's number, or a device of CuPy's or PyTorch's.

    >>> to_device(Tensor(1.0), "cpu").device
    'cpu'
    """
    here = x.device if isinstance(x, Tensor) else backend.device_of(x)
    there = backend.device_name(device)
    return x if here == there else _to_device(x, there, here)


@method
def to(
    self: Tensor, *targets: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False
) -> Tensor:
    """The tensor on a device ("cpu", "cuda:0"), in a dtype, or both; part of the graph.

    Args:
        targets: a device (its name, a GPU's number, or a device of CuPy's or PyTorch's), a dtype, both,
            or a Tensor with the device and the dtype to take.
        device, dtype: the same by name.
        non_blocking: PyTorch's option, without effect.

    Raises:
        ValueError: there is no such device, nor such a dtype.

    >>> Tensor(1.0).to("float64").dtype
    dtype('float64')
    """
    out = self
    for target in (*targets, device, dtype):
        if isinstance(target, Tensor):
            out = out.to(target.device, target.dtype)
        elif backend.is_device(target):
            out = to_device(out, target)
        elif target is not None:
            _check_target(target)
            out = out if out.dtype == np.dtype(target) else out.astype(target)
    return out


def _check_target(target: Any) -> None:
    """An error for what is neither a device nor a dtype."""
    try:
        check_dtype(target)
    except TypeError as error:
        why = f'to({target!r}): there is no such device, they are "cpu", "cuda", "cuda:1" ...'
        if not str(target).lower().startswith(("cpu", "cuda", "gpu", "mps", "tpu", "xpu")):
            why += f"; and as a dtype: {error}"
        raise ValueError(why) from error


@method
def cpu(self: Tensor) -> Tensor:
    """The tensor in main memory."""
    return to_device(self, "cpu")


@method
def cuda(self: Tensor, device: Any = None) -> Tensor:
    """The tensor on a GPU: on the current one, or on that of a number or name.

    Args:
        device: a GPU's number or name. None: the current one.
    """
    return to_device(self, "cuda" if device is None else device)


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

    Args:
        order, subok: NumPy's options, without effect.

    >>> clone(np.array([1.0, 2.0]))
    array([1., 2.])
    """
    return a.copy() if hasattr(a, "copy") else np.positive(a)


Tensor.copy = clone  # type: ignore[attr-defined]
