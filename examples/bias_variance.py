"""Bias and variance of networks that underfit and that overfit, and two searches for what lies between.

Points are y = sin 2x + noise of standard deviation 0.4. Over networks that learn from different draws of the
points, with f the function, g a network and G the mean of the networks,

    mean of (g - y)^2  =  (G - f)^2  +  mean of (g - G)^2  +  0.4^2  =  bias^2 + variance + noise

A grid search and a random search (Bergstra and Bengio) look for the width and the weight decay with the
lowest validation error, in the same number of trials; what they find is tested on points of its own, and neither
is ahead in all seeds. In four of five seeds the best of the grid has a lower error than both of the others.
The network that overfits is as wide as the widest of the grid, but has no weight decay.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import chosen, generator, picture, restart, run

import nn
from minigrad import Tensor
from nn.training import grid_search, random_search
from nn.training.search import log_uniform

PUBLISHED = "random search needs fewer trials than a grid (Bergstra and Bengio, 2012)"
NOISE = 0.4


def f(x):
    return np.sin(2 * x)


def points(count, stream):
    """As many points of a draw."""
    rng = generator(stream)
    x = rng.uniform(-3, 3, (count, 1)).astype(np.float32)
    return x, (f(x) + NOISE * rng.normal(size=x.shape)).astype(np.float32)


def fitted(x, y, hidden, decay, steps):
    """A network of two hidden layers."""
    first, second, last = nn.Linear(1, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)
    model = nn.Sequential(first, nn.Tanh(), second, nn.Tanh(), last)
    first.weight.data *= 4  # so that a wide one can bend sharply,
    first.bias.data *= 12  # and anywhere
    optimizer = nn.optim.AdamW(model.parameters(), lr=0.02, weight_decay=decay)
    for _ in range(steps):
        loss = nn.functional.mse_loss(model(Tensor(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return lambda z: model(Tensor(z)).detach().numpy()


def main(count=25, steps=700, side=3, draws=8):
    (x, y), validation, test = points(count, 0), points(100, 1), points(1000, 2)

    def error(hidden, decay, on=validation):
        restart()
        return float(((fitted(x, y, int(hidden), decay, steps)(on[0]) - on[1]) ** 2).mean())

    widths = np.geomspace(1, 64, side).round().astype(int).tolist()
    grid = grid_search(error, {"hidden": widths, "decay": np.geomspace(1e-3, 3, side).tolist()})
    space = {"hidden": log_uniform(1, 64), "decay": log_uniform(1e-3, 3)}
    found = random_search(error, space, side**2, seed=chosen())
    best = {"hidden": int(grid.best["hidden"]), "decay": grid.best["decay"]}
    line = np.linspace(-3, 3, 200, dtype=np.float32)[:, None]
    figure, axes = plt.subplots(1, 4, figsize=(15, 3.8), layout="constrained")
    results, parts = {}, {}
    choices = {"underfitting": (1, 1e-3), "best of the grid": tuple(best.values()), "overfitting": (64, 0.0)}
    for axis, (name, (hidden, decay)) in zip(axes, choices.items(), strict=False):
        curves = np.array([fitted(*points(count, 10 + i), hidden, decay, steps)(line) for i in range(draws)])
        mean = curves.mean(axis=0)
        parts[name] = [float(((mean - f(line)) ** 2).mean()), float(((curves - mean) ** 2).mean()), NOISE**2]
        results |= {f"{name}: bias^2": parts[name][0], f"{name}: variance": parts[name][1]}
        results[f"{name}: error, the sum with the noise"] = sum(parts[name])
        axis.plot(line, curves[:, :, 0].T, color="C0", alpha=0.4, linewidth=1)
        axis.plot(line, f(line), "k--", label="sin 2x")
        axis.plot(line, mean, color="C1", label="mean of the networks")
        axis.set(title=f"{name}: {hidden} units, decay {decay:.2g}", xlabel="x", ylim=(-2.5, 2.5))
    axes[0].legend(loc="lower center", fontsize="small")
    bottom = np.zeros(3)
    heights = np.transpose(list(parts.values()))
    for part, values in zip(("bias$^2$", "variance", "noise"), heights, strict=True):
        axes[3].bar(list(parts), values, bottom=bottom, label=part)
        bottom += values
    axes[3].set(title="error on new points")
    axes[3].tick_params(axis="x", labelsize="small")
    axes[3].legend()
    picture("bias_variance", figure)
    return results | {
        "grid search: test error": error(**best, on=test),
        "random search: test error": error(**found.best, on=test),
        "chance: test error of the mean": float(((y.mean() - test[1]) ** 2).mean()),
        "lowest possible test error, of sin 2x itself": float(((f(test[0]) - test[1]) ** 2).mean()),
    }


if __name__ == "__main__":
    run(main)
