"""scipy.integrate on Tensors: initial value problems, with gradients by the adjoint equation.

For dy/dt = f(y, t, theta) and a loss whose gradient with respect to y(t) is a(t), backward in time

    da/dt = -a df/dy,    dp/dt = -a df/dtheta,

where a starts as the gradient at the last time, takes up the gradient of each output time on the way, and p ends as the
gradient of theta (Chen et al., "Neural ordinary differential equations", 2018).  The adjoint is an initial value problem too
and is solved by the same op, so that it can be differentiated again.  How exact all this is, the solver decides: smaller
`rtol` and `atol` give better gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import graph
from ..backend import refuse_gpu, scipy_function
from ..hints import missing
from ..ops.join import concatenate, stack
from ..ops.shape import reshape
from ..primitive import composed, primitive
from ..spellings import SOLVERS
from ..tensor import Tensor, raw
from ..transforms import vjp
from ..trees import flatten, unflatten

__all__ = ["OdeSolution", "odeint", "solve_ivp"]

if not TYPE_CHECKING:  # to checkers a module with this function has every name

    def __getattr__(name: str) -> Any:
        raise missing("minigrad.scipy.integrate", name, __all__, SOLVERS)

Field = Callable[[Any, Any, Any], Any]


def _adjoint(
    g: Any, needs: Sequence[bool], t: Any, theta: Any, out: Any, t_shape: tuple[int], field: Field, solver: Any
) -> list[Any]:  # fmt: skip
    n = out.shape[1]

    def backward_field(state: Any, time: Any, theta: Any) -> Any:
        """How (y, a, p) change: y as before, a and p by the adjoint equation."""
        slope, pull = vjp(lambda y, parameters: field(y, time, parameters), state[:n], theta)
        da, dp = pull(state[n : 2 * n])
        return concatenate([slope, -da, -dp])

    last = t_shape[0] - 1
    a, p = g[last], np.zeros_like(theta)
    dt = [np.sum(g[i] * field(out[i], t[i], theta)) if needs[1] else 0.0 for i in range(last + 1)]
    for i in range(last, 0, -1):
        ends = stack([t[i], t[i - 1]])
        state = ode(concatenate([out[i], a, p]), ends, theta, backward_field, solver)[1]
        a, p = state[n : 2 * n], state[2 * n :]
        if needs[1] and i == 1:  # a later start: all that follows is behind by as much
            dt[0] = -np.sum(a * field(out[0], t[0], theta))
        a = a + g[i - 1]
    return [a, stack(dt) if needs[1] else None, p]


@primitive(method=False, joint=_adjoint, inputs=("y0", "t", "theta"), extras=("t_shape",))
def ode(y0: Any, t: Any, theta: Any, field: Any, solver: Any) -> Any:
    """The solution of dy/dt = field(y, t, theta), y(t_0) = y0, at the times t: (times, len(y0)).

    out_i  = y(t_i),  y' = field(y, t, theta)
    dy0    = a(t_0)
    dt_i   = g_i field(out_i, t_i, theta)     (for the first time -a field(y0, t_0, theta))
    dtheta = p(t_0)

    a and p solve the adjoint equation da/dt = -a df/dy, dp/dt = -a df/dtheta backward in time, where a
    takes up the gradient of each output on the way.
    """

    def slope(time: Any, y: Any) -> Any:
        with graph.no_grad():
            return raw(field(y, time, theta))

    return solver(slope, y0, t), t.shape


def _with_odeint(slope: Callable[..., Any], y0: Any, t: Any, **options: Any) -> Any:
    return scipy_function("integrate", "odeint", y0)(slope, y0, t, tfirst=True, **options)


def _with_solve_ivp(slope: Callable[..., Any], y0: Any, t: Any, **options: Any) -> Any:
    new = np.append(True, np.diff(t) != 0)  # SciPy wants different times
    times = t[new]
    if times.size == 1:
        return np.repeat(y0[None], t.size, axis=0)
    result = scipy_function("integrate", "solve_ivp", y0)(slope, (times[0], times[-1]), y0, t_eval=times, **options)
    if not result.success:
        raise RuntimeError(f"solve_ivp: {result.message}")
    return result.y.T[np.cumsum(new) - 1]


def _refuse(what: str, options: dict[str, Any], names: Sequence[str]) -> None:
    """An error that names an option which is given but not supported."""
    for name in names:
        value = options.get(name)
        if value is not None and value is not False and value != 0:
            raise NotImplementedError(
                f"{what}: the option {name} is not supported; for results without gradients call SciPy's own {what}"
            )


def _vector(out: Any) -> Any:
    """What a user's function returned, as one vector: an array, a number, or a list that may hold Tensors."""
    if isinstance(out, (list, tuple)):
        return stack([x if isinstance(x, Tensor) else np.asarray(x, np.float64) for x in out])
    return reshape(out, -1) if isinstance(out, Tensor) else np.asarray(out, np.float64).reshape(-1)


