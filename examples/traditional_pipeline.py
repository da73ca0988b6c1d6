"""Recognition before deep learning: edges, histograms, k-means or sparse codes, a classifier; against a CNN.

The last link is always the same linear classifier; before it come
    pixels;  edges: max(0, gx cos a + gy sin a) in eight directions a;  their histograms in parts of the image;
    words: descriptors d (histograms of 3x3 cells, or patches of 6x6 pixels), whitened, coded with K words c,
        k-means      f[k] = max(0, mean of z - z[k]),  z[k] = |d - c[k]|  (the triangle of Coates et al.)
        sparse code  f = argmin over f >= 0 of |d - sum f[k] c[k]|^2 / 2 + sum f,  |c[k]| = 1,  by ten gradient steps
    and the codes of each of `--parts` x `--parts` parts of an image added up. A CNN learns all.

The histograms are those of the same parts, so that what differs is the link alone. In these scenes words of histograms
are above words of patches, and sparse codes above k-means.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import chosen, digits, generator, picture, restart, run, scattered
from shared.cnn import learn, network
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import nn
from minigrad import Tensor
from nn.functional import avg_pool2d, conv2d, unfold
from nn.metrics import accuracy

PUBLISHED = "CIFAR-10: patches, k-means with the triangle, 1600 words, 77.9 % right (Coates, Ng and Lee, 2011)"


def load(data, train, test):
    """Scenes of a digit among pieces of others, or CIFAR-10: (N, C, H, W) and labels, of both sets."""
    if data is not None:
        sets = [nn.data.read_cifar(sorted(data.glob(f"{name}_batch*.bin"))) for name in ("data", "test")]
        return [(x[:n] / np.float32(255), y[:n]) for (x, y), n in zip(sets, (train, test), strict=True)]
    halves = zip(digits(), (train, test), (0, 1), strict=True)
    sets = (scattered(*half, count, generator(stream)) for half, count, stream in halves)
    return [(x[:, None], y) for x, y in sets]


def edges(x, step=2):
    """How much brighter it gets in eight directions, at every second pixel: (N, 8, H / 2, W / 2)."""
    slope = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)
    filters = Tensor(np.stack([slope, slope.T])[:, None])
    gx, gy = conv2d(x.mean(axis=1, keepdims=True), filters, stride=step, padding=1).swapaxes(0, 1)[:, :, None]
    angles = np.arange(8, dtype=np.float32).reshape(8, 1, 1) * np.float32(np.pi / 4)
    return nn.functional.relu(gx * np.cos(angles) + gy * np.sin(angles))


def histograms(x):
    """Descriptors: the histograms of 3x3 cells of 4x4 pixels, made of length 1: (N, places, 72)."""
    d = unfold(avg_pool2d(edges(x, 1), 4, stride=2), 3, dilation=2).numpy().transpose(0, 2, 1)
    return d / (np.linalg.norm(d, axis=2, keepdims=True) + 0.1)


def patches(x):
    """Descriptors: patches of 6x6 pixels, their contrast made equal: (N, places, C * 36)."""
    d = unfold(x, 6, stride=2).numpy().transpose(0, 2, 1)
    return (d - d.mean(axis=2, keepdims=True)) / np.sqrt(d.var(axis=2, keepdims=True) + 0.04)


class Words:
    """K descriptors that stand for all, learned from those of some images by k-means."""

    def __init__(self, describe, images, words, sparse, parts):
        self.describe, self.sparse, self.parts = describe, sparse, parts
        d = np.concatenate([each.reshape(-1, each.shape[2]) for each in batches(describe, images)])
        self.mean = d.mean(axis=0)
        variances, basis = np.linalg.eigh(np.cov((d - self.mean).T).astype(np.float32))
        self.whiten = basis / np.sqrt(variances + 0.1 * variances.mean()) @ basis.T
        clusters = MiniBatchKMeans(words, n_init=1, random_state=chosen())
        self.centres = clusters.fit((d - self.mean) @ self.whiten).cluster_centers_

    def codes(self, d):
        """(places, K), not negative."""
        c = self.centres
        if not self.sparse:
            z = np.sqrt(np.maximum((d**2).sum(axis=1, keepdims=True) - 2 * d @ c.T + (c**2).sum(axis=1), 0))
            return np.maximum(0, z.mean(axis=1, keepdims=True) - z)
        c = c / np.linalg.norm(c, axis=1, keepdims=True)
        f, rate = np.zeros((len(d), len(c))), 1 / np.linalg.norm(c, 2) ** 2
        for _ in range(10):
            f = np.maximum(0, f + rate * ((d - f @ c) @ c.T - 1))
        return f

    def __call__(self, x):
        """(N, parts, parts, K): the codes of each part of the images, added up."""
        d = (self.describe(x) - self.mean) @ self.whiten  # (N, places, width)
        side = int(np.sqrt(d.shape[1]))
        f = self.codes(d.reshape(-1, d.shape[2])).reshape(len(d), side, side, -1)
        edge = np.arange(self.parts) * side // self.parts
        return np.add.reduceat(np.add.reduceat(f, edge, axis=1), edge, axis=2)


def batches(function, x):
    return [np.asarray(function(Tensor(x[i : i + 100]))) for i in range(0, len(x), 100)]


def classify(link, train, test):
    """The accuracy of softmax regression on what a link makes of images, with the better of two penalties."""
    x, held = (np.concatenate(batches(link, x)).reshape(len(x), -1) for x, _ in (train, test))
    y, cut = train[1], 4 * len(x) // 5
    models = [make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=200)) for c in (0.003, 0.1)]
    best = max(models, key=lambda model: model.fit(x[:cut], y[:cut]).score(x[cut:], y[cut:]))
    return best.fit(x, y).score(held, test[1])


def draw(x, words, reached, chance):
    """A scene, its edges, the words of patches, and the accuracy of each link."""
    found = edges(Tensor(x), 1).numpy()[0]
    tiles = np.pad(words.centres[:36, -36:].reshape(6, 6, 6, 6), ((0, 0), (0, 0), (1, 1), (1, 1)))
    figure, axes = plt.subplots(1, 4, figsize=(11, 3.4), width_ratios=(1, 1, 1, 1.4), layout="constrained")
    axes[0].imshow(x[0].mean(axis=0), cmap="gray")
    axes[1].imshow(found.argmax(axis=0), cmap="hsv", vmax=8, alpha=found.max(axis=0) / found.max())
    axes[2].imshow(tiles.transpose(0, 2, 1, 3).reshape(48, 48), cmap="gray")
    for axis, title in zip(axes, ("a scene", "edges by direction", "words of patches"), strict=False):
        axis.set(title=title, xticks=[], yticks=[])
    axes[3].barh(list(reached), list(reached.values()), color=["C0"] * (len(reached) - 1) + ["C3"])
    axes[3].axvline(chance, color="black", linestyle=":")
    axes[3].set(xlabel="accuracy; dotted: the commonest label", xlim=(0, 1), ylim=(len(reached) - 0.4, -0.6))
    picture("traditional_pipeline", figure)


def main(train=2000, test=500, words=200, parts=3, epochs=8, data=None):
    learned, held = load(data, train, test)
    links = {"pixels": np.asarray, "edges": edges, "histograms": lambda x: avg_pool2d(edges(x, 1), x.shape[2] // parts)}
    for name, describe in (("histograms", histograms), ("patches", patches)):
        for kind in ("k-means", "sparse codes"):
            links[f"{name}, {kind}"] = Words(describe, learned[0][:500], words, kind == "sparse codes", parts)
    reached = {name: classify(link, learned, held) for name, link in links.items()}
    restart()
    model = learn(network(learned[0].shape[1]), *learned, epochs)
    reached["CNN, end to end"] = accuracy(np.concatenate(batches(lambda x: model(x).detach(), held[0])), held[1])
    chance = float(np.bincount(held[1]).max() / len(held[1]))
    draw(held[0][:1], links["patches, k-means"], reached, chance)
    compared = {"baseline: pixels": reached.pop("pixels"), "chance: the commonest label": chance}
    return compared | {f"accuracy, {name}": value for name, value in reached.items()}


FULL = {"train": 50_000, "test": 10_000, "words": 1600, "parts": 2, "epochs": 30}

if __name__ == "__main__":
    run(main)
