"""NumPy calls that no loop holds, and library.js computes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ...arrays.row_sparse import add_rows
from ...arrays.traced import getitem
from ...ops.window import Window, unfold
from ..operations import DTYPES
from ..program import Step, Var, formulas_in
from ..trace import changed, replaced_at, seen_through, written_through
from ..views import LOOKS
from .call import Constants, LibraryCall, arguments, lengths
from .matrices import BY_NAME, MATRICES
from .places import known, moved, numbered, placed

__all__ = ["library_call"]


def library_call(step: Step, constants: Constants) -> LibraryCall | None:
    """How a page makes a call; None where it cannot.

    Args:
        constants: the arrays of values that are the same at each run.
    """
    if formulas_in([step]):
        return None
    name = getattr(step.function, "__name__", "")
    make = _TABLE.get(step.function) or (_BY_NAME.get(name) if _is_ours_or_scipys(step.function) else None)
    if make is None and (step.function in _MOVES or step.function in LOOKS):
        make = _move
    return None if make is None else make(step, constants)


def _is_ours_or_scipys(function: Any) -> bool:
    """Whether a name is enough to know a function by."""
    return str(getattr(function, "__module__", "")).partition(".")[0] in ("minigrad", "scipy")


# ------------------------------------------------------------------------------------ moving elements

#: What moves elements of its first argument, or of the arrays in it.
_MOVES = {
    np.tile, np.roll, np.repeat, np.concatenate, np.stack, np.copy, np.pad, np.delete, np.take, np.resize, np.diag, np.positive,
    np.compress, np.extract, np.append, np.hstack, np.vstack, np.dstack, np.column_stack, np.block, np.asarray,
}  # fmt: skip


def _move(step: Step, constants: Constants) -> LibraryCall | None:
    """A function that moves elements of its first argument."""
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
    """The whole with other values where a view of it is."""
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


def _along(name: str, step: Step, x: Var, index: Var, axis: Any, more: list[Any]) -> LibraryCall | None:
    """take_along_axis and put_along_axis, of an index that has the array's lengths along the other axes."""
    found = lengths(axis, x)
    if found is None or len(index.shape) != len(x.shape):
        return None
    same = all(a == b for i, (a, b) in enumerate(zip(x.shape, index.shape, strict=True)) if i != found[0])
    if not same or any(m.shape not in ((), index.shape) for m in more):
        return None
    return LibraryCall(name, [x, index, *more], found[1] | {"picked": index.shape[found[0]]})


def _take_along(step: Step, constants: Constants) -> LibraryCall | None:
    """np.take_along_axis"""
    given = arguments(step, "arr", "indices", "axis")
    x, index, axis = given["arr"], given["indices"], given.get("axis", -1)
    if type(index) is not Var or index in constants:
        return moved(step, [x], lambda arrays: np.take_along_axis(arrays[0], known(index, constants), axis))
    return _along("take_along", step, x, index, axis, [])


def _of_axis(name: str) -> Callable[[Step, Constants], LibraryCall | None]:
    """A function of an array, and of one of its axes or None for all elements in a row."""

    def make(step: Step, constants: Constants) -> LibraryCall | None:
        given = arguments(step, "x", "axis", "dtype")
        x = given.pop("x" if "x" in given else "a")
        axis = given.pop("axis", -1 if "sort" in name else None)
        more = {k: v for k, v in given.items() if v not in (None, np._NoValue) and k not in ("kind", "stable", "keepdims")}
        keeps = given.get("keepdims") in (True,) and axis is None
        if type(x) is not Var or more or keeps or str(x.dtype) not in DTYPES:
            return None
        if axis is None or not x.shape:
            return LibraryCall(name, [x], {"outer": 1, "length": prod(x.shape), "inner": 1})
        found = lengths(axis, x)
        return None if found is None else LibraryCall(name, [x], found[1])

    return make


def _searchsorted(step: Step, constants: Constants) -> LibraryCall | None:
    """Of an array that is ordered without a sorter."""
    given = arguments(step, "a", "v", "side", "sorter")
    ordered, sought = given["a"], given["v"]
    if given.get("sorter") is not None or type(ordered) is not Var or type(sought) is not Var:
        return None
    return LibraryCall("searchsorted", [ordered, sought], {"right": given.get("side", "left") == "right"})


def _nonzero(step: Step, constants: Constants) -> LibraryCall | None:
    """As many elements as in the recorded run."""
    x = step.args[0]
    return LibraryCall("nonzero", [x], {"flat": step.function is np.flatnonzero}) if type(x) is Var else None


_TABLE: dict[Any, Callable[[Step, Constants], LibraryCall | None]] = {
    getitem: _pick, replaced_at: _replace, written_through: _write_through, changed: _change,
    seen_through: _move, np.take_along_axis: _take_along, np.argsort: _of_axis("argsort"), np.sort: _of_axis("sort"),
    np.argmax: _of_axis("argmax"), np.argmin: _of_axis("argmin"), np.cumsum: _of_axis("cumsum"), np.cumprod: _of_axis("cumprod"),
    np.searchsorted: _searchsorted, np.nonzero: _nonzero, np.flatnonzero: _nonzero,
    **MATRICES,
}  # fmt: skip
_BY_NAME = {"fold": _fold, **BY_NAME}
