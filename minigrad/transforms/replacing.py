"""Tensors that stand for other values for a while: what makes a network a function of its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any

from ..tensor import Tensor

__all__ = ["replaced"]

#: Which tensors stand for another value now, by `id`, and the `replaced` that made them so.
_holders: dict[int, object] = {}
#: The `replaced` that are open in this thread and task.
_own: ContextVar[tuple[object, ...]] = ContextVar("minigrad_replaced", default=())
_lock = Lock()


@contextmanager
def replaced(tensors: Sequence[Tensor], values: Sequence[Any]) -> Iterator[None]:
    """Inside, each of these tensors stands for the value in its place, with that value's graph; afterwards it is as before.

    So code that uses tensors without getting them as arguments (the parameters of a module, say) becomes a function of them.

    Args:
        values: Tensors, or arrays, of the same shapes.

    Raises:
        ValueError: a value of another shape, another number of values, or a tensor that stands there twice.
        RuntimeError: another thread or task has replaced one of the tensors, and has not put it back yet.

    >>> w = Tensor([1.0, 2.0])
    >>> def loss(value):
    ...     with replaced([w], [value]):
    ...         return (w * w).sum()
    >>> grad(loss)(np.array([3.0, 4.0])), w.tolist()
    (array([6., 8.]), [1.0, 2.0])
    """
    given = _fitting(tensors, values)
    holder = object()
    with _lock:
        outer = [_holder_of(tensor) for tensor in tensors]
        before = [(tensor._array, tensor._node) for tensor in tensors]
        for tensor, value in zip(tensors, given, strict=True):
            _holders[id(tensor)] = holder
            tensor._array, tensor._node = value._array, value._node
    token = _own.set((*_own.get(), holder))
    try:
        yield
    finally:
        with _lock:
            for tensor, (data, node), above in zip(tensors, before, outer, strict=True):
                tensor._array, tensor._node = data, node
                if above is None:
                    del _holders[id(tensor)]
                else:
                    _holders[id(tensor)] = above
        _own.reset(token)


def _fitting(tensors: Sequence[Tensor], values: Sequence[Any]) -> list[Tensor]:
    """The values as Tensors, one for each tensor."""
    given = [value if isinstance(value, Tensor) else Tensor(value) for value in values]
    if len(given) != len(tensors):
        raise ValueError(f"replaced: {len(tensors)} tensors, but {len(given)} values")
    places: dict[int, int] = {}
    for i, (tensor, value) in enumerate(zip(tensors, given, strict=True)):
        if tensor.shape != value.shape:
            raise ValueError(f"replaced: tensor {i} has shape {tensor.shape}, its value has shape {value.shape}")
        first = places.setdefault(id(tensor), i)
        if first != i:
            raise ValueError(f"replaced: tensors {first} and {i} are one and the same: it can stand for one value only")
    return given


def _holder_of(tensor: Tensor) -> object | None:
    """The `replaced` around this one that holds the tensor; an error where it is none of this thread and task."""
    holder = _holders.get(id(tensor))
    if holder is not None and holder not in _own.get():
        raise RuntimeError(
            f"replaced: another thread or task has replaced {tensor.name or 'a tensor'} of shape {tensor.shape} and not put it "
            "back yet: give each thread a module of its own (copy.deepcopy), or let one wait for the other"
        )
    return holder
