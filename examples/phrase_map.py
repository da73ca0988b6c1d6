"""The space of phrases: an encoder that learned to translate puts phrases of one kind side by side.

The encoder-decoder of number_phrases.py (c = h_S, s_0 = c) learns to translate phrases like "for two weeks"
and "by my sisters". It is never told their kinds: times, people, places, things. But French tells them apart
("for" is "pendant" before a time, "pour" before people, "vers" before a place), and so do the states c. The
map shows c of phrases that are not in training, in two dimensions (t-SNE and PCA), and three regions
enlarged, like figures 4 and 5 of Cho et al., 2014. Counted is how often the nearest neighbour *with another
noun* is of the same kind: by c, by c before training, by bags of the English words, by bags of the French
ones (what the translation alone tells, without a network), and among all such phrases (chance).
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import Translator, chosen, exact, generator, picture, run, train_seq2seq

import nn
from minigrad import no_grad
from nn.text import Vocabulary, pad_rows

PUBLISHED = "Cho et al., 2014, show the map (figures 4 and 5) and give no number"
KINDS = {
    "times": "day jour, week semaine, month mois, hour heure, year an, minute minute, night nuit, "
    "morning matin, summer été, winter hiver",
    "people": "teacher professeur, friend ami, doctor médecin, sister sœur, brother frère, king roi, "
    "girl fille, boy garçon, neighbour voisin, singer chanteur",
    "places": "garden jardin, house maison, school école, bridge pont, forest forêt, street rue, lake lac, "
    "field champ, town ville, island île",
    "things": "book livre, hammer marteau, coat manteau, key clé, chair chaise, pen stylo, coin pièce, "
    "shirt chemise, rope corde, lamp lampe",
}
#: What the English word is in French before each of the kinds.
BEFORE = {
    "for": "pendant pour vers contre", "by": "avant par devant avec", "over": "durant sur sur sur",
    "before": "avant devant devant devant",
}  # fmt: skip
HOW_MANY = "two deux, three trois, ten dix, some quelques, the les, my mes, these ces, our nos"


class Phrases:
    """English phrases and their French, a quarter of them for the test."""

    def __init__(self):
        made = []
        for kind, nouns in enumerate(KINDS.values()):
            for noun in nouns.split(", "):
                for number in HOW_MANY.split(", "):
                    for before, avant in BEFORE.items():
                        (thing, chose), (many, tous) = noun.split(), number.split()
                        end = "" if chose[-1] == "s" else "x" if chose[-3:] == "eau" else "s"
                        french = f"{avant.split()[kind]} {tous} {chose}{end}"
                        made.append((f"{before} {many} {thing}s", french, kind, thing))
        made = [made[i] for i in generator(1).permutation(len(made))]
        self.english, french, kinds, nouns = zip(*made, strict=True)
        self.kinds, self.nouns = np.array(kinds), np.array(nouns)
        self.train, self.test = 3 * len(made) // 4, np.arange(3 * len(made) // 4, len(made))
        sides = [Vocabulary.of_words(texts) for texts in (self.english, french)]
        self.sizes = len(sides[0]), len(sides[1])
        self.source, mask = pad_rows([sides[0].encode(text) for text in self.english])
        self.lengths = mask.sum(axis=1)
        self.target, _ = pad_rows([sides[1].encode(text, start=True, end=True) for text in french])

    def of_one_kind(self, vectors):
        """Of how many test phrases the nearest one with another noun is of the same kind; cosine."""
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        other = self.nouns[self.test][:, None] != self.nouns[self.test]
        nearest = np.where(other, vectors @ vectors.T, -2).argmax(axis=1)
        same = self.kinds[self.test][:, None] == self.kinds[self.test]
        return float(same[np.arange(len(nearest)), nearest].mean()), float(same[other].mean())


def enlarge(axis, points, data, kind, count=16):
    """A region of the map: where phrases of a kind lie closest; those are named whose name has room."""
    rows = np.flatnonzero(data.kinds[data.test] == kind)
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    centre = rows[np.sort(distances[np.ix_(rows, rows)], axis=1)[:, count // 2].argmin()]
    near = np.argsort(distances[centre])[:count]
    axis.scatter(*points[near].T, s=16, c=[f"C{k}" for k in data.kinds[data.test][near]])
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    width, height, named = 0.5 * (right - left), 0.06 * (high - low), []
    for i in near:
        x, y = points[i]
        dx, dy = (points[near] - points[i]).T
        covered = (dx > 0) & (dx < width) & (abs(dy) < 0.8 * height)
        if not covered.any() and all(abs(x - a) > width or abs(y - b) > height for a, b in named):
            named.append((x, y))
            colour = f"C{data.kinds[data.test[i]]}"
            axis.text(x + 0.05 * width, y, data.english[data.test[i]], va="center", fontsize=9, color=colour)
    axis.set_xlim(left, right + width)
    axis.set(xticks=[], yticks=[], title=f"around {list(KINDS)[kind]}, enlarged")


def draw(states, data, shares):
    figure, axes = plt.subplots(2, 3, figsize=(13, 8), layout="constrained")
    maps = {"t-SNE": nn.inspect.tsne(states, seed=chosen()), "PCA": nn.inspect.pca(states)}
    for axis, (name, points) in zip(axes[0], maps.items(), strict=False):
        for kind, label in enumerate(KINDS):
            axis.scatter(*points[data.kinds[data.test] == kind].T, s=12, color=f"C{kind}", label=label)
        axis.set(xticks=[], yticks=[], title=f"{name} of the encoder's states")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    axes[0, 2].bar(list(shares), list(shares.values()), color=["tab:purple", *["silver"] * 4])
    axes[0, 2].set(ylim=(0, 1), title="nearest neighbour is of the same kind")
    for axis, kind in zip(axes[1], range(3), strict=True):
        enlarge(axis, maps["t-SNE"], data, kind)
    picture("phrase_map", figure)


def main(updates=300, hidden=64, batch=64):
    data = Phrases()
    model = Translator(*data.sizes, hidden)

    def states():
        with no_grad():
            return model.encode(data.source[data.test], data.lengths[data.test])[0].numpy()

    before = data.of_one_kind(states())[0]
    train_seq2seq(model, data, updates, batch, 5e-3, "phrases")
    after, chance = data.of_one_kind(states())
    words, translated = (
        data.of_one_kind(nn.text.bag_of_words(side[data.test], size)[:, 4:])[0]
        for side, size in zip((data.source, data.target), data.sizes, strict=True)
    )
    shares = {"trained": after, "before": before, "English": words, "French": translated, "chance": chance}
    draw(states(), data, shares)
    return {
        "neighbours of one kind": after,
        "baseline: neighbours of one kind before training": before,
        "baseline: neighbours of one kind by bags of English words": words,
        "baseline: neighbours of one kind by bags of French words": translated,
        "chance: neighbours of one kind": chance,
        "exact translations": exact(model, data, data.test),
        "test phrases": len(data.test),
    }


if __name__ == "__main__":
    run(main)
