"""Six optimizers leave a saddle for the bottom of a valley: at one common rate, and each at its own best.

The surface is f(x, y) = x^2 / 2 - y^2 / 2 + y^4 / 20: a saddle at (0, 0), and a minimum at y = +-sqrt(5).
With g the gradient:

    SGD         p <- p - alpha g
    momentum    v <- rho v + g,  p <- p - alpha v;   Nesterov: the gradient is taken a step ahead
    AdaGrad     s <- s + g^2,  p <- p - alpha g / sqrt(s)
    RMSProp     s <- rho s + (1 - rho) g^2,  p <- p - alpha g / sqrt(s)
    Adam        momentum over RMSProp's scale, both without the bias of their start at 0

Who is fastest depends on the rate: at a common one the picture says nothing. So each is given the same twelve
rates, and what counts is its best, and in how many of the twelve it arrives at all. The start is drawn, close
to the ridge y = 0.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run

from minigrad import Tensor
from nn.optim import SGD, Adagrad, Adam, RMSprop

PUBLISHED = "the picture is in the manner of Radford's, 2014"
METHODS = {
    "SGD": lambda p, rate: SGD(p, lr=rate),
    "momentum": lambda p, rate: SGD(p, lr=rate, momentum=0.8),
    "Nesterov": lambda p, rate: SGD(p, lr=rate, momentum=0.8, nesterov=True),
    "AdaGrad": lambda p, rate: Adagrad(p, lr=rate),
    "RMSProp": lambda p, rate: RMSprop(p, lr=rate),
    "Adam": lambda p, rate: Adam(p, lr=rate),
}
RATES = [float(rate) for rate in 2.0 ** np.arange(-9, 3)]
COMMON = 2.0**-5


def surface(x, y):
    """A saddle at 0, with a valley on each side."""
    return 0.5 * x**2 - 0.5 * y**2 + 0.05 * y**4


def path(make, rate, steps, start):
    """Where an optimizer comes by, (steps + 1, 2)."""
    p = Tensor(start.copy(), requires_grad=True)
    optimizer, seen = make([p], rate), [p.detach().numpy().copy()]
    for _ in range(steps):
        optimizer.zero_grad()
        surface(p[0], p[1]).backward()
        optimizer.step()
        np.clip(p.data, -10, 10, out=p.data)  # what goes astray stays finite
        seen.append(p.detach().numpy().copy())
    return np.array(seen)


def arrival(seen):
    """The step from which on it stays within 0.1 of a minimum; None where it does not."""
    away = np.hypot(seen[:, 0], abs(seen[:, 1]) - np.sqrt(5)) > 0.1
    return None if away[-1] else int(np.flatnonzero(away)[-1]) + 1


def main(steps=150):
    start = np.array([-1.8, 0.01]) * generator().uniform(0.5, 1.5, 2)  # nearly on the ridge
    paths = {name: [path(make, rate, steps, start) for rate in RATES] for name, make in METHODS.items()}
    needed = {name: [arrival(seen) for seen in several] for name, several in paths.items()}
    best = {name: min((n, i) for i, n in enumerate(row) if n is not None)[1] for name, row in needed.items()}
    figure, axes = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    a, b = np.meshgrid(np.linspace(-2, 2, 200), np.linspace(-0.7, 3.3, 200))
    for axis in axes[:2]:
        axis.contour(a, b, surface(a, b), levels=25, cmap="Greys", linewidths=0.7)
        axis.plot(0, 0, "kx", 0, np.sqrt(5), "k*", markersize=8)  # the saddle and a minimum
        axis.set(xlabel="x", ylabel="y", xlim=(-2, 2), ylim=(-0.7, 3.3))
    for name in METHODS:
        axes[0].plot(*paths[name][RATES.index(COMMON)].T, ".-", markersize=3, linewidth=1)
        axes[1].plot(*paths[name][best[name]].T, ".-", markersize=3, linewidth=1)
        axes[2].loglog(RATES, [np.nan if n is None else n for n in needed[name]], "o-", base=2, label=name)
    axes[0].set(title=f"all at the rate {COMMON:.3f}")
    axes[1].set(title="each at its best rate")
    axes[2].set(title=f"steps until it stays at a minimum, of {steps}", xlabel="rate", ylabel="steps")
    figure.legend(loc="outside right center")
    picture("optimizer_paths", figure)
    results = {f"{name}: steps at its best rate": needed[name][best[name]] for name in METHODS}
    results |= {f"{name}: best rate": RATES[best[name]] for name in METHODS}
    for name, row in needed.items():
        results[f"{name}: rates of {len(RATES)} at which it arrives"] = sum(n is not None for n in row)
    return results


if __name__ == "__main__":
    run(main)
