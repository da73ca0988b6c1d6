"""Attention, as functions; the modules are in `nn.layers.attention`.

Masks: boolean ones say where attention may look (True); floating ones are added to the scores, and have gradients.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from minigrad import beside, raw, softmax, where

from .dropout import dropout

__all__ = ["causal_mask", "multi_head_attention", "rotary_embedding", "scaled_dot_product_attention", "sinusoidal_positions"]


def causal_mask(length: int, like: Any = None) -> Any:
    """(length, length), True on and below the diagonal: each place sees itself and what is before it.

    >>> causal_mask(2)
    array([[ True, False],
           [ True,  True]])
    """
    return beside(np.tril(np.ones((length, length), dtype=bool)), like)


def _masked(scores: Any, mask: Any) -> Any:
    """Scores without those that a boolean mask hides, or with a floating mask, which has a gradient, added."""
    return where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask


def scaled_dot_product_attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
    scale: float | None = None, return_weights: bool = False,
) -> Any:  # fmt: skip
    """softmax(Q K^T / sqrt(E)) V over the last two axes (Vaswani et al., 2017).

    Args:
        query, key, value: (..., L, E), (..., S, E), (..., S, V).
        attn_mask: broadcasts to (..., L, S).
        is_causal: no place sees a later one.
        scale: in place of 1 / sqrt(E).
        return_weights: also return the attention weights, (..., L, S).

    >>> scaled_dot_product_attention(np.zeros((1, 2)), np.ones((3, 2)), np.eye(3)).round(3)
    array([[0.333, 0.333, 0.333]])
    """
    _check_widths(np.shape(query), np.shape(key), np.shape(value))
    if scale is None:
        scale = 1 / sqrt(max(np.shape(query)[-1], 1))  # of no features all scores are 0
    scores = (query * scale) @ np.swapaxes(key, -1, -2)
    if is_causal:
        if attn_mask is not None:
            raise ValueError("scaled_dot_product_attention: is_causal and attn_mask exclude each other")
        rows, columns = np.shape(scores)[-2:]
        attn_mask = beside(np.tril(np.ones((rows, columns), dtype=bool)), scores)
    if attn_mask is not None:
        scores = _masked(scores, attn_mask)
    weights = dropout(softmax(scores, axis=-1), dropout_p, dropout_p > 0)
    out = weights @ value
    return (out, weights) if return_weights else out


def _check_widths(query: tuple[int, ...], key: tuple[int, ...], value: tuple[int, ...]) -> None:
    """Refuse queries and keys of different widths, and keys that are not as many as the values."""
    if min(map(len, (query, key, value))) < 2 or query[-1] != key[-1] or key[-2] != value[-2]:
        raise ValueError(
            "attention: expected query (..., L, E), key (..., S, E) and value (..., S, V), "
            f"got {query}, {key} and {value}"
        )


def multi_head_attention(
    query: Any, key: Any, value: Any, num_heads: int, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
    return_weights: bool = False,
) -> Any:  # fmt: skip
    """Attention in several heads side by side: (N, L, E), (N, S, E), (N, S, E) -> (N, L, E), weights (N, heads, L, S)."""

    def heads(x: Any) -> Any:
        n, length, features = np.shape(x)
        return np.transpose(np.reshape(x, (n, length, num_heads, features // num_heads)), (0, 2, 1, 3))

    out = scaled_dot_product_attention(
        heads(query), heads(key), heads(value), attn_mask, dropout_p, is_causal, return_weights=return_weights
    )
    out, weights = out if return_weights else (out, None)
    joined = np.reshape(np.transpose(out, (0, 2, 1, 3)), (*np.shape(query)[:2], -1))
    return (joined, weights) if return_weights else joined


def sinusoidal_positions(length: int, features: int, base: float = 10_000.0) -> np.ndarray:
    """Sines and cosines of wave lengths from 2 pi to base 2 pi, (length, features) (Vaswani et al., 2017).

    >>> sinusoidal_positions(2, 2).round(3)
    array([[0.   , 1.   ],
           [0.841, 0.54 ]])
    """
    angles = np.arange(length)[:, None] / base ** (np.arange(0, features, 2) / features)
    out = np.zeros((length, features))
    out[:, 0::2] = np.sin(angles)
    out[:, 1::2] = np.cos(angles)[:, : features // 2]
    return out


def rotary_embedding(x: Any, base: float = 10_000.0, offset: int = 0) -> Any:
    """Turn pairs of features (x_i, x_{i + E/2}) by angles that grow with the position, (..., L, E) (Su et al., 2021).

    The product of two such vectors depends on the distance of their positions alone.

    >>> rotary_embedding(np.array([[1.0, 0.0], [1.0, 0.0]])).round(3)
    array([[1.   , 0.   ],
           [0.54 , 0.841]])
    """
    length, features = np.shape(x)[-2:]
    if features % 2:
        raise ValueError(f"rotary_embedding: an even number of features is needed, got {features}")
    angles = (np.arange(length) + offset)[:, None] / base ** (np.arange(0, features, 2) / features)
    cosine, sine = (np.asarray(f(angles), dtype=x.dtype, like=raw(x)) for f in (np.cos, np.sin))
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([a * cosine - b * sine, a * sine + b * cosine], axis=-1)
