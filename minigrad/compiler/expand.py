"""Calls spelled out as simpler ones, which a loop can hold: what NumPy's functions mean, in NumPy.

A rule gets the call's arguments and returns what it stands for, or None where it does not know.  It runs on stand-ins for the
arrays, and the calls that it makes are written down, as those of the user's function were.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ..arrays.traced import Traced
from .numbers import Formula, Number
from .passes import SMALL, replaced, without_unused
from .program import Program, Step, Var
from .trace import Recorder
from .written import all_finite, changed

__all__ = ["expanded", "spelled"]

Rule = Callable[..., Any]


class _Speller(Recorder):
    """Writes down the calls that a rule makes."""

    def new_var(self, x: np.ndarray) -> Var:
        return Var.new(x.shape, x.dtype)

    def stand_in(self, x: Any) -> Any:
        """A traced array for a value of the program, in nested containers."""
        if type(x) is Var:
            return Traced(np.broadcast_to(np.zeros((), x.dtype), x.shape), x, self)
        if type(x) is Formula:
            return Number(0.5, x, self)
        if type(x) in (tuple, list):
            return type(x)(map(self.stand_in, x))
        return x

    def _check_inside(self, x: Traced) -> None:
        """A rule may write into the arrays that it makes."""

    def with_constants(self, constants: dict[Var, np.ndarray]) -> list[Step]:
        """The steps, whose constants are added to others, unless these have them."""
        known = {(x.dtype, x.shape, x.tobytes()): v for v, x in constants.items() if x.size <= SMALL}
        by: dict[Var, Any] = {}
        for v, x in self.constants.values():
            same = known.get((x.dtype, x.shape, x.tobytes()))
            if same is None:
                constants[v] = x
            else:
                by[v] = same
        return [Step(s.function, replaced(s.args, by), replaced(s.kwargs, by), s.outs, s.several) for s in self.steps]


def expanded(program: Program, products: bool = True, guarded: bool = True) -> Program:
    """The program with such calls spelled out; convolutions will be loops, or calls of a library."""
    steps: list[Step] = []
    constants, guards = dict(program.constants), list(program.guards)
    makers = {v: step for step in program.steps for v in step.outs if v is not None}
    for step in program.steps:
        if products and getattr(step.function, "__name__", "") == "conv_input":
            steps += _finite(step.args[1], constants, guards)
        put, rule = _put_back(step, makers), _RULES.get(step.function)
        new = None if put is None else spelled(_changed_there, put, constants, guards)
        if new is None and rule is not None and not step.several:
            new = spelled(rule, step, constants, guards)
        steps += [step] if new is None else new
    return without_unused(Program(program.inputs, constants, steps, program.outputs, program.checks, guards if guarded else []))


def _finite(x: Any, constants: dict[Var, np.ndarray], guards: list[Var]) -> list[Step]:
    """That weights are finite through which a cotangent is sent back: zeros lie around it, and 0 times infinity is NaN."""
    guards.append(Var.new((), bool))
    guards[-1].why = "weights of a convolution would not be finite"
    return spelled(_all_finite, Step(all_finite, (x,), {}, (guards[-1],)), constants, guards) or []


def _put_back(step: Step, makers: dict[Var, Step]) -> Step | None:
    """For numbers that are picked along an axis, changed by a sum, and put back: one step, in which none is picked."""
    if step.function is not changed or step.args[0] is not np.put_along_axis or len(step.args[2]) != 3:
        return None
    x, (index, values, axis) = step.args[1:]
    made = makers.get(values) if type(values) is Var else None
    if made is None or made.function not in (np.add, np.subtract) or type(made.args[0]) is not Var:
        return None
    pick = makers.get(made.args[0])
    if pick is None or pick.function is not np.take_along_axis or (*pick.args, *pick.kwargs.values()) != (x, index, axis):
        return None
    return Step(_changed_there, (made.function, x, index, made.args[1], axis), {}, step.outs)


def spelled(rule: Rule, step: Step, constants: dict[Var, np.ndarray], guards: list[Var]) -> list[Step] | None:
    """The steps that a rule, which computes the same, puts in the place of one; None where it does not know the arguments."""
    speller, out = _Speller(), step.out
    args = [speller.stand_in(a) for a in step.args]
    kwargs = {k: speller.stand_in(v) for k, v in step.kwargs.items() if k != "out" and v is not np._NoValue}
    with np.errstate(all="ignore"):
        try:
            result = rule(*args, **kwargs)
        except (TypeError, OverflowError):  # an argument that the rule has no name for, a number that the dtype cannot hold
            return None
    if type(result) is not Traced or (result.shape, result.dtype) != (out.shape, out.dtype):
        return None
    speller.steps.append(Step(np.copy, (result.value,), {}, (out,)))
    guards += speller.guards
    return speller.with_constants(constants)


# ------------------------------------------------------------------------------------ picking


def _is_here(x: Any, index: Any, axis: int) -> Any:
    """Where each place along an axis is the one that an index picks, of one index along that axis."""
    if index.dtype != np.int64 or index.ndim != x.ndim or index.shape[axis] != 1:
        return None
    if any(a != b for i, (a, b) in enumerate(zip(index.shape, x.shape, strict=True)) if i != axis % x.ndim):
        return None
    n = x.shape[axis]
    place = np.where(index < 0, index + n, index)
    inside: Any = np.all((place >= 0) & (place < n))
    inside.value.why = "an index would be out of range"
    x.recorder.guards.append(inside.value)  # else NumPy says what is wrong
    dtype = np.dtype(np.int32 if n < 1 << 31 else np.int64)  # numbers of half the size are compared in half the time
    places = np.arange(n, dtype=dtype).reshape([n if i == axis % x.ndim else 1 for i in range(x.ndim)])
    return np.equal(places, place.astype(dtype))


def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    here = _is_here(arr, indices, axis) if isinstance(axis, int) and arr.dtype.kind == "f" and arr.size else None
    return None if here is None else np.max(np.where(here, arr, -np.inf), axis=axis, keepdims=True)


def _changed(function: Any, x: Any, args: Any, options: Any = None) -> Any:
    if function is not np.put_along_axis or options or len(args) != 3 or not isinstance(args[2], int):
        return None
    index, values, axis = args
    here = _is_here(x, index, axis)
    return None if here is None or getattr(values, "dtype", x.dtype) != x.dtype else np.where(here, values, x)


def _changed_there(function: Any, x: Any, index: Any, other: Any, axis: int) -> Any:
    """x, and function(x, other) at an index."""
    here = _is_here(x, index, axis)
    if here is None or getattr(other, "dtype", x.dtype) != x.dtype:
        return None
    return np.where(here, function(x, other), x)


# --------------------------------------------------------------------------------- statistics


def _var(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False) -> Any:
    """The mean of the squared distances from the mean."""
    axes = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    count = prod(a.shape[i] for i in axes)
    if a.dtype.kind != "f" or dtype not in (None, a.dtype) or not isinstance(ddof, int) or count <= ddof:
        return None
    distance = a - np.sum(a, axis=tuple(axes), keepdims=True) / float(count)
    return np.sum(distance * distance, axis=tuple(axes), keepdims=keepdims) / float(count - ddof)


def _std(a: Any, *args: Any, **kwargs: Any) -> Any:
    var = _var(a, *args, **kwargs)
    return None if var is None else np.sqrt(var)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002
    """The root of the sum of squares, of vectors, and of a matrix' elements."""
    is_matrix = axis is None and x.ndim > 1 or isinstance(axis, tuple)
    if ord not in (None, "fro") if is_matrix else ord not in (None, 2):
        return None
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims)) if x.dtype.kind == "f" else None


