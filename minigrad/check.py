"""Comparison of gradients with finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import autograd
from .backward import gradients
from .tensor import Tensor

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(AssertionError):
    """A gradient differs from the finite difference; the message says where and by how much."""


def gradcheck(
    function: Callable[..., Any],
    *inputs: Any,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compare the gradients of a function with central differences (f(x + e) - f(x - e)) / 2 e, in float64.

    Args:
        function: of Tensors, returning a Tensor or several.
        inputs: arrays, numbers or Tensors; the floating and complex ones are checked, in double precision.
        eps: the step.
        atol, rtol: the tolerance, absolute and relative to the finite difference.
        raise_exception: raise `GradcheckError` where they differ; otherwise return False.

    >>> gradcheck(np.tanh, np.array([0.1, 0.5]))
    True
    >>> gradcheck(lambda x: x.detach() * x, np.array(2.0))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    minigrad.check.GradcheckError: input 0, entry (): the derivative of output 0, entry () is 2 by minigrad, 4 by ...
    """
    arrays = [_double(x) for x in inputs]
    try:
        for i, x in enumerate(arrays):
            if x.dtype.kind in "fc":
                _check_input(function, arrays, i, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(function: Callable[..., Any], *inputs: Any, order: int = 2, seed: int = 0, **tolerances: Any) -> bool:
    """Compare second (or `order`-th) derivatives with finite differences of the derivatives one order below.

    The function that is checked is the gradient of a random projection of the outputs, as a function of the
    inputs and of the projection.

    >>> gradgradcheck(np.tanh, np.array([0.1, 0.5])), gradgradcheck(np.tanh, 0.5, order=3)
    (True, True)
    """
    arrays = [_double(x) for x in inputs]
    rng = np.random.default_rng(seed)
    differentiable = [i for i, x in enumerate(arrays) if x.dtype.kind in "fc"]
    outs = _outputs(function(*(Tensor(x) for x in arrays)))
    weights = [_random_like(rng, out._data) for out in outs if out.dtype.kind in "fc"]
    n = len(inputs)

    def first(*args: Any) -> tuple[Any, ...]:
        xs, ws = list(args[:n]), args[n:]
        # A constant (in the checking of the other arguments) must be recorded too.
        for i in differentiable:
            xs[i] = xs[i] if xs[i].requires_grad else Tensor(xs[i], requires_grad=True)
        ys = [y for y in _outputs(function(*xs)) if y.dtype.kind in "fc"]
        pairs = [(y, w) for y, w in zip(ys, ws, strict=True) if y.requires_grad]
        if not pairs:
            return ()
        found = autograd.grad(
            [y for y, _ in pairs], [xs[i] for i in differentiable], [w for _, w in pairs], create_graph=True, allow_unused=True
        )
        return tuple(g for g in found if g is not None)

    if order > 2:
        return gradgradcheck(first, *arrays, *weights, order=order - 1, seed=seed + 1, **tolerances)
    return gradcheck(first, *arrays, *weights, **tolerances)


def _double(x: Any) -> np.ndarray:
    array = x.detach().numpy() if isinstance(x, Tensor) else np.asarray(x)
    wide = {"f": np.float64, "c": np.complex128}.get(array.dtype.kind)
    return array if wide is None else array.astype(wide)


def _random_like(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    w = rng.uniform(0.5, 1.5, x.shape)
    return w + 1j * rng.uniform(0.5, 1.5, x.shape) if x.dtype.kind == "c" else w


def _outputs(y: Any) -> list[Tensor]:
    return list(y) if isinstance(y, (tuple, list)) else [y]


def _check_input(function: Callable[..., Any], arrays: list[np.ndarray], i: int, eps: float, atol: float, rtol: float) -> None:
    """Compare all derivatives with respect to input i."""
    x = arrays[i]
    numeric = _numeric_jacobians(function, arrays, i, eps)
    leaves: list[Any] = [Tensor(a) for a in arrays]
    leaves[i] = Tensor(x, requires_grad=True)
    outs = _outputs(function(*leaves))
    # A complex step has two directions; what .grad shows is d/d(real) + i d/d(imaginary).
    for k, (out, columns) in enumerate(zip(outs, numeric, strict=True)):
        if out.dtype.kind not in "fc":
            continue
        for part, unit in (("", 1), (" (imaginary part)", 1j)) if out.dtype.kind == "c" else (("", 1),):
            for flat in range(out.size):
                seed = np.zeros(out.shape, out.dtype)
                seed.reshape(-1)[flat] = unit
                g = gradients([out], [leaves[i]], [seed], retain_graph=True)[0] if out.requires_grad else None
                got = np.zeros(x.shape, x.dtype) if g is None else np.asarray(g.detach().numpy())
                want = columns[..., flat].real if unit == 1 else columns[..., flat].imag
                want = (want[0] + 1j * want[1] if x.dtype.kind == "c" else want[0]).reshape(x.shape)
                if g is not None and g.shape != x.shape:
                    raise GradcheckError(f"input {i}: the gradient has shape {g.shape}, the input {x.shape}")
                wrong = ~np.isclose(got, want, rtol=rtol, atol=atol)
                if wrong.any():
                    at = tuple(int(n) for n in np.argwhere(wrong)[0])
                    entry = tuple(int(n) for n in np.unravel_index(flat, out.shape)) if out.ndim else ()
                    raise GradcheckError(
                        f"input {i}, entry {at}: the derivative of output {k}{part}, entry {entry} is {got[at]:.6g} by "
                        f"minigrad, {want[at]:.6g} by finite differences (off by {abs(got[at] - want[at]):.2g})"
                    )


def _numeric_jacobians(function: Callable[..., Any], arrays: list[np.ndarray], i: int, eps: float) -> list[np.ndarray]:
    """For each output an array [direction, input entry, output entry], direction 0 real and 1 imaginary."""
    x = arrays[i]
    directions = (1, 1j) if x.dtype.kind == "c" else (1,)
    rows: list[list[list[np.ndarray]]] = []
    for unit in directions:
        row = []
        for flat in range(x.size):
            sides = []
            for step in (eps, -eps):
                moved = x.copy()
                moved.reshape(-1)[flat] += step * unit
                args = [Tensor(moved if j == i else a) for j, a in enumerate(arrays)]
                sides.append([np.asarray(y.detach().numpy()).reshape(-1) for y in _outputs(function(*args))])
            row.append([(up.astype(np.result_type(up, 1.0)) - down) / (2 * eps) for up, down in zip(*sides, strict=True)])
        rows.append(row)
    outs = _outputs(function(*(Tensor(a) for a in arrays)))
    return [
        np.array([[column[k] for column in row] for row in rows]).reshape(len(directions), x.size, out.size)
        for k, out in enumerate(outs)
    ]
