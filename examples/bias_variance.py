"""Bias and variance: a grid search and a random search over how bendable a network is, and how smooth it must be."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import Tensor
from nn.training import grid_search, random_search
from nn.training.search import log_uniform

PUBLISHED = "random search needs fewer trials (Bergstra and Bengio, 2012)"


def main(points=30, steps=300, trials=12):
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, (points + 200, 1)).astype(np.float32)
    y = (np.sin(2 * x) + 0.3 * rng.normal(size=x.shape)).astype(np.float32)
    train, test = slice(0, points), slice(points, None)

    def fit(hidden, decay):
        model = nn.Sequential(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1))
        optimizer = nn.optim.AdamW(model.parameters(), lr=0.02, weight_decay=decay)
        for _ in range(steps):
            loss = nn.functional.mse_loss(model(Tensor(x[train])), Tensor(y[train]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return model, loss.item(), nn.functional.mse_loss(model(Tensor(x[test])), Tensor(y[test])).item()

    def test_error(hidden, decay):
        return fit(int(hidden), decay)[2]

    grid = grid_search(test_error, {"hidden": [1, 8, 64], "decay": [1e-4, 1e-1, 3.0]})
    found = random_search(test_error, {"hidden": log_uniform(1, 64), "decay": log_uniform(1e-4, 3)}, trials)
    print(grid, found, sep="\n\n")
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.5), sharey=True)
    line = np.linspace(-3, 3, 200, dtype=np.float32)[:, None]
    results = {}
    for axis, (name, hidden, decay) in zip(
        axes, (("too stiff", 1, 1e-4), ("best of the grid", *grid.best.values()), ("too bendable", 64, 1e-4)), strict=True
    ):
        model, seen, unseen = fit(hidden, decay)
        axis.plot(x[train], y[train], ".")
        axis.plot(line, model(Tensor(line)).detach().numpy())
        axis.set(title=f"{name}: {seen:.2f} seen, {unseen:.2f} unseen")
        results[f"{name}: error on seen, unseen"] = f"{seen:.3f}, {unseen:.3f}"
    picture("bias_variance", figure)
    return results | {"best error of grid and random search": f"{grid.ranked()[0][1]:.3f}, {found.ranked()[0][1]:.3f}"}


if __name__ == "__main__":
    run(main)
