"""The ops by which tensors go into a `vmap` and come out of it; each is the other's gradient.

Their forwards are in `minigrad.arrays.batch`; no user calls them, `vmap` and the backward pass do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..arrays import batch
from ..arrays.batch import Unbatched, fallbacks
from ..arrays.fallback import reasons
from ..backend import as_array
from ..primitive import primitive
from ..tensor import Tensor, raw, wrap
from ..trees import flatten, tree_map, unflatten

__all__ = ["batch_sum", "batched", "into_row", "one_by_one", "out_of_row", "unbatched"]


@primitive(batch.enter, method=False, x=lambda g, level, axis: batch.leave(g, level, axis))
def batched(x: Any, level: Any, axis: int) -> Any:
    """An axis of x becomes the batch of a level: the result has the shape of one example.

    out_b = x[..., b, ...]
    dx[..., b, ...] = g_b

    >>> from minigrad.arrays.batch import Level
    >>> batched(np.ones((2, 3)), Level(3), 1).shape
    (2,)
    """
    return batch.enter(x, level, axis)


@primitive(batch.leave, method=False, x=lambda g, level, axis: batch.enter(g, level, axis))
def unbatched(x: Any, level: Any, axis: int) -> Any:
    """The batch of a level becomes an axis; what is the same for all examples is repeated along it.

    out[..., b, ...] = x_b
    dx_b = g[..., b, ...]

    >>> from minigrad.arrays.batch import Level
    >>> unbatched(np.ones(2), Level(3), 1).shape
    (2, 3)
    """
    return batch.leave(x, level, axis)


def _same_for_all(g: Any, level: Any) -> Any:
    return batch.enter(np.broadcast_to(g, (level.size, *g.shape)), level, 0)


@primitive(batch.total, method=False, x=_same_for_all)
def batch_sum(x: Any, level: Any) -> Any:
    """The sum over the examples of a level.

    out  = sum_b x_b
    dx_b = g

    >>> from minigrad.arrays.batch import Level
    >>> level = Level(3)
    >>> batch_sum(batched(np.ones(3), level, 0), level)
    np.float64(3.0)
    """
    return batch.total(x, level)


@primitive(method=False, x=lambda g, row: batch.leave(g, row, 0)[0])
def into_row(x: Any, row: Any) -> Any:
    """A value that goes into the computation of one example alone.

    out = x
    dx  = g, which belongs to that example

    >>> from minigrad.arrays.batch import Level, Row
    >>> into_row(np.ones(2), Row(Level(3), 1))
    array([1., 1.])
    """
    return x


@primitive(method=False, x=lambda g, row: batch.enter(g[None], row, 0))
def out_of_row(x: Any, row: Any) -> Any:
    """A value that comes out of the computation of one example alone.

    out = x
    dx  = g, as that of this example

    >>> from minigrad.arrays.batch import Level, Row
    >>> out_of_row(np.ones(2), Row(Level(3), 1))
    array([1., 1.])
    """
    return x


def one_by_one(reason: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """For functions made of ops that decide by values, or give results of a length that values decide.

    On batches they run for one example after the other, and are counted; what they compute is recorded, as always.

    Args:
        reason: why, for the reference.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__qualname__.removesuffix(".__call__")
        reasons[name] = reason

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except Unbatched:
                level = batch.newest(tree_map(raw, (args, kwargs)))
                if level is None:
                    raise
            fallbacks[name] += 1
            return _each(call, level, args, kwargs)

        return call

    return decorate


def _each(function: Callable[..., Any], level: batch.Level, args: Any, kwargs: Any) -> Any:
    """The results of all examples, computed one after the other and recorded."""
    rows = []
    for i in range(level.size):
        row = batch.Row(level, i)
        row_args, row_kwargs = tree_map(lambda x, row=row: _example(x, row), (args, kwargs))
        rows.append(
            tree_map(lambda x, row=row: _as_tensor(x, row), function(*row_args, **row_kwargs))
        )
    columns = zip(*map(flatten, rows), strict=True)
    return unflatten(rows[0], iter([batched(np.stack(column), level, 0) for column in columns]))


def _example(x: Any, row: batch.Row) -> Any:
    """An argument as this example sees it."""
    if row.of not in batch.levels_of(raw(x)):
        return x
    return into_row(
        unbatched(x if isinstance(x, Tensor) else wrap(x, None), row.of, 0)[row.number], row
    )


def _as_tensor(x: Any, row: batch.Row) -> Tensor:
    return out_of_row(x if isinstance(x, Tensor) else wrap(as_array(x), None), row)
