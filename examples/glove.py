"""GloVe: vectors whose products are the logarithms of how often two words meet; and published vectors, with --data FILE."""

import numpy as np
from shared import picture, run
from word2vec import PEOPLE, corpus

import nn
from nn.text import Vocabulary, WordVectors, read_vectors

PUBLISHED = "king - man + woman = queen; 75 % of the analogies with 42 billion words (Pennington, Socher and Manning, 2014)"


def meetings(numbers, window):
    """How often two words stand near, nearer ones counting more: pairs and counts."""
    counts = {}
    for distance in range(1, window + 1):
        for a, b in zip(numbers, numbers[distance:], strict=False):
            for pair in ((a, b), (b, a)):
                counts[pair] = counts.get(pair, 0.0) + 1 / distance
    return np.array(list(counts)), np.array(list(counts.values()), np.float32)


def main(steps=4000, dimensions=16, window=10, most=100.0, data=None):
    if data is not None:
        vectors = read_vectors(data, max_words=50_000)
        shown = [w for w in (*PEOPLE, *PEOPLE.values()) if w in vectors]
        picture("glove", nn.inspect.plot_points(nn.inspect.pca(np.array([vectors[w] for w in shown])), shown))
        return {"king - man + woman": vectors.analogy("man", "king", "woman", n=1)[0][0]}
    rng = np.random.default_rng(0)
    words = corpus(None, rng)
    vocabulary = Vocabulary.of_words(" ".join(words), special=())
    pairs, counts = meetings(vocabulary.encode(" ".join(words)), window)
    size = len(vocabulary)
    w, c, b, d = nn.Embedding(size, dimensions), nn.Embedding(size, dimensions), nn.Embedding(size, 1), nn.Embedding(size, 1)
    for table in (w, c):
        table.weight.data *= 0.2
    optimizer = nn.optim.Adam([p for table in (w, c, b, d) for p in table.parameters()], lr=0.02)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    weight, wanted = np.minimum(1, counts / most) ** 0.75, np.log(counts)
    for step in range(1, steps + 1):
        rows = rng.integers(0, len(pairs), 512)
        i, j = pairs[rows].T
        guess = (w(i) * c(j)).sum(axis=1) + (b(i) + d(j))[:, 0]
        loss = (weight[rows] * (guess - wanted[rows]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 1000 == 0:
            print(f"step {step}: loss {loss.item():.4f}")
    vectors = WordVectors(vocabulary.symbols, w.weight.detach().numpy())
    shown = [*PEOPLE, *PEOPLE.values()]
    picture("glove", nn.inspect.plot_points(nn.inspect.pca(np.array([vectors[x] for x in shown])), shown))
    asked = [(x, y) for x in PEOPLE for y in PEOPLE if x != y]
    right = [vectors.analogy(x, PEOPLE[x], y, n=1)[0][0] == PEOPLE[y] for x, y in asked]
    return {"king - man + woman": vectors.analogy("man", "king", "woman", n=1)[0][0], "analogies solved": float(np.mean(right))}


if __name__ == "__main__":
    run(main)
