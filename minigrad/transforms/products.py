"""Products with matrices of derivatives that are never made: Hessian, Jacobian, Gauss-Newton."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..trees import flatten
from .gradients import grad
from .pullbacks import jvp, vjp
from .recording import named

__all__ = [
    "ggnvp",
    "hessian_tensor_product",
    "hvp",
    "make_ggnvp",
    "make_hvp",
    "tensor_jacobian_product",
    "vector_jacobian_product",
]


def hvp(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """hvp(f)(x, ..., v): the Hessian times v, for the cost of two gradients.

    v is nested as the argument is, and comes last.

    >>> hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """

    @named(function, "hvp")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        *primals, v = args
        gradient = grad(function, argnums)

        def along_v(*inner: Any) -> Any:
            g = flatten(gradient(*inner, **kwargs))
            return sum(np.sum(a * b) for a, b in zip(g, flatten(v), strict=True))

        return grad(along_v, argnums)(*primals)

    return wrapped


hessian_tensor_product = hvp


def make_hvp(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Callable[[Any], Any]]:
    """make_hvp(f)(x)(v): the Hessian times v.

    >>> make_hvp(lambda x: x**3)(2.0)(1.0)
    np.float64(12.0)
    """
    return lambda *args: lambda v: hvp(function, argnums)(*args, v)


def tensor_jacobian_product(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """tensor_jacobian_product(f)(x, ..., v): v, of the output's shape, times the Jacobian.

    >>> tensor_jacobian_product(lambda x: x**2)(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([2., 4.])
    """

    @named(function, "vjp")
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        *primals, v = args
        return grad(lambda *inner: np.sum(function(*inner, **kwargs) * v), argnums)(*primals)

    return wrapped


vector_jacobian_product = tensor_jacobian_product


def ggnvp(
    function: Callable[..., Any], loss: Callable[[Any], Any] = lambda y: np.sum(y**2) / 2, argnums: int = 0
) -> Callable[..., Any]:
    """ggnvp(f, loss)(x, ..., v): the generalised Gauss-Newton matrix J^T H J times v.

    J is the Jacobian of f and H the Hessian of the loss at f(x); by default H is the identity.  (Schraudolph,
    "Fast curvature matrix-vector products", 2002.)

    >>> ggnvp(lambda x: x**2)(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 4., 16.])
    """

    @named(function, "ggnvp")
    def wrapped(*args: Any) -> Any:
        *primals, v = args

        def of_chosen(x: Any) -> Any:
            return function(*primals[:argnums], x, *primals[argnums + 1 :])

        value, j_v = jvp(of_chosen, (primals[argnums],), (v,))
        return vjp(of_chosen, primals[argnums])[1](hvp(loss)(value, j_v))

    return wrapped


def make_ggnvp(
    function: Callable[..., Any], loss: Callable[[Any], Any] = lambda y: np.sum(y**2) / 2, argnums: int = 0
) -> Callable[..., Callable[[Any], Any]]:
    """make_ggnvp(f, loss)(x)(v): as `ggnvp`.

    >>> make_ggnvp(lambda x: 3 * x)(1.0)(1.0)
    np.float64(9.0)
    """
    return lambda *args: lambda v: ggnvp(function, loss, argnums)(*args, v)
