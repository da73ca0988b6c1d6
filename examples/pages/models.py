"""What the pages show: small models with small data, so that a whole computation can be read."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
import nn
from minigrad import Tensor, autograd
from nn.functional import binary_cross_entropy_with_logits, cross_entropy

Given = tuple[Any, ...]


def some(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def scalar() -> Given:
    """A function of plain NumPy, with its two numbers."""

    def f(x, y):
        product = x * y
        return (np.tanh(product) + np.sin(x)) ** 2

    return f, 0.5, -3.0


class Mlp(nn.Module):
    """Two layers tell two classes of points apart."""

    def __init__(self):
        self.hidden, self.out = nn.Linear(2, 8), nn.Linear(8, 2)

    def forward(self, points, labels):
        h = np.tanh(self.hidden(points))
        return cross_entropy(self.out(h), labels)


def mlp() -> Given:
    mg.random.manual_seed(0)
    points = some(16, 2)
    return Mlp(), points, (points[:, 0] * points[:, 1] > 0).astype(np.int64)


class LeNet(nn.Module):
    """LeCun's network, with ReLU and max-pooling."""

    def __init__(self):
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)
        )

    def forward(self, images, labels):
        scores = self.classifier(self.features(images))
        return cross_entropy(scores, labels)


def lenet() -> Given:
    mg.random.manual_seed(0)
    return LeNet(), *digits(8)


def digits(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Handwritten digits, each of its pixels three times as large: images (N, 1, 28, 28), and labels."""
    from sklearn.datasets import load_digits  # here: it takes a second, and the other pages need no digits

    images, labels = load_digits(return_X_y=True)
    small = images[:count].reshape(count, 1, 8, 8).astype(np.float32) / 16
    large = small.repeat(3, axis=2).repeat(3, axis=3)
    return np.pad(large, ((0, 0), (0, 0), (2, 2), (2, 2))), labels[:count]


class Lstm(nn.Module):
    """One cell reads a sequence; what it remembers at the end is the answer."""

    def __init__(self, inputs=2, hidden=8):
        self.cell, self.out = nn.LSTMCell(inputs, hidden), nn.Linear(hidden, 1)
        self.hidden = hidden

    def forward(self, xs, target):  # (T, B, inputs), (B, 1)
        h = c = Tensor(np.zeros((xs.shape[1], self.hidden), np.float32), name="zeros")
        for x in xs:
            h, c = self.cell(x, (h, c))
        return ((self.out(h) - target) ** 2).mean()


def lstm() -> Given:
    mg.random.manual_seed(0)
    xs = some(10, 4, 2)
    return Lstm(), xs, xs[..., 0].sum(axis=0)[:, None]


class Block(nn.Module):
    """Attention looks around among the tokens, then each is worked on alone; a norm and a residual for both."""

    def __init__(self, width=16, heads=2):
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.feed_forward = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens):
        y = self.norm1(tokens)
        tokens = tokens + self.attention(y, y, y)[0]
        return tokens + self.feed_forward(self.norm2(tokens))


class Transformer(nn.Module):
    """Words are looked up, one block works on them, and the next words are asked for."""

    def __init__(self, words=12, width=16):
        self.embedding, self.block, self.out = nn.Embedding(words, width), Block(width), nn.Linear(width, words)

    def forward(self, words, following):
        x = self.block(self.embedding(words))
        return cross_entropy(self.out(x).reshape(-1, 12), following.reshape(-1))


def transformer() -> Given:
    mg.random.manual_seed(0)
    words = np.array([[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 5, 8]])
    return Transformer(), words, np.roll(words, -1, axis=1)


class Penalty(nn.Module):
    """The slope of a critic is held at 1: the loss is computed from a gradient, and differentiated again."""

    def __init__(self):
        self.critic = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, points):
        (gradient,) = autograd.grad(self.critic(points).sum(), points, create_graph=True)
        slope = np.sqrt((gradient**2).sum(axis=1) + 1e-12)
        return ((slope - 1) ** 2).mean()


def penalty() -> Given:
    mg.random.manual_seed(0)
    return Penalty(), Tensor(some(6, 2), requires_grad=True, name="points")


class Seq2Seq(nn.Module):
    """The encoder reads the words into one state, from which the decoder writes."""

    def __init__(self, words=10, hidden=12):
        self.read, self.write = nn.Embedding(words, hidden), nn.Embedding(words, hidden)
        self.encoder, self.decoder = nn.GRUCell(hidden, hidden), nn.GRUCell(hidden, hidden)
        self.out = nn.Linear(hidden, words)
        self.hidden = hidden

    def forward(self, source, target):
        h = Tensor(np.zeros((len(source), self.hidden), np.float32), name="zeros")
        for t in range(source.shape[1]):
            h = self.encoder(self.read(source[:, t]), h)
        scores = []
        for t in range(target.shape[1] - 1):
            h = self.decoder(self.write(target[:, t]), h)
            scores.append(self.out(h))
        return cross_entropy(np.concatenate(scores), target[:, 1:].T.reshape(-1))


def seq2seq() -> Given:
    mg.random.manual_seed(0)
    rng = np.random.default_rng(0)
    return Seq2Seq(), rng.integers(1, 10, (2, 5)), rng.integers(1, 10, (2, 5))


class Gan(nn.Module):
    """What the discriminator loses on real points and on those that the generator makes of noise."""

    def __init__(self):
        self.generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
        self.discriminator = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))

    def forward(self, real, noise):
        fake = self.generator(noise)
        says_real, says_fake = self.discriminator(real), self.discriminator(fake)
        on_real = binary_cross_entropy_with_logits(says_real, np.ones((len(real), 1), np.float32))
        on_fake = binary_cross_entropy_with_logits(says_fake, np.zeros((len(noise), 1), np.float32))
        return on_real + on_fake


def gan() -> Given:
    mg.random.manual_seed(0)
    angle = np.arange(8) * np.pi / 4
    return Gan(), 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32), some(8, 4)
