"""Pretended devices: `cupy.cuda.Device`, and which one is current in this thread."""

from __future__ import annotations

import threading
from typing import Any

from .counts import synchronised

__all__ = ["Device", "current", "settings"]


class Settings:
    """What `stand_in.installed(...)` sets.

    Attributes:
        devices: the number of devices that there are.
        lenient: errors that a GPU does not raise are not raised: indices out of range wrap around,
            singular matrices give infinity and NaN.
        peers: devices reach each other's memory; a kernel may take arrays of any of them.
        linalg: "raise" inside of `cupyx.errstate(linalg="raise")`.
    """

    def __init__(self) -> None:
        self.devices = 1
        self.lenient = False
        self.peers = False
        self.linalg = "ignore"


settings = Settings()
_thread = threading.local()


def current() -> int:
    """The number of the device on which kernels run now."""
    return getattr(_thread, "device", 0)


def set_current(number: int) -> None:
    if not 0 <= number < settings.devices:
        raise RuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
    _thread.device = number


class Device:
    """`cupy.cuda.Device`: a context manager; unhashable, compared by number."""

    __module__ = "cupy.cuda.device"
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, device: Any = None) -> None:
        self.id = current() if device is None else int(device)
        self._before: list[int] = []

    def __enter__(self) -> Device:
        self._before.append(current())
        set_current(self.id)
        return self

    def __exit__(self, *error: object) -> None:
        set_current(self._before.pop())

    def use(self) -> Device:
        set_current(self.id)
        return self

    def synchronize(self) -> None:
        synchronised("synchronize")

    @property
    def compute_capability(self) -> str:
        return "stand-in"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.id == self.id

    def __int__(self) -> int:
        return self.id

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"
