"""Functions whose derivative is zero wherever it exists: comparisons, rounding, tests, indices of extrema.

They work on tensors like all others and give constants, tensors that require no gradient.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import numpy as np

from .. import backend
from ..arrays.batch import all_examples
from ..calling import call_with_options, different_devices, holds_tensor
from ..hints import check_options
from ..numpy_signatures import numpy_signature
from ..primitive import composed
from ..reasons import missing_on_gpu
from ..tensor import Tensor, raw, wrap
from ..trees import flatten, sequence_like
from .numpy_arguments import args_of

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


#: How many inputs come first that are arrays, of functions that are no ufuncs; of the others one.
_SEVERAL = dict.fromkeys(
    ("isclose", "searchsorted", "digitize", "isin", "intersect1d", "setdiff1d", "setxor1d", "union1d"), 2
)


def _of_cupy(a: Any) -> bool:
    return backend.device_of(all_examples(raw(a))) != "cpu"


def _all(a: Any, *args: Any, where: Any = True, **options: Any) -> Any:
    return np.all(a if where is True else a | ~where, *args, **options)


def _any(a: Any, *args: Any, where: Any = True, **options: Any) -> Any:
    return np.any(a if where is True else (a != 0) & where, *args, **options)


def _argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    return np.argsort(a, axis)  # the stable one, which is all there is


def _count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    a = np.stack(a) if isinstance(a, (tuple, list)) else a
    return np.sum(a != 0, axis=axis, keepdims=keepdims)


def _lexsort(keys: Any, axis: int = -1) -> Any:
    keys = np.stack(backend.side_by_side(*keys)) if isinstance(keys, (tuple, list)) else keys
    if keys.ndim > 2:
        raise NotImplementedError("lexsort: CuPy sorts keys of one axis: move to the cpu with .cpu()")
    return np.lexsort(keys)


def _searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    sorter = backend.beside(np.asarray(sorter), a) if isinstance(sorter, (list, tuple)) else sorter
    return np.searchsorted(a, v.item() if isinstance(v, np.generic) else v, side, sorter)


#: What stands for NumPy's function on a GPU, where CuPy's has fewer options or takes other arguments.
_ON_GPU: dict[str, Any] = {
    "all": _all, "any": _any, "argsort": _argsort, "count_nonzero": _count_nonzero, "lexsort": _lexsort,
    "searchsorted": _searchsorted,
}  # fmt: skip


def _compute(name: str, numpy_function: Any, args: Any, kwargs: Any) -> Any:
    """The function of the arrays underneath; lists beside an array of a GPU go there."""
    if args and type(args[0]) is np.ndarray:  # of another device no list goes beside it
        return numpy_function(*args, **kwargs)
    if any(type(x) in (list, tuple) for x in args):
        several = getattr(numpy_function, "nin", _SEVERAL.get(name, 0))
        args = [*backend.side_by_side(*args[:several]), *args[several:]]
    if name in _ON_GPU and args:
        parts = args[0] if isinstance(args[0], (tuple, list)) else args[:1]
        if any(map(_of_cupy, parts)):
            return _ON_GPU[name](*args, **kwargs)
    return numpy_function(*args, **kwargs)


def _beside(args: Any, kwargs: Any) -> tuple[list[Any], dict[str, Any]] | None:
    """Arguments with NumPy's arrays without axes, and the mask, on the GPU where others are; None where none moves."""
    there = next(raw(x) for x in args if _of_cupy(x))
    moved = [backend.beside(raw(x), there) if isinstance(raw(x), np.ndarray) and not np.ndim(x) else x for x in args]
    options, mask = dict(kwargs), kwargs.get("where", True)
    numbers = {n: v.item() for n, v in kwargs.items() if isinstance(v, np.ndarray) and not v.ndim}
    options.update(numbers)
    if mask is not True and not isinstance(mask, Tensor) and not _of_cupy(mask):
        options["where"] = backend.beside(np.asarray(mask), there)
    elif not numbers and all(a is b for a, b in zip(moved, args, strict=True)):
        return None
    return moved, options


def _constant(name: str) -> None:
    """Define a function that drops the gradient, for a NumPy function of this name."""
    numpy_function = attrgetter(name)(np)
    name = numpy_function.__name__
    inputs = numpy_function.nin if isinstance(numpy_function, np.ufunc) else None

    def function(*args: Any, **kwargs: Any) -> Any:
        if inputs is not None and (kwargs or len(args) > inputs):
            return call_with_options(numpy_function, function, args, kwargs)
        try:
            options = {k: backend.as_sizes(v) if k in ("axis", "kth") else _plain(v) for k, v in kwargs.items()}
            out = _compute(name, numpy_function, list(map(_plain, args)), options)
        except (NotImplementedError, TypeError) as error:
            if any(map(_of_cupy, args)) and (there := _beside(args, kwargs)) is not None:
                return function(*there[0], **there[1])
            if any(map(_of_cupy, flatten(args))):
                if (different := different_devices(numpy_function, args, kwargs, error)) is not None:
                    raise different from error
                if (missing := missing_on_gpu(name, error)) is not None:
                    raise missing from error
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
    function.__doc__ = f"NumPy's `{name}`; its result is a constant (no gradient).{args_of(name)}"
    signature = numpy_signature(numpy_function)
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
