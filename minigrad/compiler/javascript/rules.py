"""Calls that are spelled out in simpler ones, which loops or library.js compute: NumPy's functions in terms of NumPy's.

A rule gets the arguments of a call and computes the same; what it calls is written down in the place of the call.  Where it
gives None it does not know the arguments.  (`minigrad.compiler.expand` has those that serve for native code too.)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from ...op import Op
from ..expand import expanded, spelled
from ..passes import folded
from ..program import Program, Step, Var
from .call import LibraryCall
from .replay import replay
from .special import SPECIAL

__all__ = ["spelled_out"]

#: So often are rules applied to what rules have written.
DEPTH = 6


def spelled_out(
    program: Program, takes: Callable[[Step, Mapping[Any, Any]], LibraryCall | None], values: dict[Any, Any]
) -> Program:
    """The program with all such calls spelled out.

    Args:
        takes: says which calls library.js makes.
        values: what the recorded run gave, to which new values are added.  A rule that would not be right for them is not used.
    """
    for _ in range(DEPTH):
        steps: list[Step] = []
        constants, guards = dict(program.constants), list(program.guards)
        for step in map(_plain, program.steps):
            rule, before = _rule_of(step.function), len(guards)
            new = None
            if rule is not None and not step.several and not _is_complex(step) and takes(step, constants) is None:
                new = spelled(_in_dtype(rule, step.out.dtype), step, constants, guards)
            if new is not None and len(guards) > before and not _right(new, guards[before:], values, constants):
                new = None
                del guards[before:]
            steps += [step] if new is None else new
        if steps == program.steps:
            break
        program = folded(expanded(Program(program.inputs, constants, steps, program.outputs, program.checks, guards)))
        values.update(program.constants)
        replay(program.steps, values)
    return program


def _in_dtype(rule: Callable[..., Any], dtype: Any) -> Callable[..., Any]:
    """A rule whose result is brought into a dtype: NumPy's own numbers in it would make it wider."""

    def cast(*args: Any, **kwargs: Any) -> Any:
        out = rule(*args, **kwargs)
        return out if out is None or out.dtype == dtype or out.dtype.kind != dtype.kind else out.astype(dtype)

    return cast


def _right(steps: list[Step], guards: list[Var], values: dict[Any, Any], constants: dict[Any, Any]) -> bool:
    """Whether guards hold in the recorded run."""
    found = values | constants
    for v in steps[-1].outs:
        found.pop(v, None)
    replay(steps, found)
    return all(bool(found[g]) for g in guards)


def _is_complex(step: Step) -> bool:
    return any(v.dtype.kind == "c" for v in (*step.inputs(), *(v for v in step.outs if v is not None)))


def _rule_of(function: Any) -> Callable[..., Any] | None:
    """By the function, or by the name of one of minigrad's ops or of scipy.special's."""
    if function in _RULES:
        return _RULES[function]
    name, module = getattr(function, "__name__", ""), str(getattr(function, "__module__", ""))
    if module.startswith("minigrad"):
        return _OURS.get(name) if module == "minigrad.ops.index" else None
    return SPECIAL.get(name) if isinstance(function, np.ufunc) or module.startswith("scipy") else None


def _plain(step: Step) -> Step:
    """A call of an op's function with arguments by name, as one with arguments in a row."""
    op = getattr(step.function, "__self__", None)
    if not isinstance(op, Op) or getattr(step.function, "__name__", "") != "call":
        return step
    values, function = step.args
    given = {n: values.get(n) for n in op.signature.parameters}
    bound = inspect.BoundArguments(op.signature, given)  # type: ignore[arg-type]
    return Step(function, bound.args, bound.kwargs, step.outs, step.several)


# ------------------------------------------------------------------------------------ places


def _scatter_add(g: Any, index: Any, shape: Any) -> Any:
    out = np.zeros_like(g, shape=shape)
    np.add.at(out, index, g)
    return out


def _assign(x: Any, index: Any, value: Any) -> Any:
    out = x.copy()
    out[index] = value
    return out


