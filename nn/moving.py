"""Parameters and buffers on another device, and in another dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from minigrad import Tensor
from minigrad.devices import is_device

from .contents import Owner, walk
from .parameter import Buffer, Parameter

__all__ = ["Moving"]


class Moving(Owner):
    """The methods of a module that move it or change its dtype; each returns the module."""

    def to(
        self,
        *targets: Any,
        device: Any = None,
        dtype: Any = None,
        non_blocking: bool = False,
    ) -> Self:
        """Move all parameters and buffers to a device, or make their floats another dtype.

        Args:
            targets: a device, a dtype, both, or a Tensor whose device and dtype are meant.
            non_blocking: for PyTorch's sake; it changes nothing.

        Raises:
            TypeError: an integer dtype; nothing is changed then.
        """
        device, dtype = _device_and_dtype(targets, device, dtype)
        if dtype is not None and dtype.kind not in "fc":
            raise TypeError(f"to() makes floats other floats, got {dtype}: type({dtype}) casts all")

        def cast(x: Tensor) -> Tensor:
            kinds = "f" if dtype is None or dtype.kind == "f" else "fc"
            x = x if dtype is None or x.dtype.kind not in kinds else x.to(dtype)
            return x if device is None else x.to(device)

        return self._change(cast)

    def _change(self, cast: Callable[[Tensor], Tensor]) -> Self:
        """Give parameters, buffers and gradients the arrays that a function makes of them."""
        changed = [
            (x, cast(x.detach()), None if x.grad is None else cast(x.grad.detach()))
            for _, x in walk(self)
            if isinstance(x, (Parameter, Buffer))
        ]
        for x, new, grad in changed:
            x.data = new.data
            if grad is not None:
                x.grad = grad
        return self

    def type(self, dst_type: Any) -> Self:
        """All parameters and buffers in this dtype, also those of integers."""
        dtype = np.dtype(dst_type)
        if dtype.kind not in "fc" and any(
            x.requires_grad for _, x in walk(self) if isinstance(x, Parameter)
        ):
            raise TypeError(f"parameters that require a gradient cannot be {dtype}")
        return self._change(lambda x: x.to(dtype))

    def cpu(self) -> Self:
        """All parameters and buffers in main memory."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Self:
        """All parameters and buffers on a GPU: the current one, that of a number, or "cuda:1"."""
        return self.to("cuda" if device is None else device)

    def float(self) -> Self:
        """All floating parameters and buffers in float32."""
        return self.to(np.float32)

    def double(self) -> Self:
        """All floating parameters and buffers in float64."""
        return self.to(np.float64)

    def half(self) -> Self:
        """All floating parameters and buffers in float16."""
        return self.to(np.float16)


def _device_and_dtype(
    targets: tuple[Any, ...], device: Any, dtype: Any
) -> tuple[Any, Any]:
    """What `to()` was asked for."""
    for target in targets:
        if isinstance(target, Tensor):
            device, dtype = target.device, target.dtype
        elif is_device(target):
            device = target
        elif not isinstance(target, bool):  # PyTorch's non_blocking by position
            try:
                dtype = np.dtype(target)
            except TypeError:
                Tensor(0.0).to(target)  # which says what it takes
                raise
    return device, None if dtype is None else np.dtype(dtype)
