"""What `autograd.misc` has: optimizers of plain functions, and `flatten`.

An optimizer takes the gradient as a function of (x, i), where i counts the steps from 0, and x0,
where to begin: an array, a number or a tree of them (`minigrad.trees`), which is not changed.
Before each step it calls `callback(x, i, gradient)`, if there is one.  Functions that do not take
these arguments are a TypeError.  It returns the last x, and can be differentiated, for instance
with respect to `step_size`.  For networks there is `nn.optim`.

>>> minimum = adam(lambda x, i: 2 * (x - 3.0), np.array([0.0]), num_iters=1000, step_size=0.1)
>>> minimum.round(3)
array([3.])
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from . import trees
from .trees import ravel_tree

__all__ = ["adam", "flatten", "rmsprop", "sgd"]

Gradient = Callable[[Any, int], Any]
Callback = Callable[[Any, int, Any], Any] | None

flatten = ravel_tree


def sgd(
    grad: Gradient,
    x0: Any,
    callback: Callback = None,
    num_iters: int = 200,
    step_size: float = 0.1,
    mass: float = 0.9,
) -> Any:
    """Gradient descent with momentum: v = mass v - (1 - mass) g;  x = x + step_size v.

    Args:
        grad: the gradient, a function of (x, i), where i counts the steps from 0.
        x0: where to begin: an array, a number or a tree of them; it is not changed.
        callback: called before each step, as callback(x, i, gradient).
        num_iters: how many steps are taken.
        step_size, mass: as in the formula.

    >>> sgd(lambda x, i: 2 * x, np.array([1.0, -1.0])).round(3)
    array([-0.,  0.])
    """

    def step(i: int, g: Any, v: Any) -> tuple[Any, Any]:
        v = mass * v - (1 - mass) * g
        return step_size * v, v

    return _minimized(grad, x0, callback, num_iters, step, (np.zeros_like,))


def rmsprop(
    grad: Gradient,
    x0: Any,
    callback: Callback = None,
    num_iters: int = 100,
    step_size: float = 0.1,
    gamma: float = 0.9,
    eps: float = 1e-8,
) -> Any:
    """Steps divided by the root of a running mean of squares, which starts at 1 (Hinton, 2012).

    s = gamma s + (1 - gamma) g^2;  x = x - step_size g / (sqrt(s) + eps)

    Args:
        grad: the gradient, a function of (x, i), where i counts the steps from 0.
        x0: where to begin: an array, a number or a tree of them; it is not changed.
        callback: called before each step, as callback(x, i, gradient).
        num_iters: how many steps are taken.
        step_size, gamma, eps: as in the formula.

    >>> rmsprop(lambda x, i: 2 * x, np.array([1.0]), num_iters=1000, step_size=0.001).round(2)
    array([0.03])
    """

    def step(i: int, g: Any, s: Any) -> tuple[Any, Any]:
        s = gamma * s + (1 - gamma) * g**2
        return -step_size * g / (np.sqrt(s) + eps), s

    return _minimized(grad, x0, callback, num_iters, step, (np.ones_like,))


def adam(
    grad: Gradient,
    x0: Any,
    callback: Callback = None,
    num_iters: int = 100,
    step_size: float = 0.001,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
) -> Any:
    """Adam (Kingma and Ba, 2015).

    m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  with t = i + 1:
    x = x - step_size (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

    Args:
        grad: the gradient, a function of (x, i), where i counts the steps from 0.
        x0: where to begin: an array, a number or a tree of them; it is not changed.
        callback: called before each step, as callback(x, i, gradient).
        num_iters: how many steps are taken.
        step_size, b1, b2, eps: as in the formula.

    >>> adam(lambda p, i: {"w": 2 * p["w"]}, {"w": 1.0}, num_iters=1)["w"].round(6)
    np.float64(0.999)
    """

    def step(i: int, g: Any, m: Any, v: Any) -> tuple[Any, Any, Any]:
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        mean, square = m / (1 - b1 ** (i + 1)), v / (1 - b2 ** (i + 1))
        return -step_size * mean / (np.sqrt(square) + eps), m, v

    return _minimized(grad, x0, callback, num_iters, step, (np.zeros_like, np.zeros_like))


def _minimized(
    grad: Gradient,
    x0: Any,
    callback: Callback,
    num_iters: int,
    step: Callable[..., tuple[Any, ...]],
    starts: tuple[Callable[[Any], Any], ...],
) -> Any:
    """The x after all steps; a step maps (i, g, *state) of a leaf to its (change, *state)."""
    _must_take(grad, "the gradient", (x0, 0), "a function of (x, i), i the number of the step: lambda x, i: grad(f)(x)")
    if callback is not None:
        _must_take(callback, "callback", (x0, 0, x0), "a function of (x, i, gradient)")
    x = x0
    states = [tuple(start(leaf) for start in starts) for leaf in trees.flatten(x0)]
    for i in range(num_iters):
        g = grad(x, i)
        if callback is not None:
            callback(x, i, g)
        columns = trees.vectors_like(x, g, "the gradient")
        moved = [step(i, leaf, *state) for leaf, state in zip(columns, states, strict=True)]
        changes, states = [m[0] for m in moved], [m[1:] for m in moved]
        x = trees.tree_map(np.add, x, trees.unflatten(x, iter(changes)))
    return x


def _must_take(function: Any, what: str, arguments: tuple[Any, ...], expected: str) -> None:
    """An error where a function does not take these arguments, as far as its signature tells."""
    fits = callable(function)
    if fits:
        try:
            inspect.signature(function).bind(*arguments)
        except TypeError:
            fits = False
        except ValueError:  # a function written in C
            return
    if not fits:
        raise TypeError(f"{what} must be {expected}; it is {getattr(function, '__name__', function)!r:.60}")
