"""Functions of batches that move elements: shapes, axes, triangles and diagonals, borders."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from .batch import Batch, Level, Unbatched, aligned, newest, required, rule_for, shifted

__all__: list[str] = []


@rule_for(np.reshape)
def _reshape(
    level: Level,
    function: Callable[..., Any],
    x: Any,
    /,
    shape: Any,
    order: str = "C",
    *,
    copy: Any = None,
) -> Any:
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if order == "F":  # the first axis fastest: as in order C with all axes turned around
        return np.transpose(np.reshape(np.transpose(x), shape[::-1]))
    if order != "C":
        raise Unbatched("reshape in the order of the memory")
    data = required(x, level)
    if -1 in shape:  # NumPy cannot tell a length beside a batch of size 0
        known = -prod(shape)
        shape = tuple(x.size // known if n == -1 and known else n for n in shape)
    if prod(shape) != x.size or min(shape, default=0) < 0:
        raise ValueError(f"cannot reshape array of size {x.size} into shape {shape}")
    return Batch(np.reshape(data, (level.size, *shape)), level)


@rule_for(np.ravel)
def _ravel(level: Level, function: Callable[..., Any], x: Any, order: str = "C") -> Any:
    return _reshape(level, np.reshape, x, x.size, order)


@rule_for(np.transpose, np.permute_dims)
def _transpose(level: Level, function: Callable[..., Any], x: Any, axes: Any = None) -> Any:
    data, ndim = required(x, level), x.ndim
    order = range(ndim, 0, -1) if axes is None else shifted(tuple(axes), ndim)
    return Batch(np.transpose(data, (0, *order)), level)


@rule_for(np.moveaxis)
def _moveaxis(
    level: Level, function: Callable[..., Any], x: Any, source: Any, destination: Any
) -> Any:
    data, ndim = required(x, level), x.ndim
    return Batch(np.moveaxis(data, shifted(source, ndim), shifted(destination, ndim)), level)


@rule_for(np.swapaxes)
def _swapaxes(level: Level, function: Callable[..., Any], x: Any, axis1: int, axis2: int) -> Any:
    return Batch(
        np.swapaxes(required(x, level), shifted(axis1, x.ndim), shifted(axis2, x.ndim)), level
    )


@rule_for(np.matrix_transpose)
def _matrix_transpose(level: Level, function: Callable[..., Any], x: Any, /) -> Any:
    return _swapaxes(level, np.swapaxes, x, -1, -2)


@rule_for(np.expand_dims)
def _expand_dims(level: Level, function: Callable[..., Any], x: Any, axis: Any) -> Any:
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    return Batch(np.expand_dims(required(x, level), shifted(axis, x.ndim + count)), level)


@rule_for(np.squeeze)
def _squeeze(level: Level, function: Callable[..., Any], x: Any, axis: Any = None) -> Any:
    data = required(x, level)
    axes = (
        tuple(i + 1 for i, n in enumerate(x.shape) if n == 1)
        if axis is None
        else shifted(axis, x.ndim)
    )
    return Batch(np.squeeze(data, axes), level)


@rule_for(np.broadcast_to)
def _broadcast_to(
    level: Level, function: Callable[..., Any], x: Any, shape: Any, subok: bool = False
) -> Any:
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    required(x, level)
    return Batch(np.broadcast_to(aligned(x, len(shape), level), (level.size, *shape)), level)


@rule_for(np.broadcast_arrays)
def _broadcast_arrays(
    level: Level, function: Callable[..., Any], *arrays: Any, subok: bool = False
) -> Any:
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    return tuple(np.broadcast_to(x, shape) for x in arrays)


@rule_for(np.flip)
def _flip(level: Level, function: Callable[..., Any], x: Any, axis: Any = None) -> Any:
    return Batch(np.flip(required(x, level), shifted(axis, x.ndim)), level)


@rule_for(np.roll)
def _roll(level: Level, function: Callable[..., Any], x: Any, shift: Any, axis: Any = None) -> Any:
    if type(shift) is Batch:
        raise Unbatched("roll by a number of each example")
    if axis is None:
        return np.reshape(_roll(level, function, np.reshape(x, -1), shift, 0), x.shape)
    return Batch(np.roll(required(x, level), shift, shifted(axis, x.ndim)), level)


@rule_for(np.tile)
def _tile(level: Level, function: Callable[..., Any], x: Any, reps: Any) -> Any:
    data, reps = required(x, level), (reps,) if isinstance(reps, (int, np.integer)) else tuple(reps)
    data = aligned(x, len(reps), level)
    return Batch(np.tile(data, (1, *(1,) * (data.ndim - 1 - len(reps)), *reps)), level)


@rule_for(np.pad)
def _pad(
    level: Level, function: Callable[..., Any], x: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any
) -> Any:
    data = required(x, level)
    if isinstance(pad_width, dict) or callable(mode) or newest(kwargs) is not None:
        raise Unbatched("pad with a dict, a function, or options of each example")
    options = {n: _of_axes(v, x.ndim) if n in _EACH_AXIS and v is not None else v for n, v in kwargs.items()}
    return Batch(np.pad(data, [(0, 0), *_of_axes(pad_width, x.ndim)[1:]], mode, **options), level)


#: The options of np.pad that are given for each axis.
_EACH_AXIS = ("constant_values", "end_values", "stat_length")


def _of_axes(values: Any, ndim: int) -> list[Any]:
    """A pair (before, after) for each axis, the batch too, which is not padded."""
    return [(1, 1), *np.broadcast_to(np.asarray(values), (ndim, 2)).tolist()]


@rule_for(np.diagonal, np.trace)
def _diagonal(
    level: Level,
    function: Callable[..., Any],
    x: Any,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
) -> Any:
    return Batch(
        function(required(x, level), offset, shifted(axis1, x.ndim), shifted(axis2, x.ndim)), level
    )


@rule_for(np.tril, np.triu)
def _triangle(level: Level, function: Callable[..., Any], x: Any, k: int = 0) -> Any:
    if x.ndim < 2 or type(k) is Batch:
        raise Unbatched("a triangle of a vector, or of each example's own")
    return Batch(function(required(x, level), k), level)
