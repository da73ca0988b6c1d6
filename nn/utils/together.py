"""Many arrays on a GPU at a time, in few calls: their norm, and one change of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigrad import Tensor, mark_mutated, to_device
from minigrad.arrays.flat import Layout, is_alone

__all__ = ["change_all", "norm_on_device"]


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
        kinds = _by_kind(arrays, lambda g: g)
        norms = [_scaled_norm(_as_vector(same), norm_type) for same in kinds]
    if len(norms) == 1:
        return norms[0]
    home = Tensor(arrays[0]).device
    beside = [to_device(Tensor(np.reshape(n, ())), home).data for n in norms]
    return _scaled_norm(np.stack(beside), norm_type)


def _as_vector(arrays: list[Any]) -> Any:
    vector = arrays[0].reshape(-1) if len(arrays) == 1 else np.concatenate(arrays, axis=None)
    return vector.astype(np.float32) if vector.dtype == np.float16 else vector


def _scaled_norm(x: Any, norm_type: float) -> Any:
    """The norm of a vector in units of its largest number, so that no square overflows."""
    if norm_type == 0:
        return np.linalg.norm(x, ord=0).astype(np.float32)
    sizes = np.abs(x)
    limits = np.finfo(sizes.dtype)
    unit = np.clip(sizes.max(), limits.tiny, limits.max)  # of zeros, and of infinity, a number too
    return np.linalg.norm(sizes / unit, ord=norm_type) * unit


def change_all(tensors: Iterable[Tensor], change: Callable[[Any], None]) -> None:
    """Change the arrays of tensors in place, those on one GPU by one call for each dtype.

    They are moved into a buffer for that; an array that somebody else has as well is changed by
    itself, where it is.

    Args:
        tensors: each is changed once, also where it comes twice; so are arrays.
        change: changes an array in place, each number by itself.

    >>> x, y = Tensor([1.0]), Tensor([2.0])
    >>> change_all([x, y, x], lambda array: array.__imul__(3))
    >>> x.item(), y.item()
    (3.0, 6.0)
    """
    once = list({id(t): t for t in tensors}.values())
    together = [t for t in once if _on_device(t.data) and t.size and is_alone(t)]
    changed: set[int] = set()
    for same in _by_kind(together, lambda t: t.data):
        if len(same) > 1:
            _change_together(same, change)
            changed.update(map(id, same))
    for array in {id(t.data): t.data for t in once if id(t) not in changed}.values():
        change(array)
        mark_mutated(array)


def _change_together(tensors: list[Tensor], change: Callable[[Any], None]) -> None:
    layout = Layout([t.data for t in tensors])
    buffer = layout.join([t.data for t in tensors])
    change(buffer)
    for t, part in zip(tensors, layout.parts(buffer), strict=True):
        t.data = part
        mark_mutated(part)


def _on_device(array: Any) -> bool:
    return not isinstance(array, np.ndarray)


def _by_kind(items: list[Any], array_of: Callable[[Any], Any]) -> list[list[Any]]:
    """The items by the device and dtype of their arrays."""
    kinds: dict[Any, list[Any]] = {}
    for item in items:
        array = array_of(item)
        kinds.setdefault((Tensor(array).device, array.dtype.char), []).append(item)
    return list(kinds.values())
