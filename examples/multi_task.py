"""Two tasks, one body: to draw a turned digit upright needs no labels, and helps to name it.

The loss is the sum of both tasks' losses, L = CE(digit) + a ||drawn - upright||^2, and the gradient of each runs
through the same body. Few digits have a label, but each was upright once: what the body learns in order to draw,
the head that names the digits finds there. The drawing itself gains nothing, it gets a little worse: the tasks
share 64 numbers. The same help one after the other is pretraining: first to draw, then to name; it brings less. A
simpler way is ahead of all: the nearest neighbour among copies of the labelled digits that are turned at random.
Source: Caruana, Multitask learning, 1997.
"""

import copy

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import rotate
from shared import digits, generator, picture, restart, run
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier

import nn
from minigrad import Tensor, no_grad

PUBLISHED = "the idea, on other tasks: Caruana, 1997"
#: Which training goes before, and the weights of the two losses.
WAYS = {
    "digit alone": (None, 1.0, 0.0),
    "upright alone": (None, 0.0, 30.0),
    "first upright, then digit": ("upright alone", 1.0, 0.0),
    "both": (None, 1.0, 30.0),
}


class Tasks(nn.Module):
    """A digit turned by some angle: what is it, and what does it look like upright?"""

    def __init__(self):
        self.body = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(24, 48, 3, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(768, 64), nn.ReLU(),
        )  # fmt: skip
        self.digit, self.upright = nn.Linear(64, 10), nn.Linear(64, 64)

    def forward(self, x):
        h = self.body(x)
        return self.digit(h), self.upright(h)


def turned(images, rng):
    """The images, each turned by up to 60 degrees."""
    pairs = zip(images, rng.uniform(-60, 60, len(images)), strict=True)
    return np.array([rotate(image, angle, reshape=False, order=1) for image, angle in pairs], np.float32)[:, None]


def trained(model, x, labels, upright, labelled, weights, steps, rng):
    """The network learns one task, or both: 32 labelled digits and 64 of all in each update."""
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(steps):
        few, many = rng.integers(0, labelled, 32), rng.integers(0, len(x), 64)
        loss = 0.0
        if weights[0]:
            loss = weights[0] * nn.functional.cross_entropy(model(Tensor(x[few]))[0], labels[few])
        if weights[1]:
            loss = loss + weights[1] * nn.functional.mse_loss(model(Tensor(x[many]))[1], Tensor(upright[many]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def main(steps=600, labelled=60):
    (images, labels), (test_images, test_labels) = digits(test=0.3)
    rng = generator()
    x, test_x = turned(images, rng), turned(test_images, rng)
    upright, test_upright = images.reshape(-1, 64), test_images.reshape(-1, 64)
    results, models = {}, {}
    for name, (before, *weights) in WAYS.items():
        restart()
        start = copy.deepcopy(models[before]) if before else Tasks()
        models[name] = model = trained(start, x, labels, upright, labelled, weights, steps, generator(1))
        with no_grad():
            digit, drawing = (out.numpy() for out in model(Tensor(test_x)))
        if weights[0]:
            results[f"accuracy, {name}"] = nn.metrics.accuracy(digit, test_labels)
        if weights[1]:
            results[f"error of a pixel, {name}"] = float(np.sqrt(np.mean((drawing - test_upright) ** 2)))
    flat, few = test_x.reshape(len(test_x), -1), labels[:labelled]
    linear = RidgeClassifier().fit(x[:labelled].reshape(labelled, -1), few)
    near = KNeighborsClassifier(1).fit(x[:labelled].reshape(labelled, -1), few)
    copies = turned(np.repeat(images[:labelled], 20, axis=0), generator(2)).reshape(20 * labelled, -1)
    of_copies = KNeighborsClassifier(1).fit(copies, np.repeat(few, 20))
    results |= {
        "chance: accuracy": float((test_labels == np.bincount(labels).argmax()).mean()),
        "baseline: accuracy, linear": linear.score(flat, test_labels),
        "baseline: accuracy, nearest neighbour": near.score(flat, test_labels),
        "baseline: accuracy, nearest of turned copies": of_copies.score(flat, test_labels),
        "baseline: error of a pixel of the mean digit": float(np.sqrt(np.mean((upright.mean(0) - test_upright) ** 2))),
    }
    drawn(results, test_x, drawing, test_upright)
    return results


def drawn(results, x, drawing, upright):
    figure = plt.figure(figsize=(10, 3.8), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.5))
    ways = ("digit alone", "first upright, then digit", "both")
    beside = ["chance: accuracy", *(f"baseline: accuracy, {name}" for name in ("linear", "nearest of turned copies"))]
    axis, values = left.subplots(), [results[name] for name in (*beside, *(f"accuracy, {way}" for way in ways))]
    bars = axis.bar(["chance", "linear", "turned\ncopies", "digit\nalone", "first\nupright", "both\ntasks"], values,
                    color=["tab:gray"] * len(beside) + ["C0"] * len(ways))  # fmt: skip
    axis.bar_label(bars, fmt="%.2f")
    axis.tick_params(axis="x", labelsize="small")
    axis.set(ylim=(0, 1), ylabel="accuracy", title="Named, from few labels")
    axes = right.subplots(3, 8)
    for row, images, title in zip(axes, (x, drawing, upright), ("turned", "drawn", "upright"), strict=True):
        for cell, image in zip(row, images, strict=False):
            cell.imshow(image.reshape(8, 8), cmap="gray_r")
            cell.set(xticks=[], yticks=[])
        row[0].set_ylabel(title)
    right.suptitle("Drawn upright by the network of both tasks; digits never seen")
    picture("multi_task", figure)


if __name__ == "__main__":
    run(main)
