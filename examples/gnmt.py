"""In the manner of Google's translator: a first layer in both directions, residual layers above, attention from the lowest."""

import matplotlib.pyplot as plt
import numpy as np
from number_phrases import Phrases, exact, learn
from shared import picture, run

import minigrad
import nn

PUBLISHED = "Wu et al., Google's neural machine translation system, 2016: residual connections make 8 layers trainable"


class Deep(nn.Module):
    """Stacks of recurrent layers; `residual`: each layer above the first adds to its input."""

    def __init__(self, words, letters, hidden, layers, residual):
        self.residual = residual
        self.read, self.write = nn.Embedding(words, hidden, padding_idx=0), nn.Embedding(letters, hidden, padding_idx=0)
        self.first = nn.GRU(hidden, hidden // 2, batch_first=True, bidirectional=True)
        self.encoders = [nn.GRU(hidden, hidden, batch_first=True) for _ in range(layers - 1)]
        self.cells = [nn.GRUCell(hidden * (1 + (i > 0)), hidden) for i in range(layers)]
        self.attention, self.out = nn.AdditiveAttention(hidden, hidden, hidden), nn.Linear(2 * hidden, letters)

    def encode(self, x, lengths):
        h, last = self.first(self.read(x), lengths=lengths)
        states = [np.concatenate([last[0], last[1]], axis=1)]
        for layer in self.encoders:
            up, last = layer(h, lengths=lengths)
            h = h + up if self.residual else up
            states.append(last[0])
        return states, h, lengths

    def decode(self, before, state):
        states, keys, lengths = state
        outs = []
        for t in range(before.shape[1]):
            h = self.cells[0](self.write(before[:, t]), states[0])
            new, (context, _) = [h], self.attention(h, keys, lengths)
            for cell, held in zip(self.cells[1:], states[1:], strict=True):
                up = cell(np.concatenate([h, context], axis=1), held)
                new.append(up)
                h = h + up if self.residual else up
            states = new
            outs.append(self.out(np.concatenate([h, context], axis=1)))
        return np.stack(outs, axis=1), (states, keys, lengths)

    def forward(self, x, lengths, before):
        return self.decode(before, self.encode(x, lengths))[0]


def main(steps=350, hidden=64, layers=6, batch=64):
    results = {}
    figure, axis = plt.subplots()
    for residual in (True, False):
        minigrad.random.manual_seed(0)
        rng = np.random.default_rng(0)
        data = Phrases(rng.permutation(10_000))
        model = Deep(len(data.words), len(data.digits), hidden, layers, residual)
        losses, name = [], f"{layers} layers, {'residual' if residual else 'plain'}"
        for step, loss in learn(model, data, rng, steps, batch, lr=3e-3):
            losses.append(loss)
            if step % 50 == 0:
                print(f"{name}, step {step}: loss {loss:.4f}")
        axis.semilogy(np.convolve(losses, np.ones(10) / 10, "valid"), label=name)
        results[f"exact, {name}"] = exact(model, data, np.arange(7000, 10_000))
    axis.set(xlabel="step", ylabel="loss")
    axis.legend()
    picture("gnmt", figure)
    return results


FULL = {"layers": 8}

if __name__ == "__main__":
    run(main)
