"""scipy.optimize with derivatives from minigrad, and derivatives of what an optimisation finds.

`minimize`, `root` and `least_squares` are SciPy's; gradients, Jacobians and Hessian-vector products are passed to them, so
that a function written for NumPy is enough.  Their results are constants.  `implicit_root` and `fixed_point` return
solutions that are part of the graph: where F(x, theta) = 0 defines x, the implicit function theorem gives

    dx/dtheta = -(dF/dx)^-1 dF/dtheta.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import graph
from ..backend import refuse_gpu, scipy_function
from ..calling import holds_tensor
from ..hints import missing
from ..ops.creation import array
from ..ops.linalg import solve
from ..ops.shape import reshape
from ..primitive import composed, primitive
from ..spellings import SOLVERS
from ..tensor import Tensor, raw
from ..transforms import hessian, hvp, jacobian, value_and_grad, vjp
from ..trees import flatten

__all__ = ["fixed_point", "implicit_root", "least_squares", "minimize", "root"]

if not TYPE_CHECKING:  # to checkers a module with this function has every name

    def __getattr__(name: str) -> Any:
        raise missing("minigrad.scipy.optimize", name, __all__, SOLVERS)

#: The methods of `minimize` that use second derivatives.
_SECOND_ORDER = ("newton-cg", "trust-ncg", "trust-krylov", "trust-constr", "dogleg", "trust-exact")


class _Flat:
    """A function of an array of any shape as SciPy calls it: of a vector of float64, returning NumPy's numbers."""

    def __init__(self, fun: Callable[..., Any], x0: Any, args: Any) -> None:
        if getattr(x0, "requires_grad", False):
            raise TypeError(
                "x0 is where the search begins, the result does not depend on it: pass x0.detach()"
            )
        self.args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
        refuse_gpu("optimize", x0, self.args)
        start = np.asarray(x0, dtype=np.float64)
        self.shape, self.x0 = start.shape, start.reshape(-1)
        self.fun = fun

    def __call__(self, x: Any) -> Any:
        return self.fun(reshape(x, self.shape), *self.args)

    def vector(self, x: Any) -> Any:
        """The value as one vector: arrays, and lists that may hold Tensors."""
        value = self(x)
        value = array(value) if holds_tensor(value) and not isinstance(value, Tensor) else value
        return reshape(value if isinstance(value, Tensor) else np.asarray(value), -1)

    def given(self, derivative: Any, *shape: int) -> Any:
        """A derivative of the user's as SciPy calls it: it gets what the function gets, and is of this shape there."""
        if not callable(derivative):
            return derivative

        def call(*vectors: Any) -> Any:
            value = raw(derivative(*(reshape(v, self.shape) for v in vectors), *self.args))
            return value if len(self.shape) == 1 else np.reshape(value, shape)

        return call

    def with_derivative(self, x: Any) -> tuple[Any, Any]:
        """The value as a vector, and its derivative, (outputs, inputs), of a function that returns both."""
        value, derivative = self(x)
        return np.ravel(raw(value)), np.reshape(raw(derivative), (-1, x.size))

    def with_gradient(self, x: Any) -> tuple[Any, Any]:
        """The same of a function whose value is a number: (value, gradient)."""
        value, derivative = self.with_derivative(x)
        return value[0], derivative[0]

    def number(self, x: Any) -> Any:
        """The value, also of a function that returns its gradient with it."""
        value = self(x)
        return value[0] if isinstance(value, tuple) else value

    def refuse_hidden(self, name: str, what: str) -> None:
        """An error where the function uses a tensor whose gradient would be lost."""
        if any(getattr(part, "requires_grad", False) for part in flatten(self(self.x0))):
            raise TypeError(
                f"{name}: its result is a constant, but the function uses a tensor that requires a gradient. "
                "Write minigrad.scipy.optimize.implicit_root(f, x0, args) for a solution that depends on args, "
                f"f being {what}; or detach() that tensor"
            )

    def give_back(self, result: Any) -> Any:
        """SciPy's result with x in the shape of x0."""
        result.x = result.x.reshape(self.shape)
        return result


