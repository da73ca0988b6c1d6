"""Vectors of words by word2vec, for the examples that look at them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import nn
from nn.functional import negative_sampling_loss
from nn.text import Vocabulary, cbow_windows, skip_gram_pairs

from .resuming import steps
from .seeds import generator
from .small_world import small_world


def corpus(sentences: int, data: Path | None = None) -> tuple[list[str], list[str]]:
    """Sentences to learn from, and a tenth as many others: of the small world, or the lines of a file."""
    rng = generator(1)
    if data is None:
        return small_world(sentences, rng), small_world(sentences // 10, rng)
    lines = [line.lower() for line in data.read_text(encoding="utf-8").splitlines() if line.strip()]
    if len(lines) < 100:
        raise ValueError(f"{data} has {len(lines)} lines with words: too few to learn vectors from")
    return lines[: len(lines) * 9 // 10], lines[len(lines) * 9 // 10 :]


def thinned(numbers: np.ndarray, keep: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Some of the words, each kept by its probability."""
    return numbers[rng.random(len(numbers)) < keep[numbers]]


def windows(numbers: np.ndarray, kind: str, window: int) -> tuple[np.ndarray, np.ndarray]:
    """What is given and what is to be guessed: a word and one neighbour, or all neighbours and the word."""
    if kind == "skip-gram":
        return skip_gram_pairs(numbers, window)
    return cbow_windows(numbers, window)


def train_word2vec(
    lines: list[str], kind: str = "skip-gram", updates: int = 3000, dimensions: int = 24, window: int = 4,
    negatives: int = 5, rare: float = 0.01, least: int = 1,
) -> tuple[np.ndarray, np.ndarray, Vocabulary, np.ndarray]:  # fmt: skip
    """Vectors in the middle and as neighbours, the vocabulary, and how much of each word was read."""
    rng, text = generator(2), " ".join(lines)
    vocabulary = Vocabulary.of_words(text, least, special=("<unk>",))
    numbers = np.array(vocabulary.encode(text))
    counts = np.bincount(numbers, minlength=len(vocabulary))
    keep = np.minimum(1, np.sqrt(rare * len(numbers) / np.maximum(counts, 1)))
    given, wanted = windows(thinned(numbers, keep, rng), kind, window)
    noise = counts**0.75 / (counts**0.75).sum()
    model = nn.ModuleList([nn.Embedding(len(vocabulary), dimensions, sparse=True) for _ in range(2)])
    inside, outside = model
    inside.weight.data *= 0.1
    outside.weight.data *= 0
    optimizer = nn.optim.Adagrad(model.parameters(), lr=0.2)
    for step in steps(updates, model, optimizer, rng, name=f"training-{kind}"):
        rows = rng.integers(0, len(wanted), 256)
        v = inside(given[rows]) if kind == "skip-gram" else inside(given[rows]).mean(axis=1)
        drawn = rng.choice(len(vocabulary), (256, negatives), p=noise)
        loss = negative_sampling_loss(v, outside(wanted[rows]), outside(drawn))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 1000 == 0:
            print(f"{kind}, step {step + 1}: loss {loss.item():.3f}")
    return inside.weight.detach().numpy(), outside.weight.detach().numpy(), vocabulary, keep
