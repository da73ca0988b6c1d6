"""Transfer: layers that learned the digits 0 to 4, wherever they stand, help to learn 5 to 9 from few examples.

Three ways to learn the new digits from the same few: a new head on the old layers, which are frozen; the old layers
trained further with it (fine-tuning); and all from nothing. Frozen layers win where examples are few; where there are
more, layers that may change win.
Source: Yosinski, Clune, Bengio and Lipson, How transferable are features in deep neural networks?, 2014.
"""

import copy

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier

import nn
from minigrad import Tensor, no_grad
from nn.metrics import accuracy

PUBLISHED = "on ImageNet, features of the first layers transfer without loss, those of later ones less (Yosinski et al., 2014)"
WAYS = ("frozen layers", "fine-tuned", "from nothing")


def features():
    """(N, 1, 14, 14) -> (N, 64)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(288, 64), nn.ReLU(),
    )  # fmt: skip


def placed(images, rng):
    """Each digit of 8x8 somewhere in 14x14."""
    canvas = np.zeros((len(images), 1, 14, 14), np.float32)
    for out, image, (r, c) in zip(canvas, images, rng.integers(0, 7, (len(images), 2)), strict=True):
        out[0, r : r + 8, c : c + 8] = image / 16
    return canvas


def fit(model, batches):
    """Adam on the parameters that are not frozen."""
    optimizer = nn.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    for x, y in batches:
        loss = nn.functional.cross_entropy(model(Tensor(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def scores_of(model, x, y):
    with no_grad():
        return accuracy(model(Tensor(x)).numpy(), y)


def of_the_old(images, labels, steps, rng):
    """Layers that have learned the digits 0 to 4."""
    body, old = features(), np.flatnonzero(labels < 5)

    def batches():
        for _ in range(steps):
            rows = rng.choice(old, 64)
            yield placed(images[rows], rng), labels[rows]

    fit(nn.Sequential(body, nn.Linear(64, 5)), batches())
    return body


def new_digits(body, images, labels, count, steps, rng):
    """The accuracy that each way reaches from `count` of each of 5 to 9, and that of a linear classifier."""
    order = rng.permutation(np.flatnonzero(labels >= 5))
    few = np.concatenate([order[labels[order] == digit][:count] for digit in range(5, 10)])
    rest = np.setdiff1d(order, few)
    x, y, test_x, test_y = placed(images[few], rng), labels[few] - 5, placed(images[rest], rng), labels[rest] - 5
    found = {}
    for way in WAYS:
        restart()
        start = features() if way == "from nothing" else copy.deepcopy(body).requires_grad_(way == "fine-tuned")
        model = nn.Sequential(start, nn.Linear(64, 5))
        fit(model, [(x, y)] * steps)
        found[way] = scores_of(model, test_x, test_y)
    found["a linear classifier"] = RidgeClassifier().fit(x.reshape(len(x), -1), y).score(test_x.reshape(len(test_x), -1), test_y)
    return found


def main(steps=120, repeats=3):
    images, labels = load_digits().images, load_digits().target
    rng, counts = generator(), (1, 2, 5, 20, 50)
    body = of_the_old(images, labels, 5 * steps, rng)
    each = [[new_digits(body, images, labels, count, steps, rng) for _ in range(repeats)] for count in counts]
    figure, axis = plt.subplots(figsize=(8, 4.5), layout="constrained")
    means = {way: [float(np.mean([run[way] for run in runs])) for runs in each] for way in each[0][0]}
    for way, values in means.items():
        axis.semilogx(counts, values, "o-" if way in WAYS else "x--", label=way)
    axis.axhline(0.2, color="tab:gray", linestyle=":", label="chance")
    axis.set(xlabel="examples of each new digit", ylabel="test accuracy", ylim=(0, 1), xticks=counts, xticklabels=counts)
    axis.legend(loc="lower right")
    picture("transfer_learning", figure)
    shown = {f"accuracy, {n} of each, {way}": means[way][i] for i, n in enumerate(counts) if n in (1, 5, 50) for way in WAYS}
    linear = {f"baseline: {n} of each, linear": means["a linear classifier"][i] for i, n in enumerate(counts) if n in (1, 5, 50)}
    return shown | {"chance: accuracy": 0.2} | linear


if __name__ == "__main__":
    run(main)
