"""scipy.signal: recursive filters.  SciPy computes the values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays.batch import Batch, Unbatched, all_examples, newest
from ..arrays.fallback import runs_in_turn
from ..backend import as_operand, call_scipy, side_by_side
from ..later import refuse_later
from ..primitive import composed, primitive
from ..tensor import Tensor, raw
from .creation import array

__all__ = ["lfilter", "sosfilt"]


def _coefficients(values: Any) -> Any:
    """An array or Tensor as it is, a list of numbers and Tensors put together."""
    if isinstance(values, (list, tuple)) and any(isinstance(v, Tensor) for v in values):
        return array(values)
    return as_operand(values)


def _delayed(x: Any, k: int) -> Any:
    """x_(n - k) along the last axis, 0 before the begin."""
    n = x.shape[-1]
    return np.concatenate([np.zeros_like(x[..., :k]), x[..., : max(n - k, 0)]], axis=-1)


def _lfilter_all(g: Any, needs: Sequence[bool], b: Any, a: Any, x: Any, out: Any) -> list[Any]:
    """The filter backwards in time: w is the gradient of what 1 / a is applied to."""
    w = np.flip(_lfilter(np.ones_like(b[:1]), a, np.flip(g, -1)), -1)
    db = np.stack([np.sum(w * _delayed(x, k)) for k in range(b.shape[0])]) if needs[0] else None
    da = np.stack([-np.sum(w * _delayed(out, k)) for k in range(a.shape[0])]) if needs[1] else None
    dx = np.flip(_lfilter(b, a, np.flip(g, -1)), -1) if needs[2] else None
    return [db, da, dx]


def _filtered(b: Any, a: Any, x: Any) -> Any:
    """SciPy's filter; it takes the signals of all examples at once where they share one filter."""
    if newest((b, a)) is not None:
        raise Unbatched("SciPy's filter takes one set of coefficients")
    if type(x) is Batch:
        return Batch(_filtered(b, a, x._array), x.level)
    return call_scipy("signal", "lfilter", b, a, x)


@runs_in_turn("a filter of each example's own: SciPy's takes one set of coefficients")
@primitive(method=False, joint=_lfilter_all, inputs=("b", "a", "x"), name="lfilter")
def _lfilter(b: Any, a: Any, x: Any) -> Any:
    """A filter along the last axis, with a_0 = 1.

    out_n = sum_k b_k x_{n-k} - sum_{k >= 1} a_k out_{n-k}
    dx_n = sum_k b_k w_{n+k},  w_n = g_n - sum_{k >= 1} a_k w_{n+k}
    db_k = sum_n w_n x_{n-k}
    da_k = -sum_n w_n out_{n-k}
    """
    return _filtered(b, a, x)


@composed("scipy.signal.lfilter", method=False)
def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """A recursive filter along an axis, differentiable in the coefficients and in the signal.

    a_0 out_n = sum_k b_k x_(n-k) - sum_(k >= 1) a_k out_(n-k)

    Raises:
        NotImplementedError: an initial state `zi` is given.

    >>> lfilter([1.0], [1.0, -0.5], np.array([1.0, 0.0, 0.0]))
    array([1.  , 0.5 , 0.25])
    """
    if zi is not None:
        raise NotImplementedError("lfilter: an initial state zi is not supported; put the past of the signal before x")
    b, a, x = map(_coefficients, side_by_side(b, a, x))
    if b.ndim > 1 or a.ndim > 1 or x.ndim == 0:
        raise ValueError(f"lfilter: expected b and a of one axis and x of one at least, got {b.shape}, {a.shape}, {x.shape}")
    b, a = np.atleast_1d(b), np.atleast_1d(a)
    words = "lfilter: the first coefficient a[0] must not be 0"
    refuse_later(all_examples(raw(a[0])) == 0, lambda: ValueError(words))
    dtype = np.result_type(b.dtype, a.dtype, x.dtype, np.float32 if x.dtype.kind not in "iub" else np.float64)
    b, a, x = (v if v.dtype == dtype else v.astype(dtype) for v in (b, a, x))
    out = _lfilter(b / a[0], a / a[0], np.moveaxis(x, axis, -1))
    return np.moveaxis(out, -1, axis)


@composed("scipy.signal.sosfilt", method=False)
def sosfilt(sos: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """Filters of second order, one after the other: sos is (n, 6), the b and the a of each.

    Raises:
        NotImplementedError: an initial state `zi` is given.

    >>> sosfilt(np.array([[1.0, 0.0, 0.0, 1.0, -0.5, 0.0]]), np.array([1.0, 0.0, 0.0]))
    array([1.  , 0.5 , 0.25])
    """
    if zi is not None:
        raise NotImplementedError("sosfilt: an initial state zi is not supported; put the past of the signal before x")
    sos, x = side_by_side(sos, x)
    sos = as_operand(sos)
    if sos.ndim != 2 or sos.shape[1] != 6:
        raise ValueError(f"sosfilt: expected sos of shape (n, 6), got {sos.shape}")
    for i in range(sos.shape[0]):
        x = lfilter(sos[i, :3], sos[i, 3:], x, axis)
    return x
