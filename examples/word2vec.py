"""word2vec: words become vectors by guessing their neighbours, with skip-gram or a bag of words (CBOW).

Each word w has a vector v_w where it stands in the middle, and u_w where it is a neighbour. Skip-gram takes
v of the word in the middle, CBOW the mean of v over the words around; both learn to tell the true partner
from k words drawn from the noise p(w)^(3/4) (negative sampling):

    loss = - log sigmoid(u_true . v) - sum_k log sigmoid(- u_k . v)

Frequent words are dropped at random before (subsampling). An analogy, a is to b as c is to ?, is solved by
the word nearest to b - a + c in cosine. Many sets of analogies are solved without, by the word nearest to c
or to b + c (Linzen, 2016); so these stand beside it. With skip-gram c alone solves hardly any, as a king resembles a
duke more than a queen; with CBOW it solves half.
`--kind CBOW` takes the other model, `--data FILE` another text.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, label, picture, run, train_word2vec
from shared.small_world import RELATIONS, analogies
from shared.vectors import corpus, thinned, windows

import nn
from nn.text import WordVectors

PUBLISHED = "61 % of the analogies: 300 dimensions, 15 negatives, a billion words (Mikolov et al., 2013)"


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


def main(kind="skip-gram", sentences=6000, updates=3000, dimensions=24, window=4, negatives=5, data=None):
    lines, new = corpus(sentences, data)
    rare, least = (1e-2, 1) if data is None else (1e-3, 10)
    found = train_word2vec(lines, kind, updates, dimensions, window, negatives, rare=rare, least=least)
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
