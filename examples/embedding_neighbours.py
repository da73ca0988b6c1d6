"""Neighbours and axes of embeddings: who stands beside whom, which way a relation points, what one axis says.

Near is what has a large cosine. Words that occur alike are neighbours: plurals beside plurals, and among
them animals beside animals. A relation is a direction: b - a is about the same vector for all its pairs,

    W(woman) - W(man) = W(aunt) - W(uncle) = W(queen) - W(king), nearly,

measured as the mean cosine of two such differences; with the second words shuffled it is what the form alone gives.
Each axis might encode a relation: so a word's form is predicted by the axis that predicts the other pairs' best, by
the best axis after a random turn, and by the mean difference of the others. That predicts all; the best axis is no
better than after a turn in two of five seeds: a relation is a direction, no axis. In coloured bands the words of a
form share stripes. The vectors are word2vec.py's, or `--data FILE`'s.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import chosen, generator, label, picture, run, train_word2vec
from shared.small_world import PAIRS, analogies
from shared.vectors import corpus

import nn
from nn.text import WordVectors, read_vectors

PUBLISHED = "beside frog: frogs, toad, litoria, leptodactylidae, rana, lizard (GloVe's page, 2014; not measured: --data)"

FORMS = ["men", "women", "one thing", "many things", "present", "past", "countries", "capitals"]


def known_words(vectors):
    """The words that have vectors, the form of each (0 to 7), and its family's number."""
    words, forms, families = [], [], []
    for number, pairs in enumerate(PAIRS.values()):
        for first, second, _, family in pairs:
            found = [form for form, word in enumerate((first, second)) if word in vectors]
            words += [(first, second)[form] for form in found]
            forms += [2 * number + form for form in found]
            families += [family[0]] * len(found)
    return words, np.array(forms), np.unique(families, return_inverse=True)[1]


def neighbours(points, kinds):
    """The share of words whose nearest one is of their kind; and of random ones."""
    points = points / np.linalg.norm(points, axis=1, keepdims=True)
    near = points @ points.T - 2 * np.eye(len(points))
    others = (kinds[:, None] == kinds).sum(axis=1) - 1
    return float((kinds[near.argmax(axis=1)] == kinds).mean()), float(others.mean() / (len(kinds) - 1))


def known_pairs(vectors):
    """Of each relation the vectors of its first and of its second forms, (pairs, dimensions) each."""
    for pairs in PAIRS.values():
        pairs = [pair for pair in pairs if pair[0] in vectors and pair[1] in vectors]
        yield tuple(np.array([vectors[pair[form]] for pair in pairs]) for form in range(2))


def directions(vectors):
    """Cosines of two differences b - a: of pairs, of shuffled pairs, and of words taken at random."""
    rng, every = generator(5), np.array([vectors[w] for w in known_words(vectors)[0]])
    groups = {"pairs": [], "shuffled": [], "random words": []}
    for a, b in known_pairs(vectors):
        two = rng.permutation(every)[: 2 * len(a)]
        compared = (b - a, rng.permutation(b) - a, two[::2] - two[1::2])
        for group, differences in zip(groups, compared, strict=True):
            units = differences / np.linalg.norm(differences, axis=1, keepdims=True)
            groups[group].append((units @ units.T)[np.triu_indices(len(units), 1)])
    return {name: np.concatenate(group) for name, group in groups.items()}


def told(vectors, turn=None, one_axis=True):
    """How often a word's form is told from the other pairs: by their best axis, or their mean difference."""
    right = []
    for a, b in known_pairs(vectors):
        a, b = (a, b) if turn is None else (a @ turn, b @ turn)
        for i in range(len(a)):
            first, second = np.delete(a, i, axis=0), np.delete(b, i, axis=0)
            way = second.mean(axis=0) - first.mean(axis=0)
            middle = (first.mean(axis=0) + second.mean(axis=0)) / 2
            if one_axis:
                wrong = ((second - middle) * way < 0).sum(axis=0) + ((first - middle) * way > 0).sum(axis=0)
                way = way * (np.arange(len(way)) == wrong.argmin())
            right += [(b[i] - middle) @ way > 0, (a[i] - middle) @ way < 0]
    return float(np.mean(right))


