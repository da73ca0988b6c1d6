"""Products of matrices as loops over rows, columns and the axis that is summed."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from .groups import Dims, Group
from .hazards import writes
from .operations import name_of
from .program import Step, Var
from .steps import Compute, Load, Operand, Reduce, Store
from .views import View, strides_of

if TYPE_CHECKING:
    from .fuse import Fusion

__all__ = ["multiply"]

#: A second factor with longer sides is multiplied by NumPy's library, which packs both, but for one that is long alone:
#: it is taken in blocks of at most so many rows, each of which has sums of its own, while all sums are at most so many.
LARGEST, BLOCK, SUMS = 1024, 512, 1 << 22


def multiply(fusion: Fusion, step: Step) -> bool:
    """A product of matrices: a loop over rows, columns and the axis that is summed; more may follow in it."""
    if step.function is not np.matmul or step.kwargs or len(step.args) != 2 or not all(type(x) is Var for x in step.args):
        return False
    x, y = step.args
    out = step.out
    if x.dtype != y.dtype or out.dtype != x.dtype or name_of(x.dtype) not in ("float32", "float64"):
        return False
    if len(x.shape) < 2 or len(y.shape) < 2 or not prod(out.shape) or not x.shape[-1]:
        return False
    blocks = _blocks(x.shape[-1])
    if y.shape[-1] > LARGEST or (x.shape[-1] > LARGEST and (blocks == 1 or blocks * prod(out.shape) > SUMS)):
        return False
    for v in (x, y):
        fusion.store(v)
    if x.shape[-1] > LARGEST:
        return _in_blocks(fusion, x, y, out, blocks)
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


def _blocks(terms: int) -> int:
    """In how many blocks of one length so many terms are added up."""
    return next((n for n in range(-(-terms // BLOCK), terms // (BLOCK // 4) + 1) if terms % n == 0), 1)


def _in_blocks(fusion: Fusion, x: Var, y: Var, out: Var, blocks: int) -> bool:
    """The product of two matrices as the sum of products of their parts; axes: blocks, rows, columns, terms of a block."""
    if len(x.shape) != 2 or len(y.shape) != 2:
        return False
    terms, size = x.shape[1] // blocks, prod(out.shape)
    if x in fusion.views and fusion.views[x].strides[1] != 1:  # its rows, read across, would each lie in another page
        x = _in_rows(fusion, x)
    group = fusion.begin((blocks, *out.shape, terms))
    group.summed = (3,)
    factors = []
    for v, axis in ((x, 1), (y, 0)):
        view = fusion.views.get(v) or View(v, v.shape, strides_of(v.shape))
        moves = [view.strides[axis] * terms, view.strides[0] * axis, view.strides[1] * (1 - axis), view.strides[axis]]
        operand = Operand(name_of(v.dtype), tuple(moves), view.offset)
        factors.append(group.add(Load(group.operand(fusion.memory.base(v), operand))))
    total = group.add(Reduce("add", group.add(Compute("multiply", tuple(factors))), (3,)))
    sums = Var.new((blocks, *out.shape), out.dtype)
    fusion.joined.append(sums)
    group.code.append(Store(group.operand(sums, Operand(name_of(out.dtype), (size, out.shape[1], 1, 0))), total))
    fusion.at[sums] = fusion.ready[sums] = len(fusion.groups) - 1
    group = fusion.begin((*out.shape, blocks))
    group.summed = (2,)
    value = group.add(Load(group.operand(sums, Operand(name_of(out.dtype), (out.shape[1], 1, size)))))
    group.members[out] = (group.add(Reduce("add", value, (2,))), (0, 1))
    fusion.at[out] = fusion.ready[out] = len(fusion.groups) - 1
    return True


def _in_rows(fusion: Fusion, x: Var) -> Var:
    """A copy of a matrix whose rows lie across memory, made once, in a loop of its own: it would slow all else there down."""
    view = fusion.views[x]
    known = fusion.turned.get(view)
    if known is not None and not any(view.base in writes(g, fusion.memory) for g in fusion.groups[fusion.at[known] :]):
        return known
    home = fusion.turned[view] = Var.new(x.shape, x.dtype)
    group = fusion.begin(x.shape)
    value = fusion.load(group, view, (0, 1))
    group.code.append(Store(group.operand(home, Operand(name_of(x.dtype), strides_of(x.shape))), value))
    fusion.joined.append(home)
    fusion.at[home] = fusion.ready[home] = len(fusion.groups) - 1
    return home


def _loaded(fusion: Fusion, group: Group, x: Var, dims: Dims) -> int:
    view = fusion.views.get(x) or View(x, x.shape, strides_of(x.shape))
    return fusion.load(group, view, dims)
