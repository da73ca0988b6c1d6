"""Where does a network look? Saliency and class-activation maps find the digit among pieces of other digits.

With S the score of the class that a network chose, and A[k] the k-th map of its last convolution:

    saliency(pixel) = |dS / dpixel|
    class activation = max(0, sum over k of a[k] A[k]),   a[k] = the mean of dS / dA[k] over all places

No one told the network where the digit is, only which one. Measured is how often the highest point of a map
lies in the digit's box; beside it the share of the image in the box, the brightest point, and an untrained
network.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, generator, outlined, picture, restart, run
from shared.cnn import learn, network

import nn
from minigrad import Tensor, no_grad
from nn.metrics import accuracy

PUBLISHED = "saliency: Simonyan et al., 2014; class activation: Zhou et al., 2016, Selvaraju et al., 2017"


def boxes(masks):
    """Whether each pixel lies in the box around the digit: (N, H, W) of bool."""
    inside = np.ones_like(masks)
    for axis in (1, 2):
        touched = masks.any(axis=3 - axis, keepdims=True)
        after, before = (np.maximum.accumulate(t, axis) for t in (touched, np.flip(touched, axis)))
        inside &= after & np.flip(before, axis)
    return inside


def hits(maps, inside):
    """The share of maps whose highest point lies in the box."""
    scale = inside.shape[1] // maps.shape[1]  # the points of small maps are fields of 4x4 pixels
    best = (maps == maps.max(axis=(1, 2), keepdims=True)).repeat(scale, 1).repeat(scale, 2)
    return float(((best * inside).sum(axis=(1, 2)) / best.sum(axis=(1, 2))).mean())


def draw(scenes, inside, maps):
    """Scenes, and the maps below."""
    figure, axes = plt.subplots(3, 7, figsize=(11, 4.9), layout="constrained")
    for column, axis in enumerate(axes.T):
        axis[0].imshow(scenes[column], cmap="gray")
        for row, (name, each) in enumerate(maps.items(), 1):
            axis[row].imshow(scenes[column], cmap="gray", extent=(0, 1, 1, 0))
            axis[row].imshow(each[column], cmap="inferno", alpha=0.75, extent=(0, 1, 1, 0))
            axes[row, 0].set_ylabel(name)
        rows, columns = (np.flatnonzero(inside[column].any(axis=a)) for a in (1, 0))
        box = (columns[0] - 0.5, rows[0] - 0.5), len(columns), len(rows)
        axis[0].add_patch(plt.Rectangle(*box, fill=False, edgecolor="C2", linewidth=2))
        for each in axis:
            each.set(xticks=[], yticks=[])
    axes[0, 0].set_ylabel("digit, its box")
    picture("saliency", figure)


def main(scenes=2000, epochs=8, size=32, pieces=6):
    train, test = digits()
    x, y, _ = outlined(*train, scenes, generator(1), size, pieces)
    held, truth, masks = outlined(*test, 300, generator(2), size, pieces)
    inside, images = boxes(masks), held[:, None]
    restart()
    untrained = network().eval()
    restart()
    model = learn(network(), x[:, None], y, epochs)
    with no_grad():
        right = accuracy(model(Tensor(images)).numpy(), truth)
    maps = {"saliency": nn.inspect.saliency(model, images),
            "class activation": nn.inspect.class_activation_map(model, images, model[10])}  # fmt: skip
    draw(held, inside, maps)
    return {
        "accuracy": right, **{f"points at the digit, {name}": hits(each, inside) for name, each in maps.items()},
        "chance: the commonest digit": float(np.bincount(truth).max() / len(truth)),
        "chance: share of the image in the box": float(inside.mean()),
        "baseline: the brightest point is at the digit": hits(held, inside),
        "baseline: saliency of an untrained network": hits(nn.inspect.saliency(untrained, images), inside),
    }  # fmt: skip


if __name__ == "__main__":
    run(main)
