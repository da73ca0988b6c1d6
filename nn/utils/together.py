"""Many arrays on a GPU at a time, in few calls: their norm, and one change of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigrad import Tensor, mark_mutated, to_device
from minigrad.arrays.flat import Layout, is_alone
from minigrad.devices import follow, on_gpu_of

__all__ = ["change_all", "copy_into", "norm_on_device"]


def norm_on_device(arrays: list[Any], norm_type: float) -> Any:
    """The norm of arrays, of which some are on a GPU, taken as one vector; no number is read back.

    Args:
        arrays: none is empty.

    Returns:
        An array without axes, where the first array is.
    """
    if norm_type == 0:  # as in PyTorch: how many arrays have a number that is not zero
        norms = [_scaled_norm(g.reshape(-1), 0) for g in arrays]
    else:
        kinds = _by_kind(arrays, lambda g: [g])
        norms = [_scaled_norm(_as_vector(same), norm_type) for same in kinds]
    if len(norms) == 1 and norm_type != 0:
        return norms[0]
    home = Tensor(arrays[0]).device
    beside = [to_device(Tensor(np.reshape(n, ())), home).data for n in norms]
    with on_gpu_of(beside):
        return _scaled_norm(np.stack(beside), norm_type)


@follow
def _as_vector(arrays: list[Any]) -> Any:
    vector = arrays[0].reshape(-1) if len(arrays) == 1 else np.concatenate(arrays, axis=None)
    return vector.astype(np.float32) if vector.dtype == np.float16 else vector


@follow
def _scaled_norm(x: Any, norm_type: float) -> Any:
    """The norm of a vector in units of its largest number, so that no square overflows."""
    if norm_type == 0:
        return np.linalg.norm(x, ord=0).astype(np.result_type(x.real.dtype, np.float32))
    sizes = np.abs(x)
    limits = np.finfo(sizes.dtype)
    unit = np.clip(sizes.max(), limits.tiny, limits.max)  # of zeros, and of infinity, a number too
    return np.linalg.norm(sizes / unit, ord=norm_type) * unit


def change_all(tensors: Iterable[Tensor], change: Callable[..., None], *others: Iterable[Tensor]) -> None:
    """Change the arrays of tensors in place, those on one GPU by one call for each dtype.

    They are moved into a buffer for that; an array that somebody else has as well is changed by
    itself, where it is.

    Args:
        tensors: each is changed once, also where it comes twice; so are arrays.
        change: changes an array in place, each number by itself; the arrays of the others follow.
        others: as many tensors each, of the same shapes and on the same devices, that are read.

    >>> x, y = Tensor([1.0]), Tensor([2.0])
    >>> change_all([x, y, x], lambda array: array.__imul__(3))
    >>> x.item(), y.item()
    (3.0, 6.0)
    """
    rows = list(zip(tensors, *others, strict=True))
    if all(isinstance(row[0].data, np.ndarray) for row in rows):
        _change_here(rows, change)
        return
    once = list({id(row[0]): row for row in rows}.values())
    together = [row for row in once if _can_move(row[0])]
    changed: set[int] = set()
    for same in _by_kind(together, lambda row: [t.data for t in row]):
        if len(same) > 1:
            _change_together(same, change)
            changed.update(id(row[0]) for row in same)
    for row in {id(row[0].data): row for row in once if id(row[0]) not in changed}.values():
        with on_gpu_of(row[0]):
            change(*(t.data for t in row))
        mark_mutated(row[0].data)


def _change_here(rows: list[tuple[Tensor, ...]], change: Callable[..., None]) -> None:
    """Change arrays in main memory, each once."""
    arrays = [[t.data for t in row] for row in rows]
    for own in {id(row[0]): row for row in arrays}.values():
        change(*own)
        mark_mutated(own[0])


def copy_into(target: Any, value: Any) -> None:
    """For `change_all`: write one array into another."""
    target[...] = value


@follow
def _change_together(rows: list[tuple[Tensor, ...]], change: Callable[..., None]) -> None:
    layout = Layout([row[0].data for row in rows])
    buffers = [layout.join([t.data for t in column]) for column in zip(*rows, strict=True)]
    change(*buffers)
    for row, part in zip(rows, layout.parts(buffers[0]), strict=True):
        row[0].data = part
        mark_mutated(part)


def _can_move(t: Tensor) -> bool:
    """Whether a tensor is on a GPU, and nobody sees that it gets another array."""
    return not isinstance(t.data, np.ndarray) and t.size > 0 and is_alone(t)


def _by_kind(items: list[Any], arrays_of: Callable[[Any], list[Any]]) -> list[list[Any]]:
    """The items by the devices and dtypes of their arrays."""
    kinds: dict[Any, list[Any]] = {}
    for item in items:
        kind = tuple((Tensor(x).device, x.dtype.char) for x in arrays_of(item))
        kinds.setdefault(kind, []).append(item)
    return list(kinds.values())
