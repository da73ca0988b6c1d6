"""Readers of sentences: recurrent ones, whose last state decides, a convolution, and a bag of vectors; and how they learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import nn
from minigrad import Tensor, no_grad

from .resuming import steps
from .seeds import generator


class Bag(nn.Module):
    """softmax(W mean_t e[t] + b): the order of the words is lost."""

    def __init__(self, words: int, size: int) -> None:
        self.embed, self.dropout = nn.Embedding(words, size, padding_idx=0), nn.Dropout(0.5)
        self.out = nn.Linear(size, 2)

    def forward(self, x: np.ndarray, lengths: np.ndarray) -> Tensor:
        return self.out(self.dropout(self.embed(x).sum(axis=1) / lengths[:, None]))


class Recurrent(nn.Module):
    """softmax(V h[T] + c), of an RNN, GRU or LSTM; with both directions of [h[T], g[1]]."""

    def __init__(self, kind: str, both: bool, words: int, size: int, hidden: int) -> None:
        self.embed, self.dropout = nn.Embedding(words, size, padding_idx=0), nn.Dropout(0.5)
        self.rnn = getattr(nn, kind)(size, hidden, bidirectional=both, batch_first=True)
        self.out = nn.Linear((1 + both) * hidden, 2)

    def forward(self, x: np.ndarray, lengths: np.ndarray) -> Tensor:
        state = self.rnn(self.dropout(self.embed(x)), lengths=lengths)[1]
        state = state[0] if isinstance(state, tuple) else state  # an LSTM has h and c
        return self.out(self.dropout(np.concatenate(list(state), axis=1)))


class Convolutional(nn.Module):
    """a[t] = relu(F [e[t] ... e[t+k-1]] + b) for k = 3, 4, 5, and softmax(W max_t a[t] + c) (Kim, 2014)."""

    def __init__(self, words: int, size: int, hidden: int) -> None:
        self.embed, self.dropout = nn.Embedding(words, size, padding_idx=0), nn.Dropout(0.5)
        self.filters = nn.ModuleList([nn.Conv1d(size, hidden, width, padding=width - 1) for width in (3, 4, 5)])
        self.out = nn.Linear(3 * hidden, 2)

    def forward(self, x: np.ndarray, lengths: np.ndarray) -> Tensor:
        h = self.dropout(self.embed(x)).transpose(0, 2, 1)  # (N, size, T)
        largest = [nn.functional.relu(slide(h)).max(axis=2) for slide in self.filters]
        return self.out(self.dropout(np.concatenate(largest, axis=1)))


def reader_scores(model: Any, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """What a reader that is no longer training says of each class, (N, classes), in small batches."""
    model.eval()
    with no_grad():
        parts = [model(x[i : i + 256], lengths[i : i + 256]).numpy() for i in range(0, len(x), 256)]
    model.train()
    return np.concatenate(parts)


def train_reader(
    name: str, model: Any, x: np.ndarray, lengths: np.ndarray, labels: np.ndarray, updates: int,
    batch: int, lr: float, loss: Callable[..., Tensor] = nn.functional.cross_entropy,
) -> None:  # fmt: skip
    """Adam on random rows, each batch cut to its longest, gradients clipped to the norm 1; all readers see the same rows.

    Args:
        x: (N, T) of symbols, padded at the end; `lengths` (N,) says how many of each count.
        loss: of what the model returns and the labels.
    """
    optimizer, rng = nn.optim.Adam(model.parameters(), lr=lr), generator(2)
    for step in steps(updates, model, optimizer, rng, name=name):
        rows = rng.integers(0, len(labels), batch)
        found = loss(model(x[rows, : lengths[rows].max()], lengths[rows]), labels[rows])
        optimizer.zero_grad()
        found.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0:
            print(f"{name}, update {step}: loss {found.item():.3f}", flush=True)
