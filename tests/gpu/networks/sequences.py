"""Recurrent layers, packed sequences, attention and transformers, embeddings, decoding."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
import nn
from minigrad import Tensor
from nn import functional as F
from nn import text
from nn.utils import rnn

from .moved import add, case, made, on, ramp, to_second_order, with_gradients

STEPS = ramp(5, 3, 4)

RECURRENT: list[tuple[str, dict[str, Any]]] = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu", "bias": False}),
    ("RNN", {"num_layers": 2, "bidirectional": True}),
    ("LSTM", {}),
    ("LSTM", {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    ("LSTM", {"proj_size": 3, "bias": False}),
    ("GRU", {}),
    ("GRU", {"num_layers": 2, "bidirectional": True}),
    ("GRU", {"reset_after": False}),
    ("RNN", {"recurrent_dropout": 1.0}),
    ("LSTM", {"recurrent_dropout": 1.0, "proj_size": 3}),
    ("GRU", {"recurrent_dropout": 1.0}),
]


def recurrent(row: tuple[str, dict[str, Any]], device: str) -> Any:
    """All outputs, outputs alone, states alone; with lengths of each kind; with first states."""
    name, options = row
    mg.random.manual_seed(0)
    layer = made(device, getattr(nn, name)(4, 5, **options))
    parameters = list(layer.parameters())
    x = on(device, STEPS.swapaxes(0, 1) if options.get("batch_first") else STEPS, requires_grad=True)
    out, state = layer(x)
    states = list(state) if isinstance(state, tuple) else [state]
    found = [
        with_gradients([out, *states], x, *parameters),
        with_gradients(layer(x)[0], x, *parameters),
        with_gradients(states[-1], x, *parameters),
        to_second_order(layer(x)[0], x, *parameters),
    ]
    for lengths in (np.array([5, 4, 2]), on(device, np.array([5, 4, 2])), [2, 5, 4]):
        found.append(with_gradients(layer(x, lengths=lengths)[0], x, *parameters))
    first = tuple(s.detach() for s in states)
    out, _ = layer(x, first if len(first) > 1 else first[0])
    single = layer(x[0] if options.get("batch_first") else x[:, 0])[0]
    return [*found, with_gradients(out, x, *parameters), with_gradients(single, x)]


for number, row in enumerate(RECURRENT):
    add(f"recurrent {number} {row[0]}", partial(recurrent, row))


@case
def recurrent_dropout(device: str) -> Any:
    mg.random.manual_seed(0)
    layer = made(device, nn.LSTM(4, 5, num_layers=2, dropout=0.5, recurrent_dropout=0.5))
    x = on(device, STEPS)
    layer(x)[0].sum().backward()
    return [layer.weight_ih_l0.grad.shape, layer.eval()(x)]


@case
def lstm_cell(device: str) -> Any:
    mg.random.manual_seed(0)
    cell = made(device, nn.LSTMCell(4, 5))
    x, h, c = on(device, STEPS[0], True), on(device, ramp(3, 5), True), on(device, ramp(3, 5), True)
    return [with_gradients(cell(x, (h, c)), x, h, c, *cell.parameters()), with_gradients(cell(x), x)]


@case
def packed_sequences(device: str) -> Any:
    """Lengths on the device, in main memory, as a list; in order and not; through a layer and back."""
    mg.random.manual_seed(0)
    layer = made(device, nn.GRU(4, 5))
    found = []
    for move in (partial(on, device), np.asarray, np.ndarray.tolist):
        for lengths in (np.array([5, 3, 2]), np.array([2, 5, 3])):
            x = on(device, STEPS, requires_grad=True)
            packed = rnn.pack_padded_sequence(x, move(lengths), enforce_sorted=False)
            out, h = layer(packed)
            padded, back = rnn.pad_packed_sequence(out, padding_value=-1.0)
            assert back.tolist() == lengths.tolist()
            found += [packed.data, *with_gradients([padded, h], x, *layer.parameters())]
            found += rnn.unpad_sequence(x, move(lengths))
    return found


@case
def packed_sequences_of_ones_own(device: str) -> Any:
    """Sizes and orders of a packed sequence may be arrays of the device."""
    packed = rnn.pack_sequence([on(device, ramp(n, 2)) for n in (2, 4, 3)], enforce_sorted=False)
    moved = rnn.PackedSequence(packed.data, *(on(device, part) for part in packed[1:]))
    mg.random.manual_seed(0)
    layer = made(device, nn.RNN(2, 3))
    return [rnn.pad_packed_sequence(moved)[0], rnn.pad_packed_sequence(layer(moved)[0])[0]]


@case
def padded_sequences(device: str) -> Any:
    rows = [on(device, ramp(n, 2), requires_grad=True) for n in (2, 4, 3)]
    return with_gradients(rnn.pad_sequence(rows, True, 9.0), *rows)


# ------------------------------------------------------------------------------------ attention


def _masks(device: str) -> list[Any]:
    """The same mask as an array, a list, and on the device; boolean and floating."""
    later = np.triu(np.ones((5, 5), bool), 1)
    added = np.where(later, -np.inf, 0.0).astype(np.float32)
    return [later, later.tolist(), on(device, later), added, on(device, added), added.tolist()]


@case
def attention_with_masks(device: str) -> Any:
    mg.random.manual_seed(0)
    layer = made(device, nn.MultiheadAttention(8, 2))
    x = on(device, ramp(5, 2, 8), requires_grad=True)
    found = []
    for mask in _masks(device):
        out, weights = layer(x, x, x, attn_mask=mask)
        found += [weights, *with_gradients(out, x, *layer.parameters())]
    padding = np.array([[False] * 4 + [True], [False] * 5])
    for mask in (padding, padding.tolist(), on(device, padding)):
        out, weights = layer(x, x, x, key_padding_mask=mask, average_attn_weights=False)
        found += [weights, *with_gradients(out, x)]
    learned = on(device, ramp(5, 5), requires_grad=True)
    both = layer(x, x, x, key_padding_mask=padding, attn_mask=learned, need_weights=False)[0]
    return [*found, *with_gradients(both, x, learned), layer(x, x, x, is_causal=True)[0]]


@case
def attention_with_more_keys(device: str) -> Any:
    mg.random.manual_seed(0)
    layer = made(device, nn.MultiheadAttention(8, 2, add_bias_kv=True, add_zero_attn=True, batch_first=True))
    x = on(device, ramp(2, 5, 8), requires_grad=True)
    masked = layer(x, x, x, attn_mask=np.triu(np.ones((5, 5), bool)))[0]
    other = made(device, nn.MultiheadAttention(8, 2, kdim=4, vdim=6, dropout=0.5))
    q, k, v = on(device, ramp(5, 8)), on(device, ramp(3, 4)), on(device, ramp(3, 6))
    return [*with_gradients(masked, x, *layer.parameters()), other.train()(q, k, v)[0].shape, other.eval()(q, k, v)]


@case
def attention_as_a_function(device: str) -> Any:
    """Masks as arrays of main memory and lists, rows that see nothing, NaN behind a mask."""
    q, k, v = (on(device, ramp(2, 4, 5, 6, high=h), requires_grad=True) for h in (1.0, 2.0, 3.0))
    found = []
    for mask in _masks(device):
        found += with_gradients(F.scaled_dot_product_attention(q, k, v, mask), q, k, v)
    nothing = np.ones((5, 5), bool)
    nothing[2] = False
    nothing[:, 3] = False
    holes = ramp(2, 4, 5, 6)
    holes[:, :, 3] = np.nan
    found += with_gradients(F.scaled_dot_product_attention(q, k, on(device, holes), on(device, nothing)), q, k)
    one = np.where(np.arange(25).reshape(5, 5) % 3 == 0, -np.inf, 0.25).astype(np.float32)
    found += with_gradients(F.scaled_dot_product_attention(q, k, v, on(device, one)), q, k, v)
    found += with_gradients(F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3), q, k, v)
    found += with_gradients(F.scaled_dot_product_attention(q, k[:, :2], v[:, :2], enable_gqa=True), q, k, v)
    turned = F.rotary_embedding(q)
    return [*found, *with_gradients(turned, q), F.causal_mask(3, q), F.masked_softmax(q.data, nothing[:, :1])]


@case
def attention_of_encoder_and_decoder(device: str) -> Any:
    mg.random.manual_seed(0)
    query, keys = on(device, ramp(2, 3), True), on(device, ramp(2, 6, 4), True)
    found = []
    for layer in (made(device, nn.DotAttention(3, 4)), made(device, nn.AdditiveAttention(3, 4, 5))):
        for lengths in (None, np.array([6, 2]), on(device, np.array([6, 2])), [3, 6]):
            found += with_gradients(layer(query, keys, lengths), query, keys, *layer.parameters())
    return found


@case
def transformers(device: str) -> Any:
    mg.random.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0)
    encoder = made(device, nn.TransformerEncoder(layer, 2, nn.LayerNorm(8)))
    decoder = made(device, nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 12, dropout=0.0), 1))
    both = made(device, nn.Transformer(8, 2, 1, 1, 12, dropout=0.0))
    x, y = on(device, ramp(5, 2, 8), True), on(device, ramp(3, 2, 8), True)
    padding = np.array([[False] * 4 + [True], [False] * 5])
    causal = nn.Transformer.generate_square_subsequent_mask(3)
    found = with_gradients(encoder(x, src_key_padding_mask=padding), x, *encoder.parameters())
    found += with_gradients(encoder(x, is_causal=True), x)
    found += with_gradients(decoder(y, encoder(x), tgt_mask=causal, memory_key_padding_mask=padding), x, y, *decoder.parameters())
    found += with_gradients(both(x, y, tgt_mask=on(device, causal)), x, y, *both.parameters())
    x.grad = None
    made(device, nn.TransformerEncoderLayer(8, 2, 12, dropout=0.5))(x).sum().backward()
    return [*found, x.grad.shape]


# ----------------------------------------------------------------------------------- embeddings

INDICES = np.array([[1, 2, 2], [0, 5, 1]])


def embedding(options: dict[str, Any], device: str) -> Any:
    """Indices on the device, in main memory, and as a list; the gradient, dense or sparse."""
    mg.random.manual_seed(0)
    found = []
    for move in (partial(on, device), np.asarray, np.ndarray.tolist):
        layer = made(device, nn.Embedding(6, 3, **options))
        out = layer(move(INDICES))
        (out * on(device, ramp(2, 3, 3))).sum().backward()
        gradient = layer.weight.grad.data
        found += [out, gradient.get() if options.get("sparse") else gradient, layer.weight]
    return found


for options in ({}, {"padding_idx": 1}, {"max_norm": 0.5}, {"scale_grad_by_freq": True}, {"sparse": True}):
    add(f"embedding {options}", partial(embedding, options))


def bags(mode: str, device: str) -> Any:
    mg.random.manual_seed(0)
    found = []
    for sparse in (False, True):
        if sparse and mode == "max":
            continue
        for move in (partial(on, device), np.asarray, np.ndarray.tolist):
            layer = made(device, nn.EmbeddingBag(6, 3, mode=mode, sparse=sparse, padding_idx=0))
            factors = on(device, ramp(2, 3), True) if mode == "sum" else None
            for out in (
                layer(move(INDICES), per_sample_weights=factors),
                layer(move(INDICES.reshape(-1)), move(np.array([0, 2, 2]))),
            ):
                layer.zero_grad()
                (out * out).sum().backward()
                gradient = layer.weight.grad.data
                found += [out, gradient.get() if sparse else gradient]
            found += [] if factors is None else [factors.grad]
    return found


for mode in ("sum", "mean", "max"):
    add(f"embedding_bag {mode}", partial(bags, mode))


@case
def pretrained_embedding_and_one_hot(device: str) -> Any:
    table = nn.Embedding.from_pretrained(on(device, ramp(6, 3)))
    elsewhere = nn.Embedding.from_pretrained(ramp(6, 3), device=device)
    return [
        table(on(device, INDICES)),
        elsewhere(on(device, INDICES)),
        F.one_hot(on(device, INDICES)),
        F.one_hot(on(device, INDICES), 8),
    ]


# ------------------------------------------------------------------------------------- decoding


class _Language(nn.Module):
    """The scores of the next token, from the last one and a state."""

    def __init__(self) -> None:
        self.table, self.cell, self.out = nn.Embedding(7, 4), nn.GRUCell(4, 5), nn.Linear(5, 7)

    def forward(self, token: int, state: Any) -> tuple[Any, Any]:
        h = self.cell(self.table(Tensor([token], device=self.out.weight.device)), state)
        return self.out(h)[0], h


@case
def decoding(device: str) -> Any:
    mg.random.manual_seed(1)
    model = made(device, _Language(), train=False)
    with mg.no_grad():
        found: list[Any] = [text.greedy(model, 0, 3, 6)]
        for hypothesis in text.beam_search(model, 0, 3, 5, beam=3, length_penalty=0.6):
            found += [hypothesis.tokens, hypothesis.score]
        mg.random.manual_seed(2)
        found.append(text.sample(model, 0, 3, 6, temperature=0.8, top_k=4, top_p=0.9))
        found.append(text.filtered(model(0, None)[0], top_k=3))
    return found
