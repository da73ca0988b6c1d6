"""What the large networks of the gallery learn from, scenes of digits or a folder of pictures with `--data`, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import nn
from minigrad import Tensor
from nn.metrics import accuracy
from nn.training import Trainer
from nn.training.history import History

from .digits import Labelled, digits, scattered, two_sets
from .resuming import checkpoint
from .seeds import chosen, generator

#: The simple classifiers of `simple_accuracies`, as the results name them.
LINEAR, NEAREST = "baseline: test accuracy of a linear layer", "baseline: test accuracy of the nearest neighbours"


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
    model: nn.Module, optimizer: nn.optim.Optimizer, train: Labelled, test: Labelled | None, epochs: int, name: str = "training"
) -> History:
    """Train by cross-entropy on batches of 32, at a rate that falls to nothing; "loss" and "val_accuracy" of each epoch."""
    batches = nn.data.DataLoader(nn.data.TensorDataset(*train), 32, shuffle=True, seed=chosen())
    tests = test and [(test[0][i : i + 100], test[1][i : i + 100]) for i in range(0, len(test[1]), 100)]
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    loss = nn.functional.cross_entropy
    trainer = Trainer(model, optimizer, loss, {"accuracy": accuracy}, schedule, checkpoint=checkpoint(name))
    return trainer.fit(batches, epochs, tests)


def draw_accuracy(axis: Any, history: History, label: str, beside: dict[str, float]) -> None:
    """The test accuracy of each epoch, with those of the simple classifiers as lines."""
    axis.plot(range(1, len(history) + 1), history.curves()["val_accuracy"], "o-", label=label)
    draw_simple(axis, beside)
    axis.set(xlabel="epoch", ylabel="test accuracy", ylim=(0, 1), title="The small copy learns scenes of digits")
    axis.legend(loc="lower right")


def draw_simple(axis: Any, beside: dict[str, float]) -> None:
    """The accuracies of `simple_accuracies` as lines."""
    axis.axhline(beside[NEAREST], color="tab:gray", linestyle=":", label="nearest neighbours")
    axis.axhline(beside[LINEAR], color="tab:gray", linestyle="--", label="a linear layer")


def simple_accuracies(train: Labelled, test: Labelled) -> dict[str, float]:
    """What chance, a linear layer and the nearest neighbours reach on the same images, for the results of an example."""
    return {
        "chance: test accuracy": 1 / (int(train[1].max()) + 1), LINEAR: linear(train, test), NEAREST: neighbours(train, test)
    }  # fmt: skip


def linear(train: Labelled, test: Labelled) -> float:
    """The accuracy of a linear layer on the same pixels: softmax regression, with the best of five penalties."""
    from sklearn.linear_model import LogisticRegression  # here, as in digits

    return _best([LogisticRegression(C=c, tol=0.01, max_iter=500) for c in (1e-4, 1e-3, 0.01, 0.1, 1)], train, test)


def neighbours(train: Labelled, test: Labelled) -> float:
    """The accuracy of the nearest neighbour in the same pixels, or of the nearest three."""
    from sklearn.neighbors import KNeighborsClassifier

    return _best([KNeighborsClassifier(count) for count in (1, 3)], train, test)


def _best(models: list[Any], train: Labelled, test: Labelled) -> float:
    """The test accuracy of the classifier that is best on the last fifth of the training images, having seen the others."""
    (x, y), (test_x, test_y) = ((images.reshape(len(images), -1), labels) for images, labels in (train, test))
    cut = len(y) * 4 // 5
    best = max(models, key=lambda model: model.fit(x[:cut], y[:cut]).score(x[cut:], y[cut:]))
    return float(best.fit(x, y).score(test_x, test_y))


def _fitted(images: np.ndarray, size: int) -> np.ndarray:
    """(N, C, H, W) -> (N, C, size, size)."""
    return nn.functional.interpolate(Tensor(images.astype(np.float32)), size=(size, size), mode="bilinear").numpy()