def draw(vectors, cosine):
    """A map and a part of it, coloured bands, a table of neighbours, and how parallel differences are."""
    words, forms, _ = known_words(vectors)
    points = np.array([vectors[w] / np.linalg.norm(vectors[w]) for w in words])
    figure, axes = plt.subplot_mosaic("mzb;ttc", figsize=(14, 9), layout="constrained")
    places, sizes = nn.inspect.tsne(points, perplexity=12, seed=chosen()), np.bincount(forms, minlength=8)
    for form, name in enumerate(FORMS):
        axes["m"].plot(*places[forms == form].T, "o", color=plt.cm.tab20(form), markersize=4, label=name)
    axes["m"].legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, 0), fontsize=8, columnspacing=1)
    axes["m"].set(title="map (t-SNE)", xticks=[], yticks=[])
    women = np.flatnonzero(forms == 1)
    axes["z"].plot(*places[women].T, "o", color=plt.cm.tab20(1))
    label(axes["z"], [words[i] for i in women], *places[women].T, 1, "C0")
    axes["z"].margins(0.4, 0.2)
    axes["z"].set(title="the women, closer", xticks=[], yticks=[])
    bands = points[np.argsort(forms, kind="stable")].T
    axes["b"].imshow(bands, aspect="auto", cmap="RdBu", vmin=-0.6, vmax=0.6)
    axes["b"].vlines(np.cumsum(sizes)[:-1] - 0.5, -0.5, len(bands) - 0.5, color="black", linewidth=0.6)
    axes["b"].set_xticks(np.cumsum(sizes) - sizes / 2, FORMS, rotation=40, ha="right")
    axes["b"].set(title="coloured bands: words by axes", ylabel="axis of the embedding")
    asked = [w for w in ("frog", "queen", "king", "dogs", "sang", "ate", "paris", "china") if w in vectors]
    for column, word in enumerate(asked):
        for row, near in enumerate([word.upper(), *(w for w, _ in vectors.nearest(word, 8))]):
            weight = "normal" if row else "bold"
            axes["t"].text(column / len(asked), 0.93 - row / 9.5, near, fontsize=10, weight=weight)
    axes["t"].set(title="nearest neighbours", frame_on=False, xticks=[], yticks=[])
    axes["c"].hist(cosine.values(), 30, range=(-1, 1), density=True, histtype="step", label=list(cosine))
    axes["c"].set(title="are differences parallel?", xlabel="cosine of two differences", ylabel="density")
    axes["c"].legend(loc="upper left")
    picture("embedding_neighbours", figure)


def main(sentences=6000, updates=3000, dimensions=24, data=None):
    if data is None:
        vectors, _, vocabulary, _ = train_word2vec(corpus(sentences)[0], updates=updates, dimensions=dimensions)
        vectors = WordVectors(vocabulary.symbols, vectors)
    else:
        vectors = read_vectors(data, max_words=100_000)
    (words, forms, families), cosine = known_words(vectors), directions(vectors)
    points = np.array([vectors[w] for w in words])
    draw(vectors, cosine)
    turn = np.linalg.qr(generator(6).normal(size=(points.shape[1],) * 2))[0]
    by_form, by_family = neighbours(points, forms), neighbours(points, families)
    return {
        "nearest neighbour of the same form": by_form[0], "chance: same form": by_form[1],
        "nearest neighbour of the same family": by_family[0], "chance: same family": by_family[1],
        "cosine of two differences": float(cosine["pairs"].mean()),
        "baseline: cosine, pairs shuffled": float(cosine["shuffled"].mean()),
        "chance: cosine, random words": float(cosine["random words"].mean()),
        "form predicted by the mean difference": told(vectors, one_axis=False),
        "form predicted by the best axis": told(vectors), "baseline: best axis after a turn": told(vectors, turn),
        "chance: form predicted": 0.5,
    } | analogies(vectors)  # fmt: skip


if __name__ == "__main__":
    run(main)