def _prepared(f: Callable[..., Any], y0: Any, times: Any, args: Any, what: str) -> tuple[Field, Any, Any]:
    """The right-hand side as a function of (y, t, theta), y0 as a vector, and all floating arguments as one, theta."""
    refuse_gpu("integrate", y0, times, args)
    leaves = [x if isinstance(x, Tensor) else np.asarray(x) for x in flatten(list(args))]
    moving = [i for i, x in enumerate(leaves) if x.dtype.kind == "f"]
    shapes = [np.shape(leaves[i]) for i in moving]
    ends = np.cumsum([0, *(int(np.prod(s)) for s in shapes)])
    parts = [reshape(leaves[i], -1).astype(np.float64, copy=False) for i in moving]
    theta = concatenate(parts) if parts else np.zeros(0)
    fixed = flatten(list(args))

    def field(y: Any, t: Any, theta: Any) -> Any:
        filled = list(fixed)
        for i, start, end, shape in zip(moving, ends[:-1], ends[1:], shapes, strict=True):
            filled[i] = reshape(theta[start:end], shape)
        return _vector(f(y, t, *unflatten(list(args), iter(filled))))

    scipy_function("integrate", what, raw(y0), *map(raw, leaves))  # which says where it cannot run
    y0 = (reshape(y0, -1) if isinstance(y0, Tensor) else np.atleast_1d(np.asarray(y0))).astype(np.float64, copy=False)
    with graph.recording():
        probe = field(raw(y0), 0.0, raw(theta))
    if isinstance(probe, Tensor) and probe.requires_grad:
        raise TypeError(f"{what}: the function uses a tensor that requires a gradient without getting it: pass it through args")
    return field, y0, theta


def _times(t: Any) -> Any:
    if isinstance(t, (list, tuple)):
        return stack([x if isinstance(x, Tensor) else np.asarray(x, np.float64) for x in t])
    return t.astype(np.float64, copy=False) if isinstance(t, Tensor) else np.asarray(t, np.float64)


@composed("scipy.integrate.odeint", method=False)
def odeint(
    func: Callable[..., Any], y0: Any, t: Any, args: Any = (), *, tfirst: bool = False, **options: Any
) -> Any:
    """Integrate dy/dt = func(y, t, *args) by LSODA; differentiable in y0, t and all floating numbers in args.

    Args:
        func: returns dy/dt, an array or a list; with `tfirst` called as func(t, y, *args).
        y0: (n,), the values at the first time.
        t: (T,), the times of the output.
        args: numbers, arrays and nested containers of them.
        options: SciPy's, such as rtol and atol; not Dfun (Jacobians come from minigrad) and full_output.

    Returns:
        (T, n), the values at each time.

    >>> decay = lambda rate: odeint(lambda y, t, k: -k * y, 1.0, np.array([0.0, 2.0]), (rate,))[-1, 0]
    >>> grad(decay)(0.5).round(5)                      # -2 e^-1
    np.float64(-0.73576)
    """
    _refuse("odeint", options, ("Dfun", "col_deriv", "full_output", "ml", "mu"))
    f = (lambda y, s, *a: func(s, y, *a)) if tfirst else func
    field, y0, theta = _prepared(f, y0, t, args, "odeint")
    return ode(y0, _times(t), theta, field, partial(_with_odeint, **options))


class OdeSolution(NamedTuple):
    """What `solve_ivp` returns: the times t, (T,), and the values y, (n, T)."""

    t: Any
    y: Any


@composed("scipy.integrate.solve_ivp", method=False)
def solve_ivp(
    fun: Callable[..., Any], t_span: Sequence[Any], y0: Any, method: str = "RK45", t_eval: Any = None,
    dense_output: bool = False, events: Any = None, vectorized: bool = False, args: Any = None, **options: Any,
) -> OdeSolution:  # fmt: skip
    """Integrate dy/dt = fun(t, y, *args) over t_span; differentiable in y0, the times, and all floating numbers in args.

    Args:
        t_span: the first and the last time.
        method: SciPy's solvers, "RK45", "DOP853", "Radau", "BDF" ...
        t_eval: the times of the output; by default the steps that the solver takes (constants).
        dense_output, events, vectorized: not supported, an error where given.
        options: SciPy's, such as rtol and atol.

    >>> at_2 = lambda k: solve_ivp(lambda t, y, k: -k * y, (0.0, 2.0), 1.0, t_eval=[2.0], args=(k,), rtol=1e-8).y[0, -1]
    >>> grad(at_2)(0.5).round(5)
    np.float64(-0.73576)
    """
    unsupported = {"dense_output": dense_output, "events": events, "vectorized": vectorized}
    _refuse("solve_ivp", unsupported | options, (*unsupported, "jac"))
    args = () if args is None else args
    field, y0, theta = _prepared(lambda y, s, *a: fun(s, y, *a), y0, [*t_span, t_eval], args, "solve_ivp")
    start = _times(t_span[:1])
    if t_eval is None:

        def slope(s: Any, y: Any) -> Any:
            return raw(field(y, s, raw(theta)))

        ends = (float(raw(t_span[0])), float(raw(t_span[1])))
        with graph.no_grad():
            t_eval = scipy_function("integrate", "solve_ivp", raw(y0))(slope, ends, raw(y0), method, **options).t
        times = concatenate([start, t_eval[1:-1], _times(t_span[1:])])
        return OdeSolution(times, np.transpose(ode(y0, times, theta, field, partial(_with_solve_ivp, method=method, **options))))
    times = _times(t_eval)
    values = ode(y0, concatenate([start, times]), theta, field, partial(_with_solve_ivp, method=method, **options))
    return OdeSolution(times, np.transpose(values[1:]))
