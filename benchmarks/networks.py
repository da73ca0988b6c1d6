"""Workloads of nn: one layer, or one small network, forward and backward, beside PyTorch with the same layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
import nn

from . import peers

Runs = dict[str, Callable[[], object]]

rng = np.random.default_rng(0)


def _libraries() -> dict[str, tuple[Any, Callable[..., Any], Any]]:
    """For each library: its nn, its way to make a tensor of an array, its optimizers."""
    found: dict[str, tuple[Any, Callable[..., Any], Any]] = {"minigrad": (nn, mg.Tensor, nn.optim)}
    if torch := peers.torch():
        found["torch"] = (torch.nn, torch.tensor, torch.optim)
    return found


def _both(build: Callable[[Any], Any], shape: tuple[int, ...], input_grad: bool = False) -> Runs:
    """A module of minigrad's and of torch's on the same input, forward and, from a random gradient of the output, backward."""
    data = rng.normal(size=shape).astype(np.float32)

    def training(module: Any, x: Any, tensor: Callable[..., Any]) -> Callable[[], None]:
        def forward() -> Any:
            out = module(x)
            return out[0] if isinstance(out, tuple) else out

        g = tensor(rng.normal(size=tuple(forward().shape)).astype(np.float32))

        def run() -> None:
            module.zero_grad()
            x.grad = None
            forward().backward(g)

        return run

    return {
        name: training(build(library), tensor(data, requires_grad=input_grad), tensor)
        for name, (library, tensor, _) in _libraries().items()
    }


def _lenet(library: Any) -> Any:
    return library.Sequential(
        library.Conv2d(1, 6, 5, padding=2), library.ReLU(), library.MaxPool2d(2), library.Conv2d(6, 16, 5), library.ReLU(),
        library.MaxPool2d(2), library.Flatten(), library.Linear(400, 120), library.ReLU(), library.Linear(120, 84),
        library.ReLU(), library.Linear(84, 10),
    )  # fmt: skip


def _transformer(library: Any) -> Any:
    return library.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True)


def _step(parameters: list[Any], optimizer: Any, loss: Callable[[], Any], clip: Callable[..., Any] | None) -> Callable[[], None]:
    """A training step as everybody writes it."""

    def run() -> None:
        optimizer.zero_grad()
        loss().backward()
        if clip is not None:
            clip(parameters, 1.0)
        optimizer.step()

    return run


def lstm() -> Runs:
    """Two LSTM layers of 256, 64 steps, batch 32, 65 characters: a training step with clipping and Adam."""
    steps, batch, size, vocabulary = 64, 32, 256, 65
    text = rng.integers(0, vocabulary, (steps + 1, batch))
    runs: Runs = {}
    for name, (library, tensor, optim) in _libraries().items():
        embed, layer = library.Embedding(vocabulary, size), library.LSTM(size, size, num_layers=2)
        head, tokens = library.Linear(size, vocabulary), tensor(text)
        parameters = [*embed.parameters(), *layer.parameters(), *head.parameters()]

        def loss(library=library, embed=embed, layer=layer, head=head, tokens=tokens) -> Any:  # type: ignore[no-untyped-def]
            logits = head(layer(embed(tokens[:-1]))[0]).reshape(steps * batch, vocabulary)
            return library.functional.cross_entropy(logits, tokens[1:].reshape(-1))

        runs[name] = _step(parameters, optim.Adam(parameters, lr=1e-3), loss, library.utils.clip_grad_norm_)
    return runs


def skip_gram() -> Runs:
    """Skip-gram with 5 negatives, 50 000 words of 100 numbers, batch 1024: a step of SGD with row-sparse gradients."""
    words, contexts = rng.integers(0, 50_000, (2, 1024))
    others = rng.integers(0, 50_000, (1024, 5))
    runs: Runs = {}
    for name, (library, tensor, optim) in _libraries().items():
        inner, outer = (library.Embedding(50_000, 100, sparse=True) for _ in range(2))
        batch = [tensor(part) for part in (words, contexts, others)]
        parameters = [*inner.parameters(), *outer.parameters()]

        def loss(library=library, inner=inner, outer=outer, batch=batch) -> Any:  # type: ignore[no-untyped-def]
            centre, near, far = inner(batch[0]), outer(batch[1]), outer(batch[2])
            log = library.functional.logsigmoid
            return -(log((centre * near).sum(-1)).mean() + log(-(far * centre[:, None, :]).sum(-1)).sum(-1).mean())

        runs[name] = _step(parameters, optim.SGD(parameters, lr=0.1), loss, None)
    return runs


def seq2seq() -> Runs:
    """Encoder and decoder GRU of 128 with dot attention, 20 words to 20 words of 1000, batch 32: a step of Adam."""
    length, batch, size, vocabulary = 20, 32, 128, 1000
    source, target = rng.integers(0, vocabulary, (2, length, batch))
    runs: Runs = {}
    for name, (library, tensor, optim) in _libraries().items():
        layers = [
            library.Embedding(vocabulary, size), library.GRU(size, size), library.Embedding(vocabulary, size),
            library.GRU(size, size), library.Linear(2 * size, vocabulary),
        ]  # fmt: skip
        parameters = [p for layer in layers for p in layer.parameters()]
        words, answers = tensor(source), tensor(target)
        join, soft = (np.concatenate, library.functional.softmax) if library is nn else (peers.torch().cat, peers.torch().softmax)

        def loss(library=library, layers=layers, words=words, answers=answers, join=join, soft=soft) -> Any:  # type: ignore[no-untyped-def]
            embed, encoder, embed_out, decoder, head = layers
            memory, h = encoder(embed(words))
            states, _ = decoder(embed_out(answers), h)
            memory, states = (
                (memory.transpose(1, 0, 2), states.transpose(1, 0, 2))
                if library is nn
                else (memory.transpose(0, 1), states.transpose(0, 1))
            )
            weights = soft(states @ memory.mT, -1)
            logits = head(join([states, weights @ memory], -1))
            goal = answers.T.reshape(-1)
            return library.functional.cross_entropy(logits.reshape(-1, vocabulary), goal)

        runs[name] = _step(parameters, optim.Adam(parameters, lr=1e-3), loss, None)
    return runs


def gradient_penalty() -> Runs:
    """(|gradient of an MLP 256-256-1 at the input| - 1)^2, differentiated again in the weights; batch 64."""
    data = rng.normal(size=(64, 256)).astype(np.float32)
    runs: Runs = {}
    for name, (library, tensor, _) in _libraries().items():
        net = library.Sequential(library.Linear(256, 256), library.Tanh(), library.Linear(256, 1))
        grad = mg.autograd.grad if library is nn else peers.torch().autograd.grad
        x = tensor(data, requires_grad=True)

        def run(net=net, grad=grad, x=x) -> None:  # type: ignore[no-untyped-def]
            net.zero_grad()
            (slope,) = grad(net(x).sum(), [x], create_graph=True)
            (((slope**2).sum(-1) ** 0.5 - 1) ** 2).mean().backward()

        runs[name] = run
    return runs


def _function(of: Callable[[Any], Callable[[Any], Any]], shape: tuple[int, ...]) -> Runs:
    """A function of one array, forward and backward."""
    data = rng.normal(size=shape).astype(np.float32)
    runs: Runs = {}
    for name, (library, tensor, _) in _libraries().items():
        x, function, g = tensor(data, requires_grad=True), of(library), tensor(data)

        def run(x=x, function=function, g=g) -> None:  # type: ignore[no-untyped-def]
            x.grad = None
            function(x).backward(g)

        runs[name] = run
    return runs


#: name -> (workload, rounds)
NETWORKS: dict[str, tuple[Callable[[], Runs], int]] = {
    "LeNet, 28x28, batch 64": (lambda: _both(_lenet, (64, 1, 28, 28)), 20),
    "convolution 3x3, 64 to 64, 32x32, batch 16": (
        lambda: _both(lambda n: n.Conv2d(64, 64, 3, padding=1), (16, 64, 32, 32), True),
        6,
    ),
    "convolution of AlexNet's first layer, batch 8": (lambda: _both(lambda n: n.Conv2d(3, 96, 11, 4), (8, 3, 227, 227)), 5),
    "convolution 3x3, depthwise, 64 channels, 32x32, batch 16": (
        lambda: _both(lambda n: n.Conv2d(64, 64, 3, padding=1, groups=64), (16, 64, 32, 32), True),
        10,
    ),
    "LSTM, 2 layers of 256, 64 steps, batch 32, Adam": (lstm, 3),
    "GRU 128, 64 steps, batch 32": (lambda: _both(lambda n: n.GRU(128, 128), (64, 32, 128)), 10),
    "RNN 128, 64 steps, batch 32": (lambda: _both(lambda n: n.RNN(128, 128), (64, 32, 128)), 10),
    "skip-gram, 5 negatives, 50 000 x 100, batch 1024": (skip_gram, 20),
    "seq2seq GRU 128 with attention": (seq2seq, 6),
    "transformer block 128, 4 heads, T 128, batch 16": (lambda: _both(_transformer, (16, 128, 128)), 6),
    "layer norm, 2048x512": (lambda: _both(lambda n: n.LayerNorm(512), (2048, 512), True), 20),
    "softmax, 2048x512": (lambda: _function(lambda n: lambda x: n.functional.softmax(x, -1), (2048, 512)), 20),
    "GELU, 2048x512": (lambda: _function(lambda n: n.functional.gelu, (2048, 512)), 20),
    "gradient penalty of an MLP 256-256-1": (gradient_penalty, 30),
}
