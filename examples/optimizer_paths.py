"""Six optimizers on one surface: a long valley with a saddle."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

from minigrad import Tensor
from nn.optim import SGD, Adagrad, Adam, RMSprop

PUBLISHED = "the picture is in the manner of Radford's, 2014"


def surface(x, y):
    """A saddle at 0, with a valley on each side."""
    return 0.5 * x**2 - 0.5 * y**2 + 0.05 * y**4


def main(steps=120):
    choices = {
        "SGD": lambda p: SGD(p, lr=0.05), "momentum": lambda p: SGD(p, lr=0.05, momentum=0.8),
        "Nesterov": lambda p: SGD(p, lr=0.05, momentum=0.8, nesterov=True), "AdaGrad": lambda p: Adagrad(p, lr=0.4),
        "RMSProp": lambda p: RMSprop(p, lr=0.05), "Adam": lambda p: Adam(p, lr=0.1),
    }  # fmt: skip
    figure, axis = plt.subplots(figsize=(7, 6))
    a, b = np.meshgrid(np.linspace(-2, 2, 200), np.linspace(-1, 3, 200))
    axis.contour(a, b, surface(a, b), levels=30, cmap="Greys")
    results = {}
    for name, make in choices.items():
        p = Tensor(np.array([-1.8, 0.01]), requires_grad=True)
        optimizer, path = make([p]), []
        for _ in range(steps):
            path.append(p.detach().numpy().copy())
            optimizer.zero_grad()
            surface(p[0], p[1]).backward()
            optimizer.step()
        path = np.array(path)
        axis.plot(*path.T, ".-", markersize=3, label=name)
        left = np.flatnonzero(path[:, 1] > 1)
        results[f"{name}: steps until it left the saddle"] = int(left[0]) if len(left) else f"not in {steps}"
    axis.legend()
    picture("optimizer_paths", figure)
    return results


if __name__ == "__main__":
    run(main)
