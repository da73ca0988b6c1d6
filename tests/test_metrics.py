"""Metrics, against scikit-learn and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as theirs

from minigrad import Tensor
from nn import metrics

rng = np.random.default_rng(0)


def test_classification_equals_scikit_learns() -> None:
    scores, targets = rng.normal(size=(60, 4)), rng.integers(0, 4, 60)
    predicted = scores.argmax(1)
    assert metrics.accuracy(Tensor(scores), Tensor(targets)) == theirs.accuracy_score(targets, predicted)
    assert metrics.accuracy(predicted, targets) == theirs.accuracy_score(targets, predicted)
    assert metrics.accuracy(scores, targets, top_k=2) == pytest.approx(theirs.top_k_accuracy_score(targets, scores, k=2))
    np.testing.assert_array_equal(metrics.confusion_matrix(scores, targets), theirs.confusion_matrix(targets, predicted))
    assert metrics.confusion_matrix([0], [1], classes=5).shape == (5, 5)
    ours = metrics.precision_recall_f1(scores, targets)
    for a, b in zip(
        (ours.precision, ours.recall, ours.f1, ours.support),
        theirs.precision_recall_fscore_support(targets, predicted),
        strict=True,
    ):
        np.testing.assert_allclose(a, b)
    for how in ("macro", "weighted"):
        expected = theirs.precision_recall_fscore_support(targets, predicted, average=how)[:3]
        np.testing.assert_allclose(ours.averaged(how), expected)
    never = metrics.precision_recall_f1(np.zeros(4, int), np.array([0, 0, 1, 1]))
    assert never.f1.tolist() == [pytest.approx(2 / 3), 0.0]
    with pytest.raises(ValueError, match="3 predictions for 2 targets"):
        metrics.accuracy([0, 1, 1], [0, 1])
    with pytest.raises(ValueError, match="top_k needs scores"):
        metrics.accuracy([0, 1], [0, 1], top_k=2)


def test_perplexity_of_guessing() -> None:
    assert metrics.perplexity(math.log(27)) == pytest.approx(27)


def test_bleu_by_hand() -> None:
    """The example of the paper: "the" seven times has a clipped unigram precision of 2/7."""
    candidate, references = (
        ["the", "the", "the", "the", "the", "the", "the"],
        [["the", "cat", "is", "on", "the", "mat"], ["there", "is", "a", "cat", "on", "the", "mat"]],
    )
    assert metrics.bleu([candidate], [references], max_n=1) == pytest.approx(2 / 7)
    assert metrics.bleu([candidate], [references]) == 0.0
    short = ["the", "cat"]
    assert metrics.bleu([short], [[["the", "cat", "sat"]]], max_n=2) == pytest.approx(math.exp(1 - 3 / 2))
    a, b = ["a", "b", "c", "d", "e"], ["a", "b", "c", "d", "x"]
    assert metrics.bleu([a], [[b]]) == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    assert metrics.bleu([a], [[b]], smooth=True) == pytest.approx((4 / 5 * 4 / 5 * 3 / 4 * 2 / 3) ** 0.25)
    with pytest.raises(ValueError, match="1 candidates for 2 sets"):
        metrics.bleu([a], [[b], [b]])
