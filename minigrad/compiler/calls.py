"""Which NumPy calls a loop can hold, and as what: element by element, or reducing axes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import graph
from ..arrays.traced import astype, getitem
from .numbers import COMPARISONS, Formula
from .operations import DTYPES, OPERATIONS, name_of
from .program import Step, Var, vars_in

__all__ = ["CHEAP", "Term", "is_sized_by_values", "reduction_of", "term_of"]


class Term:
    """An elementwise call: the operation, its arguments, and the dtype that it computes in.

    Attributes:
        op: a name of `minigrad.compiler.operations`.
        args: Vars, numbers and Formulas.
        dtypes: of the arguments; None for one that stays as it is.
    """

    __slots__ = ("args", "dtypes", "op")

    def __init__(self, op: str, args: tuple[Any, ...], dtypes: tuple[str, ...]) -> None:
        self.op, self.args, self.dtypes = op, args, dtypes


#: What takes so little time that it is computed again rather than stored and loaded.
CHEAP = {
    "add", "subtract", "multiply", "maximum", "minimum", "negative", "absolute", "sign", "square", "greater", "greater_equal",
    "less", "less_equal", "equal", "not_equal", "isnan", "isfinite", "isinf", "signbit", "bitwise_and", "bitwise_or",
    "bitwise_xor", "logical_and", "logical_or", "logical_xor", "logical_not", "invert", "where", "fmax", "fmin", "copysign",
    "floor", "ceil", "trunc", "rint",
}  # fmt: skip


#: Ufuncs that have another name in loops.
_NAMES = {"fabs": "absolute", "mod": "remainder"}


def term_of(step: Step) -> Term | None:
    """What an elementwise call is in a loop; None of any other call."""
    if step.several or step.outs[0] is None or name_of(step.out.dtype) not in DTYPES:
        return None
    if not all(name_of(v.dtype) in DTYPES for v in step.inputs()):
        return None
    if isinstance(step.function, np.ufunc):
        return _of_ufunc(step.function, step)
    make = _OTHERS.get(step.function)
    return None if make is None else make(step)


def _of_ufunc(ufunc: np.ufunc, step: Step) -> Term | None:
    name = _NAMES.get(ufunc.__name__, ufunc.__name__)
    known = name in OPERATIONS or ufunc is np.positive
    if not known or step.kwargs or len(step.args) != ufunc.nin or ufunc.signature is not None:
        return None
    kinds = [x.dtype if type(x) is Var else _kind(x) for x in step.args]
    if any(k is None for k in kinds):
        return None
    dtypes, out = _dtypes_in(ufunc, *kinds)
    if any(d not in DTYPES for d in dtypes) or out != name_of(step.out.dtype):
        return None
    if not all(map(_fits, step.args, dtypes)) or (name == "ldexp" and dtypes[1] != "int32"):
        return None
    if ufunc is np.positive:
        return Term("copy", step.args, dtypes)
    if OPERATIONS[name].kinds.find(DTYPES[dtypes[0]]) < 0:
        if name in ("add", "maximum") and DTYPES[dtypes[0]] == "b":
            return Term("logical_or", step.args, dtypes)
        if name in ("multiply", "minimum") and DTYPES[dtypes[0]] == "b":
            return Term("logical_and", step.args, dtypes)
        return None
    return Term(name, step.args, dtypes)


@functools.cache
def _dtypes_in(ufunc: np.ufunc, *kinds: Any) -> tuple[tuple[str, ...], str]:
    """The dtypes that a ufunc takes arguments of these in, and that of its result."""
    loop = ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout))
    return tuple(map(name_of, loop[: ufunc.nin])), name_of(loop[-1])


def _kind(x: Any) -> Any:
    """What stands for a number where a ufunc finds its dtypes: Python's types are weak."""
    if isinstance(x, np.generic):
        return x.dtype
    if isinstance(x, bool):
        return np.dtype(bool)
    if isinstance(x, (int, float)):
        return type(x)
    if type(x) is Formula:
        return np.dtype(bool) if x.function in COMPARISONS else float
    return None


def _fits(x: Any, dtype: str) -> bool:
    """Whether an operand can be in a loop: no whole number that its dtype cannot hold, which NumPy compares all the same."""
    if type(x) is not int or DTYPES[dtype] not in "iu":
        return True
    limits = np.iinfo(dtype)
    return bool(limits.min <= x <= limits.max)


def _where(step: Step) -> Term | None:
    if len(step.args) != 3 or step.kwargs or not all(type(x) is Var or _kind(x) is not None for x in step.args):
        return None
    out = name_of(step.out.dtype)
    return Term("where", step.args, ("bool", out, out))


def _cast(step: Step) -> Term | None:
    out = name_of(step.out.dtype)
    return Term(f"astype:{out}", step.args[:1], (name_of(step.args[0].dtype),))


def _copy(step: Step) -> Term | None:
    return Term("copy", step.args[:1], (name_of(step.out.dtype),)) if type(step.args[0]) is Var else None


_OTHERS: dict[Callable[..., Any], Callable[[Step], Term | None]] = {
    np.where: _where, astype: _cast, np.copy: _copy, np.ascontiguousarray: _copy,
}  # fmt: skip
#: Reductions: the operation, and how a mean follows.
_REDUCING: dict[Callable[..., Any], str] = {
    np.sum: "add", np.max: "maximum", np.min: "minimum", np.prod: "multiply", np.all: "logical_and", np.any: "logical_or",
    np.mean: "mean", np.add.reduce: "add", np.maximum.reduce: "maximum", np.minimum.reduce: "minimum",
}  # fmt: skip


def reduction_of(step: Step) -> tuple[str, Var, tuple[int, ...], bool] | None:
    """The operation, the value, the axes and whether they are kept; None of any other call."""
    op = _REDUCING.get(step.function)
    if op is None or step.several or type(step.args[0]) is not Var:
        return None
    x = step.args[0]
    out = step.outs[0]
    options = dict(step.kwargs)
    axis = step.args[1] if len(step.args) > 1 else options.pop("axis", 0 if not isinstance(step.function, type(np.sum)) else None)
    keepdims = bool(options.pop("keepdims", False))
    options = {k: v for k, v in options.items() if v is not None and v is not np._NoValue}
    if len(step.args) > 2 or options or list(vars_in((axis,))):
        return None
    if out is None or name_of(x.dtype) not in DTYPES or (op in ("logical_and", "logical_or") and x.dtype != bool):
        return None
    if x.dtype == bool:
        op = {"maximum": "logical_or", "minimum": "logical_and"}.get(op, op)
    if x.dtype.kind != "f" if op == "mean" else out.dtype != x.dtype:
        return None
    if axis is not None and not x.shape:  # NumPy takes 0 and -1 there
        return None
    given = range(len(x.shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(a % len(x.shape) for a in given)
    return op, x, axes, keepdims


#: Functions of NumPy's whose results have as many elements as the values say.
_SIZED_BY_VALUES = {
    np.argwhere, np.bincount, np.compress, np.delete, np.extract, np.flatnonzero, np.histogram, np.histogram2d, np.histogramdd,
    np.insert, np.intersect1d, np.nonzero, np.repeat, np.setdiff1d, np.setxor1d, np.trim_zeros, np.union1d, np.unique,
    np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values,
}  # fmt: skip


def is_sized_by_values(step: Step) -> bool:
    """Whether the shape of a call's results may be another one at the next call: by a mask, or of a user's own op."""
    if step.function is getitem:
        return any(v.dtype == bool for v in vars_in(step.args[1]))
    return step.function in _SIZED_BY_VALUES or any(map(graph.is_of_user, (step.function, *step.args)))
