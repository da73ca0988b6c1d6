"""Noisy gradients: each method at its best rate, without and with noise; Nesterov's momentum in two forms.

A long valley across the axes, f(x) = (a^2 + 100 b^2) / 2 with a = (x_1 + x_2) / sqrt 2 and b = (x_2 - x_1) /
sqrt 2, whose slope g is seen with normal noise added. With noise no method comes to rest at a constant rate:
its best rate is smaller, and one that falls helps. How much smaller differs: SGD and AdaGrad need a large rate to
arrive at all in so few steps, and lower theirs least, AdaGrad in some seeds not at all; momentum, which has steps to
spare, lowers it most. Rates are tuned for each method alike, half an octave apart, by the mean loss after the last
step of many runs.

    momentum      v_{t+1} = rho v_t + g(x_t),                      x_{t+1} = x_t - alpha v_{t+1}
    Nesterov      v_{t+1} = rho v_t - alpha g(x_t + rho v_t),      x_{t+1} = x_t + v_{t+1}
    the same, in  v_{t+1} = rho v_t - alpha g(y_t),                y_{t+1} = y_t - rho v_t + (1 + rho) v_{t+1}
    y_t = x_t + rho v_t
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run, six_methods

from minigrad import Tensor, grad
from nn.optim import SGD
from nn.optim.lr_scheduler import CosineAnnealingLR

PUBLISHED = "Polyak, 1964; Nesterov, 1983; the second form: Bengio, Boulanger-Lewandowski and Pascanu, 2013"
RATES = 2.0 ** np.arange(1.5, -11, -0.5)
METHODS = six_methods(rho=0.9)


def f(x):
    return ((x[..., 0] + x[..., 1]) ** 2 + 100 * (x[..., 1] - x[..., 0]) ** 2) / 4


def paths(make, rate, start, noise, falling=False):
    """Many runs side by side: where they are after each step, (steps + 1, runs, 2)."""
    p, steps = Tensor(start.copy(), requires_grad=True), len(noise)
    optimizer = make([p], float(rate))
    schedule = CosineAnnealingLR(optimizer, steps) if falling else None
    seen = [p.detach().numpy().copy()]
    for t in range(steps):
        optimizer.zero_grad()
        (f(p) + (Tensor(noise[t]) * p).sum(axis=1)).sum().backward()  # its slope is that of f, and the noise
        optimizer.step()
        if schedule:
            schedule.step()
        np.clip(p.data, -1e3, 1e3, out=p.data)  # what goes astray stays finite
        seen.append(p.detach().numpy().copy())
    return np.array(seen)


def tuned(make, start, noise, falling=False):
    """The lowest mean loss at the end, its rate, and the paths."""
    runs = [paths(make, rate, start, noise, falling) for rate in RATES]
    ends = [float(f(run[-1]).mean()) for run in runs]
    best = int(np.argmin(ends))
    return ends[best], float(RATES[best]), runs[best]


def two_forms(steps, rate=0.005, rho=0.9):
    """The largest difference between Nesterov's two forms, and between the second and nn's."""
    slope = grad(f)
    x, v = np.array([-2.0, -0.5]), np.zeros(2)
    y, w = x + rho * v, np.zeros(2)
    p = Tensor(y.copy(), requires_grad=True)
    optimizer, apart = SGD([p], lr=rate, momentum=rho, nesterov=True), [0.0, 0.0]
    for _ in range(steps):
        v = rho * v - rate * np.asarray(slope(x + rho * v))
        x = x + v
        old, w = w, rho * w - rate * np.asarray(slope(y))
        y = y - rho * old + (1 + rho) * w
        optimizer.zero_grad()
        f(p).backward()
        optimizer.step()
        apart = [max(apart[0], abs(x + rho * v - y).max()), max(apart[1], abs(p.detach().numpy() - y).max())]
    return [float(value) for value in apart]


def main(steps=120, runs=60, noise=4.0):
    rng, momentum = generator(), METHODS["momentum"]
    start, drawn = rng.uniform((-2.4, -0.7), (-1.6, -0.3), (runs, 2)), noise * rng.normal(size=(steps, runs, 2))
    kinds = 0 * drawn, drawn
    chosen = {name: [tuned(make, start, kind) for kind in kinds] for name, make in METHODS.items()}
    chosen["momentum, falling rate"] = [tuned(momentum, start, kind, True) for kind in kinds]
    draw(chosen, steps)
    results = {}
    for name, (clean, noisy) in chosen.items():
        results[f"{name}: loss without noise"], results[f"{name}: loss with noise"] = clean[0], noisy[0]
        results[f"{name}: best rates, without and with, ratio"] = clean[1] / noisy[1]
    edges = {RATES[0], RATES[-1]}
    results["best rates at an edge of the grid"] = sum(rate in edges for pair in chosen.values() for _, rate, _ in pair)
    apart = two_forms(steps)
    results["Nesterov's two forms differ at most by"] = apart[0]
    results["nn's and the second form differ at most by"] = apart[1]
    results["baseline: loss at the start"] = float(f(start).mean())
    return results


def draw(chosen, steps):
    """One path of each, and the mean loss of all runs."""
    figure, axes = plt.subplots(1, 3, figsize=(14, 4), width_ratios=[1, 1, 1.1], layout="constrained")
    a, b = np.meshgrid(np.linspace(-2.6, 0.6, 150), np.linspace(-2.5, 0.7, 150))
    levels = np.geomspace(0.3, 80, 8)
    for axis, which, title in ((axes[0], 0, "without noise"), (axes[1], 1, "with noise")):
        axis.contour(a, b, f(np.stack([a, b], -1)), levels=levels, colors="0.8", linewidths=0.8)
        for color, name in enumerate(chosen):
            if name in ("SGD", "momentum", "Adam", "momentum, falling rate"):
                axis.plot(*chosen[name][which][2][:, 0].T, ".-", color=f"C{color}", markersize=2, linewidth=0.8)
        axis.set(title=f"{title}, at the best rates", xlabel="$x_1$", ylabel="$x_2$")
        axis.set(xlim=(-2.6, 0.6), ylim=(-2.5, 0.7))
        axis.plot(0, 0, "k*", markersize=9, label="minimum" if which else None)
    for color, name in enumerate(chosen):
        axes[2].semilogy(f(chosen[name][1][2]).mean(axis=1), color=f"C{color}", linewidth=1, label=name)
    axes[2].set(title="mean loss of all runs, with noise", xlabel="step", ylabel="f", xlim=(0, steps))
    figure.legend(loc="outside right center")
    picture("gradient_noise", figure)


if __name__ == "__main__":
    run(main)
