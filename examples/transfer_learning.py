"""Transfer: layers that learned the digits 0 to 4, wherever they stand, are frozen; a new head learns 5 to 9 from very few."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

import minigrad
import nn
from minigrad import Tensor, no_grad
from nn.metrics import accuracy

PUBLISHED = "Yosinski et al., How transferable are features in deep neural networks?, 2014"


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


def fit(model, batch_of, steps):
    """Adam on the parameters that are not frozen."""
    optimizer = nn.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    for _ in range(steps):
        x, y = batch_of()
        loss = nn.functional.cross_entropy(model(Tensor(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def main(steps=300, repeats=5):
    images, labels = load_digits().images, load_digits().target
    rng = np.random.default_rng(0)
    old, new = np.flatnonzero(labels < 5), np.flatnonzero(labels >= 5)

    def of_the_old():
        rows = rng.choice(old, 64)
        return placed(images[rows], rng), labels[rows]

    base = nn.Sequential(features(), nn.Linear(64, 5))
    fit(base, of_the_old, 5 * steps)
    scores = {"frozen layers": [], "from nothing": []}
    counts = (1, 2, 5, 20)
    for count in counts:
        for name, found in scores.items():
            each = []
            for repeat in range(repeats):
                minigrad.random.manual_seed(repeat)
                draw = np.random.default_rng(repeat)
                order = draw.permutation(new)
                few = np.concatenate([order[labels[order] == digit][:count] for digit in range(5, 10)])
                rest = np.setdiff1d(order, few)
                x, y = placed(images[few], draw), labels[few] - 5
                body = base[0].requires_grad_(False) if name == "frozen layers" else features()
                model = nn.Sequential(body, nn.Linear(64, 5))
                fit(model, lambda x=x, y=y: (x, y), steps)
                with no_grad():
                    each.append(accuracy(model(Tensor(placed(images[rest], draw))).numpy(), labels[rest] - 5))
            found.append(float(np.mean(each)))
    figure, axis = plt.subplots()
    for name, found in scores.items():
        axis.semilogx(counts, found, "o-", label=name)
    axis.set(xlabel="examples of each new digit", ylabel="test accuracy")
    axis.legend()
    picture("transfer_learning", figure)
    return {f"{name}, {count} of each": found[i] for i, count in enumerate(counts[:2]) for name, found in scores.items()}


if __name__ == "__main__":
    run(main)
