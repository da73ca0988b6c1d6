"""The five ways to read and write sequences with a recurrent network, each with a task of its own."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import no_grad
from nn.functional import cross_entropy

PUBLISHED = "the five pictures of Karpathy's, The unreasonable effectiveness of recurrent neural networks, 2015"
DIGITS, LENGTH = 5, 6


class OneToOne(nn.Module):
    """No recurrence: which digit follows?  n -> n + 1."""

    def __init__(self, hidden):
        self.embed, self.out = nn.Embedding(DIGITS, hidden), nn.Linear(hidden, DIGITS)

    def forward(self, x):  # (B,)
        return self.out(np.tanh(self.embed(x)))

    def example(self, rng, batch):
        x = rng.integers(0, DIGITS, batch)
        return x, (x + 1) % DIGITS


class OneToMany(nn.Module):
    """From one digit count on: 3 -> 3 4 0 1 2 3."""

    def __init__(self, hidden):
        self.start, self.cell, self.out = nn.Embedding(DIGITS, hidden), nn.GRUCell(hidden, hidden), nn.Linear(hidden, DIGITS)

    def forward(self, x):
        h, outs = self.start(x), []
        for _ in range(LENGTH):
            h = self.cell(h, h)
            outs.append(self.out(h))
        return np.stack(outs)  # (T, B, DIGITS)

    def example(self, rng, batch):
        x = rng.integers(0, DIGITS, batch)
        return x, (x + np.arange(LENGTH)[:, None]) % DIGITS


class ManyToOne(nn.Module):
    """The largest of all digits."""

    def __init__(self, hidden):
        self.embed, self.rnn, self.out = nn.Embedding(DIGITS, hidden), nn.GRU(hidden, hidden), nn.Linear(hidden, DIGITS)

    def forward(self, x):  # (T, B)
        return self.out(self.rnn(self.embed(x))[0][-1])

    def example(self, rng, batch):
        x = rng.integers(0, rng.integers(1, DIGITS + 1, batch), (LENGTH, batch))
        return x, x.max(axis=0)


class ManyToManyAligned(ManyToOne):
    """The running sum, modulo 5: an answer at each step."""

    def forward(self, x):
        return self.out(self.rnn(self.embed(x))[0])

    def example(self, rng, batch):
        x = rng.integers(0, DIGITS, (LENGTH, batch))
        return x, np.cumsum(x, axis=0) % DIGITS


class ManyToMany(nn.Module):
    """First read all, then write it backwards."""

    def __init__(self, hidden):
        self.embed, self.encoder, self.decoder = nn.Embedding(DIGITS, hidden), nn.GRU(hidden, hidden), nn.GRU(hidden, hidden)
        self.out = nn.Linear(hidden, DIGITS)

    def forward(self, x):
        _, state = self.encoder(self.embed(x))
        return self.out(self.decoder(np.zeros((LENGTH, x.shape[1], state.shape[-1]), np.float32), state)[0])

    def example(self, rng, batch):
        x = rng.integers(0, DIGITS, (LENGTH, batch))
        return x, x[::-1]


def main(steps=1500, hidden=64, batch=64):
    figure, axis = plt.subplots()
    results = {}
    for kind in (OneToOne, OneToMany, ManyToOne, ManyToManyAligned, ManyToMany):
        rng, model, losses = np.random.default_rng(0), kind(hidden), []
        optimizer = nn.optim.Adam(model.parameters(), lr=5e-3)
        schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(steps):
            x, y = model.example(rng, batch)
            loss = cross_entropy(model(x).reshape(-1, DIGITS), y.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        x, y = model.example(rng, 500)
        with no_grad():
            results[f"{kind.__name__}: right"] = float((model(x).numpy().argmax(-1) == y).mean())
        axis.semilogy(np.convolve(losses, np.ones(20) / 20, "valid"), label=kind.__name__)
    axis.set(xlabel="step", ylabel="loss")
    axis.legend()
    picture("five_patterns", figure)
    return results


if __name__ == "__main__":
    run(main)
