"""The workloads of plain functions, and the training step of an MLP, each as a function for each library that can run it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg

from . import jax_steps, peers
from .networks import mlp
from .steps import Runs, functions, grad_of, libraries, normal, rng


def _gradients(f: Callable[..., Any], data: tuple[np.ndarray, ...], count: int, g: np.ndarray | None = None) -> Runs:
    """f(np_like, *data) and its gradients with respect to the first `count` of the data, in each library.

    The value is returned, too: what nobody needs would be left out by a compiler.

    Args:
        g: the gradient of the result to start with, where that is no scalar.
    """
    runs: Runs = {}
    for library in libraries():
        leaves = [library.tensor(x, requires_grad=True) for x in data[:count]]
        cotangent = None if g is None else library.tensor(g)
        step = _pulled(partial(f, functions(library.nn)), grad_of(library.nn), leaves)
        runs[library.name] = partial(step, cotangent, *map(library.tensor, data[count:]))
    if jax := peers.jax():

        def pulled(g: Any, *arrays: Any) -> Any:
            def of(*leaves: Any) -> Any:
                return f(jax.numpy, *leaves, *arrays[count:])

            out, pull = jax.vjp(of, *arrays[:count])
            return [out, *pull(jax.numpy.ones_like(out) if g is None else g)]

        cotangent = None if g is None else jax.numpy.asarray(g)
        runs["jax jit"] = partial(jax_steps.of_arrays(jax, pulled), cotangent, *map(jax.numpy.asarray, data))
    return runs


def _pulled(f: Callable[..., Any], grad: Callable[..., Any], leaves: list[Any]) -> Callable[..., Any]:
    def run(g: Any, *others: Any) -> Any:
        out = f(*leaves, *others)
        return [out.detach(), *grad(out, leaves, g)]

    return run


# -------------------------------------------------------------------------- chains of operations


def _chain(np_like: Any, z: Any, w: Any, length: int) -> Any:
    """Pairs of elementwise ops."""
    for _ in range(length // 2):
        z = z * w
        z = z + w
    return z


def overhead_forward(size: int = 16, length: int = 250) -> Runs:
    """A chain of 250 elementwise ops on 16 floats, forward."""
    x, w = normal(2, size)
    runs: Runs = {}
    for library in libraries():
        runs[library.name] = partial(_recorded(library.tensor(x, requires_grad=True), length), library.tensor(w))
    if jax := peers.jax():
        chain = jax_steps.of_arrays(jax, lambda z, w: _chain(None, z, w, length))
        runs["jax jit"] = partial(chain, *map(jax.numpy.asarray, (x, w)))
    return runs


def _recorded(leaf: Any, length: int) -> Callable[..., Any]:
    return lambda w: _chain(None, leaf, w, length)


def overhead_backward(size: int = 16, length: int = 250) -> Runs:
    """The same chain, forward and backward."""
    x, w = normal(2, size)
    runs = _gradients(lambda np_like, z, w: _chain(np_like, z, w, length).sum(), (x, w), 1)
    if autograd := peers.autograd():
        runs["autograd"] = partial(autograd.grad(lambda z: autograd.numpy.sum(_chain(None, z, w, length))), x)
    return runs


def wave(x: Any, np_like: Any) -> Any:
    """A chain of elementwise functions."""
    y = np_like.tanh(x * 2 + 1)
    y = np_like.exp(y * x)
    return np_like.sqrt(y * y + 1) / (y + 2)


def elementwise(size: int = 4_000_000) -> Runs:
    """An elementwise chain on 4 million floats, forward and backward."""
    x = normal(size)
    runs = _gradients(lambda np_like, x: wave(x, np_like).sum(), (x,), 1)
    if autograd := peers.autograd():
        runs["autograd"] = partial(autograd.grad(lambda x: wave(x, autograd.numpy).sum()), x)
    return runs


def gelu_chain(rows: int = 2048, size: int = 512) -> Runs:
    """The mean square of GELU(x * w + b), written out with tanh, and its gradients."""

    def mean_square(np_like: Any, x: Any, w: Any, b: Any) -> Any:
        z = x * w + b
        u = 0.5 * z * (1 + np_like.tanh(0.7978845608 * (z + 0.044715 * z * z * z)))
        return (u * u).mean()

    return _gradients(mean_square, (normal(rows, size), normal(size), normal(size)), 3)


# ---------------------------------------------------------------------------- matrices, Hessians


def matmul(size: int = 2048) -> Runs:
    """A product of two matrices, forward and, from a random gradient, backward: from ones it would be sums (XLA sees that)."""
    a, b, g = normal(3, size, size)
    return _gradients(lambda np_like, a, b: a @ b, (a, b), 2, g)


def rosenbrock_hessian(size: int = 20) -> Runs:
    """The Hessian of the 20-dimensional Rosenbrock function."""
    x = rng.normal(size=size)

    def rosenbrock(x: Any) -> Any:
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    runs: Runs = {"minigrad": partial(mg.hessian(rosenbrock), x)}
    if autograd := peers.autograd():
        runs["autograd"] = partial(autograd.hessian(rosenbrock), x)
    if torch := peers.torch():
        runs["torch"] = partial(torch.autograd.functional.hessian, rosenbrock, torch.tensor(x))
    if jax := peers.jax():
        runs["jax jit"] = partial(jax_steps.of_arrays(jax, jax.hessian(rosenbrock)), jax.numpy.asarray(x))
    return runs


#: name -> (workload, rounds)
WORKLOADS: dict[str, tuple[Callable[[], Runs], int]] = {
    "overhead, forward": (overhead_forward, 100),
    "overhead, forward and backward": (overhead_backward, 100),
    "MLP training step": (lambda: mlp(64, (784, 256, 128, 10)), 100),
    "matmul 2048, forward and backward": (matmul, 3),
    "elementwise chain, 4 M floats": (elementwise, 4),
    "Hessian of Rosenbrock, 20-d": (rosenbrock_hessian, 20),
}
