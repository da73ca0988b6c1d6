"""NumPy calls that no loop holds, and library.js computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from ...arrays.row_sparse import add_rows
from ...arrays.traced import getitem
from ...ops.window import Window, unfold
from ..operations import DTYPES
from ..program import Step, Var
from ..trace import changed, replaced_at, seen_through, written_through
from ..views import LOOKS
from .call import LibraryCall
from .places import known, moved, numbered, placed

__all__ = ["library_call"]

Constants = Mapping[Var, Any]


def library_call(step: Step, constants: Constants) -> LibraryCall | None:
    """How a page makes a call; None where it cannot.

    Args:
        constants: the arrays of values that are the same at each run.
    """
    name = getattr(step.function, "__name__", "")
    make = _TABLE.get(step.function) or (_BY_NAME.get(name) if _is_ours_or_scipys(step.function) else None)
    if make is None and (step.function in _MOVES or step.function in LOOKS):
        make = _move
    return None if make is None else make(step, constants)


def _is_ours_or_scipys(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).partition(".")[0] in ("minigrad", "scipy")


# ------------------------------------------------------------------------------------ moving elements

#: What moves elements of its first argument, or of the arrays in it.
_MOVES = {
    np.tile, np.roll, np.repeat, np.concatenate, np.stack, np.copy, np.pad, np.delete, np.take, np.resize, np.diag, np.positive,
    np.compress, np.extract, np.append, np.hstack, np.vstack, np.dstack, np.column_stack, np.block, np.asarray,
}  # fmt: skip


def _move(step: Step, constants: Constants) -> LibraryCall | None:
    other = {k for k in ("out", "order") if step.kwargs.get(k) is not None and step.function is not np.copy}
    if step.several or other or step.kwargs.get("dtype") not in (None, step.out.dtype):
        return None
    first = step.args[0]
    many = isinstance(first, (tuple, list))
    data = list(first) if many else [first]
    if not all(type(x) is Var for x in data) or _computes(step):
        return None

    def run(arrays: list[np.ndarray]) -> Any:
        rest, options = known(step.args[1:], constants), known(step.kwargs, constants)
        return step.function(type(first)(arrays) if many else arrays[0], *rest, **options)

    return moved(step, data, run)


def _computes(step: Step) -> bool:
    """Whether np.pad puts there what is not in the array."""
    mode = step.args[2] if len(step.args) > 2 else step.kwargs.get("mode", "constant")
    simple = mode in ("constant", "edge", "reflect", "symmetric", "wrap") if isinstance(mode, str) else False
    return step.function is np.pad and (not simple or bool(step.kwargs.keys() - {"mode", "pad_width"}))


def _pick(step: Step, constants: Constants) -> LibraryCall | None:
    """x[index]"""
    x, index = step.args
    found = moved(step, [x], lambda arrays: arrays[0][known(index, constants)])
    if found is None and type(x) is Var and (places := placed(x.shape, index, constants)):
        found = LibraryCall("take", [x, *places[0]], places[1])
    return found


def _replace(step: Step, constants: Constants) -> LibraryCall | None:
    """x with other values at an index."""
    x, index, value = step.args
    return moved(step, [x, value], lambda a: replaced_at(a[0], known(index, constants), a[1])) or _at(
        "put", x, index, value, constants
    )


def _at(name: str, x: Any, index: Any, value: Any, constants: Constants) -> LibraryCall | None:
    """Values put, or added, at an index."""
    places = placed(x.shape, index, constants)
    if places is None:
        return None
    value = value if type(value) is Var else np.asarray(value, x.dtype)
    if value.dtype != x.dtype:
        return None
    arrays, options = places
    if value.shape and prod(value.shape) > 1:  # which element each place gets; else all get one
        like = [np.zeros(i.shape, i.dtype) if type(i) is Var else i for i in (index if isinstance(index, tuple) else (index,))]
        if options["kind"] == "mask":
            return None if value.shape[1:] != x.shape[len(index.shape) :] else LibraryCall(name, [x, value, *arrays], options)
        there = np.broadcast_to(np.empty((), np.int8), x.shape)[known(tuple(like), constants)].shape
        options = options | {"each": np.broadcast_to(numbered(value.shape), there).ravel().tolist()}
        if options["each"] == list(range(prod(value.shape))):
            del options["each"]
    else:
        options = options | {"one": True}
    return LibraryCall(name, [x, value, *arrays], options)


def _write_through(step: Step, constants: Constants) -> LibraryCall | None:
    x, path, value = step.args
    return moved(step, [x, value], lambda a: written_through(a[0], path, a[1]))


def _change(step: Step, constants: Constants) -> LibraryCall | None:
    """A function that writes into its first argument."""
    function, x, args = step.args
    options, name = step.kwargs["options"], getattr(function, "__name__", "")
    if function is add_rows or (name == "at" and getattr(function, "__self__", None) is np.add):
        return _at("add", x, args[0], args[1], constants) if not options else None
    if function is np.put_along_axis and type(args[0]) is Var and args[0] not in constants:
        axis, value = args[2] if len(args) > 2 else options.get("axis"), args[1]
        value = value if type(value) is Var else np.asarray(value, x.dtype)
        return None if value.dtype != x.dtype or axis is None else _along("put_along", step, x, args[0], axis, [value])
    place = {np.put_along_axis: 1, np.put: 1, np.place: 1, np.fill_diagonal: 0}.get(function)
    if place is None or len(args) <= place:
        return None

    def run(arrays: list[np.ndarray]) -> Any:
        own = [arrays[1] if i == place else known(a, constants) for i, a in enumerate(args)]
        return changed(function, arrays[0], own, options)

    return moved(step, [x, args[place]], run)


def _fold(step: Step, constants: Constants) -> LibraryCall | None:
    """Columns, added back to where the windows were."""
    columns, window = step.args
    assert isinstance(window, Window)
    lead = columns.shape[: len(columns.shape) - 2 * len(window.shape)]
    there = unfold(numbered((*lead, *window.shape), 1), window).astype(np.int32)  # 0 is the border, which is thrown away
    return LibraryCall("fold", [columns, there])


# ------------------------------------------------------------------------------------ along an axis


def _arguments(step: Step, *names: str) -> dict[str, Any]:
    return dict(zip(names, step.args, strict=False)) | step.kwargs


def _axis(step: Step, axis: Any, x: Any) -> tuple[int, dict[str, int]] | None:
    """An axis, as numbers of elements before it, along it and after it."""
    if not isinstance(axis, int) or type(x) is not Var or not x.shape:
        return None
    axis %= len(x.shape)
    return axis, {"outer": prod(x.shape[:axis]), "length": x.shape[axis], "inner": prod(x.shape[axis + 1 :])}


def _along(name: str, step: Step, x: Var, index: Var, axis: Any, more: list[Any]) -> LibraryCall | None:
    """take_along_axis and put_along_axis, of an index that has the array's lengths along the other axes."""
    found = _axis(step, axis, x)
    if found is None or len(index.shape) != len(x.shape):
        return None
    same = all(a == b for i, (a, b) in enumerate(zip(x.shape, index.shape, strict=True)) if i != found[0])
    if not same or any(m.shape not in ((), index.shape) for m in more):
        return None
    return LibraryCall(name, [x, index, *more], found[1] | {"picked": index.shape[found[0]]})


