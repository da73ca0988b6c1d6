"""word2vec: words become vectors by guessing their neighbours, with skip-gram or a bag of words (CBOW).

Each word w has a vector v_w where it stands in the middle, and u_w where it is a neighbour. Skip-gram takes
v of the word in the middle, CBOW the mean of v over the words around; both learn to tell the true partner
from k words drawn from the noise p(w)^(3/4) (negative sampling):

    loss = - log sigmoid(u_true . v) - sum_k log sigmoid(- u_k . v)

Frequent words are dropped at random before (subsampling). An analogy, a is to b as c is to ?, is solved by
the word nearest to b - a + c in cosine. Many sets of analogies are solved without, by the word nearest to c
or to b + c (Linzen, 2016); so these stand beside it: here a king resembles a duke more than a queen.
`--kind CBOW` takes the other model, `--data FILE` another text.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run, small_world, steps
from shared.small_world import RELATIONS, analogies

import nn
from nn.functional import negative_sampling_loss
from nn.text import Vocabulary, WordVectors, cbow_windows, skip_gram_pairs

PUBLISHED = "61 % of the analogies: 300 dimensions, 15 negatives, a billion words (Mikolov et al., 2013)"


def corpus(sentences, data=None):
    """Sentences to learn from, and a tenth as many others: of the small world, or the lines of a file."""
    rng = generator(1)
    if data is None:
        return small_world(sentences, rng), small_world(sentences // 10, rng)
    lines = [line.lower() for line in data.read_text(encoding="utf-8").splitlines() if line.strip()]
    if len(lines) < 100:
        raise ValueError(f"{data} has {len(lines)} lines with words: too few to learn vectors from")
    return lines[: len(lines) * 9 // 10], lines[len(lines) * 9 // 10 :]


def thinned(numbers, keep, rng):
    """Some of the words, each kept by its probability."""
    return numbers[rng.random(len(numbers)) < keep[numbers]]


def windows(numbers, kind, window):
    """What is given and what is to be guessed: a word and one neighbour, or all neighbours and the word."""
    if kind == "skip-gram":
        return skip_gram_pairs(numbers, window)
    return cbow_windows(numbers, window)


def train(lines, kind="skip-gram", updates=3000, dimensions=24, window=4, negatives=5, rare=0.01, least=1):
    """Vectors in the middle and as neighbours, the vocabulary, and how much of each word was read."""
    rng, text = generator(2), " ".join(lines)
    vocabulary = Vocabulary.of_words(text, least, special=("<unk>",))
    numbers = np.array(vocabulary.encode(text))
    counts = np.bincount(numbers, minlength=len(vocabulary))
    keep = np.minimum(1, np.sqrt(rare * len(numbers) / np.maximum(counts, 1)))
    given, wanted = windows(thinned(numbers, keep, rng), kind, window)
    noise = counts**0.75 / (counts**0.75).sum()
    model = nn.ModuleList([nn.Embedding(len(vocabulary), dimensions, sparse=True) for _ in range(2)])
    inside, outside = model
    inside.weight.data *= 0.1
    outside.weight.data *= 0
    optimizer = nn.optim.Adagrad(model.parameters(), lr=0.2)
    for step in steps(updates, model, optimizer, rng, name=f"training-{kind}"):
        rows = rng.integers(0, len(wanted), 256)
        v = inside(given[rows]) if kind == "skip-gram" else inside(given[rows]).mean(axis=1)
        drawn = rng.choice(len(vocabulary), (256, negatives), p=noise)
        loss = negative_sampling_loss(v, outside(wanted[rows]), outside(drawn))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 1000 == 0:
            print(f"{kind}, step {step + 1}: loss {loss.item():.3f}")
    return inside.weight.detach().numpy(), outside.weight.detach().numpy(), vocabulary, keep


def told_apart(inside, outside, vocabulary, keep, lines, kind, window):
    """How often a true partner in new text has a higher score than another word of that text."""
    numbers = np.array(vocabulary.encode(" ".join(lines)))
    given, wanted = windows(thinned(numbers, keep, generator(4)), kind, window)
    v = inside[given] if kind == "skip-gram" else inside[given].mean(axis=1)
    others = generator(3).permutation(wanted)
    true, false = ((v * outside[words]).sum(axis=1) for words in (wanted, others))
    return float((np.sign(true - false)[wanted != others] / 2 + 0.5).mean())


def draw(vectors, name):
    """Each relation in the plane of its own two main directions, its pairs joined."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 9), layout="constrained")
    for axis, (relation, pairs) in zip(axes.flat, RELATIONS.items(), strict=True):
        axis.set(title=relation, xlabel="first principal component", ylabel="second principal component")
        pairs = [pair for pair in pairs if pair[0] in vectors and pair[1] in vectors]
        if len(pairs) < 3:
            axis.set_title(f"{relation}: not in this text")
            continue
        places = nn.inspect.pca(np.array([vectors[w] for pair in pairs for w in pair])).reshape(-1, 2, 2)
        places[..., 0] *= np.sign(np.median(places[:, 1, 0] - places[:, 0, 0]))
        for form, colour in enumerate(("C0", "C1")):
            axis.plot(*places[:, form].T, "o", color=colour, markersize=4)
            label(axis, [pair[form] for pair in pairs], *places[:, form].T, 2 * form - 1, colour)
        axis.plot(*places.transpose(2, 1, 0), color="0.75", zorder=0)
        axis.margins(0.42, 0.12)
    picture(name, figure)


def label(axis, words, x, y, side, colour):
    """Words beside their points, to the left (-1) or right (1), moved up where they would overlap."""
    order, gap = np.argsort(y), 0.045 * np.ptp(y) + 0.05
    heights = y[order]
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + gap)
    heights += (y[order] - heights).mean()
    end = (np.max(x * side) + 0.15) * side
    how = {"fontsize": 8, "color": colour, "va": "center", "ha": "left" if side > 0 else "right"}
    line = {"arrowstyle": "-", "color": colour, "alpha": 0.25, "shrinkA": 0, "shrinkB": 2}
    for i, height in zip(order, heights, strict=True):
        axis.annotate(words[i], (x[i], y[i]), (end, height), arrowprops=line, **how)


def main(kind="skip-gram", sentences=6000, updates=3000, dimensions=24, window=4, negatives=5, data=None):
    lines, new = corpus(sentences, data)
    rare, least = (1e-2, 1) if data is None else (1e-3, 10)
    found = train(lines, kind, updates, dimensions, window, negatives, rare=rare, least=least)
    inside, outside, vocabulary, keep = found
    vectors = WordVectors(vocabulary.symbols, inside)
    draw(vectors, "word2vec")
    for word in filter(vectors.__contains__, ("king", "dogs", "sang", "paris", "war")):
        print(f"nearest to {word}:", ", ".join(w for w, _ in vectors.nearest(word, 5)))
    told = told_apart(inside, outside, vocabulary, keep, new, kind, window)
    return analogies(vectors) | {"true neighbour above another word": told, "chance: neighbour": 0.5}


FULL = {"updates": 200_000, "dimensions": 300, "window": 5, "negatives": 15}

if __name__ == "__main__":
    run(main)
