"""numpy.linalg: inverses, determinants and factorisations; all for stacks of matrices too.

G is the gradient of the result, H means the conjugate transpose.  Inside, gradients of complex values are
carried conjugated (see `minigrad.backward`), which is why the rules of the factorisations begin and end
with `conj`: their formulas are the published ones, for the unconjugated gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce as fold_left
from typing import Any, NamedTuple

import numpy as np

from ..primitive import composed, primitive
from .linalg import eye_like, matmul
from .masking import conj, safe_divisor

__all__ = [
    "cholesky", "det", "eigh", "eigvalsh", "inv", "matrix_power", "multi_dot", "pinv", "qr", "slogdet", "solve", "svd",
    "svdvals",
]  # fmt: skip


def _t(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _h(x: Any) -> Any:
    return conj(np.swapaxes(x, -1, -2))


def _eye(x: Any) -> Any:
    """The identity matrix of the size of the last axis of x."""
    return eye_like(x, x.shape[-1])


def _diagonal(d: Any) -> Any:
    """Diagonal matrices from vectors, (..., n) -> (..., n, n)."""
    return d[..., None] * _eye(d)


def _inv_x(g: Any, out: Any) -> Any:
    return -_t(out) @ g @ _t(out)


@primitive(np.linalg.inv, x=_inv_x)
def inv(x: Any) -> Any:
    """Inverse of square matrices.

    out = X^-1
    dX  = -out^T G out^T

    >>> inv(np.array([[2.0, 0.0], [0.0, 4.0]]))
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    return np.linalg.inv(x)


def _solve_all(g: Any, needs: Sequence[bool], a: Any, b: Any, out: Any) -> list[Any]:
    vector = b.ndim == 1
    columns = g[..., None] if vector else g
    db = np.linalg.solve(_t(a), columns)
    da = -db @ _t(out[..., None] if vector else out) if needs[0] else None
    return [da, db[..., 0] if vector else db]


@primitive(np.linalg.solve, joint=_solve_all, inputs=("a", "b"), method=False)
def solve(a: Any, b: Any) -> Any:
    """The solution of a x = b; b is a vector, or has the right-hand sides in its columns.

    out = A^-1 b
    db  = A^-T g
    dA  = -db out^T

    >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([2.0, 4.0]))
    array([1., 1.])
    """
    return np.linalg.solve(a, b)


@primitive(np.linalg.det, x=lambda g, x, out: (g * out)[..., None, None] * _t(np.linalg.inv(x)))
def det(x: Any) -> Any:
    """Determinant.

    out = det X
    dX  = g out X^-T         (X must be invertible)

    >>> grad(det)(np.array([[2.0, 0.0], [0.0, 4.0]]))
    array([[4., 0.],
           [0., 2.]])
    """
    return np.linalg.det(x)


class SlogdetResult(NamedTuple):
    """What `slogdet` returns."""

    sign: Any
    logabsdet: Any


@primitive(x=lambda g, x: g[1][..., None, None] * _t(np.linalg.inv(x)), method=False, name="slogdet")
def _slogdet(x: Any) -> Any:
    """Sign and logarithm of the absolute determinant; the sign is constant.

    out = (sign(det X), log |det X|)
    dX  = g_2 X^-T
    """
    return tuple(np.linalg.slogdet(x))


@composed(np.linalg.slogdet)
def slogdet(x: Any) -> SlogdetResult:
    """Sign and logarithm of the absolute determinant.

    >>> slogdet(np.array([[2.0, 0.0], [0.0, -4.0]])).sign
    np.float64(-1.0)
    """
    if x.dtype.kind == "c":
        raise NotImplementedError("slogdet of complex matrices has no gradient rule: its sign is not constant; use det")
    return SlogdetResult(*_slogdet(x))


def _cholesky_x(g: Any, out: Any) -> Any:
    inverse = np.linalg.inv(out)
    phi = np.tril(_h(out) @ conj(g))
    phi = phi - _diagonal(np.diagonal(phi, axis1=-2, axis2=-1)) / 2
    s = _h(inverse) @ phi @ inverse
    return conj(s + _h(s)) / 2