def _take_along(step: Step, constants: Constants) -> LibraryCall | None:
    given = _arguments(step, "arr", "indices", "axis")
    x, index, axis = given["arr"], given["indices"], given.get("axis", -1)
    if type(index) is not Var or index in constants:
        return moved(step, [x], lambda arrays: np.take_along_axis(arrays[0], known(index, constants), axis))
    return _along("take_along", step, x, index, axis, [])


def _of_axis(name: str) -> Callable[[Step, Constants], LibraryCall | None]:
    """A function of an array, and of one of its axes or None for all elements in a row."""

    def make(step: Step, constants: Constants) -> LibraryCall | None:
        given = _arguments(step, "x", "axis", "dtype")
        x = given.pop("x" if "x" in given else "a")
        axis = given.pop("axis", -1 if "sort" in name else None)
        more = {k: v for k, v in given.items() if v not in (None, np._NoValue) and k not in ("kind", "stable", "keepdims")}
        keeps = given.get("keepdims") in (True,) and axis is None
        if type(x) is not Var or more or keeps or str(x.dtype) not in DTYPES:
            return None
        if axis is None or not x.shape:
            return LibraryCall(name, [x], {"outer": 1, "length": prod(x.shape), "inner": 1})
        found = _axis(step, axis, x)
        return None if found is None else LibraryCall(name, [x], found[1])

    return make


def _searchsorted(step: Step, constants: Constants) -> LibraryCall | None:
    given = _arguments(step, "a", "v", "side", "sorter")
    ordered, sought = given["a"], given["v"]
    if given.get("sorter") is not None or type(ordered) is not Var or type(sought) is not Var:
        return None
    return LibraryCall("searchsorted", [ordered, sought], {"right": given.get("side", "left") == "right"})


