"""Ufuncs of batches: called, reduced, accumulated, as outer products, and in place."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from . import batch
from .batch import (
    Batch,
    Level,
    Unbatched,
    aligned,
    ndim_of,
    rebuilt,
    required,
    shifted,
    whole,
    within,
)
from .indexing import add_at

__all__: list[str] = []


def _call(
    level: Level, ufunc: np.ufunc, *inputs: Any, out: Any = None, where: Any = True, **kwargs: Any
) -> Any:
    """Element by element, with axes of length 1 between the batch and the shape."""
    if ufunc.signature is not None:
        return _generalized(level, ufunc, inputs, out, where, kwargs)
    targets: tuple[Any, ...] = out if isinstance(out, tuple) else (out,)
    if out is None:
        targets = ()
    ndim = max(map(ndim_of, (*inputs, *(t for t in targets if t is not None), where)))
    if where is not True:
        kwargs["where"] = aligned(where, ndim, level)
    if targets:
        kwargs["out"] = tuple(None if t is None else _target(t, level) for t in targets)
    result = ufunc(*[aligned(x, ndim, level) for x in inputs], **kwargs)
    if not targets:
        return rebuilt(result, level)
    return targets[0] if len(targets) == 1 else targets


def _target(out: Any, level: Level) -> Any:
    if within(out, level):
        return out._array
    raise Unbatched("out= is an array that all examples share: each of them has its own result")


def _generalized(
    level: Level, ufunc: np.ufunc, inputs: Any, out: Any, where: Any, kwargs: dict[str, Any]
) -> Any:
    """Ufuncs of vectors and matrices: the axes before these broadcast."""
    if ufunc is np.matmul:
        return _matmul(level, inputs[0], inputs[1], out, **kwargs)
    if out is not None or where is not True or not kwargs.keys() <= {"axis", "dtype"}:
        raise Unbatched(f"{ufunc.__name__} with these options")
    cores = [
        term.count(",") + 1 for term in str(ufunc.signature).split("->")[0].strip("()").split("),(")
    ]
    axis = kwargs.pop("axis", None)
    if axis is not None:
        inputs = [np.moveaxis(x, axis, -1) for x in inputs]
    if any(ndim_of(x) < core for x, core in zip(inputs, cores, strict=True)):
        raise Unbatched(f"{ufunc.__name__} of fewer axes than it takes")
    ndim = max(ndim_of(x) - core for x, core in zip(inputs, cores, strict=True))
    data = [aligned(x, ndim + core, level) for x, core in zip(inputs, cores, strict=True)]
    return rebuilt(ufunc(*data, **kwargs), level)


def _matmul(level: Level, x: Any, y: Any, out: Any = None, **kwargs: Any) -> Any:
    vector_x, vector_y = ndim_of(x) == 1, ndim_of(y) == 1
    if ndim_of(x) == 0 or ndim_of(y) == 0:
        raise ValueError("matmul: an operand has no axes; multiply by numbers with *")
    x, y = x[None] if vector_x else x, y[..., None] if vector_y else y
    ndim = max(ndim_of(x), ndim_of(y))
    if out is not None and not (vector_x or vector_y):
        target = out[0] if isinstance(out, tuple) else out
        np.matmul(
            aligned(x, ndim, level), aligned(y, ndim, level), out=_target(target, level), **kwargs
        )
        return target
    if out is not None:
        raise Unbatched("matmul of vectors with out=")
    product = _product(
        aligned(x, ndim, level), aligned(y, ndim, level), within(x, level), within(y, level), kwargs
    )
    if vector_y:
        product = product[..., 0]
    if vector_x:
        product = product[..., 0] if vector_y else product[..., 0, :]
    return Batch(product, level)


def _product(x: Any, y: Any, many_x: bool, many_y: bool, kwargs: dict[str, Any]) -> Any:
    """The products; where one matrix y serves all examples, one long product."""
    if many_x and not many_y and ndim_of(y) == 2 and ndim_of(x) > 2:
        rows = np.reshape(x, (prod(x.shape[:-1]), x.shape[-1]))
        return np.reshape(np.matmul(rows, y, **kwargs), (*x.shape[:-1], y.shape[-1]))
    return np.matmul(x, y, **kwargs)


def _reduce(
    level: Level,
    ufunc: np.ufunc,
    x: Any,
    axis: Any = 0,
    *args: Any,
    where: Any = True,
    **kwargs: Any,
) -> Any:
    ndim = ndim_of(x)
    if where is not True:
        kwargs["where"] = aligned(where, ndim, level)
    data = required(x, level) if where is True else whole(x, level)
    out = kwargs.pop("out", None)
    if out not in (None, (None,)) or type(kwargs.get("initial")) is Batch:
        raise Unbatched("reduce with out= or initial= of each example")
    return Batch(ufunc.reduce(data, shifted(axis, ndim), *args, **kwargs), level)


def _accumulate(level: Level, ufunc: np.ufunc, x: Any, axis: int = 0, **kwargs: Any) -> Any:
    if kwargs.pop("out", None) not in (None, (None,)):
        raise Unbatched("accumulate with out=")
    return Batch(ufunc.accumulate(required(x, level), axis % x.ndim + 1, **kwargs), level)


def _reduceat(
    level: Level, ufunc: np.ufunc, x: Any, indices: Any, axis: int = 0, **kwargs: Any
) -> Any:
    if type(indices) is Batch or kwargs:
        raise Unbatched("reduceat at indices of each example")
    return Batch(ufunc.reduceat(required(x, level), indices, axis % x.ndim + 1), level)


def _outer(level: Level, ufunc: np.ufunc, x: Any, y: Any, **kwargs: Any) -> Any:
    beside = np.reshape(x, (*np.shape(x), *(1,) * ndim_of(y)))
    return _call(level, ufunc, beside, y, **kwargs)


def _at(level: Level, ufunc: np.ufunc, x: Any, index: Any, *values: Any) -> None:
    required(x, level)
    add_at(ufunc, x, index, *values)


batch.ufunc_rules.update(
    __call__=_call, reduce=_reduce, accumulate=_accumulate, reduceat=_reduceat, outer=_outer, at=_at
)  # fmt: skip
