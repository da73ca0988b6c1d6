"""The figures of the lesson on backpropagation: each function writes one page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import minigrad as mg
import nn
from minigrad import viz


def slope(path: Path) -> None:
    """A function of one number, with the tangent that its derivative says."""

    def f(x):
        return x**3 - 2 * x

    viz.derivatives(f, 1.0, orders=1, span=(-2, 2), path=path, title="f(x) = x³ − 2x and its slope")


def neuron(path: Path) -> None:
    """One neuron, of plain numbers."""

    def neuron(x1, x2, w1, w2, b):
        return np.tanh(w1 * x1 + w2 * x2 + b)

    viz.explore(neuron, 2.0, 0.0, -3.0, 1.0, 6.88, path=path, title="One neuron", direction="TB")


def fork(path: Path) -> None:
    """A number that goes to the result along two ways."""

    def f(x):
        return x * np.sin(x)

    viz.explore(f, 2.0, path=path, title="x goes two ways")


def practice(path: Path) -> None:
    """Values and gradients of a small graph, as questions."""

    def f(x, y):
        a = x * y
        return a * np.sin(x) + a

    viz.quiz(f, 2.0, -3.0, path=path, title="A number that is used more than once")


def training(path: Path) -> None:
    """A network of 2, 16 and 2 neurons learns which points are inside of a circle."""
    mg.random.manual_seed(0)
    points = np.random.default_rng(0).uniform(-1, 1, size=(200, 2)).astype("float32")
    inside = (np.square(points).sum(axis=1) < 0.5).astype("int64")
    net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
    optimizers = [nn.optim.SGD(net.parameters(), lr=0.5), nn.optim.Adam(net.parameters(), lr=0.02)]
    viz.explore(
        net,
        data=(points, inside),
        loss=nn.functional.cross_entropy,
        optimizer=optimizers,
        path=path,
        title="Inside or outside of a circle",
        direction="LR",
    )


def orders(path: Path) -> None:
    """tanh and its first derivatives."""
    viz.derivatives(np.tanh, 0.5, orders=4, path=path, title="tanh and its derivatives")
