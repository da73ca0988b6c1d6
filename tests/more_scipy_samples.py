"""More rows for scipy.special, scipy.linalg and scipy.signal; SciPy's own values are the oracle.

They draw their arrays without changing those of other rows: at the end the generator goes back to where it was.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import scipy.linalg
import scipy.signal
import scipy.special as special

from minigrad.ops import bessel, decompositions, elementary, filtering, probability, spectral
from minigrad.scipy import signal

from .samples import Sample, between, binary, rng, unary
from .scipy_samples import A, B, K, M, N, U, V, W, X

_before = rng.bit_generator.state

ORDERS = np.array([0, 1, 4])
SPECIAL: dict[str, list[Sample]] = {
    # ---------------------------------------- hypergeometric, elliptic integrals, power transforms
    "hyp0f1": [Sample(partial(special.hyp0f1, 1.5), (X,), order=3)],
    "hyp1f1": [Sample(partial(special.hyp1f1, 0.7, 1.5), (X - 1.5,), order=3)],
    "hyp2f1": [Sample(partial(special.hyp2f1, 0.7, 0.4, 1.5), (U - 0.5,), order=3)],
    "ellipk": [*unary(special.ellipk, -2.0, 0.9), Sample(special.ellipk, (np.array([0.0, 0.99]),))],
    "ellipkm1": [*unary(special.ellipkm1, 0.05, 1.9), Sample(special.ellipkm1, (np.array([1.0, 0.5, 1e-3]),))],
    "ellipe": [*unary(special.ellipe, -2.0, 0.9), Sample(special.ellipe, (np.array([0.0]),))],
    "spence": [*unary(special.spence, 0.3, 3), Sample(special.spence, (np.array([1.0]),))],
    "exprel": [*unary(special.exprel), Sample(special.exprel, (np.array([0.0, 1e-9]),))],
    "boxcox": [*binary(special.boxcox, A, X - 1.5), Sample(special.boxcox, (A[0], np.array(0.0)))],
    "boxcox1p": [*binary(special.boxcox1p, A - 1.2, X - 1.5), Sample(special.boxcox1p, (A[0], np.array(0.0)))],
    "inv_boxcox": [*binary(special.inv_boxcox, U, X - 1), Sample(special.inv_boxcox, (U[0], np.array(0.0)))],
    "inv_boxcox1p": [*binary(special.inv_boxcox1p, U, X - 1), Sample(special.inv_boxcox1p, (U[0], np.array(0.0)))],
    # ---------------------------------------------------------------------- elementary functions
    "cosm1": unary(special.cosm1),
    "powm1": binary(special.powm1, A, B - 2),
    **{name: unary(getattr(special, name), -80.0, 80.0) for name in ("sindg", "cosdg", "tandg")},
    "huber": binary(special.huber, A, B * 2 - 5),
    "pseudo_huber": binary(special.pseudo_huber, A, B - 2),
    "shichi": [Sample(special.shichi, (X,)), Sample(lambda x: special.shichi(x)[0], (X - 1,), order=3)],
    "lambertw": [
        *(Sample(elementary.lambertw, (x,), special.lambertw) for x in (X + 0j, X + 1j)),
        Sample(partial(elementary.lambertw, k=1), (X + 1j,), partial(special.lambertw, k=1)),
    ],
    "wrightomega": unary(special.wrightomega),
    "wofz": [Sample(special.wofz, (X + 0.5j,))],
    # ------------------------------------------------------------------------------- probability
    "loggamma": unary(special.loggamma, 0.3, 3),
    "poch": binary(special.poch, A, B),
    "binom": binary(special.binom, A + 4, B),
    "owens_t": binary(special.owens_t, A - 2, B - 2),
    "ndtri_exp": unary(special.ndtri_exp, -3.0, -0.2),
    # -------------------------------------------------------------------- orthogonal polynomials
    **{
        name: [Sample(partial(getattr(special, name), n, *rest), (X - 1,), order=3) for n in (4, 1, 0)]
        for name, rest in {
            "eval_jacobi": (0.5, 0.3), "eval_gegenbauer": (0.7,), "eval_chebyt": (), "eval_chebyu": (), "eval_legendre": (),
            "eval_genlaguerre": (0.4,), "eval_laguerre": (), "eval_hermite": (), "eval_hermitenorm": (),
        }.items()
    },
    # ----------------------------------------------------------------------------- Airy, Struve
    "airy": [Sample(special.airy, (X - 1.5,)), Sample(lambda x: special.airy(x)[3], (X - 1.5,), order=3)],
    "struve": [Sample(partial(special.struve, v), (X,), order=3) for v in (0, 1.5)],
    "modstruve": [Sample(partial(special.modstruve, v), (X,), order=3) for v in (0, 1.5)],
}  # fmt: skip

TALL = between(-1, 1, 4, 3) + np.eye(4, 3)

LINALG: dict[str, list[Sample]] = {
    "lu": [
        Sample(decompositions.lu, (x,), scipy.linalg.lu)
        for x in (M, TALL, TALL.T.copy(), K, np.stack([M, N]), TALL + 0.3j * TALL[::-1])
    ],
    "polar": [
        *(Sample(decompositions.polar, (x,), scipy.linalg.polar) for x in (M, TALL, K, M[::-1].copy())),
        *(Sample(partial(decompositions.polar, side="left"), (x,), partial(scipy.linalg.polar, side="left"))
          for x in (M, TALL.T.copy())),
    ],
    "lfilter": [
        Sample(filtering.lfilter, args, scipy.signal.lfilter)
        for args in (
            (between(0.2, 1, 3), np.array([2.0, 0.4, -0.3]), between(-1, 1, 6)),
            (between(0.2, 1, 2), np.array([1.5, 0.4, -0.3, 0.1]), between(-1, 1, 2, 4)),
            (between(0.2, 1, 5), np.array([1.5]), between(-1, 1, 3)),
            (between(0.2, 1, 3) + 0.3j, np.array([1.5, 0.4j]), between(-1, 1, 5) - 0.2j),
        )
    ] + [Sample(partial(filtering.lfilter, axis=0), (W[0], np.array([1.0, 0.5]), W), partial(scipy.signal.lfilter, axis=0))],
}  # fmt: skip


def _stft(module: Any, **options: Any) -> Any:
    return lambda x: module.stft(x, **options)[2]


def _istft(module: Any, **options: Any) -> Any:
    return lambda z: module.istft(z, **options)[1]


SIGNAL, IMAGE, PATCH = between(-1, 1, 2, 14), between(-1, 1, 4, 5), between(-1, 1, 2, 3)
SPECTRA = scipy.signal.stft(SIGNAL, nperseg=6, noverlap=4)[2]
STFT: list[dict[str, Any]] = [
    {"nperseg": 6}, {"nperseg": 6, "noverlap": 4, "boundary": None, "padded": False},
    {"nperseg": 5, "nfft": 8, "boundary": "even"},
    {"nperseg": 4, "window": ("gaussian", 1.5), "boundary": "odd", "scaling": "psd", "fs": 3.0},
    {"window": np.array([0.5, 1.0, 0.7]), "nperseg": 3, "noverlap": 1, "boundary": "constant", "return_onesided": False},
]  # fmt: skip

MADE: dict[str, list[Sample]] = {
    "stft": [Sample(_stft(spectral, **o), (SIGNAL,), _stft(scipy.signal, **o)) for o in STFT]
    + [Sample(_stft(spectral, nperseg=4, axis=0), (SIGNAL.T.copy(),), _stft(scipy.signal, nperseg=4, axis=0))],
    "istft": [
        Sample(_istft(spectral, **o), (SPECTRA,), _istft(scipy.signal, **o))
        for o in ({"noverlap": 4}, {"noverlap": 4, "boundary": False, "fs": 2.0, "scaling": "psd", "window": "hamming"})
    ],
    "hilbert": [
        Sample(partial(spectral.hilbert, **o), (SIGNAL,), partial(scipy.signal.hilbert, **o)) for o in ({}, {"N": 9}, {"axis": 0})
    ],
    "detrend": [
        Sample(partial(spectral.detrend, **o), (SIGNAL,), partial(scipy.signal.detrend, **o))
        for o in ({}, {"type": "constant"}, {"axis": 0})
    ],
    "sosfilt": [
        Sample(
            filtering.sosfilt,
            (np.array([[1.0, 0.4, 0.2, 1.0, -0.3, 0.1], [0.5, 0, 0.1, 1.0, 0.2, 0]]), SIGNAL),
            lambda s, x: scipy.signal.sosfilt(s, x),
        )
    ],
    **{
        name: [
            Sample(
                partial(getattr(signal, name), mode=m, boundary=b, fillvalue=f),
                (IMAGE, PATCH),
                partial(getattr(scipy.signal, name), mode=m, boundary=b, fillvalue=f),
            )
            for m in ("full", "same", "valid")
            for b, f in (("fill", 0), ("fill", 0.5), ("wrap", 0), ("symm", 0))
        ]
        for name in ("convolve2d", "correlate2d")
    },
    "oaconvolve": [Sample(signal.oaconvolve, (IMAGE, PATCH), scipy.signal.oaconvolve)],
    "lu_solve": [
        *(
            Sample(
                lambda a, b, t=t: decompositions.lu_solve(decompositions.lu_factor(a), b, t),
                (M[::-1].copy(), b),
                lambda a, b, t=t: scipy.linalg.lu_solve(scipy.linalg.lu_factor(a), b, t),
            )
            for t in (0, 1, 2)
            for b in (V, W)
        ),
        Sample(
            lambda a, b: decompositions.lu_solve(decompositions.lu_factor(a), b, 2),
            (K, W + 1j),
            lambda a, b: np.linalg.solve(a.conj().T, b),
        ),
    ],
    "lu_factor": [
        Sample(lambda a: decompositions.lu_factor(a)[0], (x,), lambda a: scipy.linalg.lu_factor(a)[0])
        for x in (M, TALL, TALL.T.copy())
    ],
    **{
        name: [
            Sample(partial(getattr(bessel, name), v, n=n), (X + 0.3,), partial(getattr(special, name), v, n=n))
            for v, n in ((0, 1), (1.5, 2), (2, 0), (1, 3))
        ]
        for name in ("jvp", "yvp", "ivp", "kvp")
    },
    "softplus": [Sample(elementary.softplus, (A - 2,), special.softplus)],
    **{name: [Sample(getattr(special, name), (A, 2 * X))] for name in ("chdtr", "chdtrc")},
    **{name: [Sample(getattr(special, name), (X,))] for name in ("cbrt", "exp2", "expm1", "log1p")},
}  # fmt: skip

#: Distribution functions with rules of their own.
SPECIAL |= {
    "chdtri": [Sample(special.chdtri, (A, U))],
    **{name: [Sample(getattr(special, name), (A, B, X))] for name in ("gdtr", "gdtrc", "fdtr", "fdtrc")},
    "fdtri": [Sample(special.fdtri, (A, B, U))],
    **{
        name: [Sample(partial(getattr(probability, name), k), (X,), partial(getattr(special, name), k)) for k in (ORDERS, 1)]
        for name in ("pdtr", "pdtrc")
    },
    **{
        name: [
            Sample(partial(getattr(probability, name), k, 6), (U,), partial(getattr(special, name), k, 6)) for k in (ORDERS, 1)
        ]
        for name in ("bdtr", "bdtrc", "nbdtr", "nbdtrc")
    },
}

rng.bit_generator.state = _before
