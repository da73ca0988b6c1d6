"""More rows for the table of ops: NumPy's functions that are made of other ops, and those with few samples."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.ops import linalg, trigonometric

from .samples import Sample, away_from_zero, beside, between, unary

X, Y = away_from_zero(2, 3), away_from_zero(2, 3) * 0.77
P = between(0.5, 2.0, 2, 3)
C = between(-1, 1, 2, 3) + 1j * between(-1, 1, 2, 3)
T = between(-2, 2, 2, 3, 4)
V = between(-1.9, 2.1, 5)


def well_conditioned(*shape: int, complex_too: bool = False) -> np.ndarray:
    """Random matrices far from singular and without near-repeated singular values."""
    x = between(-1, 1, *shape)
    if complex_too:
        x = x + 1j * between(-1, 1, *shape)
    n = min(shape[-2:])
    scale = np.zeros(shape[-2:])
    scale[np.arange(n), np.arange(n)] = np.arange(n) + 2.0
    return x + scale


A, A3, Z = well_conditioned(3, 3), well_conditioned(2, 3, 3), well_conditioned(3, 3, complex_too=True)
TALL, WIDE = well_conditioned(4, 2), well_conditioned(2, 4)
ZTALL, ZWIDE = well_conditioned(4, 2, complex_too=True), well_conditioned(2, 4, complex_too=True)
SINGULAR = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [5.0, 7.0, 9.0]])


def projector(columns: Any) -> Any:
    """U U^H: what a space is, whichever basis it is given by."""
    return columns @ np.conj(np.swapaxes(columns, -1, -2))


def surplus_of_svd(x: Any) -> tuple[Any, Any]:
    u, s, vh = np.linalg.svd(x)
    n = s.shape[-1]
    return projector(u[..., n:]), projector(np.conj(np.swapaxes(vh, -1, -2))[..., n:])


def phase_free(x: Any) -> Any:
    """What does not depend on the phases of the eigenvectors."""
    w, v = np.linalg.eig(x)
    return w, np.abs(v)


def updated(write: Callable[..., None]) -> Callable[..., Any]:
    """One of NumPy's functions that write into their first argument, as a function that returns the result."""

    def function(x: Any, *args: Any) -> Any:
        out = np.copy(x)
        write(out, *args)
        return out

    return function


HOLES = np.arange(24).reshape(2, 3, 4) % 5 == 2
HOLES2 = np.arange(12).reshape(3, 4) % 5 == 2
MASK2 = np.arange(12).reshape(3, 4) % 4 != 1
MASK = np.array([[True, False, True], [False, True, True]])

ROWS: dict[str, list[Sample]] = {
    "sinc": [*unary(np.sinc, torch="sinc"), Sample(np.sinc, (np.array([0.0, 1e-9, 1.0, -2.0]),), order=3)],
    "sinc_derivative": [
        Sample(lambda x, k=k: trigonometric.sinc_derivative(x, k), (np.array([[0.0, 1e-3, 0.4, -1.2, 3.1]]),), by_hand, order=3)
        for k, by_hand in (
            (0, np.sinc),
            (1, lambda x: np.where(x == 0, 0, (np.cos(np.pi * x) - np.sinc(x)) / np.where(x == 0, 1, x))),
        )
    ],
    "eig": [
        *(Sample(phase_free, (x,)) for x in (A, A3, Z, np.array([[0.0, 1.0], [-1.0, 0.5]]))),
        *(Sample(np.linalg.eigvals, (x,)) for x in (A, Z)),
    ],
    "least_squares_solution": [
        Sample(partial(linalg.least_squares_solution, rcond=1e-12), (a, b), lambda a, b: np.linalg.lstsq(a, b, 1e-12)[0])
        for a, b in ((TALL, V[:4]), (WIDE, V[:2]), (TALL, well_conditioned(4, 3)), (ZTALL, V[:4] + 1j))
    ],
}
EXTRA: dict[str, list[Sample]] = {
    "det": [
        Sample(np.linalg.det, (x,)) for x in (SINGULAR, np.stack([SINGULAR, A]), SINGULAR * (1 + 1j), np.diag([1.0, 2.0, 0.0]))
    ],
    "slogdet": [Sample(np.linalg.slogdet, (x,)) for x in (Z, np.stack([Z, Z.T * 2j]))],
    "svd": [Sample(surplus_of_svd, (x,)) for x in (TALL, WIDE, ZTALL, ZWIDE, np.stack([TALL, TALL[::-1] * 2]))],
    "qr": [
        *(Sample(lambda x: np.linalg.qr(x)[1], (x,)) for x in (WIDE, ZWIDE)),
        *(Sample(partial(np.linalg.qr, mode="r"), (x,)) for x in (TALL, WIDE)),
        *(Sample(lambda x, n=n: projector(np.linalg.qr(x, "complete")[0][..., n:]), (x,)) for x, n in ((TALL, 2), (ZTALL, 2))),
        Sample(lambda x: np.linalg.qr(x, "complete")[1], (TALL,)),
    ],
}

