"""States of optimizers from elsewhere: held against the optimizer before anything is changed, or moved to its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np

from minigrad import Tensor, raw, to_device
from minigrad.backend import device_of
from minigrad.devices import follow

from ..checks import WrongType, number
from .options import BESIDE, check_rules

__all__ = [
    "checked_entries", "checked_entry", "checked_groups", "copied", "follow_parameter", "loaded_array",
    "loaded_number",
]  # fmt: skip

#: Arrays of sums and means of squares, of largest values, and of step sizes.
NOT_NEGATIVE = (
    "exp_avg_sq", "max_exp_avg_sq", "exp_inf", "sum", "square_avg", "acc_delta", "variance", "row_var", "col_var",
    "step_size",
)  # fmt: skip

#: Numbers that are products of factors from 0 to 1, or such a factor.
FACTORS = ("mu_product", "mu")


def checked_groups(optimizer: Any, state_dict: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The options of each group, without its parameters.

    Raises:
        ValueError, TypeError: there are other groups, names or types; the message says which.
    """
    kind = type(optimizer).__name__
    if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= state_dict.keys():
        raise ValueError(f"{kind}: a state has 'state' and 'param_groups', got {_keys(state_dict)}")
    saved, own = state_dict["param_groups"], optimizer.param_groups
    if not isinstance(saved, (list, tuple)) or not all(isinstance(g, Mapping) and "params" in g for g in saved):
        raise ValueError(f"{kind}: param_groups must be a list of dicts with 'params'")
    sizes, ours = [len(g["params"]) for g in saved], [len(g["params"]) for g in own]
    if sizes != ours:
        raise ValueError(f"the state has groups of {sizes} parameters, the optimizer of {ours}")
    groups = []
    for group, present in zip(saved, own, strict=True):
        options = {name: value for name, value in group.items() if name not in ("params", "param_names")}
        if unknown := set(options) - set(optimizer.defaults) - set(BESIDE):
            raise ValueError(f"{kind} has no option {min(map(str, unknown))!r}: the state is another optimizer's")
        check_rules(kind, options, optimizer.rules)
        optimizer.check_group({**present, **options})
        groups.append({name: _like(value, present.get(name)) for name, value in options.items()})
    return groups


def checked_entries(
    optimizer: Any, groups: list[dict[str, Any]], state_dict: Mapping[str, Any]
) -> dict[Tensor, dict[str, Any]]:
    """A copy of the state by parameter, in the parameters' dtypes and on their devices.

    Raises:
        ValueError: a number of a parameter, a name, a shape or a type does not fit.
    """
    kind = type(optimizer).__name__
    places: list[tuple[Any, Tensor, dict[str, Any]]] = []
    for saved, group, options in zip(state_dict["param_groups"], optimizer.param_groups, groups, strict=True):
        places += zip(saved["params"], group["params"], [{**group, **options}] * len(group["params"]), strict=True)
    by_number = {str(n): (p, options) for n, p, options in places}
    if len(by_number) < len(places):
        raise ValueError(f"{kind}: a number of a parameter comes twice in the state")
    entries = state_dict["state"]
    if not isinstance(entries, Mapping) or not all(isinstance(e, Mapping) for e in entries.values()):
        raise ValueError(f"{kind}: 'state' must be a dict of dicts")
    state = {}
    for n, entry in entries.items():
        if str(n) not in by_number:
            raise ValueError(f"{kind}: the state is of a parameter {n!r}, which no group has")
        p, options = by_number[str(n)]
        if entry:
            state[p] = optimizer.load_entry(p, entry, options, f"{kind}: state of parameter {n}")
    return state


def checked_entry(optimizer: Any, p: Tensor, entry: Mapping[str, Any], options: dict[str, Any], where: str) -> dict[str, Any]:
    """What is remembered of one parameter, as `fresh_state` and `optional_state` say that it is."""
    if optimizer.optional_state is None:
        return _unknown_entry(p, entry, where)
    fresh = optimizer.begin(p.data, options)
    known = {**fresh, **dict.fromkeys(optimizer.optional_state)}
    if unknown := entry.keys() - known.keys():
        raise ValueError(f"{where}: no {min(map(str, unknown))!r} is known, only {', '.join(known)}")
    if missing := fresh.keys() - entry.keys():
        raise ValueError(f"{where}: {min(missing)!r} is missing")
    result = {}
    for name, value in entry.items():
        like = known[name]
        if name in optimizer.optional_state:
            if value is None:
                continue
            like = p.data.astype(np.float32) if p.dtype == np.float16 else p.data
        if hasattr(like, "reshape"):
            result[name] = loaded_array(value, like, p, f"{where}: {name!r}")
        else:
            result[name] = loaded_number(value, type(like), f"{where}: {name!r}")
    _check_ranges(result, where)
    return result


