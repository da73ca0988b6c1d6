"""How good predictions are: accuracy, precision and recall, the confusion matrix, perplexity, BLEU.  Plain numbers and arrays."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .values import host

__all__ = ["ClassScores", "accuracy", "bleu", "confusion_matrix", "perplexity", "precision_recall_f1"]


def _classes(predictions: Any, targets: Any) -> tuple[np.ndarray, np.ndarray]:
    """Predicted classes (of scores the largest) and true ones, both (N,)."""
    predicted, true = host(predictions), host(targets).reshape(-1)
    predicted = predicted.argmax(-1).reshape(-1) if predicted.ndim == np.ndim(targets) + 1 else predicted.reshape(-1)
    if predicted.shape != true.shape:
        raise ValueError(f"{predicted.size} predictions for {true.size} targets")
    return predicted, true


def accuracy(predictions: Any, targets: Any, top_k: int = 1) -> float:
    """The part of the targets, (N,), that are predicted, by classes (N,) or scores (N, C); or are among the k best scores.

    Args:
        predictions: classes, (N,), or scores, (N, C), of which the largest one counts.
        targets: the true classes, (N,).
        top_k: how many of the best scores may hold the target; above 1 it needs scores.

    Raises:
        ValueError: another number of predictions than of targets, or top_k without scores.

    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    true = host(targets)
    if top_k == 1:
        predicted, true = _classes(predictions, targets)
        return float((predicted == true).mean())
    scores = host(predictions)
    if scores.ndim != true.ndim + 1:
        raise ValueError(f"accuracy: top_k needs scores (..., C), got shape {scores.shape} for targets {true.shape}")
    best = np.argsort(-scores, axis=-1, kind="stable")[..., :top_k]
    return float((best == true[..., None]).any(-1).mean())


def confusion_matrix(predictions: Any, targets: Any, classes: int | None = None) -> np.ndarray:
    """How often class i (row) was predicted as class j (column), (C, C).

    Args:
        predictions: classes, (N,), or scores, (N, C), of which the largest one counts.
        targets: the true classes, (N,).
        classes: C; None: the largest class that occurs, plus 1.

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]))
    array([[1, 1],
           [0, 1]])
    """
    predicted, true = _classes(predictions, targets)
    n = int(max(predicted.max(initial=-1), true.max(initial=-1))) + 1 if classes is None else classes
    return np.bincount(true * n + predicted, minlength=n * n).reshape(n, n)


@dataclass(frozen=True)
class ClassScores:
    """What `precision_recall_f1` returns: numbers for each class, (C,); 0 where a quotient is 0 / 0.

    Attributes:
        precision: which part of the predictions of the class is right.
        recall: which part of the class is found.
        f1: the harmonic mean of both.
        support: how often the class occurs among the targets.
    """

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray

    def averaged(self, how: str = "macro") -> tuple[float, float, float]:
        """(precision, recall, F1) over classes.

        Args:
            how: "macro": all classes count alike, or "weighted": by how often they occur.
        """
        if how not in ("macro", "weighted"):
            raise ValueError(f"averages are 'macro' or 'weighted', got {how!r}")
        weights = self.support if how == "weighted" else np.ones(len(self.support))
        precision, recall, f1 = (float(np.average(x, weights=weights)) for x in (self.precision, self.recall, self.f1))
        return precision, recall, f1


def precision_recall_f1(predictions: Any, targets: Any, classes: int | None = None) -> ClassScores:
    """Of each class: which part of its predictions is right, which part of it is found, and the harmonic mean of both.

    Args:
        predictions: classes, (N,), or scores, (N, C), of which the largest one counts.
        targets: the true classes, (N,).
        classes: C; None: the largest class that occurs, plus 1.

    >>> precision_recall_f1(np.array([0, 1, 1]), np.array([0, 1, 0])).f1.round(3)
    array([0.667, 0.667])
    """
    table = confusion_matrix(predictions, targets, classes)
    right, predicted, present = np.diag(table), table.sum(0), table.sum(1)
    precision, recall = (right / np.maximum(n, 1) for n in (predicted, present))
    total = precision + recall
    return ClassScores(precision, recall, 2 * precision * recall / np.where(total == 0, 1, total), present)


def perplexity(mean_loss: Any) -> float:
    """e^loss, of a mean cross-entropy in nats: among how many equally likely symbols the model seems to choose.

    Args:
        mean_loss: the mean cross-entropy of a symbol, a number or a Tensor of one element.

    >>> round(perplexity(math.log(65)))
    65
    """
    return math.exp(float(mean_loss))


def bleu(
    candidates: Sequence[Sequence[Any]], references: Sequence[Sequence[Sequence[Any]]], max_n: int = 4, smooth: bool = False
) -> float:
    """BLEU of a corpus (Papineni et al., 2002): how many n-grams the candidates share with their references.

        bleu = exp(min(0, 1 - r / c)) (p_1 ... p_N)^(1 / N),  p_n the part of the candidates' n-grams that occur in a reference

    Args:
        candidates: sequences of tokens.
        references: for each of them one or more sequences.
        max_n: N, the length of the longest n-grams that count.
        smooth: add 1 to the counts of n-grams for n > 1 (Lin and Och, 2004), for short texts.

    >>> round(bleu([["a", "b", "c", "d", "e"]], [[["a", "b", "c", "d", "x"]]]), 4)
    0.6687
    """
    if len(candidates) != len(references):
        raise ValueError(f"bleu: {len(candidates)} candidates for {len(references)} sets of references")
    matches, totals, length, reference_length = [0] * max_n, [0] * max_n, 0, 0
    for candidate, given in zip(candidates, references, strict=True):
        length += len(candidate)
        reference_length += min((abs(len(r) - len(candidate)), len(r)) for r in given)[1]
        for n in range(1, max_n + 1):
            own = _ngrams(candidate, n)
            most: Counter[tuple[Any, ...]] = Counter()
            for reference in given:
                most |= _ngrams(reference, n)
            matches[n - 1] += sum((own & most).values())
            totals[n - 1] += sum(own.values())
    extra = [0, *[int(smooth)] * (max_n - 1)]
    if not length or any(m + e == 0 or t + e == 0 for m, t, e in zip(matches, totals, extra, strict=True)):
        return 0.0
    mean = sum(math.log((m + e) / (t + e)) for m, t, e in zip(matches, totals, extra, strict=True)) / max_n
    return math.exp(min(0.0, 1 - reference_length / length) + mean)


def _ngrams(tokens: Sequence[Any], n: int) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))
