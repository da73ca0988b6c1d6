"""Attention, as functions; the modules are in `nn.layers.attention`.

Masks: boolean ones say where attention may look (True); floating ones are added to the scores, and have gradients; where
they are -inf attention may not look.  A key or value that a query may not look at has no influence on it, NaN neither.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from minigrad import Tensor, beside, raw, softmax, where
from minigrad.arrays import all_examples
from minigrad.devices import follow
from minigrad.later import perhaps_any, surely_all
from minigrad.ops.select import overwritten

from ..values import as_constant
from .dropout import dropout

__all__ = [
    "causal_mask", "masked_softmax", "multi_head_attention", "rotary_embedding", "scaled_dot_product_attention",
    "sinusoidal_positions",
]  # fmt: skip


@follow
def causal_mask(length: int, like: Any = None) -> Any:
    """(length, length), True on and below the diagonal: each place sees itself and what is before it.

    Args:
        length: how many places there are.
        like: an array or a Tensor, on whose device the mask is made; None: on the CPU.

    >>> causal_mask(2)
    array([[ True, False],
           [ True,  True]])
    """
    return beside(np.tril(np.ones((length, length), dtype=bool)), like)


def check_mask(name: str, mask: Any) -> None:
    """Masks of integers are refused: nobody can tell whether 1 hides, shows, or is added."""
    if mask.dtype.kind not in "bf":
        raise TypeError(f"{name}: a mask must be boolean or floating, got {mask.dtype}: write mask.astype(bool)")


@follow
def masked_softmax(scores: Any, mask: Any) -> Any:
    """The softmax of scores (..., S) behind a mask; a row that sees nothing has weights, and gradients, of 0.

    out = softmax(scores + mask)    (True counts as 0, False as -inf)

    Args:
        scores: (..., S), of which the softmax is taken along the last axis.
        mask: broadcasts to the scores; boolean, True for what is seen, or floating, which is added and has a gradient.

    >>> masked_softmax(np.zeros((2, 2)), np.array([[True, False], [False, False]]))
    array([[1., 0.],
           [0., 0.]])
    """
    if not isinstance(mask, Tensor):
        mask = as_constant(mask, scores)
    check_mask("attention", mask)
    if mask.dtype.kind == "f" and mask.dtype != scores.dtype:
        mask = mask.astype(scores.dtype)  # as at a layer, and whatever values it holds
    shown = _shown(mask)
    if mask.dtype == bool:
        scores = where(mask, scores, -np.inf)
    elif _only_hides(mask):
        scores = where(shown, scores, -np.inf)
    else:
        scores = overwritten(scores + mask, ~shown, -np.inf)
    sees = np.any(shown if np.ndim(shown) else shown[None], axis=-1, keepdims=True)
    return overwritten(softmax(overwritten(scores, ~sees, 0.0), axis=-1), ~sees, 0.0)


def _shown(mask: Any) -> Any:
    """Where attention may look, as an array of booleans."""
    return raw(mask) if mask.dtype == bool else raw(mask) != -np.inf


def _only_hides(mask: Any) -> bool:
    """Whether a floating mask is a boolean one in other words, of 0 and -inf, that needs no gradient."""
    values = raw(mask)
    return values is mask and surely_all(all_examples((values == 0) | (values == -np.inf)))


def mixed(weights: Any, value: Any, mask: Any) -> Any:
    """weights @ value, (..., L, V): what a query may not look at adds nothing, where it is NaN or infinite neither.

    Args:
        weights: (..., L, S), 0 where the mask hides.
        value: (..., S, V).
        mask: broadcasts to the weights, or None; see `masked_softmax`.

    >>> mixed(np.array([[1.0, 0.0]]), np.array([[2.0], [np.nan]]), np.array([[True, False]]))
    array([[2.]])
    """
    if mask is None:
        return weights @ value
    shown = _shown(mask)
    shown = shown if np.ndim(shown) > 1 else np.reshape(shown, (1, -1))
    by_any = np.any(shown, axis=-2)[..., None]  # (..., S, 1)
    value = overwritten(value, ~by_any, 0.0)
    if np.shape(shown)[-2] == 1:  # what is left is seen by all queries
        return weights @ value
    wrong = ~np.isfinite(raw(value))
    if not perhaps_any(all_examples(wrong)):
        return weights @ value
    dtype = value.dtype
    meets = (np.broadcast_to(shown, np.shape(weights)).astype(dtype) @ wrong.astype(dtype)) > 0  # (..., L, V)
    return overwritten(weights @ overwritten(value, wrong, 0.0), meets, weights @ value)


def _shared_heads(query: Any, key: Any, value: Any) -> tuple[Any, Any]:
    """Keys and values repeated, so that each head of the queries has its own (Ainslie et al., 2023)."""
    heads = [np.shape(x)[-3] if np.ndim(x) > 2 else 0 for x in (query, key, value)]
    if 0 in heads or heads[0] % heads[1] or heads[0] % heads[2]:
        shapes = ", ".join(str(np.shape(x)) for x in (query, key, value))
        raise ValueError(
            "scaled_dot_product_attention: enable_gqa needs (..., heads, L, E) with a number of query heads that the "
            f"heads of key and value divide, got {shapes}"
        )
    return tuple(np.repeat(x, heads[0] // n, axis=-3) for x, n in ((key, heads[1]), (value, heads[2])))  # type: ignore[return-value]


@follow
def scaled_dot_product_attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
    scale: float | None = None, enable_gqa: bool = False, return_weights: bool = False,
) -> Any:  # fmt: skip
    """Means of the values, weighted by how well queries and keys agree, over the last two axes (Vaswani et al., 2017).

    out    = w @ value,  w = softmax(query @ key^T / sqrt(E) + attn_mask)
    dvalue = w^T @ g

    Args:
        query, key, value: (..., L, E), (..., S, E), (..., S, V).
        attn_mask: broadcasts to (..., L, S); boolean, True for what is seen, or floating, which is added to the scores.
            Where a query may see no key at all, its output is 0.
        dropout_p: the probability with which a weight becomes 0, at every call: give 0 outside of training.
        is_causal: no place sees a later one; not together with attn_mask.
        scale: in place of 1 / sqrt(E).
        enable_gqa: (..., heads, L, E) with fewer heads of keys and values, each shared by a group of query heads.
        return_weights: also return the attention weights, (..., L, S).

    >>> scaled_dot_product_attention(np.zeros((1, 2)), np.ones((3, 2)), np.eye(3)).round(3)
    array([[0.333, 0.333, 0.333]])
    """
    if attn_mask is not None and not isinstance(attn_mask, Tensor):
        attn_mask = as_constant(attn_mask, query)
    if enable_gqa:
        key, value = _shared_heads(query, key, value)
    _check_widths(np.shape(query), np.shape(key), np.shape(value))
    if scale is None:
        scale = 1 / sqrt(max(np.shape(query)[-1], 1))  # of no features all scores are 0
    scores = (query * scale) @ np.swapaxes(key, -1, -2)
    if is_causal:
        if attn_mask is not None:
            raise ValueError("scaled_dot_product_attention: is_causal and attn_mask exclude each other")
        rows, columns = np.shape(scores)[-2:]
        attn_mask = beside(np.tril(np.ones((rows, columns), dtype=bool)), scores)
    weights = softmax(scores, axis=-1) if attn_mask is None else masked_softmax(scores, attn_mask)
    weights = dropout(weights, dropout_p, dropout_p > 0)
    out = mixed(weights, value, attn_mask)
    return (out, weights) if return_weights else out


def _check_widths(query: tuple[int, ...], key: tuple[int, ...], value: tuple[int, ...]) -> None:
    """Refuse queries and keys of different widths, and keys that are not as many as the values."""
    if min(map(len, (query, key, value))) < 2 or query[-1] != key[-1] or key[-2] != value[-2]:
        raise ValueError(
            "attention: expected query (..., L, E), key (..., S, E) and value (..., S, V), "
            f"got {query}, {key} and {value}"
        )


@follow
def multi_head_attention(
    query: Any, key: Any, value: Any, num_heads: int, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
    return_weights: bool = False,
) -> Any:  # fmt: skip
    """Attention in several heads side by side: (N, L, E), (N, S, E), (N, S, E) -> (N, L, E), weights (N, heads, L, S).

    out = [out_1, ..., out_h],  out_i = softmax(query_i @ key_i^T / sqrt(E / h)) @ value_i    (head i of h, h = num_heads)

    The features are cut into the heads as they are; the linear maps before and after are those of `nn.MultiheadAttention`.

    Args:
        query, key, value: (N, L, E), (N, S, E), (N, S, E).
        num_heads: how many heads there are; it divides E.
        attn_mask: as of `scaled_dot_product_attention`; it broadcasts to (N, heads, L, S), so write mask[:, None] for (N, L, S).
        dropout_p: the probability with which a weight becomes 0, at every call: give 0 outside of training.
        is_causal: no place sees a later one; not together with attn_mask.
        return_weights: also return the attention weights.

    Raises:
        ValueError: the heads cannot have equally many features.
    """

    def heads(x: Any) -> Any:
        n, length, features = np.shape(x)
        if num_heads < 1 or features % num_heads:
            raise ValueError(
                f"multi_head_attention: {features} features, of shape {np.shape(x)}, cannot be divided among {num_heads} heads"
            )
        return np.transpose(np.reshape(x, (n, length, num_heads, features // num_heads)), (0, 2, 1, 3))

    out = scaled_dot_product_attention(
        heads(query), heads(key), heads(value), attn_mask, dropout_p, is_causal, return_weights=return_weights
    )
    out, weights = out if return_weights else (out, None)
    joined = np.reshape(np.transpose(out, (0, 2, 1, 3)), (*np.shape(query)[:2], num_heads * np.shape(out)[-1]))
    return (joined, weights) if return_weights else joined


@follow
def sinusoidal_positions(length: int, features: int, base: float = 10_000.0) -> np.ndarray:
    """Sines and cosines of wave lengths from 2 pi to base 2 pi, (length, features) (Vaswani et al., 2017).

    out[p, 2 i]     = sin(p / base^{2 i / features})
    out[p, 2 i + 1] = cos(p / base^{2 i / features})

    Args:
        length: how many positions there are.
        features: how many numbers describe each; sines at the even places, cosines at the odd ones.
        base: the longest wave is nearly this many times as long as the shortest.

    >>> sinusoidal_positions(2, 2).round(3)
    array([[0.   , 1.   ],
           [0.841, 0.54 ]])
    """
    angles = np.arange(length)[:, None] / base ** (np.arange(0, features, 2) / features)
    out = np.zeros((length, features))
    out[:, 0::2] = np.sin(angles)
    out[:, 1::2] = np.cos(angles)[:, : features // 2]
    return out


@follow
def rotary_embedding(x: Any, base: float = 10_000.0, offset: int = 0) -> Any:
    """Turn pairs of features by angles that grow with the position, (..., L, E) (Su et al., 2021).

    out_i         = x_i cos(a) - x_{i + E/2} sin(a),  a = p base^{-2 i / E}    (at position p)
    out_{i + E/2} = x_i sin(a) + x_{i + E/2} cos(a)

    The product of two such vectors depends on the distance of their positions alone.

    Args:
        x: (..., L, E) with an even E.
        base: the pair i turns by base^(-2 i / E) from one position to the next.
        offset: the position of the first place; for a later part of a sequence, how many came before it.

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
