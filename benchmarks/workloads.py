"""The workloads, each as a function for each library that can run it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
import nn

from . import peers

Runs = dict[str, Callable[[], object]]
rng = np.random.default_rng(0)


def _chain(z: Any, w: Any) -> Any:
    """250 elementwise ops."""
    for _ in range(125):
        z = z * w
        z = z + w
    return z


def overhead_forward() -> Runs:
    """A chain of 250 elementwise ops on 16 floats, forward."""
    x, w = rng.normal(size=(2, 16)).astype(np.float32)
    leaf, constant = mg.Tensor(x, requires_grad=True), mg.Tensor(w)
    runs: Runs = {"minigrad": lambda: _chain(leaf, constant)}
    if torch := peers.torch():
        t, c = torch.tensor(x, requires_grad=True), torch.tensor(w)
        runs["torch"] = lambda: _chain(t, c)
    if jax := peers.jax():
        compiled = jax.jit(_chain)
        runs["jax jit"] = lambda: compiled(x, w).block_until_ready()
    return runs


def overhead_backward() -> Runs:
    """The same chain, forward and backward."""
    x, w = rng.normal(size=(2, 16)).astype(np.float32)
    leaf, constant = mg.Tensor(x, requires_grad=True), mg.Tensor(w)
    runs: Runs = {"minigrad": lambda: _chain(leaf, constant).sum().backward()}
    if torch := peers.torch():
        t, c = torch.tensor(x, requires_grad=True), torch.tensor(w)
        runs["torch"] = lambda: _chain(t, c).sum().backward()
    if autograd := peers.autograd():
        gradient = autograd.grad(lambda z: autograd.numpy.sum(_chain(z, w)))
        runs["autograd"] = lambda: gradient(x)
    if jax := peers.jax():
        compiled = jax.jit(jax.grad(lambda z: _chain(z, w).sum()))
        runs["jax jit"] = lambda: compiled(x).block_until_ready()
    return runs


def mlp() -> Runs:
    """A training step of an MLP 784-256-128-10, batch 64, Adam."""
    x, y = rng.normal(size=(64, 784)).astype(np.float32), rng.integers(0, 10, 64)
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = nn.optim.Adam(model.parameters())
    inputs, targets = mg.Tensor(x), mg.Tensor(y)

    def step() -> None:
        loss = nn.functional.cross_entropy(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    runs: Runs = {"minigrad": step}
    if torch := peers.torch():
        tnn = torch.nn
        theirs = tnn.Sequential(tnn.Linear(784, 256), tnn.ReLU(), tnn.Linear(256, 128), tnn.ReLU(), tnn.Linear(128, 10))
        adam = torch.optim.Adam(theirs.parameters())
        tx, ty = torch.tensor(x), torch.tensor(y)

        def torch_step() -> None:
            loss = tnn.functional.cross_entropy(theirs(tx), ty)
            adam.zero_grad()
            loss.backward()
            adam.step()

        runs["torch"] = torch_step
    if jax := peers.jax():
        runs["jax jit"] = _jax_mlp(jax, x, y)
    return runs


def _jax_mlp(jax: Any, x: np.ndarray, y: np.ndarray) -> Callable[[], object]:
    jnp = jax.numpy
    sizes = [784, 256, 128, 10]
    params = [(jnp.asarray(rng.normal(size=s) / 20, jnp.float32), jnp.zeros(s[1])) for s in zip(sizes, sizes[1:], strict=False)]
    zeros = jax.tree_util.tree_map(jnp.zeros_like, params)

    def loss(params: Any) -> Any:
        h = x
        for i, (w, b) in enumerate(params):
            h = h @ w + b
            h = jax.nn.relu(h) if i < 2 else h
        return -jnp.mean(jax.nn.log_softmax(h)[jnp.arange(64), y])

    @jax.jit
    def update(params: Any, m: Any, v: Any, t: Any) -> Any:
        g = jax.grad(loss)(params)
        tree = jax.tree_util.tree_map
        m = tree(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = tree(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        new = tree(lambda p, m, v: p - 1e-3 * m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), params, m, v)
        return new, m, v, t + 1

    state = [params, zeros, zeros, 1.0]

    def step() -> None:
        state[:] = update(*state)
        state[0][0][0].block_until_ready()

    return step


def matmul() -> Runs:
    """2048x2048 matrix product, forward and backward, float32."""
    a, b = rng.normal(size=(2, 2048, 2048)).astype(np.float32)
    ma, mb = mg.Tensor(a, requires_grad=True), mg.Tensor(b, requires_grad=True)

    def run() -> None:
        ma.grad = mb.grad = None
        (ma @ mb).sum().backward()

    runs: Runs = {"minigrad": run}
    if torch := peers.torch():
        ta, tb = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)

        def torch_run() -> None:
            ta.grad = tb.grad = None
            (ta @ tb).sum().backward()

        runs["torch"] = torch_run
    if jax := peers.jax():
        compiled = jax.jit(jax.grad(lambda a, b: (a @ b).sum(), argnums=(0, 1)))
        ja, jb = jax.numpy.asarray(a), jax.numpy.asarray(b)
        runs["jax jit"] = lambda: compiled(ja, jb)[0].block_until_ready()
    return runs


def wave(x: Any, np_like: Any) -> Any:
    """A chain of elementwise functions."""
    y = np_like.tanh(x * 2 + 1)
    y = np_like.exp(y * x)
    return np_like.sqrt(y * y + 1) / (y + 2)


def elementwise() -> Runs:
    """An elementwise chain on 4 million floats, forward and backward."""
    x = rng.normal(size=4_000_000).astype(np.float32)
    leaf = mg.Tensor(x, requires_grad=True)

    def run() -> None:
        leaf.grad = None
        wave(leaf, np).sum().backward()

    runs: Runs = {"minigrad": run}
    if torch := peers.torch():
        t = torch.tensor(x, requires_grad=True)

        def torch_run() -> None:
            t.grad = None
            wave(t, torch).sum().backward()

        runs["torch"] = torch_run
    if autograd := peers.autograd():
        gradient = autograd.grad(lambda x: wave(x, autograd.numpy).sum())
        runs["autograd"] = lambda: gradient(x)
    if jax := peers.jax():
        compiled = jax.jit(jax.grad(lambda x: wave(x, jax.numpy).sum()))
        jx = jax.numpy.asarray(x)
        runs["jax jit"] = lambda: compiled(jx).block_until_ready()
    return runs


def rosenbrock_hessian() -> Runs:
    """The Hessian of the 20-dimensional Rosenbrock function."""
    x = rng.normal(size=20)

    def rosenbrock(x: Any) -> Any:
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    ours = mg.hessian(rosenbrock)
    runs: Runs = {"minigrad": lambda: ours(x)}
    if autograd := peers.autograd():
        theirs = autograd.hessian(rosenbrock)
        runs["autograd"] = lambda: theirs(x)
    if torch := peers.torch():
        t = torch.tensor(x)
        runs["torch"] = lambda: torch.autograd.functional.hessian(rosenbrock, t)
    if jax := peers.jax():
        compiled = jax.jit(jax.hessian(rosenbrock))
        jx = jax.numpy.asarray(x)
        runs["jax jit"] = lambda: compiled(jx).block_until_ready()
    return runs


#: name -> (workload, rounds)
WORKLOADS: dict[str, tuple[Callable[[], Runs], int]] = {
    "overhead, forward": (overhead_forward, 100),
    "overhead, forward and backward": (overhead_backward, 100),
    "MLP training step": (mlp, 100),
    "matmul 2048, forward and backward": (matmul, 3),
    "elementwise chain, 4 M floats": (elementwise, 4),
    "Hessian of Rosenbrock, 20-d": (rosenbrock_hessian, 20),
}
