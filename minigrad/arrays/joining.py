"""Functions of batches that join arrays, take them apart, and look elements up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .batch import Batch, Level, Unbatched, data_of, required, rule_for, shifted, whole, within
from .indexing import read

__all__: list[str] = []


@rule_for(np.concatenate)
def _concatenate(
    level: Level,
    function: Callable[..., Any],
    arrays: Sequence[Any],
    /,
    axis: Any = 0,
    out: Any = None,
    **kwargs: Any,
) -> Any:
    if out is not None:
        raise Unbatched("concatenate with out=")
    if axis is None:
        arrays, axis = [np.reshape(x, -1) for x in arrays], 0
    return Batch(
        np.concatenate(
            [whole(x, level) for x in arrays], shifted(axis, np.ndim(arrays[0])), **kwargs
        ),
        level,
    )


@rule_for(np.stack)
def _stack(
    level: Level,
    function: Callable[..., Any],
    arrays: Sequence[Any],
    axis: int = 0,
    out: Any = None,
    **kwargs: Any,
) -> Any:
    if out is not None:
        raise Unbatched("stack with out=")
    return Batch(
        np.stack(
            [whole(x, level) for x in arrays], shifted(axis, np.ndim(arrays[0]) + 1), **kwargs
        ),
        level,
    )


@rule_for(np.split, np.array_split)
def _split(
    level: Level, function: Callable[..., Any], x: Any, indices_or_sections: Any, axis: int = 0
) -> Any:
    return [
        Batch(part, level)
        for part in function(required(x, level), indices_or_sections, shifted(axis, x.ndim))
    ]


@rule_for(np.unstack)
def _unstack(level: Level, function: Callable[..., Any], x: Any, /, *, axis: int = 0) -> Any:
    return tuple(
        Batch(part, level) for part in function(required(x, level), axis=shifted(axis, x.ndim))
    )


@rule_for(np.append)
def _append(
    level: Level, function: Callable[..., Any], x: Any, values: Any, axis: int | None = None
) -> Any:
    return np.concatenate([x, values], axis)


@rule_for(np.take)
def _take(
    level: Level, function: Callable[..., Any], x: Any, indices: Any, axis: int | None = None, out: Any = None,
    mode: str = "raise",
) -> Any:  # fmt: skip
    if out is not None:
        raise Unbatched("take with out=")
    if mode != "raise":  # CuPy's take has no modes
        n = np.size(x) if axis is None else np.shape(x)[axis]
        indices = np.remainder(indices, n) if mode == "wrap" else np.clip(indices, 0, n - 1)
    if not within(indices, level):
        data, ndim = required(x, level), x.ndim
        if axis is None:
            return Batch(function(np.reshape(data, (level.size, x.size)), indices, 1), level)
        return Batch(function(data, indices, shifted(axis, ndim)), level)
    x, axis = (np.reshape(x, -1), 0) if axis is None else (x, axis % np.ndim(x))
    return read(x, (*(slice(None),) * axis, indices))


@rule_for(np.take_along_axis)
def _take_along_axis(
    level: Level, function: Callable[..., Any], arr: Any, indices: Any, axis: Any = -1
) -> Any:
    if axis is None:
        arr, indices, axis = np.reshape(arr, -1), np.reshape(indices, -1), 0
    return Batch(
        np.take_along_axis(whole(arr, level), whole(indices, level), shifted(axis, np.ndim(arr))),
        level,
    )


@rule_for(np.put_along_axis)
def _put_along_axis(
    level: Level, function: Callable[..., Any], arr: Any, indices: Any, values: Any, axis: Any
) -> None:
    data, ndim = required(arr, level), arr.ndim
    if axis is None:
        raise Unbatched("put_along_axis of all axes")
    values = data_of(np.broadcast_to(values, np.shape(indices)), level)
    values = values if np.ndim(values) > ndim else values[None]
    np.put_along_axis(data, whole(indices, level), values, shifted(axis, ndim))
