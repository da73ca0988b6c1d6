"""Products of matrices as loops over rows, columns and the axis that is summed."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from .groups import Dims, Group
from .program import Step, Var
from .steps import Compute, Reduce
from .views import View, strides_of

if TYPE_CHECKING:
    from .fuse import Fusion

__all__ = ["multiply"]

#: Matrices with longer sides are multiplied by NumPy's library, which packs both.
LARGEST = 1024


def multiply(fusion: Fusion, step: Step) -> bool:
    """A product of matrices: a loop over rows, columns and the axis that is summed; more may follow in it."""
    if step.function is not np.matmul or step.kwargs or len(step.args) != 2 or not all(type(x) is Var for x in step.args):
        return False
    x, y = step.args
    out = step.out
    if x.dtype != y.dtype or out.dtype != x.dtype or str(x.dtype) not in ("float32", "float64"):
        return False
    if len(x.shape) < 2 or len(y.shape) < 2 or not prod(out.shape) or not x.shape[-1]:
        return False
    if max(*x.shape[-2:], *y.shape[-2:]) > LARGEST:
        return False
    for v in (x, y):
        fusion.store(v)
    space = (*out.shape, x.shape[-1])
    group = fusion.begin(space)
    last = len(space) - 1
    group.summed = (last,)
    lead = tuple(range(last - 2))
    rows = _loaded(fusion, group, x, (*lead[len(lead) - len(x.shape) + 2 :], last - 2, last))
    columns = _loaded(fusion, group, y, (*lead[len(lead) - len(y.shape) + 2 :], last, last - 1))
    total = group.add(Reduce("add", group.add(Compute("multiply", (rows, columns))), (last,)))
    group.members[out] = (total, tuple(range(last)))
    fusion.at[out] = fusion.ready[out] = len(fusion.groups) - 1
    return True


def _loaded(fusion: Fusion, group: Group, x: Var, dims: Dims) -> int:
    view = fusion.views.get(x) or View(x, x.shape, strides_of(x.shape))
    return fusion.load(group, view, dims)
