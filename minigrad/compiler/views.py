"""Where the elements of a view lie: steps that only look at an array in another way cost nothing in a compiled program."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..arrays.traced import getitem
from .program import Step, Var, vars_in, with_values
from .written import seen_through

__all__ = ["View", "as_view", "overlap", "strides_of", "view_of"]

#: Functions that may give a view of their first argument.
LOOKS: set[Callable[..., Any]] = {
    np.reshape, np.ravel, np.swapaxes, np.transpose, np.moveaxis, np.rollaxis, np.expand_dims, np.squeeze, np.broadcast_to,
    np.diagonal, np.flip, np.flipud, np.fliplr, np.rot90, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.matrix_transpose,
    np.permute_dims, np.lib.stride_tricks.sliding_window_view, np.real, getitem, seen_through,
}  # fmt: skip


@dataclass(frozen=True)
class View:
    """Elements of an array that lies in one piece: strides and offset are in elements."""

    base: Var
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    @functools.cached_property
    def dims(self) -> tuple[int | None, ...] | None:
        """For each axis the axis of the base that it runs along, None for one that repeats it.

        None where the view leaves elements out, or runs through the base in another way.

        >>> x = Var(0, (2, 3), np.dtype("float32"))
        >>> View(x, (3, 1, 2), (1, 0, 3)).dims, View(x, (6,), (1,)).dims
        ((1, None, 0), None)
        """
        base = {i: (n, s) for i, (n, s) in enumerate(zip(self.base.shape, strides_of(self.base.shape), strict=True)) if n != 1}
        found: list[int | None] = []
        for length, stride in zip(self.shape, self.strides, strict=True):
            if length == 1 or not stride:
                found.append(None)
                continue
            axis = next((i for i, (n, s) in base.items() if (n, s) == (length, stride)), None)
            if axis is None:
                return None
            del base[axis]
            found.append(axis)
        return None if base or self.offset else tuple(found)

    def of(self, x: Any, as_strided: Callable[..., Any]) -> Any:
        """These elements of an array in one piece, by its library's `as_strided`."""
        return as_strided(x.reshape(-1)[self.offset :], self.shape, tuple(s * x.itemsize for s in self.strides))


@functools.cache
def strides_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Of an array in one piece, the last axis the fastest.

    >>> strides_of((2, 3, 4))
    (12, 4, 1)
    """
    return tuple(prod(n or 1 for n in shape[i + 1 :]) for i in range(len(shape)))


def overlap(spans: Sequence[tuple[int, int]], written: Collection[int]) -> bool:
    """Whether an array that is written shares memory with another one.

    Args:
        spans: where each array begins, and where it ends; empty ones share nothing.

    >>> overlap([(0, 8), (8, 16), (12, 20)], {0}), overlap([(0, 8), (8, 16), (12, 20)], {2})
    (False, True)
    """
    stop, written_until = 0, 0
    for start, end, i in sorted((start, end, i) for i, (start, end) in enumerate(spans) if start < end):
        if start < written_until or (start < stop and i in written):
            return True
        stop = max(stop, end)
        written_until = max(written_until, end) if i in written else written_until
    return False


def as_view(step: Step) -> Step:
    """x[0] of one axis as x[0, ...]: NumPy gives a number of its own for the first, a view without axes for the second."""
    index = step.args[1] if step.function is getitem else None
    index = index if isinstance(index, tuple) else (index,)
    if step.function is not getitem or step.out.shape or not all(map(_is_place, index)):
        return step
    return Step(getitem, (step.args[0], (*index, Ellipsis)), {}, step.outs)


def _is_place(x: Any) -> bool:
    return isinstance(x, (int, np.integer)) and not isinstance(x, bool)


def view_of(step: Step, known: dict[Var, View]) -> View | None:
    """How the result of a step lies in an array that exists already; None where it is a new array.

    The step's function itself tells: it is called with an array of the same layout, whose elements nobody reads.
    """
    source = step.args[0] if step.args else None
    if (step.function not in LOOKS and not hasattr(step.function, "looks")) or type(source) is not Var or step.several:
        return None
    out = step.outs[0]
    if out is None or out.dtype != source.dtype or not prod(out.shape):
        return None
    view = region_of(step, known)
    return view if view is not None and view.shape == out.shape else None


def region_of(step: Step, known: dict[Var, View]) -> View | None:
    """Where in an array the elements lie that a call would give."""
    source = step.args[0]
    if list(vars_in((step.args[1:], step.kwargs))) or not prod(source.shape):
        return None
    step = as_view(step)
    view = known.get(source) or View(source, source.shape, strides_of(source.shape))
    memory = np.empty(prod(view.base.shape), np.int8)
    whole = np.lib.stride_tricks.as_strided(memory[view.offset :], view.shape, view.strides, writeable=False)
    try:
        seen = step.function(*with_values(step.args, {source: whole}), **step.kwargs)
    except (TypeError, ValueError, IndexError):
        return None
    if not isinstance(seen, np.ndarray) or (seen.size and not np.may_share_memory(seen, memory)) or seen.base is None:
        return None
    offset = seen.__array_interface__["data"][0] - memory.__array_interface__["data"][0] if seen.size else 0
    return View(view.base, seen.shape, seen.strides, offset)
