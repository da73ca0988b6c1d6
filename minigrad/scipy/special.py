"""scipy.special on Tensors; the rules are in `minigrad.ops`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import (
    arithmetic,
    bessel,
    elementary,
    exponential,
    hypergeometric,
    orthogonal,
    probability,
    reduce,
    special,
    trigonometric,
)
from ..ops import gamma as gamma_functions
from ..ops.bessel import *  # noqa: F403
from ..ops.elementary import *  # noqa: F403
from ..ops.gamma import *  # noqa: F403
from ..ops.hypergeometric import *  # noqa: F403
from ..ops.orthogonal import *  # noqa: F403
from ..ops.probability import *  # noqa: F403
from ..ops.special import *  # noqa: F403
from ..primitive import composed, numpy_table
from ..tensor import raw

__all__ = [
    *bessel.__all__, *elementary.__all__, *gamma_functions.__all__, *hypergeometric.__all__, *orthogonal.__all__,
    *probability.__all__, *special.__all__, "cbrt", "exp2", "expit", "expm1", "log1p", "log_expit", "log_softmax",
    "logit", "logsumexp", "sinc", "softmax", "xlogy",
]  # fmt: skip

expit, log_expit, logit, xlogy = exponential.expit, exponential.log_expit, exponential.logit, exponential.xlogy
exp2, expm1, log1p = exponential.exp2, exponential.expm1, exponential.log1p
cbrt, sinc = arithmetic.cbrt, trigonometric.sinc
for _function in (exp2, expm1, log1p, cbrt, sinc):  # SciPy has its own ufuncs under NumPy's names
    numpy_table[f"scipy.special.{_function.__name__}"] = _function


@composed("scipy.special.softmax", method=False)
def softmax(x: Any, axis: Any = None) -> Any:
    """Softmax: positive numbers that sum to 1 along the axis; by default over all elements.

    >>> softmax(np.zeros((2, 2)))
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    return reduce.softmax(x, axis=axis)


@composed("scipy.special.log_softmax", method=False)
def log_softmax(x: Any, axis: Any = None) -> Any:
    """Logarithm of the softmax; by default over all elements.

    >>> log_softmax(np.array([1000.0, 0.0]))
    array([    0., -1000.])
    """
    return reduce.log_softmax(x, axis=axis)


@composed("scipy.special.logsumexp", method=False)
def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """Logarithm of a sum of exponentials, each times a factor b; with `return_sign` of the sum's absolute value.

    out = log sum_i b_i e^{a_i}

    >>> logsumexp(np.array([1000.0, 1000.0]), b=np.array([3.0, -2.0]))
    array(1000.)
    """
    if b is None and not return_sign:
        return reduce.logsumexp(a, axis=axis, keepdims=keepdims)
    largest = np.max(raw(a), axis=axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    total = np.sum(np.exp(a - largest) * (1.0 if b is None else b), axis=axis, keepdims=True)
    sign = np.sign(raw(total))
    out = np.log(total * sign if return_sign else total) + largest
    if not keepdims:
        axes = tuple(range(np.ndim(a))) if axis is None else axis
        out, sign = np.squeeze(out, axes), np.squeeze(sign, axes)
    return (out, sign) if return_sign else out
