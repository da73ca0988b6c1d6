"""The figures of the lesson on convolution: each function writes one page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import minigrad as mg
import nn
from examples.pages.models import LeNet
from minigrad import viz
from nn.functional import conv2d, cross_entropy

EDGES = np.array([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]])


def letter() -> np.ndarray:
    """A small T of 8 by 8 pixels, with its corners rounded by grey."""
    image = np.zeros((8, 8))
    image[1:3, 1:7] = image[3:7, 3:5] = 1
    image[1, [1, 6]] = image[6, [3, 4]] = 0.5
    return image


def window(path: Path) -> None:
    """One kernel over one image: its lens shows window, products and sum."""

    def convolution(image, kernel):
        return conv2d(image, kernel)

    viz.explore(convolution, letter()[None, None], EDGES[None, None], path=path, title="A window slides over an image")


def backwards(path: Path) -> None:
    """A convolution whose result is compared with a target: gradients of image and kernel."""

    def loss(image, kernel, target):
        return np.square(conv2d(image, kernel) - target).sum()

    image = np.random.default_rng(0).uniform(size=(1, 1, 4, 4)).round(1)
    target = np.array([[[[1.0, 0], [0, 1]]]])
    kernel = np.array([[1.0, 0, -1], [0.5, 0, -0.5], [0, 0, 0]])[None, None]
    viz.explore(loss, image, kernel, target, path=path, title="What a kernel gets back")


def lenet(path: Path) -> None:
    """LeNet on one image, its parts open."""
    mg.random.manual_seed(0)
    image = np.kron(letter(), np.ones((3, 3)))
    images = np.pad(image, 2)[None, None].astype("float32")
    viz.explore(LeNet(), images, np.array([7]), depth=2, path=path, title="LeNet", direction="LR")


def bars(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images of 8 by 8 noisy pixels with one bar, and its direction: 0 lies, 1 stands, 2 and 3 are the diagonals."""
    rng = np.random.default_rng(seed)
    images, kinds = rng.normal(0, 0.2, (count, 1, 8, 8)), rng.integers(0, 4, count)
    steps = np.arange(5)
    for image, kind in zip(images[:, 0], kinds, strict=True):
        row, column = rng.integers(0, 4, 2)
        rows = {0: row + 2, 1: row + steps, 2: row + steps, 3: row + steps[::-1]}[int(kind)]
        columns = {0: column + steps, 1: column + 2, 2: column + steps, 3: column + steps}[int(kind)]
        image[rows, columns] += 1
    return images.astype("float32"), kinds


def training(path: Path) -> None:
    """Six filters learn to tell four directions apart."""
    mg.random.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(6, 4))
    viz.explore(
        net,
        data=bars(200),
        loss=cross_entropy,
        optimizer=nn.optim.Adam(net.parameters(), lr=0.02),
        batch=50,
        path=path,
        title="Six filters for four directions",
        direction="LR",
    )
