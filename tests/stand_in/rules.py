"""What CuPy takes or gives in another way than NumPy: one function for each difference.

A check sees a call's arguments by CuPy's names and refuses, or changes, what CuPy would.
A value computes a function that NumPy does not have under this name, or computes otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .device import settings

__all__ = ["VALUES", "check"]

Arguments = dict[str, Any]
CHECKS: dict[str, Callable[[Arguments], None]] = {}
VALUES: dict[str, Callable[..., Any]] = {}


def check(name: str, arguments: Arguments) -> None:
    """Refuse the arguments of a call that CuPy refuses; change those that it takes otherwise."""
    no_lists(name, arguments)
    if name in ARRAYS_ONLY or name.startswith("linalg."):
        arrays_only(name, arguments)
    rule = CHECKS.get(name)
    if rule is not None:
        rule(arguments)


def checks(*names: str) -> Callable[[Any], Any]:
    def note(rule: Any) -> Any:
        CHECKS.update(dict.fromkeys(names, rule))
        return rule

    return note


def computes(*names: str) -> Callable[[Any], Any]:
    def note(rule: Any) -> Any:
        VALUES.update(dict.fromkeys(names, rule))
        return rule

    return note


# ------------------------------------------------------------------ lists and numbers for arrays

#: The parameters that are arrays, by their names in CuPy.
ARRAYS = frozenset({
    "A", "M", "a", "arr", "arr1", "arr2", "array", "ary", "b", "condition", "element", "f", "fp", "fweights",
    "indices", "m", "p", "q", "sorter", "test_elements", "v", "values", "weights", "x", "x1", "x2", "xp", "y",
})  # fmt: skip
#: Functions that make arrays of lists by themselves.
TAKE_LISTS = frozenset({
    "array", "asarray", "asanyarray", "average", "cross", "linalg.cross", "delete", "full", "gradient",
    "indices", "percentile", "quantile", "take", "trapezoid", "isscalar", "shape", "ndim", "put",
    "unravel_index", "ravel_multi_index", "broadcast_shapes", "ix_",
})  # fmt: skip
#: Functions that read `ndim`, `ravel()` and so on of their operands, which numbers do not have.
ARRAYS_ONLY = frozenset({
    "concatenate", "concat", "stack", "convolve", "correlate", "dot", "einsum", "inner", "interp", "matmul",
    "outer", "tensordot", "vdot",
})  # fmt: skip


def no_lists(name: str, arguments: Arguments) -> None:
    """A list of numbers is no array: CuPy asks it for `ndim`, `astype` and so on."""
    if name in TAKE_LISTS or name.startswith("random."):
        return
    for parameter, value in arguments.items():
        if parameter in ARRAYS and isinstance(value, (list, tuple)):
            raise AttributeError(f"cupy.{name}: {type(value).__name__!r} object for {parameter!r} is no array")


def arrays_only(name: str, arguments: Arguments) -> None:
    """Operands must be arrays: a number has no `ravel`, and linalg says so."""
    operands = {k: v for k, v in arguments.items() if k in ARRAYS}
    operands |= dict(enumerate(arguments.get("tup", ())))
    operands |= dict(enumerate(x for x in arguments.get("operands", ()) if not isinstance(x, (str, list))))
    for value in operands.values():
        if not isinstance(value, np.ndarray) and value is not None:
            raise TypeError(f"cupy.{name} takes arrays of the GPU only, not {type(value).__name__}")


# ------------------------------------------------------------------ creation


@checks("zeros_like", "ones_like", "empty_like", "full_like")
def shape_or_that_of_the_array(arguments: Arguments) -> None:
    """`shape if shape else a.shape`: the shape () is taken for none."""
    if not arguments.get("shape"):
        arguments.pop("shape", None)
    if arguments.pop("subok", None) is not None:
        raise TypeError("subok is not supported yet")


@checks("linalg.pinv")
def rcond_is_a_number(arguments: Arguments) -> None:
    if arguments.get("rcond", 1e-15) is None:
        raise TypeError("cupy.linalg.pinv: rcond=None is not supported: it multiplies by it")
    arguments.setdefault("rcond", 1e-15)


@checks("linalg.solve")
def stacks_of_one_shape(arguments: Arguments) -> None:
    """The stacks of matrices and right sides are not stretched to each other."""
    a, b = arguments["a"], arguments["b"]
    if b.ndim != 1 and a.shape[:-1] != b.shape[:-1]:
        raise ValueError(f"cupy.linalg.solve: a {a.shape} and b {b.shape} have different stacks")


@checks(*(f"cupyx.scipy.linalg.{name}" for name in ("expm", "lu", "lu_factor", "lu_solve", "solve_triangular")))
def one_matrix(arguments: Arguments) -> None:
    first = next(iter(arguments.values()))
    first = first[0] if isinstance(first, tuple) else first
    if first.ndim != 2:
        raise ValueError(f"expected one matrix, got an array of {first.ndim} axes")


@checks("linalg.det", "linalg.slogdet", "linalg.inv", "linalg.qr", "linalg.svd", "linalg.eigh", "linalg.eigvalsh")
def no_half_precision(arguments: Arguments) -> None:
    if arguments["a"].dtype == np.float16:
        raise TypeError("float16 is unsupported in linalg")


# ------------------------------------------------------------------ sorting, searching, statistics


@checks("lexsort")
def one_array_of_keys(arguments: Arguments) -> None:
    keys = arguments["keys"]
    if isinstance(keys, (tuple, list)):
        raise AttributeError(f"{type(keys).__name__!r} object has no attribute 'ndim'")
    if keys.ndim > 2:
        raise NotImplementedError("Keys with the rank of three or more is not supported in lexsort")


@checks("sort", "argsort")
def stable_sorts(arguments: Arguments) -> None:
    if arguments.get("kind") not in (None, "stable"):
        raise ValueError(f"kind={arguments['kind']!r} is not supported: None or 'stable'")


@checks("percentile", "quantile")
def methods_of_quantiles(arguments: Arguments) -> None:
    known = ("linear", "lower", "higher", "midpoint", "nearest")
    if arguments.get("method", "linear") not in known:
        raise ValueError(f"'interpolation' must be one of {known}, not {arguments['method']!r}")


@checks("histogram")
def histogram_of_real_numbers(arguments: Arguments) -> None:
    if arguments["x"].dtype.kind == "c":
        raise NotImplementedError("complex number is not supported")
    if isinstance(arguments.get("bins"), str):
        raise NotImplementedError("only integer and array bins are implemented")


@checks("searchsorted")
def searchsorted_of_one_axis(arguments: Arguments) -> None:
    if not isinstance(arguments["a"], np.ndarray):
        raise NotImplementedError("Only int or ndarray are supported for a")
    if not isinstance(arguments["v"], (np.ndarray, int, float, complex)):
        raise NotImplementedError("Only python scalars or ndarrays are supported for v")


# ------------------------------------------------------------------ choosing, repeating, writing


@checks("where")
def condition_is_an_array(arguments: Arguments) -> None:
    if not isinstance(arguments["condition"], np.ndarray):
        raise AttributeError(f"{type(arguments['condition']).__name__!r} object has no attribute 'astype'")


@checks("select")
def select_of_arrays(arguments: Arguments) -> None:
    if not np.isscalar(arguments.get("default", 0)):
        raise TypeError("default only accepts scalar values")
    if not all(isinstance(x, np.ndarray) for x in arguments["choicelist"]):
        raise TypeError("choicelist only accepts lists of cupy ndarrays")
    for i, condition in enumerate(arguments["condlist"]):
        if condition.dtype != bool:
            raise ValueError(f"invalid entry {i} in condlist: should be boolean ndarray")


@checks("clip")
def clip_by_something(arguments: Arguments) -> None:
    if arguments["a_min"] is None and arguments["a_max"] is None:
        raise ValueError("array_clip: must set either max or min")


@checks("repeat")
def repeats_on_the_host(arguments: Arguments) -> None:
    if isinstance(arguments["repeats"], np.ndarray):
        raise ValueError("cupy.ndaray cannot be specified as `repeats` argument.")


@checks("piecewise")
def piecewise_of_numbers(arguments: Arguments) -> None:
    if any(map(callable, arguments["funclist"])):
        raise NotImplementedError("Callable functions are not supported currently")


@checks("put_along_axis")
def put_along_an_axis(arguments: Arguments) -> None:
    if arguments["axis"] is None:
        raise NotImplementedError("Tuple setitem isn't supported for flatiter.")


@checks("trim_zeros")
def trim_one_axis(arguments: Arguments) -> None:
    if arguments["filt"].ndim > 1:
        raise NotImplementedError("Multi-dimensional trim is not supported")


@checks("packbits", "unpackbits")
def bits_of_all_axes(arguments: Arguments) -> None:
    if arguments.get("axis") is not None:
        raise NotImplementedError("axis option is not supported yet")


@checks("interp")
def contiguous_points(arguments: Arguments) -> None:
    if not arguments["x"].flags.c_contiguous:
        raise NotImplementedError("Non-C-contiguous x is currently not supported")


@checks("einsum")
def einsum_without_options(arguments: Arguments) -> None:
    unknown = arguments.get("kwargs", {}).keys() - {"optimize", "dtype"}
    if unknown:
        raise TypeError(f"Did not understand the following kwargs: {sorted(unknown)}")


# ------------------------------------------------------------------ what a GPU does not raise


@computes("allclose")
def allclose(a: Any, b: Any, **options: Any) -> Any:
    """An array of one bool, which nobody has read."""
    return np.bool_(np.allclose(a, b, **options))


@computes("array_equal")
def array_equal(a1: Any, a2: Any, **options: Any) -> Any:
    return np.bool_(np.array_equal(a1, a2, **options))


@computes("array_equiv")
def array_equiv(a1: Any, a2: Any) -> Any:
    return np.bool_(np.array_equiv(a1, a2))


@computes("take")
def take(a: Any, indices: Any, axis: Any = None, out: Any = None) -> Any:
    """Indices wrap around; the CPU's errors are kept where nothing asks to see the difference."""
    return np.take(a, indices, axis, out, mode="wrap" if settings.lenient else "raise")


