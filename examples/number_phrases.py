"""Encoder and decoder: "trois cent vingt et un" becomes 321; the phrase as it is, or reversed.

The encoder reads words x_1 ... x_S, h_t = f(h_{t-1}, x_t), and all of the phrase becomes its last state c =
h_S. The decoder begins there and writes digits until it writes the end:
    s_0 = c,   s_t = f(s_{t-1}, y_{t-1}),   p(y_t | y_1 ... y_{t-1}, x) = softmax(W s_t)
f is a GRU. In training the right digits so far are given (teacher forcing), afterwards the decoder's own
are.

Sutskever, Vinyals and Le read the source reversed (turned around, from its last word to its first): the first
words, which are needed first, are then read last, a few steps before they are written. With phrases of a few
words that makes hardly any difference. Numbers have three to six digits, and none of the test stands in
training. The baseline, a linear layer, is told more, each word's place from the end; both are level with it.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import Phrases, french, generator, picture, restart, run, steps

import nn
from minigrad import no_grad

PUBLISHED = (
    "English to French: perplexity 5.8 as it is, 4.7 reversed; "
    "BLEU 25.9 and 30.6 (Sutskever, Vinyals and Le, 2014)"
)


class Translator(nn.Module):
    """All of the phrase becomes one state, from which the decoder writes."""

    def __init__(self, words, digits, hidden):
        self.read = nn.Embedding(words, hidden, padding_idx=0)
        self.encoder = nn.GRU(hidden, hidden, batch_first=True)
        self.write = nn.Embedding(digits, hidden, padding_idx=0)
        self.decoder = nn.GRU(hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, digits)

    def encode(self, x, lengths):
        return self.encoder(self.read(x), lengths=lengths)[1]

    def decode(self, before, state):
        h, state = self.decoder(self.write(before), state)
        return self.out(h), state

    def forward(self, x, lengths, before):
        return self.decode(before, self.encode(x, lengths))[0]


def written(model, data, rows):
    """What the model writes, (N, T), each symbol chosen greedily after its own."""
    with no_grad():
        state = model.encode(data.source[rows], data.lengths[rows])
        token, out = data.target[rows, :1], []
        for _ in range(data.target.shape[1] - 1):
            scores, state = model.decode(token, state)
            token = scores.numpy()[:, -1:].argmax(axis=-1)
            out.append(token[:, 0])
    return np.array(out).T


def agree(model, data, rows):
    """Which symbols (N, T) are right; padding counts as right."""
    wanted = data.target[rows, 1:]
    return (wanted == written(model, data, rows)) | (wanted == 0)


def exact(model, data, rows):
    """The share of phrases whose digits are all right."""
    return float(agree(model, data, rows).all(axis=1).mean())


def learn(model, data, updates, batch, lr, name, decay=0.0):
    """Train, the right digits so far being given; returns the losses, and ten times which share was exact."""
    rng, kept = generator(2), {"losses": [], "seen": [], "exact": []}
    optimizer = nn.optim.AdamW(model.parameters(), lr=lr, weight_decay=decay)
    for step in steps(updates, model, optimizer, rng, kept, name=name):
        rows = rng.choice(data.train, batch)
        y = data.target[rows]
        y = y[:, : (y != 0).sum(axis=1).max()]
        scores = model(data.source[rows], data.lengths[rows], y[:, :-1]).reshape(-1, data.sizes[1])
        loss = nn.functional.cross_entropy(scores, y[:, 1:].reshape(-1), ignore_index=0)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.param_groups[0]["lr"] = lr * (1 + np.cos(np.pi * step / updates)) / 2
        optimizer.step()
        kept["losses"].append(loss.item())
        if (step + 1) % max(updates // 10, 1) == 0:
            kept["seen"].append(step + 1)
            kept["exact"].append(exact(model, data, data.test[:200]))
            print(f"{name}, {step + 1} updates: loss {loss.item():.3f}, exact {kept['exact'][-1]:.3f}")
    return kept


def main(updates=500, hidden=128, batch=64, examples=8000):
    results = {}
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for name, turned in (("as it is", False), ("reversed", True)):
        restart()
        data = Phrases(examples, turned=turned)
        model = Translator(*data.sizes, hidden)
        kept = learn(model, data, updates, batch, 6e-3, name)
        results[f"exact, source {name}"] = exact(model, data, data.test)
        left.plot(kept["seen"], kept["exact"], "o-", label=f"source {name}")
        six = data.test[data.numbers[data.test] >= 100_000]
        right.plot(range(1, 7), 1 - agree(model, data, six)[:, :6].mean(axis=0), "o-", label=f"source {name}")
    linear = Phrases(examples).linear()
    left.axhline(linear, color="grey", linestyle=":", label="linear layer of words by place")
    left.set(xlabel="updates", ylabel="exact on 200 numbers never seen", ylim=(0, 1))
    left.set_title(f"{french(4321)} → 4321")
    right.set(xlabel="digit, from the first", ylabel="share of wrong digits", ylim=(0, None))
    right.set_title("Numbers of six digits: where the mistakes are")
    left.legend(loc="lower right")
    right.legend()
    picture("number_phrases", figure)
    return {**results, "baseline: linear layer of words by place": linear}


FULL = {"updates": 7500, "hidden": 1000, "batch": 128, "examples": 100_000}

if __name__ == "__main__":
    run(main)
