"""Six optimizers leave a saddle for the bottom of a valley: at one common rate, and each at its own best.

The surface is f(x, y) = x^2 / 2 - y^2 / 2 + y^4 / 20: a saddle at (0, 0), and a minimum at y = +-sqrt(5). Each
start has its own: p is (x, y) turned by an angle and enlarged, and f is multiplied by a height. With g the
gradient:

    SGD         p <- p - alpha g
    momentum    v <- rho v + g,  p <- p - alpha v;   Nesterov: the gradient is taken a step ahead
    AdaGrad     s <- s + g^2,  p <- p - alpha g / sqrt(s)
    RMSProp     s <- rho s + (1 - rho) g^2,  p <- p - alpha g / sqrt(s)
    Adam        momentum over RMSProp's scale, both without the bias of their start at 0

Who is fastest depends on the rate: at a common one the picture says nothing. So each is given the same rates,
half an octave apart, and its best is the one with the lowest mean over many starts: on a single surface a first
step of the right length may jump to the minimum by luck. A rate must suit steep and flat, large and small ones.
The starts are close to the ridge. There AdaGrad is by far the fastest; Adam at its best rate is slower than SGD in all
seeds, but it is the one that arrives from the most rates and starts.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run, six_methods

from minigrad import Tensor

PUBLISHED = "the picture is in the manner of Radford's, 2014"
METHODS = six_methods(rho=0.8)
RATES = [float(rate) for rate in 2.0 ** np.arange(-9, 3, 0.5)]
COMMON = 2.0**-5


def surface(x, y):
    """A saddle at 0, with a valley on each side."""
    return 0.5 * x**2 - 0.5 * y**2 + 0.05 * y**4


def turned(p, angle, size):
    """The coordinates x and y of points (N, 2), turned back by angles (N,) and made smaller by sizes (N,)."""
    cos, sin = np.cos(angle) / size, np.sin(angle) / size
    return p[:, 0] * cos + p[:, 1] * sin, p[:, 1] * cos - p[:, 0] * sin


def path(make, rate, steps, start, angle, size, height):
    """Where an optimizer comes by from each start: x and y, (2, steps + 1, N)."""
    p = Tensor(np.stack(turned(start, -angle, 1 / size), axis=1), requires_grad=True)
    optimizer, seen = make([p], rate), [turned(p.detach().numpy(), angle, size)]
    for _ in range(steps):
        optimizer.zero_grad()
        (surface(*turned(p, angle, size)) * height).sum().backward()
        optimizer.step()
        np.clip(p.data, -20, 20, out=p.data)  # what goes astray stays finite
        seen.append(turned(p.detach().numpy(), angle, size))
    return np.array(seen).swapaxes(0, 1)


def arrival(seen):
    """The step from which on each run stays within 0.1 of a minimum; one more than there are where it does not."""
    away = np.hypot(seen[0], abs(seen[1]) - np.sqrt(5)) > 0.1
    return np.where(away.any(axis=0), len(away) - away[::-1].argmax(axis=0), 0)


def main(steps=150, starts=60):
    rng = generator()
    start = np.array([-1.8, 0.01]) * rng.uniform(0.5, 1.5, (starts, 2))  # nearly on the ridge
    own = rng.uniform(0, 2 * np.pi, starts), *2 ** rng.uniform(-1, 1, (2, starts))  # angles, sizes, heights
    paths = {name: [path(make, rate, steps, start, *own) for rate in RATES] for name, make in METHODS.items()}
    needed = {name: np.array([arrival(seen) for seen in several]) for name, several in paths.items()}
    means = {name: each.mean(axis=1) for name, each in needed.items()}
    best = {name: int(mean.argmin()) for name, mean in means.items()}
    draw(paths, means, best, steps)
    results = {}
    for name in METHODS:
        who = "baseline: SGD" if name == "SGD" else name
        results[f"{who}: mean steps at its best rate"] = float(means[name][best[name]])
        results[f"{who}: best rate"] = RATES[best[name]]
        results[f"{who}: share of the rates and starts that arrive"] = float((needed[name] <= steps).mean())
    return results


def draw(paths, means, best, steps):
    """The first start's paths, and the mean number of steps by rate."""
    figure, axes = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    a, b = np.meshgrid(np.linspace(-2.9, 2.5, 200), np.linspace(-3.3, 3.3, 200))
    for axis, title in zip(axes, (f"all at the rate {COMMON:.3f}", "each at its best rate"), strict=False):
        axis.contour(a, b, surface(a, b), levels=25, colors="0.85", linewidths=0.8)
        axis.set(title=f"{title}: one start", xlabel="x", ylabel="y", xlim=(-2.9, 2.5), ylim=(-3.3, 3.3))
    for name, several in paths.items():
        axes[0].plot(*several[RATES.index(COMMON)][:, :, 0], ".-", markersize=3, linewidth=1)
        axes[1].plot(*several[best[name]][:, :60, 0], ".-", markersize=3, linewidth=1)
        axes[2].loglog(RATES, np.where(means[name] < steps, means[name], np.nan), "o-", base=2, markersize=4, label=name)
    for axis in axes[:2]:
        axis.plot(0, 0, "kx", markersize=8, label="saddle" if axis is axes[0] else None)
        axis.plot([0, 0], [-np.sqrt(5), np.sqrt(5)], "k*", markersize=9, label="minima" if axis is axes[0] else None)
    axes[1].set_title("each at its best rate: 60 steps")
    axes[2].set(title="steps until it stays at a minimum: mean", xlabel="rate", ylabel="steps")
    figure.legend(loc="outside right center")
    picture("optimizer_paths", figure)


if __name__ == "__main__":
    run(main)
