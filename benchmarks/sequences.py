"""Workloads on words and sequences: recurrent layers, attention, embeddings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from . import jax_layers, jax_steps, peers
from .steps import Runs, differentiated, functions, normal, rng, trained, training, twins, weights


def words(vocabulary: int, *shape: int) -> np.ndarray:
    return rng.integers(0, vocabulary, shape)


def lstm(size: int = 256, steps: int = 64, batch: int = 32, vocabulary: int = 65) -> Runs:
    """Characters: embedding, two LSTM layers, a linear layer: a training step with clipping and Adam."""
    text = words(vocabulary, steps + 1, batch)

    def build(n: Any) -> Any:
        parts = {"embed": n.Embedding(vocabulary, size), "layer": n.LSTM(size, size, num_layers=2)}
        return n.ModuleDict({**parts, "head": n.Linear(size, vocabulary)})

    def loss(n: Any, net: Any, x: Any, y: Any) -> Any:
        logits = net["head"](net["layer"](net["embed"](x))[0]).reshape(steps * batch, vocabulary)
        return n.functional.cross_entropy(logits, y)

    def jax_loss(jax: Any, p: Any, x: Any, y: Any) -> Any:
        states = jax_layers.lstm(jax, p, "layer.", p["embed.weight"][x], layers=2)
        return jax_layers.cross_entropy(jax, jax_layers.linear(p, "head.", states).reshape(steps * batch, vocabulary), y)

    return trained(build, loss, text[:-1], text[1:].ravel(), jax_loss=jax_loss, clip=1.0)


def language_model(size: int = 200, steps: int = 35, batch: int = 20, vocabulary: int = 10_000) -> Runs:
    """Words: embedding, two LSTM layers, the table once more to score words: a training step with clipping and Adam."""
    text = words(vocabulary, steps + 1, batch)

    def build(n: Any) -> Any:
        return n.ModuleDict({"embed": n.Embedding(vocabulary, size), "layer": n.LSTM(size, size, num_layers=2)})

    def loss(n: Any, net: Any, x: Any, y: Any) -> Any:
        states = net["layer"](net["embed"](x))[0].reshape(steps * batch, size)
        return n.functional.cross_entropy(states @ net["embed"].weight.T, y)

    def jax_loss(jax: Any, p: Any, x: Any, y: Any) -> Any:
        states = jax_layers.lstm(jax, p, "layer.", p["embed.weight"][x], layers=2).reshape(steps * batch, size)
        return jax_layers.cross_entropy(jax, states @ p["embed.weight"].T, y)

    return trained(build, loss, text[:-1], text[1:].ravel(), jax_loss=jax_loss, clip=1.0)


def gru(size: int = 128, steps: int = 64, batch: int = 32) -> Runs:
    x = normal(steps, batch, size)
    return differentiated(lambda n: n.GRU(size, size), x, jax_forward=lambda jax, p, x: jax_layers.gru(jax, p, "", x))


def rnn(size: int = 128, steps: int = 64, batch: int = 32) -> Runs:
    x = normal(steps, batch, size)
    return differentiated(lambda n: n.RNN(size, size), x, jax_forward=lambda jax, p, x: jax_layers.rnn(jax, p, "", x))


def transformer(size: int = 128, heads: int = 4, length: int = 128, batch: int = 16) -> Runs:
    """An encoder layer, four times as wide inside."""

    def build(n: Any) -> Any:
        return n.TransformerEncoderLayer(size, heads, 4 * size, dropout=0.0, batch_first=True)

    def forward(jax: Any, p: Any, x: Any) -> Any:
        return jax_layers.transformer(jax, p, x, heads)

    return differentiated(build, normal(batch, length, size), jax_forward=forward)


def seq2seq(size: int = 128, length: int = 20, batch: int = 32, vocabulary: int = 1000) -> Runs:
    """Encoder and decoder GRU with dot attention: a step of Adam."""
    source, target = words(vocabulary, 2, length, batch)

    def build(n: Any) -> Any:
        return n.ModuleDict({
            "embed": n.Embedding(vocabulary, size), "encoder": n.GRU(size, size), "embed_out": n.Embedding(vocabulary, size),
            "decoder": n.GRU(size, size), "head": n.Linear(2 * size, vocabulary),
        })  # fmt: skip

    def loss(n: Any, net: Any, words: Any, answers: Any) -> Any:
        np_like = functions(n)
        memory, h = net["encoder"](net["embed"](words))
        states, _ = net["decoder"](net["embed_out"](answers), h)
        memory, states = (np_like.moveaxis(x, 1, 0) for x in (memory, states))  # (B, T, H)
        attention = n.functional.softmax(states @ memory.mT, -1)
        logits = net["head"](np_like.concatenate([states, attention @ memory], -1)).reshape(-1, vocabulary)
        return n.functional.cross_entropy(logits, answers.T.reshape(-1))

    def jax_loss(jax: Any, p: Any, words: Any, answers: Any) -> Any:
        memory = jax_layers.gru(jax, p, "encoder.", p["embed.weight"][words])
        states = jax_layers.gru(jax, p, "decoder.", p["embed_out.weight"][answers], memory[-1])
        memory, states = memory.transpose(1, 0, 2), states.transpose(1, 0, 2)
        attention = jax.nn.softmax(states @ memory.mT)
        joined = jax.numpy.concatenate([states, attention @ memory], -1)
        logits = jax_layers.linear(p, "head.", joined).reshape(-1, vocabulary)
        return jax_layers.cross_entropy(jax, logits, answers.T.reshape(-1))

    return trained(build, loss, source, target, jax_loss=jax_loss)


def skip_gram(vocabulary: int = 50_000, size: int = 100, batch: int = 1024, negatives: int = 5) -> Runs:
    """Skip-gram with negative samples: a step of SGD with row-sparse gradients (JAX has dense ones)."""
    data = [*words(vocabulary, 2, batch), words(vocabulary, batch, negatives)]
    made = twins(lambda n: n.ModuleDict({key: n.Embedding(vocabulary, size, sparse=True) for key in ("inner", "outer")}))
    runs: Runs = {}
    for library, net in made:
        optimizer = library.optim.SGD(net.parameters(), lr=0.1)
        step = training(partial(_skip_gram_loss, library.nn.functional.logsigmoid, net["inner"], net["outer"]), optimizer)
        runs[library.name] = partial(step, *map(library.tensor, data))
    if jax := peers.jax():

        def loss(p: Any, *data: Any) -> Any:
            tables = (p[f"{key}.weight"] for key in ("inner", "outer"))
            return _skip_gram_loss(jax.nn.log_sigmoid, *(table.__getitem__ for table in tables), *data)

        runs["jax jit"] = partial(jax_steps.descent(jax, loss, weights(made[0][1]), 0.1), *map(jax.numpy.asarray, data))
    return runs


def _skip_gram_loss(log: Callable[[Any], Any], inner: Any, outer: Any, word: Any, context: Any, others: Any) -> Any:
    centre, near, far = inner(word), outer(context), outer(others)
    return -(log((centre * near).sum(-1)).mean() + log(-(far * centre[:, None, :]).sum(-1)).sum(-1).mean())


#: name -> (workload, rounds)
SEQUENCES: dict[str, tuple[Callable[[], Runs], int]] = {
    "LSTM, 2 layers of 256, 64 steps, batch 32, Adam": (lstm, 3),
    "word language model, 10 000 words, 2 LSTM layers of 200, tied": (language_model, 3),
    "GRU 128, 64 steps, batch 32": (gru, 10),
    "RNN 128, 64 steps, batch 32": (rnn, 10),
    "skip-gram, 5 negatives, 50 000 x 100, batch 1024": (skip_gram, 20),
    "seq2seq GRU 128 with attention": (seq2seq, 6),
    "transformer block 128, 4 heads, T 128, batch 16": (transformer, 6),
}
