"""Arrays that are written part by part: concatenated, assigned at an index, or taken apart.

Each part is stored in its place by the loop that computes it, in the memory of the whole.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays.traced import getitem
from .groups import strides_over
from .hazards import touches
from .operations import DTYPES, name_of
from .program import Step, Var
from .steps import Operand, Store
from .views import View, region_of, strides_of, view_of
from .written import replaced_at, seen_through, written_through

if TYPE_CHECKING:
    from .fuse import Fusion

__all__ = ["SPLITS", "concatenate", "copied", "part", "split", "update"]

#: What gives parts of an array, one after the other.
SPLITS = {np.split, np.array_split, np.unstack, np.hsplit, np.vsplit}


def split(fusion: Fusion, step: Step) -> bool:
    """Parts of an array, which are views of it."""
    if step.function not in SPLITS:
        return False
    for i, out in enumerate(step.outs):
        assert out is not None
        pick = Step(_picked, (step.args[0], step.function, step.args[1:], step.kwargs, i), {}, (out,))
        view = view_of(pick, fusion.views)
        if view is None:
            return False
        fusion.views[out] = view
        fusion.store(view.base)
        fusion.ready[out] = fusion.in_memory(view.base)
    return True


def concatenate(fusion: Fusion, step: Step) -> bool:
    """Each part is stored in its place by the loop that computes it."""
    if step.function is not np.concatenate:
        return False
    axis = step.args[1] if len(step.args) > 1 else step.kwargs.get("axis", 0)
    parts, out = step.args[0], step.out
    if not isinstance(axis, int) or set(step.kwargs) - {"axis"} or name_of(out.dtype) not in DTYPES or not prod(out.shape):
        return False
    if not all(type(x) is Var and x.dtype == out.dtype for x in parts):
        return False
    strides, start = strides_of(out.shape), 0
    target = fusion.targets.get(out)
    home = target if target is not None and target not in fusion.last else out
    for x in parts:
        if prod(x.shape):
            number, group, dims = fusion.join(x.shape, fusion.ready.get(x, 0), [x])
            value = fusion.emit(group, x, dims)
            place = Operand(name_of(x.dtype), strides_over(group, dims, x.shape, strides), start)
            group.code.append(Store(group.operand(home, place), value))
            fusion.at[out] = max(number, fusion.at.get(out, 0))
        start += x.shape[axis] * strides[axis]
    fusion.ready[out] = fusion.at[out] + 1
    if home is out:
        fusion.joined.append(out)
    else:
        fusion.moved_in(out, home)
    return True


def update(fusion: Fusion, step: Step) -> bool:
    """A part of an array is written: in its memory, if nobody needs what it held; else in a copy's."""
    if step.function not in (written_through, replaced_at):
        return False
    x, place, values = step.args
    out = step.out
    look = Step(seen_through if step.function is written_through else getitem, (x, place), {}, (Var.new((), x.dtype),))
    region = region_of(look, fusion.views)
    if region is None or name_of(x.dtype) not in DTYPES or not (type(values) is not Var or name_of(values.dtype) in DTYPES):
        return False
    whole = View(region.base, x.shape, strides_of(x.shape))
    home = region.base
    if fusion.views.get(x, whole) != whole or not _may_be_written(fusion, home):
        home, region = copied(fusion, x), region_of(look, {})
        assert region is not None
    if prod(region.shape):
        part(fusion, home, region, values, out.dtype)
    fusion.views[out] = View(home, x.shape, strides_of(x.shape))
    fusion.ready[out] = fusion.at[home] + 1
    return True


def _may_be_written(fusion: Fusion, home: Var) -> bool:
    """Whether memory was made for what is written in parts, and nobody needs what it holds now."""
    if home not in fusion.joined or home in fusion.zeroed:  # whose zeros nobody writes again
        return False
    lying = [home, *(v for v, view in fusion.views.items() if view.base is home)]
    return all(fusion.last.get(v, -1) <= fusion.number for v in lying)


def copied(fusion: Fusion, x: Var) -> Var:
    """Memory of its own that holds an array's values."""
    home = Var.new(x.shape, x.dtype)
    fusion.joined.append(home)
    fusion.at[home] = -1
    if prod(x.shape):
        part(fusion, home, View(home, x.shape, strides_of(x.shape)), x, x.dtype)
    fusion.ready[home] = fusion.at[home] + 1
    return home


def part(fusion: Fusion, home: Var, region: View, values: Any, dtype: Any) -> None:
    """Store values in a part of an array's memory, after all that reads it."""
    for v in fusion.readers.pop(home, ()):
        if v in fusion.terms:
            fusion.store(v)
    if type(values) is Var and home in fusion.memory.of(values):
        values = copied(fusion, values)  # NumPy reads all of it before it writes
    inputs = [values] if type(values) is Var else []
    ready = max([fusion.ready.get(v, 0) for v in inputs], default=0)
    for number in range(len(fusion.groups) - 1, ready - 1, -1):
        if touches(fusion.groups[number], fusion.memory, home, region):
            ready = number + 1
            break
    number, group, dims = fusion.join(region.shape, ready, inputs)
    value = fusion.argument(group, values, name_of(dtype), dims)
    place = Operand(name_of(dtype), strides_over(group, dims, region.shape, region.strides), region.offset)
    group.code.append(Store(group.operand(home, place), value))
    fusion.at[home] = max(number, fusion.at[home])


def _picked(x: Any, function: Any, args: Any, kwargs: Any, i: int) -> Any:
    return function(x, *args, **kwargs)[i]


_picked.looks = True  # type: ignore[attr-defined]
