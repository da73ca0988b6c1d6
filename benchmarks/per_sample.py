"""The gradient of each example alone, at batch 64: vmap(grad) beside torch.func's, and beside a loop over the examples.

The loop is minigrad's own; its time stands in the table as a library of its own name would.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
import nn
from nn.utils import functional_call

from . import peers

Runs = dict[str, Callable[[], object]]

BATCH = 64
rng = np.random.default_rng(0)


def _mlp(n: Any) -> Any:
    return n.Sequential(n.Linear(64, 128), n.Tanh(), n.Linear(128, 128), n.Tanh(), n.Linear(128, 10))


def _cnn(n: Any) -> Any:
    return n.Sequential(
        n.Conv2d(1, 8, 3, padding=1), n.ReLU(), n.MaxPool2d(2), n.Conv2d(8, 16, 3, padding=1), n.ReLU(), n.MaxPool2d(2),
        n.Flatten(), n.Linear(16 * 4 * 4, 10),
    )  # fmt: skip


def per_sample(build: Callable[[Any], Any], shape: tuple[int, ...]) -> Runs:
    """The gradients of each of 64 examples, of a network and cross-entropy."""
    x, y = rng.normal(size=(BATCH, 1, *shape)).astype(np.float32), rng.integers(0, 10, (BATCH, 1))
    model = build(nn)
    parameters = {name: p.detach().numpy() for name, p in model.named_parameters()}

    def loss(p: Any, x: Any, y: Any) -> Any:
        return nn.functional.cross_entropy(functional_call(model, p, (x,)), y)

    gradient = mg.grad(loss)
    at_once = mg.vmap(gradient, in_axes=(None, 0, 0))

    def loop() -> dict[str, np.ndarray]:
        rows = [gradient(parameters, *example) for example in zip(x, y, strict=True)]
        return {name: np.stack([row[name] for row in rows]) for name in parameters}

    runs: Runs = {"minigrad": lambda: at_once(parameters, x, y), "loop": loop}
    if torch := peers.torch():
        runs["torch"] = _torch(torch, build(torch.nn), x, y)
    return runs


def _torch(torch: Any, model: Any, x: np.ndarray, y: np.ndarray) -> Callable[[], object]:
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def loss(p: Any, x: Any, y: Any) -> Any:
        return torch.nn.functional.cross_entropy(torch.func.functional_call(model, p, (x,)), y)

    at_once = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    tensors = torch.tensor(x), torch.tensor(y)
    return lambda: at_once(parameters, *tensors)


#: name -> (workload, rounds)
PER_SAMPLE: dict[str, tuple[Callable[[], Runs], int]] = {
    "gradients of each example, MLP 64-128-128-10, batch 64": (lambda: per_sample(_mlp, (64,)), 10),
    "gradients of each example, CNN 16x16, batch 64": (lambda: per_sample(_cnn, (1, 16, 16)), 5),
}
