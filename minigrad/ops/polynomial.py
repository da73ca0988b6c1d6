"""Polynomials by their coefficients, the highest power first, as NumPy's `poly...` functions have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import graph
from ..arrays.batch import all_examples
from ..backend import as_operand, beside, side_by_side
from ..primitive import composed
from ..tensor import Tensor, raw
from .batching import one_by_one
from .convolution import convolve
from .factorization import eigvals
from .join import concatenate, stack
from .linalg import inv, lstsq
from .products import eye_like
from .reduce import sum
from .shape import flip

__all__ = [
    "poly", "polyadd", "polyder", "polydiv", "polyfit", "polyint", "polymul", "polysub", "polyval", "roots", "vander",
]  # fmt: skip


@composed(np.polyval, method=False)
def polyval(p: Any, x: Any) -> Any:
    """The polynomial p_0 x^(n-1) + ... + p_(n-1) at x, by Horner's rule; differentiable in both.

    >>> polyval(np.array([1.0, 2.0, 3.0]), 2.0)
    np.float64(11.0)
    """
    p, x = map(as_operand, side_by_side(p, x))
    out: Any = np.zeros_like(raw(x))
    for i in range(np.shape(p)[0]):
        out = out * x + p[i]
    return out


@composed(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of the elements of x as columns, highest first.

    Args:
        N: how many columns there are. None: as many as rows.
        increasing: lowest power first.

    >>> vander(np.array([2.0, 3.0]), 3)
    array([[4., 2., 1.],
           [9., 3., 1.]])
    """
    x = as_operand(x)
    if np.ndim(x) != 1:
        raise ValueError(f"vander: x must have one axis, got shape {np.shape(x)}")
    n = np.shape(x)[0] if N is None else N
    x = x.astype(np.promote_types(x.dtype, int), copy=False)  # as NumPy: at least float64
    if n < 0:
        raise ValueError(f"vander: the number of columns must not be negative, got {n}")
    if n == 0:
        return np.zeros_like(x, shape=(np.shape(x)[0], 0))
    powers = [np.ones_like(x)]
    for k in range(1, n):
        powers.append(x if k == 1 else powers[-1] * x)
    return stack(powers if increasing else powers[::-1], axis=1)


def _coefficients(p: Any) -> Any:
    p = as_operand(p)
    return p[None] if np.ndim(p) == 0 else p


def _one_polynomial(p: Any, name: str) -> Any:
    """The coefficients of a polynomial; without any it is 0."""
    p = _coefficients(p)
    if np.ndim(p) > 1:
        raise ValueError(f"{name}: the coefficients must have one axis, got shape {np.shape(p)}")
    return p if np.size(p) else np.zeros_like(p, shape=(1,))


def _leading(p: Any) -> Any:
    """Without the zeros before the highest power."""
    there = np.flatnonzero(raw(p))
    return p[int(there[0]) :] if there.size else p[:1]


def _padded(p: Any, n: int) -> Any:
    missing = n - np.shape(p)[0]
    if missing > 0 and np.ndim(p) > 1:
        raise ValueError(f"polynomials of {n} coefficients and of shape {np.shape(p)} do not add up")
    return np.pad(p, (missing, 0)) if missing > 0 else p


@composed(np.polyadd, method=False)
def polyadd(a1: Any, a2: Any) -> Any:
    """The sum of two polynomials.

    >>> polyadd(np.array([1.0, 2.0]), np.array([3.0]))
    array([1., 5.])
    """
    a1, a2 = map(_coefficients, side_by_side(a1, a2))
    n = max(np.shape(a1)[0], np.shape(a2)[0])
    return _padded(a1, n) + _padded(a2, n)


@composed(np.polysub, method=False)
def polysub(a1: Any, a2: Any) -> Any:
    """The difference of two polynomials.

    >>> polysub(np.array([1.0, 2.0]), np.array([3.0]))
    array([ 1., -1.])
    """
    a1, a2 = map(_coefficients, side_by_side(a1, a2))
    n = max(np.shape(a1)[0], np.shape(a2)[0])
    return _padded(a1, n) - _padded(a2, n)


@composed(np.polymul, method=False)
@one_by_one("leading zeros are cut off, which depends on the values")
def polymul(a1: Any, a2: Any) -> Any:
    """The product of two polynomials, the convolution of their coefficients.

    >>> polymul(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    array([1., 5., 6.])
    """
    return convolve(*(_leading(_one_polynomial(a, "polymul")) for a in side_by_side(a1, a2)))


