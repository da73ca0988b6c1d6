"""The methods of Tensor that take other parameters than NumPy's function of their name: ndarray's.

The other methods are the functions themselves, with the tensor as their first argument.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..hints import explain_options
from ..primitive import method
from ..tensor import Tensor
from . import conversion, edit, index, scan, select, update
from . import shape as shapes

__all__: list[str] = []


@method
def reshape(self: Tensor, *shape: Any, order: str = "C", copy: bool | None = None) -> Tensor:
    """The same elements in another shape, given as numbers or a tuple; see `minigrad.reshape`.

    >>> Tensor([1.0, 2.0]).reshape(2, 1).shape
    (2, 1)
    """
    return shapes.reshape(self, shape[0] if len(shape) == 1 else shape, order, copy=copy)


@method
def transpose(self: Tensor, *axes: Any) -> Tensor:
    """Axes in another order, given as numbers or a tuple, by default reversed.

    >>> Tensor([[[1.0, 2.0]]]).transpose(2, 0, 1).shape
    (2, 1, 1)
    """
    if len(axes) == 1 and not isinstance(axes[0], int):
        return shapes.transpose(self, axes[0])
    return shapes.transpose(self, axes or None)


def _reversed(self: Tensor) -> Tensor:
    """The tensor with its axes in reverse order."""
    return shapes.transpose(self)


def _matrix_transposed(self: Tensor) -> Tensor:
    """The tensor with its last two axes exchanged."""
    return shapes.matrix_transpose(self)


Tensor.permute = Tensor.permute_dims = Tensor.transpose  # type: ignore[attr-defined]
Tensor.T = property(_reversed)  # type: ignore[attr-defined, assignment]
Tensor.mT = property(_matrix_transposed)  # type: ignore[attr-defined, assignment]


@method
def ravel(self: Tensor, order: str = "C") -> Tensor:
    """All elements in one axis; order "C" or "F".

    >>> Tensor([[1.0, 2.0], [3.0, 4.0]]).ravel("F").tolist()
    [1.0, 3.0, 2.0, 4.0]
    """
    return shapes.ravel(self, order)


@method
@explain_options
def flatten(self: Tensor, order: str = "C") -> Tensor:
    """All elements in one axis, as `ravel`; `minigrad.flatten(x, start, end)` joins some axes.

    >>> Tensor([[1.0, 2.0], [3.0, 4.0]]).flatten().shape
    (4,)
    """
    if isinstance(order, int):
        raise TypeError(
            f"Tensor.flatten takes an order as ndarray.flatten does, not the axis {order}: "
            f"write minigrad.flatten(x, {order})"
        )
    return shapes.ravel(self, order)


@method
def astype(
    self: Tensor,
    dtype: Any,
    order: str = "K",
    casting: Any = "unsafe",
    subok: bool = True,
    copy: bool = True,
) -> Tensor:
    """The values in another dtype; to integers or bools the result is a constant.

    Args:
        order: "K", "A" or "C"; the values of a tensor have no order in memory.
        casting: how far the conversion may go, as in `numpy.can_cast`.
        copy: False gives the same memory where nothing is to be converted.

    >>> Tensor([1.5]).astype("float64").dtype
    dtype('float64')
    """
    if order not in ("K", "A", "C"):
        raise ValueError(
            f"astype: order {order!r} is not supported; tensors have no order in memory"
        )
    if casting != "unsafe" and not np.can_cast(self.dtype, dtype, casting):
        raise TypeError(
            f"astype: cannot convert {self.dtype} to {np.dtype(dtype)} with casting={casting!r}"
        )
    return conversion.astype(self, dtype, copy=copy)


@method
def take(
    self: Tensor, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise"
) -> Tensor:
    """Elements, or slices along an axis, at integer indices; see `minigrad.take`.

    >>> Tensor([10.0, 20.0, 30.0]).take([2, 0])
    Tensor([30., 10.], dtype=float32)
    """
    return index.take(self, indices, axis, out, mode)


@method
def compress(self: Tensor, condition: Any, axis: int | None = None, out: Any = None) -> Tensor:
    """The slices along an axis for which a condition holds.

    >>> Tensor([[1.0, 2.0], [3.0, 4.0]]).compress([False, True], 0)
    Tensor([[3., 4.]], dtype=float32)
    """
    return edit.compress(condition, self, axis, out)


@method
def choose(self: Tensor, choices: Any, out: Any = None, mode: str = "raise") -> Tensor:
    """For each of these integers k the element of the k-th choice; see `minigrad.choose`.

    >>> Tensor([0, 1]).choose([Tensor([1.0, 2.0]), Tensor([10.0, 20.0])])
    Tensor([ 1., 20.], dtype=float32)
    """
    return select.choose(self, choices, out, mode)


@method
def clip(
    self: Tensor, min: Any = None, max: Any = None, out: Any = None, **kwargs: Any  # noqa: A002
) -> Tensor:  # fmt: skip
    """The values, held between two bounds (None: no bound); at a bound the gradient passes.

    >>> Tensor([-1.0, 0.5, 2.0]).clip(0.0, 1.0)
    Tensor([0. , 0.5, 1. ], dtype=float32)
    """
    return select.clip(self, min, max, out, **kwargs)


@method
def put(self: Tensor, indices: Any, values: Any, mode: str = "raise") -> None:
    """Write values at indices of the flattened tensor; recorded, as `x[index] = value` is.

    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> x.put([0, 2], 9.0); x
    Tensor([9., 2., 9.], dtype=float32)
    """
    update.put(self, indices, values, mode)


@method
def sort(
    self: Tensor, axis: int = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> None:
    """Sort in place along an axis, as ndarray.sort; recorded.  `minigrad.sort(x)` gives a sorted copy.

    >>> x = Tensor([3.0, 1.0, 2.0])
    >>> x.sort(); x
    Tensor([1., 2., 3.], dtype=float32)
    """
    self[...] = scan.sort(self, operator.index(axis), kind, order, stable=stable)


@method
def partition(
    self: Tensor, kth: Any, axis: int = -1, kind: Any = "introselect", order: Any = None
) -> None:
    """Bring the k-th smallest element along an axis to place k, in place; recorded.

    `minigrad.partition(x, k)` gives a copy.

    >>> x = Tensor([3.0, 1.0, 2.0])
    >>> x.partition(0); x[0]
    Tensor(1., dtype=float32)
    """
    self[...] = scan.partition(self, kth, operator.index(axis), kind, order)


@method
def fill(self: Tensor, value: Any) -> None:
    """Write one value everywhere; recorded, as `x[...] = value` is.

    >>> x = Tensor([1.0, 2.0])
    >>> x.fill(7.0); x
    Tensor([7., 7.], dtype=float32)
    """
    if np.ndim(value):
        raise ValueError(f"fill: expected one number, got shape {np.shape(value)}")
    self[...] = value
