"""Two tasks, one body: which digit is it, and by how much is it turned? Learned apart, and together."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

import minigrad
import nn
from minigrad import Tensor, no_grad

PUBLISHED = "Caruana, Multitask learning, 1997"


class Tasks(nn.Module):
    """A digit turned by some angle: what is it, and how far is it turned?"""

    def __init__(self):
        self.body = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(24, 48, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(768, 64),
            nn.ReLU(),
        )
        self.digit, self.angle = nn.Linear(64, 10), nn.Linear(64, 2)

    def forward(self, x):
        h = self.body(x)
        return self.digit(h), self.angle(h)


def main(epochs=60, examples=200):
    from scipy.ndimage import rotate

    rng = np.random.default_rng(0)
    images, labels = load_digits().images / 16, load_digits().target
    angles = rng.uniform(-60, 60, len(labels))
    x = np.array([rotate(image, a, reshape=False, order=1) for image, a in zip(images, angles, strict=True)], np.float32)[:, None]
    turned = np.stack([np.cos(np.deg2rad(angles)), np.sin(np.deg2rad(angles))], axis=1).astype(np.float32)
    order = rng.permutation(len(labels))
    train, test = order[:examples], order[examples:]
    results = {}
    for name, weights in (("digit alone", (1.0, 0.0)), ("angle alone", (0.0, 1.0)), ("both", (1.0, 1.0))):
        minigrad.random.manual_seed(0)
        draw, model = np.random.default_rng(0), Tasks()
        optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
        for _ in range(epochs):
            for rows in np.array_split(draw.permutation(train), examples // 32):
                digit, angle = model(Tensor(x[rows]))
                loss = weights[0] * nn.functional.cross_entropy(digit, labels[rows]) + weights[1] * 20 * nn.functional.mse_loss(
                    angle, Tensor(turned[rows])
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        with no_grad():
            digit, angle = (out.numpy() for out in model(Tensor(x[test])))
        if weights[0]:
            results[f"digits right, {name}"] = nn.metrics.accuracy(digit, labels[test])
        if weights[1]:
            results[f"mean error in degrees, {name}"] = float(
                np.abs(np.rad2deg(np.arctan2(angle[:, 1], angle[:, 0])) - angles[test]).mean()
            )
    figure, axis = plt.subplots(figsize=(5, 5))
    axis.plot(angles[test], np.rad2deg(np.arctan2(angle[:, 1], angle[:, 0])), ".")
    axis.set(xlabel="turned by", ylabel="said", title="both tasks at once")
    picture("multi_task", figure)
    return results


if __name__ == "__main__":
    run(main)