def _without_zeros(rest: Any) -> Any:
    """A remainder without the leading coefficients that rounding left of zeros."""
    while np.shape(rest)[0] > 1 and np.allclose(raw(rest)[0], 0, rtol=1e-14):
        rest = rest[1:]
    return rest


@composed(np.polydiv, method=False)
@one_by_one("leading zeros are cut off, which depends on the values")
def polydiv(u: Any, v: Any) -> Any:
    """Long division: (quotient, remainder).

    Args:
        u, v: the coefficients of what is divided, and of what it is divided by; the highest power
            first.

    >>> polydiv(np.array([1.0, 5.0, 6.0]), np.array([1.0, 2.0]))
    (array([1., 3.]), array([0.]))
    """
    rest, v = map(_coefficients, side_by_side(u, v))
    rest = rest + 0.0
    m, n = np.shape(rest)[0], np.shape(v)[0]
    if m >= n:
        rest, v = (_one_polynomial(p, "polydiv") for p in (rest, v))
    if m < n:
        dtype = np.result_type(rest.dtype, v.dtype)
        return np.zeros_like(rest, shape=(1,), dtype=dtype), _without_zeros(rest).astype(dtype, copy=False)
    terms = []
    for _ in range(m - n + 1):
        term = rest[0] / v[0]
        terms.append(term)
        rest = (rest - np.pad(term * v, (0, np.shape(rest)[0] - n)))[1:]
    rest = _without_zeros(rest)
    return stack(terms), rest if n > 1 else np.zeros_like(terms[0], shape=(1,))


@composed(np.polyder, method=False)
def polyder(p: Any, m: int = 1) -> Any:
    """The m-th derivative.

    >>> polyder(np.array([1.0, 2.0, 3.0]))
    array([2., 2.])
    """
    m = int(m)
    if m < 0:
        raise ValueError(
            f"polyder: the order of the derivative must not be negative, got {m} (see polyint)"
        )
    p = as_operand(p)
    for _ in range(m):
        n = max(np.shape(p)[0] - 1, 0)
        p = p[:-1] * _powers(p, n)
    return p


def _powers(p: Any, n: int) -> Any:
    """n, n - 1, ... 1 beside p."""
    return flip(np.cumsum(np.ones_like(raw(p), shape=(n,), dtype=int)))


