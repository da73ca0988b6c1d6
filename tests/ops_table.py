"""One row for each op: samples that drive every check of tests/test_ops.py.

A sample is a function written with NumPy and its arguments.  On plain arrays it is NumPy's own answer, the
oracle of the forward; on Tensors it records the graph.  Where NumPy has no such function, `reference`
gives the oracle (SciPy, or a few plain loops).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.special

import minigrad as mg
from minigrad.ops import exponential, index, join, reduce, select, slopes

from . import more_scipy_samples, numpy_samples, scipy_samples
from .numpy_samples import well_conditioned
from .samples import Sample, away_from_zero, beside, between, binary, unary
from .window_samples import conv_samples, pool_samples

X, Y = away_from_zero(2, 3), away_from_zero(2, 3) * 0.77
P, Q = between(0.5, 2.0, 2, 3), between(0.5, 2.5, 2, 3)
C = between(-1, 1, 2, 3) + 1j * between(-1, 1, 2, 3)
T = between(-2, 2, 2, 3, 4)

ROWS: dict[str, list[Sample]] = {
    # ------------------------------------------------------------------------------- arithmetic
    "add": binary(np.add, X, Y, "add"),
    "subtract": binary(np.subtract, X, Y, "subtract"),
    "multiply": [*binary(np.multiply, X, Y, "multiply"), Sample(np.multiply, (C, C * 1j)), Sample(np.multiply, (X, C))],
    "divide": [*binary(np.divide, X, Y, "divide"), Sample(np.divide, (C, C.T.reshape(2, 3) + 2))],
    "power": [
        *binary(np.power, P, Q, "pow"),
        *(Sample(lambda x, n=n: x**n, (X,), order=3) for n in (0, 1, 2, 3, -1, -2)),
        Sample(lambda x: x**0.5, (P,), order=3),
        Sample(lambda y: 2.0**y, (Y,), order=3),
        Sample(lambda x: x ** beside(x, [0.0, 1.0, 2.0]), (X,), order=3),
        Sample(np.power, (C + 2, C)),
    ],
    "float_power": binary(np.float_power, P, Q, "float_power"),
    "negative": unary(np.negative, torch="negative"),
    "clone": unary(np.copy),
    "positive": unary(np.positive),
    "reciprocal": unary(np.reciprocal, 0.4, 2, "reciprocal"),
    "square": unary(np.square, torch="square"),
    "sqrt": [*unary(np.sqrt, 0.2, 2, "sqrt"), Sample(np.sqrt, (C + 2,))],
    "cbrt": unary(np.cbrt, 0.2, 2),
    "absolute": [*unary(np.absolute, 0.2, 2, "abs"), Sample(np.abs, (X,), order=3), Sample(np.abs, (C,))],
    "fabs": unary(np.fabs, 0.2, 2),
    "slope_of_length": [Sample(slopes.slope_of_length, (X, P))],
    "heaviside": [Sample(np.heaviside, (X, Y)), Sample(lambda y: np.heaviside(0.0, y), (Y,))],
    "nextafter": [Sample(np.nextafter, (P, Q))],
    "copysign": [Sample(np.copysign, (X, Y))],
    "maximum": binary(np.maximum, X, Y, "maximum"),
    "minimum": binary(np.minimum, X, Y, "minimum"),
    "fmax": binary(np.fmax, X, Y, "fmax"),
    "fmin": binary(np.fmin, X, Y, "fmin"),
    "hypot": binary(np.hypot, X, Y, "hypot"),
    "remainder": binary(np.remainder, X * 3, Y, "remainder"),
    "fmod": binary(np.fmod, X * 3, Y, "fmod"),
    "modf": [Sample(np.modf, (X * 3,)), Sample(lambda x: np.modf(x)[0], (X * 3,))],
    "ldexp": [Sample(lambda x: np.ldexp(x, 3), (X,), order=3)],
    "real": [Sample(np.real, (C,)), Sample(np.real, (X,))],
    "imag": [Sample(np.imag, (C,)), Sample(np.imag, (X,))],
    "conjugate": [Sample(np.conj, (C,)), Sample(np.conj, (X,))],
    "angle": [Sample(np.angle, (C + 2,)), Sample(np.angle, (P,))],
    # ------------------------------------------------------------------- exponentials and angles
    "exp": [*unary(np.exp, torch="exp"), Sample(np.exp, (C,))],
    "exp2": unary(np.exp2, torch="exp2"),
    "expm1": unary(np.expm1, torch="expm1"),
    "log": [*unary(np.log, 0.3, 2, "log"), Sample(np.log, (C + 2,))],
    "log2": unary(np.log2, 0.3, 2, "log2"),
    "log10": unary(np.log10, 0.3, 2, "log10"),
    "log1p": unary(np.log1p, -0.6, 2, "log1p"),
    "logaddexp": binary(np.logaddexp, X, Y, "logaddexp"),
    "logaddexp2": binary(np.logaddexp2, X, Y, "logaddexp2"),
    "expit": unary(exponential.expit, torch="sigmoid", reference=scipy.special.expit),
    "log_expit": unary(exponential.log_expit, reference=scipy.special.log_expit),
    "logit": unary(exponential.logit, 0.1, 0.9, "logit", reference=scipy.special.logit),
    "xlogy": binary(exponential.xlogy, X, Q, "xlogy", reference=scipy.special.xlogy),
    "sin": [*unary(np.sin, torch="sin"), Sample(np.sin, (C,))],
    "cos": unary(np.cos, torch="cos"),
    "tan": unary(np.tan, -1, 1, "tan"),
    "arcsin": unary(np.arcsin, -0.8, 0.8, "arcsin"),
    "arccos": unary(np.arccos, -0.8, 0.8, "arccos"),
    "arctan": unary(np.arctan, torch="arctan"),
    "arctan2": binary(np.arctan2, X, Y, "arctan2"),
    "sinh": unary(np.sinh, torch="sinh"),
    "cosh": unary(np.cosh, torch="cosh"),
    "tanh": [*unary(np.tanh, torch="tanh"), Sample(np.tanh, (C,))],
    "arcsinh": unary(np.arcsinh, torch="arcsinh"),
    "arccosh": unary(np.arccosh, 1.3, 3, "arccosh"),
    "arctanh": unary(np.arctanh, -0.7, 0.7, "arctanh"),
    "degrees": unary(np.degrees, torch="rad2deg"),
    "radians": unary(np.radians, torch="deg2rad"),
    # ------------------------------------------------------------------------------- reductions
    **{
        name: [
            *(Sample(partial(f, axis=a), (T,)) for a in (None, 0, -1, (0, 2), ())),
            Sample(partial(f, axis=1, keepdims=True), (T,)),
            Sample(partial(f, axis=(0, 1), keepdims=True), (T.transpose(2, 0, 1),)),
            Sample(f, (T[0, 0, 0],)),
        ]
        for name, f in {"sum": np.sum, "mean": np.mean, "prod": np.prod, "max": np.max, "min": np.min}.items()
    },
    "var": [
        *(Sample(partial(np.var, axis=a, ddof=d), (T,)) for a, d in ((None, 0), (0, 1), ((0, 2), 1))),
        Sample(partial(np.var, axis=-1, keepdims=True), (T,)),
        Sample(np.var, (C,)),
    ],
    "std": [
        *(Sample(partial(np.std, axis=a, ddof=d), (T,)) for a, d in ((None, 0), (0, 1), ((0, 2), 1))),
        Sample(partial(np.std, axis=-1, keepdims=True), (T,)),
        Sample(np.std, (C,)),
    ],
    "logsumexp": [
        Sample(partial(reduce.logsumexp, axis=a), (T,), partial(scipy.special.logsumexp, axis=a)) for a in (None, 0, -1, (0, 2))
    ],
    "softmax": [Sample(partial(reduce.softmax, axis=a), (T,), partial(scipy.special.softmax, axis=a)) for a in (0, -1)],
    "log_softmax": [
        Sample(partial(reduce.log_softmax, axis=a), (T,), partial(scipy.special.log_softmax, axis=a)) for a in (0, -1)
    ],
    "norm2": [
        *(Sample(partial(np.linalg.norm, ord=o), (T[0, 0],)) for o in (None, 1, 2, 3, np.inf, -np.inf)),
        *(Sample(partial(np.linalg.norm, ord=o), (np.exp(T[0]),)) for o in (None, "fro", 1, -1, np.inf, -np.inf)),
        *(Sample(partial(np.linalg.norm, axis=a), (T,)) for a in (0, (1, 2))),
        *(Sample(partial(np.linalg.norm, ord=o, axis=(0, 2), keepdims=True), (T,)) for o in (None, 1, np.inf)),
        Sample(np.linalg.norm, (C,)),
    ],
    "norm_p": [
        *(Sample(partial(np.linalg.norm, ord=o), (T[0, 0],)) for o in (1.5, 3, 4.5)),
        Sample(partial(np.linalg.norm, ord=3, axis=1, keepdims=True), (T,)),
        Sample(partial(np.linalg.norm, ord=3), (C[0],)),
    ],
    "cumsum": [Sample(partial(np.cumsum, axis=a), (T,)) for a in (None, 0, -1)],
    "cumprod": [
        *(Sample(partial(np.cumprod, axis=a), (T,)) for a in (None, 1)),
        Sample(np.cumprod, (np.array([1.0, 0, 2, 0, 3]),)),
    ],
    "sort": [*(Sample(partial(np.sort, axis=a), (T,)) for a in (None, 0, -1)), Sample(np.sort, (C.real.ravel(),))],
    # ------------------------------------------------------------------------------------ shape
    "reshape": [
        *(Sample(partial(np.reshape, shape=s), (T,)) for s in ((6, 4), -1, (4, -1))),
        Sample(lambda x: x.reshape(3, 8), (T,)),
    ],
    "transpose": [Sample(np.transpose, (T,)), *(Sample(partial(np.transpose, axes=a), (T,)) for a in ((1, 2, 0), (-1, 0, 1)))],
    "moveaxis": [Sample(lambda x: np.moveaxis(x, 0, -1), (T,)), Sample(lambda x: np.moveaxis(x, (0, 1), (1, 2)), (T,))],
    "swapaxes": [Sample(lambda x: np.swapaxes(x, 0, -1), (T,))],
    "expand_dims": [Sample(partial(np.expand_dims, axis=a), (T,)) for a in (0, -1, (0, 2))],
    "squeeze": [Sample(partial(np.squeeze, axis=a), (T[:1, :, :1],)) for a in (None, 0, (0, 2))],
    "broadcast_to": [Sample(partial(np.broadcast_to, shape=(2, 3, 4)), (T[0, :, :1],))],
    "concatenate": [
        *(Sample(lambda x, y, a=a: np.concatenate([x, y], axis=a), (T, T * 2)) for a in (0, -1, None)),
        Sample(lambda x, y: np.concatenate([x, y, x]), (T[0], T[1, :1])),
        *(Sample(lambda x, y, f=f: f([x, y]), (X, Y)) for f in (np.vstack, np.hstack, np.dstack, np.column_stack)),
        *(Sample(lambda x, y, f=f: f([x, y]), (X[0], Y[0])) for f in (np.vstack, np.hstack, np.dstack, np.column_stack)),
    ],
    "stack": [Sample(lambda x, y, a=a: np.stack([x, y], axis=a), (T, T * 2)) for a in (0, 1, -1)],
    "unstack": [
        Sample(lambda x: list(x), (T,)),
        Sample(lambda x: x[0] * list(x)[1], (T,)),
        Sample(lambda x: join.unstack(x, axis=1)[1], (T,), lambda x: x[:, 1]),
    ],
    "split": [
        Sample(lambda x: np.split(x, 2, axis=2), (T,)),
        Sample(lambda x: np.split(x, [1, 3], axis=-1)[1], (T,)),
        Sample(lambda x: np.hsplit(x, 3)[2] * np.vsplit(x, 2)[0][:, :1], (T,)),
    ],
    "array_split": [Sample(lambda x: np.array_split(x, 3, axis=2)[0], (T,))],
    "flip": [
        *(Sample(partial(np.flip, axis=a), (T,)) for a in (None, 1, (0, 2))),
        Sample(np.fliplr, (X,)),
        Sample(np.flipud, (X,)),
    ],
    "roll": [Sample(lambda x, s=s, a=a: np.roll(x, s, a), (T,)) for s, a in ((1, None), (2, -1), ((1, 2), (0, 1)))],
    "tile": [Sample(partial(np.tile, reps=r), (X,)) for r in (2, (2, 1), (2, 1, 3))],
    "repeat": [Sample(partial(np.repeat, repeats=r, axis=a), (X,)) for r, a in ((2, None), (2, 0), ([1, 0, 3], 1))],
    "pad": [
        *(Sample(partial(np.pad, pad_width=w), (X,)) for w in (1, (1, 2), ((0, 1), (2, 0)))),
        *(Sample(partial(np.pad, pad_width=((1, 0), (2, 1)), mode=m), (X,)) for m in ("edge", "reflect", "symmetric", "wrap")),
        Sample(partial(np.pad, pad_width=1, constant_values=7.0), (X,)),
    ],
    "astype": [Sample(lambda x: x.astype(np.float64) * 2, (X,)), Sample(lambda x: x.astype(complex), (X,))],
    # ------------------------------------------------------------------------------------ index
    "getitem": [
        Sample(lambda x, i=i: x[i], (T,))
        for i in (
            0,
            -1,
            slice(None, None, -1),
            (slice(None), 1),
            (..., 0),
            (None, 0, ..., None),
            (1, 2, 3),
            [0, 0, 1],
            np.array([[0, 1], [1, 1]]),
            (np.array([0, 1]), np.array([2, 2])),
            ([0, 1], slice(None), [1, 1]),
            np.array([True, False]),
            (np.arange(24) % 3 == 0).reshape(2, 3, 4),
            (0, np.array([True, False, True])),
            slice(0, 0),
            (slice(None), np.array([[2, 0], [2, 2]])),
        )
    ]
    + [
        Sample(lambda x: np.take(x, [3, 0, 3], axis=-1), (T,)),
        Sample(lambda x: np.take(x, np.array([[3, 0]])), (T,)),
        Sample(lambda x: np.take_along_axis(x, np.array([[[1], [0], [1]]] * 2), axis=2), (T,)),
        Sample(lambda x: np.take_along_axis(x, np.argsort(x, axis=1), axis=1), (T,)),
        Sample(np.diagonal, (T,)),
        Sample(lambda x: np.diagonal(x, -1, 1, 2), (T,)),
        Sample(np.trace, (T,)),
        Sample(lambda x: np.diag(x, 1), (X,)),
    ],  # fmt: skip
    "scatter_add": [
        Sample(lambda g: index.scatter_add(g, np.array([0, 2, 0]), (4,)), (X[0],), lambda g: np.array([g[0] + g[2], 0, g[1], 0])),
        Sample(
            lambda g: index.scatter_add(g, np.array([1, 1]), (3, 3)),
            (X,),
            lambda g: np.stack([np.zeros(3), g.sum(0), np.zeros(3)]),
        ),
        Sample(lambda x: np.diag(x, -1), (X[0],)),
        Sample(lambda x: np.diff(x, 2), (T,)),
    ],
    "assign": [
        Sample(_f, (X, v))
        for _f, v in (
            (lambda x, v: assigned(x, 0, v), Y[0]),
            (lambda x, v: assigned(x, (slice(None), 1), v), Y[0, 0]),
            (lambda x, v: assigned(x, np.array([[True, False, True], [False, True, False]]), v), Y[0]),
            (lambda x, v: assigned(x, ([0, 1], [2, 0]), v), Y[0, :2]),
        )
    ],
    "tril": [Sample(partial(np.tril, k=k), (T,)) for k in (0, 1, -1)],
    "triu": [Sample(partial(np.triu, k=k), (T,)) for k in (0, 1, -1)],
    "where": [
        Sample(lambda x, y: np.where(beside(x, [True, False, True]), x, y), (X, Y)),
        Sample(lambda x, y: np.where(x > y, x, y * 2), (X, Y)),
        Sample(lambda x: np.where(x > 0, x, 0.0), (X,)),
    ],
    "overwritten": [
        Sample(lambda x, v: select.overwritten(x, beside(x, [True, False, True]), v), (X, Y)),
        Sample(lambda x: select.overwritten(x * x, beside(x, [False, True, False]), 0.0), (X,)),
    ],
    "clip": [
        Sample(lambda x: np.clip(x, -0.7, 0.9), (X,), order=3),
        Sample(lambda x: np.clip(x, None, 0.9), (X,), order=3),
        Sample(lambda x, low, high: np.clip(x, low, high), (X, np.full(3, -0.6), np.array(0.8))),
    ],
    "relu": unary(select.relu, 0.2, 2, "relu", reference=lambda x: np.maximum(x, 0)),
    "nan_to_num": [Sample(np.nan_to_num, (X,))],
    # ----------------------------------------------------------------------------------- linalg
    "matmul": [
        Sample(np.matmul, (between(-1, 1, *s), between(-1, 1, *t)))
        for s, t in (
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((3,), (3, 2)),
            ((2, 3), (3, 4)),
            ((5, 2, 3), (3, 4)),
            ((2, 3), (5, 3, 4)),
            ((5, 2, 3), (5, 3, 4)),
            ((5, 2, 3), (3,)),
            ((3,), (5, 3, 2)),
            ((2, 1, 2, 3), (5, 3, 2)),
            ((0, 3), (3, 2)),
        )
    ]
    + [
        Sample(np.matmul, (C, C.T)),
        Sample(np.dot, (X[0], Y[0])),
        Sample(np.dot, (X, Y.T)),
        Sample(np.dot, (T, T[0].T)),
        Sample(np.dot, (X, np.array(2.0))),
        Sample(np.dot, (T, T.transpose(0, 2, 1))),
        Sample(np.inner, (T, X[:, :1] * np.ones(4))),
        Sample(np.outer, (X, Y)),
        Sample(np.vdot, (X, Y)),
        Sample(np.vdot, (C, C * 2j)),
        *(Sample(lambda x, y, a=a: np.tensordot(x, y, a), (T, T.transpose(1, 2, 0))) for a in (([1, 2], [0, 1]), ([0], [2]), 0)),
        Sample(lambda x, y: np.tensordot(x, y), (T, T[0])),
    ],  # fmt: skip
    "einsum": [
        Sample(lambda *xs, s=s: np.einsum(s, *xs), tuple(between(-1, 1, *t) for t in shapes))
        for s, shapes in (
            ("ij,jk->ik", [(2, 3), (3, 4)]),
            ("ij,jk", [(2, 3), (3, 4)]),
            ("ii", [(3, 3)]),
            ("ii->i", [(3, 3)]),
            ("ij->", [(2, 3)]),
            ("ij->j", [(2, 3)]),
            ("i,j->ij", [(2,), (3,)]),
            ("i,i", [(3,), (3,)]),
            ("ba", [(2, 3)]),
            ("...ij,...jk->...ik", [(2, 2, 3), (3, 4)]),
            ("...i,i", [(2, 3), (3,)]),
            ("i...->...", [(2, 3)]),
            ("ij,jk,kl->il", [(2, 3), (3, 2), (2, 2)]),
            ("iij,j->i", [(2, 2, 3), (3,)]),
            ("ij,k->i", [(2, 3), (2,)]),
            ("bij,bjk->bik", [(2, 2, 3), (1, 3, 2)]),
            ("iii->i", [(2, 2, 2)]),
            (",i->i", [(), (3,)]),
        )
    ]
    + [
        Sample(lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [0, 2]), (X, Y.T)),
        Sample(lambda x: np.einsum("ij,ij->i", x, x), (C,)),
    ],  # fmt: skip
}


def assigned(x: Any, i: Any, v: Any) -> Any:
    """x[i] = v on a copy, by item assignment on arrays and on Tensors alike."""
    out = np.copy(x) if isinstance(x, np.ndarray) else x * 1
    out[i] = v
    return out


ROWS |= conv_samples() | pool_samples()

# ------------------------------------------------------------------------------ numpy.linalg


A, A3, Z = well_conditioned(3, 3), well_conditioned(2, 3, 3), well_conditioned(3, 3, complex_too=True)
TALL, WIDE = well_conditioned(4, 3), well_conditioned(2, 3, 4)
ZTALL = well_conditioned(4, 3, complex_too=True)


def hermitian(x: Any) -> Any:
    return x + np.conj(np.swapaxes(x, -1, -2))


def positive(x: Any) -> Any:
    """X X^H + 1: Hermitian and positive definite."""
    return x @ np.conj(np.swapaxes(x, -1, -2)) + beside(x, np.eye(x.shape[-1]))


def same_sign(x: Any) -> Any:
    """Rid of what the factorisation leaves open: the squared modulus does not see signs and phases."""
    return np.abs(x) ** 2


ROWS |= {
    "inv": [Sample(np.linalg.inv, (x,)) for x in (A, A3, Z)] + [Sample(lambda x: np.linalg.matrix_power(x, -2), (A,))],
    "solve": [
        Sample(np.linalg.solve, pair)
        for pair in ((A, X.T), (A, X[0]), (A3, T.transpose(0, 1, 2)), (A3, X[0]), (Z, C.T), (A, np.stack([X.T, X.T * 2])))
    ],
    "det": [Sample(np.linalg.det, (x,)) for x in (A, A3, Z)],
    "slogdet": [Sample(lambda x: np.linalg.slogdet(x)[1], (x,)) for x in (A, A3, -A)],
    "cholesky": [Sample(lambda x: np.linalg.cholesky(positive(x)), (x,)) for x in (A, A3, Z)],
    "eigh": [
        *(Sample(lambda x: np.linalg.eigvalsh(hermitian(x)), (x,)) for x in (A, A3, Z)),
        *(Sample(lambda x: same_sign(np.linalg.eigh(hermitian(x))[1]), (x,)) for x in (A, A3, Z)),
    ],
    "svd": [
        *(Sample(np.linalg.svdvals, (x,)) for x in (A, A3, TALL, WIDE, Z)),
        *(Sample(lambda x: same_sign(np.linalg.svd(x, full_matrices=False)[0]), (x,)) for x in (A, TALL, WIDE, Z, ZTALL)),
        *(Sample(lambda x: same_sign(np.linalg.svd(x, full_matrices=False)[2]), (x,)) for x in (A, TALL, WIDE, Z, ZTALL)),
        Sample(lambda x: rebuilt(np.linalg.svd(x, full_matrices=False)), (ZTALL,)),
        *(Sample(partial(np.linalg.norm, ord=o), (TALL,)) for o in (2, -2, "nuc")),
        Sample(partial(np.linalg.norm, ord="nuc", axis=(2, 0), keepdims=True), (T,)),
        *(Sample(partial(np.linalg.cond, p=p), (A + 0.03,)) for p in (None, -2, 1)),
    ],
    "qr": [
        *(Sample(lambda x: np.linalg.qr(x)[1], (x,)) for x in (A, TALL, A3)),
        *(Sample(lambda x: np.linalg.qr(x)[0], (x,)) for x in (A, TALL, ZTALL)),
    ],
    "pinv": [Sample(np.linalg.pinv, (x,)) for x in (A, TALL, WIDE, ZTALL)],
}
ROWS["matmul"] += [
    *(Sample(lambda x, n=n: np.linalg.matrix_power(x, n), (A,)) for n in (0, 1, 2, 5)),
    Sample(lambda x, y, z: np.linalg.multi_dot([x, y, z]), (X, Y.T, X)),
]


# ------------------------------------------------------------------------------------ numpy.fft

ROWS |= {
    name: [
        *(Sample(partial(f, axis=a, norm=norm), (x,)) for a in (0, -1) for norm in (None, "ortho", "forward") for x in data),
        *(Sample(partial(f, n=n, axis=1), (x,)) for n in (2, 3, 5, 6) for x in data),
    ]
    for name, f, data in (
        ("fft", np.fft.fft, (C, T)),
        ("ifft", np.fft.ifft, (C, T)),
        ("rfft", np.fft.rfft, (T,)),
        ("irfft", np.fft.irfft, (C, T)),
    )
}
ROWS["fft"] += [Sample(np.fft.fft2, (T,)), Sample(partial(np.fft.fftn, s=(3, 2), axes=(0, 1)), (C,)), Sample(np.fft.fftn, (T,))]
ROWS["ifft"] += [Sample(np.fft.ifft2, (C,)), Sample(partial(np.fft.ifftn, axes=(0,)), (C,))]
ROWS["roll"] += [Sample(np.fft.fftshift, (T,)), Sample(np.fft.ifftshift, (T,)), Sample(partial(np.fft.fftshift, axes=1), (T,))]

# ----------------------------------------------------------------------------------- statistics


def with_nan(f: Callable[..., Any]) -> Callable[..., Any]:
    """f of an array in which some elements are NaN."""

    def function(x: Any) -> Any:
        holes = np.arange(x.size).reshape(x.shape) % 5 == 2
        return f(np.where(beside(x, holes), np.nan, x))

    return function


#: Functions that are made of other ops.
MORE: dict[str, list[Sample]] = {
    **{
        name: [Sample(with_nan(partial(getattr(np, name), axis=a)), (T,)) for a in (None, 0, -1)]
        for name in (
            "nansum", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin", "nanprod", "nanmedian", "nancumsum", "nancumprod",
        )
    },
    "median": [Sample(partial(np.median, axis=a, keepdims=k), (T,)) for a in (None, 1, (0, 2)) for k in (False, True)],
    "quantile": [
        *(
            Sample(partial(np.quantile, q=0.37, axis=1, method=m), (T,))
            for m in (
                "linear", "lower", "higher", "nearest", "midpoint", "hazen", "weibull", "median_unbiased", "normal_unbiased",
                "interpolated_inverted_cdf",
            )
        ),
        Sample(partial(np.quantile, q=[0.0, 0.2, 1.0], axis=(0, 2), keepdims=True), (T,)),
        Sample(partial(np.percentile, q=[[10.0], [90.0]]), (T,)),
    ],
    "average": [
        Sample(np.average, (T,)),
        Sample(lambda x, w: np.average(x, weights=w), (X, P)),
        Sample(lambda x, w: np.average(x, axis=1, weights=w), (X, P[0])),
    ],
    "cov": [
        Sample(np.cov, (X,)), Sample(np.cov, (X[0],)), Sample(partial(np.cov, rowvar=False), (X,)),
        Sample(lambda x, y: np.cov(x, y, ddof=0), (X, Y)), Sample(np.cov, (C,)),
    ],
    "kron": [Sample(np.kron, pair) for pair in ((X, Y), (X[0], Y), (T, Y[0]))],
    "cross": [Sample(np.cross, (X, Y)), Sample(np.cross, (X[0], Y)), Sample(partial(np.cross, axis=0), (X.T, Y.T))],
    "trapezoid": [
        Sample(np.trapezoid, (T,)), Sample(partial(np.trapezoid, dx=0.3, axis=0), (T,)),
        Sample(lambda y, x: np.trapezoid(y, x, axis=1), (X, P[0])), Sample(lambda y, x: np.trapezoid(y, x), (X, P)),
    ],
    "ediff1d": [Sample(np.ediff1d, (X,)), Sample(lambda x, b: np.ediff1d(x, to_begin=b), (X, Y[0]))],
    "polyval": [Sample(lambda p, x: np.polyval(p, x), (X[0], Y))],
    "vander": [Sample(np.vander, (X[0],)), Sample(partial(np.vander, N=4, increasing=True), (X[0],))],
    "interp": [
        Sample(np.interp, (between(-0.5, 4.5, 2, 5), np.array([0.0, 1.1, 1.9, 4.0]), P[0, [0, 1, 2, 0]])),
        Sample(partial(np.interp, left=-1.0, right=7.0), (between(-1, 3, 6), np.array([0.0, 1.0, 2.2]), P[0])),
    ],
    "correlate": [Sample(partial(np.correlate, mode=m), (P.ravel(), Y[0])) for m in ("full", "same", "valid")],
    "rot90": [*(Sample(partial(np.rot90, k=k), (T,)) for k in range(4)), Sample(partial(np.rot90, k=3, axes=(1, 2)), (T,))],
    "append": [Sample(lambda x, y: np.append(x, y), (X, Y)), Sample(lambda x, y: np.append(x, y, axis=1), (X, Y))],
    "block": [
        Sample(lambda x, y: np.block([[x, y], [y, x]]), (X, Y)),
        Sample(lambda x, y: np.block([x, y]), (X[0], Y[0])),
        Sample(lambda x, y: np.block([[[x]], [[x * y]]]), (X, Y)),
    ],
    "select": [Sample(lambda x, y: np.select([x > 1, x > 0], [x, y], -x), (X, Y))],
    "vecdot": [Sample(np.vecdot, (X, Y[0])), Sample(partial(np.vecdot, axis=0), (X, Y)), Sample(np.vecdot, (C, C * 2j))],
    "matvec": [Sample(mg.matvec, (X, Y[0]), lambda x, y: x @ y)],
    "vecmat": [Sample(mg.vecmat, (X[:, 0], Y), lambda x, y: x @ y)],
    "cumulative": [Sample(np.cumulative_sum, (X[0],)), Sample(partial(np.cumulative_prod, axis=1), (X,))],
    "other_names": [
        Sample(np.divmod, (X * 3, Y)), Sample(lambda x: np.full_like(x, 2.0) * x, (X,)),
        Sample(partial(np.linalg.vector_norm, axis=1, ord=3), (T,)), Sample(np.linalg.vector_norm, (T,)), Sample(np.ravel, (T,)),
        Sample(partial(np.ptp, axis=1), (T,)), Sample(lambda x: np.rollaxis(x, 2), (T,)),
    ],
    "corrcoef": [Sample(np.corrcoef, (X,)), Sample(lambda x, y: np.corrcoef(x, y), (X[0], Y[0]))],
}  # fmt: skip


def rebuilt(usv: Any) -> Any:
    u, s, vh = usv
    return (u * (s**2)[..., None, :]) @ vh


ROWS |= {
    "convolve": [
        Sample(partial(np.convolve, mode=m), p) for m in ("full", "same", "valid") for p in ((P.ravel(), Y[0]), (Y[0, :2], X[0]))
    ],
}
ROWS |= numpy_samples.ROWS | scipy_samples.SPECIAL | scipy_samples.LINALG
ROWS |= more_scipy_samples.SPECIAL | more_scipy_samples.LINALG
MORE |= numpy_samples.MORE | scipy_samples.MADE | more_scipy_samples.MADE
for _name, _samples in [*numpy_samples.EXTRA.items(), *numpy_samples.COMPLEX.items()]:
    ROWS[_name] = ROWS[_name] + _samples

#: Ops without values of their own: how the row of another op exercises them.
INDIRECT = {
    "batched": "tests/test_vmap.py",
    "unbatched": "tests/test_vmap.py",
    "batch_sum": "tests/test_vmap.py",
    "into_row": "tests/test_vmap.py",
    "out_of_row": "tests/test_vmap.py",
    "to_device": "tests/test_devices.py",
    "ode": "tests/test_scipy.py",
    "implicit_root": "tests/test_scipy.py",
    "sparse_matmul": "tests/test_scipy.py",
    "standard_gamma": "tests/test_random.py",
}

#: The rows that run for one example after the other under `vmap`, at least in part, and what does so in each; the reasons
#: stand in `minigrad.arrays.fallback`.
ONE_BY_ONE = {
    "least_squares_solution": {"lstsq"},
    "lstsq": {"lstsq"},
    "polynomials": {"allclose", "flatnonzero", "lstsq", "polydiv", "polyfit", "polymul", "roots"},
    "edit": {"nonzero", "trim_zeros"},
    "choose": {"piecewise"},
    "apply": {"vectorize"},
    "polyfit_options": {"lstsq", "polyfit"},
    "logm": {"logm"},
    "sqrtm": {"sqrtm"},
    "options": {"nonzero", "trim_zeros"},
    "lfilter": {"lfilter"},
    "polar": {"polar"},
    "solve_banded": {"solve_banded"},
    "solve_sylvester": {"solve_sylvester"},
    "sosfilt": {"lfilter"},
}

SAMPLES = [(name, i, s) for name, samples in (ROWS | MORE).items() for i, s in enumerate(samples)]
IDS = [f"{name}-{i}" for name, i, _ in SAMPLES]
