"""Convolution and correlation of sequences, sliding windows; that of networks is in `window`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.lib.stride_tricks import sliding_window_view as _view

from ..arrays.batch import Batch
from ..backend import as_operand, side_by_side
from ..primitive import composed, primitive
from ..tensor import Tensor
from .shape import flip, moveaxis, reshape
from .slopes import conj
from .window import Window, conv_input, conv_weight, unfold

__all__ = ["convolve", "correlate", "sliding_window_view"]


def _windows(n: int, k: int, mode: str) -> Window:
    """Where the k terms of each result lie in the n elements of the longer sequence."""
    before = {"full": k - 1, "same": k // 2, "valid": 0}[mode]
    after = {"full": k - 1, "same": k - 1 - k // 2, "valid": 0}[mode]
    return Window.over((n,), k, padding=((before, after),))


def _line(x: Any) -> Any:
    """A sequence as one example of one channel."""
    return reshape(x, (1, 1, -1))


def _convolve_a(g: Any, v: Any, a_shape: Any, v_shape: Any, mode: str) -> Any:
    window = _windows(a_shape[0], v_shape[0], mode)
    return reshape(conv_input(_line(g), _line(flip(v)), window), -1)


def _convolve_v(g: Any, a: Any, a_shape: Any, v_shape: Any, mode: str) -> Any:
    window = _windows(a_shape[0], v_shape[0], mode)
    return flip(reshape(conv_weight(_line(a), _line(g), window), -1))


@primitive(method=False, name="convolve", a=_convolve_a, v=_convolve_v)
def _convolve(a: Any, v: Any, mode: Any) -> Any:
    """Discrete convolution of two sequences, the longer one first.

    out_n = sum_m a_m v_{n-m}
    da_m  = sum_n g_n v_{n-m}
    dv_l  = sum_n g_n a_{n-l}

    No element meets a zero beyond the ends: of an infinite one that would make NaN.
    """
    if not isinstance(a, Batch) and not isinstance(v, Batch):
        return np.convolve(a, v, mode)
    n, k = np.shape(a)[0], np.shape(v)[0]
    out = np.zeros_like(a[:1] * v[:1], shape=(n + k - 1,))
    for lag in range(k):
        out[lag : lag + n] += a * v[lag]
    first = {"full": 0, "same": (k - 1) // 2, "valid": k - 1}[mode]
    length = {"full": n + k - 1, "same": n, "valid": n - k + 1}[mode]
    return out[first : first + length]


@composed(np.convolve, method=False)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """Discrete convolution of two sequences; mode "full", "same" or "valid".

    out_n = sum_m a_m v_{n-m}

    Args:
        v: the other sequence.
        mode: "full": wherever they overlap; "same": the middle of that, as long as the longer one;
            "valid": where the shorter lies wholly in the longer.

    >>> convolve(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0]))
    array([0., 1., 2., 3.])
    """
    a, v = _sequences(a, v, "convolve")
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"convolve: mode must be 'full', 'same' or 'valid', got {mode!r}")
    if np.shape(v)[0] > np.shape(a)[0]:
        a, v = v, a
    return _convolve(a, v, mode)


@composed(np.correlate, method=False)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """Discrete cross-correlation of two sequences; modes as for `convolve`.

    out_n = sum_m a_{n+m} conj(v_m)

    Args:
        v: the other sequence.
        mode: as for `convolve`.

    >>> correlate(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0]))
    array([2., 3.])
    """
    a, v = _sequences(a, v, "correlate")
    if mode == "same" and np.shape(v)[0] > np.shape(a)[0]:
        return conj(flip(correlate(v, a, mode)))  # which of two middles is meant
    return convolve(a, flip(conj(v)), mode)


def _sequences(a: Any, v: Any, name: str) -> list[Any]:
    """Both with one axis, on one device; a number has one element."""
    lists = ([x] if isinstance(x, (int, float, complex, np.generic)) else x for x in (a, v))
    return [_sequence(as_operand(x), name) for x in side_by_side(*lists)]


def _sequence(x: Any, name: str) -> Any:
    if np.ndim(x) > 1 or np.size(x) == 0:
        raise ValueError(
            f"{name}: expected sequences of at least one element, got shape {np.shape(x)}"
        )
    return x if np.ndim(x) else reshape(x, 1)


@composed(_view, method=False)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """All windows of a shape, at each place along the axes: (..., places, ..., *window_shape).

    Args:
        window_shape: the length of the window along each of the axes.
        axis: the axes along which it slides, by default all.
        subok, writeable: for arrays alone; of a tensor's values the windows are copies.

    >>> sliding_window_view(Tensor([1.0, 2.0, 3.0]), 2)
    Tensor([[1., 2.],
            [2., 3.]], dtype=float32)
    """
    if not isinstance(x, Tensor):
        return _view(x, window_shape, axis, subok=subok, writeable=writeable)
    if writeable:
        raise ValueError(
            "sliding_window_view: writeable=True cannot be, windows of tensors are copies"
        )
    sizes = tuple(window_shape) if np.iterable(window_shape) else (window_shape,)
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    if len(sizes) != len(axes) or any(
        not 0 < size <= x.shape[a] for size, a in zip(sizes, axes, strict=False)
    ):
        raise ValueError(
            f"sliding_window_view: windows of shape {sizes} do not fit along the axes {axes} "
            f"of the shape {x.shape}"
        )
    n = len(axes)
    lines = reshape(moveaxis(x, axes, range(-n, 0)), (1, -1, *(x.shape[a] for a in axes)))
    columns = unfold(lines, Window.over(lines.shape[2:], sizes))[0]  # (others, *sizes, *places)
    others = [length for a, length in enumerate(x.shape) if a not in axes]
    parts = reshape(columns, (*others, *columns.shape[1:]))
    back = moveaxis(
        parts, range(parts.ndim - 2 * n, parts.ndim - n), range(-n, 0)
    )  # (*others, *places, *sizes)
    return moveaxis(back, range(len(others), len(others) + n), axes)
