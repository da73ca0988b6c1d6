"""The figures of the lesson on recurrence: each function writes one page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import minigrad as mg
import nn
from minigrad import viz


class Reader(nn.Module):
    """A cell reads a sequence; one number is made of its last state."""

    def __init__(self, cell, size):
        self.cell, self.out = cell, nn.Linear(size, 1)

    def forward(self, xs):
        state = None
        for x in xs:
            state = self.cell(x, state)
        return self.out(state[0] if isinstance(state, tuple) else state)


def unrolled(path: Path) -> None:
    """An Elman cell over four steps; a click unrolls it."""
    mg.random.manual_seed(0)
    xs = np.random.default_rng(0).normal(size=(4, 1, 2)).astype("float32")
    viz.explore(Reader(nn.RNNCell(2, 3), 3), xs, path=path, title="A recurrent network over four steps")


def power(path: Path) -> None:
    """The recurrence of one number, without inputs."""

    def recurrence(h0, w):
        h = h0
        for _ in range(5):
            h = w * h
        return h

    viz.explore(recurrence, 1.0, 0.8, path=path, title="Five steps of h = w h", direction="TB")


class Last(nn.Module):
    """The sum of what a recurrent layer says at the last step."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, xs):
        return self.layer(xs)[0][-1].sum()


def sequence() -> np.ndarray:
    """24 steps of three numbers, one example."""
    return np.random.default_rng(0).normal(size=(24, 1, 3)).astype("float32")


def plain(path: Path) -> None:
    """A plain recurrent layer, whose lens shows the gradient by lag."""
    mg.random.manual_seed(0)
    viz.explore(Last(nn.RNN(3, 8)), sequence(), depth=None, path=path, title="A plain recurrent layer over 24 steps")


def gated(path: Path) -> None:
    """An LSTM whose forget gate begins open: its gates, and the gradient by lag."""
    mg.random.manual_seed(0)
    layer = nn.LSTM(3, 8)
    layer.bias_ih_l0.data[8:16] = 3.0  # the forget gate
    viz.explore(Last(layer), sequence(), depth=None, path=path, title="An LSTM over 24 steps")


class Memory(nn.Module):
    """Of a sequence of symbols, which one was the first."""

    def __init__(self):
        self.rnn, self.out = nn.RNN(3, 12, batch_first=True), nn.Linear(12, 3)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])


def training(path: Path) -> None:
    """A plain recurrent network is to remember the first of 32 symbols."""
    mg.random.manual_seed(0)
    symbols = np.random.default_rng(0).integers(0, 3, (1000, 32))  # so many that the noise cannot be learned by heart
    net = Memory()
    optimizers = [
        nn.optim.SGD(net.parameters(), lr=0.05),
        nn.optim.Adam(net.parameters(), lr=0.01, eps=1e-5),  # a smaller eps makes full steps of what is nothing but rounding
    ]
    viz.explore(
        net,
        data=(np.eye(3, dtype="float32")[symbols], symbols[:, 0]),
        loss=nn.functional.cross_entropy,
        optimizer=optimizers,
        batch=50,
        path=path,
        title="Remember the first of 32 symbols",
        direction="LR",
    )
