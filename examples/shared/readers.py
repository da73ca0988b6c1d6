"""Readers of sentences: recurrent ones, whose last state decides, a convolution, and a bag of vectors."""

from __future__ import annotations

import numpy as np

import nn
from minigrad import Tensor


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
