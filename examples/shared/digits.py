"""Handwritten digits: the 1,797 small ones that come with scikit-learn, MNIST's with `--data`, and harder scenes made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import nn

from .seeds import generator

#: Images (N, H, W) between 0 and 1, and their labels (N,).
Labelled = tuple[np.ndarray, np.ndarray]

#: How many training images of MNIST this run has read, for its results: the published numbers are for 60,000.
counted: dict[str, int] = {}


def two_sets(images: np.ndarray, labels: np.ndarray, test: float = 0.2) -> tuple[Labelled, Labelled]:
    """Shuffled by the seed, and cut into training and test."""
    order = generator(1000).permutation(len(labels))
    cut = len(labels) - round(test * len(labels))
    train, rest = order[:cut], order[cut:]
    return (images[train], labels[train]), (images[rest], labels[rest])


def digits(data: Path | None = None, test: float = 0.2) -> tuple[Labelled, Labelled]:
    """Training and test digits: float32 images (N, H, W) between 0 and 1, and labels.

    Args:
        data: None for scikit-learn's, 8x8; or a folder with MNIST's files, 28x28. Where the
            training images are not there, the test images are cut in two, which is said.
        test: the share to test on, where the source itself has not cut them.
    """
    if data is None:
        from sklearn.datasets import load_digits  # here: it takes a second, and many scripts need no digits

        found = load_digits()
        return two_sets((found.images / 16).astype(np.float32), found.target, test)

    def scaled(train: bool) -> Labelled:
        images, labels = nn.data.read_mnist(data, train=train)
        return (images / 255).astype(np.float32), labels

    held = scaled(train=False)
    try:
        known, name = scaled(train=True), "training images"
    except FileNotFoundError:
        print(f"{data} has no training images: {test:.0%} of the test images are held out")
        (known, held), name = two_sets(*held, test), "training images, of MNIST's test set"
    counted[name] = len(known[1])
    return known, held


def scattered(
    images: np.ndarray, labels: np.ndarray, count: int, rng: np.random.Generator, size: int = 24, pieces: int = 3
) -> Labelled:
    """Scenes that no linear layer reads: a digit of any size anywhere, among pieces of others.

    Args:
        images: (N, 8, 8) between 0 and 1.
        count: how many scenes to make.
        size: their height and width in pixels, at least 22.
        pieces: how many pieces of other digits lie about.

    Returns:
        (count, size, size) of float32 between 0 and 1, and the label of the whole digit in each.
    """
    scenes, found, _ = outlined(images, labels, count, rng, size, pieces)
    return scenes, found


def outlined(
    images: np.ndarray, labels: np.ndarray, count: int, rng: np.random.Generator, size: int = 24, pieces: int = 3
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same scenes as `scattered`, and the pixels of the whole digit in each: (count, size, size) of bool."""
    scenes, masks = np.zeros((count, size, size), np.float32), np.zeros((count, size, size), bool)
    chosen = rng.integers(0, len(labels), count)
    for scene, mask, number in zip(scenes, masks, chosen, strict=True):
        for other in rng.integers(0, len(labels), pieces):
            top, left = rng.integers(0, 5, 2)
            _add(scene, images[other][top : top + 4, left : left + 4], 2, rng)
        place, drawn = _add(scene, images[number], rng.uniform(1.75, 2.75), rng)
        mask[place] = drawn > 0.3
    scenes += 0.1 * rng.normal(size=scenes.shape).astype(np.float32)
    return scenes.clip(0, 1), labels[chosen], masks


def _add(scene: np.ndarray, image: np.ndarray, scale: float, rng: np.random.Generator) -> tuple[tuple[slice, slice], np.ndarray]:
    """Draw an enlarged image at a random place over what is there; returns the place and what was drawn."""
    from scipy.ndimage import zoom

    drawn = zoom(image, scale, order=1)
    top, left = rng.integers(0, np.array(scene.shape) - drawn.shape + 1)
    place = slice(top, top + drawn.shape[0]), slice(left, left + drawn.shape[1])
    np.maximum(scene[place], drawn, out=scene[place])
    return place, drawn