def _pad(array: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0) -> Any:
    """A margin of one number, which is put where zeros are."""
    if mode != "constant" or np.ndim(constant_values) or isinstance(constant_values, (str, bool)):
        return None
    inside = np.pad(np.ones(array.shape, bool), pad_width)
    return np.where(inside, np.pad(array, pad_width), array.dtype.type(constant_values))


def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """Sums of products of one array's windows with the other, backwards."""
    if a.ndim != 1 or v.ndim != 1 or a.dtype.kind != "f" or a.dtype != v.dtype or not isinstance(mode, str):
        return None
    if v.shape[0] > a.shape[0]:
        a, v = v, a
    n, m = a.shape[0], v.shape[0]
    first, count = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (m - 1, n - m + 1)}[mode]
    places = np.arange(count)[:, None] + np.arange(first, first + m)
    return np.sum(np.pad(a, (m - 1, m - 1))[places] * np.flip(v), axis=-1)


# --------------------------------------------------------------------------------- statistics


def _where_given(function: Any, start: Any) -> Any:
    """A reduction that leaves elements out: they are what changes nothing."""

    def rule(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, initial: Any = None, where: Any = None) -> Any:
        if dtype is not None and where is None and initial is None:
            return function(a.astype(dtype), axis=axis, keepdims=bool(keepdims))
        if dtype is not None or a.dtype.kind != "f" or (where is None and initial is None):
            return None
        nothing = a.dtype.type(start)
        a = a if where is None else np.where(where, a, nothing)
        out = function(a, axis=axis, keepdims=bool(keepdims))
        if initial is None:
            return out
        joined = {np.sum: np.add, np.prod: np.multiply, np.max: np.maximum, np.min: np.minimum}[function]
        return joined(out, a.dtype.type(initial))

    return rule


def _count(a: Any, axis: Any, keepdims: bool, where: Any) -> Any:
    """How many elements there are."""
    if where is None:
        axes = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        return a.dtype.type(prod(a.shape[i] for i in axes))
    return np.sum(np.where(where, a.dtype.type(1), np.zeros_like(a)), axis=axis, keepdims=keepdims)


def _mean(a: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False, where: Any = None) -> Any:
    if where is None or dtype is not None or a.dtype.kind != "f":
        return None
    kept = np.where(where, a, a.dtype.type(0))
    return np.sum(kept, axis=axis, keepdims=bool(keepdims)) / _count(a, axis, bool(keepdims), where)


def _var(
    a: Any, axis: Any = None, dtype: Any = None, ddof: Any = 0, keepdims: Any = False, where: Any = None, mean: Any = None,
    correction: Any = None,
) -> Any:  # fmt: skip
    if dtype is not None or a.dtype.kind != "f" or correction is not None or not isinstance(ddof, (int, float)):
        return None
    whole = None if where is True else where
    if mean is None:
        mean = np.mean(a, axis=axis, keepdims=True) if whole is None else _mean(a, axis, None, True, whole)
    distance = a - mean
    squares = distance * distance if whole is None else np.where(whole, distance * distance, a.dtype.type(0))
    left = _count(a, axis, bool(keepdims), whole) - a.dtype.type(ddof)
    return np.sum(squares, axis=axis, keepdims=bool(keepdims)) / np.maximum(left, a.dtype.type(0))


def _std(a: Any, *args: Any, **kwargs: Any) -> Any:
    var = _var(a, *args, **kwargs)
    return None if var is None else np.sqrt(var)


# ------------------------------------------------------------------------------ element by element


def _float_power(x: Any, y: Any) -> Any:
    wide = [v.astype(np.float64) if hasattr(v, "dtype") and v.dtype != np.float64 else v for v in (x, y)]
    return np.power(*wide)


def _fmod(x: Any, y: Any) -> Any:
    """Of whole numbers as of floats: the remainder of the sizes, with the sign of x."""
    x, y = (np.asarray(v) if isinstance(v, (int, float)) else v for v in (x, y))
    left = np.remainder(np.abs(x), np.abs(y))
    return np.copysign(left, x) if left.dtype.kind == "f" else np.where(x < 0, -left, left)


