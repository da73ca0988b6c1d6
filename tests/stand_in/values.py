"""What may be given to a kernel, and results as arrays of the stand-in."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import array
from .device import current, settings

__all__ = ["SCALARS", "Given", "refuse"]

#: What a kernel takes beside arrays of its own.
SCALARS = (bool, int, float, complex, np.generic)


def refuse(name: str, x: Any) -> None:
    """What CuPy says of an operand that it cannot take."""
    raise TypeError(f"cupy.{name}: Unsupported type {type(x)}; it takes arrays of the GPU and numbers")


class Given:
    """The arguments of one call: checked, and as NumPy's arrays underneath."""

    def __init__(self, name: str, uploads: bool = False, late: bool = False) -> None:
        self.name = name
        self.uploads = uploads
        self.late = late  # the devices are looked at when something was computed: a view may be taken anywhere
        self.arrays: list[array.ndarray] = []

    def raw(self, x: Any) -> Any:
        """x with NumPy's arrays in the place of the stand-in's; refuses all other arrays."""
        if isinstance(x, array.ndarray):
            if not self.late:
                self.check_device(x)
            self.arrays.append(x)
            return x._a
        if isinstance(x, (list, tuple)):
            return self.each(x)
        if isinstance(x, dict):
            return {k: self.raw(v) for k, v in x.items()}
        if isinstance(x, np.ndarray):
            return x if self.uploads else refuse(self.name, x)
        if hasattr(type(x), "__array__") and not isinstance(x, np.generic):
            refuse(self.name, x)
        return x

    def each(self, x: Any) -> Any:
        items = [self.raw(item) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)

    def check_device(self, x: array.ndarray) -> None:
        if x._device == current() or settings.peers or self.uploads:
            return
        raise ValueError(
            f"cupy.{self.name}: The device where the array resides ({x._device}) is different from "
            f"the current device ({current()}). Peer access is unavailable between these devices."
        )

    def check_devices(self, result: Any) -> None:
        """Where a call was `late`: refuse arrays of other devices, unless it gave a view, or no array."""
        if self.late and not self.is_view(result):
            for x in self.arrays:
                self.check_device(x)

    def wrapped(self, result: Any) -> Any:
        """NumPy's result as the stand-in's: an argument that came back is itself, a view stays one."""
        if isinstance(result, (np.ndarray, np.generic)):
            return self.wrapped_array(result)
        if isinstance(result, (list, tuple)):
            items = [self.wrapped(item) for item in result]
            if self.name.startswith("linalg."):  # these have no names
                return tuple(items)
            return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
        return result

    def wrapped_array(self, result: Any) -> array.ndarray:
        for x in self.arrays:
            if result is x._a:
                return x
        viewed = self.viewed(result)
        if viewed is not None:
            return array.wrap_view(result, viewed)
        return array.wrap(np.asarray(result), current())

    def viewed(self, result: Any) -> array.ndarray | None:
        """The argument whose memory a result shares."""
        if not isinstance(result, np.ndarray) or result.base is None:
            return None
        return next((x for x in self.arrays if np.may_share_memory(x._a, result)), None)

    def is_view(self, result: Any) -> bool:
        """Whether nothing was computed: every array of the result is an argument, or a view of one."""
        if isinstance(result, (list, tuple)):
            return all(map(self.is_view, result))
        if not isinstance(result, np.ndarray):
            return not isinstance(result, np.generic)
        return any(result is x._a for x in self.arrays) or self.viewed(result) is not None