@primitive(np.linalg.cholesky, x=_cholesky_x)
def cholesky(x: Any) -> Any:
    """Lower triangular L with L L^H = X, for Hermitian positive definite X.

    out = L
    dX  = (S + S^H) / 2,  S = L^-H Phi(L^H G) L^-1;  Phi takes the lower triangle and halves the diagonal

    (Murray, "Differentiation of the Cholesky decomposition", 2016.)

    >>> cholesky(np.array([[4.0, 0.0], [0.0, 9.0]]))
    array([[2., 0.],
           [0., 3.]])
    """
    return np.linalg.cholesky(x)


def _gaps(values: Any, g: Any) -> Any:
    """w_j - w_i, with 1 on the diagonal and wherever no gradient asks for it."""
    return safe_divisor(values[..., None, :] - values[..., :, None] + _eye(values), g)


def _eigh_x(g: Any, out: Any) -> Any:
    w, v = out
    inner = _h(v) @ conj(g[1])
    inner = inner * (1 - _eye(w)) / _gaps(w, inner * (1 - _eye(w)))
    a = v @ (inner + _diagonal(conj(g[0]))) @ _h(v)
    return conj(a + _h(a)) / 2


class EighResult(NamedTuple):
    """What `eigh` returns."""

    eigenvalues: Any
    eigenvectors: Any


@primitive(x=_eigh_x, method=False, name="eigh")
def _eigh(x: Any) -> Any:
    """Eigenvalues and eigenvectors of Hermitian matrices.

    out = (w, V) with X V = V diag(w)
    dX  = V (diag(g_w) + (V^H G_V) / E) V^H,  E_ij = w_j - w_i, 0 on the diagonal

    (Giles, "Collected matrix derivative results", 2008.)
    """
    return tuple(np.linalg.eigh(x))


@composed(np.linalg.eigh)
def eigh(x: Any) -> EighResult:
    """Eigenvalues, ascending, and eigenvectors of Hermitian matrices (of their lower triangle).

    Eigenvectors of repeated eigenvalues have no derivative: it comes out infinite, unless it is not asked for.

    >>> eigh(np.array([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    array([1., 2.])
    """
    return EighResult(*_eigh(x))


@composed(np.linalg.eigvalsh)
def eigvalsh(x: Any) -> Any:
    """Eigenvalues of Hermitian matrices, ascending.

    >>> eigvalsh(np.array([[2.0, 0.0], [0.0, 1.0]]))
    array([1., 2.])
    """
    return _eigh(x)[0]


def _svd_x(g: Any, out: Any) -> Any:
    u, s, vh = out
    gu, gs, gvh = (conj(part) for part in g)
    v, gv = _h(vh), _h(gvh)
    off = 1 - _eye(s)
    left, right = off * (_h(u) @ gu), off * (_h(v) @ gv)
    squares = s * s
    j, k = left / _gaps(squares, left), right / _gaps(squares, right)
    row, column = s[..., None, :], s[..., :, None]
    inner = (j + _h(j)) * row + column * (k + _h(k)) + _diagonal(gs)
    if u.dtype.kind == "c":  # the phase that U and V share
        phases = np.diagonal(_h(u) @ gu, axis1=-2, axis2=-1)
        inner = inner + _diagonal(1j * np.imag(phases) / s)
    a = u @ inner @ vh
    if u.shape[-2] > u.shape[-1]:
        a = a + (gu / row - u @ (_h(u) @ gu) / row) @ vh
    if vh.shape[-1] > vh.shape[-2]:
        a = a + u @ (_h(gv / row) - (_h(gv / row) @ v) @ vh)
    return conj(a)


class SVDResult(NamedTuple):
    """What `svd` returns."""

    U: Any
    S: Any
    Vh: Any


@primitive(x=_svd_x, method=False, name="svd")
def _svd(x: Any) -> Any:
    """Thin singular value decomposition.

    out = (U, s, V^H) with X = U diag(s) V^H
    dX  = U ((J + J^H) S + S (K + K^H) + diag(g_s)) V^H + (1 - U U^H) G_U S^-1 V^H + U S^-1 G_V^H (1 - V V^H),
          J = (U^H G_U) / E,  K = (V^H G_V) / E,  E_ij = s_j^2 - s_i^2, 0 on the diagonal

    (Townsend, "Differentiating the singular value decomposition", 2016.)
    """
    return tuple(np.linalg.svd(x, full_matrices=False))


