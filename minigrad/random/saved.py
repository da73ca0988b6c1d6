"""What a state of the generators must be: it may come from a file, and NumPy looks at nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from .philox import LIMIT

__all__ = ["check_state"]

#: More GPUs than this no machine has.
_MOST_GPUS = 1024


def check_state(state: Any) -> dict[str, Any]:
    """A state of Philox, in the types that NumPy writes into its memory without looking.

    `buffer_pos` is an index into the four words of `buffer`; NumPy would follow any other number.

    Raises:
        ValueError: where a name is missing or unknown, or a number is of another kind or out of
            range.
    """
    names = ("bit_generator", "state", "buffer", "buffer_pos", "has_uint32", "uinteger")
    known = (*names, "devices") if isinstance(state, dict) and "devices" in state else names
    outer = _names("state", state, known)
    inner = _names("state['state']", outer["state"], ("counter", "key"))
    if not isinstance(outer["bit_generator"], str) or outer["bit_generator"] != "Philox":
        raise ValueError(
            f"random state: expected one of Philox, got {outer['bit_generator']!r:.40}"
        )
    checked = {
        "bit_generator": "Philox",
        "state": {
            "counter": _words("counter", inner["counter"], 4),
            "key": _words("key", inner["key"], 2),
        },
        "buffer": _words("buffer", outer["buffer"], 4),
        "buffer_pos": _integer("buffer_pos", outer["buffer_pos"], 4),
        "has_uint32": _integer("has_uint32", outer["has_uint32"], 1),
        "uinteger": _integer("uinteger", outer["uinteger"], 2**32 - 1),
    }
    return checked if known is names else {**checked, "devices": _positions(outer["devices"])}


def _positions(devices: Any) -> dict[str, int]:
    """How far the stream of each GPU has come, by the GPU's name."""
    if not isinstance(devices, dict):
        raise ValueError(f"random state: 'devices' needs a dict, got a {type(devices).__name__}")
    for name in devices:
        number = name.removeprefix("cuda:") if isinstance(name, str) else ""
        plain = number.isascii() and number.isdigit() and len(number) <= 4
        if not plain or name != f"cuda:{int(number)}" or int(number) >= _MOST_GPUS:
            raise ValueError(f"random state: 'devices' are named 'cuda:0', 'cuda:1' ..., got {name!r:.40}")
    return {name: _integer(name, place, LIMIT - 1) for name, place in devices.items()}


def _names(what: str, found: Any, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(found, dict) or found.keys() != set(names):
        given = (
            ", ".join(map(str, found)) if isinstance(found, dict) else f"a {type(found).__name__}"
        )
        raise ValueError(f"random state: {what} needs {', '.join(names)}, got {given:.80}")
    return found


def _words(name: str, values: Any, count: int) -> np.ndarray:
    array = np.asarray(values)
    whole = array.dtype.kind == "u" or (array.dtype.kind == "i" and bool((array >= 0).all()))
    if array.shape != (count,) or not whole:
        raise ValueError(
            f"random state: {name!r} must be {count} integers from 0 on, got {values!r:.60}"
        )
    return array.astype(np.uint64)


def _integer(name: str, value: Any, most: int) -> int:
    if (
        not isinstance(value, (int, np.integer))
        or isinstance(value, bool)
        or not 0 <= value <= most
    ):
        raise ValueError(
            f"random state: {name!r} must be an integer from 0 to {most}, got {value!r:.60}"
        )
    return int(value)
