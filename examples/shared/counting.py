"""What counting reaches in a text: the baseline of language models."""

from __future__ import annotations

import numpy as np


def ngram_nats(train: np.ndarray, test: np.ndarray, symbols: int, longest: int) -> list[float]:
    """Cross-entropy of a test text, in nats for each symbol, by counts of 1, 2, ... `longest` symbols in a row.

    What follows n - 1 symbols h is smoothed by what follows n - 2 of them (Witten and Bell, 1991):
    p(w | h) = (count(h w) + T(h) p(w | shorter h)) / (count(h) + T(h)), where T(h) is how many
    different symbols followed h.

    Args:
        train: numbers of symbols, from 0 to `symbols` - 1.
        test: the same, not in training.
    """
    train, test = np.asarray(train, np.int64), np.asarray(test, np.int64)
    if symbols**longest >= 2**63:
        raise ValueError(f"{longest} of {symbols} symbols in a row have no numbers of 64 bits")
    p, losses = np.full(len(test), 1 / symbols), []
    for n in range(longest):
        asked = _before(test, n, symbols)
        grams, counts = np.unique(_before(train, n, symbols) * symbols + train, return_counts=True)
        contexts, place = np.unique(grams // symbols, return_inverse=True)
        seen, different = _look(contexts, np.bincount(place, counts), asked), _look(contexts, np.bincount(place), asked)
        gram = _look(grams, counts, asked * symbols + test)
        p = np.where(seen > 0, (gram + different * p) / np.maximum(seen + different, 1), p)
        losses.append(float(-np.log(p).mean()))
    return losses


def _before(text: np.ndarray, n: int, symbols: int) -> np.ndarray:
    """The n symbols before each place as one number; before the text stands symbol 0."""
    padded, number = np.concatenate([np.zeros(n, np.int64), text]), np.zeros(len(text), np.int64)
    for j in range(n):
        number = number * symbols + padded[j : j + len(text)]
    return number


def _look(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The values of the wanted keys, which are sorted; 0 where a key is missing."""
    at = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)
