"""Training steps and gradients in JAX: what `steps` has for minigrad and PyTorch, written by hand and compiled by `jax.jit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def training(
    jax: Any, loss: Callable[..., Any], weights: dict[str, np.ndarray], lr: float = 1e-3, clip: float | None = None
) -> Callable[..., Any]:
    """A training step with Adam, which keeps its state from call to call; loss(weights, *data)."""
    jnp, tree = jax.numpy, jax.tree_util.tree_map

    @jax.jit
    def update(p: Any, m: Any, v: Any, t: Any, *data: Any) -> Any:
        value, g = jax.value_and_grad(loss)(p, *data)
        if clip is not None:
            norm = jnp.sqrt(sum(jnp.sum(x * x) for x in g.values()))
            g = tree(lambda x: x * jnp.minimum(1.0, clip / (norm + 1e-6)), g)
        m = tree(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = tree(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        p = tree(lambda p, m, v: p - lr * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), p, m, v)
        return value, p, m, v, t + 1

    p = {key: jnp.asarray(x) for key, x in weights.items()}
    zeros = tree(jnp.zeros_like, p)
    state = [p, zeros, zeros, jnp.float32(1.0)]

    def step(*data: Any) -> Any:
        value, *state[:] = update(*state, *data)
        return jax.block_until_ready(value)

    return step


def descent(jax: Any, loss: Callable[..., Any], weights: dict[str, np.ndarray], lr: float) -> Callable[..., Any]:
    """A step of plain gradient descent."""

    @jax.jit
    def update(p: Any, *data: Any) -> Any:
        value, g = jax.value_and_grad(loss)(p, *data)
        return value, jax.tree_util.tree_map(lambda p, g: p - lr * g, p, g)

    state = [{key: jax.numpy.asarray(x) for key, x in weights.items()}]

    def step(*data: Any) -> Any:
        value, state[0] = update(state[0], *data)
        return jax.block_until_ready(value)

    return step


def gradients(jax: Any, forward: Callable[..., Any], weights: dict[str, np.ndarray]) -> Callable[..., Any]:
    """The output of forward(weights, *data), and the gradients of the weights from a gradient of it."""
    p = {key: jax.numpy.asarray(x) for key, x in weights.items()}

    @jax.jit
    def pulled(p: Any, g: Any, *data: Any) -> Any:
        out, pull = jax.vjp(lambda p: forward(p, *data), p)
        (found,) = pull(g)
        return [out, *(found[key] for key in weights)]

    return lambda g, *data: jax.block_until_ready(pulled(p, g, *data))


def of_arrays(jax: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays alone, compiled."""
    compiled = jax.jit(function)
    return lambda *data: jax.block_until_ready(compiled(*data))
