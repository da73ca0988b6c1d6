"""Grids of coordinates, and arrays written as ranges in brackets: `r_[0:3, t]`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import composed
from ..tensor import Tensor
from .creation import arange, asarray, linspace
from .join import concatenate

__all__ = ["c_", "meshgrid", "r_"]


@composed(np.meshgrid, method=False)
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    """Coordinate arrays of a grid; `sparse` ones keep length 1 along the other axes.

    Args:
        xi: the coordinates along each axis.
        copy: False may give arrays that share their elements, so that they cannot be written to.
        sparse: keep length 1 along the other axes.
        indexing: "xy", the second coordinate runs along the first axis, or "ij".

    >>> [a.shape for a in meshgrid(Tensor([1.0, 2.0]), Tensor([1.0, 2.0, 3.0]))]
    [(3, 2), (3, 2)]
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij', got {indexing!r}")
    order = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        order[:2] = [1, 0]
    shape = tuple(np.size(xi[i]) for i in order)
    out = []
    for i, x in enumerate(xi):
        lengths = [1] * len(xi)
        lengths[order.index(i)] = np.size(x)
        line = np.reshape(x, lengths)
        line = line if sparse else np.broadcast_to(line, shape)
        out.append(np.copy(line) if copy else line)
    return tuple(out)


class _Brackets:
    """What `r_` and `c_` are: arrays, numbers and ranges in brackets, joined along an axis.

    >>> t = Tensor([5.0, 6.0])
    >>> r_[0:2, t, 1.0]
    Tensor([0., 1., 5., 6., 1.], dtype=float64)
    >>> c_[t, t * 2]
    Tensor([[ 5., 10.],
            [ 6., 12.]], dtype=float32)

    Args:
        axis: along which they are joined.
        ndmin: how many axes each has at least.
        place: where an array with fewer axes puts its first one among these; -1: at the end.
    """

    def __init__(self, axis: int, ndmin: int, place: int, doc: str) -> None:
        self.axis, self.ndmin, self.place = axis, ndmin, place
        self.__doc__ = doc

    def __getitem__(self, key: Any) -> Any:
        items = list(key) if isinstance(key, tuple) else [key]
        axis, ndmin, place = self.axis, self.ndmin, self.place
        if isinstance(items[0], str):
            axis, ndmin, place = self._directive(items.pop(0))
        numbers = [x for x in items if isinstance(x, (bool, int, float, complex))]
        parts = [_with_axes(x, ndmin, place) for x in items]
        arrays = [
            p.dtype for p, x in zip(parts, items, strict=True) if not any(x is n for n in numbers)
        ]
        dtype = (
            np.result_type(*arrays, *numbers) if arrays else None
        )  # the numbers of Python are weak
        return concatenate(parts, axis, dtype=dtype, casting="unsafe")

    def _directive(self, text: str) -> tuple[int, int, int]:
        """The numbers in a string such as "0,2,1" in first place."""
        try:
            given = [int(part) for part in text.split(",")]
        except ValueError:
            raise ValueError(
                f"{text!r}: expected numbers such as '1' or '0,2'; matrices are not supported"
            ) from None
        axis, ndmin, place = (given + [self.axis, self.ndmin, self.place][len(given) :])[:3]
        return axis, ndmin, place


def _with_axes(item: Any, ndmin: int, place: int) -> Any:
    """One item as a Tensor with enough axes."""
    out: Any = _range(item) if isinstance(item, slice) else asarray(item)
    missing = ndmin - out.ndim
    if missing <= 0:
        return out
    before = min(place, missing) if place >= 0 else missing + 1 + place
    return np.reshape(out, (*(1,) * before, *out.shape, *(1,) * (missing - before)))


def _range(part: slice) -> Tensor:
    """start:stop:step as `arange`, start:stop:5j as `linspace` with 5 numbers."""
    start, step = 0 if part.start is None else part.start, 1 if part.step is None else part.step
    if isinstance(step, complex):
        return linspace(start, part.stop, int(abs(step)))
    return arange(start, part.stop, step)


r_ = _Brackets(
    0, 1, -1, "Arrays, Tensors, numbers and ranges as one Tensor along an axis: `r_[0:3, t, 7.0]`."
)  # fmt: skip
c_ = _Brackets(-1, 2, 0, "Arrays and Tensors as the columns of one Tensor: `c_[t, u]`.")