@follow
def _check_ranges(entry: Mapping[str, Any], where: str) -> None:
    """Raise for what no step can have left: it would make the next one wrong, or the weights NaN."""
    for name, value in entry.items():
        parts = [value.real, value.imag] if getattr(value, "dtype", np.dtype(float)).kind == "c" else [value]
        if name in NOT_NEGATIVE and not all((part >= 0).all() for part in parts):
            raise ValueError(f"{where}: {name!r} must not be negative or NaN, as a sum of squares or a size")
        if name in FACTORS and not 0 <= value <= 1:
            raise ValueError(f"{where}: {name!r} must be from 0 to 1, got {value}")


def _unknown_entry(p: Tensor, entry: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The state of a class that does not say what it is: arrays have the parameter's shape."""
    for name, value in entry.items():
        if hasattr(value, "shape") and np.ndim(value) and np.shape(value) != p.shape:
            raise ValueError(f"{where}: {name!r} has shape {np.shape(value)}, not {p.shape}")
    return {name: copied(value, p) for name, value in entry.items()}


def loaded_array(value: Any, like: Any, p: Tensor, where: str) -> Any:
    """A copy of a loaded array with the shape and dtype of `like`, on the device of p."""
    array = _values(value)
    if isinstance(array, np.ma.MaskedArray):
        raise ValueError(f"{where} is a masked array, whose mask would be lost: pass x.filled(value)")
    if array.shape != like.shape:
        raise ValueError(f"{where} has shape {array.shape}, not {like.shape}")
    if array.dtype.kind not in "biufc" or (array.dtype.kind == "c" and like.dtype.kind != "c"):
        raise ValueError(f"{where} has dtype {array.dtype}, which cannot be made {like.dtype}")
    return copied(array.astype(like.dtype), p)


def loaded_number(value: Any, kind: type, where: str) -> Any:
    """A loaded number, also one that is a 0-d array, as an int or a float."""
    try:
        found = number(value if not hasattr(value, "detach") else _values(value))
    except WrongType:
        raise ValueError(f"{where} must be a number, got {value!r:.60}") from None
    if not isfinite(found) or (kind is int and (found < 0 or found != int(found))):
        raise ValueError(f"{where} must be a {'count' if kind is int else 'finite number'}, got {found}")
    return kind(found)


@follow
def copied(value: Any, like: Tensor | None = None) -> Any:
    """A copy of what an optimizer remembers, its arrays on the device of a tensor; numbers as they are."""
    if isinstance(value, (list, tuple)):
        return type(value)(copied(v, like) for v in value)
    if isinstance(value, Tensor):
        value = value.data
    if not hasattr(value, "reshape") or isinstance(value, np.generic):
        return value
    if like is None:
        return value.copy()
    home = to_device(Tensor(value), like.device).data
    return home.copy() if home is value else home


def _values(value: Any) -> Any:
    """The array of a Tensor, of a tensor of PyTorch, or of numbers."""
    if isinstance(value, Tensor):
        return raw(value)
    return value if hasattr(value, "dtype") and hasattr(value, "astype") else np.asarray(value)


def follow_parameter(state: dict[str, Any] | None, p: Tensor) -> None:
    """Bring the arrays of a state, also those in lists, to the device of its parameter, if that has been moved."""
    if not state:
        return
    there = p.device
    for name, value in state.items():
        if there == "cpu" and isinstance(value, (np.ndarray, int, float)):
            continue  # as nearly always
        if isinstance(value, list):
            state[name] = [_moved(v, there) for v in value]  # type: ignore[index]
        elif hasattr(value, "reshape"):
            state[name] = _moved(value, there)  # type: ignore[index]


def _moved(value: Any, there: str) -> Any:
    """An array on a device; itself where it is there already, or is a number."""
    if not hasattr(value, "reshape") or isinstance(value, np.generic):
        return value
    if (isinstance(value, np.ndarray) and there == "cpu") or device_of(value) == there:
        return value
    moved = to_device(value, there)
    return moved if isinstance(value, Tensor) else raw(moved)


def _like(value: Any, present: Any) -> Any:
    """A loaded option; where the group's is a tensor, it stays one."""
    if isinstance(present, Tensor):
        return Tensor(np.full(present.shape, number(value), present.dtype))
    if isinstance(value, Tensor):
        return Tensor(value.data.copy())
    return tuple(value) if isinstance(present, tuple) and isinstance(value, list) else value


def _keys(value: Any) -> str:
    return ", ".join(map(repr, value)) if isinstance(value, Mapping) else type(value).__name__
