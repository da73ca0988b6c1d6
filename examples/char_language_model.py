"""A language model of characters writes Shakespeare, or, without --data, Python like the standard library's."""

import inspect
import tokenize
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import no_grad
from nn.text import Vocabulary, batchify, bptt_windows, sample

PUBLISHED = "an LSTM with 3 layers of 512 reaches about 1.3 nats on tiny Shakespeare (char-rnn, Karpathy, 2015)"


def load(data):
    """A text: a file's, or the source of four modules of the standard library."""
    if data is not None:
        return Path(data).read_text(encoding="utf-8")
    import argparse
    import ast

    return "\n".join(inspect.getsource(module) for module in (tokenize, inspect, argparse, ast))


class Model(nn.Module):
    def __init__(self, kind, letters, hidden, layers, dropout):
        self.embed = nn.Embedding(letters, min(hidden, 64))
        self.rnn = getattr(nn, kind)(min(hidden, 64), hidden, layers, dropout=dropout)
        self.out = nn.Linear(hidden, letters)

    def forward(self, x, state=None):  # (T, B)
        h, state = self.rnn(self.embed(x), state)
        return self.out(h), state


def detached(state):
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()


def mean_loss(model, columns, steps):
    """Nats for each character, the state carried from window to window."""
    model.eval()
    state, losses = None, []
    with no_grad():
        for x, y in bptt_windows(columns, steps):
            scores, state = model(x, state)
            losses.append(nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), y.reshape(-1)).item())
    model.train()
    return float(np.mean(losses))


def main(kind="LSTM", hidden=128, layers=1, updates=3000, batch=32, steps=50, lr=4e-3, dropout=0.0, data=None):
    text = load(data)
    letters = Vocabulary.of_characters(text)
    numbers = letters.encode(text)
    cut = int(0.95 * len(numbers))
    train, test = batchify(numbers[:cut], batch), batchify(numbers[cut:], 8)
    model = Model(kind, len(letters), hidden, layers, dropout)
    optimizer = nn.optim.Adam(model.parameters(), lr=lr)
    losses = []

    def write(length=200, temperature=0.7):
        def step(letter, state):
            scores, state = model(np.array([[letter]]), state)
            return scores.numpy()[0, 0], state

        with no_grad():
            return letters.decode(sample(step, letters["\n"], None, length, temperature=temperature))

    while len(losses) < updates:
        state = None
        for i, (x, y) in enumerate(bptt_windows(train, steps)):
            scores, state = model(x, None if state is None else detached(state))  # truncated backpropagation
            loss = nn.functional.cross_entropy(scores.reshape(-1, len(letters)), y.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            losses.append(loss.item())
            if i % 200 == 0:
                print(f"--- {len(losses)} updates, loss {np.mean(losses[-100:]):.2f}:{write(100)!r}")
            if len(losses) == updates:
                break
        for group in optimizer.param_groups:
            group["lr"] *= 0.95
    print(written := write(400))
    figure, axis = plt.subplots()
    axis.plot(np.convolve(losses, np.ones(20) / 20, "valid"))
    axis.set(xlabel="update", ylabel="nats for each character", title=kind)
    axis.text(0.3, 0.95, written[:160].replace("$", " "), transform=axis.transAxes, va="top", fontsize=7, family="monospace")
    picture("char_language_model", figure)
    return {
        "updates": len(losses),
        "test loss in nats": mean_loss(model, test, steps),
        "before training": float(np.log(len(letters))),
    }


FULL = {"hidden": 512, "layers": 3, "updates": 100_000, "lr": 2e-3, "dropout": 0.5, "batch": 50}

if __name__ == "__main__":
    run(main)
