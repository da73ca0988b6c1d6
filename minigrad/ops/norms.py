"""Norms of vectors and matrices, and the condition number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..arrays.batch import all_examples, newest
from ..later import is_on_gpu
from ..primitive import composed, primitive
from ..tensor import Tensor, raw
from .factorization import svdvals
from .linalg import inv
from .products import eye_of
from .reduce import expand, max, min, sum
from .select import overwritten, where
from .slopes import conj, slope_of_length

__all__ = ["cond", "matrix_norm", "norm", "norm2", "norm_p", "vector_norm"]


def _norm_x(g: Any, x: Any, out: Any, axis: Any, keepdims: bool) -> Any:
    length = expand(out, x.shape, axis, keepdims)
    return expand(g, x.shape, axis, keepdims) * slope_of_length(conj(x), length)


@primitive(x=_norm_x, method=False)
def norm2(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Euclidean length over axes (the Frobenius norm over two).

    out  = sqrt(sum_i |x_i|^2)
    dx_i = g x_i / out                               (0 for the zero vector)

    >>> grad(norm2)(np.array([3.0, 4.0])), grad(norm2)(np.zeros(2))
    (array([0.6, 0.8]), array([0., 0.]))
    """
    return np.sqrt(np.sum(np.square(np.abs(x)), axis=axis, keepdims=keepdims))


def _norm_p_x(g: Any, x: Any, out: Any, p: Any, axis: Any, keepdims: bool) -> Any:
    length, size = expand(out, x.shape, axis, keepdims), abs(x)
    sign = slope_of_length(conj(x), size) if x.dtype.kind == "c" else np.sign(x)
    share = slope_of_length(size, length) ** (p - 1) * sign
    return expand(g, x.shape, axis, keepdims) * share


