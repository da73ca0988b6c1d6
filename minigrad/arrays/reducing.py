"""Functions of batches that reduce axes, or go along one: sums, extrema, running sums, sorting, Fourier transforms."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from .batch import (
    Batch,
    Level,
    Unbatched,
    aligned,
    newest,
    required,
    rule_for,
    shifted,
    whole,
    within,
)

__all__ = ["by_name"]


@cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


def by_name(function: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, dict[str, Any]]:
    """The first argument, and the others by name."""
    if len(args) == 1:
        return args[0], dict(kwargs)
    bound = dict(_signature(function).bind(*args, **kwargs).arguments)
    bound.update(bound.pop("kwargs", {}))
    first = next(iter(bound))
    return bound.pop(first), bound


@rule_for(
    np.sum,
    np.prod,
    np.max,
    np.amax,
    np.min,
    np.amin,
    np.mean,
    np.var,
    np.std,
    np.any,
    np.all,
    np.count_nonzero,
    np.ptp,
    np.median,
    np.nansum,
    np.nanprod,
    np.nanmean,
    np.nanvar,
    np.nanstd,
    np.nanmax,
    np.nanmin,
    np.nanmedian,
)
def _reduction(level: Level, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Over any axes; all, where none is given."""
    x, options = by_name(function, args, kwargs)
    if options.pop("out", None) is not None:
        raise Unbatched(f"{function.__name__} with out=")
    ndim, beside = np.ndim(x), [n for n in ("where", "mean") if options.get(n) is not None]
    data = whole(x, level) if any(within(options[n], level) for n in beside) else required(x, level)
    options.update({n: aligned(options[n], ndim, level) for n in beside})  # a mask, and a mean that is known
    if any(type(v) is Batch and v.level is level for v in options.values()):
        raise Unbatched(f"{function.__name__} with an option of each example")
    options["axis"] = shifted(options.get("axis"), ndim)
    return Batch(function(data, **options), level)


@rule_for(np.argmax, np.argmin, np.nanargmax, np.nanargmin)
def _place_of_extremum(
    level: Level, function: Callable[..., Any], *args: Any, **kwargs: Any
) -> Any:
    x, options = by_name(function, args, kwargs)
    data, ndim = required(x, level), x.ndim
    if options.pop("out", None) is not None:
        raise Unbatched(f"{function.__name__} with out=")
    if options.get("axis") is not None:
        return Batch(function(data, **{**options, "axis": shifted(options["axis"], ndim)}), level)
    place = function(np.reshape(data, (level.size, x.size)), axis=1)
    return Batch(
        np.reshape(place, (level.size, *(1,) * ndim)) if options.get("keepdims") is True else place,
        level,
    )


def _along_axis(default: int | None) -> Callable[..., Any]:
    """Along one axis; flattened, where none is given."""

    def along_axis(level: Level, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        x, options = by_name(function, args, kwargs)
        data, axis = required(x, level), options.get("axis", default)
        if options.pop("out", None) is not None or newest(options) is not None:
            raise Unbatched(f"{function.__name__} with out=, or an option of each example")
        options["axis"] = 1 if axis is None else shifted(axis, x.ndim)
        return Batch(
            function(np.reshape(data, (level.size, x.size)) if axis is None else data, **options),
            level,
        )

    return along_axis


rule_for(
    np.cumsum,
    np.cumprod,
    np.nancumsum,
    np.nancumprod,
    np.cumulative_sum,
    np.cumulative_prod,
    np.repeat,
)(_along_axis(None))


rule_for(
    np.sort,
    np.argsort,
    np.partition,
    np.argpartition,
    np.diff,
    np.unwrap,
    np.fft.fft,
    np.fft.ifft,
    np.fft.rfft,
    np.fft.irfft,
    np.fft.hfft,
    np.fft.ihfft,
)(_along_axis(-1))


@rule_for(np.searchsorted)
def _searchsorted(
    level: Level, function: Callable[..., Any], a: Any, v: Any, *args: Any, **kwargs: Any
) -> Any:
    if not within(a, level):
        return Batch(function(a, required(v, level), *args, **kwargs), level)
    side = args[0] if args else kwargs.get("side", "left")
    if len(args) > 1 or kwargs.get("sorter") is not None:
        raise Unbatched("searchsorted with a sorter")
    at = np.expand_dims(v, -1)
    beyond = np.isnan(at)  # NaN belongs behind all numbers
    return np.sum(
        (a <= at) | beyond if side == "right" else (a < at) | (beyond & ~np.isnan(a)), axis=-1
    )
