"""Gradients of functions: `grad` and its kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import Tensor
from ..trees import tree_map
from .recording import Argnums, Recording, name_of, named, output_of, scalar_of

__all__ = ["egrad", "elementwise_grad", "grad", "grad_and_aux", "holomorphic_grad", "value_and_grad"]


def value_and_grad(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., tuple[Any, Any]]:
    """A function that returns (value, gradient) of a scalar function.

    >>> value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """

    @named(function, "value_and_grad")
    def wrapped(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        call = Recording(function, argnums, args, kwargs)
        out = scalar_of(call.value, function, "grad")
        leaves = call.pull([out], [np.ones_like(out._data)])
        value = out if call.create_graph else out.detach()
        return call.give_back(value), call.arrange(leaves)

    return wrapped


def grad(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The gradient of a scalar function, as a function of the same arguments.

    Args:
        argnums: which positional arguments to differentiate: a number, or several (then a tuple comes back).

    >>> grad(lambda x: (1 - np.exp(-2 * x)) / (1 + np.exp(-2 * x)))(1.0)
    np.float64(0.419974341614026)
    >>> grad(grad(np.sin))(0.5) == -np.sin(0.5)
    np.True_
    """
    both = value_and_grad(function, argnums)
    return named(function, "grad")(lambda *args, **kwargs: both(*args, **kwargs)[1])


def grad_and_aux(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., tuple[Any, Any]]:
    """For a function that returns (scalar, anything): (gradient of the scalar, anything).

    >>> grad_and_aux(lambda x: (x**2, "note"))(3.0)
    (np.float64(6.0), 'note')
    """

    @named(function, "grad_and_aux")
    def wrapped(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        call = Recording(function, argnums, args, kwargs)
        value, aux = call.value
        out = scalar_of(value, function, "grad_and_aux")
        leaves = call.pull([out], [np.ones_like(out._data)])
        detached = tree_map(lambda a: a.detach() if isinstance(a, Tensor) and not call.create_graph else a, aux)
        return call.arrange(leaves), tree_map(call.give_back, detached)

    return wrapped


def holomorphic_grad(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The complex derivative f'(z) of a holomorphic function that returns one complex number.

    `grad` and `backward` show the conjugate of it, the direction in which a real part grows fastest; here is what a
    textbook on complex analysis calls the derivative.  Arguments must be complex.

    >>> holomorphic_grad(lambda z: z**3)(1 + 1j)       # 3 z^2
    np.complex128(6j)
    >>> holomorphic_grad(holomorphic_grad(np.exp))(0j)
    np.complex128(1+0j)
    """

    @named(function, "holomorphic_grad")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = Recording(function, argnums, args, kwargs)
        out = output_of(call.value, function)
        if out.size != 1:
            raise TypeError(f"holomorphic_grad needs one number; {name_of(function)} returned shape {out.shape}")
        if real := [x.dtype for x in call.inputs if x.dtype.kind != "c"]:
            raise TypeError(f"holomorphic_grad needs complex arguments, got {real[0]}: write 1 + 0j, or use grad")
        return call.arrange([np.conj(g) for g in call.pull([out], [np.ones_like(out._data)])])

    return wrapped


def elementwise_grad(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The derivative of a function that works on each element by itself (the sum of each Jacobian column).

    >>> egrad(np.tanh)(np.array([0.0, 1.0]))
    array([1.        , 0.41997434])
    """

    @named(function, "egrad")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = Recording(function, argnums, args, kwargs)
        out = output_of(call.value, function)
        return call.arrange(call.pull([out], [np.ones_like(out._data)]))

    return wrapped


egrad = elementwise_grad
