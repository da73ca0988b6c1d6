"""x[index], x[index] = value and ufunc.at of batches, where the array, the index and the value may each be one.

An index that is the same for all examples stands behind a slice over the batch.  An index of each example's own goes
with an array that numbers the examples: data[number, index] (numbers (B, 1, ...), index (B, *I)).  NumPy puts the axes of
index arrays in the place of the first one, but in front where something stands between them; that is the only difficulty.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .batch import (
    Batch,
    Level,
    Unbatched,
    aligned,
    all_examples,
    enter,
    levels_of,
    ndim_of,
    newest,
    required,
    within,
)
from .writing import write_at

__all__ = ["add_at", "read", "writable", "write"]


class _Place:
    """What an index means for one example: where its arrays stand, and where their axes go.

    Attributes:
        parts: the index, its masks as index arrays.
        width: of how many axes the index arrays together are; None where there are none.
        lead: how many axes of the result come before them.
        ndim: of the result.
    """

    def __init__(self, index: Any, ndim: int, level: Level) -> None:
        self.parts = [
            p
            for part in (index if isinstance(index, tuple) else (index,))
            for p in _as_arrays(part, level)
        ]
        places = [i for i, p in enumerate(self.parts) if _is_array(p)]
        self.own = any(within(p, level) for p in self.parts)
        consumed = sum(p is not None and p is not Ellipsis for p in self.parts)
        if consumed > ndim:
            raise IndexError(
                f"too many indices: the array has {ndim} axes, but {consumed} were indexed"
            )
        free = ndim - consumed + sum(p is None or isinstance(p, slice) for p in self.parts)
        self.width, self.lead, self.apart = None, 0, False
        if places:
            self.width = max(ndim_of(self.parts[i]) for i in places)
            advanced = [
                i
                for i, p in enumerate(self.parts)
                if _is_array(p) or isinstance(p, (int, np.integer))
            ]
            self.apart = advanced[-1] - advanced[0] + 1 != len(advanced)
            before = [] if self.apart else self.parts[: advanced[0]]
            self.lead = sum(ndim - consumed if p is Ellipsis else 1 for p in before)
        self.ndim = free + (self.width or 0)

    def beside(self, number: Any, level: Level) -> tuple[Any, ...]:
        """The index of the data, the arrays with the batch in front; `number` counts the examples."""
        head = () if number is None else (number,)
        return (
            *head,
            *(aligned(p, self.width or 0, level) if _is_array(p) else p for p in self.parts),
        )

    def number(self, x: Batch) -> Any:
        """The examples counted, (B, 1, ...), on the device of x."""
        count = np.arange(x.level.size, like=all_examples(x))
        return np.reshape(count, (x.level.size, *(1,) * (self.width or 0)))

    def moves(self) -> tuple[list[int], list[int]]:
        """The axes of the index arrays: where data[number, index] has them, and where they belong (both behind the batch)."""
        width = self.width or 0
        return list(range(1, 1 + width)), list(range(1 + self.lead, 1 + self.lead + width))


def _is_array(p: Any) -> bool:
    return isinstance(p, np.ndarray) or hasattr(type(p), "__array_function__")


def _as_arrays(p: Any, level: Level) -> tuple[Any, ...]:
    """A part of an index: a list as an array, a mask as index arrays."""
    p = np.asarray(p, dtype=None if p else np.intp) if isinstance(p, list) else p
    if isinstance(p, (bool, np.bool_)):
        raise Unbatched("True or False as an index")
    if not _is_array(p) or p.dtype != bool:
        return (p,)
    if type(p) is Batch:
        raise Unbatched("x[mask] with a mask of each example: use np.where(mask, x, 0)")
    return tuple(np.nonzero(p)) if p.ndim else (p,)


def read(x: Any, index: Any) -> Any:
    """x[index], where x or parts of the index are batches."""
    level = newest((x, index))
    if level is None:
        return x[index]
    place = _Place(index, ndim_of(x), level)
    if not place.own:
        out = required(x, level)[(slice(None), *place.parts)]
        if type(out) is np.ndarray and out.ndim == 1:
            out = out.copy()  # a number of one array is a copy, not a view
        return Batch(
            np.moveaxis(out, place.width, 0) if place.apart and place.width is not None else out,
            level,
        )
    if not within(x, level):
        return Batch(np.moveaxis(read(x, place.beside(None, level)), place.lead, 0), level)
    out = read(x._array, place.beside(place.number(x), level))
    return Batch(np.moveaxis(out, *place.moves()) if place.lead else out, level)


def write(x: Any, index: Any, value: Any) -> None:
    """x[index] = value, where x is a batch of the newest level."""
    level = newest((x, index, value))
    data = required(x, level)
    if within(index, level) and index.dtype == bool:
        _write_masked(data, index, value, level)
        return
    write_at(data, *_placed(x, index, value, level))


def _write_masked(data: Any, mask: Batch, value: Any, level: Level) -> None:
    if ndim_of(value):
        raise Unbatched(
            "x[mask] = values with a mask of each example: use np.where(mask, values, x)"
        )
    ndim = data.ndim - 1
    where = np.reshape(mask._array, (*mask._array.shape, *(1,) * (ndim - mask.ndim)))
    np.copyto(data, aligned(value, ndim, level), where=where, casting="unsafe")


def add_at(ufunc: np.ufunc, x: Batch, index: Any, *values: Any) -> None:
    """ufunc.at(x, index, value)."""
    level = newest((x, index, values))
    data = required(x, level)
    place, *_ = given = [_placed(x, index, v, level) for v in values] or [
        _placed(x, index, 0, level)
    ]
    ufunc.at(data, place[0], *(value for _, value in given[: len(values)]))


def _placed(x: Batch, index: Any, value: Any, level: Level) -> tuple[Any, Any]:
    """The index of the data, and the value with its axes where that has them."""
    place = _Place(index, x.ndim, level)
    value = value if _is_array(value) else np.asarray(value)
    if not (place.own or place.apart):
        return (slice(None), *place.parts), aligned(value, place.ndim, level)
    if ndim_of(value) > place.ndim:
        raise ValueError(f"a value of shape {value.shape} does not fit into {place.ndim} axes")
    many = within(value, level)
    value = (
        aligned(value, place.ndim, level)
        if many
        else np.reshape(value, (1,) * (1 + place.ndim - value.ndim) + value.shape)
    )
    source, destination = place.moves()
    return place.beside(place.number(x), level), np.moveaxis(
        value, destination, source
    ) if place.lead else value


def writable(x: Any, values: Any) -> Any:
    """An array that is about to be written at an index, or with values, of each example: a batch, where these are one."""
    if newest(values) is None:
        return x
    for level in sorted(_levels_in(values), key=lambda level: level.began):
        if level not in levels_of(x):
            x = enter(np.broadcast_to(x, (level.size, *x.shape)), level, 0).copy()
    return x


def _levels_in(x: Any) -> set[Level]:
    if isinstance(x, (tuple, list)):
        return set().union(*map(_levels_in, x))
    return set(levels_of(x))


Batch.__getitem__ = read  # type: ignore[method-assign]
Batch.__setitem__ = write  # type: ignore[method-assign]
