"""Calls on matrices that library.js computes, and others that are loops of their own kind: filters, parts of floats."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ..program import Step, Var
from .call import Constants, LibraryCall, arguments, lengths

__all__ = ["BY_NAME", "MATRICES"]


def _of_matrices(name: str, *options: str) -> Callable[[Step, Constants], LibraryCall | None]:
    """A function of one or two stacks of square matrices of floats; it may be given these options."""

    def make(step: Step, constants: Constants) -> LibraryCall | None:
        if not prod(getattr(step.args[0], "shape", (0,))):
            return None
        arrays = [a if type(a) is Var else None for a in step.args]
        given = {k: v for k, v in step.kwargs.items() if v not in (None, np._NoValue)}
        if None in arrays or given.keys() - set(options) or any(a.dtype.kind != "f" for a in arrays):  # type: ignore[union-attr]
            return None
        first = arrays[0]
        assert first is not None
        if len(arrays) == 2 and (arrays[1].shape[: len(first.shape) - 2] != first.shape[:-2]):  # type: ignore[union-attr]
            return None  # stacks that are broadcast, or a single vector beside a stack
        return LibraryCall(name, list(arrays), {"rows": first.shape[-2], "columns": first.shape[-1]} | given)

    return make


def _qr(step: Step, constants: Constants) -> LibraryCall | None:
    """The mode may be given by its place."""
    mode = arguments(step, "a", "mode").get("mode", "reduced")
    return _of_matrices("qr", "mode")(Step(step.function, step.args[:1], {"mode": mode}, step.outs, step.several), constants)


def _singular_values(step: Step, constants: Constants) -> LibraryCall | None:
    """Without the vectors, of which LAPACK chooses the signs."""
    given = arguments(step, "a", "full_matrices", "compute_uv", "hermitian")
    if given.get("compute_uv", True) or given.get("hermitian"):
        return None
    return _of_matrices("svdvals")(Step(step.function, step.args[:1], {}, step.outs), constants)


def _least(step: Step, constants: Constants) -> LibraryCall | None:
    """Pseudo-inverses, and least squares with them: what is below a part of the largest singular value is 0."""
    squares = step.function is np.linalg.lstsq
    given = arguments(step, "a", "b", "rcond") if squares else arguments(step, "a", "rcond")
    a, rcond = given["a"], given.get("rcond")
    if type(a) is not Var or set(given) - {"a", "b", "rcond", "rtol"} or isinstance(rcond, Var) or given.get("rtol") is not None:
        return None
    if rcond is None:
        rcond = float(np.finfo(a.dtype).eps) * max(a.shape[-2:]) if squares else 1e-15
    arrays = (a, given["b"]) if squares else (a,)
    found = _of_matrices("lstsq" if squares else "pinv")(Step(step.function, arrays, {}, step.outs, step.several), constants)
    if found is not None:
        found.options |= {"least": float(rcond), "sides": prod(given["b"].shape[1:]) if squares else 0}
    return found


def _lu(step: Step, constants: Constants) -> LibraryCall | None:
    """scipy.linalg.lu and lu_factor"""
    name = getattr(step.function, "__name__", "")
    given = {k: v for k, v in step.kwargs.items() if k not in ("overwrite_a", "check_finite")}
    if any(given.values()) or len(step.args) != 1:
        return None
    return _of_matrices(name)(Step(step.function, step.args, {}, step.outs, step.several), constants)


def _filter(step: Step, constants: Constants) -> LibraryCall | None:
    """scipy.signal.lfilter"""
    given = arguments(step, "b", "a", "x", "axis", "zi")
    arrays = [given["b"], given["a"], given["x"]]
    if given.get("zi") is not None or step.several or not all(type(v) is Var and v.dtype == step.out.dtype for v in arrays):
        return None
    found = lengths(given.get("axis", -1), arrays[2])
    return None if found is None else LibraryCall("lfilter", arrays, found[1])


def _elementwise(name: str) -> Callable[[Step, Constants], LibraryCall | None]:
    """A function of floats that gives two arrays."""

    def make(step: Step, constants: Constants) -> LibraryCall | None:
        x = step.args[0]
        return LibraryCall(name, [x]) if type(x) is Var and x.dtype.kind == "f" and not step.kwargs else None

    return make


def _next(step: Step, constants: Constants) -> LibraryCall | None:
    """np.nextafter"""
    x, y = step.args
    alike = type(x) is type(y) is Var and x.shape == y.shape and str(x.dtype) == str(y.dtype) == "float64"
    return LibraryCall("nextafter", [x, y]) if alike and not step.kwargs else None


def _solve(step: Step, constants: Constants) -> LibraryCall | None:
    """Of one vector, or of stacks of matrices."""
    found = _of_matrices("solve")(step, constants)
    if found is None or len(found.arrays) != 2:
        return None
    a, b = found.arrays
    if len(b.shape) == 1 and len(a.shape) == 2:
        return LibraryCall("solve", [a, b], found.options | {"sides": 1})
    return LibraryCall("solve", [a, b], found.options | {"sides": b.shape[-1]}) if len(a.shape) == len(b.shape) else None


def _triangular(step: Step, constants: Constants) -> LibraryCall | None:
    """scipy.linalg.solve_triangular"""
    a, b, *rest = step.args
    given = dict(step.kwargs)
    allowed = {"lower", "trans", "unit_diagonal", "overwrite_b", "check_finite"}
    if rest or given.keys() - allowed or given.get("trans", 0) not in (0, 1, "N", "T"):
        return None
    found = _solve(Step(np.linalg.solve, (a, b), {}, step.outs), constants)
    if found is None:
        return None
    turned = given.get("trans", 0) in (1, "T")
    lower, unit = bool(given.get("lower", False)), bool(given.get("unit_diagonal", False))
    return LibraryCall("solve_triangular", found.arrays, found.options | {"lower": lower, "turned": turned, "unit": unit})


MATRICES: dict[Any, Callable[[Step, Constants], LibraryCall | None]] = {
    np.linalg.inv: _of_matrices("inv"), np.linalg.det: _of_matrices("det"), np.linalg.slogdet: _of_matrices("slogdet"),
    np.linalg.cholesky: _of_matrices("cholesky", "upper"), np.linalg.solve: _solve, np.linalg.qr: _qr,
    np.linalg.pinv: _least, np.linalg.lstsq: _least, np.linalg.svd: _singular_values,
    np.modf: _elementwise("modf"), np.frexp: _elementwise("frexp"), np.nextafter: _next,
}  # fmt: skip
#: Functions of SciPy's.
BY_NAME = {"solve_triangular": _triangular, "lfilter": _filter, "lu": _lu, "lu_factor": _lu}