@computes("take_along_axis")
def take_along_axis(a: Any, indices: Any, axis: Any = -1) -> Any:
    if settings.lenient:
        indices = indices % (a.size if axis is None else a.shape[axis])
    return np.take_along_axis(a, indices, axis)


def raises() -> bool:
    """Whether singular matrices raise: always, but for `installed(lenient=True)` without errstate."""
    return not settings.lenient or settings.linalg == "raise"


@computes("linalg.solve")
def solve(a: Any, b: Any) -> Any:
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        if raises():
            raise
    return one_by_one(lambda a, b: np.linalg.solve(a, b), np.full_like(b, np.nan, dtype=np.result_type(a, b, 1.0)), a, b)


@computes("linalg.inv")
def inv(a: Any) -> Any:
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        if raises():
            raise
    return one_by_one(np.linalg.inv, np.full_like(a, np.inf, dtype=np.result_type(a, 1.0)), a)


@computes("linalg.eig")
def eig(a: Any) -> Any:
    """The eigenvalues are complex, also where NumPy gives real ones."""
    values, vectors = np.linalg.eig(a)
    kind = np.result_type(values, np.complex64)
    return values.astype(kind), vectors.astype(kind)


@computes("linalg.eigvals")
def eigvals(a: Any) -> Any:
    values = np.linalg.eigvals(a)
    return values.astype(np.result_type(values, np.complex64))


@computes("cupyx.scipy.linalg.solve_triangular")
def solve_triangular(a: Any, b: Any, **options: Any) -> Any:
    from scipy.linalg import solve_triangular as of_scipy

    try:
        return of_scipy(a, b, **options)
    except np.linalg.LinAlgError:
        if raises():
            raise
    return np.full_like(b, np.inf, dtype=np.result_type(a, b, 1.0))


@computes("linalg.cholesky")
def cholesky(a: Any) -> Any:
    try:
        return np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        if raises():
            raise
    return one_by_one(np.linalg.cholesky, np.full_like(a, np.nan, dtype=np.result_type(a, 1.0)), a)


def one_by_one(function: Any, out: Any, *stacks: Any) -> Any:
    """The function of each matrix of a stack; those on which it fails keep what `out` holds."""
    for i in np.ndindex(stacks[0].shape[:-2]):
        try:
            out[i] = function(*(s[i] for s in stacks))
        except np.linalg.LinAlgError:
            continue
    return out
