"""The leaves of a tree as NumPy arrays that travel, and what comes back as the caller's kinds."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor, beside, raw
from minigrad.backend import on_host
from minigrad.later import is_on_gpu
from minigrad.tracing import is_traced
from minigrad.trees import flatten, paths, unflatten

__all__ = ["Leaves", "as_buffer", "countable"]

NUMBERS = (bool, int, float, complex)


class Leaves:
    """The leaves of a tree.

    Args:
        name: of the function that the tree was given to, for errors.
        reduces: the operation that the values go into, if any.
        is_ragged: whether the length of axis 0 may differ from rank to rank.
        needs_axis: whether a leaf needs an axis 0.
        stays: whether arrays of a GPU stay there.

    Attributes:
        arrays: copies of the leaves, contiguous; in this process's memory, or where they are.
        described: dtypes and shapes, which must be the same on all ranks.
        is_tensor: whether the first leaf is a Tensor.
    """

    def __init__(
        self, name: str, tree: Any, reduces: str | None = None, is_ragged: bool = False, needs_axis: bool = False,
        stays: bool = False,
    ) -> None:  # fmt: skip
        self._tree, self._given = tree, flatten(tree)
        names = paths(tree, "x")
        self.arrays = [as_buffer(name, path, x, stays) for path, x in zip(names, self._given, strict=True)]
        if reduces is not None:
            self.arrays = [countable(x, reduces) for x in self.arrays]
        if needs_axis and not all(x.ndim for x in self.arrays):
            raise ValueError(f"{name}: needs arrays with an axis 0 to divide, got a number")
        shapes = [f"(any, {', '.join(map(str, x.shape[1:]))})" if is_ragged and x.ndim else str(x.shape) for x in self.arrays]
        rows = zip(names, self.arrays, shapes, strict=True)
        self.described = ", ".join(f"{path}: {x.dtype} {shape}" for path, x, shape in rows) or "nothing"
        self.is_tensor = bool(self._given) and isinstance(self._given[0], Tensor)

    def check_range(self, ranks: int, op: str) -> None:
        """Raise an error where a sum or product of Python's integers, which know no bounds, may leave int64.

        Raises:
            ValueError: it may.
        """
        if op not in ("sum", "prod") or ranks == 1:
            return
        for x in self._given:
            if type(x) is int and (abs(x) * ranks if op == "sum" else abs(x) ** ranks) >= 1 << 63:
                raise ValueError(
                    f"all_reduce: the {op} of {x} on {ranks} ranks may leave int64: pass a float, or all_gather the numbers"
                )

    def tree(self, arrays: list[np.ndarray]) -> Any:
        """The tree with other values."""
        return unflatten(self._tree, iter([_like(x, given) for x, given in zip(arrays, self._given, strict=True)]))

    def trees(self, columns: list[list[np.ndarray] | None]) -> list[Any] | None:
        """For each rank a tree, from the values that each leaf has on the ranks."""
        if any(column is None for column in columns):
            return None
        return [self.tree(list(row)) for row in zip(*columns, strict=True)]  # type: ignore[arg-type]


def as_buffer(name: str, path: str, x: Any, stays: bool = False) -> Any:
    """A copy of a leaf that MPI can read and write; or NCCL, where arrays of a GPU stay there.

    Raises:
        TypeError: it is no number, array or Tensor; it is inside of vmap or compile; or its gradient or mask would be lost.
        ValueError: it is an integer that does not fit into int64.
    """
    if isinstance(x, Tensor) and x.requires_grad:
        raise TypeError(
            f"{name}: {path} requires a gradient, which would be lost; pass {path}.detach(), or take sum_over_ranks({path})"
        )
    array = raw(x)
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name}: {path} is a masked array, whose mask would be lost; pass {path}.filled(value), and the mask")
    if isinstance(array, int) and not -(1 << 63) <= array < 1 << 63:
        raise ValueError(f"{name}: {path}, a number of {array.bit_length()} bits, does not fit into int64; pass a float")
    if is_traced(array) or hasattr(array, "level"):
        raise TypeError(f"{name}: ranks cannot meet inside of vmap or minigrad.compile; call it outside of them")
    if not (stays and is_on_gpu(array)):
        array = np.asarray(on_host(array))
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{name}: {path} must be a number, an array or a Tensor, got {type(x).__name__}")
    return array.astype(array.dtype.newbyteorder("="), order="C")  # a copy; MPI knows this machine's bytes alone


def countable(x: np.ndarray, op: str) -> np.ndarray:
    """In the dtype in which NumPy reduces: truth values are counted, small integers do not overflow, a mean is a float."""
    if x.dtype.kind not in "biu" or op in ("max", "min"):
        return x
    return x.astype(np.float64 if op == "mean" else np.uint64 if x.dtype.kind == "u" else np.int64)


def _like(x: np.ndarray, given: Any) -> Any:
    """A result as the kind of what was given, and where that is."""
    if isinstance(given, NUMBERS):
        return x.item()
    if isinstance(given, np.generic):
        return x[()]
    if isinstance(given, Tensor):
        return Tensor(beside(x, given))
    return beside(x, given)
