"""What a call of CuPy costs, where it is not one launch, and what makes the host wait.

The numbers were measured on CuPy 14.2's own code with kernels emulated on a CPU (without CUB), for small
arrays: kernels, and one for each call of cuBLAS, cuSOLVER or cuFFT.  They count launches, not time; memory
that is set or copied as a whole counts as none.  A view costs nothing wherever one comes out: this is seen
from the result, not from a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["NEVER_VIEWS", "has_mask", "launches_of", "of_reading", "of_writing", "tables_of", "waits"]

Arguments = Mapping[str, Any]
#: Up to so many arrays are joined by a launch each; more by one launch, which gets a table of their addresses.
ONE_BY_ONE = 8


# ------------------------------------------------------------------ joining


def parts_of(arguments: Arguments) -> list[Any]:
    return list(next(iter(arguments.values())))


def joined_at_once(parts: list[Any]) -> bool:
    return len(parts) > ONE_BY_ONE and len({getattr(p, "dtype", None) for p in parts}) == 1


def pieces(arguments: Arguments) -> int:
    """concatenate, stack."""
    parts = parts_of(arguments)
    return 1 if joined_at_once(parts) else len(parts)


def tables_of(name: str, arguments: Arguments) -> int:
    """Small tables that a call brings to the device: addresses, and where arrays differ in length their places."""
    if LAUNCHES.get(name) is not pieces or not joined_at_once(parts_of(arguments)):
        return 0
    return 1 if len({np.shape(p) for p in parts_of(arguments)}) == 1 else 3


# ------------------------------------------------------------------ products


def of_a_product(a: np.ndarray, b: np.ndarray) -> int:
    """One call of cuBLAS; a copy of what it cannot read as it lies; stacks that are stretched need tables of addresses."""
    if a.dtype.kind in "iub" and b.dtype.kind in "iub":
        return 2
    if a.ndim <= 2 and b.ndim <= 2:
        return 1 + sum(not (x.flags.c_contiguous or x.flags.f_contiguous) for x in (a, b))
    stretched = a.shape[:-2] != b.shape[:-2] or min(a.ndim, b.ndim) < 2
    return (4 if stretched else 1) + sum(not x.flags.c_contiguous for x in (a, b))


def matmul(arguments: Arguments) -> int:
    return of_a_product(*arguments["args"][:2])


def einsum(arguments: Arguments) -> int:
    """A product for every pair, a copy of each operand whose axes are not in its order."""
    operands = [x for x in arguments["operands"] if isinstance(x, np.ndarray)]
    if len(operands) != 2 or not isinstance(arguments["operands"][0], str):
        return max(1, 2 * len(operands) - 1)
    terms, _, out = arguments["operands"][0].replace(" ", "").partition("->")
    first, _, second = terms.partition(",")
    summed = set(first + second) - set(out)
    if not summed or set(first) == set(second):
        return 1
    return 2 if set(second[-len(summed) :]) == summed else 3


def tensordot(arguments: Arguments) -> int:
    plain = isinstance(arguments.get("axes", 2), int) or max(arguments["a"].ndim, arguments["b"].ndim) <= 2
    return 1 if plain else 3


def norm(arguments: Arguments) -> int:
    x, order, axis = arguments["x"], arguments.get("ord"), arguments.get("axis")
    if order not in (None, 2, 1, np.inf, -np.inf, "fro", "nuc"):
        return 5
    if order is not None and axis is None and x.ndim > 1:
        return 3
    if order in (1, np.inf, -np.inf):
        return 2
    return 3 if axis is None else 1


# ------------------------------------------------------------------ sorting, scanning, borders


def off_the_last(last: int, other: int) -> Callable[[Arguments], int]:
    """One number along the last axis, another along others, which must be brought to the end and back."""

    def cost(arguments: Arguments) -> int:
        a, axis = next(iter(arguments.values())), arguments.get("axis", -1)
        return last if axis is None or axis % a.ndim == a.ndim - 1 else other

    return cost


def scan(arguments: Arguments) -> int:
    """One axis, flattened, in one launch; along an axis in two."""
    return 1 if arguments.get("axis") is None else 2


def scan_of_numbers(arguments: Arguments) -> int:
    return 1 + scan(arguments)


def mean(arguments: Arguments) -> int:
    return 2 if arguments["a"].dtype == np.float16 else 1


def average(arguments: Arguments) -> int:
    return 1 if arguments.get("weights") is None else 6


def several_quantiles(arguments: Arguments) -> int:
    return 5 if np.ndim(arguments["q"]) == 0 else 4


def roll(arguments: Arguments) -> int:
    axis = arguments.get("axis")
    return 1 if axis is None else 2 * np.size(axis)


def repeat(arguments: Arguments) -> int:
    return 1 if np.ndim(arguments["repeats"]) == 0 else 5


def pad(arguments: Arguments) -> int:
    """Zeros are memory that is set; other borders are written side by side."""
    n, mode = arguments["array"].ndim, arguments.get("mode", "constant")
    if mode == "constant":
        return 1 if not np.any(arguments.get("kwargs", {}).get("constant_values", 0)) else 2 * n + 1
    return 10 * n + 1 if mode == "linear_ramp" else 4 * n - 1


def along_axis(arguments: Arguments) -> int:
    """An index of each axis, then an indexed read."""
    n = arguments["a"].ndim
    return 1 if n == 1 else 2 * n


def histogram(arguments: Arguments) -> int:
    if arguments.get("range") is not None:
        return 4
    return 3 if np.ndim(arguments.get("bins", 10)) else 13


def unique(arguments: Arguments) -> int:
    return 12 if arguments.get("return_inverse") else 11 if len(arguments) > 1 else 7


def space(arguments: Arguments) -> int:
    return 8 if any(isinstance(x, np.ndarray) for x in arguments.values()) else 2


# ------------------------------------------------------------------ indices


def index_arrays(index: Any) -> list[Any]:
    parts = index if isinstance(index, tuple) else (index,)
    return [p for p in parts if isinstance(p, (np.ndarray, list))]


def has_mask(index: Any) -> bool:
    return any(np.asarray(p).dtype == bool for p in index_arrays(index))


def of_reading(index: Any, ndim: int) -> int:
    """x[index]: an array is a take; several are first made to one; a mask is scanned, then its places are taken."""
    arrays = index_arrays(index)
    if has_mask(index):
        return 2 if np.ndim(arrays[0]) == ndim else 5
    parts = index if isinstance(index, tuple) else (index,)
    at = [i for i, p in enumerate(parts) if isinstance(p, (np.ndarray, list))]
    apart = bool(at) and at[-1] - at[0] >= len(at)
    return max(0, 2 * len(arrays) - 1) + apart


def of_writing(index: Any, ndim: int, value: Any) -> int:
    """x[index] = value, add.at(x, index, value): a number becomes an array first, for 0 by setting memory."""
    number = not isinstance(value, np.ndarray)
    if has_mask(index):
        return 2 if np.ndim(index_arrays(index)[0]) == ndim else 5
    arrays = index_arrays(index)
    if not arrays:
        return 0 if number and value == 0 else 1
    return 2 * len(arrays) - 1 + int(number and value != 0)


# ------------------------------------------------------------------ the table

#: The number of launches by the name of the function; one for all others.
LAUNCHES: dict[str, int | Callable[[Arguments], int]] = {
    "concatenate": pieces, "stack": pieces, "hstack": pieces, "vstack": pieces, "dstack": pieces,
    "column_stack": pieces, "append": 2,
    "matmul": matmul, "einsum": einsum, "tensordot": tensordot, "linalg.norm": norm,
    "empty": 0, "empty_like": 0, "zeros": 0, "zeros_like": 0,  # memory, and nothing, or zeros, in it
    "linspace": space, "logspace": 3, "geomspace": 4, "indices": 4, "diag": 1,
    "mean": mean, "average": average, "nanmax": 3, "nanmin": 3, "ptp": 3,
    "var": 3,  # the mean, the squared distances summed, the division
    "std": 4,  # the same and a root
    "nanvar": 3, "nanstd": 4, "cov": 7, "corrcoef": 12,
    "median": off_the_last(5, 7), "nanmedian": off_the_last(7, 9),
    "percentile": several_quantiles, "quantile": several_quantiles,
    "sort": off_the_last(2, 4), "partition": off_the_last(2, 4),  # a copy, and thrust's own
    "argsort": 2, "argpartition": 10, "sort_complex": 2,
    "bincount": 4, "histogram": histogram, "histogram2d": 53, "isin": 3,
    "cumsum": scan, "cumprod": scan, "nancumsum": scan_of_numbers, "nancumprod": scan_of_numbers,
    "cross": 9, "convolve": 3, "correlate": 4, "polyval": 4, "polyfit": 25, "poly": 17,
    "roll": roll, "repeat": repeat, "pad": pad, "flip": 0, "rot90": 1,
    "select": lambda arguments: 1 + len(arguments["condlist"]),
    "diff": lambda arguments: arguments.get("n", 1),
    "gradient": lambda arguments: 8 * next(iter(arguments.values())).ndim - 1,
    "interp": 2, "unwrap": 16, "trapezoid": 4, "allclose": 2, "array_equal": 2, "array_equiv": 2, "nan_to_num": 3,
    "take_along_axis": along_axis, "put_along_axis": 5, "put": 2, "place": 3, "putmask": 2, "fill_diagonal": 2,
    "tril": 2, "triu": 2, "vander": 2, "meshgrid": 2, "piecewise": 2,
    "unique": unique, "nonzero": 2, "argwhere": 2, "flatnonzero": 2, "extract": 3, "compress": 4, "delete": 5,
    "where": lambda arguments: 1 if len(arguments) > 1 else 2,
    "trim_zeros": 2, "union1d": 9, "intersect1d": 18, "setdiff1d": 20, "setxor1d": 21,
    "fft.fft": 2, "fft.fft2": 2, "fft.fftn": 2, "fft.fftfreq": 5, "fft.rfftfreq": 5,  # to complex numbers, cuFFT
    "fft.ifft": 3, "fft.ifft2": 3, "fft.ifftn": 3, "fft.irfft": 3, "fft.irfft2": 3, "fft.irfftn": 3, "fft.hfft": 3,
    "linalg.solve": 4, "linalg.inv": 4, "linalg.det": 21, "linalg.slogdet": 19,  # LU, pivots, solve
    "linalg.cholesky": 3, "linalg.qr": 4, "linalg.svd": 2, "linalg.eigh": 2, "linalg.eigvalsh": 2,
    "linalg.eig": 4, "linalg.eigvals": 3, "linalg.pinv": 10, "linalg.lstsq": 15,
    "linalg.matrix_power": 2, "linalg.matrix_rank": 7, "linalg.tensorsolve": 4, "linalg.tensorinv": 4, "linalg.cond": 5,
}  # fmt: skip

#: What is computed also where NumPy gives a view.
NEVER_VIEWS = frozenset({"diag"})

#: Functions that must know a number on the host, most of them the size of their own result, and how often.
WAITS: dict[str, int] = dict.fromkeys((
    "nonzero", "unique", "unique_all", "unique_counts", "unique_inverse", "unique_values", "argwhere",
    "flatnonzero", "extract", "compress", "delete", "place", "union1d", "histogram_bin_edges", "nanmax", "nanmin",
    "linalg.lstsq", "linalg.cond", "linalg.pinv", "roots", "save", "tolist",
), 1) | {
    "trim_zeros": 2, "bincount": 2, "argpartition": 2, "intersect1d": 3, "setdiff1d": 3, "setxor1d": 3,
    "histogram2d": 14, "histogramdd": 14, "polyfit": 3,
}  # fmt: skip


def launches_of(name: str, arguments: Arguments) -> int:
    """How many kernels a call starts that computes something."""
    cost = LAUNCHES.get(name, 1)
    return cost if isinstance(cost, int) else cost(arguments)


def waits(name: str, arguments: Arguments) -> int:
    """How often a call makes the host wait for the device."""
    if name == "where":
        return int(len(arguments) == 1)
    if name in ("linspace", "logspace", "geomspace"):
        return int(any(isinstance(x, np.ndarray) for x in arguments.values()))
    if name == "repeat":
        return 0 if np.ndim(arguments["repeats"]) == 0 else 2
    if name == "average":
        return int(arguments.get("weights") is not None)
    if name == "histogram":
        return 0 if arguments.get("range") is not None else 1 if np.ndim(arguments.get("bins", 10)) else 4
    if name == "unique":
        return 2 if arguments.get("return_counts") or arguments.get("return_index") else 1
    return WAITS.get(name, 0)
