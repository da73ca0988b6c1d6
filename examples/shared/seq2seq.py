"""Encoder and decoder: two translators, how they learn, and what they write.

A model has `encode(source, lengths)`, which gives a state, and `decode(before, state)`, which gives scores (N, T, symbols) and
the state after them. Data has `source`, `lengths`, `target`, `sizes`, `train` and `test`, as `Phrases` has them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import nn
from minigrad import Tensor, no_grad

from .resuming import steps
from .seeds import generator


class Translator(nn.Module):
    """All of the source becomes one state, from which the decoder writes."""

    def __init__(self, words: int, symbols: int, hidden: int) -> None:
        self.read = nn.Embedding(words, hidden, padding_idx=0)
        self.encoder = nn.GRU(hidden, hidden, batch_first=True)
        self.write = nn.Embedding(symbols, hidden, padding_idx=0)
        self.decoder = nn.GRU(hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, symbols)

    def encode(self, x: np.ndarray, lengths: np.ndarray) -> Tensor:
        return self.encoder(self.read(x), lengths=lengths)[1]

    def decode(self, before: np.ndarray, state: Tensor) -> tuple[Tensor, Tensor]:
        h, state = self.decoder(self.write(before), state)
        return self.out(h), state

    def forward(self, x: np.ndarray, lengths: np.ndarray, before: np.ndarray) -> Tensor:
        return self.decode(before, self.encode(x, lengths))[0]


class Attentive(nn.Module):
    """A state of the decoder asks, the encoder's states answer; `kind`: additive, product, or none."""

    def __init__(self, words: int, symbols: int, hidden: int, kind: str) -> None:
        self.read = nn.Embedding(words, hidden, padding_idx=0)
        self.encoder = nn.GRU(hidden, hidden // 2, batch_first=True, bidirectional=True)
        self.write, self.cell = nn.Embedding(symbols, hidden, padding_idx=0), nn.GRUCell(2 * hidden, hidden)
        if kind == "additive":
            self.attention = nn.AdditiveAttention(hidden, hidden, hidden)
        elif kind == "product":
            self.attention = nn.DotAttention(hidden, hidden)
        else:
            self.attention = None
        self.out = nn.Linear(2 * hidden, symbols)

    def encode(self, x: np.ndarray, lengths: np.ndarray) -> tuple[Any, ...]:
        keys, last = self.encoder(self.read(x), lengths=lengths)
        last = np.concatenate([last[0], last[1]], axis=1)
        return last, keys, lengths, last, []

    def decode(self, before: np.ndarray, state: tuple[Any, ...]) -> tuple[Tensor, tuple[Any, ...]]:
        h, keys, lengths, last, looked = state
        outs = []
        for t in range(before.shape[1]):
            context, weights = (last, None) if self.attention is None else self.attention(h, keys, lengths)
            h = self.cell(np.concatenate([self.write(before[:, t]), context], axis=1), h)
            outs.append(self.out(np.concatenate([h, context], axis=1)))
            looked = [*looked, weights]
        return np.stack(outs, axis=1), (h, keys, lengths, last, looked)

    def forward(self, x: np.ndarray, lengths: np.ndarray, before: np.ndarray) -> Tensor:
        return self.decode(before, self.encode(x, lengths))[0]


def written(model: Any, data: Any, rows: np.ndarray) -> np.ndarray:
    """What the model writes, (N, T), each symbol chosen greedily after its own."""
    with no_grad():
        state = model.encode(data.source[rows], data.lengths[rows])
        token, out = data.target[rows, :1], []
        for _ in range(data.target.shape[1] - 1):
            scores, state = model.decode(token, state)
            token = scores.numpy()[:, -1:].argmax(axis=-1)
            out.append(token[:, 0])
    return np.array(out).T


def agree(model: Any, data: Any, rows: np.ndarray) -> np.ndarray:
    """Which symbols (N, T) are right; padding counts as right."""
    wanted = data.target[rows, 1:]
    return (wanted == written(model, data, rows)) | (wanted == 0)


def exact(model: Any, data: Any, rows: np.ndarray) -> float:
    """The share of rows whose symbols are all right."""
    return float(agree(model, data, rows).all(axis=1).mean())


def train_seq2seq(
    model: Any, data: Any, updates: int, batch: int, lr: float, name: str, decay: float = 0.0
) -> dict[str, list[Any]]:  # fmt: skip
    """Train by teacher forcing: the right symbols so far are given. The rate falls to 0 along a cosine.

    Returns:
        `losses`, and ten times the updates `seen` and the share of test rows that were `exact`.
    """
    rng, kept = generator(2), {"losses": [], "seen": [], "exact": []}
    optimizer = nn.optim.AdamW(model.parameters(), lr=lr, weight_decay=decay)
    for step in steps(updates, model, optimizer, rng, kept, name=name):
        rows = rng.choice(data.train, batch)
        y = data.target[rows]
        y = y[:, : (y != 0).sum(axis=1).max()]
        scores = model(data.source[rows], data.lengths[rows], y[:, :-1]).reshape(-1, data.sizes[1])
        loss = nn.functional.cross_entropy(scores, y[:, 1:].reshape(-1), ignore_index=0)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.param_groups[0]["lr"] = lr * (1 + np.cos(np.pi * step / updates)) / 2
        optimizer.step()
        kept["losses"].append(loss.item())
        if (step + 1) % max(updates // 10, 1) == 0:
            kept["seen"].append(step + 1)
            kept["exact"].append(exact(model, data, data.test[:200]))
            print(f"{name}, {step + 1} updates: loss {loss.item():.3f}, exact {kept['exact'][-1]:.3f}")
    return kept
