"""The nearest neighbours: no training at all, one product of matrices.

The squared distances of all pairs are |a|^2 - 2 a b + |b|^2; the k nearest training digits vote. How many digits
must be known is what the curve shows: with a hundred they are little better than the nearest mean of each class, on
MNIST a little worse. There is nothing to be made larger for `--full`: with MNIST the default is the published setting.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, picture, run

from minigrad import Tensor

PUBLISHED = "5.0 % errors on MNIST, 3 neighbours among 60,000 (LeCun, Bottou, Bengio and Haffner, 1998)"


def nearest(known, asked, count):
    """The indices of the `count` nearest ones, (asked, count)."""
    known, asked = Tensor(known), Tensor(asked)
    square = (asked**2).sum(axis=1, keepdims=True) - 2 * asked @ known.T + (known**2).sum(axis=1)
    return square.argsort(axis=1).numpy()[:, :count]


def main(neighbours=3, data=None):
    (images, labels), (asked_images, wanted) = digits(data)
    x, asked = images.reshape(len(images), -1), asked_images.reshape(len(asked_images), -1)
    sizes = [*(100 * 2**k for k in range(10) if 100 * 2**k < len(x)), len(x)]
    errors, by_mean = [], []
    for size in sizes:
        rows = nearest(x[:size], asked, neighbours)
        votes = np.array([np.bincount(labels[row], minlength=10).argmax() for row in rows])
        errors.append(float((votes != wanted).mean()))
        means = np.array([x[:size][labels[:size] == k].mean(axis=0) for k in range(10)])
        by_mean.append(float((nearest(means, asked, 1)[:, 0] != wanted).mean()))
        if size == sizes[min(1, len(sizes) - 1)]:
            wrong = [(i, rows[i]) for i in np.flatnonzero(votes != wanted)[:5]]
    figure = plt.figure(figsize=(12, 4.4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1.4, 1])
    axes = left.subplots(neighbours + 1, 5)
    for column, (i, row) in zip(axes.T, wrong, strict=False):
        titles = [f"test: a {wanted[i]}", *(f"known: a {label}" for label in labels[row])]
        for axis, image, title in zip(column, [asked_images[i], *images[row]], titles, strict=True):
            axis.imshow(image, cmap="Greys")
            axis.set_title(title, fontsize="small")
    for axis in axes.ravel():
        axis.axis("off")
    left.suptitle(f"taken for others, among {sizes[min(1, len(sizes) - 1)]} known digits")
    axis = right.subplots()
    axis.loglog(sizes, np.maximum(errors, 0.5 / len(wanted)), "o-", label=f"{neighbours} neighbours")
    axis.loglog(sizes, by_mean, "o-", color="grey", label="nearest mean")
    axis.set(title="test error", xlabel="known digits", ylabel="share")
    axis.legend()
    picture("nearest_neighbour", figure)
    return {f"test error, {size} known": error for size, error in zip(sizes, errors, strict=True)} | {
        "chance: test error": float((wanted != np.bincount(labels).argmax()).mean()),
        "baseline: nearest mean of 100, test error": by_mean[0],
        "baseline: nearest mean of all, test error": by_mean[-1],
    }


if __name__ == "__main__":
    run(main)
