"""Functions whose derivative is zero wherever it exists: comparisons, rounding, tests, indices of extrema.

They work on tensors like all others and give constants, tensors that require no gradient.
"""

from __future__ import annotations

import inspect
from operator import attrgetter
from typing import Any

import numpy as np

from .. import backend
from ..calling import call_with_options, holds_tensor
from ..hints import check_options
from ..primitive import composed
from ..tensor import Tensor, raw, wrap
from ..trees import sequence_like

__all__ = ["constants"]

_OPERATORS = {
    "less": ("__lt__",), "less_equal": ("__le__",), "greater": ("__gt__",), "greater_equal": ("__ge__",),
    "equal": ("__eq__",), "not_equal": ("__ne__",), "floor_divide": ("__floordiv__", "__rfloordiv__"),
    "bitwise_and": ("__and__", "__rand__"), "bitwise_or": ("__or__", "__ror__"),
    "bitwise_xor": ("__xor__", "__rxor__"), "invert": ("__invert__",),
    "left_shift": ("__lshift__", "__rlshift__"), "right_shift": ("__rshift__", "__rrshift__"),
}  # fmt: skip

_NAMES = (
    "less", "less_equal", "greater", "greater_equal", "equal", "not_equal",
    "logical_and", "logical_or", "logical_xor", "logical_not",
    "bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift",
    "isnan", "isinf", "isfinite", "isneginf", "isposinf", "signbit", "iscomplex", "isreal",
    "sign", "round", "around", "isclose", "floor", "ceil", "rint", "trunc", "fix", "floor_divide", "gcd", "lcm", "spacing",
    "all", "any", "argmax", "argmin", "nanargmax", "nanargmin", "argsort", "argpartition", "searchsorted",
    "nonzero", "count_nonzero", "flatnonzero", "argwhere", "digitize",
    "unique", "unique_all", "unique_counts", "unique_inverse", "unique_values", "intersect1d", "setdiff1d", "setxor1d",
    "union1d", "isin", "lexsort", "unravel_index", "ravel_multi_index", "ix_", "diag_indices_from", "tril_indices_from",
    "triu_indices_from", "histogram_bin_edges", "bitwise_count", "packbits", "unpackbits", "isnat", "linalg.matrix_rank",
)  # fmt: skip

#: The functions of bits, which floating numbers have not.
_WHOLE = ("bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift", "gcd", "lcm")


def _constant(name: str) -> None:
    """Define a function that drops the gradient, for a NumPy function of this name."""
    numpy_function = attrgetter(name)(np)
    name = numpy_function.__name__
    inputs = numpy_function.nin if isinstance(numpy_function, np.ufunc) else None

    def function(*args: Any, **kwargs: Any) -> Any:
        if inputs is not None and (kwargs or len(args) > inputs):
            return call_with_options(numpy_function, function, args, kwargs)
        try:
            out = numpy_function(*map(_plain, args), **{k: _plain(v) for k, v in kwargs.items()})
        except TypeError as error:
            if inputs is None:
                check_options(function, kwargs)
                raise
            dtypes = " and ".join(str(getattr(x, "dtype", type(x).__name__)) for x in args)
            whole = "; it takes bools and whole numbers" if name in _WHOLE else ""
            raise TypeError(f"{name} is not defined for {dtypes}{whole}") from error
        if not any(map(holds_tensor, (*args, *kwargs.values()))):
            return out
        return sequence_like(out, map(_wrap, out)) if isinstance(out, tuple) else _wrap(out)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"NumPy's `{name}`; its result is a constant (no gradient)."
    signature = inspect.signature(numpy_function)
    if not isinstance(numpy_function, np.ufunc):  # NumPy's protocol takes care of their `out`
        function.__signature__ = signature  # type: ignore[attr-defined]
    function = composed(numpy_function, operators=_OPERATORS.get(name, ()))(function)
    function.__signature__ = signature  # type: ignore[attr-defined]
    constants[name] = function


def _plain(x: Any) -> Any:
    return sequence_like(x, map(_plain, x)) if isinstance(x, (list, tuple)) else raw(x)


def _wrap(x: Any) -> Tensor:
    return wrap(backend.as_array(x), None)


#: The functions of this file by name.
constants: dict[str, Any] = {}
for _name in _NAMES:
    _constant(_name)