@composed(np.polyint, method=False)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The m-th antiderivative, with integration constants k (by default 0).

    >>> polyint(np.array([2.0, 2.0]), k=3.0)
    array([1., 2., 3.])
    """
    m = int(m)
    if m < 0:
        raise ValueError(
            f"polyint: the order of the integral must not be negative, got {m} (see polyder)"
        )
    p, k = as_operand(p), _coefficients(0.0 if k is None else k)
    lengths = np.shape(k)[0]
    if lengths < m and lengths != 1:
        raise ValueError(f"polyint: {m} integrations need {m} constants or one, got {lengths}")
    for i in range(m):
        grown = p / _powers(p, np.shape(p)[0])
        constant = k[:1] if lengths == 1 else k[i : i + 1]
        p = concatenate(
            [grown, constant if isinstance(constant, Tensor) else beside(constant, grown)]
        )
    return p


def _check_points(x: Any, y: Any, deg: int, w: Any) -> None:
    """Errors for points that no polynomial can be fitted to."""
    if deg < 0:
        raise ValueError(f"polyfit: the degree must not be negative, got {deg}")
    if np.ndim(x) != 1 or np.size(x) == 0:
        raise TypeError(
            f"polyfit: x must be a list of at least one number, got shape {np.shape(x)}"
        )
    if np.ndim(y) not in (1, 2) or np.shape(y)[0] != np.shape(x)[0]:
        raise TypeError(
            f"polyfit: y of shape {np.shape(y)} for {np.size(x)} points: it needs (N,) or (N, K)"
        )
    if w is not None and np.shape(w) != np.shape(x):
        raise TypeError(f"polyfit: weights of shape {np.shape(w)} for {np.size(x)} points")


@composed(np.polyfit, method=False)
@one_by_one("it is least squares")
def polyfit(
    x: Any,
    y: Any,
    deg: int,
    rcond: Any = None,
    full: bool = False,
    w: Any = None,
    cov: Any = False,
) -> Any:
    """The polynomial of a degree through points, by (weighted) least squares; differentiable in x, y and w.

    Args:
        deg: the degree.
        rcond: singular values below this part of the largest count as 0.
        full: return (coefficients, residuals, rank, singular values, rcond).
        w: weights of the residuals before they are squared.
        cov: return (coefficients, their covariance matrix); "unscaled" where w are the inverse
            standard deviations of the points.

    >>> polyfit(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]), 1).round(12)
    array([2., 1.])
    """
    x, y, w = side_by_side(x, y, w)
    x, y, w = as_operand(x) + 0.0, as_operand(y) + 0.0, None if w is None else as_operand(w) + 0.0
    _check_points(x, y, deg, w)
    order, several = int(deg) + 1, np.ndim(y) == 2
    rcond = np.shape(x)[0] * np.finfo(x.dtype).eps if rcond is None else rcond
    left, right = vander(x, order), y
    if w is not None:
        left, right = left * w[:, None], right * (w[:, None] if several else w)
    scale = np.sqrt(sum(left * left, axis=0))
    left = left / scale
    solution, residuals, rank, singular = lstsq(left, right, rcond)
    solution = solution / (scale[:, None] if several else scale)
    if full:
        return solution, residuals, rank, singular, rcond
    if int(rank) != order:
        message = f"polyfit: rank {int(rank)} for {order} coefficients: they are poorly determined"
        graph.warn(message, np.exceptions.RankWarning)
    if not cov:
        return solution
    covariance = inv(np.transpose(left) @ left) / (scale[:, None] * scale[None, :])
    if cov != "unscaled":
        covariance = _scaled(covariance, residuals, np.shape(x)[0] - order, several)
    elif several:
        covariance = covariance[:, :, None]
    return solution, covariance


def _scaled(covariance: Any, residuals: Any, freedom: int, several: bool) -> Any:
    """A covariance matrix times the variance of the points around the polynomial."""
    if freedom <= 0:
        raise ValueError("polyfit: cov=True needs more points than coefficients")
    return (covariance[:, :, None] if several else covariance) * (residuals / freedom)


@composed(np.roots, method=False)
@one_by_one("leading zeros are cut off, which depends on the values")
def roots(p: Any) -> Any:
    """The zeros of a polynomial, the eigenvalues of its companion matrix.

    A root that occurs twice has no derivative: it raises an error.

    >>> roots(np.array([1.0, -3.0, 2.0]))
    array([2., 1.])
    """
    p = _coefficients(p)
    if np.ndim(p) != 1:
        raise ValueError(f"roots: the coefficients must have one axis, got shape {np.shape(p)}")
    p = p if p.dtype.kind in "fc" else p.astype(np.float64)
    there = np.flatnonzero(raw(p))
    if there.size == 0:
        return np.zeros_like(p, shape=(0,))
    first, last = int(there[0]), int(there[-1])
    zeros = np.shape(p)[0] - 1 - last
    p = p[first : last + 1]
    n = np.shape(p)[0] - 1
    if n == 0:
        return np.zeros_like(p, shape=(zeros,))
    below = eye_like(raw(p), n)[:-1]
    found = eigvals(concatenate([(-p[1:] / p[0])[None], below]))
    if found.dtype.kind == "c" and p.dtype.kind != "c" and not all_examples(np.imag(raw(found))).any():
        found = np.real(found)  # from NumPy 2.5 on all eigenvalues are complex
    return np.pad(found, (0, zeros)) if zeros else found


@composed(np.poly, method=False)
def poly(seq_of_zeros: Any) -> Any:
    """The polynomial with given zeros, or the characteristic polynomial of a square matrix.

    Args:
        seq_of_zeros: the zeros, or the matrix.

    >>> poly(np.array([1.0, 2.0]))
    array([ 1., -3.,  2.])
    """
    zeros = _coefficients(seq_of_zeros)
    shape = np.shape(zeros)
    if shape == (0,):
        return 1.0
    if len(shape) == 2 and shape[0] == shape[1] and shape[0]:
        zeros = eigvals(zeros)
    elif len(shape) == 1:
        zeros = zeros.astype(np.mintypecode(zeros.dtype.char), copy=False)
    else:
        raise ValueError(f"poly: give zeros (N,) or a square matrix (N, N), got shape {shape}")
    out: Any = np.ones_like(raw(zeros), shape=(1,))
    for i in range(np.shape(zeros)[0]):  # out (x - zero)
        out = np.pad(out, (0, 1)) - np.pad(out * zeros[i], (1, 0))
    if out.dtype.kind == "c":
        values = raw(zeros)
        if np.all(all_examples(np.sort(values) == np.sort(np.conj(values)))):
            out = np.real(out)
    return out
