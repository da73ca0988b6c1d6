"""k-means, written as tensors: the gradient of the distance to the nearest centre is the step to the mean."""

import numpy as np
from deep_belief_network import load
from shared import picture, run

import nn
from minigrad import Tensor

PUBLISHED = "Lloyd, 1957; as a gradient method: Bottou and Bengio, 1995"


def main(clusters=16, steps=30, data=None):
    images, labels = load(data)
    side = int(np.sqrt(images.shape[1]))
    x = Tensor(images)
    rng = np.random.default_rng(0)
    centres = Tensor(images[rng.choice(len(images), clusters, replace=False)].copy(), requires_grad=True)
    errors = []
    for _ in range(steps):
        square = (x**2).sum(axis=1, keepdims=True) - 2 * x @ centres.T + (centres**2).sum(axis=1)  # (N, K)
        nearest = square.min(axis=1)
        errors.append(float(nearest.mean()))
        nearest.sum().backward()
        counts = np.bincount(square.detach().numpy().argmin(axis=1), minlength=clusters)
        centres.data -= centres.grad.data / (2 * np.maximum(counts, 1))[:, None]  # Newton's step: exactly to the means
        centres.grad = None
    belongs = square.detach().numpy().argmin(axis=1)
    majority = np.array([np.bincount(labels[belongs == k], minlength=10).argmax() for k in range(clusters)])
    picture("kmeans", nn.inspect.image_grid(centres.detach().numpy().reshape(-1, side, side), columns=8, titles=majority))
    return {
        "mean squared distance, first and last": f"{errors[0]:.0f}, {errors[-1]:.0f}",
        "of their cluster's digit": float((majority[belongs] == labels).mean()),
    }


if __name__ == "__main__":
    run(main)
