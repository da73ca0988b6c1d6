"""Where in an array the elements lie that an index names: what a page needs to pick, put and add them.

With arrays of whole numbers in it, an index names places that are a sum: `x[i, :, j]` has its element (k, m) at

    start[k, m] + i[k] * (stride of axis 0) + j[k] * (stride of axis 2)

So NumPy itself is asked, with numbers of elements in the place of the elements, which element of `i` and of `j` each place
takes, and where it would be if all of them were 0.  What an index of constants alone names is known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from ..program import Step, Var, vars_in, with_values
from .call import LibraryCall

__all__ = ["moved", "numbered", "placed"]


def numbered(shape: tuple[int, ...], first: int = 0) -> np.ndarray:
    """The numbers of an array's elements."""
    return np.arange(first, first + prod(shape)).reshape(shape)


def moved(step: Step, data: list[Any], run: Callable[[list[np.ndarray]], Any]) -> LibraryCall | None:
    """A call that moves elements, as one that gathers them: NumPy says which goes where.

    Args:
        data: the values that are moved, and numbers.
        run: the call, of arrays in their places; where it puts 0, there is 0.

    >>> x = Var(0, (3,), np.dtype("float32"))
    >>> call = moved(Step(np.flip, (x,), {}, (x,)), [x], lambda arrays: np.flip(arrays[0]))
    >>> call.name, call.arrays[0]
    ('gather', array([3, 2, 1], dtype=int32))
    """
    out, numbers, sources, first = step.out, [], list[Any](), 1
    for x in data:
        source = x if type(x) is Var else np.asarray(x, out.dtype)
        if source.dtype != out.dtype:
            return None
        numbers.append(numbered(source.shape, first))
        sources.append(source)
        first += numbers[-1].size
    try:
        index = np.asarray(run(numbers))
    except (TypeError, ValueError, IndexError, KeyError):  # it reads values that are not known beforehand
        return None
    return LibraryCall("gather", [index.astype(np.int32), *sources]) if index.shape == out.shape else None


def placed(shape: tuple[int, ...], index: Any, constants: Mapping[Var, Any]) -> tuple[list[Any], dict[str, Any]] | None:
    """Arrays and options from which library.js finds the places that an index names; None where it cannot."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(isinstance(p, list) for p in parts):
        return None
    parts = [constants.get(p, p) if type(p) is Var else p for p in parts]
    unknown = [i for i, p in enumerate(parts) if type(p) is Var]
    if len(unknown) != len(vars_in(parts)) or 0 in shape:
        return None
    if len(parts) == 1 and unknown and parts[0].shape:
        inner = prod(shape[len(parts[0].shape) :]) if parts[0].dtype == bool else prod(shape[1:])
        return [parts[0]], {"kind": "mask" if parts[0].dtype == bool else "rows", "inner": inner, "length": shape[0]}
    if any(parts[i].dtype.kind not in "iu" for i in unknown):
        return None
    zeros = [np.zeros(p.shape, np.int64) if type(p) is Var else p for p in parts]
    arrays, axes = [numbered(shape)[tuple(zeros)].astype(np.int32)], list[list[int]]()
    for i in unknown:
        axis = _axis_of(parts, i, len(shape))
        taken = numbered(parts[i].shape)
        length = max(taken.size, 1)
        along = np.arange(length).reshape([-1 if a == axis else 1 for a in range(len(shape))])
        along = np.broadcast_to(along, [length if a == axis else n for a, n in enumerate(shape)])
        arrays += [parts[i], along[(*zeros[:i], taken, *zeros[i + 1 :])].astype(np.int32)]
        axes.append([prod(shape[axis + 1 :]), shape[axis]])
    return arrays, {"kind": "sum", "axes": axes}


def _axis_of(parts: list[Any], i: int, axes: int) -> int:
    """The axis of the array that a part of an index is for."""

    def used(p: Any) -> int:
        return 0 if p is None or p is Ellipsis else np.ndim(p) if str(getattr(p, "dtype", "")) == "bool" else 1

    if any(p is Ellipsis for p in parts[:i]):
        return axes - sum(map(used, parts[i:]))
    return sum(map(used, parts[:i]))


def known(x: Any, constants: Mapping[Var, Any]) -> Any:
    """The same with constants in the place of their Vars.

    Raises:
        KeyError: another value is in it.
    """
    return with_values(x, constants)  # type: ignore[arg-type]
