"""Workloads of nn: layers forward and backward, and training steps of small networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from . import jax_layers, jax_steps, peers
from .sequences import SEQUENCES
from .steps import Runs, differentiated, grad_of, normal, rng, trained, twins, weights

Shape = tuple[int, ...]


def classes(count: int, kinds: int = 10) -> np.ndarray:
    return rng.integers(0, kinds, count)


def _classified(n: Any, net: Any, x: Any, y: Any) -> Any:
    return n.functional.cross_entropy(net(x), y)


# ------------------------------------------------------------------------------------- networks


def mlp(batch: int, sizes: Shape, activation: str = "ReLU") -> Runs:
    """A training step of linear layers with an activation between them, cross-entropy, Adam."""
    count = len(sizes) - 1

    def build(n: Any) -> Any:
        layers = [part for a, b in zip(sizes, sizes[1:], strict=False) for part in (n.Linear(a, b), getattr(n, activation)())]
        return n.Sequential(*layers[:-1])

    def jax_loss(jax: Any, p: Any, x: Any, y: Any) -> Any:
        act = {"ReLU": jax.nn.relu, "Tanh": jax.numpy.tanh}[activation]
        for i in range(count):
            x = jax_layers.linear(p, f"{2 * i}.", x if i == 0 else act(x))
        return jax_layers.cross_entropy(jax, x, y)

    return trained(build, _classified, normal(batch, sizes[0]), classes(batch, sizes[-1]), jax_loss=jax_loss)


def lenet(batch: int = 64) -> Runs:
    """A training step of LeNet on images of 28 x 28, cross-entropy, Adam."""

    def build(n: Any) -> Any:
        return n.Sequential(
            n.Conv2d(1, 6, 5, padding=2), n.ReLU(), n.MaxPool2d(2), n.Conv2d(6, 16, 5), n.ReLU(), n.MaxPool2d(2),
            n.Flatten(), n.Linear(400, 120), n.ReLU(), n.Linear(120, 84), n.ReLU(), n.Linear(84, 10),
        )  # fmt: skip

    def jax_loss(jax: Any, p: Any, x: Any, y: Any) -> Any:
        relu = jax.nn.relu
        x = jax_layers.max_pool(jax, relu(jax_layers.conv(jax, p, "0.", x, padding=2)))
        x = jax_layers.max_pool(jax, relu(jax_layers.conv(jax, p, "3.", x))).reshape(batch, 400)
        for name in ("7.", "9."):
            x = relu(jax_layers.linear(p, name, x))
        return jax_layers.cross_entropy(jax, jax_layers.linear(p, "11.", x), y)

    return trained(build, _classified, normal(batch, 1, 28, 28), classes(batch), jax_loss=jax_loss)


def gradient_penalty(batch: int = 64, size: int = 256) -> Runs:
    """(|gradient of an MLP at the input| - 1)^2, differentiated again in the weights."""
    made = twins(lambda n: n.Sequential(n.Linear(size, size), n.Tanh(), n.Linear(size, 1)))
    data = normal(batch, size)
    runs: Runs = {}
    for library, net in made:
        runs[library.name] = partial(_penalized(net, grad_of(library.nn), library.tensor(data, requires_grad=True)))
    if jax := peers.jax():

        def penalty(p: Any, x: Any) -> Any:
            def net(x: Any) -> Any:
                return (jax.numpy.tanh(jax_layers.linear(p, "0.", x)) @ p["2.weight"].T).sum()

            slope = jax.grad(net)(x)
            return (((slope**2).sum(-1) ** 0.5 - 1) ** 2).mean()

        g, x = jax.numpy.float32(1.0), jax.numpy.asarray(data)
        needed = {name: p for name, p in weights(made[0][1]).items() if name != "2.bias"}
        runs["jax jit"] = partial(jax_steps.gradients(jax, penalty, needed), g, x)
    return runs


def _penalized(net: Any, grad: Callable[..., Any], x: Any) -> Callable[..., Any]:
    parameters = [p for name, p in net.named_parameters() if name != "2.bias"]  # on which no slope depends

    def run() -> Any:
        (slope,) = grad(net(x).sum(), [x], create_graph=True)
        loss = (((slope**2).sum(-1) ** 0.5 - 1) ** 2).mean()
        return [loss.detach(), *grad(loss, parameters)]

    return run


def adam(sizes: Shape) -> Runs:
    """Clip the gradients of linear layers and take a step of Adam (PyTorch's fused one); returns the norm and the last bias."""

    def build(n: Any) -> Any:
        return n.Sequential(*[n.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)])

    made = twins(build)
    gradients = [normal(*p.shape) for p in made[0][1].parameters()]
    runs: Runs = {}
    for library, net in made:
        parameters = list(net.parameters())
        for p, g in zip(parameters, gradients, strict=True):
            p.grad = library.tensor(g)
        optimizer = library.optim.Adam(parameters, lr=1e-3, fused=True)
        runs[library.name] = partial(_update(library.nn.utils.clip_grad_norm_, parameters, optimizer))
    return runs


def _update(clip: Callable[..., Any], parameters: list[Any], optimizer: Any) -> Callable[[], Any]:
    def run() -> Any:
        norm = clip(parameters, 1.0)
        optimizer.step()
        return norm, parameters[-1].detach()

    return run


# --------------------------------------------------------------------------------------- layers


def conv(shape: Shape, channels: int, kernel: int = 3, of_input: bool = True, **options: int) -> Runs:
    """A convolution; with the images' gradient where they are not what one trains on."""
    return differentiated(lambda n: n.Conv2d(shape[1], channels, kernel, **options), normal(*shape), of_input=of_input)


def pooling(kind: str, shape: Shape) -> Runs:
    """MaxPool2d or AvgPool2d of 2 by 2 places."""
    return differentiated(lambda n: getattr(n, kind)(2), normal(*shape), of_input=True)


def layer_norm(rows: int = 2048, size: int = 512) -> Runs:
    return differentiated(lambda n: n.LayerNorm(size), normal(rows, size), of_input=True)


def softmax(rows: int = 2048, size: int = 512) -> Runs:
    return differentiated(lambda n: n.Softmax(-1), normal(rows, size), of_input=True)


def gelu(rows: int = 2048, size: int = 512) -> Runs:
    return differentiated(lambda n: n.GELU(), normal(rows, size), of_input=True)


def cross_entropy(rows: int = 2048, size: int = 512) -> Runs:
    return differentiated(lambda n: n.CrossEntropyLoss(), normal(rows, size), classes(rows, size), of_input=True)


#: name -> (workload, rounds)
NETWORKS: dict[str, tuple[Callable[[], Runs], int]] = {
    "LeNet, 28x28, batch 64": (lenet, 20),
    "convolution 3x3, 64 to 64, 32x32, batch 16": (lambda: conv((16, 64, 32, 32), 64, padding=1), 6),
    "convolution of AlexNet's first layer, batch 8": (lambda: conv((8, 3, 227, 227), 96, 11, of_input=False, stride=4), 5),
    "convolution 3x3, depthwise, 64 channels, 32x32, batch 16": (
        lambda: conv((16, 64, 32, 32), 64, padding=1, groups=64),
        10,
    ),
    **SEQUENCES,
    "layer norm, 2048x512": (layer_norm, 20),
    "softmax, 2048x512": (softmax, 20),
    "GELU, 2048x512": (gelu, 20),
    "gradient penalty of an MLP 256-256-1": (gradient_penalty, 30),
}
