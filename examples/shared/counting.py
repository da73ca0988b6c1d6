"""What counting reaches in a text: the baseline of language models and of classifiers."""

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


def naive_bayes(rows: list[np.ndarray], labels: np.ndarray, new: list[np.ndarray], size: int) -> np.ndarray:
    """The classes of new rows of numbers, by how often each number stands in the rows of each class.

    log p(class) + sum of log p(number | class) is largest, where each number counts once more than it was seen.
    """
    classes = range(labels.max() + 1)
    members = [np.concatenate([rows[i] for i in np.flatnonzero(labels == k)]) for k in classes]
    counts = [np.bincount(numbers, minlength=size) for numbers in members]
    logs = np.log(np.add(counts, 1) / (np.sum(counts, axis=1, keepdims=True) + size))
    return np.array([(logs[:, row].sum(axis=1) + np.log(np.bincount(labels))).argmax() for row in new])


def by_ngrams(texts: list[str], labels: np.ndarray, new: list[str], longest: int, unit: str) -> dict[str, np.ndarray]:
    """The classes of new texts by which runs of 1 to `longest` words or characters they have, in two ways.

    Args:
        unit: "word", or "char"; of characters the beginning and the end of a text are marked.
    """
    from sklearn.feature_extraction.text import CountVectorizer  # here: it takes a second, and few scripts count so
    from sklearn.linear_model import LogisticRegression

    parts = [[f"^{text}$" if unit == "char" else text for text in part] for part in (texts, new)]
    separate = {"token_pattern": r"\S+"} if unit == "word" else {}
    counter = CountVectorizer(analyzer=unit, ngram_range=(1, longest), binary=True, lowercase=False, **separate)
    x, asked = counter.fit_transform(parts[0]), counter.transform(parts[1])
    rows, later = (np.split(part.indices, part.indptr[1:-1]) for part in (x, asked))
    return {
        "naive Bayes": naive_bayes(rows, labels, later, x.shape[1]),
        "logistic regression": LogisticRegression(max_iter=1000).fit(x, labels).predict(asked),
    }
