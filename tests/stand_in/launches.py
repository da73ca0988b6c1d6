"""What a call of CuPy costs, where it is not one launch, and what makes the host wait.

The numbers follow CuPy's Python sources where a function is written there, and are estimates where it
is compiled; they count kernels, not time.  A view costs nothing wherever one comes out: this is seen
from the result, not from a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["launches_of", "waits"]


def pieces(arguments: Mapping[str, Any]) -> int:
    """concatenate, stack: one kernel for arrays of one dtype and layout; else a copy for each."""
    parts = next(iter(arguments.values()))
    return 1 if len({getattr(p, "dtype", None) for p in parts}) == 1 else len(parts)


def einsum(arguments: Mapping[str, Any]) -> int:
    """A transposed copy of each operand and one product for every pair."""
    operands = [x for x in arguments["operands"] if isinstance(x, np.ndarray)]
    return max(1, 2 * len(operands) - 1)


#: The number of launches by the name of the function; one for all others.
LAUNCHES: dict[str, int | Callable[[Mapping[str, Any]], int]] = {
    "concatenate": pieces, "stack": pieces, "hstack": pieces, "vstack": pieces, "dstack": pieces,
    "einsum": einsum,
    "empty": 0, "empty_like": 0,  # memory, and nothing in it
    "var": 3,  # the mean, the squared distances summed, the division
    "std": 4,  # the same and a root
    "nanvar": 4, "nanstd": 5, "nanmean": 3,
    "average": 4,  # the product, two sums, the division
    "median": 4,  # a copy, a partition (itself a sort), two takes, the mean
    "percentile": 6, "quantile": 6, "nanmedian": 6,  # a sort, indices, two takes, the blend
    "sort": 2, "argsort": 2, "partition": 2, "argpartition": 2,  # thrust: a copy, a radix sort
    "lexsort": 3,
    "searchsorted": 1, "digitize": 2, "histogram": 4, "bincount": 3,
    "cumsum": 2, "cumprod": 2,  # a scan in two passes
    "tensordot": 3,  # two transposed copies, one product
    "cross": 6,  # three components of two products each
    "kron": 2, "outer": 1, "inner": 2, "trace": 2,
    "roll": 2, "tile": 2, "repeat": 2, "pad": 3, "flip": 0, "rot90": 1,
    "where": 1, "select": 4, "choose": 1, "clip": 1,
    "diff": 1, "gradient": 6, "interp": 4, "unwrap": 6, "ediff1d": 2, "trapezoid": 4,
    "isclose": 4, "allclose": 5, "array_equal": 2, "nan_to_num": 1,
    "take_along_axis": 4,  # an index grid of each axis, then an indexed read
    "tril": 2, "triu": 2, "vander": 2, "meshgrid": 2, "indices": 2, "fill_diagonal": 1,
    "unique": 5, "nonzero": 3, "argwhere": 4, "flatnonzero": 3, "extract": 4,
    "linalg.solve": 4, "linalg.inv": 4, "linalg.det": 4, "linalg.slogdet": 4,  # LU, pivots, solve
    "linalg.cholesky": 3, "linalg.qr": 5, "linalg.svd": 5, "linalg.eigh": 4, "linalg.eigvalsh": 4,
    "linalg.eig": 5, "linalg.eigvals": 5, "linalg.pinv": 10, "linalg.lstsq": 12,
    "linalg.matrix_power": 4, "linalg.matrix_rank": 8, "linalg.norm": 3, "linalg.tensorsolve": 5,
    "linalg.tensorinv": 5,
}  # fmt: skip

#: Functions that must know a number on the host, most of them the size of their own result.
WAITS = frozenset({
    "nonzero", "unique", "unique_all", "unique_counts", "unique_inverse", "unique_values", "argwhere",
    "flatnonzero", "extract", "compress", "delete", "trim_zeros", "union1d", "intersect1d", "setdiff1d",
    "setxor1d", "in1d", "bincount", "histogram", "histogram2d", "histogramdd", "histogram_bin_edges",
    "repeat", "allclose", "array_equal", "array_equiv", "linspace", "logspace", "geomspace",
    "linalg.matrix_rank", "linalg.lstsq", "linalg.cond", "roots", "piecewise", "save", "tolist",
})  # fmt: skip


def launches_of(name: str, arguments: Mapping[str, Any]) -> int:
    """How many kernels a call starts that computes something."""
    cost = LAUNCHES.get(name, 1)
    return cost if isinstance(cost, int) else cost(arguments)


def waits(name: str, arguments: Mapping[str, Any]) -> bool:
    """Whether a call makes the host wait for the device."""
    if name == "where":
        return len(arguments) == 1
    if name in ("linspace", "logspace", "geomspace"):
        return any(isinstance(x, np.ndarray) for x in arguments.values())
    if name == "repeat":
        return isinstance(arguments.get("repeats"), np.ndarray)
    return name in WAITS
