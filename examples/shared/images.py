"""What the large networks of the gallery learn from: scenes of digits, or a folder of pictures with `--data`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.linear_model import RidgeClassifier

import nn
from minigrad import Tensor

from .digits import Labelled, digits, scattered, two_sets
from .seeds import generator


def image_sets(data: Path | None, size: int, count: int, pieces: int) -> tuple[Labelled, Labelled]:
    """Training and test images, float32 of (N, C, size, size), and their classes.

    Args:
        data: None for scenes of scattered digits in one channel; or a folder that has one folder
            of pictures for each class.
        count: how many scenes to make; as many as a quarter of them to test on.
        pieces: how many pieces of other digits lie about in each.
    """
    if data is None:
        rng = generator()
        sets = (scattered(*each, n, rng, pieces=pieces) for each, n in zip(digits(), (count, count // 4), strict=True))
        (x, y), (test_x, test_y) = ((_fitted(scenes[:, None], size), labels) for scenes, labels in sets)
        return (x, y), (test_x, test_y)
    folder = nn.data.ImageFolder(data, transform=lambda image: _fitted(image[None] / 255, size)[0])
    pictures, labels = zip(*(folder[i] for i in range(len(folder))), strict=True)
    return two_sets(np.array(pictures), np.array(labels))


def linear(train: Labelled, test: Labelled) -> float:
    """The accuracy of a linear classifier on the same pixels: least squares with a penalty."""
    (x, y), (test_x, test_y) = train, test
    model = RidgeClassifier(100.0).fit(x.reshape(len(x), -1), y)
    return float(model.score(test_x.reshape(len(test_x), -1), test_y))


def _fitted(images: np.ndarray, size: int) -> np.ndarray:
    """(N, C, H, W) -> (N, C, size, size)."""
    return nn.functional.interpolate(Tensor(images.astype(np.float32)), size=(size, size), mode="bilinear").numpy()
