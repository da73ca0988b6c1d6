"""Recurrent cells from their steps, and a task: predict the next symbol of a stream, and name its first one at the end."""

from __future__ import annotations

from typing import Any

import numpy as np

import nn
from minigrad import Tensor, no_grad
from nn.functional import cross_entropy

from .seeds import generator

SYMBOLS = 4


class Joined(nn.Linear):
    """W [x, h, ...] + b."""

    def forward(self, *parts: Any) -> Any:
        return super().forward(np.concatenate(parts, axis=-1))


class Recurrent(nn.Module):
    """A cell over all steps of a sequence.

    Args:
        step: (cell, t, x, *states) -> the new states, of which the first is the output.
        states: how many of them there are.
        matrices: name -> (inputs, states, gates): how many of them a matrix reads, and how many gates it gives.  Of
            several gates the second is the one that keeps.
        vectors: how many the cell has beside, `peep`; they begin at 0.
        bias: with which the gate that keeps begins.
    """

    def __init__(
        self, step: Any, states: int, matrices: dict[str, tuple[int, int, int]], vectors: int = 0, *,
        inputs: int, hidden: int, bias: float = 0.0,
    ) -> None:  # fmt: skip
        self.step, self.states, self.hidden = step, states, hidden
        for name, (n, m, gates) in matrices.items():
            setattr(self, name, Joined(n * inputs + m * hidden, gates * hidden))
            if gates > 1:
                getattr(self, name).bias.data[hidden : 2 * hidden] = bias
        self.peep = nn.Parameter(np.zeros((vectors, hidden), np.float32)) if vectors else None

    def forward(self, xs: Any) -> Any:
        """The outputs after each step of (T, B, inputs)."""
        state = [Tensor(np.zeros((xs.shape[1], self.hidden), np.float32))] * self.states
        outputs = []
        for t, x in enumerate(xs):
            state = self.step(self, t, x, *state)
            outputs.append(state[0])
        return np.stack(outputs)


def source() -> np.ndarray:
    """How likely each symbol is after each two others: (SYMBOLS, SYMBOLS, SYMBOLS)."""
    return generator(2000).dirichlet(np.full(SYMBOLS, 0.3), (SYMBOLS, SYMBOLS))


def streams(count: int, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Symbols (length, count), and inputs (length + 1, count, SYMBOLS + 1): they, one-hot, and the question for the first."""
    table = source()
    seen = [rng.integers(0, SYMBOLS, count), rng.integers(0, SYMBOLS, count)]
    for _ in range(length - 2):
        seen.append((table[seen[-2], seen[-1]].cumsum(axis=-1) < rng.random((count, 1))).sum(axis=-1))
    return np.eye(SYMBOLS + 1, dtype=np.float32)[[*seen, np.full(count, SYMBOLS)]], np.array(seen)


def learned(cell: Any, hidden: int, updates: int, length: int) -> tuple[float, float]:
    """Train a module (T, B, SYMBOLS + 1) -> (T, B, hidden) with a read-out.

    Returns:
        Nats of the next symbols, and the accuracy of the first one, on streams never seen.
    """
    model, rng = nn.Sequential(cell, nn.Linear(hidden, SYMBOLS)), generator(2001)
    optimizer = nn.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(updates):
        xs, symbols = streams(32, length, rng)
        scores = model(Tensor(xs))
        loss = next_loss(scores, symbols) + cross_entropy(scores[-1], symbols[0])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    xs, symbols = streams(500, length, generator(2002))
    with no_grad():
        scores = model(Tensor(xs))
        return next_loss(scores, symbols).item(), nn.metrics.accuracy(scores[-1].numpy(), symbols[0])


def next_loss(scores: Any, symbols: np.ndarray) -> Any:
    """Nats of each symbol but the first two, which nothing predicts."""
    return cross_entropy(scores[1:-2].reshape(-1, SYMBOLS), symbols[2:].reshape(-1))


def baselines(length: int) -> dict[str, float]:
    """Nats of the same streams by counts of others, and by the source, which is the floor; and chance."""
    (_, known), (_, symbols) = streams(2000, length, generator(2003)), streams(500, length, generator(2002))
    before, last, following = symbols[:-2], symbols[1:-1], symbols[2:]
    return {
        "baseline: nats by frequencies": _nats(np.bincount(known[2:].ravel(), minlength=SYMBOLS)[following], known[2:].size),
        "baseline: nats by the symbol before": _nats(*_pairs(known, last, following)),
        "baseline: nats of the source itself, the floor": _nats(source()[before, last, following], 1),
        "chance: accuracy": 1 / SYMBOLS,
    }


def _pairs(known: np.ndarray, last: np.ndarray, following: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How often a symbol followed the one before it, and how often any did."""
    table = np.ones((SYMBOLS, SYMBOLS))
    np.add.at(table, (known[1:-1], known[2:]), 1)
    return table[last, following], table.sum(axis=1)[last]


def _nats(count: np.ndarray, of: float | np.ndarray) -> float:
    return float(-np.mean(np.log(count / of)))
