"""Histograms and precision-recall curves for TensorBoard."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["histogram", "precision_recall"]


def _edges(bins: Any, data: np.ndarray) -> np.ndarray:
    """The limits of the bins; "tensorflow" has some that grow by a tenth on both sides of 0."""
    if not isinstance(bins, str) or bins != "tensorflow":
        return np.histogram_bin_edges(data, bins)
    growing = 1e-12 * 1.1 ** np.arange(775)  # up to 1e20
    most = np.finfo(np.float64).max
    return np.concatenate([[-most], -growing[::-1], [0.0], growing, [most]])


def histogram(tag: str, values: np.ndarray, bins: Any, max_bins: int | None = None) -> dict[str, Any]:
    """How numbers are distributed: counts up to limits, and moments.

    Raises:
        ValueError: where there are none, or some are NaN or infinite.

    >>> histogram("w", np.array([1.0, 2.0, 2.0]), [0.0, 1.5, 3.0])["bucket"]
    [0, 1, 2]
    """
    data = values.astype(np.float64).ravel()
    if not data.size or not np.isfinite(data).all():
        if not data.size:
            raise ValueError(f"histogram {tag!r}: there are no values")
        raise ValueError(f"histogram {tag!r}: {np.sum(~np.isfinite(data))} of {data.size} values are NaN or infinite")
    edges = _edges(bins, data)
    counts, edges = np.histogram(data, edges)
    if max_bins is not None and len(counts) > max_bins:
        step = -(-len(counts) // max_bins)
        starts = np.arange(0, len(counts), step)
        counts, edges = np.add.reduceat(counts, starts), np.append(edges[starts], edges[-1])
    filled = np.flatnonzero(counts)
    first, end = (filled[0], filled[-1] + 1) if filled.size else (0, len(counts))
    return {
        "min": data.min(), "max": data.max(), "num": data.size, "sum": data.sum(), "sum_squares": data @ data,
        "bucket_limit": edges[first : end + 1], "bucket": [0, *counts[first:end].tolist()],
    }  # fmt: skip  # a bucket ends at its limit; the first is empty


def precision_recall(
    tag: str, labels: np.ndarray, predictions: np.ndarray, num_thresholds: int, weights: Any = None
) -> np.ndarray:
    """(6, thresholds): true and false positives, true and false negatives, precision and recall at each threshold.

    Args:
        labels: 0 or 1, or booleans.
        predictions: probabilities of 1, of the same shape.
        weights: of the examples, by default 1.

    Raises:
        ValueError: the shapes differ, a label is not 0 or 1, or a prediction is no probability.

    >>> precision_recall("pr", np.array([0, 1]), np.array([0.2, 0.9]), 3)[:2]
    array([[1., 1., 0.],
           [1., 0., 0.]])
    """
    labels, predictions = np.ravel(labels), np.ravel(predictions)
    if labels.shape != predictions.shape:
        raise ValueError(f"pr_curve {tag!r}: {labels.size} labels and {predictions.size} predictions")
    if not np.isin(labels, (0, 1)).all() or not ((predictions >= 0) & (predictions <= 1)).all():
        raise ValueError(f"pr_curve {tag!r}: labels must be 0 or 1, predictions probabilities between 0 and 1")
    each = np.ones(labels.shape) if weights is None else np.broadcast_to(np.ravel(weights), labels.shape)
    bucket = np.floor(predictions * (num_thresholds - 1)).astype(int)
    positive = np.bincount(bucket, each * labels, num_thresholds)
    negative = np.bincount(bucket, each * (1 - labels.astype(float)), num_thresholds)
    tp, fp = np.cumsum(positive[::-1])[::-1], np.cumsum(negative[::-1])[::-1]
    tn, fn = fp[0] - fp, tp[0] - tp
    precision, recall = tp / np.maximum(1e-7, tp + fp), tp / np.maximum(1e-7, tp + fn)
    return np.stack([tp, fp, tn, fn, precision, recall])
