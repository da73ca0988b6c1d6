"""What the repr of layers, optimizers, schedules, loaders and data sets shows: their settings."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor, raw

__all__ = ["brief", "settings"]

#: A list of more than so many items is shown by its length.
MOST = 8


def settings(thing: object, *hidden: str) -> str:
    """The public attributes of an object as "name=value, ...", without those that are hidden, and without Tensors.

    >>> class Thing: pass
    >>> thing = Thing()
    >>> thing.size, thing.kind, thing._secret = 3, "same", 1
    >>> settings(thing)
    "size=3, kind='same'"
    """
    shown = (
        (name, value)
        for name, value in vars(thing).items()
        if not name.startswith("_") and name not in hidden and not isinstance(value, Tensor)
    )
    return ", ".join(f"{name}={brief(value)}" for name, value in shown)


def brief(value: Any) -> str:
    """A value as short text: functions by their names, arrays by dtype and shape, long lists by their lengths.

    >>> brief(np.zeros((2, 3))), brief(len), brief([1, 2]), brief(range(100))
    ('float64 (2, 3)', 'len', '[1, 2]', '100 items')
    """
    if isinstance(value, (Tensor, np.ndarray)):
        return f"{raw(value).dtype} {value.shape}"
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    if isinstance(value, (list, tuple, dict, range)) and len(value) > MOST:
        return f"{len(value)} items"
    if isinstance(value, (list, tuple)):
        inside = ", ".join(map(brief, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    text = repr(value)
    return type(value).__name__ if " at 0x" in text else text
