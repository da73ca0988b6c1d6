"""Functions of batches that work element by element, make new arrays, or ask for a property."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from .batch import (
    Batch,
    Level,
    Unbatched,
    aligned,
    all_examples,
    data_of,
    ndim_of,
    rebuilt,
    required,
    rule_for,
    shifted,
    within,
)
from .reducing import by_name

__all__: list[str] = []


@rule_for(
    np.clip,
    np.nan_to_num,
    np.real,
    np.imag,
    np.angle,
    np.round,
    np.around,
    np.fix,
    np.isclose,
    np.isreal,
    np.iscomplex,
    np.sinc,
    np.i0,
    np.copy,
    np.isneginf,
    np.isposinf,
)
def _elementwise(level: Level, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Arguments that broadcast against each other; options too, where they are arrays."""
    if kwargs.get("out") is not None:
        target = required(kwargs["out"], level)
        ndim = kwargs["out"].ndim
        function(*(aligned(x, ndim, level) for x in args), **{**kwargs, "out": target})
        return kwargs["out"]
    ndim = max(ndim_of(x) for x in (*args, *kwargs.values()))
    out = function(
        *(aligned(x, ndim, level) for x in args),
        **{k: aligned(v, ndim, level) for k, v in kwargs.items()},
    )
    return rebuilt(out, level)


@rule_for(np.where)
def _where(level: Level, function: Callable[..., Any], condition: Any, *choices: Any) -> Any:
    if not choices:
        raise Unbatched("the indices where a condition holds are not equally many in each example")
    return _elementwise(level, function, condition, *choices)


@rule_for(np.copyto)
def _copyto(
    level: Level,
    function: Callable[..., Any],
    dst: Any,
    src: Any,
    casting: str = "same_kind",
    where: Any = True,
) -> None:
    data, ndim = required(dst, level), dst.ndim
    function(data, aligned(src, ndim, level), casting=casting, where=aligned(where, ndim, level))


@rule_for(np.putmask, np.place, np.put, np.fill_diagonal)
def _in_rows(level: Level, function: Callable[..., Any], x: Any, *args: Any, **kwargs: Any) -> None:
    """A function that writes into its first argument, for one example after the other."""
    data = required(x, level)
    for i in range(level.size):
        row = [a._array[i, ...] if within(a, level) else a for a in args]
        function(data[i, ...], *row, **kwargs)


@rule_for(np.astype)
def _astype(
    level: Level,
    function: Callable[..., Any],
    x: Any,
    dtype: Any,
    /,
    *,
    copy: bool = True,
    device: Any = None,
) -> Any:
    return Batch(required(x, level).astype(dtype, copy=copy), level)


@rule_for(np.asarray)
def _asarray(level: Level, function: Callable[..., Any], x: Any, dtype: Any = None) -> Any:
    return x if dtype is None else Batch(required(x, level).astype(dtype, copy=False), level)


# ----------------------------------------------------------------------------------- new arrays


def _shape(shape: Any) -> tuple[int, ...]:
    return (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(shape)


@rule_for(np.zeros_like, np.ones_like, np.empty_like, np.full_like)
def _like(level: Level, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """zeros_like(x, shape=...) and its kin: of each example, so that values of each can be written into it."""
    x, options = by_name(function, args, kwargs)
    shape = options.pop("shape", None)
    size = _shape(np.shape(x) if shape is None else shape)
    options["shape"] = (level.size, *size)
    if function is not np.full_like:
        return Batch(function(data_of(x, level), **options), level)
    value, empty = options.pop("fill_value"), cast(Any, np.empty_like)
    out = empty(data_of(x, level), **options)
    np.copyto(out, aligned(value, len(size), level), casting="unsafe")
    return Batch(out, level)


@rule_for(np.linspace, np.logspace, np.geomspace)
def _spaced(level: Level, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Numbers between ends, which may be different for each example."""
    start, options = by_name(function, args, kwargs)
    ends: dict[str, Any] = {"start": start, **{n: options.pop(n) for n in ("stop", "base") if n in options}}
    ndim = max(map(ndim_of, ends.values()))
    ends = {n: aligned(v, ndim, level) for n, v in ends.items()}
    options["axis"] = shifted(options.get("axis", 0), ndim + 1)
    return rebuilt(function(**ends, **options), level)


# ----------------------------------------------------------------------------------- properties


@rule_for(np.result_type, np.can_cast, np.min_scalar_type)
def _plain(level: Level, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What dtypes alone decide."""
    return function(*(a.dtype if type(a) is Batch else a for a in args), **kwargs)


@rule_for(np.ndim)
def _ndim(level: Level, function: Callable[..., Any], x: Any) -> int:
    return ndim_of(x)


@rule_for(np.shape)
def _shape_of(level: Level, function: Callable[..., Any], x: Any) -> tuple[int, ...]:
    return x.shape


@rule_for(np.size)
def _size(level: Level, function: Callable[..., Any], x: Any, axis: Any = None) -> int:
    return np.size(np.broadcast_to(0, x.shape), axis)


@rule_for(np.iscomplexobj, np.isrealobj)
def _kind(level: Level, function: Callable[..., Any], x: Any) -> bool:
    return (x.dtype.kind == "c") == (function is np.iscomplexobj)


@rule_for(np.shares_memory, np.may_share_memory)
def _shares_memory(level: Level, function: Callable[..., Any], *arrays: Any, **kwargs: Any) -> bool:
    return function(*map(all_examples, arrays), **kwargs)
