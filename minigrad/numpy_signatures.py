"""The parameters of NumPy's functions, also of those in C, which tell theirs from NumPy 2.4 on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["numpy_signature"]


def _of_ufunc(ufunc: np.ufunc) -> inspect.Signature:
    """What NumPy 2.4 says of an elementwise ufunc with one result."""
    inputs = ["x"] if ufunc.nin == 1 else [f"x{i}" for i in range(1, ufunc.nin + 1)]
    options = {"where": True, "casting": "same_kind", "order": "K", "dtype": None, "subok": True, "signature": None}
    kinds = inspect.Parameter
    return inspect.Signature(
        [
            *(kinds(name, kinds.POSITIONAL_ONLY) for name in inputs),
            kinds("out", kinds.POSITIONAL_OR_KEYWORD, default=None),
            *(kinds(name, kinds.KEYWORD_ONLY, default=default) for name, default in options.items()),
        ]
    )


def _lexsort(keys, axis=-1): ...  # type: ignore[no-untyped-def]
def _packbits(a, /, axis=None, bitorder="big"): ...  # type: ignore[no-untyped-def]
def _unpackbits(a, /, axis=None, count=None, bitorder="big"): ...  # type: ignore[no-untyped-def]
def _ravel_multi_index(multi_index, dims, mode="raise", order="C"): ...  # type: ignore[no-untyped-def]
def _unravel_index(indices, shape, order="C"): ...  # type: ignore[no-untyped-def]


_IN_C = {f.__name__[1:]: f for f in (_lexsort, _packbits, _unpackbits, _ravel_multi_index, _unravel_index)}


def numpy_signature(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of a function of NumPy's, in every version of NumPy that is supported.

    Raises:
        ValueError: where neither NumPy nor this file knows it.

    >>> list(numpy_signature(np.lexsort).parameters), list(numpy_signature(np.isnan).parameters)[:2]
    (['keys', 'axis'], ['x', 'out'])
    """
    try:
        return inspect.signature(function)
    except ValueError:
        if isinstance(function, np.ufunc):
            return _of_ufunc(function)
        if function.__name__ not in _IN_C:
            raise
        return inspect.signature(_IN_C[function.__name__])
