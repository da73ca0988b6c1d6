"""What the workloads share: modules with the same weights in each library, and steps as everybody writes them.

A workload is a function of sizes that returns `Runs`: for each library a function together with its arguments, which
computes the same numbers in all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
import nn

from . import jax_steps, peers
from .gpu.libraries import Library, ours, torchs

#: What is timed, by the names of the libraries: a function and its arguments.
Runs = dict[str, "partial[Any]"]

rng = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


def libraries() -> list[Library]:
    """minigrad, and PyTorch where it is installed."""
    return [library for library in (ours("cpu"), torchs("cpu")) if library is not None]


def twins(build: Callable[[Any], Any]) -> list[tuple[Library, Any]]:
    """The module that `build` makes of each library's nn, all with the weights of minigrad's."""
    mg.random.seed(0)
    found = [(library, build(library.nn)) for library in libraries()]
    for library, module in found[1:]:
        module.load_state_dict({key: library.tensor(value) for key, value in weights(found[0][1]).items()})
    return found


def weights(module: Any) -> dict[str, np.ndarray]:
    """The parameters of one of minigrad's modules by their names."""
    return {name: p.detach().numpy().copy() for name, p in module.named_parameters()}


def grad_of(n: Any) -> Callable[..., Any]:
    """autograd.grad(outputs, inputs, ...) of the library whose nn this is."""
    return mg.autograd.grad if n is nn else peers.torch().autograd.grad


def functions(n: Any) -> Any:
    """Where tanh, exp, concatenate ... of its tensors are."""
    return np if n is nn else peers.torch()


def trained(
    build: Callable[[Any], Any],
    loss: Callable[..., Any],
    *data: np.ndarray,
    jax_loss: Callable[..., Any] | None = None,
    lr: float = 1e-3,
    clip: float | None = None,
) -> Runs:
    """A training step of a module with Adam; it returns the loss.

    Args:
        build: makes the module from a library's nn.
        loss: of (nn, module, *data).
        jax_loss: the same of (jax, weights by name, *data).
        clip: the most that the norm of all gradients may be.
    """
    runs: Runs = {}
    made = twins(build)
    for library, module in made:
        optimizer = library.optim.Adam(module.parameters(), lr=lr)
        clipping = None if clip is None else partial(library.nn.utils.clip_grad_norm_, list(module.parameters()), clip)
        step = training(partial(loss, library.nn, module), optimizer, clipping)
        runs[library.name] = partial(step, *map(library.tensor, data))
    if jax_loss is not None and (jax := peers.jax()):
        step = jax_steps.training(jax, partial(jax_loss, jax), weights(made[0][1]), lr, clip)
        runs["jax jit"] = partial(step, *map(jax.numpy.asarray, data))
    return runs


def training(loss: Callable[..., Any], optimizer: Any, clip: Callable[[], Any] | None = None) -> Callable[..., Any]:
    """A training step as everybody writes it."""

    def step(*data: Any) -> Any:
        value = loss(*data)
        optimizer.zero_grad()
        value.backward()
        if clip is not None:
            clip()
        optimizer.step()
        return value.detach()

    return step


def differentiated(
    build: Callable[[Any], Any],
    *data: np.ndarray,
    of_input: bool = False,
    jax_forward: Callable[..., Any] | None = None,
) -> Runs:
    """A module forward and, from a random gradient of its output, backward; returns the output and the gradients.

    Args:
        of_input: the gradient of the first of the data comes before them.
        jax_forward: the module's output, of (jax, weights by name, *data).
    """
    runs: Runs = {}
    made = twins(build)
    g = normal(*first(made[0][1](*map(ours("cpu").tensor, data))).shape)
    for library, module in made:
        leaves = [library.tensor(x, requires_grad=True) for x in data[:of_input]]
        step = _gradients(grad_of(library.nn), module, leaves)
        runs[library.name] = partial(step, *map(library.tensor, (g, *data[of_input:])))
    if jax_forward is not None and (jax := peers.jax()):
        step = jax_steps.gradients(jax, partial(jax_forward, jax), weights(made[0][1]))
        runs["jax jit"] = partial(step, *map(jax.numpy.asarray, (g, *data)))
    return runs


def _gradients(grad: Callable[..., Any], module: Any, leaves: list[Any]) -> Callable[..., Any]:
    inputs = [*leaves, *module.parameters()]

    def run(g: Any, *others: Any) -> Any:
        out = first(module(*leaves, *others))
        return [out.detach(), *grad(out, inputs, g)]

    return run


def first(out: Any) -> Any:
    """The output of a layer that gives its state, too."""
    return out[0] if isinstance(out, tuple) else out


def numbers(result: Any) -> list[np.ndarray]:
    """Copies of the arrays in what a run of any library has returned."""
    if isinstance(result, (tuple, list)):
        return [array for part in result for array in numbers(part)]
    if isinstance(result, dict):
        return [array for key in sorted(result) for array in numbers(result[key])]
    return [np.array(result.detach().numpy() if hasattr(result, "detach") else result)]