@composed("scipy.optimize.minimize", method=False)
def minimize(
    fun: Callable[..., Any], x0: Any, args: Any = (), method: str | None = None, jac: Any = None,
    hess: Any = None, hessp: Any = None, bounds: Any = None, constraints: Any = (), tol: float | None = None,
    callback: Any = None, options: dict[str, Any] | None = None,
) -> Any:  # fmt: skip
    """scipy.optimize.minimize with the gradient of fun, and its Hessian-vector product where the method uses one.

    Args:
        fun: returns a number; written in NumPy.
        x0: where to begin, an array of any shape.
        jac, hess, hessp: by default minigrad's; SciPy's meaning where given, of x in the shape of x0.
        bounds, constraints, tol, callback, options: SciPy's.

    Returns:
        SciPy's OptimizeResult, `x` in the shape of x0.

    >>> minimize(lambda x: np.sum((x - 3.0) ** 4), np.zeros(2), method="BFGS").x.round(1)
    array([3., 3.])
    """
    flat = _Flat(fun, x0, args)
    flat.refuse_hidden("minimize", "the gradient of the objective, minigrad.grad(fun)")
    size = flat.x0.size
    hess, hessp = flat.given(hess, size, size), flat.given(hessp, size)
    if hess is hessp is None and method is not None and method.lower() in _SECOND_ORDER:
        if method.lower() in ("dogleg", "trust-exact"):
            hess = hessian(flat.number)
        else:
            hessp = hvp(flat.number)
    objective = value_and_grad(flat) if jac is None else flat.with_gradient if jac is True else lambda x: raw(flat(x))
    jac = True if jac is None else flat.given(jac, size)
    solver = scipy_function("optimize", "minimize", flat.x0)
    result = solver(
        objective, flat.x0, method=method, jac=jac, hess=hess, hessp=hessp, bounds=bounds,
        constraints=constraints, tol=tol, callback=callback, options=options,
    )  # fmt: skip
    return flat.give_back(result)


@composed("scipy.optimize.root", method=False)
def root(
    fun: Callable[..., Any], x0: Any, args: Any = (), method: str = "hybr", jac: Any = None,
    tol: float | None = None, callback: Any = None, options: dict[str, Any] | None = None,
) -> Any:  # fmt: skip
    """scipy.optimize.root with the Jacobian of fun, where none is given and the method uses one.

    Args:
        fun: called as fun(x, *args).
        x0: where to begin.
        args: arrays or numbers.
        method, tol, callback, options: as SciPy's.
        jac: the Jacobian as a function, called as fun is; True: fun returns the pair (value, Jacobian). None: minigrad's.

    >>> root(lambda x: x**2 - 2.0, np.array([1.0])).x
    array([1.41421356])
    """
    flat = _Flat(fun, x0, args)
    flat.refuse_hidden("root", "fun")
    objective = flat.with_derivative if jac is True else lambda x: raw(flat.vector(x))
    if jac is None and method in ("hybr", "lm"):
        jac = jacobian(flat.vector)
    else:
        jac = flat.given(jac, -1, flat.x0.size)
    solver = scipy_function("optimize", "root", flat.x0)
    result = solver(objective, flat.x0, method=method, jac=jac, tol=tol, callback=callback, options=options)
    return flat.give_back(result)


@composed("scipy.optimize.least_squares", method=False)
def least_squares(
    fun: Callable[..., Any], x0: Any, jac: Any = None, bounds: Any = (-np.inf, np.inf), method: str = "trf",
    ftol: float = 1e-8, xtol: float = 1e-8, gtol: float = 1e-8, *, args: Any = (), **options: Any,
) -> Any:  # fmt: skip
    """scipy.optimize.least_squares with the Jacobian of the residuals fun, where none is given.

    Args:
        fun: called as fun(x, *args).
        x0: where to begin.
        jac: the Jacobian as a function, called as fun is, or SciPy's name of a way to estimate it. None: minigrad's.
        bounds, method, ftol, xtol, gtol: as SciPy's.
        options: SciPy's (loss, x_scale, max_nfev ...).

    >>> least_squares(lambda x: np.array([1.0, 2.0]) * x - 3.0, np.array([0.0])).x.round(6)
    array([1.8])
    """
    flat = _Flat(fun, x0, args)
    flat.refuse_hidden("least_squares", "the gradient of the sum of squares")
    solver = scipy_function("optimize", "least_squares", flat.x0)
    result = solver(
        lambda x: raw(flat.vector(x)), flat.x0, jac=jacobian(flat.vector) if jac is None else flat.given(jac, -1, flat.x0.size),
        bounds=bounds, method=method, ftol=ftol, xtol=xtol, gtol=gtol, **options,
    )  # fmt: skip
    return flat.give_back(result)


