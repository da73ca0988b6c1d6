"""Tensors that stand for other values for a while: what makes a network a function of its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..tensor import Tensor

__all__ = ["replaced"]


@contextmanager
def replaced(tensors: Sequence[Tensor], values: Sequence[Any]) -> Iterator[None]:
    """Inside, each of these tensors stands for the value in its place, with that value's graph; afterwards it is as before.

    So code that uses tensors without getting them as arguments (the parameters of a module, say) becomes a function of them.

    Args:
        values: Tensors, or arrays, of the same shapes.

    Raises:
        ValueError: a value of another shape, or another number of values.

    >>> w = Tensor([1.0, 2.0])
    >>> def loss(value):
    ...     with replaced([w], [value]):
    ...         return (w * w).sum()
    >>> grad(loss)(np.array([3.0, 4.0])), w.tolist()
    (array([6., 8.]), [1.0, 2.0])
    """
    given = [value if isinstance(value, Tensor) else Tensor(value) for value in values]
    if len(given) != len(tensors):
        raise ValueError(f"replaced: {len(tensors)} tensors, but {len(given)} values")
    for i, (tensor, value) in enumerate(zip(tensors, given, strict=True)):
        if tensor.shape != value.shape:
            raise ValueError(f"replaced: tensor {i} has shape {tensor.shape}, its value has shape {value.shape}")
    before = [(tensor, tensor._array, tensor._node) for tensor in tensors]
    try:
        for tensor, value in zip(tensors, given, strict=True):
            tensor._array, tensor._node = value._array, value._node
        yield
    finally:
        for tensor, data, node in before:
            tensor._array, tensor._node = data, node
