"""AlexNet: the layer sizes of the paper, and a small copy that learns digits."""

from math import prod

import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

import nn
from minigrad import Tensor, no_grad
from nn.metrics import accuracy
from nn.training import Trainer

PUBLISHED = (
    "first layer 55x55x96 with 35 K weights, pooled to 27x27x96; 60 million parameters (Krizhevsky, Sutskever and Hinton, 2012)"
)


def alexnet(classes=1000, width=1.0, channels=3):
    """Five convolutions, two of them in two groups as on the paper's two GPUs; 227x227 pixels in."""
    c = [int(width * n) for n in (96, 256, 384, 384, 256, 4096)]
    norm = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
    return nn.Sequential(
        nn.Conv2d(channels, c[0], 11, stride=4), nn.ReLU(), norm, nn.MaxPool2d(3, 2),
        nn.Conv2d(c[0], c[1], 5, padding=2, groups=2), nn.ReLU(), norm, nn.MaxPool2d(3, 2),
        nn.Conv2d(c[1], c[2], 3, padding=1), nn.ReLU(),
        nn.Conv2d(c[2], c[3], 3, padding=1, groups=2), nn.ReLU(),
        nn.Conv2d(c[3], c[4], 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.AdaptiveAvgPool2d(6), nn.Flatten(),
        nn.Dropout(0.5), nn.Linear(36 * c[4], c[5]), nn.ReLU(),
        nn.Dropout(0.5), nn.Linear(c[5], c[5]), nn.ReLU(), nn.Linear(c[5], classes),
    )  # fmt: skip


def load(data, size):
    """Enlarged digits (N, 1, size, size), or the images of a folder that has one folder for each class; and their classes."""

    def fitted(images):
        return nn.functional.interpolate(Tensor(images.astype(np.float32)), size=(size, size), mode="bilinear").numpy()

    if data is None:
        x, y = fitted(load_digits().images[:, None] / 16), load_digits().target
    else:
        folder = nn.data.ImageFolder(data, transform=lambda image: fitted(image[None] / 255)[0])
        x, y = map(np.array, zip(*(folder[i] for i in range(len(folder))), strict=True))
    order = np.random.default_rng(0).permutation(len(y))
    return x[order], y[order]


def main(epochs=15, width=0.25, size=67, data=None):
    table = alexnet().summary(np.zeros((1, 3, 227, 227), np.float32))
    first, pooled = table.rows[0], table.rows[3]
    results = {
        "first layer": f"{first.output[2]}x{first.output[3]}x{first.output[1]}, {first.parameters:,} weights",
        "pooled": f"{pooled.output[2]}x{pooled.output[3]}x{pooled.output[1]}",
        "parameters": table.parameters,
    }
    x, labels = load(data, size)
    cut = int(0.8 * len(labels))
    model = alexnet(labels.max() + 1, width, channels=x.shape[1])
    optimizer = nn.optim.Adam(model.parameters(), lr=1e-3)
    batches = nn.data.DataLoader(nn.data.TensorDataset(x[:cut], labels[:cut]), 32, shuffle=True, seed=0)
    Trainer(model, optimizer, nn.functional.cross_entropy).fit(batches, epochs)
    model.eval()
    with no_grad():
        results["test accuracy of the small one"] = accuracy(model(Tensor(x[cut:])).numpy(), labels[cut:])
    picture("alexnet", nn.inspect.filters(model[0]))
    assert prod(first.output[1:]) == 55 * 55 * 96
    return results


FULL = {"epochs": 90, "width": 1.0, "size": 227}

if __name__ == "__main__":
    run(main)
