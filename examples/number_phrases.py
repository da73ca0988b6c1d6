"""Encoder and decoder: "trois cent vingt et un" becomes 321, learned from examples alone."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import no_grad
from nn.text import Vocabulary, pad_rows

PUBLISHED = "the models: Cho et al., 2014; Sutskever, Vinyals and Le, 2014, who turn the source around"

ONES = [
    "zéro",
    "un",
    "deux",
    "trois",
    "quatre",
    "cinq",
    "six",
    "sept",
    "huit",
    "neuf",
    "dix",
    "onze",
    "douze",
    "treize",
    "quatorze",
    "quinze",
    "seize",
    "dix-sept",
    "dix-huit",
    "dix-neuf",
]
TENS = ["vingt", "trente", "quarante", "cinquante", "soixante", "soixante", "quatre-vingt", "quatre-vingt"]


def french(n):
    """A number below 10 000 in words."""
    if n < 20:
        return ONES[n]
    if n < 100:
        ten, one = divmod(n, 10)
        one += 10 * (ten in (7, 9))
        link = " et" if one in (1, 11) and ten < 8 else ""
        return TENS[ten - 2] + (f"{link} {ONES[one]}" if one else "")
    size, word = (100, "cent") if n < 1000 else (1000, "mille")
    many, rest = divmod(n, size)
    return " ".join(filter(None, [french(many) if many > 1 else "", word, french(rest) if rest else ""]))


class Phrases:
    """Numbers with their words: sources (N, S), their lengths, and targets (N, T) with start, end and padding."""

    def __init__(self, numbers):
        texts = [french(int(n)) for n in numbers]
        self.words = Vocabulary.of_words([french(n) for n in range(100)] + ["cent mille"])
        self.digits = Vocabulary.of_characters("0123456789", special=("<pad>", "<unk>", "<s>", "</s>"))
        self.source, mask = pad_rows([self.words.encode(t) for t in texts])
        self.lengths = mask.sum(axis=1)
        self.target, _ = pad_rows([self.digits.encode(str(n), start=True, end=True) for n in numbers])


class Translator(nn.Module):
    """All of the phrase becomes one state, from which the decoder writes."""

    def __init__(self, words, letters, hidden):
        self.read, self.encoder = nn.Embedding(words, hidden, padding_idx=0), nn.GRU(hidden, hidden, batch_first=True)
        self.write, self.decoder = nn.Embedding(letters, hidden, padding_idx=0), nn.GRU(hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, letters)

    def encode(self, x, lengths):
        return self.encoder(self.read(x), lengths=lengths)[1]

    def decode(self, before, state):
        h, state = self.decoder(self.write(before), state)
        return self.out(h), state

    def forward(self, x, lengths, before):
        return self.decode(before, self.encode(x, lengths))[0]


def exact(model, data, rows):
    """The share of phrases whose digits are all right, each digit chosen greedily from the model's own beginning."""
    with no_grad():
        state = model.encode(data.source[rows], data.lengths[rows])
        token, written = data.target[rows, :1], []
        for _ in range(data.target.shape[1] - 1):
            scores, state = model.decode(token, state)
            token = scores.numpy().argmax(axis=-1)
            written.append(token[:, 0])
    wanted = data.target[rows, 1:]
    return float(((wanted == np.array(written).T) | (wanted == 0)).all(axis=1).mean())


def learn(model, data, rng, steps, batch, lr):
    """Train on the first 7000 phrases, the right digits so far being given; yields each step and its loss."""
    optimizer = nn.optim.Adam(model.parameters(), lr=lr)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(1, steps + 1):
        rows = rng.choice(7000, batch)
        y = data.target[rows]
        scores = model(data.source[rows], data.lengths[rows], y[:, :-1])
        loss = nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), y[:, 1:].reshape(-1), ignore_index=0)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        yield step, loss.item()


def main(steps=1500, hidden=128, batch=64):
    rng = np.random.default_rng(0)
    data = Phrases(rng.permutation(10_000))
    test = np.arange(7000, 10_000)
    model = Translator(len(data.words), len(data.digits), hidden)
    losses = []
    for step, loss in learn(model, data, rng, steps, batch, lr=3e-3):
        losses.append(loss)
        if step % 250 == 0:
            print(f"step {step}: loss {loss:.4f}, exact {exact(model, data, test[:300]):.3f}")
    figure, axis = plt.subplots()
    axis.semilogy(losses)
    axis.set(xlabel="step", ylabel="loss", title=f"{french(4321)} -> 4321")
    picture("number_phrases", figure)
    return {"exact on 3000 numbers never seen": exact(model, data, test)}


if __name__ == "__main__":
    run(main)
