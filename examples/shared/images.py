"""What the large networks of the gallery learn from, scenes of digits or a folder of pictures with `--data`, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeClassifier

import nn
from minigrad import Tensor
from nn.metrics import accuracy
from nn.training import Trainer
from nn.training.history import History

from .digits import Labelled, digits, scattered, two_sets
from .resuming import checkpoint
from .seeds import chosen, generator

LINEAR = "baseline: test accuracy of a linear layer"


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


def fit_images(
    model: nn.Module, optimizer: nn.optim.Optimizer, train: Labelled, test: Labelled, epochs: int, name: str = "training"
) -> History:
    """Train by cross-entropy on batches of 32; the history has "loss" and "val_accuracy" of each epoch."""
    batches = nn.data.DataLoader(nn.data.TensorDataset(*train), 32, shuffle=True, seed=chosen())
    tests = [(test[0][i : i + 100], test[1][i : i + 100]) for i in range(0, len(test[1]), 100)]
    trainer = Trainer(model, optimizer, nn.functional.cross_entropy, {"accuracy": accuracy}, checkpoint=checkpoint(name))
    return trainer.fit(batches, epochs, tests)


def draw_accuracy(axis: Any, history: History, label: str, beside: dict[str, float]) -> None:
    """The test accuracy of each epoch, with that of a linear layer as a line."""
    axis.plot(range(1, len(history) + 1), history.curves()["val_accuracy"], "o-", label=label)
    axis.axhline(beside[LINEAR], color="tab:gray", linestyle="--", label="a linear layer")
    axis.set(xlabel="epoch", ylabel="test accuracy", ylim=(0, 1), title="The small copy learns scenes of digits")
    axis.legend()


def simple_accuracies(train: Labelled, test: Labelled) -> dict[str, float]:
    """What chance and a linear layer reach on the same images, for the results of an example."""
    return {"chance: test accuracy": 1 / (int(train[1].max()) + 1), LINEAR: linear(train, test)}


def linear(train: Labelled, test: Labelled) -> float:
    """The accuracy of a linear classifier on the same pixels: least squares with a penalty."""
    (x, y), (test_x, test_y) = train, test
    model = RidgeClassifier(100.0).fit(x.reshape(len(x), -1), y)
    return float(model.score(test_x.reshape(len(test_x), -1), test_y))


def _fitted(images: np.ndarray, size: int) -> np.ndarray:
    """(N, C, H, W) -> (N, C, size, size)."""
    return nn.functional.interpolate(Tensor(images.astype(np.float32)), size=(size, size), mode="bilinear").numpy()
