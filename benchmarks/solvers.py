"""Workloads of many small operations: an ODE solver, the inner loop of MAML, a network that is told of a differential equation.

The solvers are Python loops in minigrad and PyTorch, and `lax.scan` in JAX: it takes JAX 20 s to compile 200 steps of the neural
ODE that are written out, and 35 s for 20 of the pendulum's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from . import jax_layers, jax_steps, peers
from .steps import Runs, functions, grad_of, libraries, normal, rng, trained

Weights = list[Any]


@dataclass
class Tools:
    """What a formula needs of a library.

    Attributes:
        np: where sin, tanh ... are.
        gradient: of (g, weights): the gradients of g(weights), to be differentiated again.
        repeat: of (f, n, state): f(f(... f(state))).
    """

    np: Any
    gradient: Callable[..., Any]
    repeat: Callable[..., Any]


def _looped(f: Callable[[Any], Any], n: int, state: Any) -> Any:
    for _ in range(n):
        state = f(state)
    return state


def _scanned(jax: Any, f: Callable[[Any], Any], n: int, state: Any) -> Any:
    return jax.lax.scan(lambda state, _: (f(state), None), state, None, n)[0]


def _for_each(f: Callable[..., Any], weights: list[np.ndarray], *data: np.ndarray) -> Runs:
    """f(tools, weights, *data) and its gradients with respect to the weights, in each library."""
    runs: Runs = {}
    for library in libraries():
        leaves = [library.tensor(w, requires_grad=True) for w in weights]
        of = partial(f, Tools(functions(library.nn), _recorded(grad_of(library.nn)), _looped))
        runs[library.name] = partial(_gradient(grad_of(library.nn), of, leaves), *map(library.tensor, data))
    if jax := peers.jax():
        of = partial(f, Tools(jax.numpy, lambda g, w: jax.grad(g)(w), partial(_scanned, jax)))
        step = jax_steps.of_arrays(jax, jax.value_and_grad(of))
        runs["jax jit"] = partial(step, list(map(jax.numpy.asarray, weights)), *map(jax.numpy.asarray, data))
    return runs


def _gradient(grad: Callable[..., Any], f: Callable[..., Any], weights: Weights) -> Callable[..., Any]:
    def run(*data: Any) -> Any:
        value = f(weights, *data)
        return [value.detach(), *grad(value, weights)]

    return run


def _recorded(grad: Callable[..., Any]) -> Callable[..., Any]:
    return lambda g, weights: grad(g(weights), weights, create_graph=True)


# ------------------------------------------------------------------------- differential equations


def _runge_kutta(f: Callable[[Any], Any], y: Any, dt: float) -> Any:
    """A step of the fourth order for dy/dt = f(y)."""
    a = f(y)
    b = f(y + 0.5 * dt * a)
    c = f(y + 0.5 * dt * b)
    d = f(y + dt * c)
    return y + dt / 6 * (a + 2 * b + 2 * c + d)


def pendulum(steps: int = 200, batch: int = 32) -> Runs:
    """The gradient of a damped pendulum's energy after so many steps, with respect to its start and its two constants."""

    def energy(tools: Tools, weights: Weights) -> Any:
        angle, speed, stiffness, damping = weights
        angle, speed = tools.repeat(lambda y: _swing(tools.np.sin, *y, stiffness, damping, 0.05), steps, (angle, speed))
        return (0.5 * speed * speed - stiffness * tools.np.cos(angle)).mean()

    constants = np.array(1.3, np.float32), np.array(0.1, np.float32)
    return _for_each(energy, [normal(batch), normal(batch), *constants])


def _swing(sin: Callable[[Any], Any], angle: Any, speed: Any, stiffness: Any, damping: Any, dt: float) -> Any:
    """A step of Runge and Kutta's for two coupled numbers."""

    def f(angle: Any, speed: Any) -> Any:
        return speed, -stiffness * sin(angle) - damping * speed

    a1, s1 = f(angle, speed)
    a2, s2 = f(angle + 0.5 * dt * a1, speed + 0.5 * dt * s1)
    a3, s3 = f(angle + 0.5 * dt * a2, speed + 0.5 * dt * s2)
    a4, s4 = f(angle + dt * a3, speed + dt * s3)
    return angle + dt / 6 * (a1 + 2 * a2 + 2 * a3 + a4), speed + dt / 6 * (s1 + 2 * s2 + 2 * s3 + s4)


