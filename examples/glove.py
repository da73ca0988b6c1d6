"""GloVe: vectors whose products are the logarithms of how often two words meet.

X_ij counts how often words i and j stand at most ten words apart, at a distance of d as 1 / d. The loss is

    J = sum_ij f(X_ij) (w_i . c_j + b_i + d_j - log X_ij)^2,    f(x) = min(1, (x / x_max)^(3/4))

over the pairs that meet at all, by AdaGrad; a word's vector is w + c. Nothing is guessed word by word, as in
word2vec: the whole text enters through X. Sentences, analogies and baselines are word2vec.py's. The picture
shows a part of log X, and what the vectors make of it. With `--data FILE` the text is another one.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run, steps
from shared.small_world import analogies
from shared.vectors import corpus

import nn
from nn.text import Vocabulary, WordVectors

PUBLISHED = "75 % of the analogies: 300 dimensions, 42 billion words (Pennington, Socher and Manning, 2014)"

#: Words in the picture.
ROWS = "prince princess waiter waitress dog dogs walks walked king city war"
COLUMNS = "his her crown title tray soup this these yard barking today yesterday boots england army"


def meetings(numbers, size, window):
    """How often two words stand near, nearer ones counting more: pairs (N, 2) and counts (N,)."""
    codes, weights = [], []
    for distance in range(1, window + 1):
        a, b = numbers[:-distance], numbers[distance:]
        codes += [a * size + b, b * size + a]
        weights += [np.full(len(a), 1 / distance)] * 2
    found, places = np.unique(np.concatenate(codes), return_inverse=True)
    return np.stack([found // size, found % size], axis=1), np.bincount(places, np.concatenate(weights))


class GloVe(nn.Module):
    """The logarithm of a count, guessed from two vectors and two biases."""

    def __init__(self, words, dimensions):
        self.w, self.c = (nn.Embedding(words, dimensions, sparse=True) for _ in range(2))
        self.b, self.d = (nn.Embedding(words, 1, sparse=True) for _ in range(2))
        for table in (self.w, self.c, self.b, self.d):
            nn.init.uniform_(table.weight, -0.5 / dimensions, 0.5 / dimensions)

    def forward(self, i, j):
        return (self.w(i) * self.c(j)).sum(axis=1) + (self.b(i) + self.d(j))[:, 0]


def train(pairs, counts, words, dimensions, updates, most):
    """The model, and the vectors w + c."""
    rng, model = generator(2), GloVe(words, dimensions)
    optimizer = nn.optim.Adagrad(model.parameters(), lr=0.2)
    weight = np.minimum(1, counts / most).astype(np.float32) ** 0.75
    wanted = np.log(counts).astype(np.float32)
    for step in steps(updates, model, optimizer, rng):
        rows = rng.integers(0, len(pairs), 512)
        loss = (weight[rows] * (model(*pairs[rows].T) - wanted[rows]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 1000 == 0:
            print(f"step {step + 1}: J {loss.item():.4f}")
    return model, (model.w.weight + model.c.weight).detach().numpy()


def draw(model, vocabulary, pairs, counts):
    """log X between some words and some of their neighbours, and what the vectors say of it, met or not."""
    rows, columns = ([w for w in words.split() if w in vocabulary] or vocabulary.symbols[1:13] for words in (ROWS, COLUMNS))
    i, j = np.array(vocabulary.encode(" ".join(rows))), np.array(vocabulary.encode(" ".join(columns)))
    met = np.full((len(vocabulary),) * 2, np.nan)
    met[tuple(pairs.T)] = np.log(counts)
    guessed = model(np.repeat(i, len(j)), np.tile(j, len(i))).detach().numpy().reshape(len(i), len(j))
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    shown, titles = met[np.ix_(i, j)], ("log X, counted (white: never met)", "w . c + b + d, learned")
    for axis, values, title in zip(axes, (shown, guessed), titles, strict=True):
        image = axis.imshow(values, vmin=np.nanmin(shown), vmax=np.nanmax(shown), aspect="auto")
        axis.set_xticks(range(len(columns)), columns, rotation=60, ha="right")
        axis.set(yticks=range(len(rows)), yticklabels=rows, title=title)
    figure.colorbar(image, ax=axes, label="logarithm of how often two words meet")
    picture("glove", figure)


def main(sentences=5000, updates=4000, dimensions=24, window=10, most=100.0, data=None):
    lines, _ = corpus(sentences, data)
    text = " ".join(lines)
    vocabulary = Vocabulary.of_words(text, 1 if data is None else 10, special=("<unk>",))
    pairs, counts = meetings(np.array(vocabulary.encode(text)), len(vocabulary), window)
    model, vectors = train(pairs, counts, len(vocabulary), dimensions, updates, most)
    draw(model, vocabulary, pairs, counts)
    return analogies(WordVectors(vocabulary.symbols, vectors)) | {"pairs of words that meet": len(pairs)}


FULL = {"updates": 400_000, "dimensions": 300, "window": 10, "most": 100.0}

if __name__ == "__main__":
    run(main)
