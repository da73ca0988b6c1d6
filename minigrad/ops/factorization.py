"""numpy.linalg: factorisations of matrices, and of stacks of them.

G is the gradient of the result, H means the conjugate transpose.  Inside, gradients of complex values are
carried conjugated (see `minigrad.backward`), which is why the rules begin and end with `conj`: their
formulas are the published ones, for the unconjugated gradient.

Eigenvectors that belong to one and the same value can be turned into each other: they have no derivative, and
asking for it is an error.  What does not depend on the choice (the values, the other vectors, a function of the
matrix V f(w) V^H) is differentiable.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..arrays.batch import all_examples
from ..backend import as_operand
from ..graph import is_grad_enabled
from ..primitive import composed, primitive
from ..tensor import Tensor, raw
from .join import concatenate
from .products import eye_of, hermitian, inverse_or_nan
from .slopes import conj

__all__ = ["cholesky", "eig", "eigh", "eigvals", "eigvalsh", "qr", "svd", "svdvals"]


def _diagonal(d: Any) -> Any:
    """Diagonal matrices from vectors, (..., n) -> (..., n, n)."""
    return d[..., None] * eye_of(d)


def _off_diagonal(x: Any) -> Any:
    return x * (1 - eye_of(x))


def _by_gap(x: Any, values: Any, what: str) -> Any:
    """x_ij / (w_j - w_i) beside the diagonal, 0 on it; an error where x asks for it at equal values."""
    x = _off_diagonal(x)
    gaps = values[..., None, :] - values[..., :, None] + eye_of(values)
    w, plain_gaps, plain = raw(values), raw(gaps), raw(x)
    if isinstance(all_examples(plain), np.ndarray) and plain.size:  # on a GPU looking would stall
        eps = np.finfo(plain_gaps.dtype).eps
        near = np.abs(plain_gaps) <= 4 * eps * np.max(np.abs(w), axis=-1)[..., None, None]
        asked = near & (plain != 0)
        if all_examples(asked).any():
            raise _no_derivative(what, w, asked)
    return x / np.where((gaps == 0) & (x == 0), 1, gaps)


def _no_derivative(what: str, values: Any, near: Any) -> Exception:
    values, near = all_examples(values + 0 * np.sum(near, axis=-1)), all_examples(near)
    return np.linalg.LinAlgError(
        f"the gradient asks for the derivative of {what} that belong to (nearly) equal values "
        f"{_equal_ones(values, near)}: there is none, any rotation of them is as good; use only the "
        "values, or a function that does not need them"
    )


def _equal_ones(values: np.ndarray, near: np.ndarray) -> str:
    *batch, i, j = (int(n) for n in np.argwhere(near)[0])
    row = values[tuple(batch)]
    return " and ".join(f"{np.real_if_close(row[k]):.6g}" for k in (i, j))


def _cholesky_a(g: Any, out: Any, upper: bool) -> Any:
    if upper:
        g, out = hermitian(g), hermitian(out)
    inverse = inverse_or_nan(out, g)
    phi = np.tril(hermitian(out) @ conj(g))
    phi = phi - _diagonal(np.diagonal(phi, axis1=-2, axis2=-1)) / 2
    s = hermitian(inverse) @ phi @ inverse
    return conj(s + hermitian(s)) / 2


@primitive(np.linalg.cholesky, a=_cholesky_a)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """Lower triangular L with L L^H = A, for Hermitian positive definite A; with `upper` L^H.

    Only the triangle of A is read that the result fills.

    out @ out^H = a
    da = (S + S^H) / 2,  S = out^-H @ Phi(out^H @ g) @ out^-1  (Phi takes the lower triangle and halves the diagonal)

    (Murray, "Differentiation of the Cholesky decomposition", 2016.)

    >>> cholesky(np.array([[4.0, 2.0], [2.0, 5.0]]))
    array([[2., 0.],
           [1., 2.]])
    """
    if not upper:
        return np.linalg.cholesky(a)
    return hermitian(np.linalg.cholesky(hermitian(a)))


# ------------------------------------------------------------------------ eigenvalues


def _eigh_a(g: Any, out: Any, apart: bool) -> Any:
    w, v = out
    inner = hermitian(v) @ conj(g[1])
    if apart:
        _refuse_single_vectors(inner, w, raw(g[0]))
    turned = _by_gap(inner, w, "eigenvectors")
    a = v @ (turned + _diagonal(conj(g[0]))) @ hermitian(v)
    return conj(a + hermitian(a)) / 2


def _refuse_single_vectors(x: Any, w: Any, gw: Any) -> None:
    """An error where x = V^H G_V asks for one of the vectors whose values were told apart.

    Of L(V f(w) V^H) with dL/d(V f(w) V^H) = M it is x_ij = 2 M_ij f(w_j): Hermitian, but for what f changes
    along the step.  The difference quotient of a difference quotient would be nothing but rounding.
    """
    w, plain = raw(w), raw(x)
    if not isinstance(all_examples(plain), np.ndarray) or not plain.size:  # on a GPU looking would stall
        return
    step = _step(w)[..., None]
    near = (np.abs(w[..., None, :] - w[..., :, None]) <= 2 * step) & (eye_of(w) == 0)
    asked = near & (plain != 0)
    if isinstance(x, Tensor) and all_examples(asked).any():
        raise _no_derivative("eigenvectors for a second time,", w, asked)
    change = step * np.max(np.abs(gw), axis=-1)[..., None, None]
    size = np.max(np.abs(plain), axis=(-2, -1), keepdims=True)
    alone = near & (np.abs(plain - hermitian(plain)) > 1e3 * change + 1e-3 * size)
    if all_examples(alone).any():
        raise _no_derivative("eigenvectors", w, alone)


def _step_size(w: Any) -> float:
    """The root of the rounding error: the relative step of a difference quotient."""
    return float(np.sqrt(np.finfo(w.dtype).eps))


def _step(w: Any) -> Any:
    """The distance that equal values get: (..., 1)."""
    largest = np.max(np.abs(w), axis=-1, keepdims=True)
    return _step_size(w) * (largest + (largest == 0))


def _told_apart(w: Any) -> Any:
    """Ascending values w, those that are (nearly) equal spread by `_step` around their mean place."""
    if w.shape[-1] < 2:
        return w
    step = _step(w)
    follows = (w[..., 1:] - w[..., :-1]) < step
    if isinstance(w, np.ndarray) and not follows.any():
        return w
    group = np.concatenate([np.zeros_like(w[..., :1]), np.cumsum(~follows, axis=-1)], axis=-1)
    same = (group[..., :, None] == group[..., None, :]).astype(w.dtype)
    place = np.cumsum(np.ones_like(w), axis=-1)
    middle = np.sum(same * place[..., None, :], axis=-1) / np.sum(same, axis=-1)
    return w + step * (place - middle)


class EighResult(NamedTuple):
    """What `eigh` returns."""

    eigenvalues: Any
    eigenvectors: Any


@primitive(a=_eigh_a, method=False, name="eigh")
def _eigh(a: Any, UPLO: Any, apart: bool) -> Any:
    """Eigenvalues and eigenvectors of Hermitian matrices.

    out = (w, V),  a @ V = V @ diag(w)
    da  = V @ (diag(g_w) + (V^H @ g_V) / E) @ V^H,  E_ij = w_j - w_i  (0 for 1 / E on the diagonal)

    (Giles, "Collected matrix derivative results", 2008.)
    """
    w, v = np.linalg.eigh(a, UPLO)
    return _told_apart(w) if apart else w, v


@composed(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> EighResult:
    """Eigenvalues, ascending, and eigenvectors of Hermitian matrices (of one triangle, "L" or "U").

    Where a gradient is recorded, values that are equal are told apart: by the root of the rounding
    error, 1.5e-8 of the largest value in double precision.  So the gradient of a function of the
    matrix, V f(w) V^H, becomes a difference quotient where it would be 0 / 0; it has half of the
    digits there, and no second derivative.

    Args:
        UPLO: the triangle that is read, "L" or "U".

    >>> eigh(np.array([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    array([1., 2.])
    """
    apart = isinstance(a, Tensor) and a.requires_grad and is_grad_enabled()
    return EighResult(*_eigh(a, UPLO, apart))


@composed(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues of Hermitian matrices (of one triangle, "L" or "U"), ascending.

    Args:
        UPLO: the triangle that is read, "L" or "U".

    >>> eigvalsh(np.array([[2.0, 0.0], [0.0, 1.0]]))
    array([1., 2.])
    """
    return _eigh(a, UPLO, False)[0]


def _refuse_defective(v: np.ndarray) -> None:
    """An error where the eigenvectors do not span the space: then the eigenvalues have no derivative."""
    s = np.linalg.svd(v, compute_uv=False)
    if s.size and all_examples(s[..., -1] <= 10 * s.shape[-1] * np.finfo(s.dtype).eps).any():
        raise np.linalg.LinAlgError(
            "the matrix is defective (it has fewer eigenvectors than rows): its eigenvalues are continuous there, but have no "
            "derivative"
        )


def _eig_a(g: Any, out: Any) -> Any:
    w, v = out
    if isinstance(all_examples(raw(v)), np.ndarray):
        _refuse_defective(raw(v))
    gw, gv = conj(g[0]), conj(g[1])
    inner = hermitian(v) @ gv
    lengths = np.real(np.diagonal(inner, axis1=-2, axis2=-1))  # the vectors are kept at length 1
    inner = _by_gap(inner - hermitian(v) @ (v * lengths[..., None, :]), conj(w), "eigenvectors")
    return conj(np.linalg.solve(hermitian(v), (inner + _diagonal(gw)) @ hermitian(v)))


class EigResult(NamedTuple):
    """What `eig` returns."""

    eigenvalues: Any
    eigenvectors: Any


@primitive(a=_eig_a, method=False, name="eig")
def _eig(a: Any) -> Any:
    """Eigenvalues and eigenvectors (of length 1) of square matrices.

    out = (w, V),  a @ V = V @ diag(w)
    da  = V^-H @ (diag(g_w) + (V^H @ g_V - V^H @ V @ diag(Re(V^H @ g_V))) / conj(E)) @ V^H,
          E_ij = w_j - w_i  (0 for 1 / E on the diagonal)

    (Boeddeker et al., "On the computation of complex-valued gradients", 2017.)
    """
    w, v = np.linalg.eig(a)
    if w.dtype.kind == "c" and a.dtype.kind != "c" and not all_examples(np.imag(w)).any():
        return np.real(w), np.real(v)  # as NumPy has it: CuPy's are always complex
    return w, v


@composed(np.linalg.eig, method=False)
def eig(a: Any) -> EigResult:
    """Eigenvalues and eigenvectors of any square matrices; complex where they must be.

    The phase of an eigenvector is arbitrary: only what does not depend on it has a derivative that means something.

    >>> eig(np.array([[2.0, 1.0], [0.0, 1.0]])).eigenvalues.real
    array([2., 1.])
    """
    return EigResult(*_eig(a))


@composed(np.linalg.eigvals, method=False)
def eigvals(a: Any) -> Any:
    """Eigenvalues of any square matrices.

    >>> eigvals(np.array([[2.0, 1.0], [0.0, 1.0]])).real
    array([2., 1.])
    """
    return _eig(a)[0]


def _svd_a(g: Any, out: Any) -> Any:
    u, s, vh = out
    gu, gs, gvh = (conj(part) for part in g)
    v, gv, n = hermitian(vh), hermitian(gvh), s.shape[-1]
    u, gu = _without_surplus(u, gu, n)
    v, gv = _without_surplus(v, gv, n)
    vh = hermitian(v)
    row, column = s[..., None, :], s[..., :, None]
    j = _by_gap(hermitian(u) @ gu, s * s, "singular vectors")
    k = _by_gap(hermitian(v) @ gv, s * s, "singular vectors")
    inner = (j + hermitian(j)) * row + column * (k + hermitian(k)) + _diagonal(gs)
    if u.dtype.kind == "c":  # the phase that U and V share
        phases = np.imag(np.diagonal(hermitian(u) @ gu, axis1=-2, axis2=-1))
        inner = inner + _diagonal(1j * _over(phases, s))
    a = u @ inner @ vh
    if u.shape[-2] > n:
        a = a + _beyond(u, gu, row) @ vh
    if v.shape[-2] > n:
        a = a + u @ hermitian(_beyond(v, gv, row))
    return conj(a)


def _without_surplus(u: Any, gu: Any, n: int) -> tuple[Any, Any]:
    """The first n columns and their gradient; the others span what these leave: dU_2 = -U_1 dU_1^H U_2."""
    if u.shape[-1] == n:
        return u, gu
    first, surplus = u[..., :n], u[..., n:]
    return first, gu[..., :n] - surplus @ hermitian(gu[..., n:]) @ first


def _beyond(u: Any, gu: Any, s: Any) -> Any:
    """(1 - U U^H) G_U S^-1, the part of the gradient that leads out of the columns of U."""
    return _over(gu - u @ (hermitian(u) @ gu), s)


def _over(x: Any, s: Any) -> Any:
    """x / s; 0 where s is 0 but for rounding: there the vectors may turn freely, and nothing may depend on them."""
    size = np.max(raw(s), axis=-1, keepdims=True) if s.shape[-1] else raw(s)
    nothing = raw(s) <= 8 * np.finfo(s.dtype).eps * size
    return np.where(nothing, 0.0, x / (s + nothing))


class SVDResult(NamedTuple):
    """What `svd` returns."""

    U: Any
    S: Any
    Vh: Any


@primitive(a=_svd_a, method=False, name="svd")
def _svd(a: Any, full_matrices: bool) -> Any:
    """Singular value decomposition.

    out = (U, s, V^H),  a = U @ S @ V^H,  S = diag(s)
    da  = U @ (P @ S + S @ Q + diag(g_s)) @ V^H + (1 - U @ U^H) @ g_U @ S^-1 @ V^H + U @ S^-1 @ g_V^H @ (1 - V @ V^H),
          P = J + J^H,  Q = K + K^H,  J = (U^H @ g_U) / E,  K = (V^H @ g_V) / E,
          E_ij = s_j^2 - s_i^2  (0 for 1 / E on the diagonal)

    (Townsend, "Differentiating the singular value decomposition", 2016.)  The surplus columns U_2 of full matrices
    follow from the others: they add -U_2 g_U2^H U_1 to g_U1.
    """
    return tuple(np.linalg.svd(a, full_matrices=full_matrices))


@composed(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """Singular value decomposition A = U diag(S) Vh.

    With `full_matrices` U and Vh are square; the columns beyond the singular values are an arbitrary
    basis of the rest, so only what does not depend on that choice (U_2 U_2^H, say) has a derivative
    that means something.  `hermitian` promises that A is, and reads its lower triangle.

    Args:
        full_matrices: whether U and Vh are square.
        compute_uv: False gives the singular values alone.
        hermitian: whether A is, so that one triangle is read.

    >>> svd(np.array([[3.0, 0.0], [0.0, 4.0]])).S
    array([4., 3.])
    """
    if hermitian:
        return _svd_of_hermitian(a, compute_uv)
    return SVDResult(*_svd(a, full_matrices)) if compute_uv else svdvals(a)


def _svd_of_hermitian(a: Any, compute_uv: bool) -> Any:
    """From eigenvalues and eigenvectors: S = |w|, descending, U = V, Vh = sign(w) V^H."""
    w, v = _eigh(a, "L", False)
    order = np.flip(np.argsort(np.abs(raw(w)), axis=-1), axis=-1)
    w = np.take_along_axis(w, order, axis=-1)
    if not compute_uv:
        return np.abs(w)
    u = np.take_along_axis(v, np.broadcast_to(order[..., None, :], np.shape(v)), axis=-1)
    negative = raw(w) < 0
    signs = (1 - 2 * negative).astype(w.dtype)
    return SVDResult(u, np.abs(w), hermitian(u * signs[..., None, :]))


@composed(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """Singular values, descending.

    >>> svdvals(np.array([[3.0, 0.0], [0.0, 4.0]]))
    array([4., 3.])
    """
    return _svd(x, False)[1]


# ---------------------------------------------------------------------------------- QR


def _qr_a(g: Any, out: Any) -> Any:
    q, r = out
    gq, gr = conj(g[0]), conj(g[1])
    n = r.shape[-1]
    q, gq = _without_surplus(q, gq, n)
    r, gr = r[..., :n, :], gr[..., :n, :]
    m = r @ hermitian(gr) - hermitian(gq) @ q
    lower = np.tril(m, -1)
    diagonal = _diagonal(np.real(np.diagonal(m, axis1=-2, axis2=-1)))
    full = lower + hermitian(lower) + diagonal
    return conj((gq + q @ full) @ hermitian(inverse_or_nan(r, gq, gr)))


class QRResult(NamedTuple):
    """What `qr` returns."""

    Q: Any
    R: Any


@primitive(a=_qr_a, method=False, name="qr")
def _qr(a: Any, mode: Any) -> Any:
    """QR factorisation of matrices with at least as many rows as columns.

    out = (Q, R),  a = Q @ R
    da  = (g_Q + Q @ C) @ R^-H,  M = R @ g_R^H - g_Q^H @ Q,  C = tril(M, -1) + tril(M, -1)^H + diag(M)

    (Walter and Lehmann, "Algorithmic differentiation of linear algebra functions", 2010.)  The surplus columns Q_2
    of a complete Q add -Q_2 g_Q2^H Q_1 to g_Q1.
    """
    return tuple(np.linalg.qr(a, mode))


@composed(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """QR factorisation A = Q R; mode "reduced", "complete" (Q square), "r" for R alone, or "raw".

    Of a wide matrix the columns on the left, which must be independent, give Q; the others are Q^H A in R.
    "raw" is LAPACK's (h, tau), which has no gradient.

    >>> np.abs(qr(np.array([[3.0, 0.0], [0.0, 4.0]])).R)
    array([[3., 0.],
           [0., 4.]])
    """
    if mode == "raw":
        return _raw_qr(a)
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"qr: mode must be 'reduced', 'complete', 'r' or 'raw', got {mode!r}")
    a = as_operand(a)
    rows = np.shape(a)[-2]
    wide = np.shape(a)[-1] > rows
    q, r = _qr(a[..., :rows] if wide else a, "complete" if mode == "complete" else "reduced")
    if wide:
        r = concatenate([r, hermitian(q) @ a[..., rows:]], axis=-1)
    return r if mode == "r" else QRResult(q, r)


def _raw_qr(a: Any) -> tuple[Any, Any]:
    if isinstance(a, Tensor) and a.requires_grad:
        raise NotImplementedError(
            "qr: mode 'raw' has no gradient rule: use 'reduced', 'complete' or 'r', or a.detach()"
        )
    h, tau = np.linalg.qr(raw(a), "raw")
    return (Tensor(h), Tensor(tau)) if isinstance(a, Tensor) else (h, tau)