def neural_ode(steps: int = 200, hidden: int = 16, batch: int = 16) -> Runs:
    """The gradient of the squared distance to a goal after dy/dt = tanh(y W + b) V, in the plane, with respect to W, b, V."""

    def distance(tools: Tools, weights: Weights, y: Any, goal: Any) -> Any:
        w, b, v = weights

        def flow(y: Any) -> Any:
            return tools.np.tanh(y @ w + b) @ v

        y = tools.repeat(lambda y: _runge_kutta(flow, y, 0.05), steps, y)
        return ((y - goal) ** 2).mean()

    weights = [normal(2, hidden), normal(hidden), normal(hidden, 2) / hidden]
    return _for_each(distance, weights, normal(batch, 2), normal(batch, 2))


# ------------------------------------------------------------------------------ gradients twice


def maml(inner: int = 5, hidden: int = 40, points: int = 10, rate: float = 0.01) -> Runs:
    """The gradient, at the start, of the error after some steps of descent on a sine curve's points, on ten others."""

    def error(tools: Tools, weights: Weights, x: Any, y: Any, new_x: Any, new_y: Any) -> Any:
        def of(w: Weights, x: Any, y: Any) -> Any:
            h = tools.np.tanh(x @ w[0] + w[1])
            h = tools.np.tanh(h @ w[2] + w[3])
            return ((h @ w[4] + w[5] - y) ** 2).mean()

        w = weights
        for _ in range(inner):
            slope = tools.gradient(lambda w: of(w, x, y), w)
            w = [p - rate * g for p, g in zip(w, slope, strict=True)]
        return of(w, new_x, new_y)

    sizes = (1, hidden), (hidden,), (hidden, hidden), (hidden,), (hidden, 1), (1,)
    weights = [normal(*size) / size[0] ** 0.5 * (len(size) - 1) for size in sizes]
    x, new_x = rng.uniform(-5, 5, (2, points, 1)).astype(np.float32)
    return _for_each(error, weights, x, 2 * np.sin(x + 1), new_x, 2 * np.sin(new_x + 1))


def physics_informed(points: int = 128, hidden: int = 20, layers: int = 3) -> Runs:
    """Burgers' equation u_t + u u_x = nu u_xx at random points, for a network u(x, t): a step of Adam."""
    nu, sizes = 0.1 / np.pi, [2, *[hidden] * layers]

    def build(n: Any) -> Any:
        parts = [part for a, b in zip(sizes, sizes[1:], strict=False) for part in (n.Linear(a, b), n.Tanh())]
        return n.Sequential(*parts, n.Linear(hidden, 1))

    def loss(n: Any, net: Any, x: Any, t: Any) -> Any:
        grad = grad_of(n)
        x, t = x.detach().requires_grad_(), t.detach().requires_grad_()
        u = net(functions(n).stack([x, t], 1))[:, 0]
        u_x, u_t = grad(u.sum(), (x, t), create_graph=True)
        (u_xx,) = grad(u_x.sum(), x, create_graph=True)
        return ((u_t + u * u_x - nu * u_xx) ** 2).mean()

    def jax_loss(jax: Any, p: Any, x: Any, t: Any) -> Any:
        def u(x: Any, t: Any) -> Any:
            h = jax.numpy.stack([x, t], 1)
            for i in range(layers):
                h = jax.numpy.tanh(jax_layers.linear(p, f"{2 * i}.", h))
            return jax_layers.linear(p, f"{2 * layers}.", h)[:, 0]

        def slopes(x: Any, t: Any) -> Any:
            return jax.grad(lambda x, t: u(x, t).sum(), (0, 1))(x, t)

        u_x, u_t = slopes(x, t)
        u_xx = jax.grad(lambda x: slopes(x, t)[0].sum())(x)
        return ((u_t + u(x, t) * u_x - nu * u_xx) ** 2).mean()

    x, t = rng.uniform(-1, 1, (2, points)).astype(np.float32)
    return trained(build, loss, x, t, jax_loss=jax_loss)
