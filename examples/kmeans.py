"""k-means, written as tensors: the gradient of the distance to the nearest centre is the step to the mean.

    E = sum_n min_k |x_n - c_k|^2,    dE/dc_k = 2 sum of (c_k - x_n) over the n whose nearest centre is c_k

Of n_k such points the second derivative is 2 n_k, and Newton's step, c_k - (dE/dc_k) / (2 n_k), is their
mean: Lloyd's algorithm. Each cluster is named after the digit that is most frequent in it; test digits get
the name of their cluster.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, generator, picture, run

from minigrad import Tensor

PUBLISHED = "Lloyd, 1957; as a gradient method: Bottou and Bengio, 1995"


def distances(x, centres):
    """Squared, (N, K)."""
    return (x**2).sum(axis=1, keepdims=True) - 2 * x @ centres.T + (centres**2).sum(axis=1)


def named(x, y, test_x, test_y, centres):
    """The digit of each cluster, and the share of test digits that are called so rightly."""
    belongs = distances(x, centres).argmin(axis=1)
    names = np.array([np.bincount(y[belongs == k], minlength=10).argmax() for k in range(len(centres))])
    return names, float((names[distances(test_x, centres).argmin(axis=1)] == test_y).mean())


def main(clusters=16, steps=30, data=None):
    (images, y), (test_images, test_y) = digits(data)
    x, test_x = images.reshape(len(images), -1), test_images.reshape(len(test_images), -1)
    first = x[generator().choice(len(x), clusters, replace=False)]
    centres, points, errors = Tensor(first.copy(), requires_grad=True), Tensor(x), []
    for _ in range(steps):
        square = distances(points, centres)
        nearest = square.min(axis=1)
        errors.append(float(nearest.mean()))
        nearest.sum().backward()
        counts = np.bincount(square.detach().numpy().argmin(axis=1), minlength=clusters)
        centres.data -= centres.grad.data / (2 * np.maximum(counts, 1))[:, None]  # Newton's step
        centres.grad = None
    found = centres.detach().numpy()
    names, right = named(x, y, test_x, test_y, found)
    figure = plt.figure(figsize=(12, 3.6), layout="constrained")
    left, middle = figure.subfigures(1, 2, width_ratios=[1, 2.2])
    left.subplots().plot(errors, "o-", markersize=3)
    left.axes[0].set(xlabel="step", ylabel="mean squared distance", title="to the nearest centre")
    for axis, image, name in zip(middle.subplots(2, -(-clusters // 2)).ravel(), found, names, strict=False):
        axis.imshow(image.reshape(images.shape[1:]), cmap="Greys")
        axis.set_title(str(name))
        axis.axis("off")
    middle.suptitle("the centres, and the digit that is most frequent around each")
    picture("kmeans", figure)
    return {
        "test accuracy by the name of the cluster": right,
        "mean squared distance, first": errors[0],
        "mean squared distance, last": errors[-1],
        "chance: test accuracy": float((test_y == np.bincount(y).argmax()).mean()),
        "baseline: the first centres, test accuracy": named(x, y, test_x, test_y, first)[1],
    }


if __name__ == "__main__":
    run(main)