MORE: dict[str, list[Sample]] = {
    # -------------------------------------------------------------------------------- linalg, fft
    "lstsq": [
        Sample(lambda a, b: [np.linalg.lstsq(a, b, rcond=None)[i] for i in (0, 1, 3)], (a, b))
        for a, b in ((TALL, V[:4]), (TALL, well_conditioned(4, 3)), (ZTALL, V[:4] + 1j))
    ]
    + [Sample(lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0], (WIDE, V[:2]))],
    "tensorsolve": [
        Sample(np.linalg.tensorsolve, (well_conditioned(6, 6).reshape(2, 3, 6), X)),
        Sample(partial(np.linalg.tensorsolve, axes=(0,)), (well_conditioned(6, 6).reshape(6, 2, 3).transpose(0, 1, 2), X)),
    ],
    "tensorinv": [Sample(partial(np.linalg.tensorinv, ind=1), (well_conditioned(6, 6).reshape(6, 2, 3),))],
    "linalg_names": [
        Sample(np.linalg.diagonal, (T,)),
        Sample(partial(np.linalg.trace, offset=1), (T,)),
        Sample(np.linalg.matrix_transpose, (T,)),
        Sample(np.linalg.cross, (X, Y)),
        Sample(np.linalg.outer, (X[0], Y[1])),
        Sample(np.linalg.vecdot, (X, Y)),
        Sample(np.linalg.matmul, (X, Y.T)),
        Sample(partial(np.linalg.tensordot, axes=1), (X, Y.T)),
    ],
    "fft_names": [
        *(Sample(partial(f, norm=n), (T,)) for f in (np.fft.rfftn, np.fft.rfft2) for n in (None, "ortho")),
        Sample(partial(np.fft.rfftn, s=(3, 5), axes=(0, 2)), (T,)),
        *(Sample(partial(f, norm=n), (C,)) for f in (np.fft.irfftn, np.fft.irfft2) for n in (None, "forward")),
        Sample(partial(np.fft.irfftn, s=(3, 5), axes=(0, 1)), (C,)),
        *(Sample(partial(np.fft.hfft, n=n), (C,)) for n in (None, 5)),
        *(Sample(partial(np.fft.ihfft, n=n, norm="ortho"), (X,)) for n in (None, 5)),
    ],
    # ------------------------------------------------------------------------------- polynomials
    "polynomials": [
        *(Sample(f, pair) for f in (np.polyadd, np.polysub, np.polymul) for pair in ((V, X[0]), (X[0], V))),
        *(Sample(np.polydiv, pair) for pair in ((V, X[0]), (X[0], V), (V, X[0, :1]))),
        Sample(partial(np.polyder, m=2), (V,)),
        Sample(np.polyint, (V,)),
        Sample(partial(np.polyint, m=2, k=[3.0, 4.0]), (V,)),
        Sample(np.roots, (np.array([1.0, -2.0, 3.0, 0.5]),)),
        Sample(lambda p: np.roots(np.pad(p, 1)), (np.array([1.0, -3.0, 2.0]),)),
        Sample(np.poly, (V,)),
        Sample(np.poly, (A,)),
        Sample(np.poly, (np.array([1 + 2j, 0.5 - 1j]),)),
        Sample(lambda x, y: np.polyfit(x, y, 2), (V, V**2 + between(-1, 1, 5))),
        Sample(lambda x, y, w: np.polyfit(x, y, 1, w=w), (V, between(-1, 1, 5, 2), between(0.5, 1, 5))),
    ],
    # -------------------------------------------------------------------------------- statistics
    "nanquantile": [
        *(
            Sample(lambda x, m=m, f=f, q=q, k=k: f(np.where(beside(x, HOLES), np.nan, x), q, axis=1, method=m, keepdims=k), (T,))
            for m in ("linear", "lower", "hazen", "averaged_inverted_cdf")
            for f, q, k in ((np.nanquantile, 0.37, False), (np.nanpercentile, [10.0, 80.0], True))
        ),
        Sample(lambda x: np.nanquantile(np.where(beside(x, HOLES), np.nan, x), 0.6), (T,)),
    ],
    "quantile_by_steps": [
        Sample(partial(np.quantile, q=[0.0, 0.25, 0.3, 0.5, 0.75, 1.0], axis=a, method=m), (T,))
        for m in ("inverted_cdf", "averaged_inverted_cdf", "closest_observation")
        for a in (2, 1)
    ],
    "histogram": [
        Sample(lambda w: np.histogram(beside(w, V), 4, weights=w)[0], (P.ravel()[:5],)),
        Sample(
            lambda w: np.histogram(beside(w, V), beside(w, [-2.0, -1.0, 0.0, 2.2]), density=True, weights=w)[0], (P.ravel()[:5],)
        ),
        Sample(lambda w: np.histogram2d(beside(w, V), beside(w, V[::-1]), (2, 3), weights=w)[0], (P.ravel()[:5],)),
        Sample(lambda w: np.histogramdd(beside(w, np.stack([V, V**2]).T), 3, weights=w, density=True)[0], (P.ravel()[:5],)),
        Sample(lambda w: np.bincount(beside(w, [0, 3, 1, 3, 0]), w, 6), (V,)),
    ],
    # ------------------------------------------------------------------------------------- tools
    "gradient": [
        *(Sample(partial(np.gradient, edge_order=e), (between(-2, 2, 3, 4),)) for e in (1, 2)),
        Sample(lambda f: np.gradient(f, 0.5, axis=1), (T,)),
        *(Sample(lambda f, x, e=e: np.gradient(f, x, edge_order=e), (V, np.cumsum(P)[:5])) for e in (1, 2)),
        Sample(lambda f, x, h: np.gradient(f, x, h, axis=(1, 2)), (T, np.array([0.0, 1.0, 3.0]), np.array(0.7))),
    ],
    "unwrap": [Sample(np.unwrap, (V * 4,)), Sample(partial(np.unwrap, axis=0, period=3.0), (X * 5,))],
    "interp_periodic": [
        Sample(partial(np.interp, period=3.0), (between(-4, 9, 6), np.array([2.3, 0.4, 1.1]), P[0])),
    ],
    "diff_between": [
        Sample(lambda x, a: np.diff(x, prepend=a, append=1.0), (X, Y[:, :1])),
        Sample(partial(np.diff, n=2, axis=0, append=3.0), (T,)),
    ],
    "partition": [
        *(Sample(lambda x, a=a: np.take(np.partition(x, 2, axis=a), 2, axis=-1), (T,)) for a in (1, None)),
        Sample(np.sort_complex, (V,)),
    ],
    "frexp": [Sample(lambda x: np.frexp(x * 9)[0], (X,))],
    "real_if_close": [Sample(np.real_if_close, (C,)), Sample(lambda x: np.real_if_close(x + 0j), (X,))],
    "cumulative_initial": [
        Sample(partial(np.cumulative_sum, axis=1, include_initial=True), (X,)),
        Sample(partial(np.cumulative_prod, include_initial=True), (V,)),
    ],
    "meshgrid": [
        *(
            Sample(lambda x, y, i=i, s=s: np.meshgrid(x, y, indexing=i, sparse=s), (V, X[0]))
            for i in ("xy", "ij")
            for s in (False, True)
        ),
    ],
    "spaced": [
        *(Sample(lambda a, b, e=e: np.linspace(a, b, 4, endpoint=e), (X, Y)) for e in (True, False)),
        Sample(lambda a, b: np.logspace(a, b, 3), (X, Y)),
        Sample(lambda a, b: np.geomspace(a, b, 5), (P, P + 1)),
    ],
    "split_and_stack": [
        Sample(lambda x: np.dsplit(x, [1, 3]), (T,)),
        Sample(np.unstack, (T,)),
        Sample(partial(np.unstack, axis=1), (X,)),
        Sample(np.matrix_transpose, (T,)),
        Sample(partial(np.resize, new_shape=(3, 4)), (V,)),
        Sample(partial(np.resize, new_shape=2), (V,)),
    ],
    "edit": [
        *(Sample(partial(np.delete, obj=o, axis=a), (T,)) for o, a in ((1, 0), ([0, -1], 2), (slice(0, 2), 1), (5, None))),
        Sample(lambda x, v: np.insert(x, 1, v), (X, Y[0, 0])),
        Sample(lambda x, v: np.insert(x, [0, 2, 2], v), (V, Y[0])),
        Sample(lambda x, v: np.insert(x, 1, v, axis=1), (X, Y[:, 0])),
        Sample(lambda x, v: np.insert(x, [1, 3], v, axis=1), (X, Y[:, :2])),
        Sample(lambda x, v: np.insert(x, [1], v, axis=1), (X, Y[:, :2])),
        Sample(lambda x, v: np.insert(x, -1, v, axis=0), (X, Y[0])),
        Sample(lambda x: np.insert(x, slice(0, 3, 2), 7.0), (V,)),
        Sample(
            lambda x: np.insert(x, np.array([True, False, True, False, False]), 7.0), (V,), lambda x: np.insert(x, [0, 2], 7.0)
        ),
        Sample(lambda x: np.compress([True, False, True], x, axis=1), (T,)),
        Sample(lambda x: np.extract(beside(x, MASK), x), (X,)),
        Sample(lambda x: np.trim_zeros(np.where(x > 1.0, 0.0, x)), (np.array([2.0, 0.5, 2.0, 0.7, 2.0]),)),
        Sample(partial(np.diagflat, k=-1), (X,)),
    ],
    "choose": [
        Sample(lambda x, y: np.choose(beside(x, [[0, 1, 0], [1, 1, 0]]), [x, y]), (X, Y)),
        *(Sample(lambda x, y, m=m: np.choose(beside(x, [3, -1, 1]), [x, y], mode=m), (X, Y)) for m in ("wrap", "clip")),
        Sample(lambda x: np.piecewise(x, [x < -1, x > 1], [lambda t: t**2, 3.0, lambda t: -t]), (X,)),
        Sample(lambda x: np.piecewise(x, [x < 0], [np.exp, np.sin]), (X,)),
    ],
    "apply": [
        *(Sample(lambda x, a=a: np.apply_along_axis(lambda row: row[0] * row[-1], a, x), (T,)) for a in (0, -1)),
        Sample(lambda x: np.apply_along_axis(lambda row: np.stack([row, row**2]), 1, x), (T,)),
        Sample(lambda x: np.apply_over_axes(np.sum, x**2, (0, 2)), (T,)),
        Sample(mg.vectorize(lambda x, y: x * y if x > 0 else y), (X, Y[0]), np.vectorize(lambda x, y: x * y if x > 0 else y)),
    ],
    "update": [
        Sample(updated(lambda x, v: np.put(x, [0, 4, -1], v)), (X, Y[0, :2])),
        Sample(updated(lambda x, v: np.put(x, [7, 1], v, "wrap")), (X, Y[0])),
        Sample(updated(lambda x, v: np.putmask(x, beside(x, MASK), v)), (X, Y)),
        Sample(updated(lambda x, v: np.putmask(x, beside(x, MASK), v)), (X, Y[0, :2])),
        Sample(updated(lambda x, v: np.place(x, beside(x, MASK), v)), (X, Y[0])),
        Sample(updated(lambda x, v: np.copyto(x, v)), (X, Y[0])),
        Sample(updated(lambda x, v: np.copyto(x, v, where=beside(x, MASK))), (X, Y[0])),
        Sample(updated(np.fill_diagonal), (X, Y[0, :2])),
        Sample(updated(lambda x, v: np.fill_diagonal(x, v, wrap=True)), (between(-1, 1, 5, 2), Y[0, 0])),
        Sample(updated(lambda x, v: np.put_along_axis(x, beside(x, [[1], [2]]), v, 1)), (X, Y[:, :1])),
        Sample(updated(lambda x, v: np.add.at(x, [0, 0, 1], v)), (V, X[0])),
        Sample(updated(lambda x, v: np.multiply.at(x, ([0, 1], [2, 0]), v)), (X, Y[0, :2])),
        Sample(updated(lambda x: np.square.at(x, [3])), (V,)),
    ],
    # ------------------------------------------------------------------ options with gradients
    "pad_modes": [
        *(
            Sample(partial(np.pad, pad_width=((2, 1), (0, 3)), mode=mode, **options), (X,))
            for mode, options in (
                ("maximum", {}),
                ("minimum", {"stat_length": 2}),
                ("mean", {"stat_length": ((1, 2), (2, 1))}),
                ("median", {}),
                ("linear_ramp", {"end_values": ((1.0, 2.0), (3.0, 4.0))}),
                ("linear_ramp", {}),
                ("reflect", {"reflect_type": "odd"}),
                ("symmetric", {"reflect_type": "odd"}),
            )
        ),
        Sample(partial(np.pad, pad_width=7, mode="reflect", reflect_type="odd"), (X[0],)),
        Sample(partial(np.pad, pad_width={0: 1, -1: (0, 2)}, mode="edge"), (X,)),
        Sample(lambda x, v: np.pad(x, 1, constant_values=v), (X, P[:, :2])),
        Sample(lambda x, v: np.pad(x, (1, 2), constant_values=v), (X, np.array(3.0))),
        Sample(lambda x, v: np.pad(x, 2, "linear_ramp", end_values=v), (X, P[:, :2])),
        Sample(partial(np.pad, pad_width=2, mode="linear_ramp"), (C,)),
    ],
    "options": [
        Sample(partial(np.reshape, shape=(3, 2), order="F"), (X,)),
        Sample(partial(np.reshape, shape=(4, 6), order="F", copy=True), (T,)),
        Sample(partial(np.ravel, order="F"), (T,)),
        *(Sample(partial(np.take, indices=[5, -7, 2], axis=a, mode=m), (T,)) for a in (None, 2) for m in ("wrap", "clip")),
        Sample(lambda x: np.take_along_axis(x, beside(x, [[1, 0, 1]]), axis=0), (X,)),
        Sample(lambda x: np.take_along_axis(x, beside(x, [[1, 2], [0, 0]]), axis=1), (X[:1],)),
        Sample(updated(lambda x, v: np.put_along_axis(x, beside(x, [[1, 0, 1]]), v, axis=0)), (X, P[0])),
        Sample(updated(lambda x, v: np.put_along_axis(x, beside(x, [5, 0]), v, axis=None)), (X, P[0, :2])),
        *(Sample(lambda x, y, f=f: f([x, y], dtype=complex), (X, Y)) for f in (np.concatenate, np.stack, np.vstack, np.hstack)),
        Sample(partial(np.trace, dtype=complex), (X,)),
        Sample(lambda a, b: np.linspace(a, b, 4, retstep=True), (X, Y)),
        Sample(lambda a, b: np.linspace(a, b, 1, endpoint=False, axis=-1), (X, Y[0, 0])),
        Sample(lambda a, b, c: np.logspace(a, b, 3, base=c, axis=1), (X[0], Y[0], P[0])),
        Sample(lambda a, b: np.geomspace(a, b, 4, axis=-1), (-P, -P - 1)),
        Sample(lambda x, v: np.full_like(x, v, shape=(4, 3)) * x[:1], (X, Y[0])),
        Sample(lambda x, v: np.nan_to_num(np.where(beside(x, MASK), np.nan, x), nan=v), (X, Y)),
        Sample(lambda x, v: np.nan_to_num(np.where(beside(x, MASK), np.inf, x), posinf=v), (X, P[0])),
        Sample(lambda x, v: np.nan_to_num(np.where(beside(x, MASK), -np.inf, x), neginf=v), (X, P[0, 0])),
        Sample(lambda x: np.nan_to_num(np.where(beside(x, MASK), complex(np.nan, 1.0), x)), (C,)),
        Sample(lambda x, d: np.select([x > 1, x > 0], [x, x**2], d), (X, Y)),
        Sample(lambda x: np.trim_zeros(np.where(beside(x, MASK[:, :1] & MASK), x, 0.0)), (X,)),
        Sample(lambda x, p: np.unwrap(x, period=p), (V * 4, np.array(3.0))),
        Sample(lambda x, y: np.correlate(x, y, "same"), (Y[0, :2], V)),
        Sample(lambda x: np.apply_over_axes(np.sum, x, -1), (T,)),
        Sample(lambda a, b: np.meshgrid(a, b, copy=False), (V, X[0])),
    ],
    "sliding_windows": [
        Sample(partial(np.lib.stride_tricks.sliding_window_view, window_shape=w, axis=a), (x,))
        for w, a, x in ((2, None, V), ((2, 2), None, X), (3, 2, T), ((2, 3), (2, 1), T), ((1, 2), (-1, 0), T))
    ],
    # -------------------------------------------------------------------------- methods of ufuncs
    "ufunc_reduce": [
        *(
            Sample(f.reduce, (X,))
            for f in (np.add, np.multiply, np.maximum, np.subtract, np.divide, np.hypot, np.logaddexp, np.fmin)
        ),
        *(Sample(partial(f.reduce, axis=(0, 2), keepdims=True), (T,)) for f in (np.minimum, np.hypot, np.logaddexp2)),
        Sample(partial(np.maximum.reduce, axis=None, initial=0.5), (T,)),
        Sample(partial(np.subtract.reduce, axis=1), (X[:, :1],)),
        Sample(lambda x: np.multiply.reduce(x, axis=1, where=beside(x, MASK)), (X,)),
    ],
    "masked": [
        *(
            Sample(lambda x, f=f, a=a: f(x, axis=a, where=beside(x, MASK)), (X,))
            for f in (np.sum, np.prod, np.mean, np.var, np.std)
            for a in (None, 0, 1)
        ),
        *(
            Sample(lambda x, f=f, i=i: f(x, axis=1, where=beside(x, MASK), initial=i, keepdims=True), (X,))
            for f, i in ((np.max, -9.0), (np.min, 0.1), (np.sum, 2.0), (np.prod, 0.7))
        ),
        Sample(partial(np.sum, initial=2.0), (X,)),
        Sample(partial(np.prod, initial=2.0, axis=0), (C,)),
        Sample(partial(np.max, initial=0.4), (X - 5,)),
        Sample(lambda x: np.var(x, axis=1, where=beside(x, MASK), ddof=1, keepdims=True), (C,)),
        Sample(partial(np.var, where=True, axis=1, keepdims=True), (C,)),
        *(Sample(partial(f, correction=0.5, axis=1), (T,)) for f in (np.var, np.std)),
        *(
            Sample(lambda x, m, f=f, w=w: f(x, axis=1, mean=m, where=beside(x, w)), (X, P[:, :1]))
            for f in (np.var, np.std)
            for w in (MASK, True)
        ),
        Sample(lambda x, m: np.var(x, mean=m, axis=0), (C, C[:1] * 2)),
        *(Sample(lambda x, f=f: f(x, axis=1, mean=np.mean(x, axis=1, keepdims=True)), (X,)) for f in (np.var, np.std)),
        Sample(lambda x: np.add.reduce(x, axis=0, where=beside(x, MASK), initial=2.0), (X,)),
        Sample(lambda x: np.hypot.reduce(x, axis=0, where=beside(x, MASK), initial=2.0), (X,)),
        Sample(lambda x: np.subtract.reduce(x * x, axis=1, initial=2.0), (X,)),
        Sample(lambda x: np.divide.reduce(x, axis=0, where=beside(x, MASK), initial=2.0, keepdims=True), (X,)),
        Sample(lambda x: np.hypot.reduce(x, axis=(1, 0), initial=2.0), (X,)),
    ],
    "nan_masked": [
        *(
            Sample(
                lambda x, f=f, a=a: f(np.where(beside(x, HOLES2), np.nan, x), axis=a, where=beside(x, MASK2)),
                (between(-2, 2, 3, 4),),
            )
            for f in (np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd)
            for a in (None, 1)
        ),
        *(
            Sample(
                lambda x, f=f: f(np.where(beside(x, HOLES2), np.nan, x), axis=0, where=beside(x, MASK2), initial=0.1),
                (between(-2, 2, 3, 4),),
            )
            for f in (np.nanmax, np.nanmin, np.nansum)
        ),
        Sample(
            lambda x, m: np.nanvar(np.where(beside(x, HOLES2), np.nan, x), axis=1, mean=m, correction=1),
            (between(-2, 2, 3, 4), P[0, :, None]),
        ),
    ],
    "sort_options": [
        Sample(partial(np.sort, axis=None), (X,)),
        Sample(partial(np.sort, axis=0, kind="mergesort"), (T,)),
        Sample(partial(np.sort, stable=True), (T,)),
        Sample(partial(np.partition, kth=1, kind="introselect"), (X,)),
    ],
    "angle_in_degrees": [Sample(partial(np.angle, deg=True), (C + 2,))],
    "quantile_options": [
        *(
            Sample(lambda x, q, m=m: np.quantile(x, q, axis=1, method=m), (T, np.array([0.13, 0.57, 0.91])))
            for m in ("linear", "hazen", "midpoint", "averaged_inverted_cdf", "lower")
        ),
        Sample(lambda x, q: np.percentile(x, q), (T, np.array(37.0))),
        Sample(lambda x, q: np.nanquantile(np.where(beside(x, HOLES), np.nan, x), q, axis=2), (T, np.array([0.13, 0.57]))),
        Sample(lambda x, q: np.nanpercentile(np.where(beside(x, HOLES), np.nan, x), q, keepdims=True), (T, np.array(31.0))),
        *(
            Sample(lambda x, f=f, a=a: f(x, [0.2, 0.9], axis=a, weights=beside(x, P), method="inverted_cdf"), (X,))
            for f in (np.quantile, np.nanquantile)
            for a in (None, 0, 1)
        ),
    ],
    "weights_of_observations": [
        Sample(lambda x, w: np.cov(x, aweights=w), (X, P[0])),
        Sample(lambda x, w: np.cov(x, fweights=beside(x, [2, 1, 3]), aweights=w, ddof=0), (C, P[0])),
        Sample(lambda x: np.cov(x, fweights=beside(x, [2, 1, 3])), (X,)),
        Sample(lambda x, w: np.average(x, axis=(2, 0), weights=w), (T, between(0.5, 2, 4, 2))),
        Sample(lambda x, w: np.average(x, axis=1, weights=w, returned=True, keepdims=True), (T, between(0.5, 2, 3))),
    ],
    "polyfit_options": [
        Sample(lambda x, y: [np.polyfit(x, y, 2, full=True)[i] for i in (0, 1, 3)], (V, V**2 + between(-1, 1, 5))),
        *(
            Sample(lambda x, y, c=c: np.polyfit(x, y, 1, cov=c), (V, between(-1, 1, 5, *n)))
            for c in (True, "unscaled")
            for n in ((), (2,))
        ),
        Sample(lambda x, y, w: np.polyfit(x, y, 1, w=w, cov="unscaled")[1], (V, V**2, between(0.5, 1, 5))),
    ],
    "series": [
        Sample(f, (X, c), numpys)
        for f, numpys in (
            (mg.polynomial.polyval, np.polynomial.polynomial.polyval),
            (mg.polynomial.chebval, np.polynomial.chebyshev.chebval),
            (mg.polynomial.legval, np.polynomial.legendre.legval),
            (mg.polynomial.hermval, np.polynomial.hermite.hermval),
            (mg.polynomial.hermeval, np.polynomial.hermite_e.hermeval),
            (mg.polynomial.lagval, np.polynomial.laguerre.lagval),
        )
        for c in (V, V[:1], V[:2], between(-1, 1, 4, 2))
    ]
    + [
        Sample(
            partial(mg.polynomial.legval, tensor=False),
            (X, between(-1, 1, 4, 2, 3)),
            partial(np.polynomial.legendre.legval, tensor=False),
        )
    ],
    "emath": [
        *(
            Sample(lambda x, f=f: f(x), (x,))
            for f in (np.emath.sqrt, np.emath.log, np.emath.log2, np.emath.log10)
            for x in (X, P)
        ),
        *(Sample(f, (x,)) for f in (np.emath.arcsin, np.emath.arccos, np.emath.arctanh) for x in (X, X / 3)),
        Sample(np.emath.logn, (P + 1, X)),
        Sample(np.emath.logn, (X, P + 1)),
        Sample(np.emath.power, (X, Y)),
        Sample(np.emath.power, (P, Y)),
    ],
    "ufunc_accumulate": [
        Sample(partial(f.accumulate, axis=a), (T,))
        for f in (np.add, np.multiply, np.maximum, np.minimum, np.subtract, np.divide, np.logaddexp, np.fmax)
        for a in (0, 1)
    ],
    "ufunc_reduceat": [
        *(Sample(lambda x, f=f: f.reduceat(x, [0, 3, 1, 4]), (V,)) for f in (np.add, np.multiply, np.maximum, np.subtract)),
        Sample(lambda x: np.add.reduceat(x, [0, 2], axis=1), (T,)),
    ],
    "ufunc_outer": [Sample(f.outer, (X, V)) for f in (np.multiply, np.subtract, np.arctan2)],
}