@primitive(x=_norm_p_x, method=False)
def norm_p(x: Any, p: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The p-norm over axes, for p > 1.

    out  = (sum_i |x_i|^p)^(1/p)
    dx_i = g (|x_i| / out)^(p - 1) sign(x_i)         (0 for the zero vector)

    >>> grad(norm_p)(np.array([1.0, 0.0]), 3.0), grad(norm_p)(np.zeros(2), 3.0)
    (array([1., 0.]), array([0., 0.]))
    """
    return np.sum(np.abs(x) ** p, axis=axis, keepdims=keepdims) ** (1.0 / p)


@composed(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002
    """Vector and matrix norms.

    Args:
        ord: of vectors None (2), any number, inf, -inf, 0 (how many are not 0); of matrices None or
            "fro", "nuc" (sum of singular values), 2 and -2 (largest, smallest), 1, -1, inf, -inf.
        axis: one axis for vectors, two for matrices; by default all.

    >>> norm(np.array([[3.0, -4.0]])), norm(np.array([3.0, -4.0]), 1)
    (np.float64(5.0), np.float64(7.0))
    """
    x = _inexact(x)
    axes = _axes(axis, np.ndim(x))
    if ord is None and (axis is None or len(axes) in (1, 2)):
        return norm2(x, axis=axes, keepdims=keepdims)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ValueError(
        f"norm: ord={ord!r} is defined over one axis or two, not over {len(axes)} of shape {np.shape(x)}"
    )


@composed(np.linalg.vector_norm)
def vector_norm(
    x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2  # noqa: A002
) -> Any:
    """The norm of vectors that lie along one or several axes; by default of all elements.

    Args:
        axis: along which axes the vectors lie.
        ord: any number, inf, -inf, or 0 (how many are not 0).

    >>> vector_norm(np.array([[3.0, 4.0]])).item()
    5.0
    """
    x = _inexact(x)
    return _vector_norm(x, ord, _axes(axis, np.ndim(x)), keepdims)


@composed(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:  # noqa: A002
    """Norms of matrices: "fro", "nuc" (sum of singular values), 2 and -2 (largest, smallest), 1, -1, inf, -inf.

    >>> matrix_norm(np.array([[3.0, 0.0], [0.0, 4.0]]), ord="nuc").item()
    7.0
    """
    x = _inexact(x)
    return _matrix_norm(x, ord, _axes((-2, -1), np.ndim(x)), keepdims)


def _inexact(x: Any) -> Any:
    """x with integers and booleans made floating, as squares and powers of them may overflow."""
    x = x if hasattr(x, "dtype") else np.asarray(x)
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    return tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)


def _plain_order(ord: Any) -> Any:  # noqa: A002
    """A Tensor that is a constant, the same for all examples, as a number; anything else as it is."""
    varies = isinstance(ord, Tensor) and (ord.requires_grad or newest(raw(ord)) is not None)
    return ord if varies else raw(ord)


def _vector_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:  # noqa: A002
    """(sum_i |x_i|^p)^(1/p) over axes, and the limits of it."""
    ord = _plain_order(ord)  # noqa: A001
    if isinstance(ord, Tensor):  # a power that is differentiated: no limit of it is
        values = all_examples(raw(ord))
        if not np.all(np.isfinite(values) & (values != 0)):
            raise ValueError(f"norm: no gradient reaches ord={values}: write ord.detach()")
        return sum(abs(x) ** ord, axis=axes, keepdims=keepdims) ** (1.0 / ord)
    if ord is None or ord == 2:
        return norm2(x, axis=axes, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"norm: ord={ord!r} is a norm of matrices, but axis names vectors")
    if ord in (np.inf, -np.inf):
        return _extremum(abs(x), ord, axes, keepdims)
    if ord == 0:
        return np.sum((x != 0).astype(np.real(raw(x)).dtype), axis=axes, keepdims=keepdims)
    if ord == 1:
        return sum(abs(x), axis=axes, keepdims=keepdims)
    if ord > 1:
        return norm_p(x, ord, axis=axes, keepdims=keepdims)
    return sum(abs(x) ** ord, axis=axes, keepdims=keepdims) ** (1.0 / ord)


def _extremum(lengths: Any, ord: Any, axis: Any, keepdims: bool) -> Any:  # noqa: A002
    """The largest for a positive order, 0 where there is none; the smallest for a negative one."""
    if ord < 0:
        return min(lengths, axis=axis, keepdims=keepdims)
    start = {} if np.size(lengths) else {"initial": 0.0}
    return max(lengths, axis=axis, keepdims=keepdims, **start)


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:  # noqa: A002
    """A norm of the matrices whose rows and columns lie along two axes."""
    ord = _plain_order(ord)  # noqa: A001
    if isinstance(ord, Tensor):
        raise TypeError("norm: a norm of matrices has no gradient with respect to ord: write ord.detach()")
    if ord in (None, "fro", "f"):
        return norm2(x, axis=axes, keepdims=keepdims)
    if ord in ("nuc", 2, -2):
        s = svdvals(np.moveaxis(x, axes, (-2, -1)))
        out = sum(s, axis=-1) if ord == "nuc" else _extremum(s, ord, -1, False)
    elif ord in (1, -1, np.inf, -np.inf):
        along, over = axes if ord in (1, -1) else axes[::-1]
        sums = sum(abs(x), axis=along, keepdims=True)
        out = np.squeeze(_extremum(sums, ord, over, True), axis=axes)
    else:
        raise ValueError(
            f"norm: ord={ord!r} is not a norm of matrices: use None, 'fro', 'nuc', 1, -1, 2, -2, inf, -inf"
        )
    return np.expand_dims(out, axes) if keepdims else out


@composed(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """Condition number, the norm of X times that of its inverse; infinite for a singular X.

    Args:
        p: the norm, as in `norm`; None or 2 for the largest singular value divided by the smallest.

    Raises:
        LinAlgError: X is empty, or not square where p needs the inverse.

    >>> cond(np.array([[3.0, 0.0], [0.0, 6.0]])).item()
    2.0
    """
    if 0 in np.shape(x)[-2:]:
        raise np.linalg.LinAlgError(f"cond: an empty matrix has none, got shape {np.shape(x)}")
    with np.errstate(all="ignore"):
        if p is None or p in (2, -2):
            s = svdvals(x)
            out = s[..., 0] / s[..., -1] if p != -2 else s[..., -1] / s[..., 0]
        else:
            out = _norm_times_norm_of_inverse(x, p)
    return overwritten(out, np.isnan(raw(out)) & ~np.any(np.isnan(raw(x)), axis=(-2, -1)), np.inf)


def _norm_times_norm_of_inverse(x: Any, p: Any) -> Any:
    """NaN for matrices that have no inverse."""
    try:
        return matrix_norm(x, ord=p) * matrix_norm(_inverse(x), ord=p)
    except np.linalg.LinAlgError:
        singular = np.linalg.slogdet(raw(x))[0] == 0
        if p == "nuc" or not np.any(all_examples(singular)):
            raise
    regular = where(singular[..., None, None], eye_of(raw(x)), x)
    return where(singular, np.nan, matrix_norm(regular, ord=p) * matrix_norm(inv(regular), ord=p))


def _inverse(x: Any) -> Any:
    """The inverse, or NumPy's error about a singular matrix, which CuPy does not raise."""
    on_gpu = is_on_gpu(all_examples(raw(x)))
    if on_gpu and bool(np.any(all_examples(np.linalg.slogdet(raw(x))[0] == 0))):
        raise np.linalg.LinAlgError(f"inv: Singular matrix (a: shape {np.shape(x)} {x.dtype})")
    return inv(x)