@composed(np.linalg.svd)
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular value decomposition X = U diag(S) Vh.

    With `full_matrices` the additional columns are an arbitrary basis without a derivative: only square
    matrices, and `full_matrices=False`, are differentiable.

    >>> svd(np.array([[3.0, 0.0], [0.0, 4.0]])).S
    array([4., 3.])
    """
    if not compute_uv:
        return _svd(x)[1]
    if full_matrices and x.shape[-1] != x.shape[-2] and getattr(x, "requires_grad", False):
        raise NotImplementedError(f"svd of shape {x.shape}: pass full_matrices=False; the columns beyond have no derivative")
    return SVDResult(*(_svd(x) if x.shape[-1] == x.shape[-2] or not full_matrices else np.linalg.svd(x)))


@composed(np.linalg.svdvals)
def svdvals(x: Any) -> Any:
    """Singular values, descending.

    >>> svdvals(np.array([[3.0, 0.0], [0.0, 4.0]]))
    array([4., 3.])
    """
    return _svd(x)[1]


def _qr_x(g: Any, out: Any) -> Any:
    q, r = out
    gq, gr = conj(g[0]), conj(g[1])
    if q.shape[-2] < r.shape[-1]:
        raise NotImplementedError("qr of matrices with more columns than rows has no gradient rule")
    m = r @ _h(gr) - _h(gq) @ q
    lower = np.tril(m, -1)
    full = lower + _h(lower) + _diagonal(np.real(np.diagonal(m, axis1=-2, axis2=-1)))
    return conj((gq + q @ full) @ _h(np.linalg.inv(r)))


class QRResult(NamedTuple):
    """What `qr` returns."""

    Q: Any
    R: Any


@primitive(x=_qr_x, method=False, name="qr")
def _qr(x: Any) -> Any:
    """Reduced QR factorisation.

    out = (Q, R) with X = Q R
    dX  = (G_Q + Q C) R^-H,  M = R G_R^H - G_Q^H Q,  C = tril(M, -1) + tril(M, -1)^H + diag(M)

    (Walter and Lehmann, "Algorithmic differentiation of linear algebra functions", 2010.)
    """
    return tuple(np.linalg.qr(x))


@composed(np.linalg.qr)
def qr(x: Any, mode: str = "reduced") -> Any:
    """QR factorisation X = Q R; mode "reduced", or "r" for R alone.

    >>> np.abs(qr(np.array([[3.0, 0.0], [0.0, 4.0]])).R)
    array([[3., 0.],
           [0., 4.]])
    """
    if mode not in ("reduced", "r"):
        raise NotImplementedError(f"qr: mode {mode!r} has no gradient rule; use 'reduced' or 'r'")
    out = QRResult(*_qr(x))
    return out if mode == "reduced" else out.R


def _pinv_x(g: Any, x: Any, out: Any) -> Any:
    g, y = conj(g), out
    left, right = _eye(x[..., 0]) - x @ y, _eye(x) - y @ x
    return conj(-_h(y) @ g @ _h(y) + left @ _h(g) @ y @ _h(y) + _h(y) @ y @ _h(g) @ right)


@primitive(np.linalg.pinv, x=_pinv_x)
def pinv(x: Any, rcond: Any = None) -> Any:
    """Moore-Penrose pseudo-inverse Y; differentiable where the rank does not change.

    out = Y
    dX  = -Y^H G Y^H + (1 - X Y) G^H Y Y^H + Y^H Y G^H (1 - Y X)

    (Golub and Pereyra, 1973.)

    >>> pinv(np.array([[2.0], [0.0]]))
    array([[0.5, 0. ]])
    """
    return np.linalg.pinv(x, rcond)


@composed(np.linalg.matrix_power)
def matrix_power(x: Any, n: int) -> Any:
    """X multiplied with itself n times, by squaring; negative n through the inverse.

    >>> matrix_power(np.array([[1.0, 1.0], [0.0, 1.0]]), 5)
    array([[1., 5.],
           [0., 1.]])
    """
    if n < 0:
        return matrix_power(inv(x), -n)
    result = None
    while n:
        if n % 2:
            result = x if result is None else matmul(result, x)
        n //= 2
        x = matmul(x, x) if n else x
    return x * 0 + _eye(x) if result is None else result


@composed(np.linalg.multi_dot, method=False)
def multi_dot(arrays: Sequence[Any]) -> Any:
    """The product of several matrices, from left to right.

    >>> multi_dot([np.eye(2), np.ones((2, 3)), np.ones(3)])
    array([3., 3.])
    """
    return fold_left(matmul, arrays)
