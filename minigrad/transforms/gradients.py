"""Gradients of functions: `grad` and its kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, overload

import numpy as np

from .. import backend
from ..tensor import Tensor
from ..trees import tree_map
from .recording import Argnums, Recording, argnums_of, name_of, named, output_of, scalar_of

__all__ = [
    "egrad",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "holomorphic_grad",
    "value_and_grad",
]

#: The parameters of a function.  NumPy's stubs call a ufunc a function of single numbers first, so
#: that checkers would refuse arrays: ufuncs have an overload of their own.
P = ParamSpec("P")


@overload
def value_and_grad(
    function: np.ufunc, argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[..., tuple[Any, Any]]: ...
@overload
def value_and_grad(
    function: Callable[P, Any], argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[P, tuple[Any, Any]]: ...
def value_and_grad(
    function: Callable[..., Any], argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[..., tuple[Any, Any]]:
    """A function that returns (value, gradient) of a scalar function; for the arguments see `grad`.

    Raises:
        TypeError: as `grad`.

    >>> value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """
    argnums = argnums_of(argnums, argnum)

    @named(function, "value_and_grad", "The value and the gradient of {}")
    def wrapped(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        call = Recording(function, argnums, args, kwargs)
        out = scalar_of(call.value, function, "grad")
        leaves = call.pull([out], [backend.ones_like(out._array)])
        value = out if call.create_graph else out.detach()
        return call.give_back(value), call.arrange(leaves)

    return wrapped


@overload
def grad(
    function: np.ufunc, argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[..., Any]: ...
@overload
def grad(
    function: Callable[P, Any], argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[P, Any]: ...
def grad(
    function: Callable[..., Any], argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[..., Any]:
    """The gradient of a scalar function, as a function of the same arguments.

    Of arrays it is an array without a graph, so that no gradient goes on to tensors that the function
    closes over: pass ``Tensor(x)`` where one must.

    Args:
        function: of arrays, numbers, Tensors or trees of them; it returns one real number.
        argnums: which positional arguments to differentiate: a number, or several (then a tuple
            comes back).  Keyword arguments are handed on and not differentiated.
        argnum: the same, as HIPS/autograd calls it.

    Raises:
        TypeError: the result is not one real number; an argument is not made of floating numbers.

    >>> grad(lambda x: (1 - np.exp(-2 * x)) / (1 + np.exp(-2 * x)))(1.0)
    np.float64(0.419974341614026)
    >>> grad(grad(np.sin))(0.5) == -np.sin(0.5)
    np.True_
    >>> grad(lambda p: p["w"] * p["b"] ** 2)({"w": 2.0, "b": 3.0})
    {'w': np.float64(9.0), 'b': np.float64(12.0)}
    """
    argnums = argnums_of(argnums, argnum)

    @named(function, "grad", "The gradient of {}")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = Recording(function, argnums, args, kwargs)
        out = scalar_of(call.value, function, "grad")
        return call.arrange(call.pull([out], [backend.ones_like(out._array)]))

    return wrapped


def grad_and_aux(
    function: Callable[P, Any], argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[P, tuple[Any, Any]]:
    """For a function that returns (scalar, anything): (gradient of the scalar, anything).

    Raises:
        TypeError: the function returns no pair, or the first of it is not one real number; an argument
            is not made of floating numbers.

    >>> grad_and_aux(lambda x: (x**2, "note"))(3.0)
    (np.float64(6.0), 'note')
    """
    argnums = argnums_of(argnums, argnum)

    @named(function, "grad_and_aux", "The gradient of the first result of {}, and the second")
    def wrapped(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        call = Recording(function, argnums, args, kwargs)
        if not isinstance(call.value, (tuple, list)) or len(call.value) != 2:
            raise TypeError(
                f"grad_and_aux: {name_of(function)} must return a pair (scalar, anything), "
                f"it returned {call.value!r:.60}"
            )
        value, aux = call.value
        out = scalar_of(value, function, "grad_and_aux")
        leaves = call.pull([out], [backend.ones_like(out._array)])

        def given_back(x: Any) -> Any:
            leave = isinstance(x, Tensor) and not call.create_graph
            return call.give_back(x.detach() if leave else x)

        return call.arrange(leaves), tree_map(given_back, aux)

    return wrapped


def holomorphic_grad(
    function: Callable[P, Any], argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[P, Any]:
    """The complex derivative f'(z) of a holomorphic function that returns one complex number.

    `grad` and `backward` show the conjugate of it, the direction in which a real part grows
    fastest; here is what a textbook on complex analysis calls the derivative.

    Raises:
        TypeError: an argument is not complex; the result is not one number.

    >>> holomorphic_grad(lambda z: z**3)(1 + 1j)       # 3 z^2
    np.complex128(6j)
    >>> holomorphic_grad(holomorphic_grad(np.exp))(0j)
    np.complex128(1+0j)
    """
    argnums = argnums_of(argnums, argnum)

    @named(function, "holomorphic_grad", "The complex derivative of {}")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = Recording(function, argnums, args, kwargs)
        out, name = output_of(call.value, function), name_of(function)
        if out.size != 1:
            raise TypeError(f"holomorphic_grad needs one number; {name} returned shape {out.shape}")
        if real := [x.dtype for x in call.inputs if x.dtype.kind != "c"]:
            raise TypeError(
                f"holomorphic_grad of {name} needs complex arguments, got {real[0]}: "
                "write 1 + 0j, or use grad"
            )
        return call.arrange([np.conj(g) for g in call.pull([out], [backend.ones_like(out._array)])])

    return wrapped


@overload
def elementwise_grad(
    function: np.ufunc, argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[..., Any]: ...
@overload
def elementwise_grad(
    function: Callable[P, Any], argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[P, Any]: ...
def elementwise_grad(
    function: Callable[..., Any], argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[..., Any]:
    """The derivative of a function that works on each element by itself.

    For any other function it is the sum of each column of the Jacobian.

    Raises:
        TypeError: the result is not one array or number; an argument is not made of floating numbers.

    >>> egrad(np.tanh)(np.array([0.0, 1.0]))
    array([1.        , 0.41997434])
    """
    argnums = argnums_of(argnums, argnum)

    @named(function, "egrad", "The derivative of {}, element by element")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = Recording(function, argnums, args, kwargs)
        out = output_of(call.value, function)
        return call.arrange(call.pull([out], [backend.ones_like(out._array)]))

    return wrapped


egrad = elementwise_grad
