"""Borders around arrays: numpy.pad in all of its modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.batch import newest
from ..backend import as_numbers, beside
from ..primitive import composed, primitive
from ..tensor import Tensor, raw
from .index import scatter_add

__all__ = ["pad"]

#: The modes that number where each element of the border comes from.
_COPIES = ("edge", "reflect", "symmetric", "wrap")
_STATISTICS: dict[str, Callable[..., Any]] = {
    "maximum": np.max, "mean": np.mean, "median": np.median, "minimum": np.min,
}  # fmt: skip
#: The option that each mode takes.
_OPTIONS: dict[str, str | None] = {
    "constant": "constant_values", "linear_ramp": "end_values", "reflect": "reflect_type",
    "symmetric": "reflect_type", "edge": None, "empty": None, "wrap": None,
    **dict.fromkeys(_STATISTICS, "stat_length"),
}  # fmt: skip


def _pad_array(g: Any, array_shape: Any, pad_width: Any, mode: Any) -> Any:
    """The gradient goes back to the element from which each one of the border was copied."""
    for axis, ((before, after), n) in enumerate(zip(pad_width, array_shape, strict=True)):
        if mode not in _COPIES:
            g = g[(slice(None),) * axis + (slice(before, before + n),)]
        elif before or after:
            source = np.pad(np.arange(n), (before, after), mode=mode)
            moved = np.moveaxis(g, axis, 0)
            g = np.moveaxis(scatter_add(moved, source, (n, *moved.shape[1:])), 0, axis)
    return g


@primitive(method=False, name="pad", array=_pad_array)
def _pad(array: Any, pad_width: Any, mode: Any, options: Any) -> Any:
    """Add a border.

    out    = array with a border
    darray = g inside, plus what arrives at the copies in the border
    """
    return np.pad(array, pad_width or 0, mode=mode, **options)  # a number has no axis to pad


@composed(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """Add a border, in every mode of NumPy that has a name.

    Args:
        pad_width: how many elements before and after each axis: a number, a pair, a pair for each
            axis, or a dict from axes to these.
        mode: "constant", "edge", "empty" (zeros here), "linear_ramp", "maximum", "mean", "median",
            "minimum", "reflect", "symmetric" or "wrap".
        kwargs: `constant_values`, `end_values`, `stat_length` or `reflect_type`, as the mode takes
            them.  The gradient reaches constant_values and end_values too.

    Raises:
        ValueError: for an unknown mode, or an option that the mode does not take.
        NotImplementedError: for a mode that is a function, of a tensor.

    >>> pad(np.array([1.0, 2.0]), 1)
    array([0., 1., 2., 0.])
    >>> pad(np.array([1.0, 2.0]), (0, 2), "linear_ramp", end_values=8.0)
    array([1., 2., 5., 8.])
    """
    if callable(mode):
        if isinstance(array, Tensor):
            raise NotImplementedError("pad: a function as mode writes into the array; name a mode")
        return np.pad(array, pad_width, mode, **kwargs)
    widths = _widths(pad_width, np.ndim(array))
    _check_options(mode, kwargs)
    options = {name: raw(value) for name, value in kwargs.items()}
    if not isinstance(raw(array), np.ndarray):  # CuPy takes these numbers from the host
        options = {n: v.tolist() if isinstance(v, np.ndarray) else v for n, v in options.items()}
    if mode == "empty":
        mode = "constant"  # zeros are as good as any values, and the same each time
    if not widths or (not _is_computed(array, mode, kwargs) and newest(options) is None):
        return _pad(array, widths, mode, options)
    for axis, width in enumerate(widths):
        if any(width):
            array = _pad_axis(array, axis, width, mode, kwargs)
    return array


def _check_options(mode: Any, options: dict[str, Any]) -> None:
    if mode not in _OPTIONS:
        raise ValueError(f"pad: unknown mode {mode!r}; it can be {', '.join(_OPTIONS)}")
    if wrong := options.keys() - {_OPTIONS[mode]}:
        takes = _OPTIONS[mode] or "no option"
        raise ValueError(f"pad: the mode {mode!r} takes {takes}, not {', '.join(wrong)}")


def _is_computed(array: Any, mode: str, options: dict[str, Any]) -> bool:
    """Whether the border is computed from what needs a gradient; for copies `_pad` has a rule."""
    if any(isinstance(value, Tensor) and value.requires_grad for value in options.values()):
        return True
    copied = mode == "constant" or (mode in _COPIES and options.get("reflect_type") != "odd")
    return isinstance(array, Tensor) and array.requires_grad and not copied


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):
        given, pad_width = pad_width, [(0, 0)] * ndim
        for axis, width in given.items():
            width = as_numbers(width)
            pad_width[axis] = (width, width) if isinstance(width, int) else width
    pad_width = np.asarray(as_numbers(pad_width))
    if pad_width.dtype.kind not in "iu":
        raise TypeError(f"pad: pad_width must hold integers, got {pad_width.dtype}")
    return [(int(before), int(after)) for before, after in np.broadcast_to(pad_width, (ndim, 2))]


def _pad_axis(array: Any, axis: int, width: tuple[int, int], mode: str, options: Any) -> Any:
    """A border along one axis.  Of several axes a later one borders the border of the earlier."""
    if options.get("reflect_type") == "odd":
        return _pad_odd(array, axis, width, mode)
    if mode != "constant" and np.shape(array)[axis] == 0:
        raise ValueError(f"pad: axis {axis} has no elements; only the mode 'constant' extends it")
    value = next(iter(options.values()), None if mode in _STATISTICS else 0)
    border = {"constant": _constant, "linear_ramp": _ramp}.get(mode, _statistic)
    parts = [array]
    for end in (0, 1):
        if width[end]:
            at_end = (
                None if value is None else np.broadcast_to(value, (np.ndim(array), 2))[axis, end]
            )
            part = border(array, axis, width[end], end, at_end, mode)
            parts = [*parts, part] if end else [part, *parts]
    return np.concatenate(parts, axis=axis)


def _pad_odd(array: Any, axis: int, width: tuple[int, int], mode: str) -> Any:
    """Reflections about the value at the edge: a linear map, the border of an identity matrix."""
    identity = np.eye(np.shape(array)[axis], dtype=array.dtype)
    options: Any = {"mode": mode, "reflect_type": "odd"}
    matrix = np.pad(identity, (width, (0, 0)), **options)
    return np.moveaxis(np.tensordot(beside(matrix, array), array, ([1], [axis])), 0, axis)


def _wide(part: Any, array: Any, axis: int, width: int) -> Any:
    """A part of length 1 along the axis, repeated, in the dtype of the array."""
    shape = [*np.shape(array)[:axis], width, *np.shape(array)[axis + 1 :]]
    return np.broadcast_to(part, shape).astype(array.dtype)


def _constant(array: Any, axis: int, width: int, end: int, value: Any, mode: str) -> Any:
    return _wide(value, array, axis, width)


def _ramp(array: Any, axis: int, width: int, end: int, value: Any, mode: str) -> Any:
    """Evenly spaced values from `value` at the outer end to the edge, without the edge itself."""
    edge = np.take(array, -1 if end else 0, axis=axis)
    ramp = np.linspace(value, edge, width, endpoint=False, axis=axis).astype(array.dtype)
    return np.flip(ramp, axis) if end else ramp


def _statistic(array: Any, axis: int, width: int, end: int, length: Any, mode: str) -> Any:
    n = np.shape(array)[axis]
    length = n if length is None else min(int(length), n)
    if length == 0:
        raise ValueError("pad: stat_length of 0 yields no value for the border")
    nearest = slice(n - length, n) if end else slice(0, length)
    part = array[(slice(None),) * axis + (nearest,)]
    return _wide(_STATISTICS[mode](part, axis=axis, keepdims=True), array, axis, width)
