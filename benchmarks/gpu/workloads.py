"""The workloads: a training step, or a function forward and backward, written once for both libraries.

Each is a function that takes a library and sizes, and returns a step.  A step takes `lap`, and calls it after each
of its parts with the part's name: to measure the parts, `lap` waits for the card and looks at the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .libraries import Library

Lap = Callable[[str], None]
Step = Callable[[Lap], None]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Workload:
    """A row of the table.

    Attributes:
        build: makes the step of a library, with the sizes.
        full: the sizes that the name speaks of.
        tiny: sizes that any machine computes at once, with as many launches: to try the code, and to count.
        parts: whether the parts of a step have rows of their own.
        repeats: how often a step does its work; times and launches are divided by it.
    """

    name: str
    build: Callable[..., Step]
    full: dict[str, Any]
    tiny: dict[str, Any]
    parts: bool = False
    repeats: int = 1

    def step(self, library: Library, tiny: bool = False) -> Step:
        return self.build(library, **(self.tiny if tiny else self.full))


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def classes(shape: Shape, count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, count, shape)


def training(optimizer: Any, loss: Callable[[], Any]) -> Step:
    """A training step as everybody writes it."""

    def step(lap: Lap) -> None:
        value = loss()
        lap("forward")
        optimizer.zero_grad()
        value.backward()
        lap("backward")
        optimizer.step()
        lap("optimizer")

    return step


def function(library: Library, f: Callable[[Any], Any], *inputs: Any) -> Step:
    """A function of tensors, forward and backward from a gradient of its result."""
    g = library.tensor(normal(*tuple(f(*inputs).shape)))

    def step(lap: Lap) -> None:
        for x in inputs:
            x.grad = None
        out = f(*inputs)
        lap("forward")
        out.backward(g)
        lap("backward")

    return step


# ------------------------------------------------------------------------------------- networks


def cnn(library: Library, shape: Shape, widths: tuple[int, int]) -> Step:
    """Two convolutions with ReLU and max-pooling, a linear layer, cross-entropy, Adam; images (N, C, H, W)."""
    n, (batch, channels, height, width) = library.nn, shape
    first, second = widths
    net = n.Sequential(
        n.Conv2d(channels, first, 3, padding=1), n.ReLU(), n.MaxPool2d(2),
        n.Conv2d(first, second, 3, padding=1), n.ReLU(), n.MaxPool2d(2),
        n.Flatten(), n.Linear(second * (height // 4) * (width // 4), 10),
    )  # fmt: skip
    return _classifier(library, net, shape, batch)


def mlp(library: Library, batch: int, sizes: tuple[int, int, int]) -> Step:
    """Three linear layers with ReLU, cross-entropy, Adam."""
    n, (inputs, first, second) = library.nn, sizes
    net = n.Sequential(n.Linear(inputs, first), n.ReLU(), n.Linear(first, second), n.ReLU(), n.Linear(second, 10))
    return _classifier(library, net, (batch, inputs), batch)


def _classifier(library: Library, net: Any, shape: Shape, batch: int) -> Step:
    net = library.on_device(net)
    x, y = library.tensor(normal(*shape)), library.tensor(classes((batch,), 10))
    optimizer = library.optim.Adam(net.parameters(), lr=1e-3)
    return training(optimizer, lambda: library.nn.functional.cross_entropy(net(x), y))


def lstm(library: Library, shape: Shape, hidden: int) -> Step:
    """An LSTM layer, the mean of its squared states, Adam; sequences (T, B, H)."""
    layer = library.on_device(library.nn.LSTM(shape[-1], hidden))
    x = library.tensor(normal(*shape))
    optimizer = library.optim.Adam(layer.parameters(), lr=1e-3)
    return training(optimizer, lambda: (layer(x)[0] ** 2).mean())


def transformer(library: Library, shape: Shape, heads: int) -> Step:
    """An encoder layer, four times as wide inside, with dropout 0.1; Adam; sentences (B, T, H)."""
    size = shape[-1]
    layer = library.nn.TransformerEncoderLayer(size, heads, 4 * size, dropout=0.1, batch_first=True)
    layer = library.on_device(layer)
    x = library.tensor(normal(*shape))
    optimizer = library.optim.Adam(layer.parameters(), lr=1e-3)
    return training(optimizer, lambda: (layer(x) ** 2).mean())


# ------------------------------------------------------------------------------------ functions


def conv(library: Library, shape: Shape, channels: int) -> Step:
    """A convolution 3x3 with padding 1, gradients of the images and the kernels."""
    x = library.tensor(normal(*shape), requires_grad=True)
    kernels = library.tensor(normal(channels, shape[1], 3, 3), requires_grad=True)
    f = library.nn.functional.conv2d
    return function(library, lambda x, w: f(x, w, padding=1), x, kernels)


def max_pool(library: Library, shape: Shape) -> Step:
    """Maxima of 2 by 2 places."""
    x = library.tensor(normal(*shape), requires_grad=True)
    return function(library, lambda x: library.nn.functional.max_pool2d(x, 2), x)


def softmax(library: Library, shape: Shape) -> Step:
    """Softmax over the last axis."""
    x = library.tensor(normal(*shape), requires_grad=True)
    return function(library, lambda x: library.nn.functional.softmax(x, -1), x)


def cross_entropy(library: Library, shape: Shape) -> Step:
    """The loss of rows of logits."""
    x = library.tensor(normal(*shape), requires_grad=True)
    y = library.tensor(classes(shape[:1], shape[1]))

    def step(lap: Lap) -> None:
        x.grad = None
        loss = library.nn.functional.cross_entropy(x, y)
        lap("forward")
        loss.backward()
        lap("backward")

    return step


def adam(library: Library, tensors: int, size: int) -> Step:
    """A step of Adam alone, of many parameters whose gradients are there."""
    parameters = [library.tensor(normal(size), requires_grad=True) for _ in range(tensors)]
    for p in parameters:
        p.grad = library.tensor(normal(size))
    optimizer = library.optim.Adam(parameters, lr=1e-3)

    def step(lap: Lap) -> None:
        optimizer.step()
        lap("optimizer")

    return step


def small(library: Library, size: int, backward: bool, repeats: int) -> Step:
    """x * x + 1 many times over: what one operation costs from Python."""
    x = library.tensor(normal(size), requires_grad=True)

    def step(lap: Lap) -> None:
        for _ in range(repeats):
            y = x * x + 1
            if backward:
                x.grad = None
                y.sum().backward()

    return step


def _small(name: str, size: int, backward: bool) -> Workload:
    full, tiny = ({"size": s, "backward": backward, "repeats": 50} for s in (size, 8))
    return Workload(name, small, full, tiny, repeats=50)


WORKLOADS: tuple[Workload, ...] = (
    Workload(
        "CNN 128 x 3 x 32 x 32, Adam", cnn, {"shape": (128, 3, 32, 32), "widths": (32, 64)},
        {"shape": (2, 3, 8, 8), "widths": (2, 3)}, parts=True,
    ),
    Workload(
        "LSTM 50 x 64 x 64 to 256, Adam", lstm, {"shape": (50, 64, 64), "hidden": 256},
        {"shape": (50, 2, 4), "hidden": 5}, parts=True,
    ),
    Workload(
        "transformer block 512, 8 heads, 32 x 128, Adam", transformer, {"shape": (32, 128, 512), "heads": 8},
        {"shape": (2, 3, 8), "heads": 2}, parts=True,
    ),
    Workload(
        "MLP 784-256-128-10, batch 64, Adam", mlp, {"batch": 64, "sizes": (784, 256, 128)},
        {"batch": 2, "sizes": (6, 5, 4)}, parts=True,
    ),
    Workload(
        "convolution 3x3, 64 to 64, 128 x 64 x 56 x 56", conv, {"shape": (128, 64, 56, 56), "channels": 64},
        {"shape": (2, 3, 5, 5), "channels": 4}, parts=True,
    ),
    Workload("max-pool 2, 128 x 64 x 56 x 56", max_pool, {"shape": (128, 64, 56, 56)}, {"shape": (2, 3, 4, 4)}, parts=True),
    Workload("softmax, 4096 x 1024", softmax, {"shape": (4096, 1024)}, {"shape": (3, 5)}),
    Workload("cross-entropy, 4096 x 1024", cross_entropy, {"shape": (4096, 1024)}, {"shape": (3, 5)}),
    Workload("Adam, 1 M parameters in 16 tensors", adam, {"tensors": 16, "size": 1 << 16}, {"tensors": 16, "size": 4}),
    Workload("Adam, 5 M parameters in 64 tensors", adam, {"tensors": 64, "size": 80_000}, {"tensors": 64, "size": 4}),
    _small("x * x + 1, 1 k floats, forward", 1 << 10, False),
    _small("x * x + 1, 64 k floats, forward", 1 << 16, False),
    _small("x * x + 1, 4 M floats, forward", 1 << 22, False),
    _small("(x * x + 1).sum(), 1 k floats, both ways", 1 << 10, True),
    _small("(x * x + 1).sum(), 4 M floats, both ways", 1 << 22, True),
)  # fmt: skip
