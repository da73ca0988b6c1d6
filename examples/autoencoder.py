"""An autoencoder squeezes digits through two numbers, and draws the map of all digits.

    code = f(x),  x' = g(code),  L = cross-entropy of the pixels x and x';  f and g: layers of ReLU, mirrored

The best linear encoder and decoder are the principal components. Both are found from training digits alone,
and compared on test digits: the squared error of a digit, summed over its pixels, and whether the nearest
training digit on the map is of the same class. Hinton and Salakhutdinov pretrained the layers as Boltzmann
machines; Adam needs no pretraining.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, generator, picture, run, steps
from sklearn.neighbors import KNeighborsClassifier

import nn
from minigrad import Tensor, no_grad

PUBLISHED = (
    "on MNIST, 784-1000-500-250-30: squared error of a test digit 3.00, of principal components 13.87 "
    "(Hinton and Salakhutdinov, 2006)"
)


def mirrored(widths):
    """An encoder of layers of these widths, and a decoder of the same, the other way round."""

    def chain(sizes):
        parts = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
        return nn.Sequential(*parts[:-1])

    return nn.Sequential(chain(widths), chain(widths[::-1]))


def main(epochs=120, hidden="128 32", code=2, batch=64, data=None):
    (images, y), (test_images, test_y) = digits(data)
    x, test_x = images.reshape(len(images), -1), test_images.reshape(len(test_images), -1)
    model, rng = mirrored([x.shape[1], *map(int, hidden.split()), code]), generator()
    encoder, decoder = model
    updates = epochs * len(x) // batch
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    for step in steps(updates, model, optimizer, rng):
        optimizer.param_groups[0]["lr"] = 2e-3 * (1 - step / updates)
        rows = x[rng.integers(len(x), size=batch)]
        loss = nn.functional.binary_cross_entropy_with_logits(model(Tensor(rows)), rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with no_grad():
        codes, test_codes = encoder(Tensor(x)).numpy(), encoder(Tensor(test_x)).numpy()
        back = nn.functional.sigmoid(decoder(Tensor(test_codes))).numpy()
    mean = x.mean(axis=0)
    basis = np.linalg.eigh((x - mean).T @ (x - mean))[1][:, : -code - 1 : -1]  # (pixels, code)
    linear, test_linear = (x - mean) @ basis, (test_x - mean) @ basis
    back_linear = mean + test_linear @ basis.T
    draw(test_codes, test_linear, test_y, [test_x[:10], back[:10], back_linear[:10]], images.shape[1:])

    def lost(images):
        return float(((images - test_x) ** 2).sum(axis=1).mean())

    def missed(train, test):
        return 1 - float(KNeighborsClassifier(1).fit(train, y).score(test, test_y))

    return {
        "squared error of a test digit": lost(back),
        "nearest neighbour in the code: test error": missed(codes, test_codes),
        "chance: test error": float((test_y != np.bincount(y).argmax()).mean()),
        "baseline: squared error with principal components": lost(back_linear),
        "baseline: squared error of the mean image": lost(mean),
        "baseline: nearest neighbour in principal components, test error": missed(linear, test_linear),
    }


def draw(codes, linear, labels, rows, shape):
    """Both maps of the test digits, and some digits with what is made of them."""
    figure, axes = plt.subplots(1, 3, figsize=(14, 4.2), width_ratios=[1, 1, 1.3], layout="constrained")
    for axis, points, name in ((axes[0], codes, "autoencoder"), (axes[1], linear, "principal components")):
        for digit in range(10):
            axis.plot(*points[labels == digit, :2].T, ".", markersize=3, color=f"C{digit}", label=str(digit))
        axis.set(title=name, xlabel="first number", ylabel="second number")
    axes[0].legend(ncols=1, fontsize="x-small", markerscale=3, loc="center left", bbox_to_anchor=(1, 0.5))
    tiles = [np.hstack([np.pad(image.reshape(shape), 1) for image in row]) for row in rows]
    axes[2].imshow(np.vstack(tiles), cmap="Greys", vmin=0, vmax=1)
    axes[2].set(xticks=[], yticks=(np.arange(3) + 0.5) * tiles[0].shape[0], title="what is made of a digit")
    axes[2].set_yticklabels(["test digit", "autoencoder", "components"])
    figure.suptitle("test digits by the first two numbers of their code")
    picture("autoencoder", figure)


FULL = {"hidden": "1000 500 250", "code": 30, "epochs": 50}

if __name__ == "__main__":
    run(main)
