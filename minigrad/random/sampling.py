"""Elements and orders drawn at random: choice, shuffle, permutation.

Which elements are drawn is a constant; a gradient reaches the elements themselves.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .. import backend
from ..devices import follow
from ..later import Condition, check_later
from ..tensor import Tensor
from .state import device_of, generator, on_device

__all__ = ["choice", "permutation", "shuffle"]


@follow
def choice(
    a: Any, size: Any = None, replace: bool = True, p: Any = None, axis: int = 0, *, device: Any = None
) -> Any:
    """Elements of a, or slices of it along an axis; of range(a) where a is a number.

    Args:
        size: how many, a number or a shape; None for one.
        replace: whether an element may be drawn twice.
        p: (n,), the probability of each element; by default all are equal.

    >>> sorted(choice(3, size=3, replace=False).tolist())
    [0, 1, 2]
    >>> choice(["a", "b"], size=2, p=[0.0, 1.0])
    array(['b', 'b'], dtype='<U1')
    """
    one_of = np.ndim(a) == 0
    device = device_of(a, p, device=device)
    n = int(a) if one_of else np.shape(a)[axis]
    shape = () if size is None else tuple(np.atleast_1d(size).tolist())
    if n <= 0 and prod(shape):
        raise ValueError(f"choice: there is nothing to choose from, a has {n} elements along axis {axis}")
    index = _chosen(n, shape, replace, None if p is None else _probabilities(on_device(p, device), n), device)
    if one_of:
        return Tensor(index)
    if isinstance(a, Tensor):
        return np.take(a.to(device), index, axis=axis)
    a = a if backend.is_array(a) else np.asarray(a)
    if a.dtype.kind not in "biufc":  # words, which are in main memory
        return np.take(a, backend.on_host(index), axis=axis)
    return Tensor(np.take(on_device(a, device), index, axis=axis))


def _probabilities(p: Any, n: int) -> Any:
    if p.shape != (n,):
        raise ValueError(f"choice: p must have shape ({n},), one probability for each element, got {p.shape}")

    def wrong(_: Any, total: Any) -> ValueError:
        return ValueError(f"choice: p must be probabilities that sum to 1, they sum to {float(total):.6g}")

    sums_to_1 = Condition(lambda least, total: (least >= 0) & (abs(total - 1.0) < 1e-5), wrong)
    check_later(sums_to_1, p.min() if p.size else 0.0, p.sum())
    return p.astype(np.float64)


def _chosen(n: int, shape: tuple[int, ...], replace: bool, p: Any, device: Any) -> Any:
    """Random indices below n."""
    draw = generator(device)
    if replace and p is None:
        return backend.as_array(draw.integers(0, n, shape))
    if replace:
        ends = np.cumsum(p)
        return backend.as_array(np.searchsorted(ends, draw.random(shape) * ends[-1], side="right"))
    count = prod(shape)
    possible = n if p is None else int((p > 0).sum())
    if count > possible:
        raise ValueError(
            f"choice: cannot draw {count} different elements out of {possible} (replace=False)"
        )
    if p is None:
        order = np.argsort(draw.random(n))
    else:  # the first arrivals, if element i comes after an exponential time of mean 1 / p_i
        with np.errstate(divide="ignore"):
            order = np.argsort(draw.standard_exponential(n) / p)
    return order[:count].reshape(shape)


@follow
def permutation(x: Any, axis: int = 0, *, device: Any = None) -> Tensor:
    """A shuffled copy of x, along an axis; of 0, 1, ... x - 1 where x is a number.

    >>> sorted(permutation(4).tolist())
    [0, 1, 2, 3]
    >>> sorted(permutation(np.array([2.0, 1.0])).tolist())
    [1.0, 2.0]
    """
    device = device_of(x, device=device)
    if np.ndim(x) == 0:
        return Tensor(_order(int(x), device))
    x = x.to(device) if isinstance(x, Tensor) else Tensor(on_device(x, device))
    return np.take(x, _order(np.shape(x)[axis], device), axis=axis)


@follow
def shuffle(x: Any, axis: int = 0) -> None:
    """Bring the elements of x into random order, in place; along the first axis, or another one.

    On a Tensor in a graph it is recorded, as all writing in place.

    >>> x = [1, 2, 3]; shuffle(x); sorted(x)
    [1, 2, 3]
    """
    if isinstance(x, Tensor) or backend.is_array(x):
        x[...] = np.take(x, _order(np.shape(x)[axis], device_of(x)), axis=axis)
        return
    if axis != 0:
        raise TypeError(f"shuffle: axis={axis} needs an array or a Tensor, got {type(x).__name__}")
    x[:] = [x[i] for i in _order(len(x), "cpu")]


def _order(n: int, device: Any) -> Any:
    """0 to n - 1 in random order; CuPy's generator has no permutation of its own."""
    return np.argsort(generator(device).random(n))