def _nonzero(step: Step, constants: Constants) -> LibraryCall | None:
    x = step.args[0]
    return LibraryCall("nonzero", [x], {"flat": step.function is np.flatnonzero}) if type(x) is Var else None


# ------------------------------------------------------------------------------------ matrices


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
    mode = _arguments(step, "a", "mode").get("mode", "reduced")
    return _of_matrices("qr", "mode")(Step(step.function, step.args[:1], {"mode": mode}, step.outs, step.several), constants)


def _singular_values(step: Step, constants: Constants) -> LibraryCall | None:
    """Without the vectors, of which LAPACK chooses the signs."""
    given = _arguments(step, "a", "full_matrices", "compute_uv", "hermitian")
    if given.get("compute_uv", True) or given.get("hermitian"):
        return None
    return _of_matrices("svdvals")(Step(step.function, step.args[:1], {}, step.outs), constants)


def _least(step: Step, constants: Constants) -> LibraryCall | None:
    """Pseudo-inverses, and least squares with them: what is below a part of the largest singular value is 0."""
    squares = step.function is np.linalg.lstsq
    given = _arguments(step, "a", "b", "rcond") if squares else _arguments(step, "a", "rcond")
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
    name = getattr(step.function, "__name__", "")
    given = {k: v for k, v in step.kwargs.items() if k not in ("overwrite_a", "check_finite")}
    if any(given.values()) or len(step.args) != 1:
        return None
    return _of_matrices(name)(Step(step.function, step.args, {}, step.outs, step.several), constants)


def _filter(step: Step, constants: Constants) -> LibraryCall | None:
    """scipy.signal.lfilter"""
    given = _arguments(step, "b", "a", "x", "axis", "zi")
    arrays = [given["b"], given["a"], given["x"]]
    if given.get("zi") is not None or step.several or not all(type(v) is Var and v.dtype == step.out.dtype for v in arrays):
        return None
    found = _axis(step, given.get("axis", -1), arrays[2])
    return None if found is None else LibraryCall("lfilter", arrays, found[1])


def _modf(step: Step, constants: Constants) -> LibraryCall | None:
    x = step.args[0]
    return LibraryCall("modf", [x]) if type(x) is Var and x.dtype.kind == "f" and not step.kwargs else None


def _frexp(step: Step, constants: Constants) -> LibraryCall | None:
    x = step.args[0]
    return LibraryCall("frexp", [x]) if type(x) is Var and x.dtype.kind == "f" and not step.kwargs else None


def _next(step: Step, constants: Constants) -> LibraryCall | None:
    """np.nextafter"""
    x, y = step.args
    alike = type(x) is type(y) is Var and x.shape == y.shape and str(x.dtype) == str(y.dtype) == "float64"
    return LibraryCall("nextafter", [x, y]) if alike and not step.kwargs else None


def _solve(step: Step, constants: Constants) -> LibraryCall | None:
    found = _of_matrices("solve")(step, constants)
    if found is None or len(found.arrays) != 2:
        return None
    a, b = found.arrays
    if len(b.shape) == 1 and len(a.shape) == 2:
        return LibraryCall("solve", [a, b], found.options | {"sides": 1})
    return LibraryCall("solve", [a, b], found.options | {"sides": b.shape[-1]}) if len(a.shape) == len(b.shape) else None


def _triangular(step: Step, constants: Constants) -> LibraryCall | None:
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


_TABLE: dict[Any, Callable[[Step, Constants], LibraryCall | None]] = {
    getitem: _pick, replaced_at: _replace, written_through: _write_through, changed: _change,
    seen_through: _move, np.take_along_axis: _take_along, np.argsort: _of_axis("argsort"), np.sort: _of_axis("sort"),
    np.argmax: _of_axis("argmax"), np.argmin: _of_axis("argmin"), np.cumsum: _of_axis("cumsum"), np.cumprod: _of_axis("cumprod"),
    np.searchsorted: _searchsorted, np.nonzero: _nonzero, np.flatnonzero: _nonzero,
    np.linalg.inv: _of_matrices("inv"), np.linalg.det: _of_matrices("det"), np.linalg.slogdet: _of_matrices("slogdet"),
    np.linalg.cholesky: _of_matrices("cholesky", "upper"), np.linalg.solve: _solve, np.linalg.qr: _qr,
    np.linalg.pinv: _least, np.linalg.lstsq: _least, np.linalg.svd: _singular_values,
    np.modf: _modf, np.frexp: _frexp, np.nextafter: _next,
}  # fmt: skip
_BY_NAME = {"fold": _fold, "solve_triangular": _triangular, "lfilter": _filter, "lu": _lu, "lu_factor": _lu}