def _implicit_all(g: Any, needs: Sequence[bool], args: Any, out: Any, f: Any, solver: Any) -> Any:
    """u with J^T u = -g, then the product of u with dF/dargs."""
    size = int(np.prod(out.shape))
    matrix = reshape(jacobian(f)(out, *args), (size, size))
    u = reshape(solve(np.transpose(matrix), reshape(-g, -1)), out.shape)
    return vjp(lambda *a: f(out, *a), *args, argnums=tuple(range(len(args))))[1](u)


@primitive(method=False, joint=_implicit_all, inputs=("args",), name="implicit_root")
def _implicit_root(*args: Any, f: Any, solver: Any) -> Any:
    """The x at which F(x, theta) = 0, found by a solver.

    f(out, args_1, args_2, ...) = 0
    dargs_k = -g (df/dout)^-1 df/dargs_k
    """
    with graph.no_grad():
        return solver(*args)


def implicit_root(fun: Callable[..., Any], x0: Any, args: Any = (), **options: Any) -> Any:
    """The x at which fun(x, *args) = 0, differentiable in args, to any order.

    Args:
        fun: returns as many numbers as x0 has; its Jacobian at the solution must be invertible.
        x0: where to begin; it has no influence on the gradient.
        args: arrays or numbers.
        options: as for `root`.

    Raises:
        RuntimeError: where no root is found.

    >>> square_root = lambda a: implicit_root(lambda x, a: x * x - a, 1.0, (a,))
    >>> grad(square_root)(4.0).round(9), grad(grad(square_root))(4.0).round(9)
    (np.float64(0.25), np.float64(-0.03125))
    """
    refuse_gpu("optimize", x0, args)

    def solver(*values: Any) -> Any:
        result = root(fun, raw(x0), values, **options)
        if not result.success:
            raise RuntimeError(f"implicit_root: no root found from x0 = {raw(x0)!r}: {result.message}")
        return result.x

    return _solution(fun, args, solver, "implicit_root")


@composed("scipy.optimize.fixed_point", method=False)
def fixed_point(
    func: Callable[..., Any], x0: Any, args: Any = (), xtol: float = 1e-8, maxiter: int = 500, method: str = "del2"
) -> Any:
    """The x at which func(x, *args) = x, found by scipy.optimize.fixed_point; differentiable in args, to any order.

    Args:
        func: called as func(x, *args).
        x0: where to begin.
        args: arrays or numbers.
        xtol, maxiter, method: as SciPy's.

    Raises:
        RuntimeError: where the iteration does not converge.

    >>> cosine = lambda a: fixed_point(lambda x, a: np.cos(a * x), 0.7, (a,))
    >>> cosine(1.0).round(6), grad(cosine)(1.0).round(6)
    (np.float64(0.739085), np.float64(-0.297474))
    """
    refuse_gpu("optimize", x0, args)

    def solver(*values: Any) -> Any:
        iterate = scipy_function("optimize", "fixed_point", raw(x0))
        return np.asarray(iterate(lambda x: raw(func(x, *values)), raw(x0), xtol=xtol, maxiter=maxiter, method=method))

    return _solution(lambda x, *a: func(x, *a) - x, args, solver, "fixed_point")


def _solution(f: Callable[..., Any], args: Any, solver: Callable[..., Any], what: str) -> Any:
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    values = tuple(a if isinstance(a, Tensor) else np.asarray(a, dtype=np.float64) for a in args)
    out = _implicit_root(*values, f=f, solver=solver)
    with graph.recording():
        probe = f(raw(out), *map(raw, values))
    if isinstance(probe, Tensor) and probe.requires_grad:
        raise TypeError(f"{what}: the function uses a tensor that requires a gradient without getting it: pass it through args")
    return out if isinstance(out, Tensor) else out[()]