def _logaddexp2(x: Any, y: Any) -> Any:
    larger = np.maximum(x, y)
    more = np.log1p(np.exp2(-np.abs(x - y))) * np.log2(np.e)
    return np.where(np.equal(x, y), larger + 1.0, larger + more)


def _heaviside(x: Any, h: Any) -> Any:
    zero = x * 0.0
    return np.where(np.isnan(x), x, np.where(x > 0, zero + 1.0, np.where(x < 0, 0.0, h)))


def _sinc(x: Any) -> Any:
    y = np.pi * np.where(x == 0, 1.0e-20, x)
    return np.sin(y) / y


def _nan_to_num(x: Any, copy: Any = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    if x.dtype.kind != "f" or np.ndim(nan) or np.ndim(posinf) or np.ndim(neginf):
        return None
    limits, kind = np.finfo(x.dtype), x.dtype.type
    out = np.where(np.isnan(x), kind(nan), x)
    out = np.where(x == np.inf, kind(limits.max if posinf is None else posinf), out)
    return np.where(x == -np.inf, kind(limits.min if neginf is None else neginf), out)


def _angle(z: Any, deg: bool = False) -> Any:
    angle = np.where(np.signbit(z), np.where(np.isnan(z), z, z.dtype.type(np.pi)), np.where(np.isnan(z), z, z.dtype.type(0)))
    return angle * (180 / np.pi) if deg else angle


def _product(x: Any, y: Any) -> Any:
    """Of whole numbers, which no tiles hold."""
    if x.ndim < 2 or y.ndim < 2 or x.dtype.kind not in "iu" or x.dtype != y.dtype:
        return None
    return np.sum(x[..., :, :, None] * y[..., None, :, :], axis=-2)


def _einsum(terms: Any, *operands: Any, **options: Any) -> Any:
    """All operands along all letters, multiplied, and summed over letters that the result has not."""
    if not isinstance(terms, str) or "->" not in terms or "." in terms or set(options) - {"optimize"}:
        return None
    given, out = terms.replace(" ", "").split("->")
    letters = [*out, *dict.fromkeys(c for c in given if c not in out and c != ",")]
    product: Any = None
    for part, x in zip(given.split(","), operands, strict=True):
        for letter in dict.fromkeys(part):
            while part.count(letter) > 1:  # a letter twice is the diagonal
                i, j = part.index(letter), part.rindex(letter)
                x = np.diagonal(x, axis1=i, axis2=j)
                part = part[:i] + part[i + 1 : j] + part[j + 1 :] + letter
        x = np.transpose(x, [part.index(c) for c in letters if c in part])
        x = np.expand_dims(x, tuple(i for i, c in enumerate(letters) if c not in part))
        product = x if product is None else product * x
    summed = tuple(range(len(out), len(letters)))
    return np.sum(product, axis=summed) if summed else product


def _of_real(function: Any) -> Any:
    return lambda x: function(x) if x.dtype.kind in "iuf" else None


_RULES: dict[Any, Callable[..., Any]] = {
    np.conjugate: _of_real(lambda x: x), np.real: _of_real(lambda x: x), np.imag: _of_real(lambda x: np.zeros_like(x)),
    np.angle: _angle, np.pad: _pad, np.convolve: _convolve, np.sum: _where_given(np.sum, 0), np.prod: _where_given(np.prod, 1),
    np.max: _where_given(np.max, -np.inf), np.min: _where_given(np.min, np.inf), np.mean: _mean, np.var: _var, np.std: _std,
    np.float_power: _float_power, np.fmod: _fmod, np.logaddexp2: _logaddexp2, np.heaviside: _heaviside, np.sinc: _sinc,
    np.nan_to_num: _nan_to_num, np.i0: SPECIAL["i0"],
    np.degrees: lambda x: x * (180 / np.pi), np.rad2deg: lambda x: x * (180 / np.pi),
    np.radians: lambda x: x * (np.pi / 180), np.deg2rad: lambda x: x * (np.pi / 180), np.matmul: _product, np.einsum: _einsum,
}  # fmt: skip
#: The forwards of ops that a gradient calls by name.
_OURS: dict[str, Callable[..., Any]] = {"scatter_add": _scatter_add, "assign": _assign, "getitem": lambda x, index: x[index]}
