"""Interpolation between given points."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays.batch import all_examples
from ..backend import as_operand
from ..later import surely_all
from ..primitive import composed
from ..tensor import raw
from .conversion import alike
from .join import concatenate
from .select import where

__all__ = ["interp"]


def _inexact(a: Any) -> Any:
    """As an array of floats, of integers and booleans in double precision."""
    a = as_operand(a)
    return a if a.dtype.kind in "fc" else a.astype(np.float64)


@composed(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Piecewise linear interpolation of the points (xp, fp), xp ascending.  All have gradients.

    With a `period` the points go on periodically, and may stand in any order.

    out = fp_k + (x - xp_k) (fp_{k+1} - fp_k) / (xp_{k+1} - xp_k),  constant outside

    Args:
        x: where the line is to be read.
        xp, fp: the points.
        left, right: the values before the first point and behind the last. None: those of these
            points.
        period: the length of a period; `left` and `right` say nothing then.

    >>> interp(np.array([0.5, 9.0]), np.array([0.0, 1.0]), np.array([2.0, 4.0]))
    array([3., 4.])
    """
    x, xp, fp = alike(x, xp, fp)
    if "c" in (np.result_type(x).kind, np.result_type(xp).kind):
        raise TypeError("interp: x and xp must be real, as complex numbers have no order")
    if np.ndim(xp) != 1 or np.shape(xp) != np.shape(fp) or np.shape(xp)[0] == 0:
        raise ValueError(
            "interp: expected xp and fp with one axis of the same length, got shapes "
            f"{np.shape(xp)} and {np.shape(fp)}"
        )
    if period is not None:
        if raw(period) == 0:
            raise ValueError("interp: period must not be 0")
        period, left, right = np.abs(period), None, None
        x, xp = np.remainder(x, period), np.remainder(xp, period)
        order = np.argsort(raw(xp), kind="stable")
        xp, fp = xp[order], fp[order]
        xp = concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = concatenate([fp[-1:], fp, fp[:1]])
    if np.shape(xp)[0] == 1:  # no line to follow: constant
        xp, fp = concatenate([xp, xp + 1.0]), concatenate([fp, fp])
    x, xp, fp = (_inexact(a) for a in (x, xp, fp))  # differences of small integers would wrap
    n = np.shape(xp)[0]
    k = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, n - 2)
    x0, x1, y0, y1 = xp[k], xp[k + 1], fp[k], fp[k + 1]
    slope = (y1 - y0) / (x1 - x0)
    inside = y0 + (x - x0) * slope
    known = np.isfinite(raw(inside))
    if not surely_all(all_examples(known)):
        other = where(raw(y0) == raw(y1), y0, y1 + (x - x1) * slope)  # from the right point
        other = where(np.isnan(raw(inside)), other, inside)
        other = where(np.equal(raw(x), raw(x1)), y1, where(np.equal(raw(x), raw(x0)), y0, other))
        inside = where(known, inside, other)  # at a point that is known the slope stays
    below, above = np.less(x, xp[0]), np.greater(x, xp[n - 1])
    inside = where(above, fp[n - 1] if right is None else right, inside)
    out = where(below, fp[0] if left is None else left, inside)
    return out.astype(np.result_type(out.dtype, np.float64), copy=False)
