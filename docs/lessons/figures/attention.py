"""The figures of the lesson on attention: each function writes one page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import minigrad as mg
import nn
from minigrad import viz

WORDS = ["the", "black", "cat"]
KEYS = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])  # (word, how much of an adjective and of a noun)
VALUES = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])  # (word, how dark and how furry)
QUERY = np.array([[1.5, 0.0]])  # in search of an adjective


def look_up(path: Path) -> None:
    """One query and three words, as in the first snippet of the lesson."""

    def attention(query, keys, values):
        scores = np.einsum("id,jd->ij", query, keys)
        weights = mg.softmax(scores, axis=-1)
        return weights @ values

    viz.explore(attention, QUERY, KEYS, VALUES, tokens=WORDS, path=path, title="One query looks at three words")


def saturated(path: Path) -> None:
    """The largest of three weights, and a scale for all scores."""

    def first_weight(scale, scores):
        return mg.softmax(scale * scores)[0]

    viz.explore(first_weight, 1.0, [2.0, 1.0, 0.0], path=path, title="The largest weight, and its slope")


def causal(path: Path) -> None:
    """Self-attention in which each word looks for its own kind, behind a mask."""
    words = ["the", "cat", "saw", "a", "dog", "run"]
    kinds = [0, 1, 2, 0, 1, 2]  # article, noun, verb
    vectors = np.concatenate([3.0 * np.eye(3)[kinds], np.ones((6, 1))], axis=1)  # and 1, for being a word at all

    def attention(x):
        scores = x @ x.T / 2
        seen = nn.functional.causal_mask(6, scores)
        weights = mg.softmax(np.where(seen, scores, -np.inf), axis=-1)
        return weights @ x

    viz.explore(attention, vectors, tokens=words, path=path, title="Each word looks back for its own kind")


# ---- a translator of one layer, to be trained in the page

PAIRS = (
    "the le, a un, black noir, green vert, red rouge, white blanc, cat chat, dog chien, lion lion, fish poisson, "
    "sees voit, follows suit, likes aime, finds trouve"
)
ENGLISH, FRENCH = (["<pad>", *words] for words in zip(*(pair.split() for pair in PAIRS.split(", ")), strict=True))
SLOTS = [(1, 3), (3, 7), (7, 11), (11, 15), (1, 3), (3, 7), (7, 11)]  # article, adjective, noun, verb, article, adjective, noun
ORDER = [0, 2, 1, 3, 4, 6, 5]  # French puts these adjectives behind their nouns


class Translator(nn.Module):
    """Seven places of the French sentence ask, seven English words answer."""

    def __init__(self, words: int = 15, size: int = 16, length: int = 7) -> None:
        self.size = size
        self.read = nn.Embedding(words, size)
        self.places = nn.Parameter(0.5 * mg.random.randn(length, size))  # where an English word stands
        self.ask = nn.Parameter(0.5 * mg.random.randn(length, size))  # what a French place looks for
        self.write = nn.Linear(size, words)

    def forward(self, english):
        values = self.read(english)  # (N, 7, size)
        keys = values + self.places
        scores = self.ask @ np.swapaxes(keys, 1, 2) / self.size**0.5  # (N, 7 French, 7 English)
        weights = mg.softmax(scores, axis=-1)
        return self.write(weights @ values)


def sentences(count: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """English sentences and their French, (N, 7) numbers of words; a word and its translation have one number."""
    rng = np.random.default_rng(0)
    english = np.stack([rng.integers(low, high, count) for low, high in SLOTS], axis=1)
    return english, english[:, ORDER]


def cross_entropy(scores, french):
    return nn.functional.cross_entropy(scores.reshape(-1, len(FRENCH)), french.reshape(-1))


def translator(path: Path) -> None:
    """The translator, to be trained in the page."""
    mg.random.manual_seed(0)
    net = Translator()
    optimizer = nn.optim.Adam(net.parameters(), lr=0.02)
    viz.explore(
        net, data=sentences(), loss=cross_entropy, optimizer=optimizer, batch=32, path=path, title="A translator of one layer"
    )


def alignment(path: Path) -> None:
    """The same translator after 300 steps, on one sentence whose words can be changed."""
    mg.random.manual_seed(0)
    net = Translator()
    optimizer = nn.optim.Adam(net.parameters(), lr=0.02)
    english, french = sentences()
    for _ in range(300):
        loss = cross_entropy(net(english), french)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    sentence = np.array([[ENGLISH.index(word) for word in ["the", "black", "cat", "sees", "a", "red", "lion"]]])
    viz.explore(net, sentence, vocabulary=ENGLISH, path=path, title="Who looked at what")