def _sum(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """Truths are counted."""
    return np.sum(a.astype(np.int64), axis=axis, keepdims=keepdims) if a.dtype == bool and dtype is None else None


def _mean(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    return np.mean(a.astype(np.float64), axis=axis, keepdims=keepdims) if a.dtype.kind in "bi" and dtype is None else None


def _all_finite(*arrays: Any) -> Any:
    found = [np.all(np.isfinite(x)) for x in arrays]
    whole = found[0]
    for one in found[1:]:
        whole = np.logical_and(whole, one)
    return whole


# ----------------------------------------------------------------------------- element by element


def _clip(a: Any, a_min: Any = None, a_max: Any = None) -> Any:
    a = a if a_min is None else np.maximum(a, a_min)
    return a if a_max is None else np.minimum(a, a_max)


def _round(a: Any, decimals: int = 0) -> Any:
    return np.rint(a) if a.dtype.kind == "f" and decimals == 0 else None


def _tril(m: Any, k: int = 0) -> Any:
    return np.where(np.tri(m.shape[-2], m.shape[-1], k, dtype=bool), m, m.dtype.type(0))


def _triu(m: Any, k: int = 0) -> Any:
    return np.where(np.tri(m.shape[-2], m.shape[-1], k - 1, dtype=bool), m.dtype.type(0), m)


# ------------------------------------------------------------------------------------- joining


def _stack(arrays: Any, axis: int = 0) -> Any:
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis=axis)


def _concatenate(arrays: Any, axis: Any = 0) -> Any:
    """Without an axis the elements of all."""
    return np.concatenate([np.reshape(a, -1) for a in arrays]) if axis is None else None


def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    if not isinstance(shift, int) or not isinstance(axis, int) or not a.size or not shift % a.shape[axis]:
        return None
    first, second = np.split(a, [a.shape[axis] - shift % a.shape[axis]], axis=axis)
    return np.concatenate([second, first], axis=axis)


def _repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    if not isinstance(repeats, int) or not isinstance(axis, int):
        return None
    axis %= a.ndim
    wide = np.broadcast_to(np.expand_dims(a, axis + 1), (*a.shape[: axis + 1], repeats, *a.shape[axis + 1 :]))
    return np.reshape(wide, (*a.shape[:axis], a.shape[axis] * repeats, *a.shape[axis + 1 :]))


# ------------------------------------------------------------------------------------ products


def _matmul(x: Any, y: Any) -> Any:
    """With a vector: sums of products.  Matrices are a loop of their own."""
    if y.ndim == 1:
        return np.sum(x * y, axis=-1)
    return np.sum(np.expand_dims(x, -1) * y, axis=-2) if x.ndim == 1 else None


def _dot(a: Any, b: Any) -> Any:
    if not np.ndim(a) or not np.ndim(b):
        return a * b
    if a.ndim == b.ndim == 2:
        return np.matmul(a, b)
    return np.sum(a * b, axis=-1) if b.ndim == 1 else None


def _outer(a: Any, b: Any) -> Any:
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    if isinstance(axes, int):
        axes = (range(a.ndim - axes, a.ndim), range(axes))
    left, right = ([i % x.ndim for i in ([k] if isinstance(k, int) else k)] for x, k in zip((a, b), axes, strict=True))
    rows, columns = ([i for i in range(x.ndim) if i not in k] for x, k in ((a, left), (b, right)))
    inner = prod(a.shape[i] for i in left)
    x = np.reshape(np.transpose(a, (*rows, *left)), (-1, inner))
    y = np.reshape(np.transpose(b, (*right, *columns)), (inner, -1))
    return np.reshape(np.matmul(x, y), (*(a.shape[i] for i in rows), *(b.shape[i] for i in columns)))


def _einsum(terms: Any, *operands: Any, **options: Any) -> Any:
    """One or two operands, no letter twice in one of them: a product of matrices, or products that are summed."""
    if not isinstance(terms, str) or "->" not in terms or "." in terms or set(options) - {"optimize"}:
        return None
    given, out = terms.replace(" ", "").split("->")
    parts = given.split(",")
    if len(parts) > 2 or any(len({*p}) != len(p) for p in (*parts, out)):
        return None
    if len(parts) == 1:
        return _aligned_sum(parts, operands, out)
    a, b = parts
    both, inner = [c for c in a if c in b and c in out], [c for c in a if c in b and c not in out]
    rows, columns = [c for c in a if c not in b], [c for c in b if c not in a]
    lengths = {(c, n) for p, x in zip(parts, operands, strict=True) for c, n in zip(p, x.shape, strict=True)}
    length = dict(lengths)
    broadcasts = len(lengths) > len(length)  # one element along a letter that has more in the other operand
    if broadcasts or not (inner and rows and columns) or not {*rows, *columns} <= {*out}:
        return _aligned_sum(parts, operands, out)
    sizes = [[length[c] for c in group] for group in (both, rows, inner, columns)]
    x = np.reshape(_in_order(operands[0], a, both + rows + inner), (*sizes[0], prod(sizes[1]), prod(sizes[2])))
    y = np.reshape(_in_order(operands[1], b, both + inner + columns), (*sizes[0], prod(sizes[2]), prod(sizes[3])))
    product = np.reshape(np.matmul(x, y), (*sizes[0], *sizes[1], *sizes[3]))
    return _in_order(product, "".join(both + rows + columns), list(out))


def _in_order(x: Any, letters: str, order: list[str]) -> Any:
    return np.transpose(x, [letters.index(c) for c in order])


def _aligned_sum(parts: list[str], operands: Any, out: str) -> Any:
    """The operands multiplied where their letters are the same, and summed over letters that the result has not."""
    letters = [*out, *dict.fromkeys(c for p in parts for c in p if c not in out)]
    aligned = []
    for p, x in zip(parts, operands, strict=True):
        ordered = _in_order(x, p, [c for c in letters if c in p])
        aligned.append(np.expand_dims(ordered, tuple(i for i, c in enumerate(letters) if c not in p)))
    product = aligned[0] if len(aligned) == 1 else aligned[0] * aligned[1]
    summed = tuple(range(len(out), len(letters)))
    return np.sum(product, axis=summed) if summed else product


_RULES: dict[Any, Rule] = {
    np.take_along_axis: _take_along_axis, changed: _changed, all_finite: _all_finite, np.var: _var, np.std: _std,
    np.linalg.norm: _norm, np.sum: _sum, np.mean: _mean, np.clip: _clip, np.round: _round, np.tril: _tril, np.triu: _triu,
    np.isneginf: lambda x: x == -np.inf, np.isposinf: lambda x: x == np.inf,
    np.ptp: lambda a, axis=None: np.max(a, axis=axis) - np.min(a, axis=axis),
    np.stack: _stack, np.concatenate: _concatenate, np.roll: _roll, np.repeat: _repeat, np.matmul: _matmul, np.dot: _dot,
    np.inner: lambda a, b: np.sum(a * b, axis=-1) if a.ndim == b.ndim == 1 else None, np.outer: _outer, np.tensordot: _tensordot,
    np.einsum: _einsum, np.trace: lambda a: np.sum(np.diagonal(a), axis=-1) if a.ndim == 2 else None,
}  # fmt: skip
