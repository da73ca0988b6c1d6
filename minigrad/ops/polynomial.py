"""Polynomials by their coefficients, the highest power first, as NumPy's `poly...` functions have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..primitive import composed
from ..tensor import raw
from .convolution import convolve
from .factorization import eigvals
from .join import concatenate, stack
from .linalg import lstsq
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
    out: Any = 0.0 * x
    for i in range(np.shape(p)[0]):
        out = out * x + p[i]
    return out


@composed(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of the elements of x as columns, highest first.

    >>> vander(np.array([2.0, 3.0]), 3)
    array([[4., 2., 1.],
           [9., 3., 1.]])
    """
    n = np.shape(x)[0] if N is None else N
    powers = range(n) if increasing else range(n - 1, -1, -1)
    x = x.astype(np.promote_types(x.dtype, int), copy=False)  # as NumPy: at least float64
    return stack([x**k for k in powers], axis=1)


def _coefficients(p: Any) -> Any:
    return p[None] if np.ndim(p) == 0 else p


def _leading(p: Any) -> Any:
    """Without the zeros before the highest power."""
    there = np.flatnonzero(raw(p))
    return p[int(there[0]) :] if there.size else p[:1]


def _padded(p: Any, n: int) -> Any:
    p = _coefficients(p)
    missing = n - np.shape(p)[0]
    return np.pad(p, (missing, 0)) if missing > 0 else p


@composed(np.polyadd, method=False)
def polyadd(a1: Any, a2: Any) -> Any:
    """The sum of two polynomials.

    >>> polyadd(np.array([1.0, 2.0]), np.array([3.0]))
    array([1., 5.])
    """
    n = max(np.size(a1), np.size(a2))
    return _padded(a1, n) + _padded(a2, n)


@composed(np.polysub, method=False)
def polysub(a1: Any, a2: Any) -> Any:
    """The difference of two polynomials.

    >>> polysub(np.array([1.0, 2.0]), np.array([3.0]))
    array([ 1., -1.])
    """
    return polyadd(a1, np.negative(a2))


@composed(np.polymul, method=False)
def polymul(a1: Any, a2: Any) -> Any:
    """The product of two polynomials, the convolution of their coefficients.

    >>> polymul(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    array([1., 5., 6.])
    """
    return convolve(*(_leading(_coefficients(a)) for a in (a1, a2)))


@composed(np.polydiv, method=False)
def polydiv(u: Any, v: Any) -> Any:
    """Long division: (quotient, remainder).

    >>> polydiv(np.array([1.0, 5.0, 6.0]), np.array([1.0, 2.0]))
    (array([1., 3.]), array([0.]))
    """
    rest, v = _coefficients(u) + 0.0, _coefficients(v)
    m, n = np.shape(rest)[0], np.shape(v)[0]
    if m < n:
        return np.zeros_like(rest, shape=(1,)), rest
    terms = []
    for _ in range(m - n + 1):
        term = rest[0] / v[0]
        terms.append(term)
        rest = (rest - np.pad(term * v, (0, np.shape(rest)[0] - n)))[1:]
    while np.shape(rest)[0] > 1 and np.allclose(raw(rest)[0], 0, rtol=1e-14):
        rest = rest[1:]
    return stack(terms), rest if n > 1 else np.zeros_like(terms[0], shape=(1,))


@composed(np.polyder, method=False)
def polyder(p: Any, m: int = 1) -> Any:
    """The m-th derivative.

    >>> polyder(np.array([1.0, 2.0, 3.0]))
    array([2., 2.])
    """
    for _ in range(m):
        n = np.shape(p)[0] - 1
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
    for i in range(m):
        constant = 0.0 if k is None else k if np.ndim(k) == 0 else k[i]
        grown = p / _powers(p, np.shape(p)[0])
        p = concatenate([grown, np.reshape(constant + 0 * grown[0], (1,))])
    return p


@composed(np.polyfit, method=False)
def polyfit(x: Any, y: Any, deg: int, rcond: Any = None, *, w: Any = None) -> Any:
    """The polynomial of a degree through points, by (weighted) least squares; differentiable in x, y and w.

    >>> polyfit(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]), 1).round(12)
    array([2., 1.])
    """
    left, right = vander(x, deg + 1), y
    if w is not None:
        left, right = left * w[:, None], right * (w if np.ndim(y) == 1 else w[:, None])
    scale = np.sqrt(sum(left * left, axis=0))
    rcond = np.shape(x)[0] * np.finfo(left.dtype).eps if rcond is None else rcond
    solution = lstsq(left / scale, right, rcond)[0]
    return solution / (scale if np.ndim(y) == 1 else scale[:, None])


@composed(np.roots, method=False)
def roots(p: Any) -> Any:
    """The zeros of a polynomial, the eigenvalues of its companion matrix.

    A root that occurs twice has no derivative: it raises an error.

    >>> roots(np.array([1.0, -3.0, 2.0]))
    array([2., 1.])
    """
    there = np.flatnonzero(raw(p))
    if there.size == 0:
        return np.zeros_like(p, shape=(0,))
    first, last = int(there[0]), int(there[-1])
    zeros = np.shape(p)[0] - 1 - last
    p = p[first : last + 1]
    n = np.shape(p)[0] - 1
    if n == 0:
        return np.zeros_like(p, shape=(zeros,))
    below = np.eye(n, n, -1, dtype=p.dtype, like=raw(p))[1:]
    found = eigvals(concatenate([(-p[1:] / p[0])[None], below]))
    if found.dtype.kind == "c" and p.dtype.kind != "c" and not np.imag(raw(found)).any():
        found = np.real(found)  # from NumPy 2.5 on all eigenvalues are complex
    return np.pad(found, (0, zeros)) if zeros else found


@composed(np.poly, method=False)
def poly(seq_of_zeros: Any) -> Any:
    """The polynomial with given zeros, or the characteristic polynomial of a square matrix.

    >>> poly(np.array([1.0, 2.0]))
    array([ 1., -3.,  2.])
    """
    zeros = eigvals(seq_of_zeros) if np.ndim(seq_of_zeros) == 2 else seq_of_zeros
    one = np.ones_like(raw(zeros), shape=(1,))
    out: Any = one
    for i in range(np.shape(zeros)[0]):
        out = convolve(out, concatenate([one, -zeros[i : i + 1]]))
    if out.dtype.kind == "c":
        values = raw(zeros)
        if np.all(np.sort(values) == np.sort(np.conj(values))):
            out = np.real(out)
    return out