#: Functions of complex numbers: holomorphic ones, and those that move or add up elements.
COMPLEX: dict[str, list[Sample]] = {
    **{
        name: [Sample(getattr(np, name), (C + shift,))]
        for names, shift in (
            ("negative square exp2 expm1 cos tan sinh cosh arcsin arccos arctan arcsinh arctanh", 0.0),
            ("reciprocal log2 log10 log1p arccosh", 2.5),
        )
        for name in names.split()
    },
    "add": [Sample(np.add, (C, X[0]))],
    "subtract": [Sample(np.subtract, (X, C))],
    "matmul": [Sample(np.matmul, (X, C.T)), Sample(np.dot, (C[0], C[1]))],
    "power": [Sample(lambda x: x**3, (C,)), Sample(lambda x: (x + 2) ** -0.5, (C,))],
    **{name: [Sample(partial(getattr(np, name), axis=a), (C,)) for a in (None, 1)] for name in ("sum", "mean", "prod", "cumsum")},
    "cumprod": [Sample(partial(np.cumprod, axis=1), (C,))],
    "reshape": [Sample(lambda x: np.reshape(x, (3, 2)), (C,))],
    "transpose": [Sample(np.transpose, (C,))],
    "concatenate": [Sample(lambda x, y: np.concatenate([x, y]), (C, X))],
    "stack": [Sample(lambda x, y: np.stack([x, y]), (X, C))],
    "where": [Sample(lambda x, y: np.where(beside(x, MASK), x, y), (C, X))],
    "getitem": [Sample(lambda x: x[:, [0, 0, 2]], (C,))],
    "assign": [Sample(updated(lambda x, v: np.copyto(x, v, where=beside(x, MASK))), (C, C[0] * 2j))],
    "pad": [Sample(lambda x: np.pad(x, 1), (C,))],
    "clone": [Sample(np.copy, (C,))],
    "pinv": [Sample(np.linalg.pinv, (ZWIDE,))],
    "det": [Sample(np.linalg.det, (np.stack([Z, Z * 1j]),))],
    "inv": [Sample(np.linalg.inv, (np.stack([Z, Z * 1j]),))],
    "convolve": [Sample(np.convolve, (C[0], C[1] * 1j))],
    "astype": [Sample(lambda x: (x.astype(complex) * 1j).imag, (X,))],
}
