"""Attention and transformers; what they compute is in `nn.functional.attention`."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from minigrad import Tensor, beside, concatenate, empty, raw, zeros

from .. import functional as F
from .. import init
from ..functional.attention import check_mask
from ..module import Buffer, Module, Parameter
from ..values import as_constant, as_input, host
from .dropout import Dropout
from .linear import Linear
from .normalization import LayerNorm

__all__ = [
    "AdditiveAttention", "DotAttention", "MultiheadAttention", "PositionalEncoding", "Transformer", "TransformerDecoder",
    "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer",
]  # fmt: skip


class MultiheadAttention(Module):
    """Multi-head attention (Vaswani et al., 2017), with PyTorch's parameters.

        q = query @ W_q^T + b_q,  k = key @ W_k^T + b_k,  v = value @ W_v^T + b_v    (cut into parts, one for each head)
        h_i = softmax(q_i @ k_i^T / sqrt(E / n)) @ v_i,  n = num_heads
        out = [h_1, ..., h_n] @ W_o^T + b_o

    Args:
        embed_dim: features of queries and of the output, E.
        num_heads: how many heads look side by side, each at E / num_heads features; it divides embed_dim.
        dropout: the probability with which attention weights are dropped; in training alone.
        bias: whether the linear maps have one.
        add_bias_kv: one more key and value, which are learned.
        add_zero_attn: one more key and value of zeros, so that a query may look at nothing.
        kdim, vdim: the features of keys and values; None: embed_dim.
        batch_first: inputs are (N, L, E) in place of (L, N, E).
        device: where the parameters are, "cpu" or "cuda"; None: the default device.
        dtype: of the parameters; None: the default dtype, float32 at first.

    Attributes:
        in_proj_weight: (3 embed_dim, embed_dim), for queries, keys and values; q_proj_weight, k_proj_weight and v_proj_weight
            where these have features of their own.
        in_proj_bias: (3 embed_dim,).
        bias_k, bias_v: (1, 1, embed_dim), with add_bias_kv.
        out_proj: the last linear map.

    >>> x = Tensor(np.ones((5, 1, 4)))
    >>> out, weights = MultiheadAttention(4, 2)(x, x, x)
    >>> out.shape, weights.shape
    ((5, 1, 4), (1, 5, 5))
    """

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, add_bias_kv: bool = False,
        add_zero_attn: bool = False, kdim: int | None = None, vdim: int | None = None, batch_first: bool = False,
        device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        if embed_dim % num_heads:
            raise ValueError(f"MultiheadAttention: embed_dim {embed_dim} does not divide into {num_heads} heads")
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = embed_dim, num_heads, dropout, batch_first
        options: dict[str, Any] = {"dtype": dtype, "device": device}
        kdim, vdim = kdim or embed_dim, vdim or embed_dim
        if kdim == vdim == embed_dim:
            self.in_proj_weight = Parameter(empty((3 * embed_dim, embed_dim), **options))
            init.xavier_uniform_(self.in_proj_weight)
        else:
            for name, features in (("q", embed_dim), ("k", kdim), ("v", vdim)):
                weight = Parameter(empty((embed_dim, features), **options))
                init.xavier_uniform_(weight)
                setattr(self, f"{name}_proj_weight", weight)
        self.in_proj_bias = Parameter(zeros(3 * embed_dim, **options)) if bias else None
        self.add_zero_attn, self.bias_k, self.bias_v = add_zero_attn, None, None
        if add_bias_kv:
            self.bias_k, self.bias_v = (Parameter(empty((1, 1, embed_dim), **options)) for _ in range(2))
            init.xavier_normal_(self.bias_k)
            init.xavier_normal_(self.bias_v)
        self.out_proj = Linear(embed_dim, embed_dim, bias, **options)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def _projections(self) -> list[Any]:
        if hasattr(self, "in_proj_weight"):
            return list(np.split(self.in_proj_weight, 3))
        return [getattr(self, f"{name}_proj_weight") for name in "qkv"]

    def forward(
        self, query: Any, key: Any, value: Any, key_padding_mask: Any = None, need_weights: bool = True, attn_mask: Any = None,
        average_attn_weights: bool = True, is_causal: bool = False,
    ) -> tuple[Any, Any]:  # fmt: skip
        """Attend.

        Args:
            query: (L, N, E), (N, L, E) with batch_first, or (L, E) without a batch.
            key: (S, N, kdim), laid out likewise.
            value: (S, N, vdim), likewise.
            key_padding_mask: (N, S), True for keys that do not count (as in PyTorch), or added to the scores; None: all count.
            need_weights: whether the attention weights are returned, too.
            attn_mask: (L, S) or (N heads, L, S), True where attention may *not* look (as in PyTorch), or added to the scores.
                A query that may look at no key has weights of 0. None: every query looks at every key.
            average_attn_weights: whether the weights returned are averaged over heads.
            is_causal: whether query i looks at keys 0 to i alone, where attn_mask is None; PyTorch needs the mask, too.

        Returns:
            The output, and the weights: (N, L, S) averaged, (N, heads, L, S) otherwise, None without need_weights.
        """
        inputs = [as_input(x, self.out_proj.weight) for x in (query, key, value)]
        single = inputs[0].ndim == 2
        if single:
            inputs = [x[None] for x in inputs]
        elif not self.batch_first:
            inputs = [x.swapaxes(0, 1) for x in inputs]
        biases = [None] * 3 if self.in_proj_bias is None else list(np.split(self.in_proj_bias, 3))
        q, k, v = (F.linear(x, w, b) for x, w, b in zip(inputs, self._projections(), biases, strict=True))
        mask = self._mask(attn_mask, key_padding_mask, q, k, is_causal)
        k, v, mask = self._with_more_keys(k, v, mask)
        rate = self.dropout if self.training else 0.0
        out, weights = F.multi_head_attention(q, k, v, self.num_heads, mask, rate, return_weights=True)
        out = self.out_proj(out)
        if not need_weights:
            weights = None
        elif average_attn_weights:
            weights = np.mean(weights, axis=1)
        if single:
            return out[0], None if weights is None else weights[0]
        return (out if self.batch_first else out.swapaxes(0, 1)), weights

    def _mask(self, attn_mask: Any, key_padding_mask: Any, q: Any, k: Any, is_causal: bool) -> Any:
        """All masks together, for the scores (N, heads, L, S).

        Boolean ones give a boolean one, True for what is seen; with a floating one among them they are added up, with its
        gradient.
        """
        masks = []
        n, heads, queries, keys = q.shape[0], self.num_heads, q.shape[1], k.shape[1]
        for name, mask in (("attn_mask", attn_mask), ("key_padding_mask", key_padding_mask)):
            if mask is None:
                continue
            given = mask if isinstance(mask, Tensor) else as_constant(mask, q)
            check_mask("MultiheadAttention", given)
            given = ~raw(given) if given.dtype == bool else given.astype(q.dtype)
            if name == "key_padding_mask":
                wanted = f"(N, S) = ({n}, {keys}), True for keys that do not count"
                given = given.reshape(-1, 1, 1, given.shape[-1])
            else:
                wanted = f"(L, S) = ({queries}, {keys}), or (N heads, L, S) = ({n * heads}, {queries}, {keys})"
                if given.ndim == 3 and given.shape[0] == n * heads:
                    given = given.reshape(n, heads, *given.shape[1:])
            if not _fits(given.shape, (n, heads, queries, keys)):
                raise ValueError(f"MultiheadAttention: {name} has shape {np.shape(mask)}, expected {wanted}")
            masks.append(given)
        if is_causal and attn_mask is None:
            masks.append(beside(np.tril(np.ones((queries, keys), dtype=bool)), q))
        return _together(masks, q.dtype)

    def _with_more_keys(self, k: Any, v: Any, mask: Any) -> tuple[Any, Any, Any]:
        """The learned key and value, and those of zeros, after the others; every query may look at them."""
        more: list[tuple[Any, Any]] = [] if self.bias_k is None else [(self.bias_k, self.bias_v)]
        if self.add_zero_attn:
            more.append((np.zeros_like(raw(k), shape=(1, 1, k.shape[2])),) * 2)
        for key, value in more:
            k = concatenate([k, np.broadcast_to(key, (k.shape[0], 1, k.shape[2]))], axis=1)
            v = concatenate([v, np.broadcast_to(value, (v.shape[0], 1, v.shape[2]))], axis=1)
        if mask is not None and more:
            seen = True if mask.dtype == bool else 0.0
            mask = np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, len(more))], constant_values=seen)
        return k, v, mask


def _fits(shape: tuple[int, ...], scores: tuple[int, ...]) -> bool:
    """Whether a mask of this shape is broadcast to the scores."""
    return len(shape) <= len(scores) and all(a in (1, b) for a, b in zip(shape[::-1], scores[::-1], strict=False))


def _together(masks: list[Any], dtype: Any) -> Any:
    """One mask of several, None of none."""
    if all(mask.dtype == bool for mask in masks):
        return reduce(np.logical_and, masks) if masks else None
    added = (np.where(mask, 0.0, -np.inf).astype(dtype) if mask.dtype == bool else mask for mask in masks)
    return reduce(np.add, added)


class DotAttention(Module):
    """Luong's attention for encoder-decoders (2015).

        context = sum_i w_i keys_i,  w = softmax(s),  s_i = keys_i^T W query    (without sizes there is no W)

    (query (N, D), keys (N, S, H), lengths) -> (context (N, H), weights (N, S)).

    Args:
        query_size: features of queries, D; None: there is no W, and D must be H.
        key_size: features of keys, H; None: likewise.
    """

    def __init__(self, query_size: int | None = None, key_size: int | None = None) -> None:
        self.proj = None if query_size is None or key_size is None else Linear(query_size, key_size, bias=False)

    def forward(self, query: Any, keys: Any, lengths: Any = None) -> tuple[Any, Any]:
        """Attend.

        Args:
            query: (N, D), the decoder's state.
            keys: (N, S, H), the encoder's outputs, which are the values, too.
            lengths: (N,), how many of the S count; None: all.

        Returns:
            The context, (N, H), a mean of the keys, and its weights, (N, S).
        """
        query = query if self.proj is None else self.proj(query)
        keys = _lasting(keys, lengths)
        return _attended(np.squeeze(keys @ query[..., None], -1), keys, lengths)


class AdditiveAttention(Module):
    """Bahdanau's attention for encoder-decoders (2015).

        context = sum_i w_i keys_i,  w = softmax(s),  s_i = v^T tanh(W query + b + U keys_i)

    (query (N, D), keys (N, S, H), lengths) -> (context (N, H), weights (N, S)).

    Args:
        query_size: features of queries, D.
        key_size: features of keys, H.
        hidden_size: features inside of the tanh.

    >>> context, weights = AdditiveAttention(3, 4, 5)(Tensor(np.ones((2, 3))), Tensor(np.ones((2, 6, 4))))
    >>> context.shape, weights.shape
    ((2, 4), (2, 6))
    """

    def __init__(self, query_size: int, key_size: int, hidden_size: int) -> None:
        self.query_proj, self.key_proj = Linear(query_size, hidden_size), Linear(key_size, hidden_size, bias=False)
        self.energy = Linear(hidden_size, 1, bias=False)

    def forward(self, query: Any, keys: Any, lengths: Any = None) -> tuple[Any, Any]:
        """Attend.

        Args:
            query: (N, D), the decoder's state.
            keys: (N, S, H), the encoder's outputs, which are the values, too.
            lengths: (N,), how many of the S count; None: all.

        Returns:
            The context, (N, H), a mean of the keys, and its weights, (N, S).
        """
        keys = _lasting(keys, lengths)
        hidden = np.tanh(self.query_proj(query)[:, None] + self.key_proj(keys))
        return _attended(np.squeeze(self.energy(hidden), -1), keys, lengths)


def _within(lengths: Any, steps: int, like: Any) -> Any:
    """(N, S), True for the steps that last."""
    return beside(np.arange(steps) < host(lengths)[:, None], like)


def _lasting(keys: Any, lengths: Any) -> Any:
    """Keys (N, S, H) with 0 beyond the lengths, whatever is there."""
    return keys if lengths is None else np.where(_within(lengths, np.shape(keys)[1], keys)[..., None], keys, 0.0)


def _attended(scores: Any, keys: Any, lengths: Any) -> tuple[Any, Any]:
    """Softmax over the steps that last, and the mean of the keys by it."""
    if lengths is not None:
        weights = F.masked_softmax(scores, _within(lengths, np.shape(scores)[1], scores))
    else:
        weights = F.softmax(scores, axis=-1)
    return np.squeeze(weights[:, None] @ keys, 1), weights


class PositionalEncoding(Module):
    """Adds sinusoidal positions to (N, L, E), or (L, N, E) with batch_first=False, then dropout.

        out[p, 2 i]     = x[p, 2 i] + sin(p / 10000^{2 i / E})
        out[p, 2 i + 1] = x[p, 2 i + 1] + cos(p / 10000^{2 i / E})

    Args:
        embed_dim: features of the inputs, E.
        dropout: the probability with which elements of the sum are dropped; in training alone.
        max_length: how many positions there are; longer inputs are an error.
        batch_first: whether inputs are (N, L, E); unlike in `MultiheadAttention` they are by default.

    >>> PositionalEncoding(4)(Tensor(np.zeros((1, 2, 4)))).shape
    (1, 2, 4)
    """

    def __init__(self, embed_dim: int, dropout: float = 0.0, max_length: int = 5000, batch_first: bool = True) -> None:
        self.batch_first, self.dropout = batch_first, Dropout(dropout)
        self.positions = Buffer(F.sinusoidal_positions(max_length, embed_dim).astype(np.float32))

    def forward(self, x: Any) -> Any:
        length = np.shape(x)[1 if self.batch_first else 0]
        if length > len(self.positions):
            raise ValueError(f"PositionalEncoding: {length} steps, but max_length is {len(self.positions)}")
        positions = self.positions[:length].astype(x.dtype)
        return self.dropout(x + (positions if self.batch_first else positions[:, None]))


def _activation(which: str | Callable[..., Any]) -> Callable[..., Any]:
    if callable(which):
        return which
    if which not in ("relu", "gelu"):
        raise ValueError(f"activation must be 'relu', 'gelu' or a function, got {which!r}")
    return getattr(F, which)


class _TransformerLayer(Module):
    """What the layers of encoder and decoder share: the feed-forward part, and where the norms stand."""

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: str | Callable[..., Any] = "relu", layer_norm_eps: float = 1e-5, batch_first: bool = False,
        norm_first: bool = False, bias: bool = True, device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        """Each part makes norm(x + part(x)) of its input x; with norm_first it makes x + part(norm(x)).

        Args:
            d_model: features of inputs and output, E.
            nhead: the heads of each attention; it divides d_model.
            dim_feedforward: features between the two linear maps of the feed-forward part.
            dropout: the probability with which attention weights, these features and what each part adds are dropped in training.
            activation: between the two maps: "relu", "gelu" or a function.
            layer_norm_eps: the eps of the norms.
            batch_first: inputs are (N, L, E) in place of (L, N, E).
            norm_first: whether the norm stands before the part.
            bias: whether linear maps and norms have one.
            device: where the parameters are, "cpu" or "cuda"; None: the default device.
            dtype: of the parameters; None: the default dtype, float32 at first.
        """
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        self.norm_first, self.activation = norm_first, _activation(activation)
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **options)
        if self.attends_to_memory:
            self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **options)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **options)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **options)
        for i in range(3 if self.attends_to_memory else 2):
            setattr(self, f"norm{i + 1}", LayerNorm(d_model, layer_norm_eps, bias=bias, **options))
            setattr(self, f"dropout{i + 1}", Dropout(dropout))

    attends_to_memory = False

    def _feed_forward(self, x: Any) -> Any:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))

    def _sublayers(self, x: Any, parts: list[Callable[[Any], Any]]) -> Any:
        """x + part(norm(x)), or norm(x + part(x)), one after the other."""
        for i, part in enumerate(parts, start=1):
            norm, drop = getattr(self, f"norm{i}"), getattr(self, f"dropout{i}")
            x = x + drop(part(norm(x))) if self.norm_first else norm(x + drop(part(x)))
        return x


class TransformerEncoderLayer(_TransformerLayer):
    """Self-attention and a feed-forward part, each with a residual and a norm (Vaswani et al., 2017).

        y = norm1(src + attention(src, src, src))
        out = norm2(y + W_2 activation(W_1 y + b_1) + b_2)

    >>> TransformerEncoderLayer(4, 2, 8)(Tensor(np.ones((5, 1, 4)))).shape
    (5, 1, 4)
    """

    def forward(self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """The output, of the shape of src.

        Args:
            src: (S, N, E), (N, S, E) with batch_first, or (S, E) without a batch.
            src_mask: as attn_mask of `MultiheadAttention`, (S, S) or (N heads, S, S): True where a place may *not* look, or added
                to the scores; None: it looks everywhere.
            src_key_padding_mask: (N, S), True for places that do not count; None: all count.
            is_causal: whether no place sees a later one, where src_mask is None.
        """

        def attend(x: Any) -> Any:
            return self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)[0]

        return self._sublayers(as_input(src, self.linear1.weight), [attend, self._feed_forward])


class TransformerDecoderLayer(_TransformerLayer):
    """Self-attention, attention to the encoder's memory, and a feed-forward part.

        y = norm1(tgt + attention(tgt, tgt, tgt))
        z = norm2(y + attention(y, memory, memory))
        out = norm3(z + W_2 activation(W_1 z + b_1) + b_2)

    >>> TransformerDecoderLayer(4, 2, 8)(Tensor(np.ones((5, 1, 4))), Tensor(np.ones((3, 1, 4)))).shape
    (5, 1, 4)
    """

    attends_to_memory = True

    def forward(
        self, tgt: Any, memory: Any, tgt_mask: Any = None, memory_mask: Any = None, tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None, tgt_is_causal: bool = False, memory_is_causal: bool = False,
    ) -> Any:  # fmt: skip
        """The output, of the shape of tgt.

        Args:
            tgt: (T, N, E), (N, T, E) with batch_first, or (T, E) without a batch.
            memory: (S, N, E), the encoder's output, laid out likewise.
            tgt_mask: as attn_mask of `MultiheadAttention`, (T, T) or (N heads, T, T): True where a place of tgt may *not* look in
                tgt, or added to the scores; None: it looks everywhere.
            memory_mask: likewise for tgt in the memory, (T, S) or (N heads, T, S).
            tgt_key_padding_mask: (N, T), True for places of tgt that do not count; None: all count.
            memory_key_padding_mask: (N, S), likewise of the memory.
            tgt_is_causal: whether no place of tgt sees a later one, where tgt_mask is None.
            memory_is_causal: whether place i sees the memory up to its place i alone, where memory_mask is None.
        """

        def attend(x: Any) -> Any:
            return self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]

        def look_up(x: Any) -> Any:
            masks = (memory_key_padding_mask, False, memory_mask)
            return self.multihead_attn(x, memory, memory, *masks, is_causal=memory_is_causal)[0]

        return self._sublayers(as_input(tgt, self.linear1.weight), [attend, look_up, self._feed_forward])


class _Stack(Module):
    """Copies of a layer one after the other, and a last norm if there is one."""

    def __init__(self, layer: Module, num_layers: int, norm: Module | None = None) -> None:
        """The layers are copies of the one given, which stays as it is.

        Args:
            layer: the one that is copied, parameters and all: a `TransformerDecoderLayer`, or one that takes the same arguments.
            num_layers: how many copies there are.
            norm: what comes after the last one, a `LayerNorm` say; None: nothing.
        """
        self.layers = [copy.deepcopy(layer) for _ in range(num_layers)]
        self.norm = norm

    def _run(self, x: Any, *args: Any, **options: Any) -> Any:
        for layer in self.layers:
            x = layer(x, *args, **options)
        return x if self.norm is None else self.norm(x)


class TransformerEncoder(_Stack):
    """Several encoder layers; they begin as copies of one.

        x_l = layer_l(x_{l-1}),  x_0 = src,  out = norm(x_n)
    """

    def __init__(
        self, encoder_layer: Module, num_layers: int, norm: Module | None = None, enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:  # fmt: skip
        """The layers are copies of the one given, which stays as it is.

        Args:
            encoder_layer: the one that is copied, parameters and all: a `TransformerEncoderLayer`, or one that takes the same
                arguments.
            num_layers: how many copies there are.
            norm: what comes after the last one, a `LayerNorm` say; None: nothing.
            enable_nested_tensor, mask_check: taken for PyTorch's sake; they do nothing.
        """
        super().__init__(encoder_layer, num_layers, norm)

    def forward(self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False) -> Any:
        """The output of the last layer, of the shape of src.

        Args:
            src: (S, N, E), (N, S, E) with batch_first, or (S, E) without a batch.
            mask: as attn_mask of `MultiheadAttention`, (S, S) or (N heads, S, S): True where a place may *not* look, or added to
                the scores; None: it looks everywhere.
            src_key_padding_mask: (N, S), True for places that do not count; None: all count.
            is_causal: whether no place sees a later one, where mask is None.
        """
        return self._run(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=is_causal)


class TransformerDecoder(_Stack):
    """Several decoder layers; they begin as copies of one.

        x_l = layer_l(x_{l-1}, memory),  x_0 = tgt,  out = norm(x_n)
    """

    def forward(
        self, tgt: Any, memory: Any, tgt_mask: Any = None, memory_mask: Any = None, tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None, tgt_is_causal: bool = False, memory_is_causal: bool = False,
    ) -> Any:  # fmt: skip
        """The output of the last layer, of the shape of tgt.

        Args:
            tgt: (T, N, E), (N, T, E) with batch_first, or (T, E) without a batch.
            memory: (S, N, E), the encoder's output, laid out likewise.
            tgt_mask: as attn_mask of `MultiheadAttention`, (T, T) or (N heads, T, T): True where a place of tgt may *not* look in
                tgt, or added to the scores; None: it looks everywhere.
            memory_mask: likewise for tgt in the memory, (T, S) or (N heads, T, S).
            tgt_key_padding_mask: (N, T), True for places of tgt that do not count; None: all count.
            memory_key_padding_mask: (N, S), likewise of the memory.
            tgt_is_causal: whether no place of tgt sees a later one, where tgt_mask is None.
            memory_is_causal: whether place i sees the memory up to its place i alone, where memory_mask is None.
        """
        masks = (tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)
        return self._run(tgt, memory, *masks, tgt_is_causal, memory_is_causal)


class Transformer(Module):
    """Encoder and decoder, each a stack of layers with a norm at the end (Vaswani et al., 2017).

        out = decoder(tgt, encoder(src))

    Args:
        d_model: features of all inputs and outputs, E.
        nhead: the heads of each attention; it divides d_model.
        num_encoder_layers, num_decoder_layers: how many layers the two have.
        dim_feedforward, dropout, activation: of the layers, see `TransformerEncoderLayer`.
        custom_encoder, custom_decoder: modules in place of the two, called with the same arguments; None: a `TransformerEncoder`,
            a `TransformerDecoder`.
        layer_norm_eps, batch_first, norm_first, bias: of the layers, see `TransformerEncoderLayer`.
        device: where the parameters are, "cpu" or "cuda"; None: the default device.
        dtype: of the parameters; None: the default dtype, float32 at first.

    >>> model = Transformer(4, 2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=8)
    >>> model(Tensor(np.ones((5, 1, 4))), Tensor(np.ones((3, 1, 4)))).shape
    (3, 1, 4)
    """

    def __init__(
        self, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6, num_decoder_layers: int = 6,
        dim_feedforward: int = 2048, dropout: float = 0.1, activation: str | Callable[..., Any] = "relu",
        custom_encoder: Module | None = None, custom_decoder: Module | None = None, layer_norm_eps: float = 1e-5,
        batch_first: bool = False, norm_first: bool = False, bias: bool = True, device: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        layer = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        ends = [LayerNorm(d_model, layer_norm_eps, bias=bias, **options) for _ in range(2)]
        self.encoder = custom_encoder or TransformerEncoder(
            TransformerEncoderLayer(*layer, **options), num_encoder_layers, ends[0]
        )
        self.decoder = custom_decoder or TransformerDecoder(
            TransformerDecoderLayer(*layer, **options), num_decoder_layers, ends[1]
        )
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(
        self, src: Any, tgt: Any, src_mask: Any = None, tgt_mask: Any = None, memory_mask: Any = None,
        src_key_padding_mask: Any = None, tgt_key_padding_mask: Any = None, memory_key_padding_mask: Any = None,
        src_is_causal: bool = False, tgt_is_causal: bool = False, memory_is_causal: bool = False,
    ) -> Any:  # fmt: skip
        """What the decoder makes of tgt and the encoder's output for src, of the shape of tgt.

        Masks are as attn_mask of `MultiheadAttention`: True where a place may *not* look, or added to the scores; None: it looks
        everywhere.

        Args:
            src: what the encoder reads, (S, N, E), (N, S, E) with batch_first, or (S, E) without a batch.
            tgt: what the decoder reads, (T, N, E), laid out likewise.
            src_mask: (S, S), for src in itself.
            tgt_mask: (T, T), for tgt in itself; see `generate_square_subsequent_mask`.
            memory_mask: (T, S), for tgt in the encoder's output.
            src_key_padding_mask: (N, S), True for places of src that do not count, in the encoder; None: all count.
            tgt_key_padding_mask: (N, T), likewise of tgt.
            memory_key_padding_mask: (N, S), of the encoder's output in the decoder, mostly the same as src_key_padding_mask.
            src_is_causal, tgt_is_causal, memory_is_causal: whether no place sees a later one, where the mask is None.
        """
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(size: int) -> np.ndarray:
        """(size, size), 0 on and below the diagonal and -inf above: to be added to the scores."""
        return np.where(F.causal_mask(size), 0.0, -np.inf).astype(np.float32)
