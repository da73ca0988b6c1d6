"""Products with matrices of derivatives that are never made: Hessian, Jacobian, Gauss-Newton.

The vector v is a tree like the argument (or the result) that it belongs to, and has its shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..trees import vectors_like
from .gradients import grad
from .pullbacks import pull_back, push_forward
from .recording import Argnums, Recording, argnums_of, name_of, named, split_last

__all__ = [
    "ggnvp",
    "hessian_tensor_product",
    "hessian_vector_product",
    "hvp",
    "make_ggnvp",
    "make_hvp",
    "tensor_jacobian_product",
    "vector_jacobian_product",
]


def hvp(
    function: Callable[..., Any], argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[..., Any]:
    """hvp(f)(x, ..., v): the Hessian times v, for the cost of two gradients.

    v is nested as the argument is, has its shapes, and comes last.

    Raises:
        TypeError: v is missing.
        ValueError: v is not nested as the argument is, or its shapes differ.

    >>> hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    argnums = argnums_of(argnums, argnum)
    at = make_hvp(function, argnums)

    @named(function, "hvp", "The product of the Hessian of {} with v", last="v")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        primals, v = split_last(args, argnums, "hvp", "v", function)
        return at(*primals, **kwargs)(v)

    return wrapped


hessian_tensor_product = hessian_vector_product = hvp


def make_hvp(
    function: Callable[..., Any], argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[..., Callable[[Any], Any]]:
    """make_hvp(f)(x)(v): the Hessian times v.  The gradient is recorded once for all v.

    Raises:
        ValueError: v is not nested as the argument is, or its shapes differ.

    >>> make_hvp(lambda x: x**3)(2.0)(1.0)
    np.float64(12.0)
    """
    argnums = argnums_of(argnums, argnum)
    gradient = grad(function, argnums)

    def at(*args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        # The Hessian is symmetric: a pull-back of the gradient multiplies with it.
        call = Recording(gradient, argnums, args, kwargs)
        return pull_back(call, f"hvp of {name_of(function)}: v")[1]

    return at


def tensor_jacobian_product(
    function: Callable[..., Any], argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Callable[..., Any]:
    """tensor_jacobian_product(f)(x, ..., v): v, of the result's shape, times the Jacobian.

    Raises:
        TypeError: v is missing.
        ValueError: v is not nested as the result is, or its shapes differ.

    >>> tensor_jacobian_product(lambda x: x**2)(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([2., 4.])
    """
    argnums = argnums_of(argnums, argnum)

    @named(function, "vjp", "The product of v with the Jacobian of {}", last="v")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        primals, v = split_last(args, argnums, "tensor_jacobian_product", "v", function)
        call = Recording(function, argnums, primals, kwargs)
        return pull_back(call, f"tensor_jacobian_product of {name_of(function)}: v")[1](v)

    return wrapped


vector_jacobian_product = tensor_jacobian_product


def half_square(y: Any) -> Any:
    """The loss whose Hessian is the identity."""
    return np.sum(y**2) / 2


def ggnvp(
    function: Callable[..., Any],
    loss: Callable[[Any], Any] = half_square,
    argnums: Argnums = 0,
    *,
    argnum: Argnums | None = None,
) -> Callable[..., Any]:
    """ggnvp(f, loss)(x, ..., v): the generalised Gauss-Newton matrix J^T H J times v.

    J is the Jacobian of f and H the Hessian of the loss at f(x); by default H is the identity.
    (Schraudolph, "Fast curvature matrix-vector products", 2002.)

    Raises:
        TypeError: v is missing.
        ValueError: v is not nested as the argument is, or its shapes differ.

    >>> ggnvp(lambda x: x**2)(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 4., 16.])
    """
    argnums = argnums_of(argnums, argnum)
    at = make_ggnvp(function, loss, argnums)

    @named(function, "ggnvp", "The product of the Gauss-Newton matrix of {} with v", last="v")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        primals, v = split_last(args, argnums, "ggnvp", "v", function)
        return at(*primals, **kwargs)(v)

    return wrapped


def make_ggnvp(
    function: Callable[..., Any],
    loss: Callable[[Any], Any] = half_square,
    argnums: Argnums = 0,
    *,
    argnum: Argnums | None = None,
) -> Callable[..., Callable[[Any], Any]]:
    """make_ggnvp(f, loss)(x)(v): as `ggnvp`.

    Raises:
        ValueError: v is not nested as the argument is, or its shapes differ.

    >>> make_ggnvp(lambda x: 3 * x)(1.0)(1.0)
    np.float64(9.0)
    """
    argnums = argnums_of(argnums, argnum)

    def at(*args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        call = Recording(function, argnums, args, kwargs)
        value, pull = pull_back(call, "ggnvp")  # its cotangent is made below, and fits
        times_hessian = make_hvp(loss)(value)

        def product(v: Any) -> Any:
            directions = vectors_like(call.chosen, v, f"ggnvp of {name_of(function)}: v")
            return pull(times_hessian(push_forward(call, directions)))

        return product

    return at
